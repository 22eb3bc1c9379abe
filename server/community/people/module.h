// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/registry.h"

/// Households and the people in them, with or without a phone; family proxies and consents.
///
/// Rows: `household`, `person`, `proxy`, `consent`, `undo`, `import_batch`, `access_log` live on
/// the server only; `person_card` and `household_card` are what a grid worker's phone holds of the
/// own grid (bucket staff:<grid>), never with sensitive tags.
namespace linli::community::people {

void declare(sync::Registry& registry);

}  // namespace linli::community::people
