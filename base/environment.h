// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace linli {

/// The variable `name` of the process; nothing when it is not set.
/// Threads: any, as no program of this project changes its environment.
std::optional<std::string> environment(const char* name);

}  // namespace linli
