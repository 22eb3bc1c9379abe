// SPDX-License-Identifier: Apache-2.0
#include "server/net/http_session.h"

#include <array>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/bytes.h"
#include "base/log.h"
#include "server/net/deadline.h"
#include "server/net/http_head.h"
#include "server/net/problem.h"

namespace linli::net {
namespace {

namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t kHttpReadBytes = 16 * 1024;

/// An answer that a handler may give from any thread while the connection waits on its loop.
struct Pending {
  explicit Pending(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  std::optional<HttpResponse> response;
};

enum class Read { data, closed, late };

/// What reading one request came to.
struct Received {
  enum class Kind { request, closed, refused } kind = Kind::closed;
  HttpRequest request;
  HeadFacts facts;
  std::optional<Error> error;

  static Received refuse(Error why) { return {Kind::refused, {}, {}, std::move(why)}; }
};

class HttpConnection {
 public:
  HttpConnection(Stream stream, const HttpService& service)
      : stream_(std::move(stream)), service_(service) {
    ++service_.stats->open;
  }
  ~HttpConnection() {
    --service_.stats->open;
    stream_.close();
  }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  asio::awaitable<void> run();

 private:
  asio::awaitable<bool> handshake();
  asio::awaitable<Read> read_more(std::chrono::milliseconds limit);
  asio::awaitable<Received> read_request();
  asio::awaitable<std::optional<Error>> read_body(std::string_view head, Received& in);
  asio::awaitable<HttpResponse> answer(HttpRequest request);
  asio::awaitable<bool> write(HttpResponse response, bool head_only, bool keep_alive);
  asio::awaitable<bool> send(std::string head, std::string body);
  asio::awaitable<void> linger();
  asio::awaitable<bool> upgrade(HttpRequest request);
  [[nodiscard]] std::string new_request_id() const;
  [[nodiscard]] std::string remote() const;

