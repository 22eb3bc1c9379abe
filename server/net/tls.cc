// SPDX-License-Identifier: Apache-2.0
#include "server/net/tls.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/assert.h"

namespace linli::net {
namespace {

/// TLS 1.2 only; 1.3 has no weak suite.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256";
constexpr std::size_t kTicketKeyBytes = 80;

std::string ssl_reason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "unknown TLS error" : text;
}

Result<void> readable(const std::string& path) {
  const std::ifstream in(path);
  if (!in) return fail(Errc::io, "cannot read TLS file " + path);
  return {};
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void configure(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set1_groups_list(context, kGroups);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  // Released buffers and no session cache: 15 KB instead of 31 KB per idle connection.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  static constexpr unsigned char id[] = "linli";
  SSL_CTX_set_session_id_context(context, id, sizeof id - 1);
  SSL_CTX_set_alpn_select_cb(context, choose_alpn, nullptr);
}

std::int64_t expiry_of(SSL_CTX* context) {
  std::tm at{};
  X509* cert = SSL_CTX_get0_certificate(context);
  if (cert == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &at) != 1) return 0;
  return timegm(&at);
}

namespace asio = boost::asio;
using boost::system::error_code;

void begin_step() {
  ERR_clear_error();
  errno = 0;
}

/// What a call that returned no success wants; begin_step() came before it.
IoStep step_of(SSL& ssl, int returned) {
  const int saved = errno;
  switch (SSL_get_error(&ssl, returned)) {
    case SSL_ERROR_WANT_READ: return {Want::readable, {}, 0};
    case SSL_ERROR_WANT_WRITE: return {Want::writable, {}, 0};
    case SSL_ERROR_ZERO_RETURN: return {Want::nothing, asio::error::eof, 0};
    case SSL_ERROR_SYSCALL:
      if (saved == 0) return {Want::nothing, asio::error::eof, 0};
      return {Want::nothing, error_code(saved, boost::system::system_category()), 0};
    default: break;
  }
  const auto code = ERR_get_error();
  if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return {Want::nothing, asio::error::eof, 0};
  return {Want::nothing, error_code(static_cast<int>(code), asio::error::get_ssl_category()), 0};
}

}  // namespace

IoStep tls_handshake(SSL& ssl) {
  begin_step();
  const int returned = SSL_do_handshake(&ssl);
  return returned == 1 ? IoStep{} : step_of(ssl, returned);
}

IoStep tls_read(SSL& ssl, void* data, std::size_t size) {
  begin_step();
  std::size_t bytes = 0;
  const int returned = SSL_read_ex(&ssl, data, size, &bytes);
  return returned == 1 ? IoStep{Want::nothing, {}, bytes} : step_of(ssl, returned);
}

IoStep tls_write(SSL& ssl, const void* data, std::size_t size) {
  if (size == 0) return {};
  begin_step();
  std::size_t bytes = 0;
  const int returned = SSL_write_ex(&ssl, data, size, &bytes);
  return returned == 1 ? IoStep{Want::nothing, {}, bytes} : step_of(ssl, returned);
}

void tls_goodbye(SSL& ssl) {
  if (SSL_is_init_finished(&ssl) == 0) return;
  begin_step();
  SSL_shutdown(&ssl);
  ERR_clear_error();
}

Result<void> TlsContext::load(const TlsFiles& files) {
  LINLI_CHECK(readable(files.certificate));
  LINLI_CHECK(readable(files.key));
  std::shared_ptr<SSL_CTX> fresh(SSL_CTX_new(TLS_server_method()), SslFree{});
  if (!fresh) return fail(Errc::internal, "TLS context: " + ssl_reason());
  configure(fresh.get());
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(fresh.get(), files.certificate.c_str()) != 1)
    return fail(Errc::invalid_argument,
                "TLS certificate " + files.certificate + ": " + ssl_reason());
  if (SSL_CTX_use_PrivateKey_file(fresh.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Errc::invalid_argument, "TLS key " + files.key + ": " + ssl_reason());
  if (SSL_CTX_check_private_key(fresh.get()) != 1)
    return fail(Errc::invalid_argument,
                "TLS key " + files.key + " does not belong to certificate " + files.certificate);
  if (const auto old = context_.load()) {
    // Phones resume across a reload.
    std::array<unsigned char, kTicketKeyBytes> keys{};
    if (SSL_CTX_get_tlsext_ticket_keys(old.get(), keys.data(), keys.size()) == 1)
      SSL_CTX_set_tlsext_ticket_keys(fresh.get(), keys.data(), keys.size());
  }
  not_after_ = expiry_of(fresh.get());
  files_ = files;
  context_.store(std::move(fresh));
  return {};
}

Result<void> TlsContext::reload() { return load(TlsFiles(files_)); }

SslPtr TlsContext::accept(int descriptor) const {
  const auto context = context_.load();
  LINLI_ASSERT(context != nullptr);
  SslPtr ssl(SSL_new(context.get()));
  LINLI_ASSERT(ssl != nullptr);
  SSL_set_fd(ssl.get(), descriptor);
  SSL_set_accept_state(ssl.get());
  return ssl;
}

Result<SslPtr> connect_tls(int descriptor, const std::string& host, const std::string& ca_file) {
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(Errc::internal, "TLS context: " + ssl_reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), kCiphers);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool has_roots =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                      : SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) == 1;
  if (!has_roots) return fail(Errc::io, "cannot read the authorities in " + ca_file);
  SslPtr ssl(SSL_new(context.get()));
  if (!ssl) return fail(Errc::internal, "TLS session: " + ssl_reason());
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) != 1) {
    ERR_clear_error();
    if (SSL_set1_host(ssl.get(), host.c_str()) != 1 ||
        SSL_set_tlsext_host_name(ssl.get(), host.c_str()) != 1)
      return fail(Errc::internal, "TLS name: " + ssl_reason());
  }
  SSL_set_fd(ssl.get(), descriptor);
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace linli::net
