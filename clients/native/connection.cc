// SPDX-License-Identifier: Apache-2.0
// The one file of the client that knows Boost.
#include "clients/native/connection.h"

#include <array>
#include <deque>
#include <optional>
#include <type_traits>

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <openssl/ssl.h>

#include "base/limits.h"

namespace linli::client {
namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::chrono::seconds kStepDeadline{10};
constexpr std::chrono::seconds kWriteDeadline{60};
constexpr std::chrono::seconds kCloseDeadline{3};
constexpr std::uint16_t kAbnormalClosure = 1006;

template <class Stream>
constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

std::unique_ptr<ssl::context> make_context(const TlsOptions& options, beast::error_code& ec) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(ssl::verify_peer);
  if (options.ca_file.empty()) {
    context->set_default_verify_paths(ec);
  } else {
    context->load_verify_file(options.ca_file, ec);
  }
  return context;
}

/// Name indication and the check that the certificate is for this host.
void expect_host(TlsStream& stream, const std::string& host) {
  beast::error_code is_name;
  asio::ip::make_address(host, is_name);
  if (is_name) SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  stream.set_verify_callback(ssl::host_name_verification(host));
}

bool is_certificate_problem(const beast::error_code& ec) {
  return ec.category() == asio::error::get_ssl_category();
}

}  // namespace

// --- Loop ---------------------------------------------------------------------------------------

struct Loop::Impl {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::array<asio::steady_timer, 3> timers{asio::steady_timer{io}, asio::steady_timer{io},
                                           asio::steady_timer{io}};
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;
void Loop::run() {
  impl_->io.restart();
  impl_->io.run();
}
void Loop::stop() { impl_->io.stop(); }
void Loop::post(std::function<void()> task) { asio::post(impl_->io, std::move(task)); }

void Loop::call_after(Timer timer, Millis after, std::function<void()> task) {
  auto& clock = impl_->timers.at(static_cast<std::size_t>(timer));
  clock.expires_after(std::max(after, Millis{0}));
  clock.async_wait([task = std::move(task)](beast::error_code ec) {
    if (!ec) task();
  });
}

void Loop::cancel(Timer timer) { impl_->timers.at(static_cast<std::size_t>(timer)).cancel(); }

// --- Opening a connection -----------------------------------------------------------------------

namespace {

/// Name, TCP, TLS; then calls `done` once. Shared by WebSocket and HTTP.
template <class Stream>
class Opener : public std::enable_shared_from_this<Opener<Stream>> {
 public:
  using Done = std::function<void(beast::error_code, const char* step)>;

  Opener(asio::io_context& io, Stream& stream, const Url& url)
      : resolver_(io), deadline_(io), stream_(&stream), url_(url) {}

  void start(Done done) {
    done_ = std::move(done);
    beast::error_code is_name;
    const auto address = asio::ip::make_address(url_.host, is_name);
    if (!is_name) {
      const auto port = static_cast<std::uint16_t>(std::stoi(url_.port));
      return connect(std::vector{tcp::endpoint(address, port)});
    }
    // A resolver cannot be interrupted: the deadline gives up on it and ignores what it says later.
    deadline_.expires_after(kStepDeadline);
    deadline_.async_wait([self = this->shared_from_this()](beast::error_code ec) {
      if (!ec) self->finish(beast::error::timeout, "name");
    });
    resolver_.async_resolve(url_.host, url_.port,
                            [self = this->shared_from_this()](beast::error_code ec, auto found) {
                              self->deadline_.cancel();
                              if (ec) return self->finish(ec, "name");
                              std::vector<tcp::endpoint> all;
                              for (const auto& entry : found) all.push_back(entry.endpoint());
                              self->connect(all);
                            });
  }

  void cancel() {
    done_ = nullptr;
    resolver_.cancel();
    deadline_.cancel();
  }

 private:
  void connect(const std::vector<tcp::endpoint>& endpoints) {
    if (!done_) return;
    auto& tcp_stream = beast::get_lowest_layer(*stream_);
    tcp_stream.expires_after(kStepDeadline);
    tcp_stream.async_connect(
        endpoints, [self = this->shared_from_this()](beast::error_code ec, const tcp::endpoint&) {
          if (ec) return self->finish(ec, "connection");
          beast::error_code ignored;
          beast::get_lowest_layer(*self->stream_).socket().set_option(tcp::no_delay(true), ignored);
          self->handshake();
        });
  }

