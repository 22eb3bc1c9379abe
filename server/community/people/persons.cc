// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/membership.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::people {
namespace {

Result<void> may_write_household(ReadContext& ctx, const std::string& household) {
  const Row home = ctx.get("household", household);
  if (home == nullptr) return fail(Errc::not_found, "no such household");
  return require_any(ctx, {Role::grid, Role::window}, json_text(*home, "area"));
}

Result<void> may_write_person(ReadContext& ctx, const std::string& id) {
  const Row row = ctx.get("person", id);
  if (row == nullptr) return fail(Errc::not_found, "no such person");
  return require_any(ctx, {Role::grid, Role::window}, json_text(*row, "area"));
}

Result<void> may_put_person(ReadContext& ctx, const Json& args) {
  if (ctx.get("person", json_text(args, "id")) != nullptr)
    return may_write_person(ctx, json_text(args, "id"));
  return may_write_household(ctx, json_text(args, "household"));
}

MutatorResult put_person(MutatorContext& ctx, const Json& args) {
  std::string id = json_text(args, "id");
  const Row old = id.empty() ? nullptr : ctx.get("person", id);
  Json row = old ? *old : Json{{"state", "active"}, {"created_at", now_ms(ctx)}, {"app", 0}};
  if (old == nullptr) {
    if (id.empty()) id = ctx.new_id();
    if (!args.contains("household") || !args.contains("name"))
      return fail(Errc::invalid_argument, "a new person needs a household and a name");
    const std::string home = json_text(args, "household");
    if (keys_of(ctx, "person.household", home, kHouseholdMax).size() >= kHouseholdMax)
      return fail(Errc::too_large, "the household is full");
    LINLI_CHECK(settle_in(ctx, home, row));
  } else if (args.contains("household") && args.at("household") != old->at("household")) {
    return fail(Errc::invalid_argument, "use person.move to change the household");
  }
  take_person_fields(args, row);
  if (old != nullptr) settle_edits(ctx, id, *old, row);
  const bool renamed = old != nullptr && old->at("name") != row.at("name");
  const bool calls_elsewhere =
      old != nullptr && (json_text(*old, "phone") != json_text(row, "phone") ||
                         json_text(*old, "landline") != json_text(row, "landline"));
  if (calls_elsewhere) ctx.outbox("endpoint_changed", {{"person", id}, {"why", "number"}});
  save_person(ctx, id, std::move(row));
  if (renamed) LINLI_CHECK(refresh_person(ctx, id));
  return Json{{"id", id}};
}

MutatorResult move(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "person", id));
  if (json_text(*found, "state") != "active")
    return fail(Errc::wrong_state, "the person does not live here any more");
  Json row = *found;
  LINLI_CHECK(settle_in(ctx, json_text(args, "household"), row));
  Journal journal(ctx, "move");
  journal.put("person", id, std::move(row));
  const std::string undo = journal.save(kUndo);
  LINLI_CHECK(refresh_person(ctx, id));
  ctx.outbox("endpoint_changed", {{"person", id}, {"why", "moved"}});
  return Json{{"id", id}, {"undo", undo}};
}

Result<void> may_move(ReadContext& ctx, const Json& args) {
  LINLI_CHECK(may_write_person(ctx, json_text(args, "id")));
  return may_write_household(ctx, json_text(args, "household"));
}

/// Proxies of and for the person, seen from both sides.
std::vector<std::string> proxies_around(ReadContext& ctx, const std::string& person) {
  std::vector<std::string> out = open_proxies(ctx, "proxy", person);
  for (std::string& key : open_proxies(ctx, "dependant", person)) out.push_back(std::move(key));
  return out;
}

