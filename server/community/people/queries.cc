// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "server/community/membership.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::people {
namespace {

/// A logged search may be read this long.
constexpr std::chrono::minutes kAccess{10};
constexpr std::size_t kCountPage = 500;

/// Searching across the community leaves a trace first: the search itself is a GET without effect,
/// and what it looks for is exactly what the log says.
MutatorResult request_search(MutatorContext& ctx, const Json& args) {
  const std::string id = ctx.new_id();
  Json row = {{"by", actor_id(ctx)}, {"at", now_ms(ctx)}};
  copy_members(args, row, {"q", "reason"});
  ctx.put("access_log", id, std::move(row));
  return Json{{"access", id}};
}

Result<void> may_request_read(ReadContext& ctx, const Json& args) {
  const Row row = ctx.get("person", json_text(args, "person"));
  return require_any_over(ctx, {Role::grid, Role::window}, row ? json_text(*row, "area") : "");
}

/// As a search does, before one record is read.
MutatorResult request_read(MutatorContext& ctx, const Json& args) {
  LINLI_CHECK(need(ctx, "person", json_text(args, "person")));
  const std::string id = ctx.new_id();
  Json row = {{"by", actor_id(ctx)}, {"at", now_ms(ctx)}};
  copy_members(args, row, {"person", "reason"});
  ctx.put("access_log", id, std::move(row));
  return Json{{"access", id}};
}

/// An entry of the caller's own that is not too old.
Result<Row> live_access(ReadContext& ctx, const std::string& access) {
  LINLI_TRY(Row log, need(ctx, "access_log", access));
  if (json_text(*log, "by") != actor_id(ctx))
    return fail(Errc::forbidden, "somebody else asked for it");
  if (from_unix_ms(json_int(*log, "at")) + kAccess < ctx.now())
    return fail(Errc::expired, "ask for it again");
  return log;
}

Json summary_of(const std::string& key, const Json& row) {
  Json out = {{"id", key}};
  copy_members(row, out,
               {"name", "household", "door", "birth_year", "tags", "no_phone", "living_alone",
                "mobility", "phone", "landline", "state", "unit", "app"});
  return out;
}

Result<std::string> wanted_name(ReadContext& ctx, const Json& params) {
  const std::string access = json_text(params, "access");
  if (access.empty()) return json_text(params, "q");
  LINLI_TRY(const Row log, live_access(ctx, access));
  return json_text(*log, "q");
}

Result<Json> search(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const std::string name, wanted_name(ctx, params));
  if (name.empty()) return fail(Errc::invalid_argument, "a name or its beginning is needed");
  const std::size_t limit = page_limit(params, 50, 100);
  const bool everywhere = params.contains("access");
  const auto hits = ctx.scan("person.name", name, parse_cursor(params), limit);
  Json out = {{"persons", Json::array()}};
  for (const sync::IndexHit& hit : hits) {
    const Row row = ctx.get("person", hit.key);
    if (!everywhere && !has_any_over(ctx, {Role::grid}, json_text(*row, "area"))) continue;
    out["persons"].push_back(summary_of(hit.key, *row));
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

/// Grid workers search their own grid; the window searches everywhere with a logged reason.
Result<void> may_search(ReadContext& ctx, const Json& params) {
  if (params.contains("access")) return require_any(ctx, {Role::window}, "");
  return require_any(ctx, {Role::grid}, "");
}

Result<Json> get_person(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row row, need(ctx, "person", id));
  LINLI_CHECK(check_access(ctx, params, id));
  Json out = summary_of(id, *row);
  copy_members(*row, out, {"sex", "languages", "neighbour", "keyholder", "sensitive_tags"});
  return out;
}

Result<void> may_get(ReadContext& ctx, const Json& params) {
  const Row row = ctx.get("person", json_text(params, "id"));
  if (row == nullptr) return require_any(ctx, {Role::grid, Role::window}, "");
  const std::string own = actor_person(ctx);
  if (!own.empty() && own == json_text(params, "id")) return {};
  return require_any_over(ctx, {Role::grid, Role::window}, json_text(*row, "area"));
}

struct Counts {
  std::int64_t persons = 0;
  std::int64_t aged_65 = 0;
  std::int64_t living_alone = 0;
  std::int64_t no_phone = 0;
  std::int64_t wheelchair = 0;
  std::int64_t with_app = 0;
};

void count_one(const Json& row, int year, Counts& counts) {
  ++counts.persons;
  const std::int64_t born = json_int(row, "birth_year");
  counts.aged_65 += born > 0 && year - born >= 65 ? 1 : 0;
  counts.living_alone += json_bool(row, "living_alone") ? 1 : 0;
  counts.no_phone += json_bool(row, "no_phone") ? 1 : 0;
  counts.wheelchair += json_text(row, "mobility") == "wheelchair" ? 1 : 0;
  counts.with_app += json_int(row, "app") > 0 ? 1 : 0;
}

Result<Json> counts(ReadContext& ctx, const Json& params) {
  const std::string area = json_text(params, "area");
  const int year = year_of(ctx.now());
  Counts total;
  std::string last;
  for (;;) {
    const auto page = ctx.table("person", last, kCountPage);
    for (const auto& [key, row] : page) {
      last = key;
      if (json_text(*row, "state") != "active") continue;
      if (!area.empty() && !has_text(*row, "path", area)) continue;
      count_one(*row, year, total);
    }
    if (page.size() < kCountPage) break;
  }
  return Json{{"persons", total.persons},           {"aged_65", total.aged_65},
              {"living_alone", total.living_alone}, {"no_phone", total.no_phone},
              {"wheelchair", total.wheelchair},     {"with_app", total.with_app}};
}

Result<Json> access_log(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 100, 500);
  const auto hits = ctx.scan("access_log.newest", "", parse_cursor(params), limit);
  Json out = {{"entries", Json::array()}};
  for (const sync::IndexHit& hit : hits) {
    Json item = *ctx.get("access_log", hit.key);
    item["id"] = hit.key;
    if (const Row whom = ctx.get("person", json_text(item, "person")); whom != nullptr)
      item["name"] = whom->at("name");
    out["entries"].push_back(std::move(item));
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

}  // namespace

Result<void> check_access(ReadContext& ctx, const Json& params, const std::string& person) {
  if (is_system(ctx) || speaks_for(ctx, actor_id(ctx), person, "acknowledge")) return {};
  const std::string access = json_text(params, "access");
  if (access.empty())
    return fail(Errc::forbidden, "POST person-reads first, and give its `access`");
  LINLI_TRY(const Row log, live_access(ctx, access));
  if (json_text(*log, "person") == person) return {};
  const std::string searched = json_text(*log, "q");
  LINLI_TRY(const Row row, need(ctx, "person", person));
  if (!searched.empty() && json_text(*row, "name").starts_with(searched)) return {};
  return fail(Errc::forbidden, "that was asked for somebody else");
}

void declare_queries(sync::Registry& registry) {
  add(registry,
      Mutator{.name = "people.request_search",
              .summary = "Logs who looks for whom and why; its id opens the search.",
              .args = arg::object({{"q!", arg::text(20, 1)}, {"reason!", arg::text(60, 2)}}),
              .permit = allow({Role::window}),
              .run = request_search,
              .online_only = true,
              .path = "/person-searches"});
  add(registry,
      Mutator{.name = "people.request_read",
              .summary = "Logs who reads whose record; its id opens the record and its addresses "
                         "for ten minutes.",
              .args = arg::object({{"person!", arg::id()}, {"reason", arg::text(60)}}),
              .permit = may_request_read,
              .run = request_read,
              .online_only = true,
              .path = "/person-reads"});
  add(registry, Query{.name = "people.search",
                      .summary = "Persons whose name begins with `q`, or with a logged search.",
                      .params = arg::object({{"q", arg::text(20)},
                                             {"access", arg::id()},
                                             {"after", arg::cursor()},
                                             {"limit", arg::limit()}}),
                      .permit = may_search,
                      .run = search,
                      .path = "/persons"});
  add(registry, Query{.name = "people.get",
                      .summary = "One person's record, for the person; for the grid and the window "
                                 "with the `access` of a person-read or search.",
                      .params = arg::object({{"id!", arg::id()}, {"access", arg::id()}}),
                      .permit = may_get,
                      .run = get_person,
                      .path = "/persons/{id}"});
  add(registry, Query{.name = "people.counts",
                      .summary = "How many people live in an area, and how many need care.",
                      .params = arg::object({{"area", arg::id()}}),
                      .permit = allow({Role::grid, Role::window, Role::editor, Role::approver,
                                       Role::supervisor, Role::district}),
                      .run = counts,
                      .path = "/person-counts"});
  add(registry, Query{.name = "people.access_log",
                      .summary = "Who looked for whom or read whose record, newest first.",
                      .params = arg::object({{"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = allow({Role::supervisor}),
                      .run = access_log,
                      .path = "/access-log"});
}

}  // namespace linli::community::people
