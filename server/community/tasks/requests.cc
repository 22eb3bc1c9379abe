// SPDX-License-Identifier: Apache-2.0
// 请社区办的事: how it stands with what somebody asked of the office, for them to read, also without a
// net. It says neither who goes nor what the visitor noted.
//
// Row `request`, key task, held by the person's phones and those of active proxies: {person, kind:
// help | erasure, state: open | taken | no_answer | done, at, asked_at, notice?, title?, due_at?,
// result?, note?}; `result` and `note` only where the office answers, as to an erasure.
#include "server/community/membership.h"
#include "server/community/rows.h"
#include "server/community/tasks/tasks.h"

namespace linli::community::tasks {
namespace {

std::vector<std::string> of_person(std::string_view /*key*/, const Json& row) {
  return {person_bucket(json_text(row, "person"))};
}

std::string state_of(const Json& task) {
  const std::string state = json_text(task, "state");
  if (state == "done" || state == "no_answer") return state;
  return json_text(task, "assignee").empty() ? "open" : "taken";
}

}  // namespace

void tell_asker(MutatorContext& ctx, const std::string& key, const Json& task) {
  const bool is_erasure = json_text(task, "kind") == "erasure";
  if (!is_erasure && !is_help(task)) return;
  Json row = {{"kind", is_erasure ? "erasure" : "help"},
              {"state", state_of(task)},
              {"asked_at", task.at(is_erasure ? "opened_at" : "called_at")}};
  copy_members(task, row, {"person", "notice", "title", "due_at"});
  if (is_erasure) copy_members(task, row, {"result", "note"});
  if (const Row old = ctx.get("request", key); old != nullptr) {
    Json before = *old;
    before.erase("at");
    if (before == row) return;
  }
  row["at"] = to_unix_ms(ctx.captured_at());
  ensure_person_bucket(ctx, json_text(row, "person"));
  ctx.put("request", key, std::move(row));
}

void declare_requests(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "request";
  table.buckets = of_person;
  table.references = {{"person", "person"}};
  registry.add(std::move(table));
}

}  // namespace linli::community::tasks
