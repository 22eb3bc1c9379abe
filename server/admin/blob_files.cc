// SPDX-License-Identifier: Apache-2.0
#include "server/admin/blob_files.h"

#include "base/crypto.h"
#include "base/json.h"
#include "server/auth/files.h"

namespace linli::admin {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlobNameDigits = 64;
constexpr std::size_t kBlobPageRows = 1000;

Result<void> make_private_folder(const fs::path& folder) {
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec) return fail(Errc::io, folder.string() + ": " + ec.message());
  fs::permissions(folder, fs::perms::owner_all, ec);
  return {};
}

}  // namespace

Result<std::size_t> copy_blobs(const fs::path& from, const fs::path& to) {
  std::size_t copied = 0;
  std::error_code ec;
  if (!fs::exists(from, ec)) return copied;
  auto entry = fs::recursive_directory_iterator(from, ec);
  for (; !ec && entry != fs::recursive_directory_iterator(); entry.increment(ec)) {
    const fs::path& file = entry->path();
    const std::string name = file.filename().string();
    const fs::path target = to / name.substr(0, 2) / name;
    if (name.size() != kBlobNameDigits || fs::exists(target)) continue;
    LINLI_TRY(const auto bytes, auth::read_file(file));
    if (!bytes) continue;  // it was just forgotten
    LINLI_CHECK(make_private_folder(target.parent_path()));
    LINLI_CHECK(auth::create_private_file(target, *bytes));
    ++copied;
  }
  if (ec) return fail(Errc::io, from.string() + ": " + ec.message());
  return copied;
}

Result<void> check_blobs(sync::StoreReader& reader, const fs::path& folder,
                         std::vector<ModelFinding>& findings) {
  std::string after;
  for (;;) {
    LINLI_TRY(const auto rows, reader.table("blob", after, kBlobPageRows));
    for (const auto& [sha, stored] : rows) {
      after = sha;
      LINLI_TRY(const Json row, parse_json(*stored.data));
      LINLI_TRY(const auto bytes, auth::read_file(folder / sha.substr(0, 2) / sha));
      if (!bytes) {
        findings.push_back({"blob_missing", "blob", sha, "the file is not there"});
      } else if (static_cast<std::int64_t>(bytes->size()) != json_int(row, "bytes") ||
                 to_hex(sha256(as_bytes(*bytes))) != sha) {
        findings.push_back({"blob_damaged", "blob", sha, "the file has another sum"});
      }
    }
    if (rows.size() < kBlobPageRows) return {};
  }
}

}  // namespace linli::admin
