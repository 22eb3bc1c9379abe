// SPDX-License-Identifier: Apache-2.0
#include "server/net/stream.h"

#include <array>
#include <cerrno>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>

namespace linli::net {

Stream::Step Stream::step_of(int returned) {
  const int saved = errno;
  switch (SSL_get_error(ssl_.get(), returned)) {
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

Stream::Step Stream::handshake_step() {
  ERR_clear_error();
  errno = 0;
  const int returned = SSL_do_handshake(ssl_.get());
  return returned == 1 ? Step{} : step_of(returned);
}

Stream::Step Stream::read_step(void* data, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int returned = SSL_read_ex(ssl_.get(), data, size, &bytes);
  return returned == 1 ? Step{Want::nothing, {}, bytes} : step_of(returned);
}

Stream::Step Stream::write_step(const void* data, std::size_t size) {
  if (size == 0) return {};
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int returned = SSL_write_ex(ssl_.get(), data, size, &bytes);
  return returned == 1 ? Step{Want::nothing, {}, bytes} : step_of(returned);
}

void Stream::close() {
  if (!socket_.is_open()) return;
  if (ssl_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

std::span<char> Stream::scratch() {
  thread_local std::array<char, kRecordBytes> bytes;
  return bytes;
}

}  // namespace linli::net
