// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/json_reader.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"

namespace linli::sync {
namespace {

/// Bytes at which a run of a string ends: quote, backslash, control characters.
constexpr std::array<bool, 256> kStops = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
  table['"'] = true, table['\\'] = true;
  return table;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Value of four hex digits at the start of `text`, or -1.
std::int32_t hex4(std::string_view text) {
  if (text.size() < 4) return -1;
  std::int32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    std::int32_t digit = -1;
    if (is_digit(c)) digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

/// Code point of the \u escape at the start of `text`, a surrogate pair included, and its length.
/// Length 0 = malformed; a lone surrogate is malformed too: it has no UTF-8.
std::pair<std::int32_t, std::size_t> code_point(std::string_view text) {
  const std::int32_t high = hex4(text.substr(2));
  if (high < 0 || (high >= 0xdc00 && high <= 0xdfff)) return {0, 0};
  if (high < 0xd800 || high > 0xdbff) return {high, 6};
  if (!text.substr(6).starts_with("\\u")) return {0, 0};
  const std::int32_t low = hex4(text.substr(8));
  if (low < 0xdc00 || low > 0xdfff) return {0, 0};
  return {0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12};
}

char* write_utf8(char* to, std::int32_t point) {
  const auto tail = [point](int shift) { return static_cast<char>(0x80 | (point >> shift & 63)); };
  if (point < 0x80) return *to++ = static_cast<char>(point), to;
  if (point < 0x800) {
    *to++ = static_cast<char>(0xc0 | point >> 6);
    return *to++ = tail(0), to;
  }
  if (point < 0x10000) {
    *to++ = static_cast<char>(0xe0 | point >> 12);
    *to++ = tail(6);
    return *to++ = tail(0), to;
  }
  *to++ = static_cast<char>(0xf0 | point >> 18);
  *to++ = tail(12);
  *to++ = tail(6);
  return *to++ = tail(0), to;
}

char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

/// Where the run that starts at `at` ends.
std::size_t run_end(std::string_view text, std::size_t at) {
  while (at < text.size() && !kStops[static_cast<std::uint8_t>(text[at])]) ++at;
  return at;
}

}  // namespace

JsonReader::JsonReader(std::string_view message) : in_(message) {
  if (!is_valid_utf8(message)) fail(Errc::invalid_utf8, "not UTF-8");
}

void JsonReader::fail(Errc code, std::string_view what) {
  if (!ok_) return;
  ok_ = false;
  error_ = Error{code, "json: " + std::string(what) + " near byte " + std::to_string(at_)};
}

char JsonReader::peek() {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (at_ < in_.size() && blank(in_[at_])) ++at_;
  return ok_ && at_ < in_.size() ? in_[at_] : '\0';
}

bool JsonReader::at_end() {
  peek();
  return at_ == in_.size();
}

void JsonReader::end_frame() {
  if (peek() != '\n') return fail(Errc::malformed, "no line feed after the frame");
  ++at_;
}

bool JsonReader::expect(char c) {
  if (peek() != c) return fail(Errc::malformed, "unexpected text"), false;
  ++at_;
  return true;
}

bool JsonReader::word(std::string_view literal) {
  peek();
  if (!ok_ || !in_.substr(at_).starts_with(literal)) return false;
  at_ += literal.size();
  return true;
}

bool JsonReader::enter(char bracket) {
  if (!expect(bracket)) return false;
  if (depth_ == levels_.size()) return fail(Errc::too_deep, "nesting too deep"), false;
  levels_[depth_++] = {bracket == '{', true};
  return true;
}

bool JsonReader::next_item(char closer) {
  if (!ok_) return false;
  LINLI_ASSERT(depth_ > 0 && levels_[depth_ - 1].is_map == (closer == '}'));
  if (peek() == closer) return ++at_, --depth_, false;
  Level& level = levels_[depth_ - 1];
  if (!level.is_first && !expect(',')) return false;
  level.is_first = false;
  return true;
}

bool JsonReader::next_key(std::string_view& name) {
  if (!next_item('}')) return false;
  name = text();
  return expect(':');
}

std::string_view JsonReader::text() {
  if (!expect('"')) return {};
  const std::size_t begin = at_;
  bool has_escapes = false;
  for (at_ = run_end(in_, at_); at_ < in_.size(); at_ = run_end(in_, at_)) {
    const char c = in_[at_];
    if (c == '"') {
      const std::string_view raw = in_.substr(begin, at_++ - begin);
      if (!has_escapes) return raw;
      return unescape(raw) ? std::string_view(scratch_) : std::string_view();
    }
    if (c != '\\') return fail(Errc::malformed, "control character"), std::string_view();
    has_escapes = true;
    at_ = std::min(at_ + 2, in_.size());
  }
  return fail(Errc::malformed, "string does not end"), std::string_view();
}

bool JsonReader::unescape(std::string_view raw) {
  // An escape is never shorter than what it stands for.
  scratch_.resize_and_overwrite(raw.size(), [&](char* start, std::size_t) -> std::size_t {
    char* to = start;
    for (std::size_t at = 0; at < raw.size();) {
      const std::size_t end = run_end(raw, at);
      std::memcpy(to, raw.data() + at, end - at);
      to += end - at;
      at = end;
      if (at == raw.size()) break;
      if (raw[at + 1] == 'u') {
        const auto [point, size] = code_point(raw.substr(at));
        if (size == 0) return fail(Errc::malformed, "wrong \\u escape"), 0;
        to = write_utf8(to, point);
        at += size;
        continue;
      }
      *to = short_escape(raw[at + 1]);
      if (*to++ == 0) return fail(Errc::malformed, "unknown escape"), 0;
      at += 2;
    }
    return static_cast<std::size_t>(to - start);
  });
  return ok_;
}

std::string JsonReader::bytes() {
  auto raw = from_base64url(text());
  if (ok_ && !raw) fail(Errc::malformed, raw.error().detail);
  return ok_ ? std::move(*raw) : std::string();
}

void JsonReader::bytes(std::span<std::uint8_t> out) {
  const std::string raw = bytes();
  if (ok_ && raw.size() != out.size()) fail(Errc::malformed, "wrong number of bytes");
  if (ok_) std::ranges::copy(as_bytes(raw), out.begin());
}

std::uint64_t JsonReader::integer(std::uint64_t max) {
  if (!is_digit(peek())) return fail(Errc::malformed, "wrong type, want integer >= 0"), 0;
  const std::size_t begin = at_;
  std::uint64_t value = 0;
  for (; at_ < in_.size() && is_digit(in_[at_]); ++at_) {
    value = value * 10 + static_cast<std::uint64_t>(in_[at_] - '0');
    if (value > max) return fail(Errc::malformed, "integer out of range"), 0;
  }
  if (in_[begin] == '0' && at_ > begin + 1) return fail(Errc::malformed, "leading zero"), 0;
  if (at_ < in_.size() && (in_[at_] == '.' || in_[at_] == 'e' || in_[at_] == 'E')) {
    return fail(Errc::malformed, "fraction or exponent"), 0;
  }
  return value;
}

std::int64_t JsonReader::signed_integer() {
  const bool is_negative = peek() == '-';
  if (is_negative) ++at_;
  if (is_negative && (at_ == in_.size() || !is_digit(in_[at_]))) {
    return fail(Errc::malformed, "no digit after the sign"), 0;
  }
  const auto value = static_cast<std::int64_t>(integer());
  return is_negative ? -value : value;
}

bool JsonReader::boolean() {
  if (word("true")) return true;
  if (!word("false")) fail(Errc::malformed, "wrong type, want boolean");
  return false;
}

std::uint64_t JsonReader::sum() {
  const std::string_view hex = text();
  const bool is_lower = std::ranges::none_of(hex, [](char c) { return c >= 'A' && c <= 'F'; });
  const auto raw = from_hex(hex);
  if (ok_ && (!raw || raw->size() != 8 || !is_lower)) {
    fail(Errc::malformed, "want 16 lower-case hex digits");
  }
  return ok_ ? read_u64be(as_bytes(*raw)) : 0;
}

void JsonReader::start_any() {
  const char c = peek();
  if (c == '{' || c == '[') {
    enter(c);
  } else if (c == '"') {
    text();
  } else if (c == '-' || is_digit(c)) {
    signed_integer();
  } else if (!word("null")) {
    boolean();
  }
}

void JsonReader::skip() {
  const std::size_t outside = depth_;
  start_any();
  std::string_view ignored;
  while (ok_ && depth_ > outside) {
    if (levels_[depth_ - 1].is_map ? next_key(ignored) : next_element()) start_any();
  }
}

}  // namespace linli::sync
