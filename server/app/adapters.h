// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "notify/channel.h"

namespace linli::app {

/// Every kind of channel that this program has: one line each.
void add_adapters(notify::AdapterRegistry& registry);

}  // namespace linli::app
