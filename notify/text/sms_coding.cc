// SPDX-License-Identifier: Apache-2.0
#include "notify/text/sms_coding.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"

namespace linli::notify {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::uint8_t kEscape = 0x1B;

// 3GPP TS 23.038 §6.2.1, by septet; the escape stands for itself.
constexpr std::u32string_view kDefault =
    U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1BÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    U"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
static_assert(kDefault.size() == 128);

// 3GPP TS 23.038 §6.2.1.1: what follows the escape.
constexpr std::array<std::pair<char32_t, std::uint8_t>, 10> kExtension = {{{U'\f', 0x0A},
                                                                           {U'^', 0x14},
                                                                           {U'{', 0x28},
                                                                           {U'}', 0x29},
                                                                           {U'\\', 0x2F},
                                                                           {U'[', 0x3C},
                                                                           {U'~', 0x3D},
                                                                           {U']', 0x3E},
                                                                           {U'|', 0x40},
                                                                           {U'€', 0x65}}};

/// Where the character stands in the default table; `npos` when it does not.
std::size_t septet_of(char32_t character) noexcept {
  return character == kEscape ? std::u32string_view::npos : kDefault.find(character);
}

const std::pair<char32_t, std::uint8_t>* extension_of(char32_t character) noexcept {
  const auto* found =
      std::ranges::find(kExtension, character, &std::pair<char32_t, std::uint8_t>::first);
  return found == kExtension.end() ? nullptr : found;
}

}  // namespace

std::uint32_t gsm7_units(char32_t character) noexcept {
  if (septet_of(character) != std::u32string_view::npos) return 1;
  return extension_of(character) != nullptr ? 2 : 0;
}

std::optional<std::string> to_gsm7(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t character : to_code_points(text)) {
    if (const std::size_t septet = septet_of(character); septet != std::u32string_view::npos) {
      out += static_cast<char>(septet);
    } else if (const auto* extension = extension_of(character)) {
      out += static_cast<char>(kEscape);
      out += static_cast<char>(extension->second);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string from_gsm7(std::string_view septets) {
  std::string out;
  for (std::size_t i = 0; i < septets.size(); ++i) {
    const auto septet = static_cast<std::uint8_t>(septets[i]);
    char32_t character = septet < kDefault.size() ? kDefault[septet] : kReplacement;
    if (septet == kEscape) {
      const int next = i + 1 < septets.size() ? static_cast<std::uint8_t>(septets[++i]) : -1;
      const auto* found =
          std::ranges::find(kExtension, next, &std::pair<char32_t, std::uint8_t>::second);
      character = found == kExtension.end() ? kReplacement : found->first;
    }
    append_utf8(out, character);
  }
  return out;
}

std::string to_utf16be(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t character : to_code_points(text)) {
    if (character <= 0xFFFF) {
      append_u16be(out, static_cast<std::uint16_t>(character));
      continue;
    }
    const char32_t above = character - 0x10000;
    append_u16be(out, static_cast<std::uint16_t>(0xD800 | above >> 10));
    append_u16be(out, static_cast<std::uint16_t>(0xDC00 | (above & 0x3FF)));
  }
  return out;
}

std::string from_utf16be(std::string_view octets) {
  const auto unit_at = [&](std::size_t at) {
    return static_cast<char32_t>(static_cast<std::uint8_t>(octets[at]) << 8 |
                                 static_cast<std::uint8_t>(octets[at + 1]));
  };
  const auto is_high = [](char32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; };
  const auto is_low = [](char32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; };
  std::string out;
  std::size_t i = 0;
  for (; i + 1 < octets.size(); i += 2) {
    const char32_t unit = unit_at(i);
    if (is_high(unit) && i + 3 < octets.size() && is_low(unit_at(i + 2))) {
      append_utf8(out, 0x10000 + ((unit & 0x3FF) << 10 | (unit_at(i + 2) & 0x3FF)));
      i += 2;
    } else {
      append_utf8(out, is_high(unit) || is_low(unit) ? kReplacement : unit);
    }
  }
  if (i < octets.size()) append_utf8(out, kReplacement);
  return out;
}

std::string from_latin1(std::string_view octets) {
  std::string out;
  for (const char octet : octets) append_utf8(out, static_cast<std::uint8_t>(octet));
  return out;
}

std::u32string to_code_points(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    const int more = lead < 0xC0 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    char32_t character = more == 0 ? lead : lead & (0x3F >> more);
    for (int n = 0; n < more && i < text.size(); ++n)
      character = character << 6 | (static_cast<std::uint8_t>(text[i++]) & 0x3F);
    out += character;
  }
  return out;
}

void append_utf8(std::string& out, char32_t character) {
  if (character < 0x80) {
    out += static_cast<char>(character);
    return;
  }
  const int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  constexpr std::array<std::uint8_t, 4> kLead = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[static_cast<std::size_t>(more)] | character >> (6 * more));
  for (int n = more - 1; n >= 0; --n)
    out += static_cast<char>(0x80 | (character >> (6 * n) & 0x3F));
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t character : text) append_utf8(out, character);
  return out;
}

}  // namespace linli::notify
