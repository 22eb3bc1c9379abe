// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string_view>

#include "base/clock.h"

namespace linli::notify {

/// Longest wait that a peer may ask for: a broken one must not park a message for days.
inline constexpr std::chrono::hours kRetryAfterMax{6};

/// The wait that a Retry-After value asks for, in [0, kRetryAfterMax]; 0 when it is absent or
/// cannot be read.
/// Spec: RFC 9110 §10.2.3: delay-seconds, or a date as IMF-fixdate (§5.6.7).
Millis parse_retry_after(std::string_view value, Instant now);

}  // namespace linli::notify
