// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "server/auth/identity_book.h"
#include "server/auth/server_keys.h"

namespace linli::auth {

/// Decision B7; a stolen token dies soon and is renewed with the device key.
inline constexpr std::chrono::minutes kDeviceTokenLife{10};
/// Passphrase and TOTP hold this long without a call ...
inline constexpr std::chrono::minutes kElevatedIdle{15};
/// ... and a working day at most.
inline constexpr std::chrono::hours kElevatedLife{8};

/// `linlid admin` makes one for each call of a running server, by the same machine's clock.
inline constexpr std::chrono::minutes kLocalTokenLife{1};

// WIRE: never renumber
enum class TokenKind : std::uint8_t {
  device = 1,
  elevated = 2,
  /// Whoever has the server's key, which is the operator: no account and no device. Only for the
  /// endpoints of the gateway, where it acts as the system.
  local = 3,
};

struct TokenClaims {
  TokenKind kind = TokenKind::device;
  sync::AccountId account;
  sync::Cid cid;
  /// When the passphrase was given, or the device signed.
  Instant since{};
  Instant expires{};
};

/// Stateless tokens: base64url(49-byte payload || 32-byte MAC). Nothing is stored; the device and
/// the account are looked up at each call.
/// Threads: any.
class Tokens {
 public:
  explicit Tokens(const ServerKeys& keys) : key_(keys.derive("linli.token.mac.1")) {}

  [[nodiscard]] TokenClaims make_claims(TokenKind kind, const sync::AccountId& account,
                                        const sync::Cid& cid, Instant now) const;
  [[nodiscard]] std::string encode(const TokenClaims& claims) const;
  /// Errors: unauthenticated (not ours or changed), expired.
  [[nodiscard]] Result<TokenClaims> decode(std::string_view token, Instant now) const;
  /// A fresh elevated token once a third of the idle time has passed; nothing when it need not or
  /// must not live longer.
  [[nodiscard]] std::optional<TokenClaims> renewed(const TokenClaims& claims, Instant now) const;

 private:
  const Secret key_;
};

/// The device still exists, belongs to the account and is not revoked; the account is active.
/// Errors: revoked.
Result<void> check_still_valid(const IdentityBook& book, const TokenClaims& claims);

/// An integration's key is `llk_` + 32 hex digits of its account + `_` + base64url of 32 bytes.
inline constexpr std::string_view kApiKeyPrefix = "llk_";
std::string make_api_key(const sync::AccountId& id, ByteView secret);
/// What `api_key.hash` holds.
std::string api_key_hash(const ServerKeys& keys, std::string_view key);
/// Errors: unauthenticated, revoked, expired.
Result<sync::AccountId> check_api_key(const ServerKeys& keys, const IdentityBook& book,
                                      std::string_view key, Instant now);

}  // namespace linli::auth
