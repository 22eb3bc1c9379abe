// SPDX-License-Identifier: Apache-2.0
#include "server/community/tasks/module.h"

#include <algorithm>
#include <chrono>

#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/notices/module.h"
#include "server/community/roles.h"
#include "server/community/rows.h"
#include "server/community/tasks/tasks.h"

namespace linli::community::tasks {
namespace {

using namespace std::chrono_literals;

/// A task that nobody moved for so long goes to the next owner (RAIN-12).
constexpr Millis kRedAgain = 15min;
constexpr Millis kAgain = 60min;
/// Nobody at home twice: another person decides what follows.
constexpr std::int64_t kTriesMax = 2;
constexpr std::size_t kOutcomesMax = 20;

std::vector<std::string> task_buckets(std::string_view /*key*/, const Json& row) {
  std::vector<std::string> out;
  for (const char* member : {"unit", "community"}) {
    const std::string node = json_text(row, member);
    if (!node.empty() && !std::ranges::count(out, areas::care_bucket(node)))
      out.push_back(areas::care_bucket(node));
  }
  if (const std::string account = json_text(row, "assignee"); !account.empty())
    out.push_back(user_bucket(account));
  return out;
}

std::vector<std::string> open_unit(std::string_view /*key*/, const Json& row) {
  if (json_text(row, "state") == "done") return {};
  return {exact(json_text(row, "unit")) + json_text(row, "door")};
}

Millis again_of(const Json& task) {
  return is_help(task) || json_text(task, "severity") == "red" ? kRedAgain : kAgain;
}

}  // namespace

void put_open(MutatorContext& ctx, const std::string& key, Json row) {
  // A task with a date comes up on that date, and after it again and again.
  const Instant date = from_unix_ms(json_int(row, "due_at"));
  const Instant at = std::max(ctx.now() + again_of(row), date);
  row["next_at"] = to_unix_ms(at);
  ctx.schedule(at, kTaskDue, key);
  tell_asker(ctx, key, row);
  ctx.put("task", key, std::move(row));
}

void put_done(MutatorContext& ctx, const std::string& key, Json row) {
  row["state"] = "done";
  // Another visit later does not move the end.
  if (!row.contains("done_at")) row["done_at"] = to_unix_ms(ctx.captured_at());
  ctx.cancel(kTaskDue, key);
  tell_asker(ctx, key, row);
  ctx.put("task", key, std::move(row));
}

Json knock_row(ReadContext& ctx, const Json& person, const Row& notice) {
  Json row = {{"kind", "knock"}, {"state", "open"},          {"owner", "grid"},
              {"tries", 0},      {"opened_at", now_ms(ctx)}, {"outcomes", Json::array()}};
  copy_members(person, row,
               {"name", "door", "floor", "area", "unit", "community", "living_alone", "mobility",
                "neighbour", "keyholder"});
  if (notice == nullptr) return row;
  const Json& content = notice->at("content");
  copy_members(content, row, {"severity", "title"});
  row["line"] = json_text(content, "action_line");
  return row;
}

namespace {

MutatorResult open_task(MutatorContext& ctx, const Json& args) {
  const std::string notice = json_text(args, "notice");
  const std::string person = json_text(args, "person");
  const std::string key = notice + ":" + person;
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", notice));
  LINLI_TRY(const Row who, need(ctx, "person", person));
  const Row old = ctx.get("task", key);
  const std::int64_t ask = json_int(args, "ask");
  if (old != nullptr && json_int(*old, "ask") >= ask) return Json{{"id", key}, {"known", true}};
  Json row = knock_row(ctx, *who, admin);
  row["ask"] = ask;
  copy_members(args, row, {"notice", "person", "why"});
  // Who goes there already goes for the worse warning too.
  if (old != nullptr) copy_members(*old, row, {"assignee", "outcomes"});
  if (old != nullptr && is_help(*old) && json_text(*old, "state") != "done")
    copy_members(*old, row, {"why", "called_at", "recalled_at", "result", "owner"});
  put_open(ctx, key, std::move(row));
  return Json{{"id", key}};
}

Result<void> may_assign(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row task, need(ctx, "task", json_text(args, "id")));
  return require_any(ctx, {Role::grid, Role::lead, Role::window, Role::approver},
                     json_text(*task, "area"));
}

MutatorResult assign(MutatorContext& ctx, const Json& args) {
  const std::string key = json_text(args, "id");
  const std::string account = json_text(args, "account");
  LINLI_TRY(const Row found, need(ctx, "task", key));
  LINLI_CHECK(need(ctx, "account", account));
  if (json_text(*found, "state") == "done") return fail(Errc::wrong_state, "it is done");
  Json row = *found;
  row["assignee"] = account;
  row["owner"] = "assignee";
  row["state"] = "open";
  row.erase("result");  // Of a visit that asked for rescue: now somebody goes again.
  ctx.ensure_bucket({user_bucket(account), sync::Lane::normal, 1});
  put_open(ctx, key, std::move(row));
  return Json{{"id", key}};
}

Result<void> may_visit(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row task, need(ctx, "task", json_text(args, "id")));
  if (json_text(*task, "assignee") == actor_id(ctx)) return {};
  return require_any(ctx, {Role::grid, Role::lead, Role::volunteer, Role::window},
                     json_text(*task, "area"));
}

