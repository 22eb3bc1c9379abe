// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace linli {

/// `burst` at once, refilled evenly over `period`.
struct RateLimit {
  double burst;
  Millis period;
};

/// A rate without a clock of its own. Threads: one at a time.
class TokenBucket {
 public:
  /// Full.
  explicit TokenBucket(RateLimit limit, MonoTime now = MonoTime{0})
      : limit_(limit), level_(limit.burst), at_(now) {}

  [[nodiscard]] double level(MonoTime now) const {
    const auto passed = static_cast<double>(std::max(now - at_, MonoTime{0}).count());
    return std::min(limit_.burst, level_ + passed * limit_.burst / period_ms());
  }
  /// False = there is not so much now. More than `burst` is never there.
  bool take(double cost, MonoTime now) {
    const double there = level(now);
    at_ = std::max(at_, now);
    level_ = there < cost ? there : there - cost;
    return there >= cost;
  }
  void give_back(double cost, MonoTime now) {
    level_ = std::min(limit_.burst, level(now) + cost);
    at_ = std::max(at_, now);
  }
  /// Until take(cost) succeeds; zero when it does now.
  [[nodiscard]] Millis wait(double cost, MonoTime now) const {
    const double missing = std::min(cost, limit_.burst) - level(now);
    if (missing <= 0) return Millis{0};
    return Millis{static_cast<std::int64_t>(std::ceil(missing * period_ms() / limit_.burst))};
  }
  [[nodiscard]] bool is_full(MonoTime now) const { return level(now) >= limit_.burst; }

 private:
  [[nodiscard]] double period_ms() const { return static_cast<double>(limit_.period.count()); }

  RateLimit limit_;
  double level_;
  MonoTime at_;
};

}  // namespace linli
