// SPDX-License-Identifier: Apache-2.0
// Records of service for systems of other offices, in terms close to MZ/T 061. The standard's text
// was not at hand: names follow 民政部令67 and stay unconfirmed until they are held against it.
#include "server/community/roles.h"
#include "server/community/teams/hours.h"

namespace linli::community::teams {
namespace {

Result<void> may_export(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const Row team, need(ctx, "team", json_text(params, "team")));
  return require_any(ctx, {Role::approver}, json_text(*team, "area"));
}

Json record_of(const Json& hours, const std::string& team_name) {
  return {{"volunteer_name", hours.at("name")},  {"volunteer_id", hours.at("person")},
          {"organization", team_name},           {"project_name", hours.at("title")},
          {"service_date", hours.at("day")},     {"start_time", hours.at("in_at")},
          {"end_time", hours.at("out_at")},      {"service_minutes", hours.value("counted", 0)},
          {"evidence_grade", hours.at("grade")}, {"state", hours.at("state")}};
}

/// Hours that are final, of one team, by pages of the state's index.
Result<Json> run_export(ReadContext& ctx, const Json& params) {
  const std::string team = json_text(params, "team");
  const std::string name = json_text(*ctx.get("team", team), "name");
  const std::size_t limit = page_limit(params, 500, 500);
  const std::string state =
      params.contains("corrected") && json_bool(params, "corrected") ? "corrected" : "final";
  Json out = {{"records", Json::array()}, {"mapping", "unconfirmed"}};
  const auto hits = ctx.scan("hours.state", exact(state), parse_cursor(params), limit);
  for (const sync::IndexHit& hit : hits) {
    const Row row = ctx.get("hours", hit.key);
    if (json_text(*row, "team") == team) out["records"].push_back(record_of(*row, name));
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

}  // namespace

void declare_export(sync::Registry& registry) {
  add(registry, Query{.name = "hours.export",
                      .summary = "Final hours of a team in terms close to MZ/T 061 (mapping "
                                 "unconfirmed).",
                      .params = arg::object({{"team!", arg::short_id()},
                                             {"corrected", arg::flag()},
                                             {"after", arg::cursor()},
                                             {"limit", arg::limit()}}),
                      .permit = may_export,
                      .run = run_export,
                      .path = "/teams/{team}/hours-export"});
}

}  // namespace linli::community::teams
