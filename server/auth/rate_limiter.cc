// SPDX-License-Identifier: Apache-2.0
#include "server/auth/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace linli::auth {

double RateLimiter::tries_at(const Bucket& bucket, MonoTime now) const {
  const auto passed = static_cast<double>(std::max(now - bucket.at, MonoTime{0}).count());
  const double refilled = passed * limit_.burst / static_cast<double>(limit_.period.count());
  return std::min(limit_.burst, bucket.tries + refilled);
}

double RateLimiter::tries_of(std::string_view name, MonoTime now) const {
  const auto found = index_.find(name);
  return found == index_.end() ? limit_.burst : tries_at(*found->second, now);
}

RateLimiter::Bucket& RateLimiter::fresh(std::string_view name, MonoTime now) {
  const auto found = index_.find(name);
  if (found != index_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
    Bucket& bucket = buckets_.front();
    bucket.tries = tries_at(bucket, now);
    bucket.at = std::max(bucket.at, now);
    return bucket;
  }
  if (buckets_.size() >= names_max_) {
    index_.erase(buckets_.back().name);
    buckets_.pop_back();
  }
  buckets_.push_front({std::string(name), limit_.burst, now});
  index_.emplace(buckets_.front().name, buckets_.begin());
  return buckets_.front();
}

bool RateLimiter::take(std::string_view name, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  Bucket& bucket = fresh(name, now);
  if (bucket.tries < 1) return false;
  bucket.tries -= 1;
  return true;
}

void RateLimiter::give_back(std::string_view name, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  Bucket& bucket = fresh(name, now);
  bucket.tries = std::min(limit_.burst, bucket.tries + 1);
}

bool RateLimiter::has_some(std::string_view name, MonoTime now) const {
  const std::scoped_lock lock(mutex_);
  return tries_of(name, now) >= 1;
}

std::chrono::milliseconds RateLimiter::wait(std::string_view name, MonoTime now) const {
  const std::scoped_lock lock(mutex_);
  const double missing = 1 - tries_of(name, now);
  if (missing <= 0) return std::chrono::milliseconds{0};
  const double each = static_cast<double>(limit_.period.count()) / limit_.burst;
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::ceil(missing * each))};
}

std::size_t RateLimiter::names() const {
  const std::scoped_lock lock(mutex_);
  return buckets_.size();
}

}  // namespace linli::auth
