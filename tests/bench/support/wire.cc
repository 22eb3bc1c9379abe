// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/wire.h"

#include <array>
#include <cstdint>

namespace linli::bench {
namespace {

/// Any constant will do: masking protects proxies, and the server pays the same for each.
constexpr std::array<unsigned char, 4> kMask{0x37, 0xfa, 0x21, 0x3d};

void append_length(std::string& out, std::size_t size, unsigned char mask_bit) {
  if (size < 126) {
    out.push_back(static_cast<char>(mask_bit | size));
    return;
  }
  const int bytes = size < 65536 ? 2 : 8;
  out.push_back(static_cast<char>(mask_bit | (bytes == 2 ? 126 : 127)));
  for (int i = bytes - 1; i >= 0; --i)
    out.push_back(static_cast<char>((static_cast<std::uint64_t>(size) >> (8 * i)) & 0xff));
}

}  // namespace

std::string upgrade_request(std::string_view path, std::string_view host,
                            std::string_view subprotocol) {
  std::string out = "GET ";
  out.append(path).append(" HTTP/1.1\r\nHost: ").append(host);
  out.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
  out.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ");
  return out.append(subprotocol).append(kUpgradeEnd);
}

void append_message(std::string& out, std::string_view payload, bool text) {
  out.push_back(static_cast<char>(0x80 | (text ? 1 : 2)));
  append_length(out, payload.size(), 0x80);
  for (const unsigned char byte : kMask) out.push_back(static_cast<char>(byte));
  for (std::size_t i = 0; i < payload.size(); ++i)
    out.push_back(static_cast<char>(static_cast<unsigned char>(payload[i]) ^ kMask[i % 4]));
}

std::string server_message(std::string_view payload, bool text) {
  std::string out(1, static_cast<char>(0x80 | (text ? 1 : 2)));
  append_length(out, payload.size(), 0);
  return out.append(payload);
}

ServerFrameView parse_server_frame(std::string_view in) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in[i]); };
  if (in.size() < 2) return {};
  std::uint64_t length = byte(1) & 0x7f;
  const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (in.size() < 2 + extra) return {};
  if (extra > 0) length = 0;
  for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte(2 + i);
  if (in.size() - 2 - extra < length) return {};
  return {static_cast<Opcode>(byte(0) & 0x0f), (byte(0) & 0x80) != 0, in.substr(2 + extra, length),
          2 + extra + length};
}

}  // namespace linli::bench
