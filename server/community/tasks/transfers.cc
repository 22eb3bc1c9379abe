// SPDX-License-Identifier: Apache-2.0
// RAIN-15: who was brought where by whom and when, what care follows, who is at a shelter, and who
// went home, which nobody does before the all-clear.
//
// Rows, held by the phones that hold the door's knock, so that heads are counted without a net:
// - `shelter` key id: {notice, name, area, unit, community, capacity, by, at}.
// - `transfer` key <notice>:<person>: {notice, person, name, door, area, unit, community, state:
//   moved | arrived | returned, shelter?, place?, organiser?, care?, moved_at?, moved_by?,
//   arrived_at?, arrived_by?, returned_at?, returned_by?}. What phones bring in another order than
//   it happened only fills in: who arrived has not left again because the door is told later.
#include <algorithm>
#include <map>

#include "server/community/roles.h"
#include "server/community/tasks/tasks.h"

namespace linli::community::tasks {
namespace {

/// Open shelters of one incident; a community has a handful of halls.
constexpr std::size_t kSheltersMax = 50;

int stage_of(const Json& row) {
  const std::string state = json_text(row, "state");
  return state == "returned" ? 3 : state == "arrived" ? 2 : state == "moved" ? 1 : 0;
}

std::vector<std::string> by_notice(std::string_view, const Json& row) {
  return {exact(json_text(row, "notice"))};
}

std::string transfer_key(const Json& args) {
  return json_text(args, "notice") + ":" + json_text(args, "person");
}

Result<void> may_transfer(ReadContext& ctx, const Json& args) {
  const Row person = ctx.get("person", json_text(args, "person"));
  const std::string area = person ? json_text(*person, "area") : std::string();
  const Row task = ctx.get("task", transfer_key(args));
  if (task != nullptr && json_text(*task, "assignee") == actor_id(ctx)) return {};
  return require_any_over(
      ctx, {Role::grid, Role::lead, Role::volunteer, Role::window, Role::approver}, area);
}

Result<void> may_open_shelter(ReadContext& ctx, const Json& args) {
  return require_any_over(ctx, {Role::grid, Role::lead, Role::window, Role::approver},
                          json_text(args, "area"));
}

/// The row so far, or a new one. Errors: not_found; wrong_state without a notice that was out.
Result<Json> row_of(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", json_text(args, "notice")));
  if (json_int(*admin, "sent_at") == 0) return fail(Errc::wrong_state, "the notice was not out");
  LINLI_TRY(const Row person, need(ctx, "person", json_text(args, "person")));
  if (const Row old = ctx.get("transfer", transfer_key(args))) return *old;
  Json row = {{"notice", args.at("notice")}, {"person", args.at("person")}};
  copy_members(*person, row, {"name", "door", "area", "unit", "community"});
  if (const Row task = ctx.get("task", transfer_key(args))) copy_members(*task, row, {"assignee"});
  return row;
}

/// Errors: not_found, invalid_argument.
Result<void> check_shelter(ReadContext& ctx, const Json& args) {
  const std::string id = json_text(args, "shelter");
  if (id.empty()) return {};
  LINLI_TRY(const Row shelter, need(ctx, "shelter", id));
  if (json_text(*shelter, "notice") == json_text(args, "notice")) return {};
  return fail(Errc::invalid_argument, "shelter: it belongs to another notice");
}

void copy_said(const Json& args, Json& row) {
  for (const char* member : {"shelter", "place", "organiser", "care"})
    if (!json_text(args, member).empty()) row[member] = args.at(member);
}

/// `what`: moved, arrived or returned, as of captured_at().
MutatorResult step(MutatorContext& ctx, const Json& args, Json row, const std::string& what) {
  copy_said(args, row);
  if (!row.contains(what + "_at")) {
    row[what + "_at"] = to_unix_ms(ctx.captured_at());
    row[what + "_by"] = actor_id(ctx);
  }
  if (stage_of(row) < stage_of({{"state", what}})) row["state"] = what;
  const Json state = row.at("state");
  ctx.put("transfer", transfer_key(args), std::move(row));
  return Json{{"id", transfer_key(args)}, {"state", state}};
}

MutatorResult record(MutatorContext& ctx, const Json& args) {
  LINLI_CHECK(check_shelter(ctx, args));
  LINLI_TRY(Json row, row_of(ctx, args));
  if (json_text(args, "shelter").empty() && json_text(args, "place").empty())
    return fail(Errc::invalid_argument, "shelter or place: say where to");
  return step(ctx, args, std::move(row), "moved");
}

/// Whoever comes by themselves arrives without having been brought.
MutatorResult arrive(MutatorContext& ctx, const Json& args) {
  LINLI_CHECK(check_shelter(ctx, args));
  LINLI_TRY(Json row, row_of(ctx, args));
  return step(ctx, args, std::move(row), "arrived");
}

/// All clear is a decision of people: the notice was withdrawn. Its end by the clock is none.
MutatorResult go_home(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const Row old, need(ctx, "transfer", transfer_key(args)));
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", json_text(args, "notice")));
  if (!admin->contains("withdrawn_at"))
    return fail(Errc::wrong_state, "the warning has not been called off: nobody goes home yet");
  return step(ctx, args, *old, "returned");
}

MutatorResult open_shelter(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  if (ctx.get("shelter", id) != nullptr) return fail(Errc::conflict, "the shelter exists");
  LINLI_CHECK(need(ctx, "notice_admin", json_text(args, "notice")));
  LINLI_TRY(const Row area, need(ctx, "area", json_text(args, "area")));
  const std::string notice = json_text(args, "notice");
  if (keys_of(ctx, "shelter.notice", notice, kSheltersMax).size() == kSheltersMax)
    return fail(Errc::too_large, "too many shelters");
  Json row = {{"capacity", 0}, {"by", actor_id(ctx)}, {"at", to_unix_ms(ctx.captured_at())}};
  copy_members(args, row, {"notice", "name", "area", "capacity"});
  copy_members(*area, row, {"unit", "community"});
  ctx.put("shelter", id, std::move(row));
  return Json{{"id", id}};
}

/// Heads of the shelters of one notice; those who were brought elsewhere count under "".
Result<Json> count(ReadContext& ctx, const Json& params) {
  const std::string notice = json_text(params, "notice");
  std::map<std::string, std::map<std::string, std::int64_t>> heads;
  std::optional<sync::IndexHit> after;
  constexpr std::size_t kPage = 500;
  for (bool more = true; more;) {
    const auto hits = ctx.scan("transfer.notice", exact(notice), after, kPage);
    more = hits.size() == kPage;
    if (more) after = hits.back();
    for (const sync::IndexHit& hit : hits) {
      const Row row = ctx.get("transfer", hit.key);
      if (has_any_over(ctx,
                       {Role::grid, Role::lead, Role::window, Role::approver, Role::editor,
                        Role::supervisor},
                       json_text(*row, "area")))
        ++heads[json_text(*row, "shelter")][json_text(*row, "state")];
    }
  }
  Json out = {{"shelters", Json::array()}};
  const auto add_line = [&](const std::string& id, const Json& name, const Json& capacity) {
    auto& of = heads[id];
    out["shelters"].push_back({{"id", id},
                               {"name", name},
                               {"capacity", capacity},
                               {"moved", of["moved"]},
                               {"arrived", of["arrived"]},
                               {"returned", of["returned"]}});
  };
  for (const std::string& id : keys_of(ctx, "shelter.notice", notice, kSheltersMax)) {
    const Row row = ctx.get("shelter", id);
    add_line(id, row->at("name"), row->at("capacity"));
  }
  if (heads.contains("")) add_line("", "", 0);
  return out;
}

void declare_tables(sync::Registry& registry, BucketsOf buckets) {
  for (const char* name : {"shelter", "transfer"}) {
    sync::TableDef table{};
    table.name = name;
    table.buckets = buckets;
    table.indexes = {{"notice", by_notice}};
    registry.add(std::move(table));
  }
}

/// What a phone shows before the server has heard of it.
Json shown(const char* state, Json row) {
  row["state"] = state;
  row[std::string(state) + "_at"] = "{now}";
  row[std::string(state) + "_by"] = "{actor}";
  row["notice"] = "{notice}";
  row["person"] = "{person}";
  return Json::array({{{"op", "patch"},
                       {"tbl", "transfer"},
                       {"key", "{notice}:{person}"},
                       {"row", std::move(row)}}});
}

}  // namespace

