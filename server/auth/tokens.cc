// SPDX-License-Identifier: Apache-2.0
#include "server/auth/tokens.h"

#include <algorithm>

namespace linli::auth {
namespace {

constexpr std::size_t kPayloadBytes = 1 + 16 + 16 + 8 + 8;
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kApiKeySecretAt = kApiKeyPrefix.size() + 33;

Instant read_instant(ByteView in) {
  return from_unix_ms(static_cast<std::int64_t>(read_u64be(in)));
}

}  // namespace

TokenClaims Tokens::make_claims(TokenKind kind, const sync::AccountId& account,
                                const sync::Cid& cid, Instant now) const {
  const auto life = [kind]() -> Millis {
    switch (kind) {
      case TokenKind::device: return kDeviceTokenLife;
      case TokenKind::elevated: return kElevatedIdle;
      case TokenKind::local: return kLocalTokenLife;
    }
    return Millis{0};
  };
  return {kind, account, cid, now, now + life()};
}

std::string Tokens::encode(const TokenClaims& claims) const {
  std::string out(1, static_cast<char>(claims.kind));
  out += as_text(claims.account.raw().bytes);
  out += as_text(claims.cid.raw().bytes);
  append_u64be(out, static_cast<std::uint64_t>(to_unix_ms(claims.since)));
  append_u64be(out, static_cast<std::uint64_t>(to_unix_ms(claims.expires)));
  out += as_text(keyed_hash(key_, as_bytes(out)));
  return to_base64url(as_bytes(out));
}

Result<TokenClaims> Tokens::decode(std::string_view token, Instant now) const {
  const auto raw = from_base64url(token);
  if (!raw || raw->size() != kPayloadBytes + kMacBytes)
    return fail(Errc::unauthenticated, "token has the wrong form");
  const ByteView payload = as_bytes(*raw).first(kPayloadBytes);
  if (!constant_time_equal(keyed_hash(key_, payload), as_bytes(*raw).subspan(kPayloadBytes)))
    return fail(Errc::unauthenticated, "token was not made here");
  TokenClaims out;
  out.kind = static_cast<TokenKind>(payload[0]);
  out.account = sync::AccountId{Id128::of(payload.subspan(1, 16))};
  out.cid = sync::Cid{Id128::of(payload.subspan(17, 16))};
  out.since = read_instant(payload.subspan(33, 8));
  out.expires = read_instant(payload.subspan(41, 8));
  if (now >= out.expires) return fail(Errc::expired, "token");
  return out;
}

std::optional<TokenClaims> Tokens::renewed(const TokenClaims& claims, Instant now) const {
  if (claims.kind != TokenKind::elevated) return std::nullopt;
  const Instant last = claims.since + kElevatedLife;
  const Instant next = std::min<Instant>(now + kElevatedIdle, last);
  if (next <= claims.expires || claims.expires - now > kElevatedIdle * 2 / 3) return std::nullopt;
  TokenClaims out = claims;
  out.expires = next;
  return out;
}

Result<void> check_still_valid(const IdentityBook& book, const TokenClaims& claims) {
  const auto device = book.device(claims.cid);
  if (!device || device->revoked || device->account != claims.account)
    return fail(Errc::revoked, "device");
  if (!book.is_active(claims.account)) return fail(Errc::revoked, "account");
  return {};
}

std::string make_api_key(const sync::AccountId& id, ByteView secret) {
  return std::string(kApiKeyPrefix) + id.raw().hex() + "_" + to_base64url(secret);
}

std::string api_key_hash(const ServerKeys& keys, std::string_view key) {
  return keys.hash_of("linli.api_key.1", key);
}

Result<sync::AccountId> check_api_key(const ServerKeys& keys, const IdentityBook& book,
                                      std::string_view key, Instant now) {
  if (!key.starts_with(kApiKeyPrefix) || key.size() <= kApiKeySecretAt)
    return fail(Errc::unauthenticated, "API key has the wrong form");
  const auto id = Id128::parse(key.substr(kApiKeyPrefix.size(), 32));
  if (!id) return fail(Errc::unauthenticated, "API key has the wrong form");
  const auto known = book.api_key(sync::AccountId{*id});
  const std::string hash = api_key_hash(keys, key);
  if (!known || !constant_time_equal(as_bytes(known->hash), as_bytes(hash)))
    return fail(Errc::unauthenticated, "API key");
  if (!known->active) return fail(Errc::revoked, "API key");
  if (known->expires != 0 && to_unix_ms(now) >= known->expires)
    return fail(Errc::expired, "API key");
  return sync::AccountId{*id};
}

}  // namespace linli::auth
