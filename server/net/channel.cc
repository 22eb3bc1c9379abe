// SPDX-License-Identifier: Apache-2.0
#include "server/net/channel.h"

#include <array>
#include <cerrno>

#include <boost/asio/error.hpp>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"

namespace linli::net {
namespace {

/// One TLS record.
constexpr std::size_t kRecordBytes = 16 * 1024;
/// Up to here copying the parts together costs less than naming each of them to the kernel.
constexpr std::size_t kCopyBytes = 4 * 1024;
constexpr std::size_t kPartsMax = 32;

std::span<char> scratch() {
  thread_local std::array<char, kRecordBytes> bytes;
  return bytes;
}

/// What recv() or send() returned, of `size` bytes asked for.
IoStep step_of(ssize_t returned, std::size_t size, Want want) {
  if (returned >= 0) {
    const auto bytes = static_cast<std::size_t>(returned);
    return {bytes < size ? want : Want::nothing, {}, bytes};
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {want, {}, 0};
  return {Want::nothing, error_code(errno, boost::system::system_category()), 0};
}

}  // namespace

Channel::Channel(Stream stream) {
  Stream::Detached detached = stream.detach();
  descriptor_ = detached.descriptor;
  ssl_ = std::move(detached.ssl);
}

IoStep Channel::read(std::span<char> into) {
  LINLI_ASSERT(into.size() >= kRecordBytes);
  if (ssl_) return tls_read(*ssl_, into.data(), into.size());
  ssize_t returned = 0;
  do returned = ::recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT);
  while (returned < 0 && errno == EINTR);
  if (returned == 0) return {Want::nothing, asio::error::eof, 0};
  return step_of(returned, into.size(), Want::readable);
}

IoStep Channel::write(std::span<const asio::const_buffer> parts) {
  LINLI_ASSERT(!parts.empty() && parts.size() <= kPartsMax);
  const std::size_t size = asio::buffer_size(parts);
  if (!ssl_) return write_plain(parts, size);
  if (parts.size() == 1) return tls_write(*ssl_, parts.front().data(), size);
  const std::size_t copied = asio::buffer_copy(asio::buffer(scratch().data(), kRecordBytes), parts);
  return tls_write(*ssl_, scratch().data(), copied);
}

IoStep Channel::write_plain(std::span<const asio::const_buffer> parts, std::size_t size) {
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  ssize_t returned = 0;
  if (size <= kCopyBytes) {
    asio::buffer_copy(asio::buffer(scratch().data(), kCopyBytes), parts);
    do returned = ::send(descriptor_, scratch().data(), size, flags);
    while (returned < 0 && errno == EINTR);
  } else {
    std::array<iovec, kPartsMax> named;
    for (std::size_t i = 0; i < parts.size(); ++i)
      named[i] = {const_cast<void*>(parts[i].data()), parts[i].size()};
    msghdr message{};
    message.msg_iov = named.data();
    message.msg_iovlen = parts.size();
    do returned = ::sendmsg(descriptor_, &message, flags);
    while (returned < 0 && errno == EINTR);
  }
  return step_of(returned, size, Want::writable);
}

void Channel::shutdown_send() {
  if (descriptor_ < 0) return;
  if (ssl_) tls_goodbye(*ssl_);
  ::shutdown(descriptor_, SHUT_WR);
}

void Channel::close() {
  if (descriptor_ < 0) return;
  if (ssl_) tls_goodbye(*ssl_);
  ::shutdown(descriptor_, SHUT_RDWR);
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace linli::net
