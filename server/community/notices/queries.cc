// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"
#include "server/community/people/endpoints.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

constexpr std::size_t kScanPage = 500;

const Permit kStaff = allow({Role::editor, Role::approver, Role::window, Role::grid, Role::lead,
                             Role::supervisor, Role::district});

Json summary_of(const std::string& id, const Json& admin) {
  Json out = {{"id", id}};
  copy_members(admin, out,
               {"state", "created_at", "send_at", "sent_at", "corrected_at", "withdrawn_at",
                "persons", "rev", "author", "approved_by"});
  copy_members(admin.at("content"), out, {"category", "title", "severity", "drill"});
  return out;
}

Result<Json> list_notices(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 50, 200);
  const std::string state = json_text(params, "state");
  const std::string category = json_text(params, "category");
  const auto hits = state.empty()
                        ? ctx.scan("notice_admin.newest", "", parse_cursor(params), limit)
                        : ctx.scan("notice_admin.state", exact(state), parse_cursor(params), limit);
  Json out = {{"notices", Json::array()}};
  for (const sync::IndexHit& hit : hits) {
    const Row admin = ctx.get("notice_admin", hit.key);
    if (category.empty() || json_text(admin->at("content"), "category") == category)
      out["notices"].push_back(summary_of(hit.key, *admin));
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

bool may_read_audience(ReadContext& ctx, const Json& admin) {
  if (is_author(ctx, admin, actor_id(ctx))) return true;
  return std::ranges::all_of(texts(admin.at("audience"), "areas"), [&](const std::string& area) {
    return has_any(ctx, {Role::editor, Role::approver, Role::supervisor}, area);
  });
}

Result<Json> get_notice(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", id));
  Json out = *admin;
  out["id"] = id;
  out.erase("to");
  // Whom a notice is meant for can tell what somebody is (NTC-2).
  if (!may_read_audience(ctx, *admin)) out.erase("audience");
  if (const Row job = ctx.get("notice_job", id); job != nullptr)
    out["sending"] = {{"phase", job->at("phase")}, {"n", job->at("n")}, {"m", job->at("m")}};
  return out;
}

}  // namespace

bool is_public(ReadContext& ctx, const Json& admin) {
  const auto to = texts(admin.at("audience"), "areas");
  const Row area = to.size() == 1 ? ctx.get("area", to.front()) : nullptr;
  return area != nullptr && json_text(*area, "grid").empty() &&
         is_direct(ctx, admin.at("audience")) && !json_bool(admin.at("content"), "drill");
}

bool is_open(ReadContext& ctx, std::string_view id) {
  const Row admin = ctx.get("notice_admin", id);
  return admin != nullptr && is_live(*admin) && ctx.get("notice", id) != nullptr &&
         is_public(ctx, *admin);
}

bool is_staff(ReadContext& ctx, std::string_view /*id*/) {
  return kStaff(ctx, Json::object()).has_value();
}

namespace {

/// What anybody may read without enrolment (F9): out now, for everybody in the community.
Result<Json> public_list(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 50, 100);
  Json out = {{"notices", Json::array()}};
  for (const char* state : {"corrected", "sent"}) {
    std::size_t taken = 0;
    for (const sync::IndexHit& hit :
         ctx.scan("notice_admin.state", exact(state), std::nullopt, kScanPage)) {
      if (taken == limit) break;
      const Row row = ctx.get("notice", hit.key);
      if (row == nullptr || !is_open(ctx, hit.key)) continue;
      Json item = *row;
      item["id"] = hit.key;
      out["notices"].push_back(std::move(item));
      ++taken;
    }
  }
  std::sort(out["notices"].begin(), out["notices"].end(), [](const Json& a, const Json& b) {
    return json_int(a, "sent_at") > json_int(b, "sent_at");
  });
  return out;
}

/// What was said to places; apart from the states of persons, which it does not change.
Json zones_of(ReadContext& ctx, const std::string& id) {
  constexpr std::size_t kShownMax = 400;  // two media for each of areas::kZonesMax
  Json out = Json::array();
  for (const auto& [key, row] : ctx.table("zone_reach", id + ":", kShownMax)) {
    if (!key.starts_with(id + ":")) break;
    const std::size_t at = key.find(':', id.size() + 1);
    const std::string area = key.substr(id.size() + 1, at - id.size() - 1);
    const Row node = ctx.get("area", area);
    Json item = {{"area", area}, {"name", node ? node->at("name") : Json("")}};
    item["medium"] = key.substr(at + 1);
    copy_members(*row, item, {"state", "times", "at"});
    out.push_back(std::move(item));
  }
  return out;
}

