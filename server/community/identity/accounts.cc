// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/identity/identity.h"
#include "server/community/membership.h"
#include "server/community/roles.h"

namespace linli::community::identity {
namespace {

Json role_schema() {
  return arg::one_of({"resident", "proxy", "volunteer", "lead", "grid", "window", "editor",
                      "approver", "finance", "supervisor", "partner", "custodian", "admin",
                      "district"});
}

Result<void> check_roles(ReadContext& ctx, const Json& roles) {
  if (roles.size() > kRolesMax) return fail(Errc::too_large, "too many roles");
  for (const Json& held : roles) LINLI_CHECK(need(ctx, "area", json_text(held, "scope")));
  return check_separation(roles);
}

MutatorResult create_account(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const std::string id, fresh_key(ctx, args, "account"));
  Json row = {{"state", "active"}, {"roles", Json::array()}, {"created_at", now_ms(ctx)}};
  copy_members(args, row, {"person", "name", "roles", "demo"});
  if (const std::string person = json_text(row, "person"); !person.empty()) {
    LINLI_CHECK(need(ctx, "person", person));
    if (!keys_of(ctx, "account.person", person, 1).empty())
      return fail(Errc::conflict, "the person has an account");
  }
  LINLI_CHECK(check_roles(ctx, row.at("roles")));
  ctx.put("account", id, std::move(row));
  LINLI_CHECK(refresh_owner(ctx, id));
  return Json{{"id", id}};
}

/// Administrators make accounts and staff roles; the approver grants field roles (community.md §4).
Result<void> may_grant(ReadContext& ctx, const Json& args) {
  const std::string role = json_text(args, "role");
  const std::string scope = json_text(args, "scope");
  if (!is_system(ctx) && actor_id(ctx) == json_text(args, "id"))
    return fail(Errc::same_person, "nobody changes their own roles");
  const bool field = role == "grid" || role == "lead" || role == "partner" || role == "volunteer";
  if (field && has_role(ctx, Role::approver, scope)) return {};
  return require_any(ctx, {Role::admin}, scope);
}

MutatorResult change_role(MutatorContext& ctx, const Json& args, bool grant) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "account", id));
  const Json wanted = {{"role", args.at("role")}, {"scope", args.at("scope")}};
  Json row = *found;
  Json kept = Json::array();
  for (const Json& held : row.at("roles"))
    if (held != wanted) kept.push_back(held);
  if (grant) kept.push_back(wanted);
  LINLI_CHECK(check_roles(ctx, kept));
  row["roles"] = std::move(kept);
  ctx.put("account", id, std::move(row));
  LINLI_CHECK(refresh_account(ctx, id));
  return Json{{"id", id}};
}

MutatorResult grant_role(MutatorContext& ctx, const Json& args) {
  return change_role(ctx, args, true);
}
MutatorResult revoke_role(MutatorContext& ctx, const Json& args) {
  return change_role(ctx, args, false);
}

MutatorResult set_state(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "account", id));
  Json row = *found;
  row["state"] = args.at("state");
  ctx.put("account", id, std::move(row));
  LINLI_CHECK(refresh_owner(ctx, id));
  return Json{{"id", id}};
}

Result<void> may_set_state(ReadContext& ctx, const Json& args) {
  if (!is_system(ctx) && actor_id(ctx) == json_text(args, "id"))
    return fail(Errc::same_person, "nobody suspends themselves");
  return require_any(ctx, {Role::admin}, "");
}

/// Staff accounts: who holds which role. Residents' accounts are reached through the person.
Result<Json> list_accounts(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 500, 1000);
  Json out = {{"accounts", Json::array()}};
  std::string last;
  const auto page = ctx.table("account", json_text(params, "after"), limit);
  for (const auto& [key, row] : page) {
    last = key;
    if (row->at("roles").empty()) continue;
    Json item = {{"id", key}};
    copy_members(*row, item, {"name", "roles", "state"});
    const Row credential = ctx.get("credential", key);
    item["can_elevate"] = credential != nullptr && json_text(*credential, "state") == "active";
    out["accounts"].push_back(std::move(item));
  }
  if (page.size() == limit) out["next"] = last;
  return out;
}

Result<Json> me(ReadContext& ctx, const Json& /*params*/) {
  LINLI_TRY(const Row row, need(ctx, "me", actor_id(ctx)));
  return *row;
}

}  // namespace

void declare_accounts(sync::Registry& registry) {
  const Json held = arg::object({{"role!", role_schema()}, {"scope!", arg::id()}});
  const Json change =
      arg::object({{"id!", arg::hex(32)}, {"role!", role_schema()}, {"scope!", arg::id()}});
  add(registry, Mutator{.name = "identity.create_account",
                        .summary = "Makes an account, as a rule for staff.",
                        .args = arg::object({{"id", arg::hex(32)},
                                             {"person", arg::id()},
                                             {"name!", arg::text(20, 1)},
                                             {"roles", arg::list(held, kRolesMax)},
                                             {"demo", arg::flag()}}),
                        .permit = allow({Role::admin}),
                        .run = create_account,
                        .online_only = true,
                        .needs_elevation = true,
                        .path = "/accounts"});
  add(registry, Mutator{.name = "identity.grant_role",
                        .summary = "Gives an account a role at a node of the tree.",
                        .args = change,
                        .permit = may_grant,
                        .run = grant_role,
                        .online_only = true,
                        .needs_elevation = true,
                        .path = "/accounts/{id}/roles"});
  add(registry,
      Mutator{.name = "identity.revoke_role",
              .summary = "Takes a role from an account; its phone loses the rows at once.",
              .args = change,
              .permit = may_grant,
              .run = revoke_role,
              .online_only = true,
              .needs_elevation = true,
              .path = "/accounts/{id}/roles/revoke"});
  add(registry, Mutator{.name = "identity.set_account_state",
                        .summary = "Suspends an account or opens it again.",
                        .args = arg::object({{"id!", arg::hex(32)},
                                             {"state!", arg::one_of({"active", "suspended"})}}),
                        .permit = may_set_state,
                        .run = set_state,
                        .online_only = true,
                        .needs_elevation = true,
                        .path = "/accounts/{id}/state"});
  add(registry, Query{.name = "identity.accounts",
                      .summary = "Accounts that hold a role.",
                      .params = arg::object({{"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = allow({Role::admin, Role::approver, Role::supervisor}),
                      .run = list_accounts,
                      .path = "/accounts"});
  add(registry, Query{.name = "identity.me",
                      .summary = "Who the caller is.",
                      .params = arg::object({}),
                      .permit = anyone,
                      .run = me,
                      .path = "/me"});
}

}  // namespace linli::community::identity
