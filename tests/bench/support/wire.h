// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// The client half of RFC 6455 that a load needs: no extensions, no fragments from us.
namespace linli::bench {

inline constexpr std::string_view kUpgradeEnd = "\r\n\r\n";

/// GET with the headers of an upgrade. The key is constant: a load checks no accept key.
std::string upgrade_request(std::string_view path, std::string_view host,
                            std::string_view subprotocol);

/// Appends one masked message.
void append_message(std::string& out, std::string_view payload, bool text);
/// The bytes of one server message: what a bare loop sends in its place.
std::string server_message(std::string_view payload, bool text);

enum class Opcode { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// One frame at the start of `in`.
struct ServerFrameView {
  Opcode opcode = Opcode::text;
  bool final = true;
  std::string_view payload;
  /// Bytes of `in` it takes; 0 = not complete yet.
  std::size_t size = 0;
};
ServerFrameView parse_server_frame(std::string_view in);

}  // namespace linli::bench