void add_outcome(MutatorContext& ctx, const Json& args, Json& row) {
  Json entry = {{"at", to_unix_ms(ctx.captured_at())}, {"by", actor_id(ctx)}};
  copy_members(args, entry, {"outcome", "note", "place"});
  Json& outcomes = row["outcomes"];
  outcomes.push_back(std::move(entry));
  if (outcomes.size() > kOutcomesMax) outcomes.erase(outcomes.begin());
}

/// What may come of it: a sheet is posted at a place, a door is knocked at.
Result<void> check_outcome(const Json& task, const Json& args) {
  const std::string kind = json_text(task, "kind");
  const bool is_posted = json_text(args, "outcome") == "posted";
  if (kind != "knock" && kind != "post") return fail(Errc::invalid_argument, "not a way to a door");
  if (is_posted != (kind == "post"))
    return fail(Errc::invalid_argument, "outcome: posted is for notices in the stairwell");
  if (is_posted && json_text(args, "place").empty())
    return fail(Errc::invalid_argument, "place: say where it hangs");
  return {};
}

/// A sheet on a wall reaches a place: nobody counts as told (RAIN-13).
MutatorResult posted(MutatorContext& ctx, const std::string& key, Json row, const Json& args) {
  row["result"] = "posted";
  row["place"] = args.at("place");
  put_done(ctx, key, std::move(row));
  return Json{{"id", key}, {"state", "done"}};
}

/// Somebody opened the door. Without a notice there is nothing to answer.
Result<void> tell(MutatorContext& ctx, const Json& task, const std::string& outcome) {
  const std::string notice = json_text(task, "notice");
  if (notice.empty()) return {};
  return notices::told_in_person(ctx, notice, json_text(task, "person"),
                                 outcome == "rescue" ? "help" : "ok");
}

/// Seen at the door: it stays with the desk until somebody says what came of it.
MutatorResult needs_rescue(MutatorContext& ctx, const std::string& key, Json row) {
  LINLI_CHECK(tell(ctx, row, "rescue"));
  row["result"] = "rescue";
  row["why"] = "help";
  if (!row.contains("called_at")) row["called_at"] = to_unix_ms(ctx.captured_at());
  row["owner"] = "desk";
  row["state"] = "handed_on";
  row.erase("done_at");
  put_open(ctx, key, std::move(row));
  return Json{{"id", key}, {"state", "handed_on"}};
}

/// Two people at one door: one visit with both names (RAIN-11). What was told stays told.
MutatorResult visit(MutatorContext& ctx, const Json& args) {
  const std::string key = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "task", key));
  LINLI_CHECK(check_outcome(*found, args));
  Json row = *found;
  add_outcome(ctx, args, row);
  const std::string outcome = json_text(args, "outcome");
  if (outcome == "posted") return posted(ctx, key, std::move(row), args);
  if (outcome == "rescue") return needs_rescue(ctx, key, std::move(row));
  const bool was_done = json_text(row, "state") == "done";
  if (outcome != "no_answer") {
    LINLI_CHECK(tell(ctx, row, outcome));
    if (outcome == "moved") moved_at_the_door(ctx, row);
    row["result"] = outcome;
    put_done(ctx, key, std::move(row));
    return Json{{"id", key}, {"state", "done"}};
  }
  if (was_done) {
    ctx.put("task", key, std::move(row));
    return Json{{"id", key}, {"state", "done"}};
  }
  row["tries"] = json_int(row, "tries") + 1;
  row["state"] = "no_answer";
  if (json_int(row, "tries") >= kTriesMax) {
    row["state"] = "handed_on";
    row["owner"] = "lead";
  }
  const Json state = row.at("state");
  put_open(ctx, key, std::move(row));
  return Json{{"id", key}, {"state", state}};
}

