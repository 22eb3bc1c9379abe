// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <optional>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/limits.h"
#include "clients/native/connection.h"
#include "clients/native/connection/any_stream.h"
#include "clients/native/connection/loop_impl.h"

namespace linli::client {
namespace {

namespace http = beast::http;
namespace websocket = beast::websocket;

constexpr std::chrono::seconds kWriteDeadline{60};
constexpr std::chrono::seconds kCloseDeadline{3};
constexpr std::uint16_t kAbnormalClosure = 1006;

class WebSocket final : public Socket, public std::enable_shared_from_this<WebSocket> {
 public:
  WebSocket(asio::io_context& io, DialOptions options, SocketHandlers handlers)
      : ws_(AnyStream(io, options.url, options.tls)),
        closing_(io),
        options_(std::move(options)),
        handlers_(std::move(handlers)) {}

  void start() {
    ws_.next_layer().open([self = shared_from_this()](const Result<void>& opened) {
      opened ? self->upgrade() : self->finish(kAbnormalClosure, opened.error().detail);
    });
  }

  void send(std::string message) override {
    out_.push_back(std::move(message));
    if (out_.size() == 1 && is_open_) write();
  }

  void close(std::uint16_t code) override {
    close_code_ = code;
    if (!is_open_) return finish(kAbnormalClosure, "closed while opening");
    closing_.expires_after(kCloseDeadline);
    closing_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec) self->finish(*self->close_code_, "closed");
    });
    if (out_.empty()) send_close();
  }

  void abandon() override {
    handlers_ = {};
    finish(kAbnormalClosure, "abandoned");
  }

 private:
  void upgrade() {
    ws_.set_option(websocket::stream_base::timeout{.handshake_timeout = kStepDeadline,
                                                   .idle_timeout = websocket::stream_base::none(),
                                                   .keep_alive_pings = false});
    ws_.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      request.set(http::field::user_agent, options_.agent);
      request.set(http::field::sec_websocket_protocol, options_.subprotocol);
      request.set(http::field::origin, options_.url.origin());
    }));
    ws_.binary(options_.is_binary);
    ws_.read_message_max(limits::kServerMessageBytesMax);
    ws_.async_handshake(answer_, options_.url.authority(), options_.url.path,
                        [self = shared_from_this()](error_code ec) { self->on_upgraded(ec); });
  }

  void on_upgraded(error_code ec) {
    if (is_done_) return;
    if (ec == websocket::error::upgrade_declined) {
      return finish(kAbnormalClosure, "HTTP " + std::to_string(answer_.result_int()));
    }
    if (ec) return finish(kAbnormalClosure, "upgrade: " + ec.message());
    if (answer_[http::field::sec_websocket_protocol] != options_.subprotocol) {
      return finish(4426, "the server does not speak " + options_.subprotocol);
    }
    is_open_ = true;
    read();
    if (handlers_.on_open) handlers_.on_open();
    if (!out_.empty()) write();
  }

  void read() {
    ws_.async_read_some(
        in_, limits::kMessageBytesMax,
        [self = shared_from_this()](error_code ec, std::size_t) { self->on_read(ec); });
  }

  void on_read(error_code ec) {
    if (is_done_) return;
    if (ec) {
      const auto said = static_cast<std::uint16_t>(ws_.reason().code);
      return finish(said != 0 ? said : kAbnormalClosure, ec.message());
    }
    if (!ws_.is_message_done()) {
      if (handlers_.on_progress) handlers_.on_progress();
      return read();
    }
    if (ws_.got_binary() != options_.is_binary) return finish(4400, "wrong kind of message");
    const auto data = in_.cdata();
    if (handlers_.on_message) {
      handlers_.on_message({static_cast<const char*>(data.data()), data.size()});
    }
    in_.clear();
    if (!is_done_) read();
  }

  void write() {
    // No deadline of Beast's: the stream's would also cover the pending read.
    write_limit(kWriteDeadline);
    ws_.async_write(asio::buffer(out_.front()),
                    [self = shared_from_this()](error_code ec, std::size_t) {
                      if (self->is_done_) return;
                      if (!self->close_code_) self->closing_.cancel();
                      if (ec) return self->finish(kAbnormalClosure, "write: " + ec.message());
                      self->out_.pop_front();
                      if (!self->out_.empty()) return self->write();
                      if (self->close_code_) self->send_close();
                    });
  }

  void write_limit(std::chrono::seconds limit) {
    if (close_code_) return;
    closing_.expires_after(limit);
    closing_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec) self->finish(kAbnormalClosure, "write takes too long");
    });
  }

  void send_close() {
    if (is_close_sent_) return;
    is_close_sent_ = true;
    ws_.async_close(
        websocket::close_reason(static_cast<websocket::close_code>(*close_code_)),
        [self = shared_from_this()](error_code) { self->finish(*self->close_code_, "closed"); });
  }

  void finish(std::uint16_t code, const std::string& why) {
    if (std::exchange(is_done_, true)) return;
    closing_.cancel();
    ws_.next_layer().close();
    const SocketHandlers handlers = std::exchange(handlers_, {});
    if (handlers.on_closed) handlers.on_closed(code, why);
  }

  /// Without permessage-deflate, which nobody offers.
  websocket::stream<AnyStream, false> ws_;
  asio::steady_timer closing_;
  DialOptions options_;
  SocketHandlers handlers_;
  websocket::response_type answer_;
  beast::flat_buffer in_;
  std::deque<std::string> out_;
  std::optional<std::uint16_t> close_code_;
  bool is_open_ = false;
  bool is_close_sent_ = false;
  bool is_done_ = false;
};

}  // namespace

std::shared_ptr<Socket> Socket::dial(Loop& loop, const DialOptions& options,
                                     SocketHandlers handlers) {
  auto socket = std::make_shared<WebSocket>(loop.impl().io, options, std::move(handlers));
  socket->start();
  return socket;
}

}  // namespace linli::client
