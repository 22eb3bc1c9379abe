// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "notify/channel.h"
#include "server/net/openssl_signer.h"

/// What every test of a channel constructs it from.
namespace linli::test {

/// 2026-07-21 08:00:00 UTC.
inline constexpr Instant kMorning = from_unix_ms(1'784'620'800'000);

/// Files by name.
class MemorySecrets final : public notify::SecretReader {
 public:
  std::map<std::string, std::string> files;
  [[nodiscard]] Result<std::string> read(const std::string& path) const override {
    const auto found = files.find(path);
    if (found == files.end()) return fail(Errc::io, "no file " + path);
    return found->second;
  }
};

struct ChannelParts {
  ManualClock clock{kMorning};
  SeededRng rng{7};
  MemorySecrets secrets;
  net::OpensslSigner signer;

  [[nodiscard]] notify::AdapterParts with(Json settings) {
    return {.name = "test",
            .settings = std::move(settings),
            .rng = &rng,
            .clock = &clock,
            .secrets = &secrets,
            .signer = &signer};
  }
};

/// The actions of one kind, in order.
template <class Kind>
std::vector<Kind> all_of(const notify::Actions& actions) {
  std::vector<Kind> out;
  for (const notify::Action& action : actions)
    if (const auto* found = std::get_if<Kind>(&action)) out.push_back(*found);
  return out;
}

}  // namespace linli::test
