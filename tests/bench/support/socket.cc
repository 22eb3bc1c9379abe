// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/socket.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/support/process.h"

namespace linli::bench {
namespace {

/// Of <linux/in.h>, which does not go together with <netinet/in.h>.
constexpr int kBindAddressNoPort = 24;
constexpr std::size_t kSocketsPerSource = 5000;
constexpr std::uint32_t kFirstSource = 0x7f010001;  // 127.1.0.1

void check(bool ok, const char* what) {
  if (!ok) die(std::string("openssl: ") + what);
}

template <class T>
void write_pem(const std::string& path, int (*write)(FILE*, T*), T* what) {
  FILE* const file = std::fopen(path.c_str(), "w");
  check(file != nullptr && write(file, what) == 1, path.c_str());
  std::fclose(file);
}

long ssl_result(SSL* ssl, int done) {
  if (done > 0) return done;
  const int why = SSL_get_error(ssl, done);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

}  // namespace

std::shared_ptr<SSL_CTX> make_tls_client() {
  std::shared_ptr<SSL_CTX> out(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  check(out != nullptr, "context");
  SSL_CTX_set_min_proto_version(out.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(out.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(out.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(out.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return out;
}

void make_certificate(const std::string& folder) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const cert = X509_new();
  check(key != nullptr && cert != nullptr, "certificate");
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert), 86'400);
  X509_set_pubkey(cert, key);
  X509_NAME* const name = X509_get_subject_name(cert);
  const auto* const host = reinterpret_cast<const unsigned char*>("127.0.0.1");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
  X509_set_issuer_name(cert, name);
  check(X509_sign(cert, key, EVP_sha256()) > 0, "sign");
  write_pem<const X509>(
      folder + "/cert.pem", [](FILE* f, const X509* c) { return PEM_write_X509(f, c); }, cert);
  write_pem<const EVP_PKEY>(
      folder + "/key.pem",
      [](FILE* f, const EVP_PKEY* k) {
        return PEM_write_PrivateKey(f, k, nullptr, nullptr, 0, nullptr, nullptr);
      },
      key);
  chmod((folder + "/key.pem").c_str(), 0600);
  X509_free(cert);
  EVP_PKEY_free(key);
}

Socket::Socket(std::uint16_t port, std::size_t source, SSL_CTX* tls) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) die("no socket: is the limit of open files high enough?");
  const int on = 1;
  setsockopt(fd_, IPPROTO_IP, kBindAddressNoPort, &on, sizeof on);
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr =
      htonl(kFirstSource + static_cast<std::uint32_t>(source / kSocketsPerSource));
  if (bind(fd_, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) die("bind failed");
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)
    die("connect failed");
  if (tls == nullptr) return;
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, fd_);
  SSL_set_connect_state(ssl_);
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ssl_(std::exchange(other.ssl_, nullptr)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  close();
  fd_ = std::exchange(other.fd_, -1);
  ssl_ = std::exchange(other.ssl_, nullptr);
  return *this;
}

void Socket::close() {
  if (fd_ < 0) return;
  SSL_free(std::exchange(ssl_, nullptr));
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(std::exchange(fd_, -1));
}

long Socket::read(char* data, std::size_t size) {
  if (ssl_ != nullptr) return ssl_result(ssl_, SSL_read(ssl_, data, static_cast<int>(size)));
  const ssize_t got = recv(fd_, data, size, 0);
  if (got > 0) return got;
  return got < 0 && errno == EAGAIN ? 0 : -1;
}

long Socket::write(std::string_view data) {
  if (ssl_ != nullptr)
    return ssl_result(ssl_, SSL_write(ssl_, data.data(), static_cast<int>(data.size())));
  const ssize_t put = send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
  if (put >= 0) return put;
  return errno == EAGAIN || errno == ENOTCONN ? 0 : -1;
}

}  // namespace linli::bench
