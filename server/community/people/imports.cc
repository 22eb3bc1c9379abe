// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::people {
namespace {

/// Persons of one imported line.
constexpr std::size_t kLinePersonsMax = 20;
/// Lines that one people.undo_import call takes back; keeps it under limits::kMutationRowsMax.
constexpr std::size_t kUndoLinesMax = 2;
constexpr std::size_t kBatchLinesMax = 20'000;

struct Line {
  std::string household;
  bool new_household = false;
  std::size_t added = 0;
  std::size_t changed = 0;
};

/// Follows names like ["3网格","6号院","2号楼","3门栋"] down from the community.
Result<std::string> resolve_area(ReadContext& ctx, const Json& args) {
  if (const std::string area = json_text(args, "area"); !area.empty()) return area;
  const auto communities = keys_of(ctx, "area.kind", "community", 1);
  if (communities.empty()) return fail(Errc::wrong_state, "there is no community node yet");
  std::string node = communities.front();
  for (const std::string& name : texts(args, "area_path")) {
    const auto below = keys_of(ctx, "area.child", node + ":" + name, 1);
    if (below.empty()) return fail(Errc::invalid_argument, "area_path: no such place below");
    node = below.front();
  }
  return node;
}

/// The same person on a re-import: same name, and the birth years do not contradict.
std::string find_person(ReadContext& ctx, const std::string& household, const Json& wanted) {
  if (household.empty()) return {};
  for (const std::string& key : keys_of(ctx, "person.household", household, kHouseholdMax)) {
    const Row row = ctx.get("person", key);
    if (row->at("name") != wanted.at("name") || json_text(*row, "state") != "active") continue;
    const std::int64_t had = json_int(*row, "birth_year");
    const std::int64_t has = json_int(wanted, "birth_year");
    if (had == 0 || has == 0 || had == has) return key;
  }
  return {};
}

/// Fills the line's household; empty when it is a new one.
Result<void> find_household(ReadContext& ctx, const Json& args, const std::string& area,
                            Line& line) {
  const auto known = keys_of(ctx, "household.door", json_text(args, "door"), 1);
  line.new_household = known.empty();
  line.household = known.empty() ? std::string() : known.front();
  LINLI_TRY(const Row place_row, need(ctx, "area", area));
  if (areas::rank_of(json_text(*place_row, "kind")) < areas::kCommunityRank)
    return fail(Errc::invalid_argument, "a household belongs inside the community");
  if (!known.empty() && ctx.get("household", line.household)->at("area") != area)
    return fail(Errc::conflict, "this door number stands elsewhere in the tree");
  std::size_t persons = args.at("persons").size();
  for (const Json& wanted : args.at("persons"))
    persons -= find_person(ctx, line.household, wanted).empty() ? 0 : 1;
  if (persons == 0 || line.household.empty()) return {};
  persons += keys_of(ctx, "person.household", line.household, kHouseholdMax).size();
  if (persons > kHouseholdMax) return fail(Errc::too_large, "the household is full");
  return {};
}

Result<void> write_household(MutatorContext& ctx, const Json& args, const std::string& area,
                             Journal& journal, Line& line) {
  LINLI_CHECK(find_household(ctx, args, area, line));
  if (line.new_household) line.household = ctx.new_id();
  LINLI_TRY(const Row place_row, need(ctx, "area", area));
  Json row = line.new_household ? Json{{"state", "active"}, {"created_at", now_ms(ctx)}}
                                : *ctx.get("household", line.household);
  copy_members(args, row, {"door", "floor"});
  row["area"] = area;
  areas::place(*place_row, row);
  journal.put("household", line.household, std::move(row));
  project_household(ctx, line.household);
  return {};
}

Result<void> write_person(MutatorContext& ctx, const Json& wanted, Journal& journal, Line& line) {
  std::string key = find_person(ctx, line.household, wanted);
  const bool is_new = key.empty();
  if (is_new) key = ctx.new_id();
  Json row = is_new ? Json{{"state", "active"}, {"created_at", now_ms(ctx)}, {"app", 0}}
                    : *ctx.get("person", key);
  const Json before = row;
  LINLI_CHECK(settle_in(ctx, line.household, row));
  take_person_fields(wanted, row);
  if (!is_new && row == before) return {};
  ++(is_new ? line.added : line.changed);
  journal.put("person", key, std::move(row));
  project_person(ctx, key);
  return {};
}

Json report_of(const Line& line) {
  return {{"household", line.household},
          {"new_household", line.new_household},
          {"added", line.added},
          {"changed", line.changed}};
}

/// What the line would do, refused where the line would be; no row is written.
MutatorResult dry_run(MutatorContext& ctx, const Json& args, const std::string& area) {
  Line line;
  LINLI_CHECK(find_household(ctx, args, area, line));
  for (const Json& wanted : args.at("persons")) {
    const std::string key = find_person(ctx, line.household, wanted);
    if (key.empty()) {
      ++line.added;
      continue;
    }
    const Row before = ctx.get("person", key);
    Json row = *before;
    LINLI_CHECK(settle_in(ctx, line.household, row));
    take_person_fields(wanted, row);
    line.changed += row == *before ? 0 : 1;
  }
  return report_of(line);
}

MutatorResult import_row(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const std::string area, resolve_area(ctx, args));
  LINLI_CHECK(need(ctx, "area", area));
  if (json_bool(args, "dry_run")) return dry_run(ctx, args, area);
  const std::string batch = json_text(args, "batch");
  const Row known = ctx.get("import_batch", batch);
  Json head =
      known ? *known
            : Json{{"at", now_ms(ctx)}, {"by", actor_id(ctx)}, {"lines", 0}, {"state", "open"}};
  if (json_text(head, "state") != "open") return fail(Errc::wrong_state, "the batch was undone");
  Journal journal(ctx, "import");
  Line line;
  LINLI_CHECK(write_household(ctx, args, area, journal, line));
  for (const Json& wanted : args.at("persons"))
    LINLI_CHECK(write_person(ctx, wanted, journal, line));
  const std::string number = std::to_string(json_int(args, "line"));
  journal.save(kImportUndo, batch + ":" + number, {{"batch", batch}});
  head["lines"] = json_int(head, "lines") + 1;
  ctx.put("import_batch", batch, std::move(head));
  return report_of(line);
}

