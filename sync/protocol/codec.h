// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sync/protocol/frames.h"

namespace linli::sync {

/// Appends one frame; JSON frames end with '\n'. Row data and mutation args are copied verbatim
/// (JSON: escaped into one string, once). Threads: pure.
void encode(Encoding encoding, const ServerFrame& frame, std::string& out);
void encode(Encoding encoding, const ClientFrame& frame, std::string& out);
std::string encode_hello_body(Encoding encoding, const HelloBody& body);

/// Splits a WebSocket message into frames. All or nothing.
/// Errors: too_large, too_deep, invalid_utf8, malformed, unsupported_version (an unknown frame with
///         "must":true). Never throws; cost is linear in the message, memory at most a
///         small multiple.
/// Unknown frames come back as FrameUnknown; unknown members are skipped with the same bounds.
Result<std::vector<ServerFrame>> decode_server(Encoding encoding, std::string_view message);
Result<std::vector<ClientFrame>> decode_client(Encoding encoding, std::string_view message);
Result<HelloBody> decode_hello_body(Encoding encoding, std::string_view body);

}  // namespace linli::sync