  void handshake() {
    if constexpr (kIsTls<Stream>) {
      if (!done_) return;
      beast::get_lowest_layer(*stream_).expires_after(kStepDeadline);
      expect_host(*stream_, url_.host);
      stream_->async_handshake(
          ssl::stream_base::client,
          [self = this->shared_from_this()](beast::error_code ec) { self->finish(ec, "TLS"); });
    } else {
      finish({}, "");
    }
  }

  void finish(beast::error_code ec, const char* step) {
    if (auto done = std::exchange(done_, nullptr)) done(ec, step);
  }

  tcp::resolver resolver_;
  asio::steady_timer deadline_;
  Stream* stream_;
  Url url_;
  Done done_;
};

// --- WebSocket ----------------------------------------------------------------------------------

template <class Stream>
class SocketImpl final : public Socket, public std::enable_shared_from_this<SocketImpl<Stream>> {
 public:
  SocketImpl(asio::io_context& io, std::unique_ptr<ssl::context> context, DialOptions options,
             SocketHandlers handlers)
      : context_(std::move(context)),
        ws_(make_ws(io, *context_)),
        opener_(std::make_shared<Opener<Stream>>(io, ws_.next_layer(), options.url)),
        closing_(io),
        options_(std::move(options)),
        handlers_(std::move(handlers)) {}

