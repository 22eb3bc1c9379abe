// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/token_bucket.h"

namespace linli::auth {

/// Wrong slip codes of one door (decision M23).
inline constexpr RateLimit kHouseholdTries{5, std::chrono::hours(1)};
/// Wrong slip codes in a community; then the typed path rests and QR goes on (decision M23).
inline constexpr RateLimit kCommunityTries{100, std::chrono::hours(1)};
/// Enrolment calls of one address: a stairwell behind one router enrols in an evening.
inline constexpr RateLimit kRemoteEnrol{60, std::chrono::minutes(10)};
/// Token calls of one address: a mobile operator hides thousands of phones behind one.
inline constexpr RateLimit kRemoteToken{600, std::chrono::minutes(1)};
/// Openings of acknowledging links from one address: a mobile operator hides many phones behind it,
/// and 128 bits are not guessed.
inline constexpr RateLimit kRemoteLink{600, std::chrono::minutes(1)};
/// Wrong passphrases or codes of one account, then it rests.
inline constexpr RateLimit kElevateTries{5, std::chrono::minutes(15)};
/// API calls of one account or key.
inline constexpr RateLimit kAccountCalls{600, std::chrono::minutes(1)};

/// Token buckets by name, all of one limit. Memory is bounded: a bucket that is full again is the
/// same as none, and beyond `names_max` the one that was used longest ago is forgotten.
/// Threads: any.
class RateLimiter {
 public:
  explicit RateLimiter(RateLimit limit, std::size_t names_max = 20'000)
      : limit_(limit), names_max_(names_max) {}

  /// Takes one try. False = none left.
  bool take(std::string_view name, MonoTime now);
  /// Gives one back: the try turned out to be right.
  void give_back(std::string_view name, MonoTime now);
  /// Whether take() would succeed.
  [[nodiscard]] bool has_some(std::string_view name, MonoTime now) const;
  /// Until the next try; zero when there is one.
  [[nodiscard]] std::chrono::milliseconds wait(std::string_view name, MonoTime now) const;
  [[nodiscard]] std::size_t names() const;

 private:
  struct Bucket {
    std::string name;
    TokenBucket tries;
  };
  /// Full when the name is not known.
  [[nodiscard]] TokenBucket tries_of(std::string_view name, MonoTime now) const;
  TokenBucket& fresh(std::string_view name, MonoTime now);

  // Constant after construction.
  const RateLimit limit_;
  const std::size_t names_max_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  /// Most recently used first.
  std::list<Bucket> buckets_;
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> index_;
};

}  // namespace linli::auth
