// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "notify/channels/http/profile.h"

namespace linli::notify::http {

/// A text that the provider has approved, as the operator wrote it into the channel's settings.
struct ApprovedTemplate {
  std::string id;
  /// By name, never "all": 党建 and donations leave only through a template approved for them
  /// (NTC-8).
  std::vector<std::string> categories;
  /// Empty = every purpose.
  std::vector<std::string> purposes;
  /// With placeholders as TemplateRule says.
  std::string text;
  struct Variable {
    std::string name;
    /// Template over the message.
    std::string value;
    /// In characters; 0 = no limit.
    std::size_t max = 0;
    /// Stands in for an empty value; without one an empty value is refused.
    std::string fallback;
  };
  std::vector<Variable> variables;
};

/// Reads the channel's `templates`.
/// Errors: invalid_argument (a key, a category "*", a placeholder that no variable fills).
Result<std::vector<ApprovedTemplate>> parse_templates_setting(const Json& list,
                                                              const Profile& profile);

/// The first template approved for this category and purpose; nullptr when there is none.
const ApprovedTemplate* choose_template(const std::vector<ApprovedTemplate>& approved,
                                        const Message& message);

/// The text as the recipient will read it; adds `template` to `values`.
/// Errors: invalid_argument (a variable is empty), too_large (a variable is too long).
Result<std::string> fill_template(const ApprovedTemplate& chosen, const TemplateRule& rule,
                                  Json& values);

std::string_view purpose_name(Purpose purpose);

}  // namespace linli::notify::http
