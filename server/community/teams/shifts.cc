// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.h"
#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/roles.h"
#include "server/community/teams/hours.h"
#include "server/community/teams/reminders.h"
#include "server/community/teams/teams.h"

namespace linli::community::teams {
namespace {

constexpr std::string_view kShiftEnd = "shift.end";

std::vector<std::string> shift_buckets(std::string_view /*key*/, const Json& row) {
  std::vector<std::string> out = {team_bucket(json_text(row, "team"))};
  if (const std::string node = json_text(row, "community"); !node.empty())
    out.push_back(areas::staff_bucket(node));
  return out;
}

Result<void> may_create(ReadContext& ctx, const Json& args) {
  return require_lead(ctx, json_text(args, "team"));
}

Result<void> may_change_shift(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row shift, need(ctx, "shift", json_text(args, "id")));
  return require_lead(ctx, json_text(*shift, "team"));
}

/// 148 random bits of two UUIDs, spread over 32 bytes.
std::string random_key(MutatorContext& ctx) {
  return to_base64url(sha256(as_bytes("linli.shift-key.1" + ctx.new_id() + ctx.new_id())));
}

MutatorResult create_shift(MutatorContext& ctx, const Json& args) {
  std::string id = json_text(args, "id");
  if (id.empty()) id = ctx.new_id().substr(0, 24);
  if (ctx.get("shift", id) != nullptr) return fail(Errc::conflict, "the shift exists");
  const std::string team = json_text(args, "team");
  LINLI_TRY(const Row team_row, need(ctx, "team", team));
  if (json_text(*team_row, "state") != "active") return fail(Errc::wrong_state, "it is closed");
  const std::int64_t from = json_int(args, "from");
  const std::int64_t to = json_int(args, "to");
  if (to <= from || to - from > kShiftMsMax)
    return fail(Errc::invalid_argument, "to: lies after from, by at most 24 hours");
  Json row = {{"place", ""},
              {"need", 0},
              {"is_callout", false},
              {"has_travel", false},
              {"state", "open"},
              {"yes", 0},
              {"no", 0},
              {"created_by", actor_id(ctx)}};
  copy_members(
      args, row,
      {"title", "place", "place_name", "from", "to", "need", "is_callout", "has_travel", "note"});
  place_in(team, *team_row, row);
  ctx.put("shift", id, std::move(row));
  ctx.put("shift_key", id, {{"team", team}, {"key", random_key(ctx)}});
  schedule_reminder(ctx, id, to);
  ctx.schedule(from_unix_ms(to + kCloseAfterMs), kShiftEnd, id);
  return Json{{"id", id}};
}

MutatorResult cancel(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  Json row = *ctx.get("shift", id);
  if (json_text(row, "state") == "closed") return fail(Errc::wrong_state, "it is over");
  row["state"] = "cancelled";
  row["reason"] = args.at("reason");
  ctx.put("shift", id, std::move(row));
  return Json{{"id", id}};
}

// --- Who is coming ----------------------------------------------------------------------------

Result<void> may_answer(ReadContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  if (!is_system(ctx) && speaks_for(ctx, actor_id(ctx), person, "book")) return {};
  LINLI_TRY(const Row shift, need(ctx, "shift", json_text(args, "shift")));
  return require_lead(ctx, json_text(*shift, "team"));
}

/// The server decides in its order: who answers `yes` when the list is closed is thanked (VOL-14).
MutatorResult answer(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "shift");
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row found, need(ctx, "shift", id));
  const std::string state = json_text(*found, "state");
  if (state != "open" && state != "full") return fail(Errc::wrong_state, "it is over");
  const Row member = active_member(ctx, json_text(*found, "team"), person);
  if (member == nullptr) return fail(Errc::not_member, "not a member of the team");
  if (lacks_consent(ctx, json_text(*found, "team"), person))
    return fail(Errc::forbidden, "a guardian has to agree first");
  const std::string key = pair_key(id, person);
  const Row old = ctx.get("shift_answer", key);
  const std::string before = old ? json_text(*old, "answer") : std::string();
  std::string now = json_text(args, "answer");
  Json shift = *found;
  const std::int64_t need_n = json_int(shift, "need");
  const bool is_closed = need_n > 0 && json_int(shift, "yes") >= need_n;
  if (now == "yes" && before != "yes" && is_closed) now = "full";
  if (now == before) return Json{{"id", key}, {"answer", now}};
  for (const auto& [word, by] : {std::pair(before, -1), std::pair(now, 1)})
    if (word == "yes" || word == "no") shift[word] = json_int(shift, word) + by;
  shift["state"] = need_n > 0 && json_int(shift, "yes") >= need_n ? "full" : "open";
  Json row = {{"shift", id},   {"person", person},         {"name", member->at("name")},
              {"answer", now}, {"team", shift.at("team")}, {"at", to_unix_ms(ctx.captured_at())}};
  ctx.put("shift_answer", key, std::move(row));
  ctx.put("shift", id, std::move(shift));
  return Json{{"id", key}, {"answer", now}};
}

