// SPDX-License-Identifier: Apache-2.0
// A byte stream gives the same PDUs in whatever pieces it comes; bodies that parse are written back
// to what parses to the same; receipts and replies are read from anything. The first byte is the
// size of the pieces.
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "notify/channels/smpp/pdu.h"
#include "notify/channels/smpp/receipt.h"

namespace {

using namespace linli;                // NOLINT
using namespace linli::notify::smpp;  // NOLINT

std::vector<Pdu> read(std::string_view bytes, std::size_t step) {
  std::vector<Pdu> out;
  Framer framer;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    framer.feed(bytes.substr(at, step));
    while (true) {
      auto pdu = framer.next();
      if (!pdu) return out;
      if (!*pdu) break;
      LINLI_ASSERT(encode(**pdu).size() <= kPduBytesMax);
      out.push_back(std::move(**pdu));
    }
  }
  return out;
}

void check_body(std::string_view body) {
  const auto message = parse_short_message(body);
  if (message) {
    const std::string written = encode(*message);
    LINLI_ASSERT(parse_short_message(written) == message);
    const auto receipt = read_receipt(*message, {});
    LINLI_ASSERT(is_valid_utf8(receipt.reason));
    LINLI_ASSERT(is_valid_utf8(read_reply(*message, {}).reply));
  }
  const std::string id = parse_message_id(body);
  for (const IdForm form : {IdForm::text, IdForm::hex, IdForm::decimal})
    LINLI_ASSERT(normal_id(id, form).size() <= id.size() + 20);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = as_text({data + 1, size - 1});
  const std::vector<Pdu> whole = read(bytes, bytes.size() + 1);
  LINLI_ASSERT(read(bytes, data[0] % 97 + 1U) == whole);
  for (const Pdu& pdu : whole) check_body(pdu.body);
  check_body(bytes);
  return 0;
}
