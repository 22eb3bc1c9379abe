// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "server/community/identity/identity.h"
#include "server/community/roles.h"

namespace linli::community::identity {
namespace {

/// Whom a task can be given to.
constexpr std::array kAssignable = {Role::grid, Role::lead, Role::volunteer, Role::window,
                                    Role::approver};
constexpr std::initializer_list<Role> kAssigners = {Role::grid, Role::lead, Role::window,
                                                    Role::editor, Role::approver};

/// Scopes in which the caller may hand out work.
std::vector<std::string> own_scopes(ReadContext& ctx) {
  std::vector<std::string> out;
  const Row account = ctx.get("account", actor_id(ctx));
  if (account == nullptr) return out;
  for (const Json& held : account->at("roles")) {
    const auto role = parse_role(json_text(held, "role"));
    if (role && std::ranges::count(kAssigners, *role) > 0) out.push_back(json_text(held, "scope"));
  }
  return out;
}

/// Works in a place of the caller's, or over it: the window takes what a grid cannot.
bool is_near(ReadContext& ctx, const Json& account, const std::vector<std::string>& mine) {
  return std::ranges::any_of(account.at("roles"), [&](const Json& held) {
    const auto role = parse_role(json_text(held, "role"));
    if (!role || std::ranges::count(kAssignable, *role) == 0) return false;
    const std::string scope = json_text(held, "scope");
    if (has_any(ctx, kAssigners, scope)) return true;
    return std::ranges::any_of(mine, [&](const std::string& area) {
      const Row row = ctx.get("area", area);
      return row != nullptr && has_text(*row, "path", scope);
    });
  });
}

Result<Json> list_names(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 500, 1000);
  const std::vector<std::string> mine = own_scopes(ctx);
  const auto page = ctx.table("account", json_text(params, "after"), limit);
  Json out = {{"accounts", Json::array()}};
  for (const auto& [key, row] : page)
    if (json_text(*row, "state") == "active" && is_near(ctx, *row, mine))
      out["accounts"].push_back({{"id", key}, {"name", json_text(*row, "name")}});
  if (page.size() == limit) out["next"] = page.back().first;
  return out;
}

}  // namespace

void declare_names(sync::Registry& registry) {
  add(registry, Query{.name = "identity.account_names",
                      .summary = "Names of those a task can be given to, near the caller's places.",
                      .params = arg::object({{"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = allow(kAssigners),
                      .run = list_names,
                      .path = "/accounts/names"});
}

}  // namespace linli::community::identity
