// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/net/poller.h"
#include "server/net/stream.h"

namespace linli::ws {

/// Written by reference: whoever must wait to send it keeps a pointer, nobody a copy.
using Frame = std::shared_ptr<const std::string>;

/// Hears from one transport. Calls come from the loop, never from inside a call to the transport.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  virtual void on_open() = 0;
  /// One whole message; `message` is valid during the call. The next one is read after it returns.
  virtual void on_message(std::string_view message, bool text) = 0;
  /// A message grew beyond what is allowed; no other one will come.
  virtual void on_too_large() = 0;
  /// The peer broke RFC 6455 and is told so (1002, 1007): no message will come or go. on_gone()
  /// follows when the peer leaves; abort() does not wait for that.
  virtual void on_violation() = 0;
  /// A write that had to wait is out: the next one may start.
  virtual void on_written() = 0;
  /// The connection is gone, whoever ended it. The last call.
  virtual void on_gone() = 0;
};

/// One WebSocket as the resident phase sees it: whole messages, one write at a time, no timers.
///
/// Implementations: own framing over net::Channel (plain and TLS), in memory for tests.
/// Threads: the loop of the socket.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts; afterwards on_open() or on_gone() comes. It and `events` keep each other alive until
  /// on_gone() has returned.
  virtual void open(std::shared_ptr<TransportEvents> events) = 0;
  /// Sends `frames` as one message. True = it is out already. False = on_written() will say so,
  /// unless the connection is ending; until then no other write. Not after close().
  [[nodiscard]] virtual bool write(std::span<const Frame> frames) = 0;
  /// Bytes of one message from now on: limits::kHelloMessageBytesMax at first.
  virtual void allow(std::size_t message_bytes_max) = 0;
  /// Closing handshake; on_gone() follows. Not while a write is out.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Drops the connection at once; on_gone() follows.
  virtual void abort() = 0;
};

/// A WebSocket on `stream`, which is told `answer` (upgrade.h) first; messages are text or binary.
/// `poller` outlives it.
std::shared_ptr<Transport> make_transport(net::Poller& poller, net::Stream stream,
                                          std::string answer, bool text);

}  // namespace linli::ws
