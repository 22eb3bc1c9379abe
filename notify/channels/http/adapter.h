// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "notify/channel.h"

namespace linli::notify {

/// A channel whose provider is a profile file (notify/channels/http/README.md).
///
/// Settings: `profile` (path), the provider's own settings, `<name>_file` for a secret kept in a
/// file, `templates` (approved texts), `part_price`, `window_max`.
/// Errors: invalid_argument naming the key; the faults of the profile and of its examples.
Result<std::unique_ptr<Adapter>> make_http_channel(const AdapterParts& parts);

}  // namespace linli::notify
