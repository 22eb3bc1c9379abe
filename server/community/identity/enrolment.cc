// SPDX-License-Identifier: Apache-2.0
#include "server/community/identity/identity.h"
#include "server/community/membership.h"
#include "server/community/roles.h"

namespace linli::community::identity {
namespace {

Json device_args(std::initializer_list<std::pair<std::string, Json>> more) {
  Json out = arg::object({{"cid!", arg::hex(32)},
                          {"pub!", arg::text(64, 40)},
                          {"label", arg::text(60)},
                          {"cert_at", arg::instant()}});
  const Json extra = arg::object(more);
  out["properties"].update(extra.at("properties"));
  if (extra.contains("required"))
    for (const Json& name : extra.at("required")) out["required"].push_back(name);
  return out;
}

Result<void> make_account(MutatorContext& ctx, const std::string& id, const std::string& person) {
  LINLI_TRY(const Row row, need(ctx, "person", person));
  if (json_text(*row, "state") != "active")
    return fail(Errc::wrong_state, "the person does not live here any more");
  ctx.put("account", id,
          {{"person", person},
           {"name", row->at("name")},
           {"roles", Json::array()},
           {"state", "active"},
           {"created_at", now_ms(ctx)}});
  return {};
}

/// The person's account, made when there is none.
Result<std::string> account_of_person(MutatorContext& ctx, const std::string& person) {
  const auto known = keys_of(ctx, "account.person", person, 1);
  if (!known.empty()) {
    LINLI_TRY(const Row row, need(ctx, "person", person));
    if (json_text(*row, "state") == "active") return known.front();
  }
  const std::string id = ctx.new_id();
  LINLI_CHECK(make_account(ctx, id, person));
  return id;
}

/// The account behind a slip. Errors: not_member when the person lives elsewhere (ENR-5).
Result<std::string> account_of_slip(MutatorContext& ctx, const Json& invite, const Json& args) {
  if (const std::string account = json_text(invite, "account"); !account.empty()) return account;
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row row, need(ctx, "person", person));
  if (row->at("household") != invite.at("household"))
    return fail(Errc::not_member, "the slip is for another household");
  return account_of_person(ctx, person);
}

Result<void> use_invite(MutatorContext& ctx, const std::string& id, const Json& invite) {
  if (json_text(invite, "state") == "used") return fail(Errc::already_used, "the slip was used");
  if (json_text(invite, "state") != "new") return fail(Errc::revoked, "the slip was taken back");
  if (json_int(invite, "expires_at") < now_ms(ctx)) return fail(Errc::expired, "the slip expired");
  Json row = invite;
  const std::int64_t uses = json_int(row, "uses") + 1;
  row["uses"] = uses;
  if (uses >= json_int(row, "max_uses")) row["state"] = "used";
  ctx.put("invite", id, std::move(row));
  return {};
}

void store_consents(MutatorContext& ctx, const std::string& person, const Json& consent) {
  for (const std::string& purpose : texts(consent, "purposes"))
    ctx.put("consent", ctx.new_id(),
            {{"person", person},
             {"purpose", purpose},
             {"version", json_text(consent, "version")},
             {"how", consent.value("how", "tap")},
             {"at", now_ms(ctx)},
             {"state", "given"}});
}

MutatorResult enrol(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "invite");
  LINLI_TRY(const Row invite, need(ctx, "invite", id));
  LINLI_CHECK(use_invite(ctx, id, *invite));
  LINLI_TRY(const std::string account, account_of_slip(ctx, *invite, args));
  LINLI_TRY(const Row row, need(ctx, "account", account));
  if (json_text(*row, "state") != "active") return fail(Errc::revoked, "the account is suspended");
  LINLI_CHECK(add_device(ctx, account, args, "active"));
  if (const std::string old = json_text(*invite, "replaces"); !old.empty())
    LINLI_CHECK(replace_device(ctx, old, account));
  const std::string person = json_text(*row, "person");
  if (args.contains("consent")) store_consents(ctx, person, args.at("consent"));
  LINLI_CHECK(refresh_owner(ctx, account));
  const Row me = ctx.get("me", account);
  return Json{{"account", account},
              {"person", person},
              {"name", me->at("name")},
              {"community", me->at("community")}};
}

/// A server restored from a backup meets a phone that it certified itself (M11). The first phone of
/// a person had made the account; roles were given later by hand, a certificate gives none.
MutatorResult recover(MutatorContext& ctx, const Json& args) {
  const std::string account = json_text(args, "account");
  if (ctx.get("account", account) == nullptr && args.contains("person"))
    LINLI_CHECK(make_account(ctx, account, json_text(args, "person")));
  LINLI_CHECK(need(ctx, "account", account));
  LINLI_CHECK(add_device(ctx, account, args, "recovered"));
  LINLI_CHECK(refresh_owner(ctx, account));
  return Json{{"account", account}};
}

/// A cloned store takes a key of its own; both stay in the list (M10).
MutatorResult rekey(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const Row old, need(ctx, "device", json_text(args, "old")));
  if (json_text(*old, "state") == "revoked") return fail(Errc::revoked, "the device was revoked");
  const std::string account = json_text(*old, "account");
  Json device = args;
  if (!device.contains("label")) device["label"] = json_text(*old, "label");
  LINLI_CHECK(add_device(ctx, account, device, "active"));
  LINLI_CHECK(refresh_owner(ctx, account));
  const Row owner = ctx.get("account", account);
  return Json{{"account", account},
              {"cid", args.at("cid")},
              {"person", owner == nullptr ? std::string() : json_text(*owner, "person")}};
}

}  // namespace

void declare_enrolment(sync::Registry& registry) {
  const Json consent = arg::object({{"version!", arg::text(12)},
                                    {"purposes!", arg::list(arg::text(24, 1), 10)},
                                    {"how", arg::one_of({"tap", "paper", "oral"})}});
  add(registry, Mutator{.name = "identity.enrol",
                        .summary = "Uses a slip: a new device for the person that was picked.",
                        .args = device_args({{"invite!", arg::id()},
                                             {"person", arg::text(32)},
                                             {"consent", consent},
                                             {"at", arg::instant()}}),
                        .permit = system_only,
                        .run = enrol,
                        .internal = true});
  add(registry,
      Mutator{.name = "identity.recover_device",
              .summary = "Re-creates a certified device after a restore.",
              .args = device_args({{"account!", arg::hex(32)}, {"person", arg::text(32)}}),
              .permit = system_only,
              .run = recover,
              .internal = true});
  add(registry, Mutator{.name = "identity.rekey_device",
                        .summary = "A second key for a device whose store was copied.",
                        .args = device_args({{"old!", arg::hex(32)}}),
                        .permit = system_only,
                        .run = rekey,
                        .internal = true});
}

}  // namespace linli::community::identity
