// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace linli::net {

/// A request as a value: parsed, bounded, body complete. No sockets.
struct HttpRequest {
  std::string method;
  /// Decoded path without query, starting with '/'; "." and ".." segments were refused.
  std::string path;
  /// Decoded query parameters in order.
  std::vector<std::pair<std::string, std::string>> query;
  /// Names in lower case; repeated headers joined by ", ".
  std::map<std::string, std::string, std::less<>> headers;
  std::string body;
  /// Peer address without port, for rate limits; never logged with an account.
  std::string remote;
  /// 16 hex digits; in every log line and every problem+json answer.
  std::string request_id;
  bool tls = false;

  /// Empty when absent. `name` in lower case.
  [[nodiscard]] std::string header(std::string_view name) const {
    auto it = headers.find(name);
    return it == headers.end() ? std::string{} : it->second;
  }
  [[nodiscard]] std::string query_value(std::string_view name) const {
    for (const auto& [k, v] : query)
      if (k == name) return v;
    return {};
  }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Answers one request. `done` is called exactly once, from any thread, within the deadline of the
/// handler's own making; the HTTP session adds its own.
using HttpHandler =
    std::function<void(HttpRequest request, std::function<void(HttpResponse)> done)>;

}  // namespace linli::net
