// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/signer.h"

namespace linli::notify::webpush {

/// Whether push services take it as the claim `sub`: a mailto: with a mailbox at a name with a dot,
/// or an https: URL at such a name. Apple answers 403 BadJwtToken to anything else.
bool is_contact(std::string_view text);

/// Who we are to push services (RFC 8292). Threads: one.
class Vapid {
 public:
  /// RFC 8292 §2 allows 24 h; the rest is for clocks that disagree.
  static constexpr std::chrono::hours kLifetime{12};
  /// A token is renewed when less than this is left, so each serves 11 h.
  static constexpr std::chrono::hours kLeftMin{1};
  /// Origins are told by browsers; more than the handful of real ones would be mischief.
  static constexpr std::size_t kOriginsMax = 256;

  /// `contact` passed is_contact().
  Vapid(std::unique_ptr<P256Key> key, std::string contact);

  /// The key that pages subscribe with, in base64url; another one ends every subscription.
  [[nodiscard]] const std::string& public_key() const { return public_key_; }
  /// Value of `Authorization` for `origin`. Errors: internal.
  Result<std::string> authorization(const std::string& origin, Instant now);

 private:
  struct Token {
    std::string value;
    Instant expires;
    std::list<std::string>::iterator used;
  };
  [[nodiscard]] Result<std::string> sign(const std::string& origin, Instant expires) const;

  // Constant after construction.
  std::unique_ptr<P256Key> key_;
  std::string contact_;
  std::string public_key_;

  /// Newest first.
  std::list<std::string> used_;
  std::map<std::string, Token, std::less<>> tokens_;
};

}  // namespace linli::notify::webpush
