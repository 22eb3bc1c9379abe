// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/net/http_message.h"
#include "server/net/stream.h"

namespace linli::ws {

/// Written by reference; whoever writes keeps it alive until on_written().
using Frame = std::shared_ptr<const std::string>;

/// Hears from one transport. Calls come from the loop, never from inside a call to the transport.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  virtual void on_open() = 0;
  /// One whole message; `message` is valid during the call. The next one is read after it returns.
  virtual void on_message(std::string_view message, bool text) = 0;
  /// A message grew beyond limits::kClientMessageBytesMax; nothing more is read.
  virtual void on_too_large() = 0;
  /// The write is out: the next one may start.
  virtual void on_written() = 0;
  /// The connection is gone, whoever ended it. The last call.
  virtual void on_gone() = 0;
};

/// One WebSocket as the resident phase sees it: whole messages, one write at a time, no timers.
///
/// Implementations: Beast over net::Stream (plain and TLS), in memory for tests.
/// Threads: the loop of the socket.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts; `events` outlives the transport's last call. Afterwards on_open() or on_gone() comes.
  virtual void open(std::shared_ptr<TransportEvents> events) = 0;
  /// Sends `frames` as one message without copying them. Not while another write is out, not after
  /// close().
  virtual void write(std::span<const Frame> frames) = 0;
  /// Closing handshake; on_gone() follows. Not while a write is out.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Drops the connection at once; on_gone() follows.
  virtual void abort() = 0;
};

/// Answers the upgrade in `request` on `stream` with `subprotocol`; messages are text or binary.
std::shared_ptr<Transport> make_transport(net::Stream stream, net::HttpRequest request,
                                          std::string subprotocol, bool text);

}  // namespace linli::ws
