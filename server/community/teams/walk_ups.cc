// SPDX-License-Identifier: Apache-2.0
// People who helped without an account, and the claim of their hours later (VOL-5).
#include "server/community/membership.h"
#include "server/community/roles.h"
#include "server/community/teams/hours.h"

namespace linli::community::teams {
namespace {

/// Somebody who speaks for the person claims; the lead or staff of the team may too.
Result<void> may_claim(ReadContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row walk_up, need(ctx, "walkup", json_text(args, "walk_up")));
  if (require_lead(ctx, json_text(*walk_up, "team")).has_value()) return {};
  if (is_system(ctx) || !speaks_for(ctx, actor_id(ctx), person, "book"))
    return fail(Errc::forbidden, "the person, or a lead of the team");
  const Row who = ctx.get("person", person);
  const std::string phone = json_text(*who, "phone");
  const bool is_known = json_text(*who, "name") == json_text(*walk_up, "name") &&
                        phone.ends_with(json_text(*walk_up, "last4")) && !phone.empty();
  if (!is_known) return fail(Errc::forbidden, "name and number differ: a lead has to claim it");
  return {};
}

MutatorResult claim(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "walk_up");
  const std::string person = json_text(args, "person");
  LINLI_CHECK(need(ctx, "person", person));
  Json row = *ctx.get("walkup", id);
  if (const std::string by = json_text(row, "claimed_by"); !by.empty())
    return by == person ? MutatorResult(Json{{"id", id}})
                        : fail(Errc::already_used, "somebody claimed it");
  row["claimed_by"] = person;
  const std::string shift = json_text(row, "shift");
  Json record = {{"kind", "claim"}, {"walk_up", id}, {"shift", shift}, {"by", actor_id(ctx)}};
  copy_members(row, record, {"team", "community"});
  for (const std::string& whose : {id, person}) {
    Json mine = record;
    mine["person"] = whose;
    if (whose == person) ensure_person_bucket(ctx, person);
    append_record(ctx, ctx.new_id(), std::move(mine));
  }
  ctx.put("walkup", id, std::move(row));
  recompute(ctx, shift, id);
  recompute(ctx, shift, person);
  return Json{{"id", id}};
}

}  // namespace

void declare_walk_ups(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "walkup";
  table.buckets = [](std::string_view, const Json& row) { return close_buckets(row); };
  registry.add(std::move(table));
  add(registry, Mutator{.name = "attendance.claim",
                        .summary = "The hours of a walk-up become those of a person.",
                        .args = arg::object({{"walk_up!", arg::id()}, {"person!", arg::id()}}),
                        .permit = may_claim,
                        .run = claim,
                        .path = "/walk-ups/{walk_up}/claim"});
}

}  // namespace linli::community::teams
