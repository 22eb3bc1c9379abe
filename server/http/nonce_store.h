// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/rng.h"

namespace linli::http {

/// Values behind one-time names that only this server knows. Bounded: beyond `count_max` the oldest
/// is forgotten, and its owner starts again.
/// Threads: any.
template <class T>
class NonceStore {
 public:
  static constexpr std::size_t kNonceBytes = 16;

  NonceStore(std::size_t count_max, std::chrono::milliseconds life)
      : count_max_(count_max), life_(life) {}

  /// Returns: raw bytes of the new name.
  std::string add(T value, MonoTime now, Rng& rng) {
    std::string nonce(kNonceBytes, '\0');
    rng.fill({reinterpret_cast<std::uint8_t*>(nonce.data()), nonce.size()});
    const std::scoped_lock lock(mutex_);
    while (!order_.empty() && (order_.size() >= count_max_ || order_.front().first <= now)) {
      values_.erase(order_.front().second);
      order_.pop_front();
    }
    order_.emplace_back(now + life_, nonce);
    values_.emplace(nonce, Held{std::move(value), now + life_});
    return nonce;
  }

  /// Removes it. Nothing when unknown, taken or expired.
  std::optional<T> take(const std::string& nonce, MonoTime now) {
    const std::scoped_lock lock(mutex_);
    const auto found = values_.find(nonce);
    if (found == values_.end() || found->second.expires <= now) return std::nullopt;
    T out = std::move(found->second.value);
    values_.erase(found);
    return out;
  }

  /// Calls `use(T&)` under the lock. False when unknown, taken or expired.
  template <class Use>
  bool with(const std::string& nonce, MonoTime now, Use&& use) {
    const std::scoped_lock lock(mutex_);
    const auto found = values_.find(nonce);
    if (found == values_.end() || found->second.expires <= now) return false;
    use(found->second.value);
    return true;
  }

  [[nodiscard]] std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return order_.size();
  }
  [[nodiscard]] std::chrono::milliseconds life() const { return life_; }

 private:
  struct Held {
    T value;
    MonoTime expires;
  };
  // Constant after construction.
  const std::size_t count_max_;
  const std::chrono::milliseconds life_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::deque<std::pair<MonoTime, std::string>> order_;
  std::map<std::string, Held> values_;
};

}  // namespace linli::http
