// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.h"
#include "checkin/codes.h"
#include "server/community/areas/module.h"
#include "server/community/roles.h"
#include "server/community/teams/teams.h"

namespace linli::community::teams {
namespace {

constexpr std::initializer_list<Role> kFounders = {Role::window, Role::editor, Role::approver};

std::vector<std::string> team_buckets(std::string_view /*key*/, const Json& row) {
  std::vector<std::string> out = {areas::bucket(json_text(row, "area"), sync::Lane::normal)};
  if (const std::string node = json_text(row, "community"); !node.empty())
    out.push_back(areas::staff_bucket(node));
  return out;
}

Result<void> may_found(ReadContext& ctx, const Json& args) {
  return require_any(ctx, kFounders, json_text(args, "area"));
}

Result<void> may_change_team(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "team", json_text(args, "id")));
  return require_any(ctx, kFounders, json_text(*row, "area"));
}

/// A printed code of its own for every printing: 124 random bits, which the server makes.
void renew_code(MutatorContext& ctx, const std::string& id, Json& row) {
  checkin::StationCode code{id, {}};
  const Id128 random = Id128::of(ByteView(sha256(as_bytes(ctx.new_id() + ctx.new_id()))).first(16));
  code.secret = random.bytes;
  const std::string text = checkin::encode(code);
  row["code_hash"] = to_hex(checkin::code_hash(text).value());
  ctx.put("station_key", id, {{"team", id}, {"community", row.at("community")}, {"code", text}});
}

MutatorResult create_team(MutatorContext& ctx, const Json& args) {
  std::string id = json_text(args, "id");
  if (id.empty()) id = ctx.new_id().substr(0, 24);
  if (ctx.get("team", id) != nullptr) return fail(Errc::conflict, "the team exists");
  LINLI_TRY(const Row area, need(ctx, "area", json_text(args, "area")));
  Json row = {{"kind", "team"},
              {"state", "active"},
              {"created_at", now_ms(ctx)},
              {"community", json_text(*area, "community")}};
  copy_members(args, row, {"name", "area", "kind", "what"});
  ctx.ensure_bucket({team_bucket(id), sync::Lane::normal, 4});
  ctx.ensure_bucket({lead_bucket(id), sync::Lane::normal, 4, sync::BucketClass::sensitive});
  if (json_text(row, "kind") == "station") renew_code(ctx, id, row);
  ctx.put("team", id, std::move(row));
  return Json{{"id", id}};
}

MutatorResult close(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  Json row = *ctx.get("team", id);
  row["state"] = "closed";
  ctx.put("team", id, std::move(row));
  return Json{{"id", id}};
}

MutatorResult renew(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  Json row = *ctx.get("team", id);
  if (json_text(row, "kind") != "station") return fail(Errc::wrong_state, "only stations have one");
  renew_code(ctx, id, row);
  ctx.put("team", id, std::move(row));
  return Json{{"id", id}};
}

Result<Json> list_teams(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 100, 500);
  Json out = {{"teams", Json::array()}};
  std::string last;
  const auto rows = ctx.table("team", json_text(params, "after"), limit);
  for (const auto& [key, row] : rows) {
    last = key;
    Json item = *row;
    item["id"] = key;
    out["teams"].push_back(std::move(item));
  }
  if (rows.size() == limit) out["next"] = last;
  return out;
}

Result<void> may_print(ReadContext& ctx, const Json& params) {
  return require_lead(ctx, json_text(params, "id"));
}

Result<Json> station_code(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const Row row, need(ctx, "station_key", json_text(params, "id")));
  return Json{{"id", params.at("id")}, {"code", row->at("code")}};
}

}  // namespace

void declare_teams(sync::Registry& registry) {
  sync::TableDef team{};
  team.name = "team";
  team.buckets = team_buckets;
  team.references = {{"area", "area"}};
  registry.add(std::move(team));
  sync::TableDef key{};
  key.name = "station_key";
  key.buckets = [](std::string_view, const Json& row) { return close_buckets(row); };
  key.references = {{"team", "team"}};
  registry.add(std::move(key));

  add(registry, Mutator{.name = "team.create",
                        .summary = "A service team, or a station with a printed code.",
                        .args = arg::object({{"id", arg::short_id()},
                                             {"name!", arg::text(30, 1)},
                                             {"area!", arg::id()},
                                             {"kind", arg::one_of({"team", "station"})},
                                             {"what", arg::text(200)}}),
                        .permit = may_found,
                        .run = create_team,
                        .path = "/teams"});
  const Json only_id = arg::object({{"id!", arg::short_id()}});
  add(registry, Mutator{.name = "team.close",
                        .summary = "Ends a team; hours and certificates stay.",
                        .args = only_id,
                        .permit = may_change_team,
                        .run = close,
                        .path = "/teams/{id}/close"});
  add(registry, Mutator{.name = "team.renew_code",
                        .summary = "A new printed code for a station; the old sheet is void.",
                        .args = only_id,
                        .permit = may_change_team,
                        .run = renew,
                        .path = "/teams/{id}/renew-code"});
  add(registry, Query{.name = "team.list",
                      .summary = "Teams and stations.",
                      .params = arg::object({{"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = anyone,
                      .run = list_teams,
                      .path = "/teams"});
  add(registry, Query{.name = "team.station_code",
                      .summary = "The code to print for a station.",
                      .params = only_id,
                      .permit = may_print,
                      .run = station_code,
                      .path = "/teams/{id}/station-code"});
}

}  // namespace linli::community::teams
