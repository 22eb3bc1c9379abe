// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/raw_server.h"

#include <array>
#include <cerrno>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace linli::bench {
namespace {

constexpr std::string_view kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct ServerCommand {
  std::uint32_t count = 0;
  std::uint32_t size = 0;
};

class Loop {
 public:
  Loop(int listener, int control, RawServer::Serve serve)
      : listener_(listener), control_(control), serve_(std::move(serve)) {
    epoll_ = epoll_create1(0);
    watch(listener_);
    watch(control_);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i)
        if (!on_ready(events[static_cast<std::size_t>(i)].data.fd)) return;
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  bool on_ready(int fd) {
    if (fd == listener_) {
      const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return true;
      const int on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(socket);
      return true;
    }
    if (fd == control_) return on_command();
    std::array<char, 4096> buffer{};
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) {
      std::erase(sockets_, fd);
      close(fd);
    } else if (std::string_view(buffer.data(), static_cast<std::size_t>(got)).starts_with("GET")) {
      send_all(fd, kSwitching);
      sockets_.push_back(fd);
    }
    return true;
  }

  bool on_command() {
    ServerCommand command;
    if (!read_exactly(control_, &command, sizeof command)) return false;
    bytes_.resize(command.size);
    if (!read_exactly(control_, bytes_.data(), bytes_.size())) return false;
    serve_(sockets_, bytes_, command.count);
    return true;
  }

  int listener_;
  int control_;
  RawServer::Serve serve_;
  int epoll_ = -1;
  std::vector<int> sockets_;
  std::string bytes_;
};

}  // namespace

RawServer::RawServer(Serve serve, const std::function<void()>& prepare) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 4096) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    die("raw server cannot listen");
  port_ = ntohs(address.sin_port);
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) die("socketpair");
  control_ = pair[0];
  child_ = Child::fork(kServerCpu, [&] {
    close(pair[0]);
    raise_fd_limit();
    if (prepare) prepare();
    Loop(listener, pair[1], std::move(serve)).run();
  });
  close(pair[1]);
  close(listener);
}

RawServer::~RawServer() { close(control_); }

void RawServer::trigger(std::string_view bytes, std::uint32_t count) const {
  const ServerCommand command{count, static_cast<std::uint32_t>(bytes.size())};
  std::string out(reinterpret_cast<const char*>(&command), sizeof command);
  out.append(bytes);
  send_all(control_, out);
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (put < 0 && errno != EAGAIN && errno != EINTR) return;
    pollfd wait{socket, POLLOUT, 0};
    poll(&wait, 1, 1000);
  }
}

bool read_exactly(int fd, void* to, std::size_t size) {
  auto* at = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = read(fd, at, size);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

void send_each(std::span<const int> sockets, std::string_view bytes, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i)
    for (const int socket : sockets) send_all(socket, bytes);
}

}  // namespace linli::bench
