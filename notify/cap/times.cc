// SPDX-License-Identifier: Apache-2.0
// Times of CAP, as live feeds write them.
#include <cstdlib>

#include "notify/cap/alert.h"

namespace linli::notify::cap {
namespace {

/// Reads from the left; every take_ tells whether it could.
class TimeText {
 public:
  explicit TimeText(std::string_view text) : text_(text) {}
  bool take(std::string_view literal) {
    if (!text_.starts_with(literal)) return false;
    text_.remove_prefix(literal.size());
    return true;
  }
  bool take_any(std::string_view of) {
    if (text_.empty() || of.find(text_[0]) == of.npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// At most `digits_max` digits, at least one.
  bool number(int& value, int digits_max) {
    int digits = 0;
    value = 0;
    for (; digits < digits_max && !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; ++digits) {
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return digits > 0;
  }
  void blanks() {
    while (take_any(" ")) {
    }
  }
  [[nodiscard]] char next() const { return text_.empty() ? '\0' : text_[0]; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  std::string_view text_;
};

std::optional<std::chrono::minutes> read_zone(TimeText& in, std::chrono::minutes fallback) {
  in.blanks();
  if (in.empty()) return fallback;
  if (in.take_any("Zz")) return std::chrono::minutes{0};
  const bool is_west = in.next() == '-';
  if (!in.take_any("+-")) return std::nullopt;
  int hours = 0;
  int minutes = 0;
  if (!in.number(hours, 2)) return std::nullopt;
  in.take(":");
  if (!in.empty() && !in.number(minutes, 2)) return std::nullopt;
  if (hours > 14 || minutes > 59) return std::nullopt;
  const std::chrono::minutes offset{hours * 60 + minutes};
  return is_west ? -offset : offset;
}

}  // namespace

std::optional<Instant> parse_cap_time(std::string_view raw, std::chrono::minutes zone) {
  const std::string text = trimmed(raw);
  TimeText in(text);
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!in.number(year, 4) || !in.take_any("-/") || !in.number(month, 2) || !in.take_any("-/") ||
      !in.number(day, 2) || !in.take_any("Tt "))
    return std::nullopt;
  in.blanks();
  const bool is_morning = in.take("上午");
  const bool is_afternoon = !is_morning && in.take("下午");
  in.blanks();
  if (!in.number(hour, 2) || !in.take(":") || !in.number(minute, 2)) return std::nullopt;
  if (in.take(":") && !in.number(second, 2)) return std::nullopt;
  int fraction = 0;
  if (in.take(".") && !in.number(fraction, 9)) return std::nullopt;
  if (is_afternoon && hour < 12) hour += 12;
  if (is_morning && hour == 12) hour = 0;
  const auto offset = read_zone(in, zone);
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  const bool is_time = hour <= 24 && minute <= 59 && second <= 60 && (hour < 24 || minute == 0);
  if (!offset || !in.empty() || !date.ok() || !is_time || year < 1970) return std::nullopt;
  return Instant{std::chrono::sys_days{date}} + std::chrono::hours{hour} +
         std::chrono::minutes{minute} + std::chrono::seconds{second} - *offset;
}

std::string cap_time(Instant at, std::chrono::minutes zone) {
  const Instant local = at + zone;
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(local - day)};
  const auto two = [](auto number) {
    const std::string digits = std::to_string(number);
    return digits.size() < 2 ? "0" + digits : digits;
  };
  const auto away = std::abs(zone.count());
  std::string out = std::to_string(int{date.year()}) + "-" + two(unsigned{date.month()}) + "-" +
                    two(unsigned{date.day()}) + "T";
  out += two(time.hours().count()) + ":" + two(time.minutes().count()) + ":" +
         two(time.seconds().count());
  out += (zone.count() < 0 ? "-" : "+") + two(away / 60) + ":" + two(away % 60);
  return out;
}

}  // namespace linli::notify::cap
