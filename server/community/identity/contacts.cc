// SPDX-License-Identifier: Apache-2.0
// 设备与同步: when a phone was last here, how far it is, and what it still holds (GEN-9, M15).
#include "server/community/identity/identity.h"
#include "server/community/roles.h"

namespace linli::community::identity {
namespace {

/// Names and doors are for who looks after the place; the administrator sees devices without them.
void add_owner(ReadContext& ctx, const Json& account, Json& item) {
  const Row person = ctx.get("person", json_text(account, "person"));
  if (person == nullptr) {
    copy_members(account, item, {"name"});
    return;
  }
  if (!has_any_over(ctx, {Role::grid, Role::window}, json_text(*person, "area"))) return;
  item["person"] = account.at("person");
  copy_members(*person, item, {"name", "door", "area", "unit"});
}

Result<Json> list_contacts(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 100, 500);
  const std::string unit = json_text(params, "unit");
  const auto page = ctx.table("device", json_text(params, "after"), limit);
  Json out = {{"devices", Json::array()}};
  for (const auto& [cid, row] : page) {
    const std::string account = json_text(*row, "account");
    const Row owner = ctx.get("account", account);
    if (owner == nullptr || !may_manage(ctx, account)) continue;
    Json item = {{"cid", cid}, {"account", account}};
    copy_members(*row, item, {"label", "state", "reason", "enrolled_at", "revoked_at"});
    add_owner(ctx, *owner, item);
    if (!unit.empty() && json_text(item, "unit") != unit) continue;
    add_contact(ctx, cid, item);
    out["devices"].push_back(std::move(item));
  }
  if (page.size() == limit) out["next"] = page.back().first;
  return out;
}

}  // namespace

void add_contact(ReadContext& ctx, const std::string& cid, Json& item) {
  const auto id = Id128::parse(cid);
  const auto said = id ? ctx.contact(sync::Cid{*id}) : std::nullopt;
  if (!said) return;
  item["last_contact"] = said->at;
  item["unsent"] = said->pending;
  item["app"] = said->app;
  item["cursor"] = {{"u", said->cur[0].raw()}, {"s", said->cur[1].raw()}};
}

void declare_contacts(sync::Registry& registry) {
  add(registry, Query{.name = "identity.contacts",
                      .summary = "Devices of those one looks after: last contact, durable cursors, "
                                 "unsent work and program version, as each phone last said.",
                      .params = arg::object(
                          {{"unit", arg::id()}, {"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = allow({Role::grid, Role::window, Role::admin}),
                      .run = list_contacts,
                      .path = "/device-sync"});
}

}  // namespace linli::community::identity
