// SPDX-License-Identifier: Apache-2.0
#include "server/auth/rate_limiter.h"

namespace linli::auth {

TokenBucket RateLimiter::tries_of(std::string_view name, MonoTime now) const {
  const auto found = index_.find(name);
  return found == index_.end() ? TokenBucket(limit_, now) : found->second->tries;
}

TokenBucket& RateLimiter::fresh(std::string_view name, MonoTime now) {
  const auto found = index_.find(name);
  if (found != index_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
    return buckets_.front().tries;
  }
  if (buckets_.size() >= names_max_) {
    index_.erase(buckets_.back().name);
    buckets_.pop_back();
  }
  buckets_.push_front({std::string(name), TokenBucket(limit_, now)});
  index_.emplace(buckets_.front().name, buckets_.begin());
  return buckets_.front().tries;
}

bool RateLimiter::take(std::string_view name, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  return fresh(name, now).take(1, now);
}

void RateLimiter::give_back(std::string_view name, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  fresh(name, now).give_back(1, now);
}

bool RateLimiter::has_some(std::string_view name, MonoTime now) const {
  const std::scoped_lock lock(mutex_);
  return tries_of(name, now).level(now) >= 1;
}

std::chrono::milliseconds RateLimiter::wait(std::string_view name, MonoTime now) const {
  const std::scoped_lock lock(mutex_);
  return tries_of(name, now).wait(1, now);
}

std::size_t RateLimiter::names() const {
  const std::scoped_lock lock(mutex_);
  return buckets_.size();
}

}  // namespace linli::auth
