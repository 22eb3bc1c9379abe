// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <algorithm>

#include "base/assert.h"
#include "base/utf8.h"

namespace linli {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::string_view kBase64url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Value of a digit, or -1.
constexpr int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

constexpr int base64url_value(char digit) {
  const std::size_t at = kBase64url.find(digit);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

template <class Unsigned>
void append_be(std::string& out, Unsigned value) {
  for (int shift = static_cast<int>(sizeof(Unsigned)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 15]);
  }
  return out;
}

Result<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return fail(Errc::malformed, "hex: odd number of digits");
  std::string out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_value(hex[i]);
    const int low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) {
      return fail(Errc::malformed, "hex: not a digit near byte " + std::to_string(i));
    }
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

std::string to_base64(ByteView bytes) {
  std::string out = to_base64url(bytes);
  for (char& digit : out) {
    if (digit == '-') digit = '+';
    if (digit == '_') digit = '/';
  }
  while (out.size() % 4 != 0) out.push_back('=');
  return out;
}

std::string to_base64url(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t held = 0;
  int bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8 | byte) & 0xffff;
    bits += 8;
    for (; bits >= 6; bits -= 6) out.push_back(kBase64url[held >> (bits - 6) & 63]);
  }
  if (bits > 0) out.push_back(kBase64url[held << (6 - bits) & 63]);
  return out;
}

Result<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return fail(Errc::malformed, "base64url: length is impossible");
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t held = 0;
  int bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int digit = base64url_value(text[i]);
    if (digit < 0) {
      return fail(Errc::malformed, "base64url: foreign character at byte " + std::to_string(i));
    }
    held = (held << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(held >> bits & 0xff));
  }
  // Otherwise two texts would stand for the same bytes.
  if ((held & ((1U << bits) - 1)) != 0) {
    return fail(Errc::malformed, "base64url: trailing bits are not zero");
  }
  return out;
}

bool is_valid_utf8(std::string_view text) noexcept {
  Utf8Check check;
  return check.feed(text) && check.at_boundary();
}

std::size_t utf8_length(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<std::uint8_t>(c) & 0xc0) != 0x80;
  }));
}

void append_u16be(std::string& out, std::uint16_t value) { append_be(out, value); }
void append_u32be(std::string& out, std::uint32_t value) { append_be(out, value); }
void append_u64be(std::string& out, std::uint64_t value) { append_be(out, value); }

std::uint64_t read_u64be(ByteView in) noexcept {
  LINLI_ASSERT(in.size() >= 8);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | in[i];
  return value;
}

Result<Id128> Id128::parse(std::string_view hex) {
  if (hex.size() != 32) return fail(Errc::malformed, "id: not 32 hex digits");
  LINLI_TRY(const std::string raw, from_hex(hex));
  return of(as_bytes(raw));
}

Id128 Id128::of(ByteView raw) {
  LINLI_ASSERT(raw.size() == 16);
  Id128 id;
  std::copy(raw.begin(), raw.end(), id.bytes.begin());
  return id;
}

}  // namespace linli
