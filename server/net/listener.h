// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "base/result.h"
#include "server/net/asio.h"
#include "server/net/stream.h"

namespace linli::net {

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
  /// "host:port", "[v6]:port" or ":port" (every address). Errors: invalid_argument.
  static Result<ListenAddress> parse(std::string_view text);
};

/// Where accepted sockets go.
struct ListenTarget {
  asio::io_context* loop = nullptr;
  /// Runs on `loop`.
  std::function<void(Stream)> take;
};

/// One port. Accepts on its own loop and hands sockets to the targets in turn.
///
/// Out of descriptors: a reserve descriptor is given up for a moment so that the peer hears 503
/// instead of hanging in the backlog.
/// Threads: open() and close() before and after the loop runs, or on it; port() any.
class Listener {
 public:
  /// `tls` null = plain. `may_accept` false = the socket hears 503 and is closed.
  Listener(asio::io_context& loop, std::shared_ptr<const TlsContext> tls,
           std::vector<ListenTarget> targets, std::function<bool()> may_accept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Errors: io (address in use, no permission), invalid_argument; detail names the address.
  Result<void> open(const ListenAddress& address);
  void close();
  /// The real port when 0 was asked for.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Sockets turned away for want of descriptors or by `may_accept`.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  void accept();
  void on_socket(std::size_t target, tcp::socket socket);
  void on_exhausted();
  void refuse(int descriptor);

  const std::shared_ptr<const TlsContext> tls_;
  const std::vector<ListenTarget> targets_;
  const std::function<bool()> may_accept_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  int reserve_ = -1;
  std::size_t next_ = 0;
  std::atomic<std::uint16_t> port_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace linli::net
