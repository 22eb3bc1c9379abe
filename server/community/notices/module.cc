// SPDX-License-Identifier: Apache-2.0
#include "server/community/notices/module.h"

#include <algorithm>

#include "server/community/areas/module.h"
#include "server/community/blobs/module.h"
#include "server/community/membership.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

std::vector<std::string> community_staff(std::string_view, const Json& row) {
  const std::string community = json_text(row, "community");
  if (community.empty()) return {};
  return {areas::staff_bucket(community)};
}

std::vector<std::string> reach_staff(std::string_view key, const Json& row) {
  std::vector<std::string> out = community_staff(key, row);
  const std::string unit = json_text(row, "unit");
  if (!unit.empty() && unit != json_text(row, "community"))
    out.push_back(areas::staff_bucket(unit));
  return out;
}

std::vector<std::string> ack_buckets(std::string_view /*key*/, const Json& row) {
  if (json_bool(row, "filed")) return {};
  std::vector<std::string> out;
  if (json_text(row, "choice") == "help")
    for (const char* member : {"unit", "community"})
      if (const std::string node = json_text(row, member); !node.empty())
        out.push_back(areas::care_bucket(node));
  out.push_back(person_bucket(json_text(row, "person")));
  return out;
}

std::vector<std::string> members_and_notice(std::string_view, const Json& row) {
  std::vector<std::string> out;
  for (const auto& [person, way] : row.at("members").items())
    out.push_back(person + ":" + json_text(row, "notice"));
  return out;
}

/// Those that give their members a bucket of their own.
std::vector<std::string> members_granted(std::string_view key, const Json& row) {
  if (json_bool(row, "direct")) return {};
  return members_and_notice(key, row);
}

std::vector<std::string> by_state(std::string_view, const Json& row) {
  return {exact(json_text(row, "state")) + newest_first(json_int(row, "created_at"))};
}

std::vector<std::string> newest(std::string_view, const Json& row) {
  return {newest_first(json_int(row, "created_at"))};
}

void add_table(sync::Registry& registry, const char* name,
               std::function<std::vector<std::string>(std::string_view, const Json&)> buckets,
               std::vector<sync::IndexDef> indexes = {}, std::vector<std::string> place_only = {}) {
  sync::TableDef table{};
  table.name = name;
  table.place_only = std::move(place_only);
  table.buckets = std::move(buckets);
  table.indexes = std::move(indexes);
  registry.add(std::move(table));
}

}  // namespace

void declare(sync::Registry& registry) {
  sync::TableDef notice{};
  notice.name = "notice";
  notice.buckets = [](std::string_view, const Json& row) { return texts(row, "to"); };
  // Where else a notice lies would tell its audience.
  notice.place_only = {"to"};
  notice.blobs = blobs::shas_of;
  notice.opens_blobs = is_open;
  registry.add(std::move(notice));
  sync::TableDef admin{};
  admin.name = "notice_admin";
  admin.indexes = {{"state", by_state}, {"newest", newest}};
  admin.blobs = [](std::string_view key, const Json& row) {
    return blobs::shas_of(key, row.at("content"));
  };
  admin.opens_blobs = is_staff;
  registry.add(std::move(admin));
  add_table(registry, "notice_desk", community_staff);
  add_table(registry, "notice_job", nullptr);
  add_table(registry, "audience", nullptr,
            {{"person", members_and_notice}, {"granted", members_granted}});
  add_table(registry, "notice_person", nullptr);
  add_table(registry, "aud", nullptr,
            {{"members", [](std::string_view, const Json& row) -> std::vector<std::string> {
                return {exact(json_text(row, "members"))};
              }}});
  add_table(registry, "ack", ack_buckets);
  add_table(registry, "seen", nullptr);
  add_table(registry, "reach_count", reach_staff);
  declare_drafts(registry);
  declare_sending(registry);
  declare_acks(registry);
  declare_queries(registry);
  declare_answers(registry);
  declare_reach_times(registry);
  declare_versions(registry);
  declare_mutes(registry);
  declare_recipients(registry);
  declare_links(registry);
  declare_calendar(registry);
  declare_facts(registry);
  declare_gateway_commands(registry);
  declare_warnings(registry);
}

int severity_rank(std::string_view severity) noexcept {
  constexpr std::array<std::string_view, 5> kOrder = {"none", "blue", "yellow", "orange", "red"};
  const auto found = std::ranges::find(kOrder, severity);
  return found == kOrder.end() ? 0 : static_cast<int>(found - kOrder.begin());
}

