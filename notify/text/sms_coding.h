// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The two alphabets of text messages (3GPP TS 23.038 §6.2).
namespace linli::notify {

enum class SmsCoding : std::uint8_t {
  gsm7,  ///< default alphabet and its extension table; units are septets
  ucs2,  ///< UTF-16BE; units are 16 bits, a character outside the BMP takes two
};

/// Septets that the character takes: 1, 2 from the extension table, 0 when it is in neither table.
std::uint32_t gsm7_units(char32_t character) noexcept;
/// 16-bit units that the character takes.
constexpr std::uint32_t utf16_units(char32_t character) noexcept {
  return character > 0xFFFF ? 2 : 1;
}

/// One octet per septet, not packed: the form SMPP carries. nullopt when a character is in neither
/// table. `text` is valid UTF-8.
std::optional<std::string> to_gsm7(std::string_view text);
/// The text of unpacked septets; an octet above 0x7F or an unknown escape becomes U+FFFD.
std::string from_gsm7(std::string_view septets);
/// `text` is valid UTF-8.
std::string to_utf16be(std::string_view text);
/// A lone surrogate or odd octet at the end becomes U+FFFD.
std::string from_utf16be(std::string_view octets);
/// Spec: ISO 8859-1, which SMPP calls data_coding 3; data_coding 1 (ASCII) is a part of it.
std::string from_latin1(std::string_view octets);

/// The code points of valid UTF-8.
std::u32string to_code_points(std::string_view text);
void append_utf8(std::string& out, char32_t character);
/// The UTF-8 of code points, none of them a surrogate.
std::string to_utf8(std::u32string_view text);

}  // namespace linli::notify
