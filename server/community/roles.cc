// SPDX-License-Identifier: Apache-2.0
#include "server/community/roles.h"

#include <algorithm>
#include <array>
#include <vector>

#include "server/community/rows.h"

namespace linli::community {
namespace {

constexpr std::array<std::string_view, 14> kNames = {
    "resident", "proxy",   "volunteer",  "lead",    "grid",      "window", "editor",
    "approver", "finance", "supervisor", "partner", "custodian", "admin",  "district"};

constexpr std::array<std::pair<Role, Role>, 10> kApart = {{
    {Role::admin, Role::grid},
    {Role::admin, Role::window},
    {Role::admin, Role::approver},
    {Role::admin, Role::finance},
    {Role::admin, Role::custodian},
    {Role::admin, Role::supervisor},
    {Role::finance, Role::approver},
    {Role::finance, Role::supervisor},
    {Role::approver, Role::custodian},
    {Role::supervisor, Role::approver},
}};

/// `scope` is `area` or one of its ancestors.
bool covers(ReadContext& ctx, const std::string& scope, std::string_view area) {
  if (area.empty() || scope == area) return true;
  const Row row = ctx.get("area", area);
  return row != nullptr && has_text(*row, "path", scope);
}

bool key_holds(ReadContext& ctx, std::string_view wanted, std::string_view area) {
  return std::ranges::any_of(ctx.actor().scopes, [&](const std::string& scope) {
    const std::size_t at = scope.find('@');
    if (scope.substr(0, at) != wanted) return false;
    return at == std::string::npos || covers(ctx, scope.substr(at + 1), area);
  });
}

}  // namespace

std::string_view role_name(Role role) noexcept { return kNames[static_cast<std::size_t>(role)]; }

std::optional<Role> parse_role(std::string_view name) noexcept {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Role>(found - kNames.begin());
}

bool has_role(ReadContext& ctx, Role role, std::string_view area) {
  if (is_system(ctx)) return true;
  if (!ctx.actor().scopes.empty()) return key_holds(ctx, role_name(role), area);
  const Row account = ctx.get("account", actor_id(ctx));
  if (account == nullptr || json_text(*account, "state") != "active") return false;
  const auto roles = account->find("roles");
  if (roles == account->end()) return false;
  return std::ranges::any_of(*roles, [&](const Json& held) {
    return json_text(held, "role") == role_name(role) &&
           covers(ctx, json_text(held, "scope"), area);
  });
}

bool has_any(ReadContext& ctx, std::initializer_list<Role> roles, std::string_view area) {
  return std::ranges::any_of(roles, [&](Role role) { return has_role(ctx, role, area); });
}

Result<void> require_any(ReadContext& ctx, std::initializer_list<Role> roles,
                         std::string_view area) {
  if (has_any(ctx, roles, area)) return {};
  return fail(Errc::forbidden, "needs another role for this place");
}

bool has_any_over(ReadContext& ctx, std::initializer_list<Role> roles, std::string_view area) {
  if (!area.empty()) return has_any(ctx, roles, area);
  const auto nodes = keys_of(ctx, "area.kind", "community", 1);
  return has_any(ctx, roles, nodes.empty() ? "" : nodes.front());
}

Result<void> require_any_over(ReadContext& ctx, std::initializer_list<Role> roles,
                              std::string_view area) {
  if (has_any_over(ctx, roles, area)) return {};
  return fail(Errc::forbidden, "needs another role for this place");
}

Permit allow(std::initializer_list<Role> roles) {
  return [held = std::vector<Role>(roles)](ReadContext& ctx, const Json&) -> Result<void> {
    for (Role role : held)
      if (has_role(ctx, role, "")) return {};
    return fail(Errc::forbidden, "needs another role");
  };
}

std::string actor_person(ReadContext& ctx) {
  if (is_system(ctx)) return {};
  const Row account = ctx.get("account", actor_id(ctx));
  return account == nullptr ? std::string{} : json_text(*account, "person");
}

bool is_same_person(ReadContext& ctx, std::string_view account_a, std::string_view account_b) {
  if (account_a == account_b) return true;
  const Row a = ctx.get("account", account_a);
  const Row b = ctx.get("account", account_b);
  if (a == nullptr || b == nullptr) return false;
  const std::string person = json_text(*a, "person");
  return !person.empty() && person == json_text(*b, "person");
}

Result<void> check_separation(const Json& roles) {
  const auto holds = [&](Role role) {
    return std::ranges::any_of(
        roles, [&](const Json& held) { return json_text(held, "role") == role_name(role); });
  };
  for (const auto& [a, b] : kApart)
    if (holds(a) && holds(b))
      return fail(Errc::conflict, "one account cannot be both " + std::string(role_name(a)) +
                                      " and " + std::string(role_name(b)));
  return {};
}

}  // namespace linli::community
