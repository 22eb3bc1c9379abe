// SPDX-License-Identifier: Apache-2.0
#include "server/app/adapters.h"

namespace linli::app {

void add_adapters(notify::AdapterRegistry& registry) { (void)registry; }

}  // namespace linli::app