bool is_urgent(const Json& content) {
  const int rank = severity_rank(json_text(content, "severity"));
  const std::string category = json_text(content, "category");
  return category == "urgent" || rank >= 3 || (category == "weather" && rank > 0);
}

Result<void> check_content(const Json& content) {
  const std::string line = json_text(content, "action_line");
  if (is_urgent(content) && line.empty())
    return fail(Errc::invalid_argument, "action_line: a warning says what to do");
  if (utf8_length(line) > kActionLineMax)
    return fail(Errc::invalid_argument, "action_line: at most 40 characters");
  const std::int64_t to = json_int(content, "valid_to");
  if (to != 0 && to <= json_int(content, "valid_from"))
    return fail(Errc::invalid_argument, "valid_to: lies before valid_from");
  return {};
}

bool is_over(const Json& content, std::int64_t at_ms) {
  const std::int64_t to = json_int(content, "valid_to");
  return to != 0 && to <= at_ms;
}

bool is_author(ReadContext& ctx, const Json& admin, const std::string& account) {
  return is_same_person(ctx, account, json_text(admin, "author")) ||
         std::ranges::any_of(texts(admin, "authors"), [&](const std::string& author) {
           return is_same_person(ctx, account, author);
         });
}

void note(MutatorContext& ctx, Json& admin, const char* what, const std::string& why) {
  Json& history = admin["history"];
  if (!history.is_array()) history = Json::array();
  Json entry = {{"at", now_ms(ctx)}, {"by", actor_id(ctx)}, {"what", what}};
  if (!why.empty()) entry["why"] = why;
  history.push_back(std::move(entry));
  if (history.size() > kHistoryMax) history.erase(history.begin());
}

std::string approval_hash(const Json& admin) {
  Json covered = Json::object();
  copy_members(admin, covered, {"content", "audience", "send_at", "cost_cap"});
  return fingerprint(covered);
}

std::optional<std::int64_t> quoted_cost(const Json& admin) {
  const auto quote = admin.find("quote");
  if (quote == admin.end() || quote->at("fingerprint") != admin.at("fingerprint"))
    return std::nullopt;
  return json_int(*quote, "cost");
}

namespace {

/// The desk's line: what a list shows; texts and audience are asked for when one is opened.
void project_desk(MutatorContext& ctx, const std::string& id) {
  const Row admin = ctx.get("notice_admin", id);
  if (admin == nullptr) return;
  const Json& content = admin->at("content");
  Json row = {{"urgent", is_urgent(content)}};
  copy_members(content, row, {"category", "title", "severity", "drill", "incident", "valid_to"});
  copy_members(*admin, row,
               {"state", "community", "author", "approved_by", "created_at", "submitted_at",
                "send_at", "sent_at", "corrected_at", "withdrawn_at", "persons", "rev", "demo"});
  if (const Row job = ctx.get("notice_job", id); job != nullptr) {
    row["sending"] = Json::object();
    copy_members(*job, row["sending"], {"phase", "n", "m"});
  }
  ctx.put("notice_desk", id, std::move(row));
}

}  // namespace

void put_admin(MutatorContext& ctx, const std::string& id, Json admin) {
  ctx.put("notice_admin", id, std::move(admin));
  project_desk(ctx, id);
}

void put_job(MutatorContext& ctx, const std::string& id, Json job) {
  ctx.put("notice_job", id, std::move(job));
  project_desk(ctx, id);
}

void end_job(MutatorContext& ctx, const std::string& id) {
  ctx.del("notice_job", id);
  project_desk(ctx, id);
}

void put_public(MutatorContext& ctx, const std::string& id, const Json& admin) {
  const std::string state = json_text(admin, "state");
  if (state == "expired") {
    Json old = *ctx.get("notice", id);
    old["to"] = admin.at("to");
    old["state"] = state;
    old["alert"] = false;
    ctx.put("notice", id, std::move(old));
    return;
  }
  Json row = admin.at("content");
  copy_members(admin, row, {"to", "state", "sent_at", "corrected_at", "rev", "ask"});
  row["corrected"] = admin.contains("corrected_at");
  row["urgent"] = is_urgent(row);
  row["alert"] = json_bool(admin, "alert");
  if (!is_live(admin)) {
    // Nothing but the fact that it is over may stay readable, and it never sounds (RAIN-4).
    for (const char* member : {"body", "action_line", "voice", "images"}) row.erase(member);
    row["alert"] = false;
  }
  ctx.put("notice", id, std::move(row));
}

