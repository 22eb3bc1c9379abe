// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/community/rows.h"

namespace linli::community::notices {

/// Where the gateway finds a person: household, unit, quiet hours, endpoints, family who act for
/// them, and muted categories, in the form of notify/directory_port.h. The person exists.
Json contact_of(ReadContext& ctx, const std::string& person);

}  // namespace linli::community::notices
