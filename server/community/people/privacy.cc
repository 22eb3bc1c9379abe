// SPDX-License-Identifier: Apache-2.0
// 隐私中心 (ENR-12): what is held about somebody, who looked, and taking a consent back. Asking for
// erasure is a task of the office: server/community/tasks/erasure.cc.
#include <algorithm>

#include "server/community/membership.h"
#include "server/community/people/endpoints.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::people {
namespace {

/// Devices of one person, revoked ones too; proxies of a family; teams of one person.
constexpr std::size_t kMineMax = 50;
/// Records of service that are counted.
constexpr std::size_t kHoursCounted = 5000;
/// Searches that one page looks at; the next page goes on behind them.
constexpr std::size_t kSearchesScan = 500;

/// The person asked about: the caller's own unless `person` says somebody they speak for.
Result<std::string> subject_of(ReadContext& ctx, const Json& params) {
  const Row account = ctx.get("account", actor_id(ctx));
  const auto mine = account ? persons_of(ctx, *account) : std::vector<std::string>();
  const std::string wanted = json_text(params, "person");
  if (mine.empty()) return fail(Errc::not_found, "the account belongs to no person");
  if (wanted.empty()) return mine.front();
  if (std::ranges::count(mine, wanted) == 0)
    return fail(Errc::forbidden, "the account does not speak for that person");
  return wanted;
}

/// A number or address with its middle hidden: enough to recognise one's own.
std::string masked_address(const std::string& text) {
  constexpr std::size_t kHead = 3;
  constexpr std::size_t kTail = 2;
  if (text.starts_with("https://")) return text.substr(0, text.find('/', 8)) + "/…";
  if (text.size() < kHead + kTail + 2) return "***";
  return text.substr(0, kHead) + "***" + text.substr(text.size() - kTail);
}

Json record_of(const Json& row, bool is_own) {
  Json out = Json::object();
  copy_members(row, out,
               {"name", "birth_year", "sex", "languages", "tags", "living_alone", "mobility",
                "no_phone", "neighbour", "keyholder", "state", "door", "floor", "quiet"});
  if (is_own) copy_members(row, out, {"sensitive_tags"});
  for (const char* member : {"phone", "landline"})
    if (const std::string number = json_text(row, member); !number.empty())
      out[member] = masked_address(number);
  return out;
}

Json home_of(ReadContext& ctx, const std::string& household) {
  const Row home = ctx.get("household", household);
  Json out = {{"id", household}, {"persons", 0}};
  if (home != nullptr) copy_members(*home, out, {"door", "floor", "state"});
  out["persons"] = keys_of(ctx, "person.household", household, kHouseholdMax).size();
  return out;
}

Json devices_of_person(ReadContext& ctx, const std::string& person) {
  Json out = Json::array();
  for (const std::string& account : keys_of(ctx, "account.person", person, kMineMax))
    for (const std::string& cid : keys_of(ctx, "device.account", account, kMineMax)) {
      out.push_back({{"cid", cid}});
      copy_members(*ctx.get("device", cid), out.back(),
                   {"label", "state", "enrolled_at", "revoked_at"});
    }
  return out;
}

Json proxies_of_person(ReadContext& ctx, const std::string& person) {
  Json out = Json::array();
  for (const char* index : {"proxy.proxy", "proxy.dependant"})
    for (const std::string& key : keys_of(ctx, index, person, kMineMax)) {
      out.push_back({{"id", key}});
      copy_members(*ctx.get("proxy", key), out.back(),
                   {"proxy", "dependant", "rights", "kind", "state", "until", "confirmed_at"});
    }
  return out;
}

Json teams_of_person(ReadContext& ctx, const std::string& person) {
  Json out = Json::array();
  for (const std::string& key : keys_of(ctx, "team_member.person", person, kMineMax)) {
    out.push_back(Json::object());
    copy_members(*ctx.get("team_member", key), out.back(), {"team", "role", "state"});
  }
  return out;
}

Json addresses_of(ReadContext& ctx, const std::string& person) {
  Json out = Json::array();
  for (const auto& [key, row] : ctx.table("endpoint", person + ":", kEndpointsMax)) {
    if (!key.starts_with(person + ":")) break;
    out.push_back({{"id", key}, {"address", masked_address(json_text(*row, "address"))}});
    copy_members(*row, out.back(), {"medium", "state", "at"});
  }
  return out;
}

Result<Json> my_data(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const std::string person, subject_of(ctx, params));
  LINLI_TRY(const Row row, need(ctx, "person", person));
  Json out = {{"person", person},
              {"record", record_of(*row, actor_person(ctx) == person)},
              {"household", home_of(ctx, json_text(*row, "household"))},
              {"endpoints", addresses_of(ctx, person)},
              {"devices", devices_of_person(ctx, person)},
              {"proxies", proxies_of_person(ctx, person)},
              {"teams", teams_of_person(ctx, person)},
              {"service_records", keys_of(ctx, "hours.person", person, kHoursCounted).size()}};
  if (const Row erasure = ctx.get("erasure", person); erasure != nullptr) {
    out["erasure"] = Json::object();
    copy_members(*erasure, out["erasure"],
                 {"state", "asked_at", "due_at", "outcome", "note", "answered_at"});
  }
  return out;
}

