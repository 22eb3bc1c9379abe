// SPDX-License-Identifier: Apache-2.0
#include "server/community/identity/identity.h"
#include "server/community/roles.h"

namespace linli::community::identity {
namespace {

MutatorResult set_credential(MutatorContext& ctx, const Json& args) {
  const std::string account = json_text(args, "account");
  LINLI_CHECK(need(ctx, "account", account));
  const Row old = ctx.get("credential", account);
  Json row = old ? *old : Json::object();
  copy_members(args, row, {"pass_hash", "totp_sealed"});
  row["state"] = "active";
  row["at"] = now_ms(ctx);
  ctx.put("credential", account, std::move(row));
  return Json{{"account", account}};
}

/// A code that opened an elevation never opens a second one.
MutatorResult note_totp(MutatorContext& ctx, const Json& args) {
  const std::string account = json_text(args, "account");
  LINLI_TRY(const Row found, need(ctx, "credential", account));
  if (json_int(args, "step") <= json_int(*found, "totp_step", -1))
    return fail(Errc::already_used, "this code was used");
  Json row = *found;
  row["totp_step"] = args.at("step");
  ctx.put("credential", account, std::move(row));
  return Json{{"account", account}};
}

MutatorResult create_api_key(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const std::string id, fresh_key(ctx, args, "api_key"));
  for (const std::string& scope : texts(args, "scopes")) {
    const std::size_t at = scope.find('@');
    if (!parse_role(scope.substr(0, at)))
      return fail(Errc::invalid_argument, "a scope names a role");
    if (at != std::string::npos) LINLI_CHECK(need(ctx, "area", scope.substr(at + 1)));
    // A machine drafts and reads; people approve and administer.
    const std::string role = scope.substr(0, at);
    if (role == "approver" || role == "admin" || role == "custodian")
      return fail(Errc::invalid_argument, "that role is for people");
  }
  Json row = {{"state", "active"}, {"created_at", now_ms(ctx)}, {"created_by", actor_id(ctx)}};
  copy_members(args, row, {"hash", "scopes", "label"});
  ctx.put("api_key", id, std::move(row));
  return Json{{"id", id}};
}

MutatorResult revoke_api_key(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "api_key", id));
  Json row = *found;
  row["state"] = "revoked";
  row["revoked_at"] = now_ms(ctx);
  ctx.put("api_key", id, std::move(row));
  return Json{{"id", id}};
}

Result<Json> api_keys(ReadContext& ctx, const Json& /*params*/) {
  Json out = {{"keys", Json::array()}};
  for (const auto& [key, row] : ctx.table("api_key", "", 500)) {
    Json item = {{"id", key}};
    copy_members(*row, item, {"label", "scopes", "state", "created_at", "revoked_at"});
    out["keys"].push_back(std::move(item));
  }
  return out;
}

}  // namespace

void declare_credentials(sync::Registry& registry) {
  add(registry, Mutator{.name = "identity.set_credential",
                        .summary = "Stores a hashed passphrase and a sealed TOTP secret.",
                        .args = arg::object({{"account!", arg::hex(32)},
                                             {"pass_hash", arg::text(200)},
                                             {"totp_sealed", arg::text(200)}}),
                        .permit = system_only,
                        .run = set_credential,
                        .internal = true});
  add(registry,
      Mutator{.name = "identity.note_totp",
              .summary = "Marks a time step as used.",
              .args = arg::object({{"account!", arg::hex(32)}, {"step!", arg::instant()}}),
              .permit = system_only,
              .run = note_totp,
              .internal = true});
  add(registry, Mutator{.name = "identity.create_api_key",
                        .summary = "Stores the hash of a key for an integration.",
                        .args = arg::object({{"id", arg::id()},
                                             {"hash!", arg::hex(64)},
                                             {"scopes!", arg::list(arg::text(50, 1), 10, 1)},
                                             {"label!", arg::text(40, 1)}}),
                        .permit = system_only,
                        .run = create_api_key,
                        .internal = true});
  add(registry, Mutator{.name = "identity.revoke_api_key",
                        .summary = "Stops an integration's key.",
                        .args = arg::object({{"id!", arg::id()}}),
                        .permit = allow({Role::admin}),
                        .run = revoke_api_key,
                        .online_only = true,
                        .needs_elevation = true,
                        .path = "/api-keys/{id}/revoke"});
  add(registry, Query{.name = "identity.api_keys",
                      .summary = "Keys of integrations, without their secrets.",
                      .params = arg::object({}),
                      .permit = allow({Role::admin}),
                      .run = api_keys,
                      .path = "/api-keys"});
}

}  // namespace linli::community::identity
