// SPDX-License-Identifier: Apache-2.0
// Whom the gateway writes to, and where: the community's answer to notify/directory_port.h.
#include "server/community/notices/recipients.h"

#include "server/community/membership.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"
#include "server/community/people/endpoints.h"
#include "server/community/people/people.h"

namespace linli::community::notices {
namespace {

constexpr int kChildAge = 12;
/// A minor who is alone counts as long as it is one.
constexpr const char* kHomeZone = "Asia/Shanghai";

bool is_helpless(const Json& person, int year) {
  const std::int64_t born = json_int(person, "birth_year");
  const std::int64_t age = born > 0 ? year - born : -1;
  const bool is_alone = json_bool(person, "living_alone");
  const std::string mobility = json_text(person, "mobility");
  if (mobility == "wheelchair" || mobility == "bed") return true;
  if (has_text(person, "tags", "basement")) return true;
  return is_alone && (age >= kElderAge || (age >= 0 && age < kChildAge));
}

Json quiet_of(const Json& person) {
  const auto quiet = person.find("quiet");
  if (quiet == person.end()) return {22 * 60, 7 * 60, kHomeZone};
  const std::string zone = json_text(*quiet, "zone");
  return {json_int(*quiet, "from_min"), json_int(*quiet, "to_min"),
          zone.empty() ? std::string(kHomeZone) : zone};
}

/// Categories that any of the person's accounts muted.
Json muted_of(ReadContext& ctx, const Json& person) {
  Json out = Json::array();
  for (const std::string& account : texts(person, "accounts"))
    for (const auto& [key, row] : ctx.table("mute", account + ":", kMutesMax)) {
      if (!key.starts_with(account + ":")) break;
      out.push_back(row->at("category"));
    }
  return out;
}

/// Telephone numbers of family who act for the person.
Json helpers_of(ReadContext& ctx, const std::string& person) {
  Json out = Json::array();
  for (const Row& proxy : people::active_proxies(ctx, "dependant", person)) {
    const std::string helper = json_text(*proxy, "proxy");
    const Row row = ctx.get("person", helper);
    if (row == nullptr) continue;
    for (Json& endpoint : people::endpoints_of(ctx, helper, *row))
      if (endpoint.at("medium") == "sms" || endpoint.at("medium") == "voice")
        out.push_back(std::move(endpoint));
  }
  return out;
}

Json recipient_of(ReadContext& ctx, const std::string& notice, const Json& admin,
                  const std::string& person, const std::string& way) {
  const Row row = ctx.get("person", person);
  const std::string state = reach_state(ctx, notice, ask_of(admin), person, way);
  Json out = contact_of(ctx, person);
  if (is_helpless(*row, year_of(ctx.now()))) out["needs_knock"] = true;
  if (is_answered(state)) out["has_acked"] = true;
  if (state == "seen") out["has_seen"] = true;
  return out;
}

bool lives_here(ReadContext& ctx, const std::string& person) {
  const Row row = ctx.get("person", person);
  return row != nullptr && json_text(*row, "state") == "active";
}

Json one_person(ReadContext& ctx, const std::string& notice, const Json& admin,
                const std::string& person) {
  Json out = {{"recipients", Json::array()}, {"done", true}};
  const auto member = find_member(ctx, notice, admin, person);
  if (member && lives_here(ctx, person))
    out["recipients"].push_back(recipient_of(ctx, notice, admin, person, member->way));
  return out;
}

bool is_collecting(ReadContext& ctx, const std::string& notice) {
  const Row job = ctx.get("notice_job", notice);
  return job != nullptr && json_text(*job, "phase") == "collect";
}

Result<Json> recipients(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", id));
  if (params.contains("person")) return one_person(ctx, id, *admin, json_text(params, "person"));
  // A position of an older snapshot is no position of this one.
  const std::string first =
      id + ":" + page_key(id, json_int(*admin, "snap"), 0).substr(id.size() + 1, 4);
  std::string after = json_text(params, "after");
  if (!after.starts_with(first)) after = first;
  Json out = {{"recipients", Json::array()}, {"next", after}};
  const auto pages = ctx.table("audience", after, 1);
  if (pages.empty() || !pages.front().first.starts_with(first)) {
    out["done"] = !is_collecting(ctx, id);
    return out;
  }
  const auto& [key, page] = pages.front();
  for (const auto& [person, way] : page->at("members").items())
    if (lives_here(ctx, person))
      out["recipients"].push_back(recipient_of(ctx, id, *admin, person, way.get<std::string>()));
  out["next"] = key;
  out["done"] = false;
  return out;
}

}  // namespace

Json contact_of(ReadContext& ctx, const std::string& person) {
  const Row row = ctx.get("person", person);
  return {{"person", person},
          {"household", json_text(*row, "household")},
          {"unit", json_text(*row, "unit")},
          {"quiet", quiet_of(*row)},
          {"endpoints", people::endpoints_of(ctx, person, *row)},
          {"helpers", helpers_of(ctx, person)},
          {"muted", muted_of(ctx, *row)}};
}

void declare_recipients(sync::Registry& registry) {
  add(registry,
      Query{.name = "notice.recipients",
            .summary = "Whom the gateway writes to, page by page.",
            .params = arg::object(
                {{"id!", arg::short_id()}, {"after", arg::text(64)}, {"person", arg::id()}}),
            .permit = system_only,
            .run = recipients});
}

}  // namespace linli::community::notices
