// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "tests/bench/support/process.h"

namespace linli::bench {

/// The limit of this machine: a process that accepts sockets, answers an upgrade with constant
/// bytes and then does nothing but what `serve` does with the open descriptors.
class RawServer {
 public:
  /// Runs in the child for each trigger().
  using Serve = std::function<void(std::span<const int> sockets, std::string_view bytes,
                                   std::uint32_t count)>;
  /// Forks; call while the program has one thread. `prepare` runs once in the child.
  explicit RawServer(Serve serve, const std::function<void()>& prepare = nullptr);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const Child& process() const { return child_; }
  void trigger(std::string_view bytes, std::uint32_t count) const;

 private:
  std::uint16_t port_ = 0;
  int control_ = -1;
  Child child_;
};

/// `count` times: one send() of `bytes` per socket.
void send_each(std::span<const int> sockets, std::string_view bytes, std::uint32_t count);
/// All of `bytes`, waiting as long as the buffer is full.
void send_all(int socket, std::string_view bytes);
/// False when the other side is gone.
bool read_exactly(int fd, void* to, std::size_t size);

}  // namespace linli::bench
