// SPDX-License-Identifier: Apache-2.0
// A call for help is a task (RAIN-10, RAIN-12): somebody owns it and it comes up again until a
// person says what came of it. No answer, no other visit and no end of the notice ends it.
//
// It has the key of the knock at the same door, so that one visit serves both, and marks it with
// why = help and called_at; recalled_at says that the same person answered something else since.
#include "server/community/rows.h"
#include "server/community/tasks/tasks.h"

namespace linli::community::tasks {
namespace {

/// Whoever went there after the call has met it.
bool is_met(const Row& task, std::int64_t called_at) {
  if (task == nullptr) return false;
  if (json_text(*task, "state") == "done") return json_int(*task, "done_at") >= called_at;
  return is_help(*task) && json_int(*task, "called_at") >= called_at;
}

void open(MutatorContext& ctx, const std::string& key, const Json& ack, const Row& old) {
  const Row person = ctx.get("person", json_text(ack, "person"));
  const Row notice = ctx.get("notice_admin", json_text(ack, "notice"));
  if (person == nullptr || notice == nullptr) return;
  Json row = knock_row(ctx, *person, notice);
  copy_members(ack, row, {"notice", "person", "ask"});
  if (old != nullptr) copy_members(*old, row, {"outcomes", "ask"});
  if (old != nullptr && json_text(*old, "state") != "done") {
    copy_members(*old, row, {"assignee", "by", "reason", "opened_at"});
    if (row.contains("assignee")) row["owner"] = "assignee";
  }
  row["why"] = "help";
  row["called_at"] = ack.at("captured_at");
  put_open(ctx, key, std::move(row));
}

}  // namespace

bool is_help(const Json& task) { return json_text(task, "why") == "help"; }

bool answer_changed(MutatorContext& ctx, const std::string& key) {
  const Row ack = ctx.get("ack", key);
  if (ack == nullptr) return false;
  const Row task = ctx.get("task", key);
  const std::int64_t answered_at = json_int(*ack, "captured_at");
  if (json_text(*ack, "choice") == "help") {
    if (is_met(task, answered_at)) return false;
    open(ctx, key, *ack, task);
    return true;
  }
  const bool is_open = task != nullptr && json_text(*task, "state") != "done";
  if (!is_open || !is_help(*task) || json_int(*task, "recalled_at") >= answered_at) return false;
  Json row = *task;
  row["recalled_at"] = answered_at;
  put_open(ctx, key, std::move(row));
  return true;
}

}  // namespace linli::community::tasks
