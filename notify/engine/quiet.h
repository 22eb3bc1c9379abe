// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "notify/records.h"

namespace linli::notify {

/// When the quiet hours that hold at `now` end; absent when none hold. A rule of wall clock and
/// zone
/// (notify.md §5 trap 22): where the clock skips the end, it ends at the skip; where it repeats it,
/// at the first time. An unknown zone counts as Asia/Shanghai.
std::optional<Instant> quiet_until(const QuietHours& quiet, Instant now);

/// Midnight of the day that holds `now` in `zone`: where a daily cap starts to count.
Instant day_start(const std::string& zone, Instant now);

}  // namespace linli::notify