void moved_at_the_door(MutatorContext& ctx, const Json& task) {
  const std::string notice = json_text(task, "notice");
  if (notice.empty() || json_text(task, "person").empty()) return;
  const Json args = {{"notice", notice}, {"person", task.at("person")}};
  if (auto row = row_of(ctx, args))
    ignore(step(ctx, args, std::move(*row), "moved"), "a step never fails");
}

void declare_transfers(sync::Registry& registry, BucketsOf buckets) {
  declare_tables(registry, std::move(buckets));
  const Json notice = arg::short_id();
  add(registry, Mutator{.name = "shelter.open",
                        .summary = "A place where people are brought while a warning holds.",
                        .args = arg::object({{"id!", arg::short_id()},
                                             {"notice!", notice},
                                             {"name!", arg::text(30, 1)},
                                             {"area!", arg::id()},
                                             {"capacity", arg::integer(0, 10'000)}}),
                        .permit = may_open_shelter,
                        .run = open_shelter,
                        .path = "/shelters"});
  add(registry, Mutator{.name = "transfer.record",
                        .summary = "谁、谁组织、何时、转到哪、转后如何管理; also without a net.",
                        .args = arg::object({{"notice!", notice},
                                             {"person!", arg::id()},
                                             {"shelter", arg::short_id()},
                                             {"place", arg::text(60)},
                                             {"organiser!", arg::text(40, 1)},
                                             {"care", arg::text(200)}}),
                        .permit = may_transfer,
                        .run = record,
                        .effects = shown("moved", {{"shelter", "{shelter}"},
                                                   {"place", "{place}"},
                                                   {"organiser", "{organiser}"},
                                                   {"care", "{care}"}}),
                        .lane = sync::UpLane::alert,
                        .path = "/transfers"});
  add(registry,
      Mutator{.name = "transfer.arrive",
              .summary = "Somebody is at the shelter, brought or by themselves.",
              .args = arg::object(
                  {{"notice!", notice}, {"person!", arg::id()}, {"shelter!", arg::short_id()}}),
              .permit = may_transfer,
              .run = arrive,
              .effects = shown("arrived", {{"shelter", "{shelter}"}}),
              .lane = sync::UpLane::alert,
              .path = "/transfers/arrive"});
  add(registry,
      Mutator{.name = "transfer.return",
              .summary = "Went home; refused before the warning was called off.",
              .args = arg::object(
                  {{"notice!", notice}, {"person!", arg::id()}, {"care", arg::text(200)}}),
              .permit = may_transfer,
              .run = go_home,
              .effects = shown("returned", {{"care", "{care}"}}),
              .path = "/transfers/return"});
  add(registry, Query{.name = "shelter.count",
                      .summary = "Heads per shelter of one notice; persons the caller may see.",
                      .params = arg::object({{"notice!", notice}}),
                      .permit = anyone,
                      .run = count,
                      .path = "/shelters"});
}

}  // namespace linli::community::tasks
