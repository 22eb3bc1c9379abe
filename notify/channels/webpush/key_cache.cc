// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/webpush/key_cache.h"

#include <utility>

namespace linli::notify::webpush {
namespace {

std::string name_of(const Subscription& to) {
  std::string out(as_text(to.key));
  out += as_text(to.auth);
  return out;
}

}  // namespace

std::optional<OneTimeKey> KeyCache::take(const Subscription& to) {
  std::string name = name_of(to);
  auto found = known_.find(name);
  if (found == known_.end()) {
    if (entries_.size() >= subscriptions_max_) {
      known_.erase(entries_.back().name);
      entries_.pop_back();
    }
    entries_.push_front({name, to, std::nullopt});
    found = known_.emplace(std::move(name), entries_.begin()).first;
  } else {
    entries_.splice(entries_.begin(), entries_, found->second);
  }
  Entry& entry = *found->second;
  if (!entry.is_queued) {
    // Forgotten ones leave their names behind until prepare() meets them.
    while (missing_.size() >= subscriptions_max_) {
      if (const auto oldest = known_.find(missing_.front()); oldest != known_.end())
        oldest->second->is_queued = false;
      missing_.pop_front();
    }
    missing_.push_back(entry.name);
    entry.is_queued = true;
  }
  return std::exchange(entry.key, std::nullopt);
}

void KeyCache::forget(const Subscription& to) {
  const auto found = known_.find(name_of(to));
  if (found == known_.end()) return;
  entries_.erase(found->second);
  known_.erase(found);
}

void KeyCache::prepare(const Signer& signer, std::size_t count) {
  for (; count > 0 && !missing_.empty(); --count) {
    const auto found = known_.find(missing_.front());
    missing_.pop_front();
    if (found == known_.end()) continue;
    Entry& entry = *found->second;
    entry.is_queued = false;
    if (auto key = make_one_time_key(signer, entry.to)) entry.key = std::move(*key);
  }
}

}  // namespace linli::notify::webpush
