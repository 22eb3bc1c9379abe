// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "server/community/declare.h"

/// Who may do what: roles with a scope node, and the rules that keep powers apart.
namespace linli::community {

/// DISK: the names are stored; never rename.
enum class Role : std::uint8_t {
  resident,
  proxy,       // 亲友代办
  volunteer,   // 志愿者
  lead,        // 队长
  grid,        // 网格员
  window,      // 窗口, 581
  editor,      // 信息员
  approver,    // 审批
  finance,     // 财务
  supervisor,  // 监督
  partner,     // 合作机构
  custodian,   // 密钥保管
  admin,       // 系统管理员
  district,    // 街道
};

std::string_view role_name(Role role) noexcept;
std::optional<Role> parse_role(std::string_view name) noexcept;

/// Whether the actor holds `role` at `area` or above it; an empty area asks for any scope.
/// The system holds every role. An API key holds those its scopes name: "editor" (everywhere) or
/// "editor@<area>".
bool has_role(ReadContext& ctx, Role role, std::string_view area);
bool has_any(ReadContext& ctx, std::initializer_list<Role> roles, std::string_view area);
/// Errors: forbidden.
Result<void> require_any(ReadContext& ctx, std::initializer_list<Role> roles,
                         std::string_view area);
/// As above for a record's place: one without a place belongs to the whole community, which a role
/// in a single grid does not cover.
bool has_any_over(ReadContext& ctx, std::initializer_list<Role> roles, std::string_view area);
Result<void> require_any_over(ReadContext& ctx, std::initializer_list<Role> roles,
                              std::string_view area);
/// Permit of mutators without a place: any of `roles` in any scope.
Permit allow(std::initializer_list<Role> roles);

/// The person of the actor's account; empty for staff without a person record and for the system.
std::string actor_person(ReadContext& ctx);
/// Same account, or two accounts of one person.
bool is_same_person(ReadContext& ctx, std::string_view account_a, std::string_view account_b);

/// Powers that one account must not join (community.md §4): the administrator reads no personal
/// record, who pays does not approve, who approves does not open sealed records.
/// Errors: conflict, naming both roles. `roles` is the account's list of {role, scope}.
Result<void> check_separation(const Json& roles);

}  // namespace linli::community