Result<Json> reach(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", id));
  Json total = {{"audience", 0}};
  for (const char* state : kReachStates) total[state] = 0;
  Json units = Json::array();
  for (const auto& [key, row] : ctx.table("reach_count", id + ":", kUnitsMax)) {
    if (!key.starts_with(id + ":")) break;
    Json unit = *row;
    const Row area = ctx.get("area", json_text(unit, "unit"));
    unit["name"] = area ? area->at("name") : Json("");
    for (const auto& [member, value] : total.items())
      value = value.get<std::int64_t>() + json_int(unit, member);
    units.push_back(std::move(unit));
  }
  Json out = {{"id", id}, {"state", admin->at("state")}, {"total", total}, {"units", units}};
  Json zones = zones_of(ctx, id);
  if (!zones.empty()) out["zones"] = std::move(zones);
  if (const Row job = ctx.get("notice_job", id); job != nullptr)
    out["sending"] = {{"phase", job->at("phase")}, {"n", job->at("n")}, {"m", job->at("m")}};
  return out;
}

struct Unreached {
  std::string door;
  Json item;
};

void collect_unreached(ReadContext& ctx, const std::string& notice, std::int64_t ask,
                       const Json& page, std::vector<Unreached>& out) {
  const int year = year_of(ctx.now());
  for (const auto& [person, way] : page.at("members").items()) {
    const std::string state = reach_state(ctx, notice, ask, person, way.get<std::string>());
    if (is_answered(state) || state == "excluded") continue;
    const Row row = ctx.get("person", person);
    if (row == nullptr || json_text(*row, "state") != "active") continue;
    Json item = {{"person", person}, {"state", state}};
    copy_members(*row, item,
                 {"name", "door", "floor", "area", "unit", "living_alone", "mobility", "phone",
                  "landline", "neighbour", "keyholder", "birth_year"});
    // What the last try came to, where every one failed: "expired" is what waited for too long.
    const bool is_untold = state == "failed" || state == "app";
    const Row tried = is_untold ? ctx.get("reach", notice + ":" + person) : nullptr;
    if (tried != nullptr && ask_of(*tried) == ask) copy_members(*tried, item, {"why"});
    const std::int64_t born = json_int(*row, "birth_year");
    item["first"] = (born > 0 && year - born >= kElderAge) || json_bool(*row, "living_alone") ||
                    json_text(*row, "mobility") == "wheelchair" ||
                    json_text(*row, "mobility") == "bed";
    out.push_back({json_text(*row, "door") + "|" + person, std::move(item)});
  }
}

/// By door, so that one walk through the stairwell meets them in order.
Result<Json> unreached(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  const std::string unit = json_text(params, "unit");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", id));
  std::vector<Unreached> all;
  std::string last = id + ":";
  for (bool more = true; more;) {
    const auto pages = ctx.table("audience", last, 20);
    more = pages.size() == 20;
    for (const auto& [key, page] : pages) {
      last = key;
      if (!key.starts_with(id + ":")) more = false;
      if (!key.starts_with(id + ":") || page->at("snap") != admin->at("snap")) continue;
      if (unit.empty() || json_text(*page, "unit") == unit)
        collect_unreached(ctx, id, ask_of(*admin), *page, all);
    }
  }
  std::ranges::sort(all, {}, &Unreached::door);
  const std::size_t limit = page_limit(params, 200, 500);
  Json out = {{"persons", Json::array()}, {"count", all.size()}};
  const std::string after = json_text(params, "after");
  for (const Unreached& one : all) {
    if (one.door <= after) continue;
    if (out["persons"].size() == limit) break;
    out["persons"].push_back(one.item);
    out["next"] = one.door;
  }
  if (out["persons"].empty() || out["next"] == all.back().door) out.erase("next");
  return out;
}

std::string community_scope(ReadContext& ctx) {
  const auto nodes = keys_of(ctx, "area.kind", "community", 1);
  return nodes.empty() ? std::string{} : nodes.front();
}

/// Names and doors: the grid its own, window and approver everywhere; the editor sees counts.
Result<void> may_see_unreached(ReadContext& ctx, const Json& params) {
  const std::string unit = json_text(params, "unit");
  return require_any(ctx, {Role::grid, Role::window, Role::approver},
                     unit.empty() ? community_scope(ctx) : unit);
}

