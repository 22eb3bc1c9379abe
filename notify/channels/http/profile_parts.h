// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "notify/channels/http/profile.h"

/// The larger parts of a profile, each read from its own object. `profile` has its settings and
/// values already: templates are checked against them. Errors: invalid_argument.
namespace linli::notify::http {

Result<RequestSpec> parse_request(const Json& json, const std::string& where,
                                  const Profile& profile);
/// Null = none.
Result<SignSpec> parse_sign(const Json& json, const Profile& profile);
Result<ReplySpec> parse_reply(const Json& json, const Profile& profile);
/// Null = absent.
Result<std::optional<HookSpec>> parse_hook(const Json& json, const Profile& profile);
Result<std::optional<PollSpec>> parse_poll(const Json& json, const Profile& profile);

}  // namespace linli::notify::http
