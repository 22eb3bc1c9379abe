// SPDX-License-Identifier: Apache-2.0
#include "server/net/listener.h"

#include <charconv>
#include <string_view>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

namespace linli::net {
namespace {

/// Unsent bytes the kernel may hold: later urgent frames overtake what is still ours (sync lanes).
constexpr int kNotSentLowWater = 16 * 1024;
/// A phone that vanished is found by the session's own deadline; this covers plain HTTP.
constexpr int kKeepIdleSeconds = 60;
constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kRetryAccept{50};
constexpr int kRefusedAtOnce = 64;

constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

void set_option(int descriptor, int level, int name, int value) {
  ::setsockopt(descriptor, level, name, &value, sizeof value);
}

void tune(tcp::socket& socket) {
  const int descriptor = socket.native_handle();
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kNotSentLowWater);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdleSeconds);
  error_code ignored;
  socket.native_non_blocking(true, ignored);
}

int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::invalid_argument, "address '" + std::string(text) + "' is not host:port");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ListenAddress out{host.empty() ? "::" : std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc{} || end != port.data() + port.size()) return bad();
  error_code ec;
  asio::ip::make_address(out.host == "localhost" ? "127.0.0.1" : out.host, ec);
  if (ec) return bad();
  return out;
}

Listener::Listener(asio::io_context& loop, std::shared_ptr<const TlsContext> tls,
                   std::vector<ListenTarget> targets, std::function<bool()> may_accept)
    : tls_(std::move(tls)),
      targets_(std::move(targets)),
      may_accept_(std::move(may_accept)),
      acceptor_(loop),
      retry_(loop),
      reserve_(open_reserve()) {}

Listener::~Listener() {
  close();
  if (reserve_ >= 0) ::close(reserve_);
}

Result<void> Listener::open(const ListenAddress& address) {
  error_code ec;
  const auto host =
      asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, ec);
  if (ec) return fail(Errc::invalid_argument, "listen address " + address.host);
  const tcp::endpoint endpoint{host, address.port};
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && host.is_v6()) acceptor_.set_option(asio::ip::v6_only(false), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(kBacklog, ec);
  if (ec)
    return fail(Errc::io, "listen on " + address.host + ":" + std::to_string(address.port) + ": " +
                              ec.message());
  port_ = acceptor_.local_endpoint(ec).port();
  accept();
  return {};
}

void Listener::close() {
  error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
}

void Listener::accept() {
  const std::size_t target = next_++ % targets_.size();
  acceptor_.async_accept(*targets_[target].loop, [this, target](error_code ec, tcp::socket socket) {
    if (ec == asio::error::operation_aborted) return;
    if (ec == asio::error::no_descriptors ||
        ec == boost::system::errc::too_many_files_open_in_system)
      return on_exhausted();
    if (!ec) on_socket(target, std::move(socket));
    if (acceptor_.is_open()) accept();
  });
}

void Listener::on_socket(std::size_t target, tcp::socket socket) {
  if (!may_accept_()) return refuse(socket.native_handle());
  tune(socket);
  auto shared = std::make_shared<tcp::socket>(std::move(socket));
  asio::post(*targets_[target].loop, [this, target, shared, tls = tls_] {
    SslPtr ssl = tls ? tls->accept(shared->native_handle()) : nullptr;
    targets_[target].take(Stream(std::move(*shared), std::move(ssl)));
  });
}

void Listener::refuse(int descriptor) {
  if (refused_++ % 1000 == 0)
    log_event(LogLevel::warn, "net.listener.refused", {{"total", refused_.load()}});
  if (tls_) return;
  // Unread input would turn the close into a reset that overtakes the answer.
  char input[2048];
  while (::recv(descriptor, input, sizeof input, MSG_DONTWAIT) > 0) {
  }
  ::send(descriptor, kBusy.data(), kBusy.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(descriptor, SHUT_WR);
}

void Listener::on_exhausted() {
  if (reserve_ >= 0) {
    ::close(reserve_);
    for (int i = 0; i < kRefusedAtOnce; ++i) {
      const int one = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
      if (one < 0) break;
      refuse(one);
      ::close(one);
    }
    reserve_ = open_reserve();
  }
  // Not at once: the loop would spin while nobody leaves.
  retry_.expires_after(kRetryAccept);
  retry_.async_wait([this](error_code ec) {
    if (!ec && acceptor_.is_open()) accept();
  });
}

}  // namespace linli::net
