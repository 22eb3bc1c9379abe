// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/crypto.h"
#include "checkin/codes.h"
#include "checkin/entry.h"
#include "checkin/ledger.h"

/// Two phones and a shift, always the same.
namespace linli::checkin::test {

/// 2026-03-04 09:00:00 UTC.
inline constexpr std::int64_t kStart = 1'772'614'800'000;
inline constexpr std::int64_t kMinute = 60'000;

KeyPair key_of(std::uint8_t number);
std::string shift_key();
LeadCode lead_code_at(std::int64_t lead_time);
/// A check-in or check-out with the code shown at `lead_time`, chained after `before`.
Entry mark_entry(EntryType type, std::int64_t at, const LeadCode& code, const Entry* before);
Entry countersign(const Entry& receipt, std::int64_t at, const Entry* before);

/// A mark by rotating code: shown and scanned at the lead's time `window_at`.
Mark lead_mark(bool is_in, std::int64_t window_at);

}  // namespace linli::checkin::test
