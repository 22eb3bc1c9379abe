// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "notify/channels/http/profile.h"

namespace linli::notify::http {

/// Plays one worked example of a profile against the real adapter at the example's time and nonce.
/// Errors: invalid_argument "profile <name>: example <name>: <what differs>".
Result<void> run_example(const std::shared_ptr<const Profile>& profile, const Example& example);

/// An item as examples and tests write it: every key is optional; see README.md.
/// Errors: invalid_argument on a key that does not exist.
Result<Item> parse_item(const Json& json, Medium medium, Instant now);

}  // namespace linli::notify::http