Result<Json> my_consents(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const std::string person, subject_of(ctx, params));
  const std::size_t limit = page_limit(params, 50, 200);
  const auto hits = ctx.scan("consent.person", exact(person), parse_cursor(params), limit);
  Json out = {{"consents", Json::array()}};
  for (const sync::IndexHit& hit : hits) {
    out["consents"].push_back({{"id", hit.key}});
    copy_members(*ctx.get("consent", hit.key), out["consents"].back(),
                 {"purpose", "version", "how", "at", "state", "withdrawn_at", "proxy", "team"});
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

/// Found by the notices that were for the person.
Result<Json> my_answers(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const std::string person, subject_of(ctx, params));
  const std::size_t limit = page_limit(params, 50, 200);
  const auto hits = ctx.scan("audience.person", person + ":", parse_cursor(params), limit);
  Json out = {{"answers", Json::array()}};
  std::string last;
  for (const sync::IndexHit& hit : hits) {
    const std::string notice = hit.value.substr(person.size() + 1);
    const Row ack = notice == last ? nullptr : ctx.get("ack", notice + ":" + person);
    last = notice;
    if (ack == nullptr) continue;
    out["answers"].push_back({{"notice", notice}});
    copy_members(*ack, out["answers"].back(), {"choice", "state", "via", "at", "captured_at"});
  }
  if (hits.size() == limit) out["next"] = cursor_text(hits.back());
  return out;
}

/// What the one who looked is here; never who it was.
std::string role_of(ReadContext& ctx, const std::string& account) {
  if (ctx.get("api_key", account) != nullptr) return "api_key";
  const Row row = ctx.get("account", account);
  for (const char* wanted : {"window", "grid", "supervisor", "admin"})
    if (row != nullptr)
      for (const Json& held : row->at("roles"))
        if (json_text(held, "role") == wanted) return wanted;
  return "staff";
}

/// Readings of the person's record, and logged searches that showed the person: their beginning of
/// a name is the person's.
bool is_about(const Json& entry, const std::string& person, const std::string& name) {
  if (entry.contains("q")) return name.starts_with(json_text(entry, "q"));
  return json_text(entry, "person") == person;
}

Result<Json> my_access(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const std::string person, subject_of(ctx, params));
  LINLI_TRY(const Row row, need(ctx, "person", person));
  const std::string name = json_text(*row, "name");
  const std::size_t limit = page_limit(params, 50, 200);
  const auto hits = ctx.scan("access_log.newest", "", parse_cursor(params), kSearchesScan);
  Json out = {{"entries", Json::array()}};
  for (const sync::IndexHit& hit : hits) {
    const Row entry = ctx.get("access_log", hit.key);
    if (!is_about(*entry, person, name)) continue;
    out["entries"].push_back({{"role", role_of(ctx, json_text(*entry, "by"))}});
    copy_members(*entry, out["entries"].back(), {"at", "reason"});
    if (out["entries"].size() < limit) continue;
    out["next"] = cursor_text(hit);
    return out;
  }
  if (hits.size() == kSearchesScan) out["next"] = cursor_text(hits.back());
  return out;
}

Result<void> may_withdraw_consent(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "consent", json_text(args, "id")));
  const std::string person = json_text(*row, "person");
  if (!is_system(ctx) && speaks_for(ctx, actor_id(ctx), person, "acknowledge")) return {};
  const Row who = ctx.get("person", person);
  return require_any_over(ctx, {Role::grid, Role::window}, who ? json_text(*who, "area") : "");
}

/// What rested on the consent ends with it; what happened before stays lawful and stays recorded.
MutatorResult withdraw_consent(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "consent", id));
  if (json_text(*found, "state") != "given") return Json{{"id", id}, {"state", found->at("state")}};
  Json row = *found;
  row["state"] = "withdrawn";
  row["withdrawn_at"] = now_ms(ctx);
  row["withdrawn_by"] = actor_id(ctx);
  const std::string proxy = json_text(row, "proxy");
  const std::string member = json_text(row, "team") + ":" + json_text(row, "person");
  ctx.put("consent", id, std::move(row));
  if (!proxy.empty() && ctx.get("proxy", proxy) != nullptr) LINLI_CHECK(close_proxy(ctx, proxy));
  if (const Row minor = ctx.get("team_minor", member); minor != nullptr) {
    Json without = *minor;
    without.erase("consent");
    ctx.put("team_minor", member, std::move(without));
  }
  return Json{{"id", id}, {"state", "withdrawn"}};
}

}  // namespace

void declare_privacy(sync::Registry& registry) {
  const Json page =
      arg::object({{"person", arg::id()}, {"after", arg::cursor()}, {"limit", arg::limit()}});
  add(registry, Query{.name = "people.my_data",
                      .summary = "What is held about the caller or somebody they speak for.",
                      .params = arg::object({{"person", arg::id()}}),
                      .permit = anyone,
                      .run = my_data,
                      .path = "/me/data"});
  add(registry, Query{.name = "people.my_consents",
                      .summary = "Consents of the caller or somebody they speak for.",
                      .params = page,
                      .permit = anyone,
                      .run = my_consents,
                      .path = "/me/consents"});
  add(registry, Query{.name = "people.my_answers",
                      .summary = "Answers to notices that are held.",
                      .params = page,
                      .permit = anyone,
                      .run = my_answers,
                      .path = "/me/answers"});
  add(registry, Query{.name = "people.my_access",
                      .summary = "When somebody of which role read the person's record or searched "
                                 "and found it, and the reason given; newest first.",
                      .params = page,
                      .permit = anyone,
                      .run = my_access,
                      .path = "/me/access"});
  add(registry, Mutator{.name = "consent.withdraw",
                        .summary = "Takes a consent back; a proxy that rested on it ends.",
                        .args = arg::object({{"id!", arg::id()}}),
                        .permit = may_withdraw_consent,
                        .run = withdraw_consent,
                        .path = "/consents/{id}/withdraw"});
}

}  // namespace linli::community::people