  void start() {
    opener_->start([self = this->shared_from_this()](beast::error_code ec, const char* step) {
      ec ? self->finish(kAbnormalClosure, std::string(step) + ": " + ec.message())
         : self->upgrade();
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
    closing_.async_wait([self = this->shared_from_this()](beast::error_code ec) {
      if (!ec) self->finish(*self->close_code_, "closed");
    });
    if (out_.empty()) send_close();
  }

  void abandon() override {
    handlers_ = {};
    finish(kAbnormalClosure, "abandoned");
  }

 private:
  static websocket::stream<Stream> make_ws(asio::io_context& io, ssl::context& context) {
    if constexpr (kIsTls<Stream>) {
      return websocket::stream<Stream>(io, context);
    } else {
      return websocket::stream<Stream>(io);
    }
  }

  void upgrade() {
    auto& tcp_stream = beast::get_lowest_layer(ws_);
    tcp_stream.expires_never();
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
    ws_.async_handshake(
        answer_, options_.url.authority(), options_.url.path,
        [self = this->shared_from_this()](beast::error_code ec) { self->on_upgraded(ec); });
  }

  void on_upgraded(beast::error_code ec) {
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
    ws_.async_read_some(in_, limits::kMessageBytesMax,
                        [self = this->shared_from_this()](beast::error_code ec, std::size_t) {
                          self->on_read(ec);
                        });
  }

  void on_read(beast::error_code ec) {
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
                    [self = this->shared_from_this()](beast::error_code ec, std::size_t) {
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
    closing_.async_wait([self = this->shared_from_this()](beast::error_code ec) {
      if (!ec) self->finish(kAbnormalClosure, "write takes too long");
    });
  }

  void send_close() {
    if (is_close_sent_) return;
    is_close_sent_ = true;
    ws_.async_close(websocket::close_reason(static_cast<websocket::close_code>(*close_code_)),
                    [self = this->shared_from_this()](beast::error_code) {
                      self->finish(*self->close_code_, "closed");
                    });
  }

  void finish(std::uint16_t code, const std::string& why) {
    if (std::exchange(is_done_, true)) return;
    opener_->cancel();
    closing_.cancel();
    beast::get_lowest_layer(ws_).close();
    const SocketHandlers handlers = std::exchange(handlers_, {});
    if (handlers.on_closed) handlers.on_closed(code, why);
  }

  std::unique_ptr<ssl::context> context_;
  websocket::stream<Stream> ws_;
  std::shared_ptr<Opener<Stream>> opener_;
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
  beast::error_code ec;
  auto context = make_context(options.tls, ec);
  if (ec) {
    loop.post([closed = handlers.on_closed, why = ec.message()] {
      if (closed) closed(kAbnormalClosure, "certificates: " + why);
    });
    return nullptr;
  }
  const auto start = [&]<class Stream>(std::type_identity<Stream>) -> std::shared_ptr<Socket> {
    auto socket = std::make_shared<SocketImpl<Stream>>(loop.impl().io, std::move(context), options,
                                                       std::move(handlers));
    socket->start();
    return socket;
  };
  return options.url.tls ? start(std::type_identity<TlsStream>{})
                         : start(std::type_identity<PlainStream>{});
}

// --- HTTP ---------------------------------------------------------------------------------------

namespace {

template <class Stream>
class HttpExchange final : public HttpRequest,
                           public std::enable_shared_from_this<HttpExchange<Stream>> {
 public:
  HttpExchange(asio::io_context& io, std::unique_ptr<ssl::context> context, const HttpCall& call,
               Done done)
      : context_(std::move(context)),
        stream_(make_stream(io, *context_)),
        opener_(std::make_shared<Opener<Stream>>(io, stream_, call.url)),
        deadline_(io),
        limit_(call.deadline),
        done_(std::move(done)) {
    const bool has_body = call.method != "GET";
    request_ = {http::string_to_verb(call.method), call.url.path, 11};
    request_.set(http::field::host, call.url.authority());
    request_.set(http::field::user_agent, "linli");
    request_.set(http::field::accept, "application/json, application/problem+json");
    for (const auto& [name, value] : call.headers) request_.set(name, value);
    if (has_body) {
      request_.set(http::field::content_type, call.content_type);
      request_.body() = call.body;
    }
    request_.prepare_payload();
    parser_.body_limit(call.answer_bytes_max);
  }

  void start() {
    deadline_.expires_after(limit_);
    deadline_.async_wait([self = this->shared_from_this()](beast::error_code ec) {
      if (!ec) self->fail_at("deadline", beast::error::timeout);
    });
    opener_->start([self = this->shared_from_this()](beast::error_code ec, const char* step) {
      if (ec) return self->fail_at(step, ec);
      beast::get_lowest_layer(self->stream_).expires_never();
      http::async_write(self->stream_, self->request_,
                        [self](beast::error_code failed, std::size_t) {
                          failed ? self->fail_at("request", failed) : self->read();
                        });
    });
  }

  void abandon() override {
    done_ = nullptr;
    end();
  }

 private:
  static Stream make_stream(asio::io_context& io, ssl::context& context) {
    if constexpr (kIsTls<Stream>) {
      return Stream(io, context);
    } else {
      return Stream(io);
    }
  }

  void read() {
    http::async_read(stream_, buffer_, parser_,
                     [self = this->shared_from_this()](beast::error_code ec, std::size_t) {
                       if (ec) return self->fail_at("answer", ec);
                       auto& message = self->parser_.get();
                       HttpReply reply{int(message.result_int()), std::move(message.body()), {}};
                       for (const auto& field : message)
                         reply.headers.emplace_back(field.name_string(), field.value());
                       self->finish(std::move(reply));
                     });
  }

  void fail_at(const char* step, beast::error_code ec) {
    const Errc code = ec == beast::error::timeout
                          ? Errc::timed_out
                          : (is_certificate_problem(ec) ? Errc::bad_signature : Errc::unavailable);
    finish(fail(code, std::string(step) + ": " + ec.message()));
  }

  void finish(Result<HttpReply> result) {
    const Done done = std::exchange(done_, nullptr);
    end();
    if (done) done(std::move(result));
  }

  void end() {
    deadline_.cancel();
    opener_->cancel();
    beast::get_lowest_layer(stream_).close();
  }

  std::unique_ptr<ssl::context> context_;
  Stream stream_;
  std::shared_ptr<Opener<Stream>> opener_;
  asio::steady_timer deadline_;
  Millis limit_;
  Done done_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
};

}  // namespace

std::shared_ptr<HttpRequest> HttpRequest::send(Loop& loop, const HttpCall& call,
                                               const TlsOptions& tls, Done done) {
  beast::error_code ec;
  auto context = make_context(tls, ec);
  if (ec) {
    loop.post([done = std::move(done), why = ec.message()] {
      done(fail(Errc::invalid_argument, "certificates: " + why));
    });
    return nullptr;
  }
  const auto start = [&]<class Stream>(std::type_identity<Stream>) -> std::shared_ptr<HttpRequest> {
    auto exchange = std::make_shared<HttpExchange<Stream>>(loop.impl().io, std::move(context), call,
                                                           std::move(done));
    exchange->start();
    return exchange;
  };
  return call.url.tls ? start(std::type_identity<TlsStream>{})
                      : start(std::type_identity<PlainStream>{});
}

Result<HttpReply> http_call(const HttpCall& call, const TlsOptions& tls) {
  Loop loop;
  std::optional<Result<HttpReply>> out;
  const auto request = HttpRequest::send(loop, call, tls, [&](Result<HttpReply> result) {
    out = std::move(result);
    loop.stop();
  });
  loop.run();
  return std::move(*out);
}

}  // namespace linli::client
