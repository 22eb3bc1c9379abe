// SPDX-License-Identifier: Apache-2.0
// Corrections are new records with a reason and an approver; the old ones stay (VOL-7).
#include "server/community/roles.h"
#include "server/community/teams/hours.h"

namespace linli::community::teams {
namespace {

constexpr std::int64_t kMinutesMax = 24 * 60;

Result<void> may_correct(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "hours", json_text(args, "id")));
  if (const std::string own = actor_person(ctx); !own.empty() && own == json_text(*row, "person"))
    return fail(Errc::same_person, "the own hours");
  return require_lead(ctx, json_text(*row, "team"));
}

MutatorResult correct(MutatorContext& ctx, const Json& args) {
  const Row row = ctx.get("hours", json_text(args, "id"));
  if (json_text(*row, "state") == "void") return fail(Errc::wrong_state, "the hours are void");
  const std::string id = append_decision(
      ctx, "correction", *row, {{"minutes", args.at("minutes")}, {"reason", args.at("reason")}});
  recompute(ctx, json_text(*row, "shift"), json_text(*row, "person"));
  return Json{{"id", args.at("id")}, {"correction", id}};
}

Result<void> may_approve(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "hours", json_text(args, "id")));
  LINLI_TRY(const Row team, need(ctx, "team", json_text(*row, "team")));
  LINLI_CHECK(require_any(ctx, {Role::approver}, json_text(*team, "area")));
  const auto asked = row->find("correction");
  if (asked == row->end()) return fail(Errc::wrong_state, "nobody asked for a correction");
  if (is_same_person(ctx, actor_id(ctx), json_text(*asked, "by")))
    return fail(Errc::same_person, "who asks does not approve");
  if (const std::string own = actor_person(ctx); !own.empty() && own == json_text(*row, "person"))
    return fail(Errc::same_person, "the own hours");
  return {};
}

MutatorResult approve(MutatorContext& ctx, const Json& args) {
  const Row row = ctx.get("hours", json_text(args, "id"));
  const Json& asked = row->at("correction");
  if (asked.at("id") != args.at("correction"))
    return fail(Errc::conflict, "it was asked for another correction meanwhile");
  append_decision(ctx, "approval", *row, {{"correction", asked.at("id")}});
  const Json now = recompute(ctx, json_text(*row, "shift"), json_text(*row, "person"));
  return Json{{"id", args.at("id")}, {"state", now.at("state")}, {"minutes", now.at("minutes")}};
}

}  // namespace

void declare_corrections(sync::Registry& registry) {
  const Json id = arg::text(64, 3);
  add(registry, Mutator{.name = "attendance.correct",
                        .summary = "Asks for other minutes, with a reason.",
                        .args = arg::object({{"id!", id},
                                             {"minutes!", arg::integer(0, kMinutesMax)},
                                             {"reason!", arg::text(200, 2)}}),
                        .permit = may_correct,
                        .run = correct,
                        .path = "/hours/{id}/correct"});
  add(registry, Mutator{.name = "attendance.approve",
                        .summary = "An approver, not who asked, approves a correction.",
                        .args = arg::object({{"id!", id}, {"correction!", arg::id()}}),
                        .permit = may_approve,
                        .run = approve,
                        .online_only = true,
                        .path = "/hours/{id}/approve"});
}

}  // namespace linli::community::teams
