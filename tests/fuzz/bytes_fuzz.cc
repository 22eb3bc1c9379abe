// SPDX-License-Identifier: Apache-2.0
// Text forms of bytes are canonical both ways, for any input.
#include "base/assert.h"
#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const linli::ByteView raw{data, size};
  const std::string_view text = linli::as_text(raw);
  LINLI_ASSERT(linli::from_base64url(linli::to_base64url(raw)) == text);
  LINLI_ASSERT(linli::from_hex(linli::to_hex(raw)) == text);
  if (const auto bytes = linli::from_base64url(text)) {
    LINLI_ASSERT(linli::to_base64url(linli::as_bytes(*bytes)) == text);
  }
  if (linli::is_valid_utf8(text)) LINLI_ASSERT(linli::utf8_length(text) <= size);
  return 0;
}
