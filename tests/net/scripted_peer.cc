// SPDX-License-Identifier: Apache-2.0
#include "tests/net/scripted_peer.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

namespace linli::test {

PeerConnection::PeerConnection(int descriptor, int number, net::SslPtr ssl)
    : descriptor_(descriptor), number_(number), ssl_(std::move(ssl)) {
  if (ssl_) is_ok_ = SSL_accept(ssl_.get()) == 1;
}

PeerConnection::~PeerConnection() {
  if (ssl_ && is_ok_) SSL_shutdown(ssl_.get());
  ssl_.reset();
}

bool PeerConnection::fill() {
  std::array<char, 4096> part{};
  long got = 0;
  if (!is_ok_) return false;
  if (ssl_) {
    got = SSL_read(ssl_.get(), part.data(), static_cast<int>(part.size()));
  } else {
    got = ::recv(descriptor_, part.data(), part.size(), 0);
  }
  if (got <= 0) return false;
  buffer_.append(part.data(), static_cast<std::size_t>(got));
  return true;
}

std::string PeerConnection::read_until(std::string_view end) {
  std::size_t at = 0;
  while ((at = buffer_.find(end)) == std::string::npos) {
    if (!fill()) return std::exchange(buffer_, {});
  }
  return read_bytes(at + end.size());
}

std::string PeerConnection::read_bytes(std::size_t bytes) {
  while (buffer_.size() < bytes && fill()) {
  }
  std::string out = buffer_.substr(0, bytes);
  buffer_.erase(0, out.size());
  return out;
}

std::string PeerConnection::read_request() {
  std::string out = read_until("\r\n\r\n");
  constexpr std::string_view kLength = "Content-Length: ";
  if (const auto at = out.find(kLength); at != std::string::npos)
    out += read_bytes(std::stoul(out.substr(at + kLength.size())));
  return out;
}

void PeerConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void PeerConnection::answer(std::string_view body, std::string_view more_headers) {
  write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
        std::string(more_headers) + "\r\n" + std::string(body));
}

ScriptedPeer::ScriptedPeer(Script script, const net::TlsContext* tls)
    : script_(std::move(script)), tls_(tls) {
  std::signal(SIGPIPE, SIG_IGN);  // as the server does
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  LINLI_ASSERT(::bind(listener_, generic, sizeof address) == 0);
  LINLI_ASSERT(::listen(listener_, 64) == 0);
  socklen_t size = sizeof address;
  LINLI_ASSERT(::getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

ScriptedPeer::~ScriptedPeer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
  }
  for (auto& connection : connections_) connection.join();
  ::close(listener_);
}

void ScriptedPeer::run() {
  while (true) {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    {
      const std::lock_guard lock(mutex_);
      open_.push_back(descriptor);
    }
    const int number = accepted_++;
    connections_.emplace_back([this, descriptor, number] {
      {
        PeerConnection connection(descriptor, number,
                                  tls_ == nullptr ? nullptr : tls_->accept(descriptor));
        if (connection.is_ok()) script_(connection);
      }
      const std::lock_guard lock(mutex_);
      std::erase(open_, descriptor);
      ::close(descriptor);
    });
  }
}

const TestCertificate& test_certificate() {
  static const TestCertificate made = [] {
    std::string folder = (std::filesystem::temp_directory_path() / "linli-net-XXXXXX").string();
    LINLI_ASSERT(::mkdtemp(folder.data()) != nullptr);
    const auto make = [&](const std::string& name) {
      const std::string command =
          "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
          " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
          folder + "/" + name + ".key -out " + folder + "/" + name + ".pem 2> /dev/null";
      // NOLINTNEXTLINE(concurrency-mt-unsafe): once, and glibc's may be called by any thread
      LINLI_ASSERT(std::system(command.c_str()) == 0);
      return folder + "/" + name;
    };
    const std::string own = make("own");
    return TestCertificate{own + ".pem", own + ".key", make("other") + ".pem"};
  }();
  return made;
}

const net::TlsContext& test_tls() {
  static const net::TlsContext& context = *[] {
    auto* const made = new net::TlsContext;
    LINLI_ASSERT(made->load({test_certificate().certificate, test_certificate().key}).has_value());
    return made;
  }();
  return context;
}

}  // namespace linli::test
