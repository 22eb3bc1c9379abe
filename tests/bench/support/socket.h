// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace linli::bench {

/// TLS 1.3 client side of a load; checks no certificate.
std::shared_ptr<SSL_CTX> make_tls_client();
/// A self-signed P-256 certificate for 127.0.0.1: writes `folder`/cert.pem and key.pem.
void make_certificate(const std::string& folder);

/// A non-blocking client socket on loopback, plain or TLS.
class Socket {
 public:
  Socket() = default;
  /// Starts to connect to 127.0.0.1:`port` from the `source`-th block of addresses: one address has
  /// about 28,000 ports.
  Socket(std::uint16_t port, std::size_t source, SSL_CTX* tls);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  /// Ends at once with RST, so that no port waits in TIME_WAIT.
  void close();
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  /// Bytes read; 0 = nothing now; -1 = the connection is gone.
  long read(char* data, std::size_t size);
  /// As read().
  long write(std::string_view data);

 private:
  int fd_ = -1;
  SSL* ssl_ = nullptr;
};

}  // namespace linli::bench
