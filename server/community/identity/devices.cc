// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/identity/identity.h"
#include "server/community/membership.h"
#include "server/community/roles.h"

namespace linli::community::identity {
namespace {

constexpr std::size_t kDevicesMax = 50;
/// Who may read what a resident of the place wrote.
constexpr std::initializer_list<Role> kCarers = {Role::grid, Role::window, Role::supervisor};

Result<void> may_revoke_device(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "device", json_text(args, "cid")));
  return may_manage(ctx, json_text(*row, "account"));
}

/// Of a device that is revoked already only the hand-over can still end: a replaced phone turns out
/// to be lost, never the reverse. A restore says when it was revoked first.
MutatorResult close_device(MutatorContext& ctx, const Json& args, const std::string& reason) {
  const std::string cid = json_text(args, "cid");
  LINLI_TRY(const Row found, need(ctx, "device", cid));
  Json row = *found;
  const bool is_new = json_text(row, "state") != "revoked";
  if (!is_new && (json_text(row, "reason") != kReplaced || reason == kReplaced))
    return Json{{"cid", cid}, {"revoked_at", json_int(row, "revoked_at")}};
  row["state"] = "revoked";
  row["reason"] = reason;
  if (is_new) row["revoked_at"] = std::min(json_int(args, "at", now_ms(ctx)), now_ms(ctx));
  row["revoked_by"] = actor_id(ctx);
  const std::string account = json_text(row, "account");
  const Json out = {{"cid", cid}, {"revoked_at", row.at("revoked_at")}};
  ctx.put("device", cid, std::move(row));
  LINLI_CHECK(refresh_owner(ctx, account));
  return out;
}

MutatorResult revoke_device(MutatorContext& ctx, const Json& args) {
  return close_device(ctx, args, args.contains("reason") ? json_text(args, "reason") : "revoked");
}

/// A restored server reads its log of revocations again.
MutatorResult replay(MutatorContext& ctx, const Json& args) {
  return close_device(ctx, args, json_bool(args, "replaced") ? std::string(kReplaced) : "revoked");
}

/// Wrong household (ENR-5): refused at once, and the phone deletes everything at next contact.
MutatorResult detach(MutatorContext& ctx, const Json& args) {
  return close_device(ctx, args, "wrong_household");
}

MutatorResult label(MutatorContext& ctx, const Json& args) {
  const std::string cid = json_text(args, "cid");
  LINLI_TRY(const Row found, need(ctx, "device", cid));
  Json row = *found;
  row["label"] = args.at("label");
  ctx.put("device", cid, std::move(row));
  return Json{{"cid", cid}};
}

/// Accounts that the caller asks about, by `account` or by `person`.
std::vector<std::string> owners_of(ReadContext& ctx, const Json& params) {
  if (params.contains("account")) return {json_text(params, "account")};
  return keys_of(ctx, "account.person", json_text(params, "person"), kDevicesMax);
}

Result<Json> list_devices(ReadContext& ctx, const Json& params) {
  Json out = {{"devices", Json::array()}};
  for (const std::string& account : owners_of(ctx, params))
    for (const std::string& cid : keys_of(ctx, "device.account", account, kDevicesMax)) {
      const Row row = ctx.get("device", cid);
      Json item = {{"cid", cid}, {"account", account}};
      copy_members(*row, item,
                   {"label", "state", "reason", "enrolled_at", "revoked_at", "revoked_by"});
      add_contact(ctx, cid, item);
      out["devices"].push_back(std::move(item));
    }
  return out;
}

Result<void> may_list_devices(ReadContext& ctx, const Json& params) {
  if (params.contains("account")) return may_manage(ctx, json_text(params, "account"));
  const std::string person = json_text(params, "person");
  if (person.empty()) return fail(Errc::invalid_argument, "give an account or a person");
  if (!is_system(ctx) && actor_person(ctx) == person) return {};
  const Row row = ctx.get("person", person);
  LINLI_CHECK(require_any_over(ctx, {Role::grid, Role::window, Role::admin},
                               row ? json_text(*row, "area") : ""));
  if (row == nullptr) return fail(Errc::not_found, "no such person");
  return {};
}

/// For the enrolment service: who the signed-in device is, and when it was certified.
Result<Json> my_device(ReadContext& ctx, const Json& /*params*/) {
  LINLI_TRY(const Row device, need(ctx, "device", ctx.actor().cid.raw().hex()));
  const std::string account = actor_id(ctx);
  LINLI_TRY(const Row me, need(ctx, "me", account));
  Json out = {{"account", account}, {"cert_at", json_int(*device, "cert_at")}};
  copy_members(*me, out, {"person", "name", "community"});
  return out;
}

/// Devices that came back with a certificate after a restore wait for a look of the office.
Result<Json> recovered(ReadContext& ctx, const Json& params) {
  const std::size_t limit = page_limit(params, 200, 500);
  Json out = {{"devices", Json::array()}};
  std::string last;
  const auto page = ctx.table("device", json_text(params, "after"), limit);
  for (const auto& [cid, row] : page) {
    last = cid;
    if (json_text(*row, "state") == "recovered")
      out["devices"].push_back({{"cid", cid}, {"account", row->at("account")}});
  }
  if (page.size() == limit) out["next"] = last;
  return out;
}

