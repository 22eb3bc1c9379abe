// SPDX-License-Identifier: Apache-2.0
#include "server/community/desk/module.h"

#include <algorithm>

#include "server/community/areas/module.h"
#include "server/community/roles.h"
#include "server/community/rows.h"

namespace linli::community::desk {
namespace {

/// Who comes back from leave still sees that something had been wrong.
constexpr std::chrono::hours kShownAfter{30 * 24};
constexpr std::string_view kDue = "desk.alarm";

std::vector<std::string> community_staff(std::string_view, const Json& row) {
  const std::string community = json_text(row, "community");
  if (community.empty()) return {};
  return {areas::staff_bucket(community)};
}

std::string key_of(const Json& args) {
  const std::string subject = json_text(args, "subject");
  return json_text(args, "kind") + (subject.empty() ? "" : ":" + subject);
}

bool is_open(const Json& row) { return !row.contains("cleared_at"); }

MutatorResult raise(MutatorContext& ctx, const Json& args) {
  const std::string key = key_of(args);
  const Row found = ctx.get("desk_alarm", key);
  Json row = {{"since", now_ms(ctx)}, {"count", 0}, {"community", ""}};
  if (found != nullptr && is_open(*found)) row = *found;
  const auto nodes = keys_of(ctx, "area.kind", "community", 1);
  if (!nodes.empty()) row["community"] = nodes.front();
  row["count"] = json_int(row, "count") + 1;
  copy_members(args, row, {"kind", "subject", "text"});
  const std::int64_t until = std::max(json_int(args, "until"), json_int(row, "until"));
  if (until > 0) {
    row["until"] = until;
    ctx.schedule(from_unix_ms(until), kDue, key);
  } else {
    ctx.cancel(kDue, key);
  }
  ctx.put("desk_alarm", key, std::move(row));
  return Json{{"alarm", key}};
}

void close(MutatorContext& ctx, const std::string& key, Json row) {
  row["cleared_at"] = now_ms(ctx);
  ctx.put("desk_alarm", key, std::move(row));
  ctx.schedule(ctx.now() + kShownAfter, kDue, key);
}

MutatorResult clear(MutatorContext& ctx, const Json& args) {
  const std::string key = key_of(args);
  LINLI_TRY(const Row found, need(ctx, "desk_alarm", key));
  if (is_open(*found)) close(ctx, key, *found);
  return Json{{"alarm", key}};
}

/// The time of an open alarm has come, or that of a cleared one to leave.
void on_due(MutatorContext& ctx, std::string_view key, bool /*missed*/) {
  const Row found = ctx.get("desk_alarm", key);
  if (found == nullptr) return;
  if (is_open(*found)) return close(ctx, std::string(key), *found);
  ctx.del("desk_alarm", key);
}

Result<Json> list(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 100, 500);
  const auto page = ctx.table("desk_alarm", json_text(params, "after"), limit);
  Json out = {{"alarms", Json::array()}};
  for (const auto& [key, row] : page) {
    Json item = {{"key", key}};
    copy_members(*row, item, {"kind", "subject", "text", "since", "until", "cleared_at", "count"});
    out["alarms"].push_back(std::move(item));
  }
  if (page.size() == limit) out["next"] = page.back().first;
  return out;
}

}  // namespace

void declare(sync::Registry& registry) {
  sync::TableDef alarm{};
  alarm.name = "desk_alarm";
  alarm.buckets = community_staff;
  registry.add(std::move(alarm));

  constexpr std::chrono::hours kAlways{24 * 365 * 10};
  registry.add(sync::DueDef{std::string(kDue), kAlways, on_due});
  add(registry, Mutator{.name = "desk.raise_alarm",
                        .summary = "Tells the desk that something is wrong; again while it is.",
                        .args = arg::object({{"kind!", arg::short_id()},
                                             {"subject", arg::short_id()},
                                             {"text!", arg::text(120, 1)},
                                             {"until", arg::instant()}}),
                        .permit = system_only,
                        .run = raise,
                        .internal = true});
  add(registry,
      Mutator{.name = "desk.clear_alarm",
              .summary = "Tells the desk that it is over.",
              .args = arg::object({{"kind!", arg::short_id()}, {"subject", arg::short_id()}}),
              .permit = system_only,
              .run = clear,
              .internal = true});
  add(registry, Query{.name = "desk.alarms",
                      .summary = "What is wrong with the system now, and what was lately.",
                      .params = arg::object({{"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = allow({Role::window, Role::editor, Role::approver, Role::supervisor,
                                       Role::admin}),
                      .run = list,
                      .path = "/desk-alarms"});
}

}  // namespace linli::community::desk
