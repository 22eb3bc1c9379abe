// SPDX-License-Identifier: Apache-2.0
#include "notify/text/shorten.h"

#include "notify/text/graphemes.h"
#include "notify/text/sms_coding.h"

namespace linli::notify {
namespace {

constexpr std::string_view kEllipsis = "…";

std::size_t utf8_bytes(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

}  // namespace

std::string shorten(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  if (bytes_max < kEllipsis.size()) return {};
  const std::size_t room = bytes_max - kEllipsis.size();
  const std::u32string points = to_code_points(text);
  std::size_t kept = 0;
  for (const std::u32string_view cluster : split_graphemes(points)) {
    std::size_t size = 0;
    for (const char32_t point : cluster) size += utf8_bytes(point);
    if (kept + size > room) break;
    kept += size;
  }
  if (kept == 0) return {};
  return std::string(text.substr(0, kept)) + std::string(kEllipsis);
}

}  // namespace linli::notify
