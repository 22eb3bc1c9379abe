// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/admin/admin.h"

namespace linli::app {

/// Reads gateway.db while no server runs on it.
admin::StoppedGateway stopped_gateway();

}  // namespace linli::app
