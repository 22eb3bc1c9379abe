// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "server/net/asio.h"
#include "server/net/tls.h"

namespace linli::net {

/// A connected socket, plain or TLS: one type, so that whatever is built on top is compiled once.
///
/// Models Asio's AsyncStream. TLS runs OpenSSL on the descriptor and asks Asio for readiness only:
/// 15 KB per idle connection where asio::ssl::stream takes 74 KB. A gathered write becomes one TLS
/// record of at most 16 KiB.
/// Threads: the loop of the socket; one read and one write at a time. The process ignores SIGPIPE.
class Stream {
 public:
  using executor_type = tcp::socket::executor_type;

  explicit Stream(tcp::socket socket) : socket_(std::move(socket)) {}
  Stream(tcp::socket socket, SslPtr ssl) : socket_(std::move(socket)), ssl_(std::move(ssl)) {}

  [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
  [[nodiscard]] tcp::socket& socket() { return socket_; }
  [[nodiscard]] bool tls() const { return ssl_ != nullptr; }

  /// Completes at once on a plain socket.
  template <class Token>
  auto async_handshake(Token&& token) {
    return asio::async_initiate<Token, void(error_code)>(
        [this](auto handler) {
          auto token_of = std::move(handler);
          asio::async_compose<decltype(token_of), void(error_code)>(HandshakeOp{this}, token_of,
                                                                    socket_);
        },
        token);
  }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return start<Reading>(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return start<Writing>(buffers, std::forward<Token>(token));
  }
  /// Says goodbye (TLS close_notify, FIN) as far as that works without waiting, and closes.
  void close();

  struct Detached {
    int descriptor = -1;
    SslPtr ssl;
  };
  /// Takes an open socket off its reactor; the caller closes it. Nothing may be pending.
  Detached detach();

 private:
  /// Readiness may have been reported before close(): by now the descriptor's number may be that of
  /// another connection.
  [[nodiscard]] bool is_closed() const { return !socket_.is_open(); }
  inline static const IoStep kAborted{Want::nothing, asio::error::operation_aborted, 0};

  template <class Done>
  void wait(Want want, Done&& done) {
    socket_.async_wait(want == Want::readable ? tcp::socket::wait_read : tcp::socket::wait_write,
                       std::forward<Done>(done));
  }

  struct HandshakeOp {
    Stream* stream;
    IoStep last{};
    bool finished = false;

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (finished) return self.complete(last.error);
      if (error) return self.complete(error);
      if (stream->tls()) last = stream->is_closed() ? kAborted : tls_handshake(*stream->ssl_);
      if (last.want != Want::nothing) return stream->wait(last.want, std::move(self));
      finished = true;
      asio::post(stream->get_executor(), std::move(self));
    }
  };

  struct Reading {
    template <class Buffers>
    static IoStep step(Stream& stream, const Buffers& buffers) {
      for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers);
           ++at) {
        const asio::mutable_buffer part = *at;
        if (part.size() > 0) return tls_read(*stream.ssl_, part.data(), part.size());
      }
      return {};
    }
    template <class Buffers, class Handler>
    static void plain(tcp::socket& socket, const Buffers& buffers, Handler&& handler) {
      socket.async_read_some(buffers, std::forward<Handler>(handler));
    }
  };
  struct Writing {
    template <class Buffers>
    static IoStep step(Stream& stream, const Buffers& buffers) {
      const auto first = asio::buffer_sequence_begin(buffers);
      if (first == asio::buffer_sequence_end(buffers)) return {};
      const asio::const_buffer front = *first;
      if (front.size() >= kRecordBytes || std::next(first) == asio::buffer_sequence_end(buffers))
        return tls_write(*stream.ssl_, front.data(), front.size());
      // Gathered again on a retry: OpenSSL wants the same bytes, not the same address.
      const std::size_t size =
          asio::buffer_copy(asio::buffer(scratch().data(), kRecordBytes), buffers);
      return tls_write(*stream.ssl_, scratch().data(), size);
    }
    template <class Buffers, class Handler>
    static void plain(tcp::socket& socket, const Buffers& buffers, Handler&& handler) {
      socket.async_write_some(buffers, std::forward<Handler>(handler));
    }
  };

  template <class Direction, class Buffers>
  struct TransferOp {
    Stream* stream;
    Buffers buffers;
    IoStep last{};
    bool finished = false;

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (finished) return self.complete(last.error, last.bytes);
      if (error) return self.complete(error, 0);
      last = stream->is_closed() ? kAborted : Direction::step(*stream, buffers);
      if (last.want != Want::nothing) return stream->wait(last.want, std::move(self));
      finished = true;
      asio::post(stream->get_executor(), std::move(self));
    }
  };

  template <class Direction, class Buffers, class Token>
  auto start(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, const Buffers& parts) {
          if (!tls()) return Direction::plain(socket_, parts, std::move(handler));
          auto token_of = std::move(handler);
          asio::async_compose<decltype(token_of), void(error_code, std::size_t)>(
              TransferOp<Direction, Buffers>{this, parts}, token_of, socket_);
        },
        token, buffers);
  }

  /// One TLS record.
  static constexpr std::size_t kRecordBytes = 16 * 1024;
  static std::span<char> scratch();

  tcp::socket socket_;
  SslPtr ssl_;
};

}  // namespace linli::net