MutatorResult end_person(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "person", id));
  if (json_text(*found, "state") != "active") return fail(Errc::wrong_state, "already ended");
  Journal journal(ctx, "end");
  Json row = *found;
  row["state"] = json_text(args, "reason") == "deceased" ? "deceased" : "moved";
  row["ended_at"] = args.contains("at") ? args.at("at") : Json(now_ms(ctx));
  journal.put("person", id, std::move(row));
  std::vector<std::string> neighbours;
  for (const std::string& key : proxies_around(ctx, id)) {
    Json proxy = *ctx.get("proxy", key);
    neighbours.push_back(json_text(proxy, json_text(proxy, "proxy") == id ? "dependant" : "proxy"));
    proxy["state"] = "ended";
    journal.put("proxy", key, std::move(proxy));
  }
  const std::string undo = journal.save(kUndo);
  const auto own = keys_of(ctx, "account.person", id, kFamilyMax);
  LINLI_CHECK(refresh_person(ctx, id, own));
  for (const std::string& other : neighbours) LINLI_CHECK(refresh_person(ctx, other));
  ctx.schedule(ctx.now(), kPersonChanged, id);
  ctx.outbox("endpoint_changed", {{"person", id}, {"why", "ended"}});
  return Json{{"id", id}, {"undo", undo}};
}

MutatorResult merge(MutatorContext& ctx, const Json& args) {
  const std::string keep = json_text(args, "id");
  const std::string drop = json_text(args, "duplicate");
  if (keep == drop) return fail(Errc::invalid_argument, "two different records are needed");
  LINLI_TRY(const Row kept, need(ctx, "person", keep));
  LINLI_TRY(const Row dropped, need(ctx, "person", drop));
  if (json_text(*kept, "state") != "active" || json_text(*dropped, "state") != "active")
    return fail(Errc::wrong_state, "both records must be active");
  Journal journal(ctx, "merge");
  Json winner = *kept;
  for (const auto& [member, value] : dropped->items())
    if (!winner.contains(member)) winner[member] = value;
  for (const char* list : {"tags", "sensitive_tags", "languages"})
    for (const std::string& word : texts(*dropped, list)) add_text(winner, list, word);
  Json loser = *dropped;
  loser["state"] = "merged";
  loser["merged_into"] = keep;
  journal.put("person", keep, std::move(winner));
  journal.put("person", drop, std::move(loser));
  for (const std::string& account : keys_of(ctx, "account.person", drop, kFamilyMax)) {
    Json row = *ctx.get("account", account);
    row["person"] = keep;
    journal.put("account", account, std::move(row));
  }
  for (const std::string& key : proxies_around(ctx, drop)) {
    Json proxy = *ctx.get("proxy", key);
    for (const char* side : {"proxy", "dependant"})
      if (json_text(proxy, side) == drop) proxy[side] = keep;
    if (json_text(proxy, "proxy") == json_text(proxy, "dependant")) proxy["state"] = "ended";
    journal.put("proxy", key, std::move(proxy));
  }
  const std::string undo = journal.save(kUndo);
  LINLI_CHECK(refresh_person(ctx, drop));
  LINLI_CHECK(refresh_person(ctx, keep));
  ctx.schedule(ctx.now(), kPersonChanged, drop);
  ctx.outbox("endpoint_changed", {{"person", keep}, {"why", "merged"}, {"merged", drop}});
  return Json{{"id", keep}, {"undo", undo}};
}

Result<void> may_merge(ReadContext& ctx, const Json& args) {
  LINLI_CHECK(may_write_person(ctx, json_text(args, "id")));
  return may_write_person(ctx, json_text(args, "duplicate"));
}

MutatorResult undo(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const std::vector<Restored> rows, restore(ctx, json_text(args, "undo")));
  std::vector<std::string> people;
  for (const Restored& row : rows) {
    std::vector<std::string> touched;
    if (row.tbl == "person") touched = {row.key};
    if (row.tbl == "proxy")
      for (const char* side : {"proxy", "dependant"})
        touched.push_back(json_text(*ctx.get("proxy", row.key), side));
    for (std::string& person : touched)
      if (std::ranges::find(people, person) == people.end()) people.push_back(std::move(person));
  }
  for (const std::string& person : people) {
    LINLI_CHECK(refresh_person(ctx, person));
    ctx.schedule(ctx.now(), kPersonChanged, person);
  }
  for (const Restored& row : rows)
    if (row.tbl == "account") LINLI_CHECK(refresh_account(ctx, row.key));
  return Json{{"rows", rows.size()}};
}

