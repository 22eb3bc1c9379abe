// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "server/community/rows.h"

/// Who a notice is for: areas, minus exclusions, filtered by tags and age.
namespace linli::community::notices {

/// From this age on somebody is visited first, and reached by more than the app.
inline constexpr int kElderAge = 65;

/// Where to find the persons of an audience: one index value per unit or smaller node; disjoint.
struct Source {
  std::string index;
  std::string value;
  std::string unit;
};

/// Who has this tag takes part in drills; nobody else hears of one (RAIN-2).
inline constexpr const char* kDrillTag = "演练";

Json audience_schema();
/// Errors: invalid_argument (no area, unknown area, min above max).
Result<void> check_audience(ReadContext& ctx, const Json& audience);
/// A drill names the tag of those who take part, and no other. Errors: invalid_argument.
Result<void> check_drill(const Json& content, const Json& audience);
/// Tags, ages or exclusions narrow it.
bool has_filters(const Json& audience);
/// A union of few area nodes without any filter: newcomers see it (B5).
bool is_direct(ReadContext& ctx, const Json& audience);
/// Sensitive tags are for who composes and approves, not for who drafts in the field.
/// Errors: forbidden.
Result<void> may_use_tags(ReadContext& ctx, const Json& audience);
/// Head count as staff see it. With sensitive tags it is rounded up to five: one more exclusion
/// must not tell whether a person carries the tag.
std::int64_t shown_count(const Json& audience, std::int64_t persons);
/// The areas without those that lie inside others.
std::vector<std::string> outer_areas(ReadContext& ctx, const Json& audience);
std::vector<Source> sources_of(ReadContext& ctx, const Json& audience);
/// Filters and exclusions; the place is not looked at.
bool passes_filters(std::string_view key, const Json& person, const Json& audience, int year);
/// Filters, exclusions and place.
bool is_in_audience(std::string_view key, const Json& person, const Json& audience, int year);
/// How a person can be reached by machine: app, no_app (a phone of any kind), no_channel.
const char* way_of(const Json& person);

}  // namespace linli::community::notices
