// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/net/http_message.h"

/// What a request head must look like before anybody acts on it. No sockets.
namespace linli::net {

/// Request line and headers together.
inline constexpr std::size_t kHeadBytesMax = 8 * 1024;

/// Bytes up to and including the empty line; nothing when it has not come yet.
std::optional<std::size_t> head_size(std::string_view input);

/// How the message goes on after its head.
struct HeadFacts {
  bool chunked = false;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expect_continue = false;
  bool upgrade = false;
};

/// Parses a whole head into method, path, query and headers.
///
/// Spec:   RFC 9112 §2-6, on the strict side of every choice it leaves: CRLF only, no obs-fold, no
///         blank before the colon, one Host, Content-Length or Transfer-Encoding but not both, no
///         other coding than chunked.
/// Why:    two readers of one byte stream must agree where a request ends (request smuggling).
/// Errors: malformed, invalid_argument (path), unsupported_version (not HTTP/1.x),
///         unsupported_media (transfer coding). Threads: pure.
Result<HeadFacts> parse_head(std::string_view head, HttpRequest& out);

/// Splits and decodes a request target in origin form into path and query.
/// Errors: malformed for bad escapes; invalid_argument for NUL, "." and ".." segments, '\' and
///         text that is not UTF-8.
Result<void> parse_target(std::string_view target, HttpRequest& out);

/// Status line and headers of a response, with the headers that every answer carries.
std::string response_head(const HttpResponse& response, std::string_view request_id,
                          bool keep_alive, bool tls);

}  // namespace linli::net