/// The window may undo anything of people; a grid worker what happened in the own grid.
Result<void> may_undo(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row record, need(ctx, "undo", json_text(args, "undo")));
  if (has_role(ctx, Role::window, "")) return {};
  for (const Json& row : record->at("rows"))
    if (json_text(row, "tbl") == "person")
      LINLI_CHECK(may_write_person(ctx, json_text(row, "key")));
  return require_any(ctx, {Role::grid}, "");
}

}  // namespace

void take_person_fields(const Json& args, Json& row) {
  for (const char* member : kPersonFields)
    if (args.contains(member)) row[member] = args.at(member);
}

Json person_fields_schema(bool partial) {
  const Json words = arg::list(arg::text(24, 1), 20);
  return arg::object({{"id", arg::id()},
                      {partial ? "household" : "household!", arg::id()},
                      {partial ? "name" : "name!", arg::text(20, 1)},
                      {"birth_year", arg::integer(1890, 2100)},
                      {"sex", arg::one_of({"f", "m"})},
                      {"tags", words},
                      {"sensitive_tags", words},
                      {"no_phone", arg::flag()},
                      {"living_alone", arg::flag()},
                      {"mobility", arg::one_of({"free", "stick", "wheelchair", "bed"})},
                      {"languages", words},
                      {"phone", arg::text(20)},
                      {"landline", arg::text(20)},
                      {"neighbour", arg::text(60)},
                      {"keyholder", arg::text(60)},
                      {"demo", arg::flag()}});
}

void declare_persons(sync::Registry& registry) {
  add(registry, Mutator{.name = "person.put",
                        .summary = "Registers a person or corrects members of the record.",
                        .args = person_fields_schema(true),
                        .permit = may_put_person,
                        .run = put_person,
                        .path = "/persons"});
  Json required = person_fields_schema(false);
  required["required"].push_back("id");
  add(registry, Mutator{.name = "person.register",
                        .summary = "A grid worker registers an elder without a phone, offline.",
                        .args = std::move(required),
                        .permit = may_put_person,
                        .run = put_person,
                        .effects = Json::array(
                            {{{"op", "put"},
                              {"tbl", "person_card"},
                              {"key", "{id}"},
                              {"row", {{"name", "{name}"}, {"household", "{household}"}}}}})});
  add(registry, Mutator{.name = "person.move",
                        .summary = "Moves a person, and all the person's devices, to a household.",
                        .args = arg::object({{"id!", arg::id()}, {"household!", arg::id()}}),
                        .permit = may_move,
                        .run = move,
                        .path = "/persons/{id}/move"});
  add(registry,
      Mutator{
          .name = "person.end",
          .summary = "Moving out or death: ends devices' access and proxies; undo 30 days.",
          .args = arg::object({{"id!", arg::id()},
                               {"reason!", arg::one_of({"moved_out", "deceased"})},
                               {"at", arg::instant()}}),
          .permit = [](ReadContext& ctx,
                       const Json& args) { return may_write_person(ctx, json_text(args, "id")); },
          .run = end_person,
          .path = "/persons/{id}/end"});
  add(registry, Mutator{.name = "person.merge",
                        .summary = "Joins a duplicate record into this one; undo 30 days.",
                        .args = arg::object({{"id!", arg::id()}, {"duplicate!", arg::id()}}),
                        .permit = may_merge,
                        .run = merge,
                        .online_only = true,
                        .path = "/persons/{id}/merge"});
  add(registry, Mutator{.name = "person.undo",
                        .summary = "Takes back a move, an end or a merge.",
                        .args = arg::object({{"undo!", arg::id()}}),
                        .permit = may_undo,
                        .run = undo,
                        .online_only = true,
                        .path = "/undo/{undo}"});
}

}  // namespace linli::community::people
