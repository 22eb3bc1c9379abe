// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "clients/native/url.h"

/// Everything of a client that touches the network; Boost stays inside of connection/.
namespace linli::client {

struct TlsOptions {
  /// PEM file of the authorities to trust; empty = the system's. The peer's certificate and name
  /// are always verified, TLS >= 1.2.
  std::string ca_file{};
};

/// One thread's event loop. Threads: run() on one; post() and stop() from any; the rest inside it.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Until stop().
  void run();
  void stop();
  void post(std::function<void()> task);
  enum class Timer : std::uint8_t { session, dial, app };
  /// Replaces an earlier call of the same timer.
  void call_after(Timer timer, Millis after, std::function<void()> task);
  void cancel(Timer timer);

  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Called inside the loop. on_closed comes exactly once, also when dialling fails (1006).
struct SocketHandlers {
  std::function<void()> on_open;
  std::function<void(std::string_view message)> on_message;
  /// Part of a message came.
  std::function<void()> on_progress;
  /// `why` is for people and logs.
  std::function<void(std::uint16_t code, const std::string& why)> on_closed;
};

struct DialOptions {
  Url url;
  std::string subprotocol;
  bool is_binary = true;
  TlsOptions tls;
  /// Name and version for the User-Agent header.
  std::string agent;
};

/// A WebSocket. Every wait has a deadline: 10 s for name, connection, TLS and upgrade each, 60 s
/// for a write; the session watches reads. Threads: inside the loop.
class Socket {
 public:
  static std::shared_ptr<Socket> dial(Loop& loop, const DialOptions& options,
                                      SocketHandlers handlers);
  virtual ~Socket() = default;
  virtual void send(std::string message) = 0;
  /// Sends a close frame after what is queued; the peer has 3 s to answer.
  virtual void close(std::uint16_t code) = 0;
  /// No handler is called any more.
  virtual void abandon() = 0;
};

struct HttpCall {
  std::string method = "POST";
  Url url;
  /// Sent with POST and PATCH.
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
  Millis deadline{15'000};
  std::string content_type = "application/json";
  std::size_t answer_bytes_max = 1024 * 1024;
};

struct HttpReply {
  int status = 0;
  std::string body;
  /// Names as the server writes them.
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// One request (GET, POST, PATCH) on its own connection; blocks at most `deadline`.
/// Errors: unavailable (not reachable; detail says which step), timed_out, bad_signature (the
///         server's certificate is not trusted). Any HTTP status is a reply. Threads: any.
Result<HttpReply> http_call(const HttpCall& call, const TlsOptions& tls);

/// The same inside a loop. `done` is called once, inside the loop, unless the request is abandoned.
class HttpRequest {
 public:
  using Done = std::function<void(Result<HttpReply>)>;
  static std::shared_ptr<HttpRequest> send(Loop& loop, const HttpCall& call, const TlsOptions& tls,
                                           Done done);
  virtual ~HttpRequest() = default;
  virtual void abandon() = 0;
};

}  // namespace linli::client
