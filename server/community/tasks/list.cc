// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "server/community/roles.h"
#include "server/community/tasks/tasks.h"

namespace linli::community::tasks {
namespace {

constexpr std::size_t kListMax = 500;

/// Who sees names and doors (community.md §4): the grid its own, window, approver and supervisor
/// the community, a lead what was handed to the lead, everybody what was given to them.
class Sight {
 public:
  explicit Sight(ReadContext& ctx) : ctx_(ctx), me_(actor_id(ctx)) {}

  bool sees(const Json& task) {
    const Rights& held = over(json_text(task, "area"));
    return json_text(task, "assignee") == me_ || held.all ||
           (held.lead && json_text(task, "owner") == "lead");
  }
  /// How many there are, also for the editor, who sees no names.
  bool counts(const Json& task) {
    const Rights& held = over(json_text(task, "area"));
    return held.all || held.editor;
  }

 private:
  struct Rights {
    bool all = false;
    bool lead = false;
    bool editor = false;
  };
  const Rights& over(const std::string& area) {
    const auto [at, is_new] = rights_.try_emplace(area);
    if (is_new)
      at->second = {
          has_any_over(ctx_, {Role::grid, Role::window, Role::approver, Role::supervisor}, area),
          has_any_over(ctx_, {Role::lead}, area), has_any_over(ctx_, {Role::editor}, area)};
    return at->second;
  }

  ReadContext& ctx_;
  const std::string me_;
  std::map<std::string, Rights> rights_;
};

struct Seen {
  std::vector<Json> tasks;
  std::map<std::string, std::int64_t> by_unit;
  bool more = false;
};

Seen look(ReadContext& ctx, const std::string& prefix) {
  Seen out;
  Sight sight(ctx);
  std::optional<sync::IndexHit> after;
  for (bool more = true; more;) {
    const auto hits = ctx.scan("task.open_unit", prefix, after, kListMax);
    more = hits.size() == kListMax;
    if (more) after = hits.back();
    for (const sync::IndexHit& hit : hits) {
      const Row row = ctx.get("task", hit.key);
      if (sight.counts(*row)) ++out.by_unit[json_text(*row, "unit")];
      if (!sight.sees(*row)) continue;
      out.more = out.tasks.size() == kListMax;
      if (out.more) continue;
      out.tasks.push_back(*row);
      out.tasks.back()["id"] = hit.key;
    }
  }
  return out;
}

/// By entrance, then from the top floor down: one walk down the stairwell meets them all.
Result<Json> list_tasks(ReadContext& ctx, const Json& params) {
  const std::string unit = json_text(params, "unit");
  Seen seen = look(ctx, unit.empty() ? std::string() : exact(unit));
  std::vector<Json>& found = seen.tasks;
  Json out = {{"tasks", Json::array()}, {"counts", Json::array()}, {"more", seen.more}};
  for (const auto& [node, open] : seen.by_unit) {
    const Row area = ctx.get("area", node);
    out["counts"].push_back(
        {{"unit", node}, {"name", area ? area->at("name") : Json("")}, {"open", open}});
  }
  std::ranges::stable_sort(found, [](const Json& a, const Json& b) {
    const auto order = [](const Json& t) {
      return std::tuple(json_text(t, "unit"), json_text(t, "area"), -json_int(t, "floor"),
                        json_text(t, "door"));
    };
    return order(a) < order(b);
  });
  for (Json& item : found) out["tasks"].push_back(std::move(item));
  return out;
}

}  // namespace

void declare_list(sync::Registry& registry) {
  add(registry, Query{.name = "task.list",
                      .summary = "Open tasks by building and floor: those of the own grid or the "
                                 "community by role, else those given to the caller; `counts` per "
                                 "unit.",
                      .params = arg::object({{"unit", arg::id()}}),
                      .permit = anyone,
                      .run = list_tasks,
                      .path = "/tasks"});
}

}  // namespace linli::community::tasks
