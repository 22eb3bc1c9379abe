// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/clock.h"

namespace linli::net {

/// One timer for everything on a loop: arming and disarming are a few pointer writes, whatever the
/// number of connections. Knows no clock; the loop calls advance() about once a tick.
/// Threads: one.
class TimerWheel {
 public:
  static constexpr Millis kTick{1000};
  static constexpr std::size_t kSlots = 256;

  /// Sits inside the object it times; leaves the wheel by itself on destruction.
  class Entry {
   public:
    Entry() = default;
    ~Entry() { unlink(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    [[nodiscard]] bool armed() const { return prev_ != nullptr; }
    /// Disarms; fine when not armed.
    void unlink();

   private:
    friend class TimerWheel;
    Entry* prev_ = nullptr;
    Entry* next_ = nullptr;
    std::uint64_t tick_ = 0;
  };

  explicit TimerWheel(MonoTime start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Fires at the first advance() at least `after` from the last one, never earlier; rounded up to
  /// ticks. Arming again moves it.
  void arm(Entry& entry, Millis after);
  /// Calls `fire` once for each entry that is due; `fire` may arm, unlink or destroy any entry.
  void advance(MonoTime now, const std::function<void(Entry&)>& fire);

 private:
  void link(Entry& head, Entry& entry);

  const MonoTime start_;
  /// Last tick that was swept.
  std::uint64_t tick_ = 0;
  /// Heads of circular lists.
  std::array<Entry, kSlots> slots_;
};

}  // namespace linli::net
