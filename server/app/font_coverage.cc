// SPDX-License-Identifier: Apache-2.0
#include "server/app/font_coverage.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace linli::app {
namespace {

constexpr std::uint32_t kCodePointMax = 0x10FFFF;

/// Nothing unless the whole of `text` is hex.
std::optional<char32_t> code_point_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size() || value > kCodePointMax)
    return std::nullopt;
  return static_cast<char32_t>(value);
}

std::string_view next_word(std::string_view& rest) {
  const auto from = std::min(rest.find_first_not_of(' '), rest.size());
  rest.remove_prefix(from);
  const auto word = rest.substr(0, std::min(rest.find(' '), rest.size()));
  rest.remove_prefix(word.size());
  return word;
}

/// Bytes of the character that starts with `lead`.
std::size_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xE0) return 2;
  return lead < 0xF0 ? 3 : 4;
}

char32_t decode(std::string_view bytes) {
  constexpr std::array<unsigned char, 5> kLeadBits{0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t out = static_cast<unsigned char>(bytes[0]) & kLeadBits[bytes.size()];
  for (const char c : bytes.substr(1)) out = (out << 6) | (static_cast<unsigned char>(c) & 0x3F);
  return out;
}

}  // namespace

FontCoverage FontCoverage::parse(std::string_view list) {
  std::vector<std::pair<char32_t, char32_t>> all;
  while (!list.empty()) {
    std::string_view line = list.substr(0, std::min(list.find('\n'), list.size()));
    list.remove_prefix(std::min(line.size() + 1, list.size()));
    if (const auto format = next_word(line); format != "TrueType" && format != "CFF") continue;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      const auto dash = std::min(word.find('-'), word.size());
      const auto first = code_point_of(word.substr(0, dash));
      const auto last = dash == word.size() ? first : code_point_of(word.substr(dash + 1));
      if (first && last && *first <= *last) all.emplace_back(*first, *last);
    }
  }
  std::ranges::sort(all);
  FontCoverage out;
  for (const auto& [first, last] : all) {
    if (!out.ranges_.empty() && first <= out.ranges_.back().second + 1)
      out.ranges_.back().second = std::max(out.ranges_.back().second, last);
    else
      out.ranges_.emplace_back(first, last);
  }
  return out;
}

bool FontCoverage::has(char32_t code_point) const {
  const auto after = std::ranges::upper_bound(ranges_, code_point, {},
                                              [](const auto& range) { return range.first; });
  return after != ranges_.begin() && code_point <= std::prev(after)->second;
}

std::optional<std::string> FontCoverage::first_missing(std::string_view text) const {
  while (!text.empty()) {
    const auto size = std::min(length_of(static_cast<unsigned char>(text[0])), text.size());
    const char32_t one = decode(text.substr(0, size));
    if (one > 0x20 && one != 0x7F && !has(one)) return std::string(text.substr(0, size));
    text.remove_prefix(size);
  }
  return std::nullopt;
}

}  // namespace linli::app
