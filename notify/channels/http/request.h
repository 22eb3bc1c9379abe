// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/outgoing.h"
#include "notify/channels/http/profile.h"

/// Values and a profile become a request. Pure functions.
namespace linli::notify::http {

/// Adds `time` and `nonce`, and `sign` where the recipe is one of values (robot).
void add_signing_values(const SignSpec& sign, Instant now, const std::string& nonce, Json& values);

/// Renders and signs; `values` must hold what add_signing_values() adds.
HttpCall build_call(const RequestSpec& request, const SignSpec& sign, const Json& values);

}  // namespace linli::notify::http
