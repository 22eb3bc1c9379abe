// SPDX-License-Identifier: Apache-2.0
#include "server/community/areas/module.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "server/community/roles.h"
#include "server/community/rows.h"

namespace linli::community::areas {
namespace {

constexpr std::array<std::string_view, 7> kKinds = {
    "city_district", "street", "community", "grid", "courtyard", "building", "entrance"};
/// Nodes of one answer; a community has a few hundred.
constexpr std::size_t kTreeMax = 1000;

/// A resident holds the rows of the own branch, staff those of their unit.
std::vector<std::string> buckets(std::string_view key, const Json& row) {
  std::vector<std::string> out = {bucket(key, sync::Lane::normal)};
  if (const std::string grid = json_text(row, "grid"); !grid.empty())
    out.push_back(staff_bucket(grid));
  if (const std::string community = json_text(row, "community"); !community.empty())
    out.push_back(staff_bucket(community));
  return out;
}

void ensure_buckets(MutatorContext& ctx, const std::string& id, int rank) {
  ctx.ensure_bucket({bucket(id, sync::Lane::urgent), sync::Lane::urgent, 0});
  ctx.ensure_bucket({bucket(id, sync::Lane::normal), sync::Lane::normal, 3});
  if (rank == kCommunityRank || rank == kGridRank)
    for (std::string& name : std::vector{staff_bucket(id), care_bucket(id)})
      ctx.ensure_bucket({std::move(name), sync::Lane::normal, 4, sync::BucketClass::sensitive});
}

Result<void> check_name_free(MutatorContext& ctx, const std::string& parent,
                             const std::string& name) {
  const std::string value = parent + ":" + name;
  if (!ctx.scan("area.child", exact(value), std::nullopt, 1).empty())
    return fail(Errc::conflict, "an area of that name exists there");
  return {};
}

MutatorResult create(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const std::string id, fresh_key(ctx, args, "area"));
  const std::string kind = json_text(args, "kind");
  const std::string parent = json_text(args, "parent");
  const int rank = rank_of(kind);
  Json row = {{"kind", kind}, {"parent", parent}, {"name", args.at("name")}, {"state", "active"}};
  copy_members(args, row, {"geocode", "shelter"});
  row["path"] = Json::array();
  row["unit"] = row["grid"] = row["community"] = "";
  if (!parent.empty()) {
    LINLI_TRY(const Row above, need(ctx, "area", parent));
    if (json_text(*above, "state") != "active") return fail(Errc::wrong_state, "parent is closed");
    if (rank_of(json_text(*above, "kind")) >= rank)
      return fail(Errc::invalid_argument, "kind does not go below that parent");
    place(*above, row);
  }
  LINLI_CHECK(check_name_free(ctx, parent, json_text(args, "name")));
  if (rank == kGridRank && keys_of(ctx, "area.kind", "grid", kGridsMax).size() >= kGridsMax)
    return fail(Errc::too_large, "a community has at most " + std::to_string(kGridsMax) + " grids");
  row["path"].push_back(id);
  if (rank == kCommunityRank) row["community"] = row["unit"] = id;
  if (rank == kGridRank) row["grid"] = row["unit"] = id;
  ensure_buckets(ctx, id, rank);
  ctx.put("area", id, std::move(row));
  return Json{{"id", id}};
}

bool is_on_earth(const Json& point) {
  constexpr double kLatitudeMax = 90;
  constexpr double kLongitudeMax = 180;
  return std::abs(point[0].get<double>()) <= kLatitudeMax &&
         std::abs(point[1].get<double>()) <= kLongitudeMax;
}

MutatorResult rename(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "area", id));
  Json row = *found;
  if (row.at("name") == args.at("name")) return Json{{"id", id}};
  LINLI_CHECK(check_name_free(ctx, json_text(row, "parent"), json_text(args, "name")));
  row["name"] = args.at("name");
  ctx.put("area", id, std::move(row));
  return Json{{"id", id}};
}

MutatorResult close(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "area", id));
  for (const sync::IndexHit& child : ctx.scan("area.child", id + ":", std::nullopt, kTreeMax))
    if (json_text(*ctx.get("area", child.key), "state") == "active")
      return fail(Errc::wrong_state, "areas below it are still open");
  if (!ctx.scan("household.area", exact(id), std::nullopt, 1).empty())
    return fail(Errc::wrong_state, "households still belong to it");
  Json row = *found;
  row["state"] = "closed";
  ctx.put("area", id, std::move(row));
  return Json{{"id", id}};
}

MutatorResult set_zones(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "area", id));
  Json row = *found;
  row["zones"] = args.at("zones");
  if (row.at("zones").empty()) row.erase("zones");
  ctx.put("area", id, std::move(row));
  return Json{{"id", id}};
}

/// Latitude and longitude as the weather service draws: WGS-84, not the shifted GCJ-02 of Chinese
/// maps (notify.md §5 trap 27).
MutatorResult set_outline(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "area", id));
  Json row = *found;
  for (const Json& point : args.at("polygon"))
    if (!is_on_earth(point))
      return fail(Errc::invalid_argument, "polygon: [latitude, longitude], WGS-84");
  row["polygon"] = args.at("polygon");
  if (row.at("polygon").empty()) row.erase("polygon");
  ctx.put("area", id, std::move(row));
  return Json{{"id", id}};
}

