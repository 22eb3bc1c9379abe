// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "server/net/asio.h"

namespace linli::net {

/// Readiness of the many sockets of one loop, behind a single descriptor in Asio's reactor.
///
/// An Asio wait costs an allocation, a queue and a system call for each socket and message; here a
/// waiting socket owns one pointer, and a turn of the loop hears of many in one call. Readiness is
/// an edge (EPOLLET), so that a socket is asked once for each arrival: a waiter goes on until the
/// socket has no more, or asks to be told again.
/// Threads: the loop's.
class Poller {
 public:
  struct Readiness {
    bool readable = false;
    bool writable = false;
    /// An error, or the peer sends no more: behind what is unread comes the end. Also `readable`.
    bool ends = false;
  };
  /// Hears of one socket; may add, change and remove any, itself included.
  class Waiter {
   public:
    virtual void on_ready(Readiness ready) = 0;

   protected:
    ~Waiter() = default;
  };

  /// `loop` outlives it. Throws when the system has no descriptor left: a server cannot start so.
  explicit Poller(asio::io_context& loop);
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  [[nodiscard]] auto get_executor() { return set_.get_executor(); }
  /// Tells `waiter` when the socket is readable, until remove(). False when the kernel refuses.
  [[nodiscard]] bool add(int descriptor, Waiter& waiter);
  /// Whether it is told of a writable socket as well; off after add(). What is ready already is
  /// told again, so this is also how to come back to a socket that was left with unread bytes.
  void want_write(int descriptor, bool wanted);
  /// Before the descriptor is closed. Fine when it was not added.
  void remove(int descriptor);

 private:
  void wait();
  void tell();

  asio::posix::stream_descriptor set_;
  /// By descriptor; null = not here.
  std::vector<Waiter*> waiters_;
};

}  // namespace linli::net
