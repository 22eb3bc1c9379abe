// SPDX-License-Identifier: Apache-2.0
#include "server/community/people/module.h"

#include "server/community/areas/module.h"
#include "server/community/people/endpoints.h"
#include "server/community/people/people.h"

namespace linli::community::people {
namespace {

std::vector<std::string> staff_of_grid(std::string_view, const Json& row) {
  const std::string grid = json_text(row, "grid");
  if (grid.empty()) return {};
  return {areas::staff_bucket(grid)};
}

std::function<std::vector<std::string>(std::string_view, const Json&)> by(const char* member) {
  return [member](std::string_view, const Json& row) -> std::vector<std::string> {
    const std::string value = json_text(row, member);
    if (value.empty()) return {};
    return {exact(value)};
  };
}

/// As by(), without what has ended.
std::function<std::vector<std::string>(std::string_view, const Json&)> open_by(const char* member) {
  return [all = by(member)](std::string_view key, const Json& row) -> std::vector<std::string> {
    if (json_text(row, "state") == "ended") return {};
    return all(key, row);
  };
}

/// Every node below the person's unit, so that a building's people are one scan.
std::vector<std::string> nodes_below_unit(std::string_view, const Json& row) {
  std::vector<std::string> out;
  if (json_text(row, "state") != "active") return out;
  bool below = false;
  for (const std::string& node : texts(row, "path")) {
    if (below) out.push_back(exact(node));
    below = below || node == json_text(row, "unit");
  }
  return out;
}

std::vector<std::string> live_unit(std::string_view, const Json& row) {
  if (json_text(row, "state") != "active") return {};
  return {exact(json_text(row, "unit"))};
}

}  // namespace

void declare_tables(sync::Registry& registry) {
  sync::TableDef household{};
  household.name = "household";
  household.indexes = {{"door", by("door")}, {"area", by("area")}};
  household.references = {{"area", "area"}};
  registry.add(std::move(household));

  sync::TableDef person{};
  person.name = "person";
  person.indexes = {{"household", by("household")},
                    {"name", by("name")},
                    {"unit", live_unit},
                    {"path", nodes_below_unit}};
  person.references = {{"household", "household"}, {"area", "area"}};
  registry.add(std::move(person));

  for (const char* name : {"person_card", "household_card"}) {
    sync::TableDef card{};
    card.name = name;
    card.buckets = staff_of_grid;
    registry.add(std::move(card));
  }

  sync::TableDef proxy{};
  proxy.name = "proxy";
  proxy.indexes = {{"proxy", by("proxy")},
                   {"dependant", by("dependant")},
                   {"open_proxy", open_by("proxy")},
                   {"open_dependant", open_by("dependant")}};
  proxy.references = {{"proxy", "person"}, {"dependant", "person"}};
  registry.add(std::move(proxy));

  sync::TableDef consent{};
  consent.name = "consent";
  consent.indexes = {{"person", by("person")}};
  registry.add(std::move(consent));

  sync::TableDef batch{};
  batch.name = "import_batch";
  registry.add(std::move(batch));

  sync::TableDef log{};
  log.name = "access_log";
  log.indexes = {{"newest", [](std::string_view, const Json& row) -> std::vector<std::string> {
                    return {newest_first(json_int(row, "at"))};
                  }}};
  registry.add(std::move(log));
  declare_undo(registry);
}

void declare(sync::Registry& registry) {
  declare_tables(registry);
  declare_households(registry);
  declare_persons(registry);
  declare_edits(registry);
  declare_proxies(registry);
  declare_imports(registry);
  declare_queries(registry);
  declare_privacy(registry);
  declare_endpoints(registry);
}

bool is_active_proxy(const Json& proxy, std::int64_t now_ms) {
  const std::int64_t until = json_int(proxy, "until");
  return json_text(proxy, "state") == "active" && (until == 0 || now_ms < until);
}

void project_person(MutatorContext& ctx, const std::string& key) {
  const Row row = ctx.get("person", key);
  if (row == nullptr || json_text(*row, "state") != "active" || json_text(*row, "grid").empty()) {
    ctx.del("person_card", key);
    return;
  }
  // A list of what may leave, so that a new member of the person row stays on the server.
  Json card = Json::object();
  copy_members(*row, card,
               {"name", "household", "door", "birth_year", "sex", "tags", "no_phone",
                "living_alone", "mobility", "languages", "phone", "landline", "neighbour",
                "keyholder", "area", "grid", "app", "floor"});
  ctx.put("person_card", key, std::move(card));
}

void project_household(MutatorContext& ctx, const std::string& key) {
  const Row row = ctx.get("household", key);
  if (row == nullptr || json_text(*row, "grid").empty()) {
    ctx.del("household_card", key);
    return;
  }
  Json card = Json::object();
  copy_members(*row, card, {"door", "area", "grid", "floor", "state"});
  ctx.put("household_card", key, std::move(card));
}

void save_person(MutatorContext& ctx, const std::string& key, Json row) {
  ctx.put("person", key, std::move(row));
  project_person(ctx, key);
}

void save_household(MutatorContext& ctx, const std::string& key, Json row) {
  ctx.put("household", key, std::move(row));
  project_household(ctx, key);
}

Result<void> settle_in(ReadContext& ctx, const std::string& household, Json& person) {
  LINLI_TRY(const Row home, need(ctx, "household", household));
  if (json_text(*home, "state") != "active") return fail(Errc::wrong_state, "household is closed");
  person["household"] = household;
  copy_members(*home, person, {"door", "floor", "area", "path", "unit", "grid", "community"});
  return {};
}

}  // namespace linli::community::people
