// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/outgoing.h"

namespace linli::net {

class CurlCall;

/// Performs HttpCall and MailCall with libcurl, on one thread of its own (decision M20).
///
/// Connections are kept and shared: HTTP/2 over TLS carries many calls at once. Never a redirect,
/// never a proxy of the environment, never a cookie, TLS >= 1.2 with verified name and chain. A
/// request is never repeated by itself: what libcurl would silently send again on a fresh
/// connection ends as Failure::broken with `sent`.
/// AddressTrust::client_told: https only, and every address that is connected to, or that a reused
/// connection leads to, is_public_address().
/// Errors:  are values of CallReply; nothing of the request is ever logged.
/// Threads: start() from any. `done` is called exactly once: on the client's thread, or at once on
///          the caller's when the call is refused (overload, or after stop()).
class HttpClient {
 public:
  using OnReply = std::function<void(CallReply)>;

  struct Limits {
    /// Calls under way; each may hold a reply of reply_bytes_max.
    std::size_t active_max = 128;
    /// Calls that wait for a place: more than all channels' windows together.
    std::size_t queued_max = 2048;
    /// Connections to one host, so that a slow provider leaves room for the others.
    std::size_t host_connections_max = 32;
  };
  struct Options {
    Limits limits{};
    /// Only for tests: AddressTrust::client_told may point at loopback.
    bool allow_private_targets = false;
  };

  HttpClient() : HttpClient(Options{}) {}
  explicit HttpClient(Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void start(HttpCall call, OnReply done);
  void start(MailCall call, OnReply done);
  /// Ends every call (Failure::broken when it was under way, Failure::local when it waited) and the
  /// thread. Returns at once: no call is waited for.
  void stop();

 private:
  struct Curl;
  void enqueue(std::unique_ptr<CurlCall> call);
  void run();
  void admit();
  void begin(std::unique_ptr<CurlCall> call);
  void expire_queued();
  void collect();
  void end_all();
  int poll_ms();

  // Constant after construction.
  const Options options_;
  std::unique_ptr<Curl> curl_;
  // Owned by the thread.
  std::unordered_map<void*, std::unique_ptr<CurlCall>> active_;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::deque<std::unique_ptr<CurlCall>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace linli::net
