// SPDX-License-Identifier: Apache-2.0
#include "checkin/wire.h"

#include "base/assert.h"

namespace linli::checkin {

void append_short(std::string& out, std::string_view text) {
  LINLI_ASSERT(text.size() <= 255);
  out.push_back(static_cast<char>(text.size()));
  out += text;
}

std::string to_code(std::string_view magic, std::string_view raw, ByteView sig) {
  std::string bytes(raw);
  bytes += as_text(sig);
  return std::string(magic) + to_base64url(as_bytes(bytes));
}

Result<std::string> from_code(std::string_view magic, std::string_view text) {
  if (!text.starts_with(magic)) return fail(Errc::malformed, "not a code of this kind");
  return from_base64url(text.substr(magic.size()));
}

std::uint64_t Reader::number(std::size_t bytes) {
  std::uint64_t out = 0;
  for (const char c : take(bytes)) out = out << 8 | static_cast<std::uint8_t>(c);
  return out;
}

std::string_view Reader::take(std::size_t bytes) {
  if (is_bad_ || rest_.size() < bytes) {
    is_bad_ = true;
    return {};
  }
  const std::string_view out = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return out;
}

std::string_view Reader::text(std::size_t length_bytes, std::size_t bytes_max) {
  const std::size_t bytes = number(length_bytes);
  if (bytes > bytes_max) is_bad_ = true;
  return take(bytes);
}

}  // namespace linli::checkin
