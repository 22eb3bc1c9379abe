// SPDX-License-Identifier: Apache-2.0
#include "server/auth/server_keys.h"

#include <array>

#include <sys/stat.h>

#include "server/auth/files.h"

namespace linli::auth {
namespace {

// DISK: "linli-server-key 1\n" + hex seed + "\n" + hex secret + "\n".
constexpr std::string_view kMagic = "linli-server-key 1\n";
constexpr std::size_t kHexLine = 65;

Result<ServerKeys> broken(const std::filesystem::path& file) {
  return fail(Errc::corrupt, file.string() + " is not a server key; restore it from a backup");
}

Result<std::string> line_at(const std::string& text, std::size_t at) {
  if (text[at + kHexLine - 1] != '\n') return fail(Errc::corrupt);
  return from_hex(std::string_view(text).substr(at, kHexLine - 1));
}

}  // namespace

ServerKeys::ServerKeys(KeyPair pair, Secret secret)
    : pair_(std::move(pair)),
      secret_(std::move(secret)),
      server_id_(Id128::of(ByteView(sha256(pair_.pub())).first(16))) {}

ServerKeys ServerKeys::generate(Rng& rng) {
  std::string secret(32, '\0');
  rng.fill({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
  return {KeyPair::generate(rng), Secret(std::move(secret))};
}

Result<ServerKeys> ServerKeys::load_or_create(const std::filesystem::path& file, Rng& rng) {
  LINLI_TRY(const auto content, read_file(file));
  if (!content) {
    const ServerKeys made = generate(rng);
    std::string text(kMagic);
    text += to_hex(made.pair_.seed().view()) + "\n" + to_hex(made.secret_.view()) + "\n";
    const auto written = create_private_file(file, text);
    // Another process was faster: its key counts.
    if (!written && written.error().code == Errc::conflict) return load_or_create(file, rng);
    if (!written) return std::unexpected(written.error());
    return made;
  }
  struct stat info{};
  if (::stat(file.c_str(), &info) == 0 && (info.st_mode & 0077) != 0)
    return fail(Errc::forbidden, "others may read " + file.string() + "; run: chmod 600");
  if (content->size() != kMagic.size() + 2 * kHexLine || !content->starts_with(kMagic))
    return broken(file);
  const auto seed = line_at(*content, kMagic.size());
  auto secret = line_at(*content, kMagic.size() + kHexLine);
  if (!seed || !secret) return broken(file);
  LINLI_TRY(KeyPair pair, KeyPair::from_seed(as_bytes(*seed)));
  return ServerKeys(std::move(pair), Secret(std::move(*secret)));
}

Secret ServerKeys::derive(std::string_view purpose) const {
  return Secret(std::string(as_text(keyed_hash(secret_, as_bytes(purpose)))));
}

std::string ServerKeys::hash_of(std::string_view purpose, std::string_view text) const {
  return to_hex(keyed_hash(derive(purpose), as_bytes(text)));
}

}  // namespace linli::auth
