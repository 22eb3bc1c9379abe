// SPDX-License-Identifier: Apache-2.0
// What the codec accepts it writes in both encodings, and reads back as the same frames. The first
// byte picks the encoding (bit 0) and who sent the message (bits 1, 2).
#include "base/assert.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "sync/protocol/codec.h"

namespace {

using namespace linli;        // NOLINT
using namespace linli::sync;  // NOLINT

std::string written(Encoding encoding, const HelloBody& body) {
  return encode_hello_body(encoding, body);
}
template <class Frame>
std::string written(Encoding encoding, const std::vector<Frame>& frames) {
  std::string out;
  for (const Frame& frame : frames) encode(encoding, frame, out);
  return out;
}

template <class Decode>
void check(Decode decode, Encoding from, std::string_view message, std::size_t bytes_max) {
  const auto first = decode(from, message);
  if (!first) return;
  for (const Encoding encoding : {Encoding::json, Encoding::cbor}) {
    const std::string once = written(encoding, *first);
    // Base64 and escapes may carry an accepted message over the limit.
    if (once.size() > bytes_max) continue;
    const auto again = decode(encoding, once);
    LINLI_ASSERT(again.has_value());
    LINLI_ASSERT(written(encoding, *again) == once);
    LINLI_ASSERT(written(from, *again) == written(from, *first));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Encoding encoding = (data[0] & 1) == 0 ? Encoding::json : Encoding::cbor;
  const std::string_view message = as_text({data + 1, size - 1});
  switch (data[0] >> 1 & 3) {
    case 0: check(&decode_server, encoding, message, limits::kServerMessageBytesMax); break;
    case 1: check(&decode_client, encoding, message, limits::kClientMessageBytesMax); break;
    default: check(&decode_hello_body, encoding, message, limits::kClientMessageBytesMax);
  }
  return 0;
}