/// Closes the shift; who did not check out is closed with it, some at a time.
void end_due(MutatorContext& ctx, std::string_view at, bool /*missed*/) {
  const std::string id(at);
  const Row found = ctx.get("shift", id);
  if (found == nullptr || json_text(*found, "state") == "cancelled") return;
  if (json_text(*found, "state") != "closed") {
    Json row = *found;
    row["state"] = "closed";
    ctx.put("shift", id, std::move(row));
  }
  if (close_some(ctx, id)) ctx.schedule(ctx.now() + Millis{1}, kShiftEnd, id);
}

Result<Json> list_shifts(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 100, 500);
  Json out = {{"shifts", Json::array()}};
  const auto hits =
      ctx.scan("shift.team", exact(json_text(params, "team")), parse_cursor(params), limit);
  for (const sync::IndexHit& hit : hits) {
    Json item = *ctx.get("shift", hit.key);
    item["id"] = hit.key;
    out["shifts"].push_back(std::move(item));
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

void declare_shift_tables(sync::Registry& registry) {
  sync::TableDef shift{};
  shift.name = "shift";
  shift.buckets = shift_buckets;
  shift.references = {{"team", "team"}};
  shift.indexes = {{"team", [](std::string_view, const Json& row) -> std::vector<std::string> {
                      return {exact(json_text(row, "team")) + newest_first(json_int(row, "from"))};
                    }}};
  registry.add(std::move(shift));
  sync::TableDef key{};
  key.name = "shift_key";
  key.buckets = [](std::string_view, const Json& row) -> std::vector<std::string> {
    return {lead_bucket(json_text(row, "team"))};
  };
  registry.add(std::move(key));
  sync::TableDef answer_table{};
  answer_table.name = "shift_answer";
  answer_table.buckets = [](std::string_view, const Json& row) -> std::vector<std::string> {
    return {team_bucket(json_text(row, "team"))};
  };
  answer_table.references = {{"shift", "shift"}};
  registry.add(std::move(answer_table));
  registry.add(sync::DueDef{std::string(kShiftEnd), std::chrono::hours{24 * 365}, end_due});
}

}  // namespace

void declare_shifts(sync::Registry& registry) {
  declare_shift_tables(registry);
  const Json put = {{"op", "put"},
                    {"tbl", "shift"},
                    {"key", "{id}"},
                    {"row",
                     {{"team", "{team}"},
                      {"title", "{title}"},
                      {"place", "{place}"},
                      {"from", "{from}"},
                      {"to", "{to}"},
                      {"need", "{need}"},
                      {"state", "open"}}}};
  add(registry, Mutator{.name = "shift.create",
                        .summary = "A shift, or a call-out for a number of people.",
                        .args = arg::object({{"id", arg::short_id()},
                                             {"team!", arg::short_id()},
                                             {"title!", arg::text(40, 1)},
                                             {"place", arg::short_id()},
                                             {"place_name", arg::text(30)},
                                             {"from!", arg::instant()},
                                             {"to!", arg::instant()},
                                             {"need", arg::integer(0, 500)},
                                             {"is_callout", arg::flag()},
                                             {"has_travel", arg::flag()},
                                             {"note", arg::text(200)}}),
                        .permit = may_create,
                        .run = create_shift,
                        .effects = Json::array({put}),
                        .path = "/shifts"});
  add(registry,
      Mutator{.name = "shift.cancel",
              .summary = "Calls a shift off.",
              .args = arg::object({{"id!", arg::short_id()}, {"reason!", arg::text(100, 1)}}),
              .permit = may_change_shift,
              .run = cancel,
              .path = "/shifts/{id}/cancel"});
  const Json said = {
      {"op", "patch"},
      {"tbl", "shift_answer"},
      {"key", "{shift}:{person}"},
      {"row",
       {{"shift", "{shift}"}, {"person", "{person}"}, {"answer", "{answer}"}, {"at", "{now}"}}}};
  add(registry, Mutator{.name = "shift.answer",
                        .summary = "来 / 不来; closes when enough come (VOL-14).",
                        .args = arg::object({{"shift!", arg::short_id()},
                                             {"person!", arg::id()},
                                             {"answer!", arg::one_of({"yes", "no"})}}),
                        .permit = may_answer,
                        .run = answer,
                        .effects = Json::array({said}),
                        .path = "/shifts/{shift}/answer"});
  add(registry,
      Query{.name = "shift.list",
            .summary = "Shifts of a team, newest first.",
            .params = arg::object(
                {{"team!", arg::short_id()}, {"after", arg::cursor()}, {"limit", arg::limit()}}),
            .permit = may_create,
            .run = list_shifts,
            .path = "/teams/{team}/shifts"});
}

}  // namespace linli::community::teams
