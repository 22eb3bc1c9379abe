// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smtp/words.h"

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace linli::notify::smtp {
namespace {

constexpr std::string_view kOpen = "=?UTF-8?B?";
constexpr std::string_view kClose = "?=";
constexpr std::string_view kFold = "\r\n ";
constexpr std::size_t kWordMax = 75;
/// RFC 5321 §4.5.3.1.
constexpr std::size_t kLocalMax = 64;
constexpr std::size_t kMailboxMax = 254;
constexpr std::string_view kAlnum =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool all_in(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return kAlnum.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

/// Bytes of text whose base64 fits into `columns` next to the frame of a word.
std::size_t bytes_in(std::size_t columns) {
  const std::size_t frame = kOpen.size() + kClose.size();
  return columns <= frame ? 0 : (std::min(columns, kWordMax) - frame) / 4 * 3;
}

/// The longest beginning of `text` of at most `bytes_max` bytes that ends with a character.
std::string_view whole_characters(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<std::uint8_t>(text[bytes_max]) & 0xc0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

std::string encode_words(std::string_view text, std::size_t used) {
  std::string out;
  std::string_view part =
      whole_characters(text, bytes_in(kColumnsMax - std::min(used, kColumnsMax)));
  while (true) {
    if (!part.empty()) {
      out += kOpen;
      out += to_base64(as_bytes(part));
      out += kClose;
      text.remove_prefix(part.size());
    }
    if (text.empty()) return out;
    out += kFold;
    part = whole_characters(text, bytes_in(kColumnsMax - 1));
  }
}

bool is_dot_atom(std::string_view text, std::string_view more) {
  return !text.empty() && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos && all_in(text, more);
}

}  // namespace

std::string encode_text(std::string_view text, std::size_t used) {
  const bool is_plain = is_printable_ascii(text) && used + text.size() <= kColumnsMax &&
                        text.find("=?") == std::string_view::npos && !text.starts_with(' ') &&
                        !text.ends_with(' ');
  return is_plain ? std::string(text) : encode_words(text, used);
}

std::string encode_phrase(std::string_view name, std::size_t used) {
  const bool is_plain = all_in(name, " -_") && used + name.size() <= kColumnsMax &&
                        !name.starts_with(' ') && !name.ends_with(' ');
  return is_plain ? std::string(name) : encode_words(name, used);
}

std::string base64_lines(std::string_view bytes) {
  const std::string text = to_base64(as_bytes(bytes));
  std::string out;
  out.reserve(text.size() + text.size() / kColumnsMax * 2 + 2);
  for (std::size_t at = 0; at < text.size(); at += kColumnsMax) {
    out += std::string_view(text).substr(at, kColumnsMax);
    out += "\r\n";
  }
  return out;
}

bool is_mailbox(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || text.size() > kMailboxMax || at > kLocalMax) return false;
  return is_dot_atom(text.substr(0, at), "!#$%&'*+-/=?^_`{|}~.") &&
         is_dot_atom(text.substr(at + 1), "-.");
}

}  // namespace linli::notify::smtp
