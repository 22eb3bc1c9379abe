// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "notify/channels/http/profile.h"
#include "notify/channels/http/render.h"

/// Which names the templates of a profile may use; README.md lists them.
namespace linli::notify::http {

/// a-z, 0-9 and '_', not empty.
bool is_plain_name(std::string_view name);
/// The text of a profile that gives none: mark and title, action, body, link.
std::vector<std::string> default_text();

/// Errors: invalid_argument naming `where` on a malformed template, an unknown name, `{{=x}}`
/// outside of a JSON shape, or `{{!x}}` of anything but a setting: what residents or staff wrote is
/// never put anywhere unescaped.
Result<void> check_names(std::string_view text, const Profile& profile, const std::string& where);
/// As check_names() for every text inside `shape`.
Result<void> check_shape(const Json& shape, const Profile& profile, const std::string& where);

/// Whether a text inside `shape` uses `name`. Texts must have been checked.
bool mentions(const Json& shape, std::string_view name);

}  // namespace linli::notify::http
