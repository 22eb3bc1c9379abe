// SPDX-License-Identifier: Apache-2.0
#include "server/community/membership.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "server/community/areas/module.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"
#include "server/community/rows.h"

namespace linli::community {
namespace {

/// Snapshots of one person that are looked at in one go on a refresh.
constexpr std::size_t kAudiencesPage = 200;
constexpr std::size_t kDevicesMax = 20;
constexpr std::size_t kPersonTeamsMax = 20;

void add_chain(ReadContext& ctx, std::string_view area, std::set<std::string>& out) {
  const Row row = ctx.get("area", area);
  if (row == nullptr) return;
  for (const std::string& node : texts(*row, "path")) {
    out.insert(areas::bucket(node, sync::Lane::urgent));
    out.insert(areas::bucket(node, sync::Lane::normal));
  }
}

void add_audiences(ReadContext& ctx, const std::string& person, std::set<std::string>& out) {
  std::optional<sync::IndexHit> after;
  for (;;) {
    const auto hits = ctx.scan("audience.granted", person + ":", after, kAudiencesPage);
    for (const sync::IndexHit& hit : hits) {
      const Row page = ctx.get("audience", hit.key);
      const Row notice = page ? ctx.get("notice_admin", json_text(*page, "notice")) : nullptr;
      if (notice == nullptr || page->at("snap") != notice->at("snap")) continue;
      for (const std::string& bucket : texts(*notice, "to"))
        if (bucket.starts_with("aud:")) out.insert(bucket);
    }
    if (hits.size() < kAudiencesPage) return;
    after = hits.back();
  }
}

void add_teams(ReadContext& ctx, const std::string& person, std::set<std::string>& out) {
  for (const std::string& key : keys_of(ctx, "team_member.person", person, kPersonTeamsMax)) {
    const Row row = ctx.get("team_member", key);
    if (json_text(*row, "state") != "active") continue;
    out.insert("team:" + json_text(*row, "team"));
    if (json_text(*row, "role") == "lead") out.insert("lead:" + json_text(*row, "team"));
  }
}

/// Who sees people by name and door at a node that has staff (reach list of community.md §4).
void add_staff_and_care(const std::string& node, std::set<std::string>& out) {
  out.insert(areas::staff_bucket(node));
  out.insert(areas::care_bucket(node));
}

void add_grids_below(ReadContext& ctx, const std::string& scope, std::set<std::string>& out) {
  for (const std::string& grid : keys_of(ctx, "area.kind", "grid", areas::kGridsMax))
    if (has_text(*ctx.get("area", grid), "path", scope)) add_staff_and_care(grid, out);
}

/// Grid workers hold their grids' cards and doors; the office holds the community's desk, and its
/// doors except for the editor, who gets counts.
void add_role(ReadContext& ctx, const Json& held, std::set<std::string>& out) {
  const auto role = parse_role(json_text(held, "role"));
  const std::string scope = json_text(held, "scope");
  const Row area = ctx.get("area", scope);
  if (!role || area == nullptr) return;
  add_chain(ctx, scope, out);
  const std::string community = json_text(*area, "community");
  switch (*role) {
    case Role::grid:
      if (const std::string grid = json_text(*area, "grid"); !grid.empty())
        add_staff_and_care(grid, out);
      else
        add_grids_below(ctx, scope, out);
      break;
    case Role::window:
    case Role::approver:
    case Role::supervisor:
      if (!community.empty()) add_staff_and_care(community, out);
      break;
    case Role::editor:
      if (!community.empty()) out.insert(areas::staff_bucket(community));
      break;
    case Role::resident:
    case Role::proxy:
    case Role::volunteer:
    case Role::lead:
    case Role::finance:
    case Role::partner:
    case Role::custodian:
    case Role::admin:
    case Role::district: break;
  }
}

std::string community_name(ReadContext& ctx) {
  const auto nodes = keys_of(ctx, "area.kind", "community", 1);
  return nodes.empty() ? std::string{} : json_text(*ctx.get("area", nodes.front()), "name");
}

Json me_row(ReadContext& ctx, const std::string& account_key, const Json& account) {
  Json me = {{"account", account_key},
             {"person", json_text(account, "person")},
             {"name", json_text(account, "name")},
             {"community", community_name(ctx)},
             {"persons", Json::array()},
             {"roles", Json::array()}};
  for (const std::string& person : persons_of(ctx, account))
    me["persons"].push_back(
        {{"id", person}, {"name", json_text(*ctx.get("person", person), "name")}});
  if (const auto roles = account.find("roles"); roles != account.end()) me["roles"] = *roles;
  return me;
}

}  // namespace

AccountId account_of(std::string_view hex) {
  const auto parsed = Id128::parse(hex);
  LINLI_ASSERT(parsed.has_value());
  return AccountId{*parsed};
}

void ensure_person_bucket(MutatorContext& ctx, const std::string& person) {
  ctx.ensure_bucket({person_bucket(person), sync::Lane::normal, 1});
}

std::vector<std::string> persons_of(ReadContext& ctx, const Json& account) {
  std::vector<std::string> out;
  const std::string own = json_text(account, "person");
  if (own.empty()) return out;
  const auto active = [&](const std::string& person) {
    const Row row = ctx.get("person", person);
    return row != nullptr && json_text(*row, "state") == "active";
  };
  if (active(own)) out.push_back(own);
  for (const Row& row : people::active_proxies(ctx, "proxy", own))
    if (std::string dependant = json_text(*row, "dependant"); active(dependant))
      out.push_back(std::move(dependant));
  return out;
}

bool speaks_for(ReadContext& ctx, std::string_view account, std::string_view person,
                std::string_view right) {
  const Row row = ctx.get("account", account);
  if (row == nullptr || json_text(*row, "state") != "active") return false;
  const std::string own = json_text(*row, "person");
  if (own.empty()) return false;
  const Row whom = ctx.get("person", person);
  if (whom == nullptr || json_text(*whom, "state") != "active") return false;
  if (own == person) return true;
  return std::ranges::any_of(people::active_proxies(ctx, "proxy", own), [&](const Row& proxy) {
    return json_text(*proxy, "dependant") == person && has_text(*proxy, "rights", right);
  });
}

std::vector<std::string> buckets_of(ReadContext& ctx, std::string_view account_key,
                                    const Json& account) {
  if (json_text(account, "state") != "active") return {};
  std::set<std::string> out = {user_bucket(account_key)};
  for (const std::string& person : persons_of(ctx, account)) {
    out.insert(person_bucket(person));
    add_chain(ctx, json_text(*ctx.get("person", person), "area"), out);
    add_audiences(ctx, person, out);
    add_teams(ctx, person, out);
  }
  if (const auto roles = account.find("roles"); roles != account.end())
    for (const Json& held : *roles) add_role(ctx, held, out);
  return {out.begin(), out.end()};
}

Result<void> refresh_account(MutatorContext& ctx, const std::string& account) {
  LINLI_TRY(const Row row, need(ctx, "account", account));
  ctx.ensure_bucket({user_bucket(account), sync::Lane::normal, 1});
  for (const std::string& person : persons_of(ctx, *row)) ensure_person_bucket(ctx, person);
  const std::vector<std::string> buckets = buckets_of(ctx, account, *row);
  if (buckets.size() > limits::kAccountBucketsMax)
    return fail(Errc::too_large, "the account's scopes hold too many areas");
  ctx.set_membership(account_of(account), buckets);
  ctx.put("me", account, me_row(ctx, account, *row));
  return {};
}

namespace {

struct Reachable {
  std::set<std::string> accounts;
  std::int64_t devices = 0;
};

void add_accounts(ReadContext& ctx, const std::string& of, bool with_devices, Reachable& out) {
  for (const std::string& key : keys_of(ctx, "account.person", of, people::kFamilyMax)) {
    if (json_text(*ctx.get("account", key), "state") != "active") continue;
    out.accounts.insert(key);
    if (!with_devices) continue;
    for (const std::string& cid : keys_of(ctx, "device.account", key, kDevicesMax))
      out.devices += json_text(*ctx.get("device", cid), "state") != "revoked" ? 1 : 0;
  }
}

/// Writes `accounts` and `app` of a person row; returns the accounts before and after.
std::set<std::string> derive(MutatorContext& ctx, const std::string& person) {
  Json row = *ctx.get("person", person);
  Reachable now;
  if (json_text(row, "state") == "active") {
    add_accounts(ctx, person, true, now);
    for (const Row& proxy : people::active_proxies(ctx, "dependant", person))
      add_accounts(ctx, json_text(*proxy, "proxy"), json_text(*proxy, "kind") == "same_device",
                   now);
  }
  const std::vector<std::string> before = texts(row, "accounts");
  row["accounts"] = Json(std::vector<std::string>(now.accounts.begin(), now.accounts.end()));
  row["app"] = now.devices;
  people::save_person(ctx, person, std::move(row));
  now.accounts.insert(before.begin(), before.end());
  return std::move(now.accounts);
}

}  // namespace

Result<void> refresh_person(MutatorContext& ctx, const std::string& person,
                            const std::vector<std::string>& also) {
  LINLI_CHECK(need(ctx, "person", person));
  std::set<std::string> accounts = derive(ctx, person);
  // Whom this person acts for is reached over this person's accounts and, on one phone, devices.
  for (const Row& proxy : people::active_proxies(ctx, "proxy", person))
    derive(ctx, json_text(*proxy, "dependant"));
  accounts.insert(also.begin(), also.end());
  if (!ctx.scan("team_member.person", exact(person), std::nullopt, 1).empty())
    ctx.schedule(ctx.now(), kTeamKeys, person);
  for (const std::string& account : accounts)
    if (ctx.get("account", account) != nullptr) LINLI_CHECK(refresh_account(ctx, account));
  return {};
}

}  // namespace linli::community
