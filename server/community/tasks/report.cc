// SPDX-License-Identifier: Apache-2.0
// RAIN-16: what came of a warning, in the order of the five knocks (五敲门): warned 预警, moved 转移,
// missed 查漏, cared 暖心, back 回访; and how the last person was reached. How many and when is said
// by notice.reach and notice.reach_times.
#include <algorithm>

#include "server/community/notices/module.h"
#include "server/community/roles.h"
#include "server/community/tasks/tasks.h"

namespace linli::community::tasks {
namespace {

using notices::each_of_notice;

std::int64_t& count_of(Json& part, const char* name) { return part[name].get_ref<std::int64_t&>(); }

Json zeros(std::initializer_list<const char*> names) {
  Json out = Json::object();
  for (const char* name : names) out[name] = std::int64_t{0};
  return out;
}

struct Report {
  Json warned = zeros({"knocks", "told", "moved", "refused", "no_answer", "answered"});
  Json moved = zeros({"moved", "arrived", "returned"});
  Json missed = zeros({"second", "handed_on", "open"});
  Json cared = zeros({"calls", "calls_open", "care", "longest_ms"});
  Json back = zeros({"visits"});
};

bool is_visit(const Json& outcome) { return json_text(outcome, "outcome") != "posted"; }

void add_call(const Json& task, Report& out) {
  if (!is_help(task)) return;
  ++count_of(out.cared, "calls");
  if (json_text(task, "state") != "done") {
    ++count_of(out.cared, "calls_open");
    return;
  }
  std::int64_t& longest = count_of(out.cared, "longest_ms");
  longest = std::max(longest, json_int(task, "done_at") - json_int(task, "called_at"));
}

void add_task(const Json& task, std::int64_t ended_at, Report& out) {
  if (json_text(task, "kind") != "knock") return;
  ++count_of(out.warned, "knocks");
  const Json& outcomes = task.at("outcomes");
  const bool is_done = json_text(task, "state") == "done";
  const std::string result = json_text(task, "result");
  for (const char* word : {"told", "moved", "refused", "answered"})
    if (is_done && result == word) ++count_of(out.warned, word);
  const bool is_empty = !outcomes.empty() && std::ranges::all_of(outcomes, [](const Json& one) {
    return json_text(one, "outcome") == "no_answer";
  });
  if (is_empty) ++count_of(out.warned, "no_answer");
  if (outcomes.size() > 1) ++count_of(out.missed, "second");
  if (!is_done) ++count_of(out.missed, "open");
  if (json_text(task, "state") == "handed_on") ++count_of(out.missed, "handed_on");
  add_call(task, out);
  for (const Json& one : outcomes)
    if (ended_at > 0 && is_visit(one) && json_int(one, "at") > ended_at)
      ++count_of(out.back, "visits");
}

void add_transfer(const Json& row, Report& out) {
  for (const char* word : {"moved", "arrived", "returned"})
    if (row.contains(std::string(word) + "_at")) ++count_of(out.moved, word);
  if (!json_text(row, "care").empty()) ++count_of(out.cared, "care");
}

struct Last {
  std::string person;
  std::int64_t at = 0;
};

/// Who answered last of those that count now; the key decides between two at one time.
Last last_answered(ReadContext& ctx, const std::string& notice) {
  Last out;
  each_of_notice(ctx, "ack", notice, [&](const std::string& person, const Json& row) {
    const std::int64_t at = json_int(row, "captured_at");
    if (at < out.at || !notices::has_answered(ctx, notice, person)) return;
    out = {person, at};
  });
  return out;
}

void add_step(Json& trail, std::int64_t at, const char* what, const Json& more) {
  if (at == 0) return;
  Json step = {{"at", at}, {"what", what}};
  step.update(more);
  trail.push_back(std::move(step));
}

Json some(const Json& row, std::initializer_list<const char*> members) {
  Json out = Json::object();
  copy_members(row, out, members);
  return out;
}

/// What is known of the way to the person, oldest first. Who looks without a role there sees no
/// name, no door and nobody who went.
Json trail_of(ReadContext& ctx, const std::string& notice, const Json& admin, const Last& last) {
  const std::string key = notice + ":" + last.person;
  const Row person = ctx.get("person", last.person);
  const std::string area = person ? json_text(*person, "area") : std::string();
  const bool sees =
      has_any_over(ctx, {Role::grid, Role::window, Role::approver, Role::supervisor}, area);
  Json trail = Json::array();
  add_step(trail, json_int(admin, "sent_at"), "sent", Json::object());
  if (const Row reach = ctx.get("reach", key))
    add_step(trail, json_int(*reach, "at"), "channel", some(*reach, {"state", "medium"}));
  if (const Row seen = ctx.get("seen", key))
    add_step(trail, json_int(*seen, "at"), "seen", Json::object());
  if (const Row task = ctx.get("task", key)) {
    add_step(trail, json_int(*task, "opened_at"), "task", some(*task, {"why"}));
    add_step(trail, json_int(*task, "called_at"), "called", Json::object());
    for (const Json& one : task->at("outcomes"))
      add_step(trail, json_int(one, "at"), "visit",
               sees ? some(one, {"outcome", "by"}) : some(one, {"outcome"}));
  }
  const Row ack = ctx.get("ack", key);
  add_step(trail, last.at, "answered", some(*ack, {"choice", "state", "via"}));
  std::stable_sort(trail.begin(), trail.end(), [](const Json& a, const Json& b) {
    return json_int(a, "at") < json_int(b, "at");
  });
  Json out = {{"at", last.at}, {"trail", std::move(trail)}};
  copy_members(*ack, out, {"unit"});
  if (sees) copy_members(*ack, out, {"person", "name", "door"});
  return out;
}

Result<Json> report(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", id));
  if (!admin->contains("sent_at")) return fail(Errc::wrong_state, "the notice was not out");
  const std::int64_t ended_at = json_int(*admin, "withdrawn_at");
  Report out;
  each_of_notice(ctx, "task", id,
                 [&](const std::string&, const Json& task) { add_task(task, ended_at, out); });
  each_of_notice(ctx, "transfer", id,
                 [&](const std::string&, const Json& row) { add_transfer(row, out); });
  Json json = {{"id", id},
               {"title", admin->at("content").at("title")},
               {"sent_at", admin->at("sent_at")},
               {"warned", std::move(out.warned)},
               {"moved", std::move(out.moved)},
               {"missed", std::move(out.missed)},
               {"cared", std::move(out.cared)},
               {"back", std::move(out.back)}};
  copy_members(admin->at("content"), json, {"severity", "incident", "drill"});
  copy_members(*admin, json, {"withdrawn_at"});
  if (const Last last = last_answered(ctx, id); !last.person.empty())
    json["last"] = trail_of(ctx, id, *admin, last);
  return json;
}

}  // namespace

void declare_report(sync::Registry& registry) {
  add(registry,
      Query{.name = "notice.report",
            .summary = "What came of a warning: knocks, transfers, those missed at first, care, "
                       "visits after the all-clear, and how the last person was reached.",
            .params = arg::object({{"id!", arg::short_id()}}),
            .permit = allow({Role::editor, Role::approver, Role::window, Role::grid,
                             Role::supervisor, Role::district}),
            .run = report,
            .path = "/notices/{id}/report"});
}

}  // namespace linli::community::tasks
