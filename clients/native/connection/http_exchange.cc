// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "clients/native/connection.h"
#include "clients/native/connection/any_stream.h"
#include "clients/native/connection/loop_impl.h"

namespace linli::client {
namespace {

namespace http = beast::http;

class HttpExchange final : public HttpRequest, public std::enable_shared_from_this<HttpExchange> {
 public:
  HttpExchange(asio::io_context& io, const HttpCall& call, const TlsOptions& tls, Done done)
      : stream_(io, call.url, tls), deadline_(io), limit_(call.deadline), done_(std::move(done)) {
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
    deadline_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec) self->fail_at("deadline", beast::error::timeout);
    });
    stream_.open([self = shared_from_this()](const Result<void>& opened) {
      if (!opened) return self->finish(std::unexpected(opened.error()));
      http::async_write(self->stream_, self->request_, [self](error_code ec, std::size_t) {
        ec ? self->fail_at("request", ec) : self->read();
      });
    });
  }

  void abandon() override {
    done_ = nullptr;
    end();
  }

 private:
  void read() {
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](error_code ec, std::size_t) {
                       if (ec) return self->fail_at("answer", ec);
                       auto& message = self->parser_.get();
                       HttpReply reply{int(message.result_int()), std::move(message.body()), {}};
                       for (const auto& field : message)
                         reply.headers.emplace_back(field.name_string(), field.value());
                       self->finish(std::move(reply));
                     });
  }

  void fail_at(const char* step, error_code ec) { finish(std::unexpected(error_at(step, ec))); }

  void finish(Result<HttpReply> result) {
    const Done done = std::exchange(done_, nullptr);
    end();
    if (done) done(std::move(result));
  }

  void end() {
    deadline_.cancel();
    stream_.close();
  }

  AnyStream stream_;
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
  auto exchange = std::make_shared<HttpExchange>(loop.impl().io, call, tls, std::move(done));
  exchange->start();
  return exchange;
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
