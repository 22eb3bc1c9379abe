// SPDX-License-Identifier: Apache-2.0
#include "server/http/tus.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "base/bytes.h"

namespace linli::http {
namespace {

constexpr std::size_t kPairsMax = 16;

/// Base64 with or without padding.
Result<std::string> from_base64(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return from_base64url(text);
}

std::string_view blanks_off(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

Result<std::size_t> parse_count(std::string_view text, std::string_view header) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return fail(Errc::malformed, std::string(header));
  return out;
}

Result<std::map<std::string, std::string, std::less<>>> parse_metadata(std::string_view text) {
  std::map<std::string, std::string, std::less<>> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view pair = blanks_off(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t blank = std::min(pair.find(' '), pair.size());
    const std::string key(pair.substr(0, blank));
    auto value = from_base64(std::string(blanks_off(pair.substr(blank))));
    if (key.empty() || !value || out.size() == kPairsMax ||
        !out.emplace(key, std::move(*value)).second)
      return fail(Errc::malformed, "Upload-Metadata");
  }
  return out;
}

Result<std::optional<ByteRange>> parse_range(std::string_view text, std::size_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const auto none = std::optional<ByteRange>{};
  if (!text.starts_with(kUnit) || text.contains(',')) return none;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-');
  if (dash == text.npos) return none;
  const auto first = parse_count(text.substr(0, dash), "Range");
  const auto last = parse_count(text.substr(dash + 1), "Range");
  const auto refuse = [] { return fail(Errc::invalid_argument, "Range"); };
  if (dash == 0) {
    if (!last) return none;
    if (*last == 0) return refuse();
    return std::optional(ByteRange{size - std::min(*last, size), size - 1});
  }
  if (!first || (!last && dash + 1 != text.size()) || (last && *last < *first)) return none;
  if (*first >= size) return refuse();
  return std::optional(ByteRange{*first, last ? std::min(*last, size - 1) : size - 1});
}

std::string http_date(std::int64_t unix_ms) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t at = unix_ms / 1000;
  std::tm parts{};
  gmtime_r(&at, &parts);
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
  return out.data();
}

}  // namespace linli::http
