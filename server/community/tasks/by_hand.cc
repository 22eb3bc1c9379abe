// SPDX-License-Identifier: Apache-2.0
// Tasks that somebody opens, besides those the gateway asks for: a knock at a door, a sheet in a
// stairwell.
#include "server/community/roles.h"
#include "server/community/tasks/tasks.h"

namespace linli::community::tasks {
namespace {

/// Open tasks of one stairwell that are looked at for one that is there already.
constexpr std::size_t kSameDoorMax = 100;

bool is_post(const Json& args) { return json_text(args, "kind") == "post"; }

/// Where the task is: the person's home, or the node where the sheet shall hang.
std::string place_of(ReadContext& ctx, const Json& args) {
  if (is_post(args)) return json_text(args, "area");
  const Row person = ctx.get("person", json_text(args, "person"));
  return person == nullptr ? std::string() : json_text(*person, "area");
}

Result<void> may_open(ReadContext& ctx, const Json& args) {
  return require_any_over(ctx, {Role::grid, Role::lead, Role::window, Role::approver},
                          place_of(ctx, args));
}

/// Null without one. Errors: not_found, wrong_state.
Result<Row> notice_of(ReadContext& ctx, const Json& args) {
  const std::string notice = json_text(args, "notice");
  if (notice.empty()) return Row();
  LINLI_TRY(Row admin, need(ctx, "notice_admin", notice));
  const std::string state = json_text(*admin, "state");
  if (state != "sent" && state != "corrected") return fail(Errc::wrong_state, "it is not out");
  return admin;
}

/// The gateway's key where there is a notice, so that its own rung finds the task.
MutatorResult open_knock(MutatorContext& ctx, const Json& args, const Row& notice) {
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row who, need(ctx, "person", person));
  if (json_text(*who, "state") != "active")
    return fail(Errc::wrong_state, "the person does not live here any more");
  const std::string key =
      notice == nullptr ? ctx.new_id() : json_text(args, "notice") + ":" + person;
  const Row old = ctx.get("task", key);
  if (old != nullptr && json_text(*old, "state") != "done")
    return Json{{"id", key}, {"known", true}};
  Json row = knock_row(ctx, *who, notice);
  copy_members(args, row, {"notice", "person", "reason"});
  row["why"] = "by_hand";
  row["by"] = actor_id(ctx);
  if (notice != nullptr) row["ask"] = json_int(*notice, "ask");
  if (old != nullptr) copy_members(*old, row, {"outcomes"});
  put_open(ctx, key, std::move(row));
  return Json{{"id", key}};
}

/// The node's names from below its unit down: 6号院2号楼3门栋.
std::string door_of(ReadContext& ctx, const Json& area) {
  std::string out;
  bool below = false;
  for (const std::string& node : texts(area, "path")) {
    if (below) out += json_text(*ctx.get("area", node), "name");
    below = below || node == json_text(area, "unit");
  }
  return out.empty() ? json_text(area, "name") : out;
}

std::string same_sheet(ReadContext& ctx, const Json& row) {
  const std::string at = exact(json_text(row, "unit")) + json_text(row, "door");
  for (const sync::IndexHit& hit : ctx.scan("task.open_unit", at, std::nullopt, kSameDoorMax)) {
    const Row other = ctx.get("task", hit.key);
    if (json_text(*other, "kind") == "post" &&
        json_text(*other, "area") == json_text(row, "area") &&
        json_text(*other, "notice") == json_text(row, "notice"))
      return hit.key;
  }
  return {};
}

MutatorResult open_post(MutatorContext& ctx, const Json& args, const Row& notice) {
  const std::string area = json_text(args, "area");
  LINLI_TRY(const Row node, need(ctx, "area", area));
  Json row = {{"kind", "post"},           {"state", "open"},
              {"owner", "grid"},          {"tries", 0},
              {"why", "by_hand"},         {"area", area},
              {"name", node->at("name")}, {"door", door_of(ctx, *node)},
              {"by", actor_id(ctx)},      {"opened_at", now_ms(ctx)},
              {"outcomes", Json::array()}};
  copy_members(*node, row, {"unit", "community"});
  copy_members(args, row, {"notice", "reason"});
  if (notice != nullptr) {
    copy_members(notice->at("content"), row, {"severity", "title"});
    row["line"] = json_text(notice->at("content"), "action_line");
  }
  if (const std::string known = same_sheet(ctx, row); !known.empty())
    return Json{{"id", known}, {"known", true}};
  const std::string key = ctx.new_id();
  put_open(ctx, key, std::move(row));
  return Json{{"id", key}};
}

MutatorResult open_by_hand(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const Row notice, notice_of(ctx, args));
  if (is_post(args)) return open_post(ctx, args, notice);
  return open_knock(ctx, args, notice);
}

}  // namespace

void declare_by_hand(sync::Registry& registry) {
  add(registry, Mutator{.name = "task.open",
                        .summary = "Opens a knock at a person's door, or a sheet to post in a "
                                   "stairwell; with a notice or without.",
                        .args = arg::object({{"kind!", arg::one_of({"knock", "post"})},
                                             {"person", arg::id()},
                                             {"area", arg::id()},
                                             {"notice", arg::short_id()},
                                             {"reason!", arg::text(200, 2)}}),
                        .permit = may_open,
                        .run = open_by_hand,
                        .path = "/tasks"});
}

}  // namespace linli::community::tasks
