// SPDX-License-Identifier: Apache-2.0
// Asking for erasure (ENR-12). Nothing is deleted here: a person of the office decides what the law
// lets go, does it with the means there are, and answers; the one who asked sees both.
//
// Row `erasure`, key person, server-only: {person, by, asked_at, due_at, task, state: asked |
// answered, outcome?: erased | refused, note?, answered_at?, answered_by?}.
#include <chrono>

#include "server/community/membership.h"
#include "server/community/roles.h"
#include "server/community/tasks/tasks.h"

namespace linli::community::tasks {
namespace {

/// The office answers within so long; short of the 15 working days that regulators allow an app.
constexpr std::chrono::hours kAnswerWithin{15 * 24};

Result<void> may_ask(ReadContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  if (!is_system(ctx) && speaks_for(ctx, actor_id(ctx), person, "acknowledge")) return {};
  const Row row = ctx.get("person", person);
  return require_any_over(ctx, {Role::grid, Role::window}, row ? json_text(*row, "area") : "");
}

MutatorResult ask_erasure(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row who, need(ctx, "person", person));
  const Row old = ctx.get("erasure", person);
  if (old != nullptr && json_text(*old, "state") == "asked")
    return Json{{"task", old->at("task")}, {"due_at", old->at("due_at")}, {"known", true}};
  const std::string key = ctx.new_id();
  const std::int64_t due_at = to_unix_ms(ctx.now() + kAnswerWithin);
  // With the office, not the grid: its unit is the community.
  Json task = {{"kind", "erasure"},
               {"person", person},
               {"state", "open"},
               {"owner", "desk"},
               {"tries", 0},
               {"due_at", due_at},
               {"by", actor_id(ctx)},
               {"opened_at", now_ms(ctx)},
               {"outcomes", Json::array()}};
  copy_members(*who, task, {"name", "door", "community"});
  task["unit"] = json_text(*who, "community");
  copy_members(args, task, {"reason"});
  put_open(ctx, key, std::move(task));
  ctx.put("erasure", person,
          {{"person", person},
           {"by", actor_id(ctx)},
           {"asked_at", now_ms(ctx)},
           {"due_at", due_at},
           {"task", key},
           {"state", "asked"}});
  return Json{{"task", key}, {"due_at", due_at}};
}

Result<void> may_answer(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row task, need(ctx, "task", json_text(args, "task")));
  return require_any_over(ctx, {Role::window, Role::approver}, json_text(*task, "unit"));
}

MutatorResult answer_erasure(MutatorContext& ctx, const Json& args) {
  const std::string key = json_text(args, "task");
  LINLI_TRY(const Row found, need(ctx, "task", key));
  if (json_text(*found, "kind") != "erasure") return fail(Errc::wrong_state, "another task");
  if (json_text(*found, "state") == "done") return fail(Errc::wrong_state, "it was answered");
  const std::string person = json_text(*found, "person");
  LINLI_TRY(const Row asked, need(ctx, "erasure", person));
  Json request = *asked;
  request["state"] = "answered";
  copy_members(args, request, {"outcome", "note"});
  request["answered_at"] = now_ms(ctx);
  request["answered_by"] = actor_id(ctx);
  ctx.put("erasure", person, std::move(request));
  Json task = *found;
  task["result"] = args.at("outcome");
  copy_members(args, task, {"note"});
  put_done(ctx, key, std::move(task));
  return Json{{"task", key}};
}

}  // namespace

void declare_erasure(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "erasure";
  table.references = {{"person", "person"}};
  registry.add(std::move(table));
  add(registry, Mutator{.name = "erasure.request",
                        .summary = "Asks the office to erase what is held; a task with a date, "
                                   "nothing is deleted by it.",
                        .args = arg::object({{"person!", arg::id()}, {"reason", arg::text(200)}}),
                        .permit = may_ask,
                        .run = ask_erasure,
                        .path = "/me/erasure"});
  add(registry,
      Mutator{.name = "erasure.answer",
              .summary = "What the office did with it; the person reads outcome and note.",
              .args = arg::object({{"task!", arg::id()},
                                   {"outcome!", arg::one_of({"erased", "refused"})},
                                   {"note!", arg::text(200, 2)}}),
              .permit = may_answer,
              .run = answer_erasure,
              .path = "/erasures/{task}/answer"});
}

}  // namespace linli::community::tasks