/// Later lines first, a few per call; `more` says whether to call again.
MutatorResult undo_import(MutatorContext& ctx, const Json& args) {
  const std::string batch = json_text(args, "batch");
  LINLI_TRY(const Row found, need(ctx, "import_batch", batch));
  auto lines = keys_of(ctx, "undo.batch", batch, kBatchLinesMax);
  std::ranges::sort(lines, std::greater<>{}, [](const std::string& key) {
    return std::stoll(key.substr(key.rfind(':') + 1));
  });
  const std::size_t now = std::min(lines.size(), kUndoLinesMax);
  for (std::size_t i = 0; i < now; ++i) {
    LINLI_TRY(const std::vector<Restored> rows, restore(ctx, lines[i]));
    for (const Restored& row : rows) {
      if (row.tbl == "household") project_household(ctx, row.key);
      if (row.tbl != "person") continue;
      project_person(ctx, row.key);
      if (ctx.get("person", row.key) != nullptr) LINLI_CHECK(refresh_person(ctx, row.key));
      ctx.schedule(ctx.now(), kPersonChanged, row.key);
    }
  }
  Json head = *found;
  head["state"] = "undone";
  ctx.put("import_batch", batch, std::move(head));
  return Json{{"undone", now}, {"more", lines.size() > now}};
}

}  // namespace

void declare_imports(sync::Registry& registry) {
  Json person = person_fields_schema(true);
  person["required"] = Json::array({"name"});
  add(registry,
      Mutator{.name = "people.import_row",
              .summary = "One line of an import: a household by its door number and its people.",
              .args = arg::object({{"batch!", arg::id()},
                                   {"line!", arg::integer(1, kBatchLinesMax)},
                                   {"door!", arg::text(40, 1)},
                                   {"area", arg::id()},
                                   {"area_path", arg::list(arg::text(30, 1), 6)},
                                   {"floor", arg::integer(-5, 120)},
                                   {"persons!", arg::list(person, kLinePersonsMax)},
                                   {"dry_run", arg::flag()}}),
              .permit = allow({Role::window}),
              .run = import_row,
              .lane = sync::UpLane::bulk,
              .online_only = true,
              .path = "/imports/{batch}/lines"});
  add(registry,
      Mutator{.name = "people.undo_import",
              .summary = "Takes back an import within 24 hours; repeat while `more` is true.",
              .args = arg::object({{"batch!", arg::id()}}),
              .permit = allow({Role::window}),
              .run = undo_import,
              .lane = sync::UpLane::bulk,
              .online_only = true,
              .path = "/imports/{batch}/undo"});
}

}  // namespace linli::community::people
