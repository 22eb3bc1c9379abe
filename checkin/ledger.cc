// SPDX-License-Identifier: Apache-2.0
#include "checkin/ledger.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>

namespace linli::checkin {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kDayMs = 24 * 60 * kMinuteMs;

bool is_apart(std::int64_t a, std::int64_t b, std::int64_t slack) {
  return std::abs(a - b) > slack;
}

/// How many windows after `window` the time lies.
std::int64_t windows_after(std::int64_t at, std::uint32_t window) {
  return static_cast<std::int64_t>(window_of(at)) - static_cast<std::int64_t>(window);
}

bool knows_offset(const Mark& mark) {
  return mark.counter_at.has_value() && mark.counter_captured.has_value();
}

std::int64_t lead_offset(const Mark& mark) {
  return knows_offset(mark) ? *mark.counter_captured - *mark.counter_at : 0;
}

/// By the lead's own clock when the receipt was scanned back, else by the phone's corrected one,
/// which may be a window early.
bool is_fresh(const Mark& mark) {
  if (mark.counter_at) {
    const std::int64_t age = windows_after(*mark.counter_at, mark.window);
    return age >= 0 && age <= kFreshWindows;
  }
  const std::int64_t age = windows_after(mark.captured.value_or(mark.at), mark.window);
  return age >= -1 && age <= kFreshWindows;
}

void judge_lead_code(const Mark& mark, Judged& out) {
  out.lead_time = window_start(mark.window);
  out.time = *out.lead_time + lead_offset(mark);
  out.grade = mark.counter_at ? Grade::a : Grade::b;
  if (!is_fresh(mark)) {
    out.grade = Grade::c;
    out.flags.insert("late");
  }
}

void judge_digits(const Mark& mark, Judged& out) {
  out.lead_time = window_start(mark.window);
  out.time = *out.lead_time;
  out.grade = Grade::c;
  const std::int64_t age = windows_after(mark.captured.value_or(mark.at), mark.window);
  if (age >= -1 && age <= kDigitsWindows) return;
  out.grade = Grade::d;
  out.flags.insert("late_digits");
}

void judge_clocks(const Mark& mark, Judged& out) {
  if (mark.counter_at && mark.counter_captured &&
      is_apart(*mark.counter_at, *mark.counter_captured, kClockSlackMs))
    out.flags.insert("lead_clock");
  const auto truth = mark.captured           ? mark.captured
                     : mark.counter_captured ? mark.counter_captured
                                             : mark.counter_at;
  if (truth && is_apart(mark.at, *truth, kClockSlackMs)) out.flags.insert("clock");
}

}  // namespace

std::string_view grade_name(Grade grade) noexcept {
  constexpr std::string_view kNames = "ABCD";
  return kNames.substr(static_cast<std::size_t>(grade), 1);
}

Judged judge(const Mark& mark) {
  Judged out;
  if (mark.is_by_lead) {
    out.flags.insert("manual");
    out.time = mark.claimed + (mark.captured ? *mark.captured - mark.at : 0);
  } else if (mark.method == Method::lead_code) {
    judge_lead_code(mark, out);
  } else if (mark.method == Method::digits) {
    judge_digits(mark, out);
  } else {
    out.grade = Grade::c;
    out.time = mark.captured.value_or(mark.at);
  }
  if (mark.is_elsewhere) {
    out.grade = std::max(out.grade, Grade::c);
    out.flags.insert("elsewhere");
  }
  judge_clocks(mark, out);
  return out;
}

std::int64_t elapsed(const Timed& started, const Timed& ended, Flags& flags) {
  const auto& [in, from] = started;
  const auto& [out, to] = ended;
  const bool is_one_run = in.boot != 0 && in.boot == out.boot && in.device == out.device;
  const auto ran = static_cast<std::int64_t>(out.mono) - static_cast<std::int64_t>(in.mono);
  if (is_one_run && is_apart(out.at - in.at, ran, kJumpSlackMs)) flags.insert("clock");
  if (from.lead_time && to.lead_time && in.lead == out.lead && !in.lead.empty()) {
    const bool knows_both = knows_offset(in) && knows_offset(out);
    if (!knows_both || !is_apart(lead_offset(in), lead_offset(out), kJumpSlackMs))
      return *to.lead_time - *from.lead_time;
    flags.insert("lead_clock");
    return to.time - from.time;
  }
  if (is_one_run && !in.is_by_lead && !out.is_by_lead && ran >= 0) return ran;
  return to.time - from.time;
}

