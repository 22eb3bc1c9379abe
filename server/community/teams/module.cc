// SPDX-License-Identifier: Apache-2.0
#include "server/community/teams/module.h"

#include <chrono>
#include <cstdio>

#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/roles.h"
#include "server/community/teams/teams.h"

namespace linli::community::teams {

std::string day_of(std::int64_t unix_ms) {
  const auto day = std::chrono::floor<std::chrono::days>(from_unix_ms(unix_ms + kZoneMs));
  const std::chrono::year_month_day date{day};
  char text[16] = {};
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

Row active_member(ReadContext& ctx, std::string_view team, std::string_view person) {
  if (person.empty()) return nullptr;
  Row row = ctx.get("team_member", pair_key(team, person));
  return row != nullptr && json_text(*row, "state") == "active" ? row : nullptr;
}

bool is_lead(ReadContext& ctx, std::string_view team, std::string_view person) {
  const Row row = active_member(ctx, team, person);
  return row != nullptr && json_text(*row, "role") == "lead";
}

bool is_team_staff(ReadContext& ctx, const Json& team) {
  return has_any(ctx, {Role::window, Role::grid, Role::approver}, json_text(team, "area"));
}

Result<void> require_lead(ReadContext& ctx, const std::string& team) {
  LINLI_TRY(const Row row, need(ctx, "team", team));
  if (is_lead(ctx, team, actor_person(ctx)) || is_team_staff(ctx, *row)) return {};
  return fail(Errc::forbidden, "only a lead of the team, or staff of its place");
}

std::vector<std::string> close_buckets(const Json& row) {
  std::vector<std::string> out = {lead_bucket(json_text(row, "team"))};
  if (const std::string node = json_text(row, "community"); !node.empty())
    out.push_back(areas::care_bucket(node));
  const std::string person = json_text(row, "person");
  if (!person.empty() && !is_walk_up(person)) out.push_back(person_bucket(person));
  return out;
}

void place_in(const std::string& team, const Json& team_row, Json& row) {
  row["team"] = team;
  copy_members(team_row, row, {"community"});
}

void declare(sync::Registry& registry) {
  declare_teams(registry);
  declare_members(registry);
  declare_shifts(registry);
  declare_reminders(registry);
  declare_log(registry);
  declare_attendance(registry);
  declare_walk_ups(registry);
  declare_hours(registry);
  declare_corrections(registry);
  declare_verify(registry);
  declare_certificates(registry);
  declare_export(registry);
}

}  // namespace linli::community::teams
