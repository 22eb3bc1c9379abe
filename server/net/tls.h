// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include <boost/system/error_code.hpp>
#include <openssl/ssl.h>

#include "base/result.h"

namespace linli::net {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

/// What the next attempt on a socket has to wait for.
enum class Want { nothing, readable, writable };
/// What one attempt did. Without an error and with nothing to wait for it is done.
struct IoStep {
  Want want = Want::nothing;
  boost::system::error_code error;
  std::size_t bytes = 0;
};

/// One call of OpenSSL on a non-blocking socket each. Errors: eof when the peer has ended.
IoStep tls_handshake(SSL& ssl);
IoStep tls_read(SSL& ssl, void* data, std::size_t size);
/// A retry begins with the same bytes; their address may differ.
IoStep tls_write(SSL& ssl, const void* data, std::size_t size);
/// Says close_notify as far as that works without waiting.
void tls_goodbye(SSL& ssl);

struct TlsFiles {
  /// PEM: the certificate of the server, then its chain.
  std::string certificate;
  /// PEM, not encrypted.
  std::string key;
};

/// The server side of TLS: version >= 1.2, forward secrecy, stateless session tickets.
/// Threads: any. Connections keep the certificate they began with.
class TlsContext {
 public:
  /// Errors: io when a file cannot be read, invalid_argument when it does not parse or the key does
  ///         not belong to the certificate; detail names the file and the reason.
  Result<void> load(const TlsFiles& files);
  /// Loads the same files again; on an error the old certificate stays in use.
  Result<void> reload();
  /// A new server session on a connected, non-blocking socket. Call after load().
  [[nodiscard]] SslPtr accept(int descriptor) const;
  /// Certificate's end of validity, unix seconds; 0 before load().
  [[nodiscard]] std::int64_t not_after() const { return not_after_; }

 private:
  TlsFiles files_;
  std::atomic<std::shared_ptr<SSL_CTX>> context_;
  std::atomic<std::int64_t> not_after_{0};
};

/// A new client session on a connected, non-blocking socket: TLS >= 1.2, the peer's chain and its
/// name (or address) verified. `ca_file`: PEM of the only authorities to trust; empty = those of
/// the system.
/// Errors:  io when the file cannot be read or holds no certificate; internal.
/// Threads: any.
Result<SslPtr> connect_tls(int descriptor, const std::string& host, const std::string& ca_file);

}  // namespace linli::net
