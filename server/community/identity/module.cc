// SPDX-License-Identifier: Apache-2.0
#include "server/community/identity/module.h"

#include "server/community/identity/identity.h"
#include "server/community/membership.h"

namespace linli::community::identity {
namespace {

std::function<std::vector<std::string>(std::string_view, const Json&)> by(const char* member) {
  return [member](std::string_view, const Json& row) -> std::vector<std::string> {
    const std::string value = json_text(row, member);
    if (value.empty()) return {};
    return {exact(value)};
  };
}

/// The code is unique only within its household, so both make the value.
std::vector<std::string> open_code(std::string_view, const Json& row) {
  if (json_text(row, "state") != "new" || json_text(row, "code_hash").empty()) return {};
  return {exact(json_text(row, "household") + ":" + json_text(row, "code_hash"))};
}

std::vector<std::string> open_secret(std::string_view, const Json& row) {
  if (json_text(row, "state") != "new") return {};
  return {exact(json_text(row, "secret_hash"))};
}

void declare_tables(sync::Registry& registry) {
  sync::TableDef account{};
  account.name = "account";
  account.indexes = {{"person", by("person")}};
  account.watched = true;
  registry.add(std::move(account));

  sync::TableDef device{};
  device.name = "device";
  device.indexes = {{"account", by("account")}};
  device.references = {{"account", "account"}};
  device.watched = true;
  registry.add(std::move(device));

  sync::TableDef invite{};
  invite.name = "invite";
  invite.indexes = {{"household", by("household")},
                    {"account", by("account")},
                    {"code", open_code},
                    {"secret", open_secret}};
  registry.add(std::move(invite));

  sync::TableDef tries{};
  tries.name = "enrol_try";
  registry.add(std::move(tries));

  sync::TableDef credential{};
  credential.name = "credential";
  registry.add(std::move(credential));

  sync::TableDef key{};
  key.name = "api_key";
  key.indexes = {{"hash", by("hash")}};
  key.watched = true;
  registry.add(std::move(key));

  sync::TableDef me{};
  me.name = "me";
  me.buckets = [](std::string_view key_text, const Json&) -> std::vector<std::string> {
    return {user_bucket(key_text)};
  };
  registry.add(std::move(me));
}

}  // namespace

void declare(sync::Registry& registry) {
  declare_tables(registry);
  declare_invites(registry);
  declare_enrolment(registry);
  declare_devices(registry);
  declare_contacts(registry);
  declare_accounts(registry);
  declare_names(registry);
  declare_credentials(registry);
}

Result<void> add_device(MutatorContext& ctx, const std::string& account, const Json& args,
                        const char* state) {
  const std::string cid = json_text(args, "cid");
  if (ctx.get("device", cid) != nullptr) return fail(Errc::conflict, "the device is known");
  Json row = {{"account", account}, {"state", state}, {"enrolled_at", now_ms(ctx)}};
  copy_members(args, row, {"pub", "label", "cert_at"});
  if (!row.contains("cert_at")) row["cert_at"] = now_ms(ctx);
  ctx.put("device", cid, std::move(row));
  return {};
}

Result<void> refresh_owner(MutatorContext& ctx, const std::string& account) {
  LINLI_TRY(const Row row, need(ctx, "account", account));
  const std::string person = json_text(*row, "person");
  if (person.empty()) return refresh_account(ctx, account);
  LINLI_CHECK(refresh_person(ctx, person, {account}));
  ctx.outbox("endpoint_changed", {{"person", person}, {"why", "device"}});
  return {};
}

}  // namespace linli::community::identity
