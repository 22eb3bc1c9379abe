// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/json_writer.h"

#include <array>
#include <charconv>
#include <cstring>

namespace linli::sync {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

/// Letter after the backslash; 'u' = \u00xx; 0 = the byte stands for itself.
constexpr std::array<char, 256> kEscape = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b', table['\f'] = 'f', table['\n'] = 'n', table['\r'] = 'r', table['\t'] = 't';
  table['"'] = '"', table['\\'] = '\\';
  return table;
}();

constexpr char escape_of(char c) { return kEscape[static_cast<std::uint8_t>(c)]; }

std::size_t escaped_size(std::string_view text) {
  std::size_t size = text.size();
  for (const char c : text) {
    const char escape = escape_of(c);
    if (escape != 0) size += escape == 'u' ? 5 : 1;
  }
  return size;
}

char* write_escaped(char* to, std::string_view text) {
  for (const char c : text) {
    const char escape = escape_of(c);
    if (escape == 0) [[likely]] {
      *to++ = c;
      continue;
    }
    *to++ = '\\';
    *to++ = escape;
    if (escape != 'u') continue;
    *to++ = '0', *to++ = '0';
    *to++ = kHexDigits[static_cast<std::uint8_t>(c) >> 4];
    *to++ = kHexDigits[c & 15];
  }
  return to;
}

template <class Integer>
void append_integer(std::string& out, Integer value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  const std::size_t after = before + escaped_size(text) + 2;
  // Grown geometrically: an exact reserve per row would copy the frame at every row.
  if (after > out.capacity()) out.reserve(after + after / 2);
  out.resize_and_overwrite(after, [&](char* start, std::size_t size) {
    start[before] = '"';
    *write_escaped(start + before + 1, text) = '"';
    return size;
  });
}

void JsonWriter::key(std::string_view name) {
  separate();
  out_.push_back('"');
  out_.append(name).append("\":");
  comma_ = false;
}

void JsonWriter::text(std::string_view value) {
  separate();
  append_json_string(out_, value);
}

void JsonWriter::integer(std::uint64_t value) {
  separate();
  append_integer(out_, value);
}

void JsonWriter::integer(std::int64_t value) {
  separate();
  append_integer(out_, value);
}

void JsonWriter::boolean(bool value) {
  separate();
  out_.append(value ? "true" : "false");
}

void JsonWriter::bytes(ByteView value) {
  separate();
  out_.push_back('"');
  out_.append(to_base64url(value)).push_back('"');
}

void JsonWriter::sum(std::uint64_t value) {
  separate();
  out_.push_back('"');
  for (int shift = 60; shift >= 0; shift -= 4) out_.push_back(kHexDigits[value >> shift & 15]);
  out_.push_back('"');
}

}  // namespace linli::sync
