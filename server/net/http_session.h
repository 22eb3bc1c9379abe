// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/rng.h"
#include "server/net/http_message.h"
#include "server/net/stream.h"

namespace linli::net {

/// Deadlines and bounds of one HTTP connection.
struct HttpLimits {
  /// TLS handshake, and from a request's first byte to the end of its head (slow loris).
  std::chrono::milliseconds head{10'000};
  /// Between two requests.
  std::chrono::milliseconds idle{30'000};
  /// Between two pieces of a body, and for the whole of it.
  std::chrono::milliseconds body_piece{10'000};
  std::chrono::milliseconds body{120'000};
  /// A handler that does not answer; the client hears 503.
  std::chrono::milliseconds handler{30'000};
  /// A response nobody reads.
  std::chrono::milliseconds write{60'000};
  /// Where `body_max` says nothing else.
  std::size_t body_bytes{1024 * 1024};
  /// Requests of one connection; then it is closed and the next one lands on another loop.
  int requests{1000};
};

/// Takes connections that become WebSockets.
class UpgradeSink {
 public:
  virtual ~UpgradeSink() = default;
  /// A refusal, or nothing when take() may follow. Cheap: runs before the stream is given away.
  [[nodiscard]] virtual std::optional<HttpResponse> refuse(const HttpRequest& request) = 0;
  virtual void take(Stream stream, HttpRequest request) = 0;
};

/// Counted over all connections of a service; for metrics.
struct HttpStats {
  std::atomic<std::int64_t> open{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::uint64_t> timed_out{0};
  std::atomic<std::uint64_t> failed{0};
};

/// What does not differ between the connections of one loop. Outlives them.
struct HttpService {
  HttpHandler handler;
  /// Null = upgrades are refused.
  UpgradeSink* upgrades = nullptr;
  /// Largest body for a path; empty = limits.body_bytes everywhere.
  std::function<std::size_t(std::string_view path)> body_max;
  /// True = answer what was asked, then close.
  std::function<bool()> draining;
  HttpLimits limits;
  Rng* rng = nullptr;
  HttpStats* stats = nullptr;
};

/// Speaks HTTP/1.1 until the peer leaves, a deadline passes or the stream becomes a WebSocket.
/// Never throws for anything a peer does.
asio::awaitable<void> serve_http(Stream stream, const HttpService& service);

}  // namespace linli::net
