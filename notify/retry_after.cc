// SPDX-License-Identifier: Apache-2.0
#include "notify/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace linli::notify {
namespace {

std::optional<int> parse_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<Instant> parse_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  const auto day = parse_number(text.substr(5, 2));
  const auto year = parse_number(text.substr(12, 4));
  const auto hour = parse_number(text.substr(17, 2));
  const auto minute = parse_number(text.substr(20, 2));
  const auto second = parse_number(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

}  // namespace

Millis parse_retry_after(std::string_view value, Instant now) {
  const Millis longest = kRetryAfterMax;
  const bool is_seconds =
      !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
  if (is_seconds) {
    // More digits than an int has are a longer wait than any.
    const auto seconds = parse_number(value);
    return seconds ? std::min<Millis>(std::chrono::seconds(*seconds), longest) : longest;
  }
  const auto date = parse_date(value);
  return date ? std::clamp<Millis>(*date - now, Millis{0}, longest) : Millis{0};
}

}  // namespace linli::notify
