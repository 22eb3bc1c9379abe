// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/bench/support/process.h"
#include "tests/bench/support/raw_server.h"

namespace linli::bench {

/// The receivers of a RawServer in a process of their own: 10,000 of them and 10,000 phones do not
/// fit under a limit of 20,000 open files.
class RawCrowd {
 public:
  /// Forks; call while the program has one thread. Returns when all are connected.
  RawCrowd(const RawServer& server, std::size_t sockets);
  ~RawCrowd();
  RawCrowd(const RawCrowd&) = delete;
  RawCrowd& operator=(const RawCrowd&) = delete;

  struct Cost {
    /// From the trigger to the last receipt.
    double ms = 0;
    /// Of the bare server, `settle` seconds after the last receipt.
    double cpu_seconds = 0;
  };
  /// Every socket gets `message`, the bytes of one WebSocket message, `count` times.
  [[nodiscard]] Cost deliver(std::string_view message, std::uint32_t count, double settle) const;

 private:
  int control_ = -1;
  Child child_;
};

}  // namespace linli::bench
