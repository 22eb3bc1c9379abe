// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "notify/channels/http/compose.h"

namespace linli::notify::http {

/// Checks the operator's table against the profile and fills defaults.
/// `secrets` reads `<name>_file`; nullptr = no files (examples).
/// Errors: invalid_argument naming the key; those of SecretReader::read().
Result<Setup> make_setup(std::shared_ptr<const Profile> profile, const Json& given,
                         const SecretReader* secrets);

}  // namespace linli::notify::http