Result<Json> tree(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, kTreeMax, kTreeMax);
  const std::string root = json_text(params, "root");
  Json out = {{"areas", Json::array()}};
  std::string last;
  const auto rows = ctx.table("area", json_text(params, "after"), limit);
  for (const auto& [key, row] : rows) {
    last = key;
    if (!root.empty() && !has_text(*row, "path", root)) continue;
    Json item = {{"id", key}};
    copy_members(*row, item, {"kind", "parent", "name", "geocode", "path", "unit", "state"});
    out["areas"].push_back(std::move(item));
  }
  if (rows.size() == limit) out["next"] = last;
  return out;
}

Json kind_schema() {
  return arg::one_of(
      {"city_district", "street", "community", "grid", "courtyard", "building", "entrance"});
}

}  // namespace

int rank_of(std::string_view kind) noexcept {
  const auto found = std::ranges::find(kKinds, kind);
  return found == kKinds.end() ? -1 : static_cast<int>(found - kKinds.begin());
}

void ensure_staff_buckets(MutatorContext& ctx, const std::string& node) {
  ensure_buckets(ctx, node, rank_of(json_text(*ctx.get("area", node), "kind")));
}

Json zones_within(ReadContext& ctx, const std::vector<std::string>& areas) {
  Json out = Json::array();
  for (const auto& [key, row] : ctx.table("area", "", kTreeMax)) {
    if (!row->contains("zones") || json_text(*row, "state") != "active") continue;
    const bool is_inside = std::ranges::any_of(
        areas, [&](const std::string& area) { return has_text(*row, "path", area); });
    if (!is_inside) continue;
    for (const Json& zone : row->at("zones")) {
      if (out.size() == kZonesMax) return out;
      out.push_back({{"area", key}});
      copy_members(zone, out.back(), {"medium", "address"});
    }
  }
  return out;
}

void place(const Json& area, Json& row) {
  copy_members(area, row, {"path", "unit", "grid", "community"});
}

void declare(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "area";
  table.indexes = {{"child",
                    [](std::string_view, const Json& row) -> std::vector<std::string> {
                      return {exact(json_text(row, "parent") + ":" + json_text(row, "name"))};
                    }},
                   {"kind", [](std::string_view, const Json& row) -> std::vector<std::string> {
                      return {exact(json_text(row, "kind"))};
                    }}};
  table.buckets = buckets;
  registry.add(std::move(table));

  add(registry, Mutator{.name = "area.create",
                        .summary = "Adds a node to the area tree.",
                        .args = arg::object({{"id", arg::id()},
                                             {"kind!", kind_schema()},
                                             {"parent", arg::id()},
                                             {"name!", arg::text(30, 1)},
                                             {"geocode", arg::text(12)},
                                             {"shelter", arg::text(60)}}),
                        .permit = allow({Role::admin}),
                        .run = create,
                        .path = "/areas"});
  add(registry, Mutator{.name = "area.rename",
                        .summary = "Gives a node another name.",
                        .args = arg::object({{"id!", arg::id()}, {"name!", arg::text(30, 1)}}),
                        .permit = allow({Role::admin}),
                        .run = rename,
                        .path = "/areas/{id}/rename"});
  add(registry, Mutator{.name = "area.close",
                        .summary = "Closes a node without open nodes or households.",
                        .args = arg::object({{"id!", arg::id()}}),
                        .permit = allow({Role::admin}),
                        .run = close,
                        .path = "/areas/{id}/close"});
  const Json zone = arg::object(
      {{"medium!", arg::one_of({"loudspeaker", "robot"})}, {"address!", arg::text(64, 1)}});
  constexpr std::size_t kZonesOfOne = 8;
  add(registry,
      Mutator{.name = "area.set_zones",
              .summary = "Which loudspeakers and group robots belong to a node.",
              .args = arg::object({{"id!", arg::id()}, {"zones!", arg::list(zone, kZonesOfOne)}}),
              .permit = allow({Role::admin}),
              .run = set_zones,
              .path = "/areas/{id}/zones"});
  const Json point = {
      {"type", "array"}, {"minItems", 2}, {"maxItems", 2}, {"items", {{"type", "number"}}}};
  /// A courtyard has a dozen corners.
  constexpr std::size_t kCornersMax = 500;
  add(registry, Mutator{.name = "area.set_outline",
                        .summary = "Where a node lies: corners or one point, WGS-84.",
                        .args = arg::object(
                            {{"id!", arg::id()}, {"polygon!", arg::list(point, kCornersMax)}}),
                        .permit = allow({Role::admin}),
                        .run = set_outline,
                        .path = "/areas/{id}/outline"});
  add(registry, Query{.name = "area.tree",
                      .summary = "The area tree, ordered by id.",
                      .params = arg::object(
                          {{"root", arg::id()}, {"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = anyone,
                      .run = tree,
                      .path = "/areas"});
}

}  // namespace linli::community::areas
