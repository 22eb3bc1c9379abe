// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "notify/outcome.h"

namespace linli::notify {

/// How long channels took to answer, in buckets for Prometheus.
struct LatencyHistogram {
  /// Upper bounds in seconds: a local peer answers in milliseconds, a throttled one in minutes.
  static constexpr std::array<double, 11> kBounds = {0.05, 0.1, 0.25, 0.5, 1,  2.5,
                                                     5,    10,  30,   60,  300};
  /// One more than bounds: the last is for what took longer.
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  double sum_s = 0;

  void note(Millis took) {
    const double seconds = std::chrono::duration<double>(took).count();
    const auto bucket = std::ranges::lower_bound(kBounds, seconds);
    ++counts[static_cast<std::size_t>(bucket - kBounds.begin())];
    sum_s += seconds;
  }
};

/// What one channel did since the gateway started; only grows.
struct ChannelCounts {
  std::uint64_t attempts = 0;
  /// By OutcomeKind.
  std::array<std::uint64_t, kOutcomeNames.size()> outcomes{};
  /// From the submission to its outcome.
  LatencyHistogram latency{};
  /// Billed parts that the peer took.
  std::uint64_t parts = 0;
  /// 1/10000 yuan, by the price in the configuration, of what was submitted.
  std::int64_t cost = 0;
};

}  // namespace linli::notify
