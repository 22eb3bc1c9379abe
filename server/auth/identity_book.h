// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/crypto.h"
#include "sync/engine/commit.h"
#include "sync/engine/store_port.h"

/// Devices, accounts and API keys in memory, so that a sign-in storm costs no query.
namespace linli::auth {

struct KnownDevice {
  sync::AccountId account;
  PublicKey pub{};
  bool revoked = false;
  /// Own new phone: what it made until `revoked_at` is taken for kHandOver (ENR-10).
  bool replaced = false;
  Instant revoked_at{};
};
struct HeldRole {
  std::string role;
  /// Area node.
  std::string scope;
};
struct KnownAccount {
  bool active = false;
  std::vector<HeldRole> roles;
};
struct KnownApiKey {
  /// keyed_hash of the whole key, hex.
  std::string hash;
  std::vector<std::string> scopes;
  bool active = false;
  /// Unix ms; 0 = never.
  std::int64_t expires = 0;
};

/// Rows `device` {account, pub, state}, `account` {roles, state} and `api_key` {hash, scopes,
/// state, expires} as of the newest commit seen.
/// Threads: any; on_commit() in commit order.
class IdentityBook {
 public:
  /// Told for each device that is seen revoked, at load and later, and again when a replaced one
  /// turns out to be lost; for the revocation log.
  using OnRevoked = std::function<void(const sync::Cid& cid, const KnownDevice& device)>;

  explicit IdentityBook(OnRevoked on_revoked = nullptr) : on_revoked_(std::move(on_revoked)) {}

  /// Reads the three tables. Errors: io, corrupt.
  Result<void> load(sync::StoreReader& reader);
  void on_commit(const sync::Commit& commit);

  [[nodiscard]] std::optional<KnownDevice> device(const sync::Cid& cid) const;
  [[nodiscard]] std::optional<KnownAccount> account(const sync::AccountId& id) const;
  [[nodiscard]] std::optional<KnownApiKey> api_key(const sync::AccountId& id) const;
  /// The account is active and holds `role` in any scope.
  [[nodiscard]] bool has_role(const sync::AccountId& id, std::string_view role) const;
  [[nodiscard]] bool is_active(const sync::AccountId& id) const;

 private:
  Result<void> load_table(sync::StoreReader& reader, const std::string& tbl);
  /// `row` null = deleted.
  void put(std::string_view tbl, std::string_view key, const Json* row);
  void put_device(const sync::Cid& cid, const Json* row);

  // Constant after construction.
  const OnRevoked on_revoked_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::unordered_map<sync::Cid, KnownDevice> devices_;
  std::unordered_map<sync::AccountId, KnownAccount> accounts_;
  std::unordered_map<sync::AccountId, KnownApiKey> keys_;
};

}  // namespace linli::auth
