// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace linli::net {

/// Descriptors kept for files, pools and the listeners; the rest may be connections.
inline constexpr std::uint64_t kReservedDescriptors = 256;

struct FdLimit {
  std::uint64_t before = 0;
  std::uint64_t now = 0;
  std::uint64_t hard = 0;
  /// Sockets the process may hold open.
  [[nodiscard]] std::uint64_t connections() const {
    return now > 2 * kReservedDescriptors ? now - kReservedDescriptors : now / 2;
  }
};

/// Raises the soft limit of open descriptors to the hard one and logs the result.
FdLimit raise_fd_limit();

}  // namespace linli::net
