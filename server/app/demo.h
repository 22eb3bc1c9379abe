// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/app/config.h"

namespace linli::app {

struct DemoOptions {
  std::uint16_t port = 8080;
  /// Empty = a folder in the user's home that survives restarts.
  std::string data;
  /// 0 = an empty community without slips.
  int people = 5480;
};

/// Settings of a server on this machine alone, with the made-up community `huainan`; on first use
/// it is filled. Prints the address and slips for signing in.
/// Errors: io, disk_full.
Result<Config> prepare_demo(const DemoOptions& options);

}  // namespace linli::app
