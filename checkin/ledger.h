// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkin/codes.h"
#include "checkin/entry.h"

/// From marks to hours: grades, times, minutes, overlaps. Pure, and the same whatever order the
/// entries came in. Spec: docs/PROTOCOL.md section 12. Threads: any; no clock, no state.
namespace linli::checkin {

/// A phone clock that is off by more is told; less is the time between showing and scanning.
inline constexpr std::int64_t kClockSlackMs = 5 * 60'000;
/// Wall clock and monotonic clock of one run differ by more: the wall clock was moved.
inline constexpr std::int64_t kJumpSlackMs = 60'000;
/// More on one day is flagged (VOL-9).
inline constexpr std::int64_t kDayMinutesMax = 600;

/// A co-signed, B rotating code, C printed code or digits or late, D entered by a lead or doubtful.
/// Ordered: the worse is the greater.
enum class Grade : std::uint8_t { a, b, c, d };
std::string_view grade_name(Grade grade) noexcept;

/// Words of the schema: late, late_digits, elsewhere, clock, lead_clock, manual, double_in, no_in,
/// auto, overlap, over_10h.
using Flags = std::set<std::string, std::less<>>;

/// One check-in or check-out with all that is known about it.
struct Mark {
  /// Entry id: breaks ties.
  std::string id;
  bool is_in = true;
  bool is_by_lead = false;
  Method method = Method::none;
  /// The device's wall clock, and the server's correction of it when the device itself sent it.
  std::int64_t at = 0;
  std::optional<std::int64_t> captured;
  std::string device;
  std::uint32_t boot = 0;
  std::uint64_t mono = 0;
  /// Of the lead's code; for digits the one that they belong to.
  std::uint32_t window = 0;
  /// Device of the lead whose clock the window is; empty for printed codes.
  std::string lead;
  /// The code names another place than the shift.
  bool is_elsewhere = false;
  /// The lead's wall clock at the scan-back, and its correction.
  std::optional<std::int64_t> counter_at;
  std::optional<std::int64_t> counter_captured;
  /// Time that a lead entered.
  std::int64_t claimed = 0;
};

struct Judged {
  Grade grade = Grade::d;
  /// Best known true time, unix ms.
  std::int64_t time = 0;
  /// By the lead's clock as it was, when there is one.
  std::optional<std::int64_t> lead_time;
  Flags flags;
};

Judged judge(const Mark& mark);
struct Timed {
  Mark mark;
  Judged judged;
};
/// True ms between two marks: by the clock of one lead; else by the monotonic clock of one run of
/// the device; else by corrected times. Adds `clock` when the wall clock was moved between them.
std::int64_t elapsed(const Timed& started, const Timed& ended, Flags& flags);

/// What a shift says about minutes.
struct ShiftTimes {
  std::int64_t from = 0;
  std::int64_t to = 0;
  /// The way there counts: time before `from` is not cut off (VOL-11).
  bool has_travel = false;
};

struct Presence {
  /// In and out of the first and last pair; 0 = none.
  std::int64_t in_at = 0;
  std::int64_t out_at = 0;
  std::int64_t minutes = 0;
  bool is_open = false;
  Grade grade = Grade::d;
  Flags flags;
};

/// One person's hours of one shift. `auto_out` closes what is still open (VOL-8).
Presence presence(std::vector<Mark> marks, const ShiftTimes& shift,
                  std::optional<std::int64_t> auto_out);

struct Span {
  std::string key;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t minutes = 0;
  /// Set by count_once().
  std::int64_t counted = 0;
  Flags flags;
};

/// Minutes of one person's spans that are counted: what overlaps an earlier one is not counted
/// again, days above kDayMinutesMax are flagged (VOL-9). `zone_ms` is east of UTC.
void count_once(std::span<Span> spans, std::int64_t zone_ms);

}  // namespace linli::checkin
