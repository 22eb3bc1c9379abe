// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkin/ledger.h"
#include "server/community/teams/log.h"

/// Hours: a row per shift and person, computed from the records of the log and nothing else, so
/// that every order of arrival ends in the same row and `verify` can compute it again.
namespace linli::community::teams {

/// What the records of one shift and person say. No row when there is no mark.
/// Members `counted` and the flags `overlap`, `over_10h` come from the person's other shifts.
std::optional<Json> derive(ReadContext& ctx, const std::string& shift, const std::string& person);

/// Hours of one person that may overlap or share a day with `hours` or each other, that one
/// included.
std::vector<std::string> neighbours(ReadContext& ctx, const Json& hours);
/// Sets `counted` and the flags of `rows` among each other; final ones keep theirs.
void count_rows(std::vector<std::pair<std::string, Json>>& rows);

/// Computes and stores the hours of a shift and person, and what that changes in neighbours.
/// Null when there are none.
Json recompute(MutatorContext& ctx, const std::string& shift, const std::string& person);
/// Due kind, key = that of the hours: 公示 has ended.
inline constexpr std::string_view kPublicityEnd = "hours.publicity_end";
void publicity_due(MutatorContext& ctx, std::string_view key, bool missed);
/// Recomputes some of those who are still checked in at a closed shift; true when there are more.
bool close_some(MutatorContext& ctx, const std::string& shift);

inline bool is_settled(const Json& hours) {
  const std::string state = json_text(hours, "state");
  return state == "final" || state == "corrected" || state == "void";
}

}  // namespace linli::community::teams
