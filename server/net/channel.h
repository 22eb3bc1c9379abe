// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "server/net/stream.h"

namespace linli::net {

/// A connected socket, plain or TLS, that no reactor knows: every call does at once what can be
/// done at once and says what to wait for. Owns no buffer.
/// Threads: the loop of the socket. The process ignores SIGPIPE.
class Channel {
 public:
  /// Takes `stream` off its reactor; nothing may be pending on it.
  explicit Channel(Stream stream);
  ~Channel() { close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// -1 once closed.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool tls() const { return ssl_ != nullptr; }
  /// `into` holds a TLS record (16 KiB), so that none is left where no poll sees it.
  /// Errors: eof at the end of the stream.
  IoStep read(std::span<char> into);
  /// Sends the front of `parts`; TLS: as one record of at most 16 KiB. `want` says what the rest
  /// waits for; a retry begins with the same bytes.
  IoStep write(std::span<const asio::const_buffer> parts);
  /// Says that nothing more comes (TLS close_notify, FIN); reading goes on.
  void shutdown_send();
  /// The same as far as that works without waiting, and closes.
  void close();

 private:
  IoStep write_plain(std::span<const asio::const_buffer> parts, std::size_t size);

  int descriptor_ = -1;
  SslPtr ssl_;
};

}  // namespace linli::net
