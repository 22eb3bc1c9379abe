// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace linli::sync {

inline constexpr std::int64_t kDayMs = 24LL * 60 * 60 * 1000;

/// Days since 1970-01-01, UTC, that have begun at unix millisecond `at`; floors for negative times.
constexpr std::int64_t utc_day(std::int64_t at) {
  return at >= 0 ? at / kDayMs : -((-at + kDayMs - 1) / kDayMs);
}

/// Newest day that lies wholly at or before `at`: what was committed on it, was before `at`.
constexpr std::int64_t last_whole_day(std::int64_t at) { return utc_day(at + 1) - 1; }

}  // namespace linli::sync