struct AudienceCount {
  std::map<std::string, std::int64_t> by_unit;
  std::map<std::string, std::int64_t> by_way = {{"app", 0}, {"no_app", 0}, {"no_channel", 0}};
  /// Persons that have an address of a medium; the gateway's estimate multiplies by it.
  std::map<std::string, std::int64_t> by_medium;
  std::set<std::string> households;
  std::int64_t persons = 0;
  std::int64_t no_phone = 0;
};

void count_source(ReadContext& ctx, const Source& source, const Json& audience,
                  AudienceCount& count) {
  const int year = year_of(ctx.now());
  std::optional<sync::IndexHit> after;
  for (;;) {
    const auto hits = ctx.scan(source.index, source.value, after, kScanPage);
    for (const sync::IndexHit& hit : hits) {
      const Row person = ctx.get("person", hit.key);
      if (!passes_filters(hit.key, *person, audience, year)) continue;
      ++count.persons;
      ++count.by_unit[source.unit];
      ++count.by_way[way_of(*person)];
      count.no_phone += json_bool(*person, "no_phone") ? 1 : 0;
      std::set<std::string> media;
      for (const Json& endpoint : people::endpoints_of(ctx, hit.key, *person))
        media.insert(json_text(endpoint, "medium"));
      for (const std::string& medium : media) ++count.by_medium[medium];
      count.households.insert(json_text(*person, "household"));
    }
    if (hits.size() < kScanPage) return;
    after = hits.back();
  }
}

Result<Json> audience_count(ReadContext& ctx, const Json& params) {
  const Json& audience = params.at("audience");
  LINLI_CHECK(check_audience(ctx, audience));
  AudienceCount count;
  for (const Source& source : sources_of(ctx, audience)) count_source(ctx, source, audience, count);
  if (!texts(audience, "sensitive_tags").empty())
    return Json{{"persons", shown_count(audience, count.persons)}, {"suppressed", true}};
  Json units = Json::array();
  for (const auto& [unit, persons] : count.by_unit) {
    const Row area = ctx.get("area", unit);
    units.push_back(
        {{"unit", unit}, {"name", area ? area->at("name") : Json("")}, {"persons", persons}});
  }
  return Json{{"persons", count.persons},           {"households", count.households.size()},
              {"no_phone", count.no_phone},         {"app", count.by_way["app"]},
              {"no_app", count.by_way["no_app"]},   {"no_channel", count.by_way["no_channel"]},
              {"direct", is_direct(ctx, audience)}, {"units", units},
              {"by_medium", count.by_medium}};
}

}  // namespace

void declare_queries(sync::Registry& registry) {
  const Json page = arg::object({{"id!", arg::short_id()},
                                 {"unit", arg::id()},
                                 {"after", arg::cursor()},
                                 {"limit", arg::limit()}});
  const Json only_id = arg::object({{"id!", arg::short_id()}});
  add(registry, Query{.name = "notice.list",
                      .summary = "Notices of the office, newest first.",
                      .params = arg::object({{"state", arg::text(12)},
                                             {"category", arg::text(12)},
                                             {"after", arg::cursor()},
                                             {"limit", arg::limit()}}),
                      .permit = kStaff,
                      .run = list_notices,
                      .path = "/notices"});
  add(registry, Query{.name = "notice.get",
                      .summary = "One notice with audience, approval and history.",
                      .params = only_id,
                      .permit = kStaff,
                      .run = get_notice,
                      .path = "/notices/{id}"});
  add(registry, Query{.name = "notice.public",
                      .summary = "What the public page shows: out now, for the whole community.",
                      .params = arg::object({{"limit", arg::limit()}}),
                      .permit = anyone,
                      .run = public_list});
  add(registry,
      Query{.name = "notice.reach",
            .summary = "Persons by state, in all and per grid; the states add up. `zones`: what "
                       "loudspeakers and group robots said, which reaches places.",
            .params = only_id,
            .permit = kStaff,
            .run = reach,
            .path = "/notices/{id}/reach"});
  add(registry,
      Query{.name = "notice.unreached",
            .summary = "Who has not answered, by door; `first` marks whom to visit first.",
            .params = page,
            .permit = may_see_unreached,
            .run = unreached,
            .path = "/notices/{id}/unreached"});
  add(registry, Query{.name = "notice.audience_count",
                      .summary = "How many people an audience means, before anything is sent.",
                      .params = arg::object({{"audience!", audience_schema()}}),
                      .permit = may_draft,
                      .run = audience_count,
                      .method = "POST",
                      .path = "/notices/audience-count"});
}

}  // namespace linli::community::notices
