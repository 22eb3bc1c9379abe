// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "notify/channels/http/approved.h"
#include "notify/channels/http/profile.h"

/// A message becomes the values that the templates of a profile use.
namespace linli::notify::http {

/// A profile with the operator's settings: a channel before it does anything.
struct Setup {
  std::shared_ptr<const Profile> profile;
  /// Checked against Profile::settings; secrets in clear. Never logged.
  Json settings = Json::object();
  std::vector<ApprovedTemplate> approved;
  Capabilities capabilities;
};

struct Composed {
  /// As the recipient will read it, signature included.
  std::string text;
  std::uint32_t parts = 1;
  /// What depends on the message only: title, body, ..., text, template, value.
  Json values;
};

/// Errors: invalid_argument (no approved template for the category, an empty variable), too_large
/// (text or variable too long).
Result<Composed> compose(const Setup& setup, const Message& message, Lane lane);

}  // namespace linli::notify::http
