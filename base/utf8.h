// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace linli {

/// Checks text that comes in pieces, cut anywhere; is_valid_utf8() is this for one piece.
/// Threads: one.
class Utf8Check {
 public:
  /// False as soon as no continuation can make it valid; the check is over then.
  bool feed(std::string_view piece) noexcept;
  /// No code point is incomplete.
  [[nodiscard]] bool at_boundary() const { return held_size_ == 0; }

 private:
  /// The incomplete code point.
  std::array<char, 4> held_{};
  std::uint8_t held_size_ = 0;
};

}  // namespace linli
