// SPDX-License-Identifier: Apache-2.0
// The life of hours: a lead confirms, 公示, an approver finalises; disputes freeze one row.
#include "server/community/teams/hours.h"

#include <algorithm>

#include "server/community/membership.h"
#include "server/community/roles.h"

namespace linli::community::teams {
namespace {

/// 公示 of 民发〔2015〕149: at least seven days.
constexpr std::int64_t kPublicityMs = 7LL * 24 * 3600 * 1000;
constexpr std::size_t kIdsMax = 30;

std::vector<std::string> by_person(std::string_view, const Json& row) {
  return {exact(json_text(row, "person")) + newest_first(json_int(row, "in_at"))};
}

std::vector<std::string> by_state(std::string_view, const Json& row) {
  return {exact(json_text(row, "state")) + newest_first(json_int(row, "in_at"))};
}

std::vector<std::string> still_open(std::string_view, const Json& row) {
  if (json_text(row, "state") != "open") return {};
  return {exact(json_text(row, "shift"))};
}

std::vector<std::string> closed_for(std::string_view, const Json& row) {
  if (!has_text(row, "flags", "auto")) return {};
  return {exact(json_text(row, "day")) + json_text(row, "team")};
}

std::string person_of(const Json& hours) { return json_text(hours, "person"); }

/// Nobody decides on the own hours.
Result<void> check_other(ReadContext& ctx, const Json& hours) {
  const std::string own = actor_person(ctx);
  if (!own.empty() && own == person_of(hours)) return fail(Errc::same_person, "the own hours");
  return {};
}

Result<void> each_by_lead(ReadContext& ctx, const Json& args) {
  for (const Json& id : args.at("ids")) {
    LINLI_TRY(const Row row, need(ctx, "hours", id.get<std::string>()));
    LINLI_CHECK(require_lead(ctx, json_text(*row, "team")));
    LINLI_CHECK(check_other(ctx, *row));
  }
  return {};
}

MutatorResult confirm(MutatorContext& ctx, const Json& args) {
  Json done = Json::array();
  for (const Json& id : args.at("ids")) {
    const Row row = ctx.get("hours", id.get<std::string>());
    if (json_text(*row, "state") == "publicised") continue;
    if (json_text(*row, "state") != "pending")
      return fail(Errc::wrong_state, "only complete hours that wait for it");
    if (has_text(*row, "flags", "no_consent"))
      return fail(Errc::wrong_state, "a guardian has to agree first");
    append_decision(ctx, "confirm", *row,
                    {{"minutes", row->at("minutes")}, {"until", now_ms(ctx) + kPublicityMs}});
    done.push_back(id);
    recompute(ctx, json_text(*row, "shift"), person_of(*row));
  }
  return Json{{"confirmed", done}};
}

Result<void> may_finalise(ReadContext& ctx, const Json& args) {
  for (const Json& id : args.at("ids")) {
    LINLI_TRY(const Row row, need(ctx, "hours", id.get<std::string>()));
    LINLI_TRY(const Row team, need(ctx, "team", json_text(*row, "team")));
    LINLI_CHECK(require_any(ctx, {Role::approver}, json_text(*team, "area")));
    LINLI_CHECK(check_other(ctx, *row));
    if (is_same_person(ctx, actor_id(ctx), json_text(*row, "confirmed_by")))
      return fail(Errc::same_person, "who confirmed does not finalise");
  }
  return {};
}

MutatorResult finalise(MutatorContext& ctx, const Json& args) {
  for (const Json& id : args.at("ids")) {
    const Row row = ctx.get("hours", id.get<std::string>());
    if (is_settled(*row)) continue;
    if (json_text(*row, "state") != "publicised")
      return fail(Errc::wrong_state, "a lead confirms first; disputed hours are resolved first");
    if (json_int(*row, "until") > now_ms(ctx))
      return fail(Errc::wrong_state, "it is still made public");
    append_decision(ctx, "finalise", *row,
                    {{"minutes", row->at("minutes")},
                     {"counted", row->at("counted")},
                     {"computed", row->at("computed")}});
    recompute(ctx, json_text(*row, "shift"), person_of(*row));
  }
  return Json{{"final", args.at("ids")}};
}

Result<void> may_dispute(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "hours", json_text(args, "id")));
  if (!is_system(ctx) && speaks_for(ctx, actor_id(ctx), person_of(*row), "book")) return {};
  if (active_member(ctx, json_text(*row, "team"), actor_person(ctx)) != nullptr) return {};
  return require_lead(ctx, json_text(*row, "team"));
}

MutatorResult dispute(MutatorContext& ctx, const Json& args) {
  const Row row = ctx.get("hours", json_text(args, "id"));
  if (json_text(*row, "state") == "disputed") return Json{{"id", args.at("id")}};
  append_decision(ctx, "dispute", *row, {{"reason", args.at("reason")}});
  recompute(ctx, json_text(*row, "shift"), person_of(*row));
  return Json{{"id", args.at("id")}};
}

Result<void> may_resolve(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "hours", json_text(args, "id")));
  LINLI_TRY(const Row team, need(ctx, "team", json_text(*row, "team")));
  LINLI_CHECK(check_other(ctx, *row));
  return require_any(ctx, {Role::approver}, json_text(*team, "area"));
}

