// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/registry.h"

namespace linli::community {

/// Declares every domain module. Adding a module adds one line to modules.cc.
void declare_modules(sync::Registry& registry);

}  // namespace linli::community
