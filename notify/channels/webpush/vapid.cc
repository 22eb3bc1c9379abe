// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/webpush/vapid.h"

#include "base/bytes.h"
#include "base/json.h"

namespace linli::notify::webpush {
namespace {

/// {"typ":"JWT","alg":"ES256"}
constexpr std::string_view kHeader = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9";

/// A name under some top-level domain; "localhost" and addresses are not.
bool is_public_name(std::string_view host) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
  const std::size_t dot = host.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == host.size()) return false;
  const bool is_address = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return !is_address && host.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_plain(std::string_view text) {
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7f || c == '<' || c == '>' || c == '"') return false;
  return true;
}

}  // namespace

bool is_contact(std::string_view text) {
  constexpr std::string_view kMail = "mailto:";
  constexpr std::string_view kWeb = "https://";
  if (!is_plain(text)) return false;
  if (text.starts_with(kMail)) {
    const std::string_view mailbox = text.substr(kMail.size());
    const std::size_t at = mailbox.find('@');
    return at != std::string_view::npos && at > 0 && is_public_name(mailbox.substr(at + 1));
  }
  if (!text.starts_with(kWeb)) return false;
  const std::string_view rest = text.substr(kWeb.size());
  return is_public_name(rest.substr(0, rest.find_first_of("/?#:")));
}

Vapid::Vapid(std::unique_ptr<P256Key> key, std::string contact)
    : key_(std::move(key)), contact_(std::move(contact)), public_key_(to_base64url(key_->pub())) {}

Result<std::string> Vapid::authorization(const std::string& origin, Instant now) {
  if (const auto found = tokens_.find(origin); found != tokens_.end()) {
    const Millis left = found->second.expires - now;
    used_.splice(used_.begin(), used_, found->second.used);
    // A clock set back leaves a token that is valid for too long.
    if (left >= kLeftMin && left <= kLifetime) return found->second.value;
    LINLI_TRY(found->second.value, sign(origin, now + kLifetime));
    found->second.expires = now + kLifetime;
    return found->second.value;
  }
  LINLI_TRY(std::string value, sign(origin, now + kLifetime));
  if (tokens_.size() >= kOriginsMax) {
    tokens_.erase(used_.back());
    used_.pop_back();
  }
  used_.push_front(origin);
  const auto added =
      tokens_.emplace(origin, Token{std::move(value), now + kLifetime, used_.begin()});
  return added.first->second.value;
}

Result<std::string> Vapid::sign(const std::string& origin, Instant expires) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(expires).time_since_epoch().count();
  const Json claims = {{"aud", origin}, {"exp", seconds}, {"sub", contact_}};
  std::string token = std::string(kHeader) + "." + to_base64url(as_bytes(dump_json(claims)));
  LINLI_TRY(const Es256Signature signature, key_->sign(as_bytes(token)));
  token += "." + to_base64url(signature);
  return "vapid t=" + token + ", k=" + public_key_;
}

}  // namespace linli::notify::webpush