MutatorResult resolve(MutatorContext& ctx, const Json& args) {
  const Row row = ctx.get("hours", json_text(args, "id"));
  if (json_text(*row, "state") != "disputed") return fail(Errc::wrong_state, "not disputed");
  append_decision(ctx, "resolve", *row,
                  {{"outcome", args.at("outcome")}, {"reason", args.at("reason")}});
  recompute(ctx, json_text(*row, "shift"), person_of(*row));
  return Json{{"id", args.at("id")}};
}

// --- Lists ------------------------------------------------------------------------------------

Json item_of(ReadContext& ctx, const std::string& key) {
  Json item = *ctx.get("hours", key);
  item["id"] = key;
  return item;
}

bool may_see(ReadContext& ctx, const Json& row) {
  return require_lead(ctx, json_text(row, "team")).has_value() ||
         has_any(ctx, {Role::supervisor}, "");
}

Result<Json> list_hours(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 100, 500);
  Json out = {{"hours", Json::array()}};
  const std::string state = json_text(params, "state");
  const std::string person = json_text(params, "person");
  const bool only_ready = params.contains("ready") && json_bool(params, "ready");
  const std::string index = person.empty() ? "hours.state" : "hours.person";
  const std::string prefix = person.empty() ? (state.empty() ? "" : exact(state)) : exact(person);
  const auto hits = ctx.scan(index, prefix, parse_cursor(params), limit);
  for (const sync::IndexHit& hit : hits) {
    Json item = item_of(ctx, hit.key);
    const std::string team = json_text(params, "team");
    if (!team.empty() && json_text(item, "team") != team) continue;
    if (!state.empty() && json_text(item, "state") != state) continue;
    if (only_ready && !json_bool(item, "ready")) continue;
    if (may_see(ctx, item)) out["hours"].push_back(std::move(item));
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

/// Who forgot to check out on a day (VOL-8).
Result<Json> missing(ReadContext& ctx, const Json& params) {
  Json out = {{"hours", Json::array()}};
  const std::string day = json_text(params, "day");
  for (const sync::IndexHit& hit :
       ctx.scan("hours.auto", day.empty() ? "" : exact(day), std::nullopt, 500)) {
    Json item = item_of(ctx, hit.key);
    if (may_see(ctx, item)) out["hours"].push_back(std::move(item));
  }
  return out;
}

std::vector<std::string> hours_buckets(std::string_view, const Json& row) {
  return close_buckets(row);
}

void declare_tables(sync::Registry& registry) {
  sync::TableDef hours{};
  hours.name = "hours";
  hours.buckets = hours_buckets;
  hours.references = {{"shift", "shift"}, {"team", "team"}};
  hours.indexes = {
      {"person", by_person}, {"state", by_state}, {"open", still_open}, {"auto", closed_for}};
  registry.add(std::move(hours));
  sync::TableDef publicity{};
  publicity.name = "publicity";
  publicity.buckets = [](std::string_view, const Json& row) -> std::vector<std::string> {
    return {team_bucket(json_text(row, "team"))};
  };
  registry.add(std::move(publicity));
  registry.add(
      sync::DueDef{std::string(kPublicityEnd), std::chrono::hours{24 * 365 * 10}, publicity_due});
}

void declare_queries(sync::Registry& registry) {
  const Permit readers = allow(
      {Role::volunteer, Role::lead, Role::window, Role::grid, Role::approver, Role::supervisor});
  add(registry, Query{.name = "hours.list",
                      .summary = "Hours, newest first: of a team, a person, in a state; ready = to "
                                 "be finalised.",
                      .params = arg::object({{"team", arg::short_id()},
                                             {"person", arg::id()},
                                             {"state", arg::text(12)},
                                             {"ready", arg::flag()},
                                             {"after", arg::cursor()},
                                             {"limit", arg::limit()}}),
                      .permit = readers,
                      .run = list_hours,
                      .path = "/hours"});
  add(registry, Query{.name = "hours.missing",
                      .summary = "Who was checked out by the planned end, by day.",
                      .params = arg::object({{"day", arg::text(10, 10)}}),
                      .permit = readers,
                      .run = missing,
                      .path = "/hours/missing"});
}

}  // namespace

void declare_hours(sync::Registry& registry) {
  declare_tables(registry);
  declare_queries(registry);
  const Json id = arg::text(64, 3);
  const Json ids = arg::object({{"ids!", arg::list(id, kIdsMax, 1)}});
  add(registry, Mutator{.name = "hours.confirm",
                        .summary = "A lead confirms; the hours are made public for seven days.",
                        .args = ids,
                        .permit = each_by_lead,
                        .run = confirm,
                        .path = "/hours/confirm"});
  add(registry, Mutator{.name = "hours.finalise",
                        .summary = "An approver finalises what nobody disputed.",
                        .args = ids,
                        .permit = may_finalise,
                        .run = finalise,
                        .online_only = true,
                        .path = "/hours/finalise"});
  add(registry, Mutator{.name = "hours.dispute",
                        .summary = "Freezes one row until it is resolved.",
                        .args = arg::object({{"id!", id}, {"reason!", arg::text(200, 2)}}),
                        .permit = may_dispute,
                        .run = dispute,
                        .path = "/hours/{id}/dispute"});
  add(registry, Mutator{.name = "hours.resolve",
                        .summary = "Ends a dispute: the hours stand, or are void.",
                        .args = arg::object({{"id!", id},
                                             {"outcome!", arg::one_of({"keep", "void"})},
                                             {"reason!", arg::text(200, 2)}}),
                        .permit = may_resolve,
                        .run = resolve,
                        .online_only = true,
                        .path = "/hours/{id}/resolve"});
}

}  // namespace linli::community::teams
