// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace linli::sync {

/// Server time minus this phone's wall clock, from the quickest exchange of a connection.
/// Why kept against the monotonic clock: a wall clock that is set while the app runs (GEN-11) then
/// moves the offset by exactly that much. Spec: docs/PROTOCOL.md §4. Threads: one.
class ClockEstimate {
 public:
  /// From what an earlier run stored; `unc_ms` 0 = nothing known.
  ClockEstimate(std::int64_t off_ms, std::int64_t unc_ms, Instant wall, MonoTime mono)
      : server_minus_mono_(off_ms + to_unix_ms(wall) - mono.count()), unc_ms_(unc_ms) {}

  /// An exchange: the phone sent at `sent`, the server stamped `server_ms`, the answer came now.
  void add(MonoTime sent, std::int64_t server_ms, MonoTime now) {
    const std::int64_t round = std::max<std::int64_t>(1, (now - sent).count());
    // Half the round trip, and what quartz drifts since the best sample: 1 s in 5 h.
    const std::int64_t aged = unc_ms_ + (now - taken_).count() / 20000;
    const std::int64_t unc = (round + 1) / 2;
    if (measured_ && unc > aged) return;
    measured_ = true;
    taken_ = now;
    unc_ms_ = unc;
    server_minus_mono_ = server_ms - (sent.count() + now.count()) / 2;
  }

  [[nodiscard]] bool is_known() const { return unc_ms_ != 0; }
  [[nodiscard]] std::int64_t off_ms(Instant wall, MonoTime mono) const {
    return is_known() ? server_minus_mono_ + mono.count() - to_unix_ms(wall) : 0;
  }
  [[nodiscard]] std::int64_t unc_ms() const { return unc_ms_; }

 private:
  std::int64_t server_minus_mono_;
  std::int64_t unc_ms_;
  MonoTime taken_{0};
  bool measured_ = false;
};

}  // namespace linli::sync
