// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/clock.h"

namespace linli::sim {

/// Virtual time: events run in order of (time, insertion). Threads: one.
class Schedule {
 public:
  explicit Schedule(ManualClock& clock) : clock_(clock) {}

  void after(Millis delay, std::function<void()> event) {
    events_.emplace(std::pair(clock_.mono() + delay, ++serial_), std::move(event));
  }
  /// Runs events up to `until`; true when none is left before it.
  void run_until(MonoTime until) {
    while (!events_.empty() && events_.begin()->first.first <= until) {
      auto node = events_.extract(events_.begin());
      if (node.key().first > clock_.mono()) clock_.advance(node.key().first - clock_.mono());
      ++ran_;
      node.mapped()();
    }
    if (until > clock_.mono()) clock_.advance(until - clock_.mono());
  }
  [[nodiscard]] std::uint64_t ran() const { return ran_; }

 private:
  ManualClock& clock_;
  std::map<std::pair<MonoTime, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t serial_ = 0;
  std::uint64_t ran_ = 0;
};

}  // namespace linli::sim
