// SPDX-License-Identifier: Apache-2.0
// The only file that instantiates Beast's WebSocket stream.
#include "server/ws/transport.h"

#include <array>

#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/assert.h"
#include "base/limits.h"

namespace linli::net {

// Found by Beast through argument-dependent lookup.
inline void beast_close_socket(Stream& stream) { stream.close(); }
inline void teardown(boost::beast::role_type, Stream& stream, error_code& ec) {
  ec = {};
  stream.close();
}
template <class Handler>
void async_teardown(boost::beast::role_type, Stream& stream, Handler&& handler) {
  stream.close();
  asio::post(stream.get_executor(),
             [h = std::forward<Handler>(handler)]() mutable { h(error_code{}); });
}

}  // namespace linli::net

namespace linli::ws {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace asio = boost::asio;
using net::error_code;

/// Beast allocates it only for masking or splitting, which a server that does not fragment never
/// does; small all the same.
constexpr std::size_t kWriteBufferBytes = 512;
/// A read buffer that grew beyond this is given back when its message was handled.
constexpr std::size_t kIdleReadBytes = 2048;
constexpr std::size_t kReadPieceBytes = 16 * 1024;

beast::http::request<beast::http::empty_body> to_beast(const net::HttpRequest& request) {
  beast::http::request<beast::http::empty_body> out{beast::http::verb::get, "/", 11};
  for (const auto& [name, value] : request.headers) out.set(name, value);
  return out;
}

class BeastTransport final : public Transport, public std::enable_shared_from_this<BeastTransport> {
 public:
  BeastTransport(net::Stream stream, net::HttpRequest request, std::string subprotocol, bool text)
      : ws_(std::move(stream)),
        handshake_(std::make_unique<Handshake>(to_beast(request), std::move(subprotocol))) {
    websocket::permessage_deflate off;
    off.server_enable = off.client_enable = false;
    ws_.set_option(off);
    ws_.set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                   websocket::stream_base::none(), false});
    ws_.auto_fragment(false);
    ws_.write_buffer_bytes(kWriteBufferBytes);
    // We count ourselves: Beast would close with 1009 before the peer hears why.
    ws_.read_message_max(0);
    ws_.text(text);
  }

  void open(std::shared_ptr<TransportEvents> events) override {
    events_ = std::move(events);
    ws_.set_option(websocket::stream_base::decorator(
        [name = handshake_->subprotocol](websocket::response_type& response) {
          response.set(beast::http::field::sec_websocket_protocol, name);
        }));
    ws_.async_accept(handshake_->request, [self = shared_from_this()](error_code ec) {
      self->handshake_.reset();
      self->ws_.set_option(websocket::stream_base::decorator([](websocket::response_type&) {}));
      if (ec) return self->gone();
      self->events_->on_open();
      self->read();
    });
  }

  void write(std::span<const Frame> frames) override {
    LINLI_ASSERT(!writing_ && !closing_ && frames.size() <= limits::kMessageFramesMax);
    writing_ = true;
    Gather gather{};
    std::size_t n = 0;
    for (const Frame& frame : frames) gather.parts[n++] = asio::buffer(*frame);
    gather.count = n;
    ws_.async_write(gather, [self = shared_from_this()](error_code ec, std::size_t) {
      self->writing_ = false;
      if (ec) return self->abort();
      if (!self->gone_) self->events_->on_written();
    });
  }

  void close(std::uint16_t code, std::string_view reason) override {
    if (closing_ || gone_) return;
    closing_ = true;
    websocket::close_reason why;
    why.code = code;
    const auto shown = reason.substr(0, why.reason.max_size());
    why.reason.assign(shown.data(), shown.size());
    ws_.async_close(why, [self = shared_from_this()](error_code) {
      self->ws_.next_layer().close();
      self->gone();
    });
  }

  void abort() override {
    ws_.next_layer().close();
    // Pending operations end with an error and report; without any, this does.
    asio::post(ws_.get_executor(), [self = shared_from_this()] { self->gone(); });
  }

 private:
  struct Handshake {
    beast::http::request<beast::http::empty_body> request;
    std::string subprotocol;
  };
  /// A buffer sequence by value that allocates nothing.
  struct Gather {
    using value_type = asio::const_buffer;
    using const_iterator = const asio::const_buffer*;
    [[nodiscard]] const_iterator begin() const { return parts.data(); }
    [[nodiscard]] const_iterator end() const { return parts.data() + count; }
    std::array<asio::const_buffer, limits::kMessageFramesMax> parts;
    std::size_t count = 0;
  };

  void read() {
    ws_.async_read_some(
        buffer_, kReadPieceBytes,
        [self = shared_from_this()](error_code ec, std::size_t) { self->on_read(ec); });
  }

  void on_read(error_code ec) {
    if (gone_) return;
    if (ec) {
      // async_close() reports by itself.
      if (!closing_) abort();
      return;
    }
    if (buffer_.size() > limits::kClientMessageBytesMax) {
      buffer_ = {};
      return events_->on_too_large();
    }
    if (ws_.is_message_done()) {
      const auto data = buffer_.cdata();
      events_->on_message({static_cast<const char*>(data.data()), data.size()}, ws_.got_text());
      buffer_.clear();
      if (buffer_.capacity() > kIdleReadBytes) buffer_ = {};
    }
    if (!closing_ && !gone_) read();
  }

  void gone() {
    if (std::exchange(gone_, true)) return;
    ws_.next_layer().close();
    if (auto events = std::exchange(events_, nullptr)) events->on_gone();
  }

  websocket::stream<net::Stream, false> ws_;
  beast::flat_buffer buffer_;
  std::shared_ptr<TransportEvents> events_;
  std::unique_ptr<Handshake> handshake_;
  bool writing_ = false;
  bool closing_ = false;
  bool gone_ = false;
};

}  // namespace

std::shared_ptr<Transport> make_transport(net::Stream stream, net::HttpRequest request,
                                          std::string subprotocol, bool text) {
  return std::make_shared<BeastTransport>(std::move(stream), std::move(request),
                                          std::move(subprotocol), text);
}

}  // namespace linli::ws
