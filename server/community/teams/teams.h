// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/community/rows.h"

/// Shared by the files of this module.
namespace linli::community::teams {

/// Members of a team that one answer lists; the largest team of the demo has 76.
inline constexpr std::size_t kMembersMax = 500;
/// Teams of one person.
inline constexpr std::size_t kTeamsMax = 20;
/// Longest shift: a day's outing and a night.
inline constexpr std::int64_t kShiftMsMax = 24LL * 3600 * 1000;
/// A shift is closed so long after its planned end; who forgot to check out is closed with it.
inline constexpr std::int64_t kCloseAfterMs = 30LL * 60 * 1000;
/// Asia/Shanghai, no daylight saving.
inline constexpr std::int64_t kZoneMs = 8LL * 3600 * 1000;

inline std::string team_bucket(std::string_view team) { return "team:" + std::string(team); }
inline std::string lead_bucket(std::string_view team) { return "lead:" + std::string(team); }
/// Key of a member, an answer or hours: `<of>:<person>`.
inline std::string pair_key(std::string_view of, std::string_view person) {
  return std::string(of) + ":" + std::string(person);
}
inline bool is_walk_up(std::string_view person) { return person.starts_with("w-"); }
/// YYYY-MM-DD of the community.
std::string day_of(std::int64_t unix_ms);

/// Null unless an active member.
Row active_member(ReadContext& ctx, std::string_view team, std::string_view person);
bool is_lead(ReadContext& ctx, std::string_view team, std::string_view person);
/// A minor of the team whose guardian has not agreed (VOL-13).
bool lacks_consent(ReadContext& ctx, const std::string& team, const std::string& person);
/// Staff of the team's place: window, grid worker there, approver.
bool is_team_staff(ReadContext& ctx, const Json& team);
/// An active lead of the team, or its staff. Errors: forbidden, not_found.
Result<void> require_lead(ReadContext& ctx, const std::string& team);
/// What lies in a team also lies with its leads, those of the staff who see people by name, and the
/// person.
std::vector<std::string> close_buckets(const Json& row);
/// Copies `team` and `community` of a team row, which buckets need.
void place_in(const std::string& team, const Json& team_row, Json& row);

void declare_teams(sync::Registry& registry);
void declare_members(sync::Registry& registry);
void declare_shifts(sync::Registry& registry);
void declare_reminders(sync::Registry& registry);
void declare_attendance(sync::Registry& registry);
void declare_hours(sync::Registry& registry);
void declare_corrections(sync::Registry& registry);
void declare_walk_ups(sync::Registry& registry);
void declare_log(sync::Registry& registry);
void declare_verify(sync::Registry& registry);
void declare_certificates(sync::Registry& registry);
void declare_export(sync::Registry& registry);

}  // namespace linli::community::teams
