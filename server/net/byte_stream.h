// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.h"
#include "server/net/asio.h"
#include "server/net/stream.h"

/// Streams and programs that this machine opens (decision M20).
namespace linli::net {

/// An event loop on one thread of its own. Destroy it after everything that runs on it.
class LoopThread {
 public:
  explicit LoopThread(const char* name);
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  [[nodiscard]] asio::io_context& io() { return io_; }
  /// Handlers that have not run yet do not run any more.
  void stop();

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

/// What a ByteStream reports, on its loop. After on_closed, which comes exactly once, nothing.
struct ByteStreamEvents {
  std::function<void()> on_open;
  std::function<void(std::string bytes)> on_bytes;
  /// `reason` is for the operator and holds nothing the peer said.
  std::function<void(std::string reason)> on_closed;
};

/// One TCP or TLS connection to somebody else's server.
/// Threads: the public functions from any.
class ByteStream : public std::enable_shared_from_this<ByteStream> {
 public:
  struct Target {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
    /// PEM file of the only authority to trust; empty = those of the system. The certificate's
    /// chain and name are always verified, TLS >= 1.2.
    std::string ca_file;
    /// Name lookup, TCP and TLS together.
    Millis connect_max{8'000};
  };
  /// Bytes given to send() that the kernel has not taken: a peer that reads nothing for so long is
  /// cut off.
  static constexpr std::size_t kBacklogBytesMax = 1024 * 1024;
  /// Bytes reported and not yet consumed(): reading pauses beyond, so the peer is slowed down.
  static constexpr std::size_t kUnconsumedBytesMax = 256 * 1024;

  /// What one report costs of it at least, so that a peer that sends single bytes does not make a
  /// quarter of a million of them.
  static constexpr std::size_t kReportCostMin = 4 * 1024;

  static std::shared_ptr<ByteStream> open(asio::io_context& io, Target target,
                                          ByteStreamEvents events);
  ~ByteStream();

  /// In order. Before on_open the bytes wait for it.
  void send(std::string bytes);
  /// Who got `bytes` by on_bytes is done with them; once per report.
  void consumed(std::size_t bytes);
  /// Sends what is queued if that takes no longer than a second, then closes; on_closed follows.
  void close();

 private:
  ByteStream(asio::io_context& io, Target target, ByteStreamEvents events);
  void begin();
  void connect(const tcp::resolver::results_type& found);
  void handshake();
  void opened();
  void write();
  void read();
  void finish(std::string reason);
  static std::string reason_of(const char* step, const error_code& error);

  // Constant after construction.
  asio::io_context& io_;
  const Target target_;
  // Owned by the loop.
  ByteStreamEvents events_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  std::optional<Stream> stream_;
  std::deque<std::string> queue_;
  std::string inbox_;
  std::size_t written_ = 0;
  std::size_t unconsumed_ = 0;
  bool is_open_ = false;
  bool is_writing_ = false;
  bool is_reading_ = false;
  bool is_closing_ = false;
  bool is_finished_ = false;
  // Any thread.
  std::atomic<std::size_t> backlog_{0};
};

}  // namespace linli::net