namespace {

/// Where a warning for everybody holds, as others may be told.
Json public_areas(ReadContext& ctx, const Json& audience) {
  Json out = Json::array();
  for (const std::string& id : outer_areas(ctx, audience)) {
    const Row area = ctx.get("area", id);
    out.push_back({{"name", area->at("name")}});
    copy_members(*area, out.back(), {"geocode", "polygon"});
  }
  return out;
}

}  // namespace

Json gateway_row(ReadContext& ctx, const std::string& id, const Json& admin) {
  const Json& content = admin.at("content");
  Json row = {{"notice", id},
              {"rev", admin.at("rev")},
              {"ask", ask_of(admin)},
              {"urgent", is_urgent(content)}};
  copy_members(content, row,
               {"category", "severity", "incident", "drill", "valid_to", "title", "action_line",
                "body", "issuer", "needs_ack"});
  copy_members(admin, row, {"cost_cap"});
  if (is_urgent(content) && is_public(ctx, admin))
    row["public_areas"] = public_areas(ctx, admin.at("audience"));
  // A loudspeaker tells everybody there, so only what is for everybody there may be said.
  if (!has_filters(admin.at("audience"))) {
    const Json zones = areas::zones_within(ctx, outer_areas(ctx, admin.at("audience")));
    if (!zones.empty()) row["zones"] = zones;
  }
  const Row area = ctx.get("area", json_text(admin, "community"));
  if (area != nullptr) row["community"] = area->at("name");
  return row;
}

std::optional<Member> find_member(ReadContext& ctx, const std::string& notice, const Json& admin,
                                  const std::string& person) {
  for (const sync::IndexHit& hit :
       ctx.scan("audience.person", person + ":" + notice, std::nullopt, 4)) {
    if (hit.value != person + ":" + notice) continue;
    const Row page = ctx.get("audience", hit.key);
    if (page->at("snap") == admin.at("snap"))
      return Member{json_text(*page, "unit"), json_text(page->at("members"), person),
                    ask_of(*page) == ask_of(admin)};
  }
  return std::nullopt;
}

std::string reach_state(ReadContext& ctx, const std::string& notice, std::int64_t ask,
                        const std::string& person, const std::string& way) {
  const std::string key = notice + ":" + person;
  const Row ack = ctx.get("ack", key);
  if (ack != nullptr && (ask_of(*ack) == ask || json_text(*ack, "choice") == "help"))
    return json_text(*ack, "state");
  if (way == "excluded") return way;
  const Row seen = ctx.get("seen", key);
  if (seen != nullptr && ask_of(*seen) == ask) return "seen";
  const Row reach = ctx.get("reach", key);
  if (reach == nullptr || ask_of(*reach) != ask) return way;
  const std::string state = json_text(*reach, "state");
  if (state == "read") return "seen";
  // A phone that has the app gets it all the same when a message failed.
  return state == "failed" && way == "app" ? way : state;
}

bool is_answered(std::string_view state) noexcept {
  return state == "ok" || state == "help" || state == "away" || state == "in_person";
}

void count_reach(MutatorContext& ctx, const std::string& notice, const std::string& unit,
                 const std::string& from, const std::string& to) {
  const std::string key = notice + ":" + unit;
  const Row found = ctx.get("reach_count", key);
  if (from == to || found == nullptr) return;
  Json row = *found;
  row[from] = json_int(row, from) - 1;
  row[to] = json_int(row, to) + 1;
  ctx.put("reach_count", key, std::move(row));
}

void drop_counts(MutatorContext& ctx, const std::string& id) {
  for (const auto& [key, row] : ctx.table("reach_count", id + ":", kUnitsMax)) {
    if (!key.starts_with(id + ":")) break;
    ctx.del("reach_count", key);
  }
}

void count_members(MutatorContext& ctx, const std::string& notice, const std::string& unit,
                   const std::map<std::string, std::int64_t>& by_state) {
  const std::string key = notice + ":" + unit;
  const Row found = ctx.get("reach_count", key);
  Json row;
  if (found != nullptr) {
    row = *found;
  } else {
    const Row area = ctx.get("area", unit);
    row = {{"notice", notice}, {"unit", unit}, {"audience", 0}};
    row["community"] = area ? area->at("community") : Json("");
    for (const char* state : kReachStates) row[state] = 0;
  }
  for (const auto& [state, persons] : by_state) {
    row[state] = json_int(row, state) + persons;
    row["audience"] = json_int(row, "audience") + persons;
  }
  ctx.put("reach_count", key, std::move(row));
}

}  // namespace linli::community::notices
