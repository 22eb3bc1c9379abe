// SPDX-License-Identifier: Apache-2.0
// A stream of WebSocket frames comes to the same events whole and cut: the first byte says into
// pieces of how many, 0 = one, two, three... Nothing is kept of what was whole.
#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "server/ws/framing.h"

namespace {

using linli::ws::FrameEvent;
using linli::ws::FrameReader;

struct Seen {
  FrameEvent::Kind kind;
  bool text;
  std::uint16_t code;
  std::string data;
  friend bool operator==(const Seen&, const Seen&) = default;
};

void feed(FrameReader& reader, std::string_view piece, std::vector<Seen>& out) {
  std::vector<char> bytes(piece.begin(), piece.end());
  std::span<char> input(bytes);
  while (true) {
    const FrameEvent event = reader.next(input);
    if (event.kind == FrameEvent::Kind::nothing) break;
    if (event.text) LINLI_ASSERT(linli::is_valid_utf8(event.data));
    LINLI_ASSERT(event.data.size() <= linli::limits::kClientMessageBytesMax);
    out.push_back({event.kind, event.text, event.code, std::string(event.data)});
  }
  LINLI_ASSERT(input.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view stream = linli::as_text({data + 1, size - 1});
  FrameReader whole;
  std::vector<Seen> expected;
  feed(whole, stream, expected);
  FrameReader cut;
  std::vector<Seen> seen;
  std::size_t step = std::max<std::size_t>(data[0], 1);
  for (std::size_t at = 0; at < stream.size(); at += step, step += data[0] == 0 ? 1 : 0)
    feed(cut, stream.substr(at, step), seen);
  LINLI_ASSERT(seen == expected);
  return 0;
}
