// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/net/http_message.h"

namespace linli::ws {

/// A refusal when the handshake in `request` is not one of RFC 6455 §4.2.1 (Sec-WebSocket-Key,
/// Sec-WebSocket-Version 13). That it is a GET of HTTP/1.1 which asks for this upgrade is known.
std::optional<net::HttpResponse> refuse_handshake(const net::HttpRequest& request);
/// The whole 101 answer. `key` passed refuse_handshake().
std::string upgrade_answer(std::string_view key, std::string_view subprotocol);

}  // namespace linli::ws
