// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/linlid.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/support/seed.h"

namespace linli::bench {
namespace {

constexpr double kStartSecondsMax = 30;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out.sin_port = htons(port);
  return out;
}

/// One HTTP exchange; empty when nobody listens.
std::string http_get(std::uint16_t port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = loopback(port);
  std::string out;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[4096];
    for (ssize_t got = 0; (got = recv(fd, buffer, sizeof buffer, 0)) > 0;)
      out.append(buffer, static_cast<std::size_t>(got));
  }
  close(fd);
  return out;
}

std::string settings(const LinlidOptions& options, std::uint16_t port, std::uint16_t tls_port) {
  std::ostringstream out;
  out << "[server]\nlisten = [\"127.0.0.1:" << port << "\"]\n";
  if (options.tls) out << "listen_tls = [\"127.0.0.1:" << tls_port << "\"]\n";
  out << "origins = [\"http://127.0.0.1:" << port << "\", \"https://127.0.0.1:" << tls_port
      << "\"]\nloops = " << options.loops << "\n";
  if (options.tls)
    out << "[tls]\ncertificate = \"" << options.folder << "/cert.pem\"\nkey = \"" << options.folder
        << "/key.pem\"\n";
  if (!options.channels.empty())
    out << "[gateway]\nchannels = \"" << options.folder << "/channels.toml\"\n";
  out << "[data]\nfolder = \"" << options.folder << "\"\n[log]\nlevel = \"warn\"\n";
  return out.str();
}

}  // namespace

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) die("no free port");
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

Linlid::Linlid(const LinlidOptions& options)
    : options_(options), port_(free_port()), tls_port_(free_port()) {
  if (access(options_.program.c_str(), X_OK) != 0)
    die("no server program " + options_.program + ": build it, or name it with --linlid");
  if (options_.tls) make_certificate(options_.folder);
  if (!options_.channels.empty())
    std::ofstream(options_.folder + "/channels.toml") << options_.channels;
  const std::string file = options_.folder + "/linlid.toml";
  std::ofstream(file) << settings(options_, port_, tls_port_);
  const std::string log = options_.folder + "/linlid.log";
  child_ = Child::exec({options_.program, "--config", file}, kServerCpu, log);
  const double until = wall_seconds() + kStartSecondsMax;
  while (!http_get(port_, "/readyz").starts_with("HTTP/1.1 200")) {
    if (!child_.is_running() || wall_seconds() > until) {
      std::ifstream in(log);
      std::stringstream text;
      text << in.rdbuf();
      die("the server did not start: " + text.str());
    }
    usleep(50'000);
  }
}

LoadConfig Linlid::load_config(sync::Encoding encoding) const {
  const std::uint16_t port = options_.tls ? tls_port_ : port_;
  LoadConfig out;
  out.port = port;
  out.path = std::string("/c/") + kSlug + "/sync";
  out.origin = (options_.tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port);
  out.encoding = encoding;
  out.tls = options_.tls;
  return out;
}

std::string Linlid::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

double Linlid::metric(const std::string& name) const {
  std::istringstream page(http_get(port_, "/metrics"));
  double sum = 0;
  for (std::string line; std::getline(page, line);) {
    const bool is_it =
        line.starts_with(name) && (line[name.size()] == ' ' || line[name.size()] == '{');
    if (is_it) sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
  }
  return sum;
}

}  // namespace linli::bench
