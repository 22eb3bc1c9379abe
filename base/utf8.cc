// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <algorithm>
#include <cstring>

namespace linli {
namespace {

/// Bytes of the code point at the start of `text` (not empty), or 0 when none can start like this.
/// More than text.size() when the text ends inside it.
/// Spec: RFC 3629 §4, the table UTF8-octets.
std::size_t code_point_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() == 1) return size;
  // The second byte alone decides overlong forms, surrogates and the upper end.
  const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < std::min(size, text.size()); ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

/// Bytes of ASCII at the start, in steps of eight.
std::size_t ascii_bytes(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & 0x8080808080808080) != 0) break;
  }
  return at;
}

}  // namespace

bool Utf8Check::feed(std::string_view piece) noexcept {
  while (held_size_ > 0 && !piece.empty()) {
    held_[held_size_++] = piece.front();
    piece.remove_prefix(1);
    const std::size_t size = code_point_bytes({held_.data(), held_size_});
    if (size == 0) return false;
    if (size == held_size_) held_size_ = 0;
  }
  while (!piece.empty()) {
    piece.remove_prefix(ascii_bytes(piece));
    if (piece.empty()) return true;
    const std::size_t size = code_point_bytes(piece);
    if (size == 0) return false;
    if (size > piece.size()) {
      held_size_ = static_cast<std::uint8_t>(piece.copy(held_.data(), held_.size()));
      return true;
    }
    piece.remove_prefix(size);
  }
  return true;
}

}  // namespace linli
