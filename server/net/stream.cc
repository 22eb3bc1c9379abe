// SPDX-License-Identifier: Apache-2.0
#include "server/net/stream.h"

#include <array>

#include "base/assert.h"

namespace linli::net {

void Stream::close() {
  if (!socket_.is_open()) return;
  if (ssl_) tls_goodbye(*ssl_);
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

Stream::Detached Stream::detach() {
  error_code ec;
  const int descriptor = socket_.release(ec);
  LINLI_ASSERT(!ec);
  return {descriptor, std::move(ssl_)};
}

std::span<char> Stream::scratch() {
  thread_local std::array<char, kRecordBytes> bytes;
  return bytes;
}

}  // namespace linli::net
