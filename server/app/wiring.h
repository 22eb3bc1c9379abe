// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "server/app/server.h"

/// The composition root: the only place that names concrete stores and modules.
namespace linli::app {

/// A server with every community below `config.data.folder`: each subfolder with a sync.db is one,
/// its name is the slug. Errors: io, corrupt, unsupported_version, disk_full; detail names the
/// file.
Result<std::unique_ptr<Server>> wire(const Config& config);

}  // namespace linli::app
