// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/app/config.h"

namespace linli::app {

struct DemoOptions {
  std::uint16_t port = 8080;
  /// Empty = a folder in the user's home that survives restarts.
  std::string data;
  int people = 200;
};

/// Settings of a server on this machine alone, with an empty community `huainan` made on first use.
/// Errors: io, disk_full.
Result<Config> prepare_demo(const DemoOptions& options);

}  // namespace linli::app