/// Work that the server refused, for whoever looks after the author's place: the phone shows it to
/// its author, and the office must not learn of it by chance (M3, GEN-4).
Result<Json> quarantine(ReadContext& ctx, const Json& params) {
  Json out = {{"refused", Json::array()}};
  for (const sync::QuarantineWrite& one : ctx.quarantine(page_limit(params, 100, 200))) {
    const std::string account = one.account.raw().hex();
    const Row owner = ctx.get("account", account);
    const Row person = owner ? ctx.get("person", json_text(*owner, "person")) : nullptr;
    const std::string area = person ? json_text(*person, "area") : std::string();
    const bool may_see = area.empty() ? has_any(ctx, {Role::window, Role::supervisor}, "")
                                      : has_any(ctx, kCarers, area);
    if (!may_see) continue;
    const auto args = parse_json(one.args);
    out["refused"].push_back({{"account", account},
                              {"who", owner ? json_text(*owner, "name") : std::string()},
                              {"cid", one.cid.raw().hex()},
                              {"name", one.name},
                              {"args", args ? *args : Json(one.args)},
                              {"code", one.code},
                              {"at", one.at}});
  }
  return out;
}

}  // namespace

Result<void> may_manage(ReadContext& ctx, const std::string& account) {
  if (account == actor_id(ctx) && !is_system(ctx)) return {};
  const Row row = ctx.get("account", account);
  if (row == nullptr) {
    // Only staff learn which accounts there are.
    LINLI_CHECK(require_any(ctx, {Role::grid, Role::window, Role::admin}, ""));
    return fail(Errc::not_found, "no such account");
  }
  const Row person = ctx.get("person", json_text(*row, "person"));
  if (person == nullptr) return require_any(ctx, {Role::admin}, "");
  return require_any_over(ctx, {Role::grid, Role::window, Role::admin}, json_text(*person, "area"));
}

Result<void> replace_device(MutatorContext& ctx, const std::string& cid,
                            const std::string& account) {
  LINLI_TRY(const Row device, need(ctx, "device", cid));
  if (json_text(*device, "account") != account)
    return fail(Errc::conflict, "the slip replaces the phone of somebody else");
  LINLI_CHECK(close_device(ctx, {{"cid", cid}}, std::string(kReplaced)));
  return {};
}

void declare_devices(sync::Registry& registry) {
  add(registry, Mutator{.name = "identity.revoke_device",
                        .summary = "Stops a device: lost, given away, ... With reason `replaced`"
                                   " it gets nothing more, but hands over what it made before.",
                        .args = arg::object({{"cid!", arg::hex(32)}, {"reason", arg::text(40)}}),
                        .permit = may_revoke_device,
                        .run = revoke_device,
                        .online_only = true,
                        .path = "/devices/{cid}/revoke"});
  add(registry,
      Mutator{.name = "identity.replay_revocation",
              .summary = "Revokes a device again, as it was before a restore.",
              .args = arg::object(
                  {{"cid!", arg::hex(32)}, {"at!", arg::instant()}, {"replaced", arg::flag()}}),
              .permit = system_only,
              .run = replay,
              .internal = true});
  add(registry, Mutator{.name = "identity.detach_device",
                        .summary = "Takes a device out of the wrong household.",
                        .args = arg::object({{"cid!", arg::hex(32)}}),
                        .permit = may_revoke_device,
                        .run = detach,
                        .online_only = true,
                        .path = "/devices/{cid}/detach"});
  add(registry, Mutator{.name = "identity.label_device",
                        .summary = "Names a device.",
                        .args = arg::object({{"cid!", arg::hex(32)}, {"label!", arg::text(60, 1)}}),
                        .permit = may_revoke_device,
                        .run = label,
                        .path = "/devices/{cid}/label"});
  add(registry, Query{.name = "identity.devices",
                      .summary = "Devices of an account or a person, with what each last said.",
                      .params = arg::object({{"account", arg::hex(32)}, {"person", arg::id()}}),
                      .permit = may_list_devices,
                      .run = list_devices,
                      .path = "/devices"});
  add(registry, Query{.name = "identity.my_device",
                      .summary = "The device that asks.",
                      .params = arg::object({}),
                      .permit = anyone,
                      .run = my_device});
  add(registry, Query{.name = "identity.recovered_devices",
                      .summary = "Devices re-created after a restore.",
                      .params = arg::object({{"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = allow({Role::window, Role::admin}),
                      .run = recovered,
                      .path = "/recovered-devices"});
  add(registry, Query{.name = "identity.quarantine",
                      .summary = "Refused work of phones, newest first.",
                      .params = arg::object({{"limit", arg::limit()}}),
                      .permit = allow(kCarers),
                      .run = quarantine,
                      .path = "/quarantine"});
}

}  // namespace linli::community::identity
