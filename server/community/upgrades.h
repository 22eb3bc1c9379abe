// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/registry.h"

/// What changed about rows and buckets since communities are kept (docs/STORAGE.md §5).
namespace linli::community {

/// After all tables are declared.
void declare_upgrades(sync::Registry& registry);

}  // namespace linli::community
