// SPDX-License-Identifier: Apache-2.0
#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::people {
namespace {

/// A grid worker writes in the own grid, the window and the importer everywhere.
Result<void> may_put_household(ReadContext& ctx, const Json& args) {
  if (const Row old = ctx.get("household", json_text(args, "id")); old != nullptr)
    LINLI_CHECK(require_any(ctx, {Role::grid, Role::window}, json_text(*old, "area")));
  return require_any(ctx, {Role::grid, Role::window}, json_text(args, "area"));
}

Result<void> move_in_place(MutatorContext& ctx, const std::string& household) {
  for (const std::string& person : keys_of(ctx, "person.household", household, kHouseholdMax)) {
    Json row = *ctx.get("person", person);
    LINLI_CHECK(settle_in(ctx, household, row));
    save_person(ctx, person, std::move(row));
    LINLI_CHECK(refresh_person(ctx, person));
    ctx.outbox("endpoint_changed", {{"person", person}, {"why", "moved"}});
  }
  return {};
}

MutatorResult put_household(MutatorContext& ctx, const Json& args) {
  std::string id = json_text(args, "id");
  const std::string door = json_text(args, "door");
  const auto same_door = keys_of(ctx, "household.door", door, 1);
  if (!same_door.empty() && same_door.front() != id)
    return fail(Errc::conflict, "another household has that door number");
  LINLI_TRY(const Row area, need(ctx, "area", json_text(args, "area")));
  if (areas::rank_of(json_text(*area, "kind")) < areas::kCommunityRank)
    return fail(Errc::invalid_argument, "a household belongs inside the community");
  const Row old = id.empty() ? nullptr : ctx.get("household", id);
  if (id.empty()) id = ctx.new_id();
  Json row = old ? *old : Json{{"state", "active"}, {"created_at", now_ms(ctx)}};
  copy_members(args, row, {"door", "area", "floor", "demo"});
  areas::place(*area, row);
  const bool changed =
      old != nullptr && (old->at("area") != row.at("area") || old->at("door") != row.at("door"));
  save_household(ctx, id, std::move(row));
  if (changed) LINLI_CHECK(move_in_place(ctx, id));
  return Json{{"id", id}};
}

Result<Json> get_household(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row row, need(ctx, "household", id));
  Json out = {{"id", id}, {"persons", Json::array()}};
  copy_members(*row, out, {"door", "area", "floor", "unit", "state"});
  for (const std::string& person : keys_of(ctx, "person.household", id, kHouseholdMax)) {
    const Row found = ctx.get("person", person);
    out["persons"].push_back({{"id", person},
                              {"name", found->at("name")},
                              {"state", found->at("state")},
                              {"app", json_int(*found, "app")}});
  }
  return out;
}

Result<Json> list_households(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 100, 500);
  const auto hits =
      ctx.scan("household.area", exact(json_text(params, "area")), parse_cursor(params), limit);
  Json out = {{"households", Json::array()}};
  for (const sync::IndexHit& hit : hits) {
    const Row row = ctx.get("household", hit.key);
    out["households"].push_back(
        {{"id", hit.key}, {"door", row->at("door")}, {"state", row->at("state")}});
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

Result<void> may_read_area(ReadContext& ctx, const Json& params) {
  return require_any(ctx, {Role::grid, Role::window, Role::supervisor}, json_text(params, "area"));
}

Result<void> may_read_one(ReadContext& ctx, const Json& params) {
  const Row row = ctx.get("household", json_text(params, "id"));
  return require_any(ctx, {Role::grid, Role::window, Role::supervisor},
                     row ? json_text(*row, "area") : "");
}

}  // namespace

void declare_households(sync::Registry& registry) {
  add(registry, Mutator{.name = "household.put",
                        .summary = "Registers a household or corrects its door number or place.",
                        .args = arg::object({{"id", arg::id()},
                                             {"door!", arg::text(40, 1)},
                                             {"area!", arg::id()},
                                             {"floor", arg::integer(-5, 120)},
                                             {"demo", arg::flag()}}),
                        .permit = may_put_household,
                        .run = put_household,
                        .path = "/households"});
  add(registry, Query{.name = "household.get",
                      .summary = "A household with the names of its people.",
                      .params = arg::object({{"id!", arg::id()}}),
                      .permit = may_read_one,
                      .run = get_household,
                      .path = "/households/{id}"});
  add(registry,
      Query{.name = "household.list",
            .summary = "Households of one entrance, building or other node.",
            .params = arg::object(
                {{"area!", arg::id()}, {"after", arg::cursor()}, {"limit", arg::limit()}}),
            .permit = may_read_area,
            .run = list_households,
            .path = "/households"});
}

}  // namespace linli::community::people