/// Empty while somebody still has to go; a task without a notice ends by hand only.
std::string why_over(ReadContext& ctx, const Json& task) {
  const std::string notice = json_text(task, "notice");
  if (notice.empty() || is_help(task)) return {};
  const std::string person = json_text(task, "person");
  if (!person.empty() && notices::has_answered(ctx, notice, person)) return "answered";
  const Row admin = ctx.get("notice_admin", notice);
  const std::string state = admin ? json_text(*admin, "state") : std::string();
  return state == "sent" || state == "corrected" ? "" : "ended";
}

/// Answered by another way: nobody has to climb the stairs any more. Else nobody moved it: from the
/// grid worker to the lead, from the lead to the desk, where it stays and comes up again.
void due(MutatorContext& ctx, std::string_view at, bool /*missed*/) {
  const std::string key(at);
  if (answer_changed(ctx, key)) return;
  const Row found = ctx.get("task", key);
  if (found == nullptr || json_text(*found, "state") == "done") return;
  Json row = *found;
  if (const std::string why = why_over(ctx, row); !why.empty()) {
    row["state"] = "done";
    row["result"] = why;
    ctx.put("task", key, std::move(row));
    return;
  }
  const std::string owner = json_text(row, "owner");
  row["owner"] = owner == "lead" || owner == "desk" ? "desk" : "lead";
  row["state"] = "handed_on";
  put_open(ctx, key, std::move(row));
}

}  // namespace

void declare(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "task";
  table.buckets = task_buckets;
  table.indexes = {{"open_unit", open_unit}};
  registry.add(std::move(table));
  registry.add(sync::DueDef{std::string(kTaskDue), 24h, due});

  const Json id = arg::text(64, 3);
  add(registry, Mutator{.name = "reach.open_task",
                        .summary = "The gateway's last rung: somebody has to go there.",
                        .args = arg::object({{"notice!", arg::short_id()},
                                             {"person!", arg::id()},
                                             {"ask!", arg::integer(0, 1000)},
                                             {"why!", arg::one_of({"ladder", "parallel"})}}),
                        .permit = system_only,
                        .run = open_task,
                        .lane = sync::UpLane::bulk,
                        .internal = true});
  add(registry, Mutator{.name = "task.assign",
                        .summary = "Gives a knock to a volunteer or colleague.",
                        .args = arg::object({{"id!", id}, {"account!", arg::hex(32)}}),
                        .permit = may_assign,
                        .run = assign,
                        .path = "/tasks/{id}/assign"});
  const Json effect = {
      {"op", "patch"},
      {"tbl", "task"},
      {"key", "{id}"},
      {"row", {{"result", "{outcome}"}, {"done_at", "{now}"}, {"visited_by", "{actor}"}}}};
  add(registry,
      Mutator{
          .name = "task.visit",
          .summary = "当面告知 / 无人应答 / 已转移 / 拒绝 / 需救助 / 已张贴, also without a net.",
          .args = arg::object({{"id!", id},
                               {"outcome!", arg::one_of({"told", "no_answer", "moved", "refused",
                                                         "rescue", "posted"})},
                               {"place", arg::text(60)},
                               {"note", arg::text(200)}}),
          .permit = may_visit,
          .run = visit,
          .effects = Json::array({effect}),
          .lane = sync::UpLane::alert,
          .path = "/tasks/{id}/visit"});
  declare_requests(registry);
  declare_by_hand(registry);
  declare_erasure(registry);
  declare_list(registry);
  declare_report(registry);
  declare_transfers(registry, task_buckets);
}

}  // namespace linli::community::tasks
