// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace linli {

using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
/// Errors: malformed on odd length or a non-hex character; upper case is accepted.
Result<std::string> from_hex(std::string_view hex);

/// Spec: RFC 4648 §4, with padding.
std::string to_base64(ByteView bytes);

/// Spec: RFC 4648 §5 without padding.
std::string to_base64url(ByteView bytes);
/// Errors: malformed on padding, white space, a foreign character or non-zero trailing bits.
Result<std::string> from_base64url(std::string_view text);

/// Spec: RFC 3629: no surrogates, no overlong forms, at most U+10FFFF.
bool is_valid_utf8(std::string_view text) noexcept;
/// Number of code points of valid UTF-8 text.
std::size_t utf8_length(std::string_view text) noexcept;

void append_u16be(std::string& out, std::uint16_t value);
void append_u32be(std::string& out, std::uint32_t value);
void append_u64be(std::string& out, std::uint64_t value);
/// `in` has at least 8 bytes.
std::uint64_t read_u64be(ByteView in) noexcept;

/// 128 bits that name a thing; text form is 32 lower-case hex digits.
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  /// Errors: malformed unless exactly 32 hex digits.
  static Result<Id128> parse(std::string_view hex);
  /// `raw` has exactly 16 bytes.
  static Id128 of(ByteView raw);

  friend auto operator<=>(const Id128&, const Id128&) = default;
};

}  // namespace linli

template <>
struct std::hash<linli::Id128> {
  std::size_t operator()(const linli::Id128& id) const noexcept {
    return static_cast<std::size_t>(linli::read_u64be(id.bytes));
  }
};
