// SPDX-License-Identifier: Apache-2.0
// What the gateway tells about persons (decision B6). Its attempts stay in its own store.
#include "server/community/notices/notice.h"

namespace linli::community::notices {
namespace {

/// Persons of one fact: each may touch a row and share a count (M12).
constexpr std::size_t kRecordsMax = 100;

/// A person's state by channels only grows, whatever the order of receipts.
int rank_of(const std::string& state) {
  if (state == "failed") return 1;
  if (state == "handed") return 2;
  if (state == "delivered") return 3;
  return state == "read" ? 4 : 0;
}

void record_one(MutatorContext& ctx, const std::string& notice, const Json& admin,
                const Json& record) {
  const std::string person = json_text(record, "person");
  const std::string key = notice + ":" + person;
  const std::int64_t ask = ask_of(admin);
  const Row old = ctx.get("reach", key);
  const bool is_newer = old == nullptr || ask_of(*old) < ask ||
                        rank_of(json_text(record, "state")) > rank_of(json_text(*old, "state"));
  const auto member = find_member(ctx, notice, admin, person);
  if (!is_newer || !member) return;
  const std::string from = reach_state(ctx, notice, ask, person, member->way);
  Json row = {{"ask", ask}};
  copy_members(record, row, {"state", "medium", "at", "why"});
  ctx.put("reach", key, std::move(row));
  const std::string to = reach_state(ctx, notice, ask, person, member->way);
  if (member->is_counted) count_reach(ctx, notice, member->unit, from, to);
}

MutatorResult record(MutatorContext& ctx, const Json& args) {
  const std::string notice = json_text(args, "notice");
  const Row admin = ctx.get("notice_admin", notice);
  // About a question that was replaced by a more pressing one: it says nothing any more.
  if (admin == nullptr || json_int(args, "ask") != ask_of(*admin)) return Json{{"recorded", 0}};
  for (const Json& one : args.at("records")) record_one(ctx, notice, *admin, one);
  return Json{{"recorded", args.at("records").size()}};
}

/// What a loudspeaker or a group chat of an area did with a notice. It says nothing of any person.
MutatorResult record_zone(MutatorContext& ctx, const Json& args) {
  const std::string notice = json_text(args, "notice");
  if (ctx.get("notice_admin", notice) == nullptr) return Json{{"recorded", 0}};
  const std::string key = notice + ":" + json_text(args, "area") + ":" + json_text(args, "medium");
  const Row old = ctx.get("zone_reach", key);
  const std::string state = json_text(args, "state");
  const bool is_newer = old == nullptr || rank_of(state) > rank_of(json_text(*old, "state"));
  Json row = old ? *old : Json{{"times", 0}};
  if (state == "handed") row["times"] = json_int(row, "times") + 1;
  if (is_newer) copy_members(args, row, {"state", "at"});
  ctx.put("zone_reach", key, std::move(row));
  return Json{{"recorded", 1}};
}

}  // namespace

void declare_facts(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "reach";
  registry.add(std::move(table));
  sync::TableDef zones{};
  zones.name = "zone_reach";
  registry.add(std::move(zones));
  add(registry,
      Mutator{
          .name = "reach.zone",
          .summary = "What the loudspeakers and group robots of an area did with a notice.",
          .args = arg::object({{"notice!", arg::short_id()},
                               {"area!", arg::id()},
                               {"medium!", arg::text(20, 1)},
                               {"state!", arg::one_of({"handed", "delivered", "read", "failed"})},
                               {"at!", arg::instant()}}),
          .permit = system_only,
          .run = record_zone,
          .lane = sync::UpLane::bulk,
          .internal = true});
  const Json one = arg::object({{"person!", arg::id()},
                                {"state!", arg::one_of({"handed", "delivered", "read", "failed"})},
                                {"medium!", arg::text(20, 1)},
                                {"at!", arg::instant()},
                                {"why", arg::one_of({"expired", "gave_up", "refused"})}});
  add(registry, Mutator{.name = "reach.record",
                        .summary = "What the gateway's channels say about persons.",
                        .args = arg::object({{"notice!", arg::short_id()},
                                             {"ask!", arg::integer(0, 1000)},
                                             {"records!", arg::list(one, kRecordsMax, 1)}}),
                        .permit = system_only,
                        .run = record,
                        .lane = sync::UpLane::bulk,
                        .internal = true});
}

}  // namespace linli::community::notices
