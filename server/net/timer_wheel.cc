// SPDX-License-Identifier: Apache-2.0
#include "server/net/timer_wheel.h"

#include <algorithm>

namespace linli::net {

void TimerWheel::Entry::unlink() {
  if (prev_ == nullptr) return;
  prev_->next_ = next_;
  next_->prev_ = prev_;
  prev_ = next_ = nullptr;
}

TimerWheel::TimerWheel(MonoTime start) : start_(start) {
  for (Entry& head : slots_) head.prev_ = head.next_ = &head;
}

TimerWheel::~TimerWheel() {
  for (Entry& head : slots_) {
    while (head.next_ != &head) head.next_->unlink();
    head.prev_ = head.next_ = nullptr;
  }
}

void TimerWheel::link(Entry& head, Entry& entry) {
  entry.prev_ = head.prev_;
  entry.next_ = &head;
  head.prev_->next_ = &entry;
  head.prev_ = &entry;
}

void TimerWheel::arm(Entry& entry, Millis after) {
  entry.unlink();
  const auto ticks = std::max<std::int64_t>(1, (after + kTick - Millis{1}) / kTick);
  // One more: the tick under way has been running for a while already.
  entry.tick_ = tick_ + static_cast<std::uint64_t>(ticks) + 1;
  link(slots_[entry.tick_ % kSlots], entry);
}

void TimerWheel::advance(MonoTime now, const std::function<void(Entry&)>& fire) {
  const auto target = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - start_) / kTick));
  while (tick_ < target) {
    // After a long stall one sweep of every slot finds all that is due.
    tick_ = std::max(tick_ + 1, target > kSlots ? target - kSlots + 1 : 0);
    Entry due;
    due.prev_ = due.next_ = &due;
    Entry& head = slots_[tick_ % kSlots];
    for (Entry* entry = head.next_; entry != &head;) {
      Entry* next = entry->next_;
      if (entry->tick_ <= target) {
        entry->unlink();
        link(due, *entry);
      }
      entry = next;
    }
    while (due.next_ != &due) {
      Entry& entry = *due.next_;
      entry.unlink();
      fire(entry);
    }
    due.prev_ = due.next_ = nullptr;
  }
}

}  // namespace linli::net
