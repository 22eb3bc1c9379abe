// SPDX-License-Identifier: Apache-2.0
#include "clients/native/connection/any_stream.h"

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <openssl/ssl.h>

namespace linli::client {
namespace {

namespace ssl = asio::ssl;
using asio::ip::tcp;

error_code trust(ssl::context& context, const TlsOptions& options) {
  error_code ec;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_verify_mode(ssl::verify_peer);
  if (options.ca_file.empty()) {
    context.set_default_verify_paths(ec);
  } else {
    context.load_verify_file(options.ca_file, ec);
  }
  return ec;
}

/// Name indication and the check that the certificate is for this host.
void expect_host(ssl::stream<tcp::socket&>& stream, const std::string& host) {
  error_code is_name;
  asio::ip::make_address(host, is_name);
  if (is_name) SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  stream.set_verify_callback(ssl::host_name_verification(host));
}

}  // namespace

Error error_at(std::string_view step, const error_code& ec) {
  const bool is_distrust = ec.category() == asio::error::get_ssl_category();
  const Errc code = ec == beast::error::timeout ? Errc::timed_out
                    : is_distrust               ? Errc::bad_signature
                                                : Errc::unavailable;
  return {code, std::string(step) + ": " + ec.message()};
}

class Transport : public std::enable_shared_from_this<Transport> {
 public:
  Transport(asio::io_context& io, const Url& url, const TlsOptions& options)
      : url_(url), options_(options), resolver_(io), deadline_(io), socket_(io) {}

  void open(AnyStream::Opened done) {
    done_ = std::move(done);
    if (const error_code ec = trust(context_, options_)) {
      asio::post(socket_.get_executor(), [self = shared_from_this(), why = ec.message()] {
        self->finish(fail(Errc::invalid_argument, "certificates: " + why));
      });
      return;
    }
    error_code is_name;
    const auto address = asio::ip::make_address(url_.host, is_name);
    if (!is_name) {
      const auto port = static_cast<std::uint16_t>(std::stoi(url_.port));
      return connect(std::vector{tcp::endpoint(address, port)});
    }
    // A resolver cannot be interrupted: the deadline gives up on it and ignores what it says later.
    begin("name");
    resolver_.async_resolve(url_.host, url_.port,
                            [self = shared_from_this()](error_code ec, auto found) {
                              if (!self->done_) return;
                              if (ec) return self->finish_step(ec);
                              std::vector<tcp::endpoint> all;
                              for (const auto& entry : found) all.push_back(entry.endpoint());
                              self->connect(all);
                            });
  }

  void close() {
    done_ = nullptr;
    resolver_.cancel();
    deadline_.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

  void read_some(const BufferList<asio::mutable_buffer>& into, AnyStream::Transferred done) {
    tls_ ? tls_->async_read_some(into, std::move(done))
         : socket_.async_read_some(into, std::move(done));
  }

  void write_some(const BufferList<asio::const_buffer>& from, AnyStream::Transferred done) {
    tls_ ? tls_->async_write_some(from, std::move(done))
         : socket_.async_write_some(from, std::move(done));
  }

  void tear_down(beast::role_type role, AnyStream::TornDown done) {
    using beast::websocket::async_teardown;
    tls_ ? async_teardown(role, *tls_, std::move(done))
         : async_teardown(role, socket_, std::move(done));
  }

 private:
  void begin(const char* step) {
    step_ = step;
    deadline_.expires_after(kStepDeadline);
    deadline_.async_wait([self = shared_from_this(), step](error_code ec) {
      if (!ec && self->step_ == step) self->finish_step(beast::error::timeout);
    });
  }

  void connect(const std::vector<tcp::endpoint>& endpoints) {
    begin("connection");
    asio::async_connect(socket_, endpoints,
                        [self = shared_from_this()](error_code ec, const tcp::endpoint&) {
                          if (!self->done_) return;
                          if (ec) return self->finish_step(ec);
                          error_code ignored;
                          self->socket_.set_option(tcp::no_delay(true), ignored);
                          self->url_.tls ? self->handshake() : self->finish({});
                        });
  }

  void handshake() {
    begin("TLS");
    tls_.emplace(socket_, context_);
    expect_host(*tls_, url_.host);
    tls_->async_handshake(ssl::stream_base::client, [self = shared_from_this()](error_code ec) {
      ec ? self->finish_step(ec) : self->finish({});
    });
  }

  void finish_step(error_code ec) { finish(std::unexpected(error_at(step_, ec))); }

  void finish(Result<void> result) {
    deadline_.cancel();
    if (const auto done = std::exchange(done_, nullptr)) done(std::move(result));
  }

  // Constant after construction.
  const Url url_;
  const TlsOptions options_;
  // Owned by the loop.
  AnyStream::Opened done_;
  std::string_view step_;
  ssl::context context_{ssl::context::tls_client};
  tcp::resolver resolver_;
  asio::steady_timer deadline_;
  tcp::socket socket_;
  /// Over socket_, from the handshake on.
  std::optional<ssl::stream<tcp::socket&>> tls_;
};

AnyStream::AnyStream(asio::io_context& io, const Url& url, const TlsOptions& tls)
    : io_(&io), transport_(std::make_shared<Transport>(io, url, tls)) {}

void AnyStream::open(Opened done) { transport_->open(std::move(done)); }
void AnyStream::close() { transport_->close(); }

AnyStream::executor_type AnyStream::get_executor() const noexcept { return io_->get_executor(); }

void AnyStream::read_some(const BufferList<asio::mutable_buffer>& into, Transferred done) {
  transport_->read_some(into, std::move(done));
}

void AnyStream::write_some(const BufferList<asio::const_buffer>& from, Transferred done) {
  transport_->write_some(from, std::move(done));
}

void AnyStream::tear_down(beast::role_type role, TornDown done) {
  transport_->tear_down(role, std::move(done));
}

}  // namespace linli::client
