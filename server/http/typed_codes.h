// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

#include "server/http/site.h"

namespace linli::http {

/// Typed codes rest this long when the community's tries are used up (decision M23).
inline constexpr std::chrono::hours kTypedCodesRest{1};
/// The desk could not be told (full queue, full disk): the next refused code tries again then.
inline constexpr std::chrono::seconds kTellAgain{10};

/// How often codes may be typed: 8 digits can be guessed, a QR secret cannot (decision M23). Wrong
/// codes are counted here at once and in the store durably. When the community's are used up, the
/// typed path rests for all and the desk is told, with one mutation for one rest: whoever types on
/// must not make the writer busy. Threads: any.
class TypedCodes {
 public:
  explicit TypedCodes(const SiteParts& parts) : parts_(parts) {}

  /// Takes one try of the door and of the community. Errors: rate_limited.
  Result<void> take(const std::string& door);
  /// The try was no wrong code.
  void give_back(const std::string& door);
  /// A wrong one, for a known household or none: counted durably.
  void count_wrong(const std::string& household);
  /// The store counted enough: they rest until then.
  void rest(Instant until);
  /// How long they still rest.
  [[nodiscard]] Millis rest_left();

 private:
  void tell_desk();

  const SiteParts& parts_;
  auth::RateLimiter doors_{auth::kHouseholdTries};
  auth::RateLimiter community_{auth::kCommunityTries};

  // Guarded by mutex_.
  std::mutex mutex_;
  Instant rests_until_{};
  bool is_desk_told_ = false;
  Instant tell_again_{};
};

}  // namespace linli::http
