// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/crypto.h"

namespace linli::auth {

/// What a community's server alone knows: its Ed25519 key and one 32-byte secret, from which a key
/// is derived for each use. A file beside the database, so the database alone opens nothing.
/// Threads: any; constant after construction.
class ServerKeys {
 public:
  /// For tests and `init`.
  static ServerKeys generate(Rng& rng);
  /// Reads `file`, or makes it with mode 0600.
  /// Errors: corrupt; forbidden when others may read the file; io.
  static Result<ServerKeys> load_or_create(const std::filesystem::path& file, Rng& rng);

  [[nodiscard]] const KeyPair& pair() const { return pair_; }
  /// First 16 bytes of SHA-256(public key).
  [[nodiscard]] const Id128& server_id() const { return server_id_; }
  /// 32 bytes for one purpose.
  [[nodiscard]] Secret derive(std::string_view purpose) const;
  /// What is stored instead of a code, secret or API key: 64 hex digits.
  [[nodiscard]] std::string hash_of(std::string_view purpose, std::string_view text) const;

 private:
  ServerKeys(KeyPair pair, Secret secret);

  KeyPair pair_;
  Secret secret_;
  Id128 server_id_;
};

}  // namespace linli::auth