  Stream stream_;
  const HttpService& service_;
  /// Bytes read and not consumed: the next request may already be here.
  std::string input_;
  std::string request_id_;
};

std::string HttpConnection::new_request_id() const {
  std::array<std::uint8_t, 8> bytes{};
  service_.rng->fill(bytes);
  return to_hex(bytes);
}

std::string HttpConnection::remote() const {
  error_code ec;
  auto address = const_cast<Stream&>(stream_).socket().remote_endpoint(ec).address();
  if (ec) return {};
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

asio::awaitable<bool> HttpConnection::handshake() {
  if (!stream_.tls()) co_return true;
  auto done = co_await with_deadline(stream_.async_handshake(kTuple), service_.limits.head);
  co_return done && !std::get<0>(*done);
}

asio::awaitable<Read> HttpConnection::read_more(std::chrono::milliseconds limit) {
  const std::size_t before = input_.size();
  input_.resize(before + kHttpReadBytes);
  auto done = co_await with_deadline(
      stream_.async_read_some(asio::buffer(input_.data() + before, kHttpReadBytes), kTuple), limit);
  input_.resize(before + (done ? std::get<1>(*done) : 0));
  if (!done) {
    ++service_.stats->timed_out;
    co_return Read::late;
  }
  co_return !std::get<0>(*done) && std::get<1>(*done) > 0 ? Read::data : Read::closed;
}

asio::awaitable<Received> HttpConnection::read_request() {
  const HttpLimits& limits = service_.limits;
  if (input_.empty() && co_await read_more(limits.idle) != Read::data) co_return Received{};
  const auto until = Clock::now() + limits.head;
  std::optional<std::size_t> size;
  while (!(size = head_size(input_)) && input_.size() <= kHeadBytesMax) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    const Read read = left.count() > 0 ? co_await read_more(left) : Read::late;
    if (read == Read::late) co_return Received::refuse({Errc::timed_out, "request head"});
    if (read == Read::closed) co_return Received{};
  }
  if (!size || *size > kHeadBytesMax) co_return Received::refuse({Errc::too_large, "request head"});
  Received in{Received::Kind::request, {}, {}, {}};
  const std::string head = input_.substr(0, *size);
  auto facts = parse_head(head, in.request);
  if (!facts) co_return Received::refuse(facts.error());
  in.facts = *facts;
  input_.erase(0, *size);
  if (auto error = co_await read_body(head, in)) co_return Received::refuse(std::move(*error));
  co_return in;
}

asio::awaitable<std::optional<Error>> HttpConnection::read_body(std::string_view head,
                                                                Received& in) {
  if (!in.facts.chunked && in.facts.content_length == 0) co_return std::nullopt;
  const std::size_t most =
      service_.body_max ? service_.body_max(in.request.path) : service_.limits.body_bytes;
  if (in.facts.content_length > most) co_return Error{Errc::too_large, "request body"};
  if (in.facts.expect_continue && !co_await send("HTTP/1.1 100 Continue\r\n\r\n", {}))
    co_return Error{Errc::timed_out, "request body"};
  http::request_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(kHeadBytesMax));
  parser.body_limit(most);
  error_code ec;
  parser.put(asio::buffer(head.data(), head.size()), ec);
  parser.eager(true);
  const auto until = Clock::now() + service_.limits.body;
  while (true) {
    if (ec == http::error::need_more) ec = {};
    if (!ec && !parser.is_done() && !input_.empty()) {
      const std::size_t used = parser.put(asio::buffer(input_), ec);
      input_.erase(0, used);
      // A chunk header that has not wholly come leaves its bytes in place.
      if (used > 0 && (!ec || ec == http::error::need_more)) continue;
    }
    if (ec == http::error::body_limit) co_return Error{Errc::too_large, "request body"};
    if (ec && ec != http::error::need_more) co_return Error{Errc::malformed, "request body"};
    if (parser.is_done()) break;
    if (input_.size() > kHttpReadBytes) co_return Error{Errc::malformed, "chunk header"};
    if (Clock::now() > until || co_await read_more(service_.limits.body_piece) != Read::data)
      co_return Error{Errc::timed_out, "request body"};
  }
  in.request.body = std::move(parser.get().body());
  co_return std::nullopt;
}

asio::awaitable<HttpResponse> HttpConnection::answer(HttpRequest request) {
  auto pending = std::make_shared<Pending>(stream_.get_executor());
  pending->timer.expires_after(service_.limits.handler);
  try {
    service_.handler(std::move(request), [pending](HttpResponse response) {
      asio::post(pending->timer.get_executor(), [pending, r = std::move(response)]() mutable {
        pending->response = std::move(r);
        pending->timer.cancel();
      });
    });
  } catch (const std::exception& e) {
    log_event(LogLevel::error, "net.http.handler_threw",
              {{"rid", request_id_}, {"what", e.what()}});
    co_return problem(Error{Errc::internal, {}}, request_id_);
  }
  co_await pending->timer.async_wait(kTuple);
  if (pending->response) co_return std::move(*pending->response);
  log_event(LogLevel::error, "net.http.no_answer", {{"rid", request_id_}});
  co_return busy(Errc::unavailable, request_id_, 5);
}

asio::awaitable<bool> HttpConnection::send(std::string head, std::string body) {
  const std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(body)};
  auto done =
      co_await with_deadline(asio::async_write(stream_, parts, kTuple), service_.limits.write);
  co_return done && !std::get<0>(*done);
}

asio::awaitable<bool> HttpConnection::write(HttpResponse response, bool head_only,
                                            bool keep_alive) {
  if (response.status >= 500) ++service_.stats->failed;
  std::string head = response_head(response, request_id_, keep_alive, stream_.tls());
  if (head_only || response.status == 204 || response.status == 304) response.body.clear();
  co_return co_await send(std::move(head), std::move(response.body));
}

/// Reads what a refused peer is still sending: closing over unread bytes is a reset, which would
/// destroy the answer on its way.
asio::awaitable<void> HttpConnection::linger() {
  error_code ignored;
  if (!stream_.tls()) stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  const auto until = Clock::now() + std::chrono::seconds(2);
  do {
    input_.clear();
  } while (Clock::now() < until &&
           co_await read_more(std::chrono::milliseconds(500)) == Read::data);
}

asio::awaitable<bool> HttpConnection::upgrade(HttpRequest request) {
  std::optional<HttpResponse> refusal;
  if (service_.upgrades == nullptr) refusal = problem(Error{Errc::not_found, {}}, request_id_);
  // A client that talks before it was answered is not one of ours.
  if (!refusal && !input_.empty())
    refusal = problem(Error{Errc::malformed, "bytes after the upgrade request"}, request_id_);
  if (!refusal) refusal = service_.upgrades->refuse(request);
  if (refusal) co_return co_await write(std::move(*refusal), false, false);
  service_.upgrades->take(std::move(stream_), std::move(request));
  co_return true;
}

asio::awaitable<void> HttpConnection::run() {
  if (!co_await handshake()) co_return;
  const std::string peer = remote();
  for (int n = 1; n <= service_.limits.requests; ++n) {
    Received in = co_await read_request();
    if (in.kind == Received::Kind::closed) co_return;
    request_id_ = new_request_id();
    ++service_.stats->requests;
    if (in.kind == Received::Kind::refused) {
      ++service_.stats->malformed;
      log_event(LogLevel::info, "net.http.refused",
                {{"rid", request_id_}, {"why", in.error->detail}});
      if (co_await write(problem(*in.error, request_id_), false, false)) co_await linger();
      co_return;
    }
    in.request.remote = peer;
    in.request.request_id = request_id_;
    in.request.tls = stream_.tls();
    if (in.facts.upgrade) {
      co_await upgrade(std::move(in.request));
      co_return;
    }
    const bool head_only = in.request.method == "HEAD";
    if (head_only) in.request.method = "GET";
    const bool keep_alive = in.facts.keep_alive && n < service_.limits.requests &&
                            !(service_.draining && service_.draining());
    HttpResponse response = co_await answer(std::move(in.request));
    if (!co_await write(std::move(response), head_only, keep_alive) || !keep_alive) co_return;
  }
}

}  // namespace

asio::awaitable<void> serve_http(Stream stream, const HttpService& service) {
  HttpConnection connection(std::move(stream), service);
  co_await connection.run();
}

}  // namespace linli::net
