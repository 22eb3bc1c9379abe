// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "notify/channels/webpush/encryption.h"

namespace linli::notify::webpush {

/// One-time keys of subscriptions that were sent to, made while nothing is being sent: in the
/// minute of an alarm a message then costs an AES-GCM instead of two point multiplications.
/// Threads: one.
class KeyCache {
 public:
  /// About 400 bytes each; the largest community of one machine has fewer browsers.
  static constexpr std::size_t kSubscriptionsMax = 16 * 1024;

  explicit KeyCache(std::size_t subscriptions_max = kSubscriptionsMax)
      : subscriptions_max_(subscriptions_max) {}

  /// The prepared key, which leaves the cache; nothing when there is none. The subscription is
  /// remembered, and the one that was used longest ago forgotten.
  std::optional<OneTimeKey> take(const Subscription& to);
  void forget(const Subscription& to);
  /// Makes up to `count` missing keys.
  void prepare(const Signer& signer, std::size_t count);
  [[nodiscard]] bool is_complete() const { return missing_.empty(); }
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  struct Entry {
    std::string name;
    Subscription to;
    std::optional<OneTimeKey> key;
    bool is_queued = false;
  };
  using Entries = std::list<Entry>;

  const std::size_t subscriptions_max_;
  /// Newest first.
  Entries entries_;
  /// By key and secret of the subscription: the same endpoint may be subscribed anew.
  std::unordered_map<std::string, Entries::iterator> known_;
  /// Names of entries without a key, each at most once.
  std::deque<std::string> missing_;
};

}  // namespace linli::notify::webpush