namespace {

struct Pairing {
  const ShiftTimes& shift;
  Presence out;
  const Timed* open = nullptr;

  void use(const Timed& one) {
    out.flags.insert(one.judged.flags.begin(), one.judged.flags.end());
    const bool is_first = out.in_at == 0;
    out.grade = is_first ? one.judged.grade : std::max(out.grade, one.judged.grade);
    if (is_first) out.in_at = one.judged.time;
  }

  void add_minutes(std::int64_t from, std::int64_t ms) {
    if (!shift.has_travel && from < shift.from) ms -= std::min(ms, shift.from - from);
    out.minutes += std::max<std::int64_t>(0, ms) / kMinuteMs;
  }

  void take(const Timed& one) {
    if (one.mark.is_in) {
      if (open != nullptr) return static_cast<void>(out.flags.insert("double_in"));
      open = &one;
      return use(one);
    }
    if (open == nullptr) return static_cast<void>(out.flags.insert("no_in"));
    use(one);
    add_minutes(open->judged.time, elapsed(*open, one, out.flags));
    out.out_at = one.judged.time;
    open = nullptr;
  }
};

/// A code that nobody scanned back takes its lead's offset from one that was, so that all marks of
/// one clock are in the order of that clock.
std::vector<Timed> judged_marks(std::vector<Mark> marks) {
  std::ranges::sort(marks, {}, [](const Mark& one) { return std::tuple(one.window, one.id); });
  std::map<std::string, std::int64_t> offsets;
  for (const Mark& mark : marks)
    if (knows_offset(mark)) offsets.try_emplace(mark.lead, lead_offset(mark));
  std::vector<Timed> out;
  out.reserve(marks.size());
  for (Mark& mark : marks) {
    Judged judged = judge(mark);
    const auto offset = offsets.find(mark.lead);
    if (judged.lead_time && !knows_offset(mark) && offset != offsets.end() && !mark.lead.empty())
      judged.time = *judged.lead_time + offset->second;
    out.push_back({std::move(mark), std::move(judged)});
  }
  return out;
}

}  // namespace

Presence presence(std::vector<Mark> marks, const ShiftTimes& shift,
                  std::optional<std::int64_t> auto_out) {
  std::vector<Timed> timed = judged_marks(std::move(marks));
  std::ranges::sort(timed, {}, [](const Timed& one) {
    return std::tuple(one.judged.time, !one.mark.is_in, one.mark.id);
  });
  Pairing pairing{shift, {}, nullptr};
  for (const Timed& one : timed) pairing.take(one);
  Presence out = std::move(pairing.out);
  if (pairing.open == nullptr) return out;
  out.is_open = !auto_out;
  if (!auto_out) return out;
  const std::int64_t from = pairing.open->judged.time;
  Pairing closing{shift, std::move(out), nullptr};
  closing.add_minutes(from, *auto_out - from);
  closing.out.out_at = std::max(from, *auto_out);
  closing.out.flags.insert("auto");
  return std::move(closing.out);
}

void count_once(std::span<Span> spans, std::int64_t zone_ms) {
  std::ranges::sort(spans, {}, [](const Span& span) { return std::tuple(span.from, span.key); });
  std::int64_t covered = 0;
  std::map<std::int64_t, std::int64_t> days;
  for (Span& span : spans) {
    span.counted = span.minutes;
    const std::int64_t twice = std::min(span.to, covered) - span.from;
    if (twice > 0) {
      span.flags.insert("overlap");
      span.counted = std::max<std::int64_t>(0, span.minutes - (twice + kMinuteMs - 1) / kMinuteMs);
    }
    covered = std::max(covered, span.to);
    days[(span.from + zone_ms) / kDayMs] += span.minutes;
  }
  for (Span& span : spans)
    if (days[(span.from + zone_ms) / kDayMs] > kDayMinutesMax) span.flags.insert("over_10h");
}

}  // namespace linli::checkin
