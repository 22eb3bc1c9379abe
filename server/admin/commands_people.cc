// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/admin/admin.h"
#include "server/auth/files.h"
#include "server/auth/tokens.h"
#include "server/http/import_plan.h"
#include "server/http/qr.h"
#include "server/http/setup_code.h"
#include "server/http/slips.h"

namespace linli::admin {
namespace {

constexpr const char* kAnyCommunity = "community";

std::string roles_text(const Json& row) {
  std::string out;
  for (const Json& held : row.value("roles", Json::array()))
    out += (out.empty() ? "" : ",") + json_text(held, "role");
  return out;
}

std::string grouped(const std::string& code) { return code.substr(0, 4) + " " + code.substr(4); }

}  // namespace

std::string Commands::fresh_seed() const {
  std::array<std::uint8_t, 32> seed{};
  parts_.rng.fill(seed);
  return "admin:" + to_hex(seed);
}

Result<std::string> Commands::slug() const {
  if (!common_.slug.empty()) {
    if (is_slug(common_.slug)) return common_.slug;
    return fail(Errc::invalid_argument, "--community takes small letters, digits and dashes");
  }
  const auto known = slugs_in(common_.data);
  if (known.size() == 1) return known.front();
  if (known.empty())
    return fail(Errc::not_found, "no community in " + common_.data.string() +
                                     "; make one with: linlid admin --data DIR init");
  std::string names;
  for (const std::string& name : known) names += " " + name;
  return fail(Errc::invalid_argument, "say which community with --community:" + names);
}

Result<std::unique_ptr<LocalCommunity>> Commands::open(bool to_write) const {
  LINLI_TRY(const std::string name, slug());
  const LocalCommunity::Where where{common_.data, name, registry_, parts_.clock, parts_.rng};
  return to_write ? LocalCommunity::open(where, false) : LocalCommunity::open_to_read(where);
}

Result<std::string> Commands::community_area(LocalCommunity& community) const {
  LINLI_TRY(const auto areas, community.rows("area"));
  for (const auto& [key, row] : areas)
    if (json_text(row, "kind") == kAnyCommunity) return key;
  return fail(Errc::wrong_state, "the community has no node of kind community");
}

Result<Json> Commands::make_slip(LocalCommunity& community, Json target, std::string& text) const {
  const http::Slip slip = http::make_slip(community.keys(), fresh_seed());
  Json args = http::invite_args(community.keys(), slip);
  args.update(target);
  LINLI_TRY(Json made, community.run("identity.create_invite", std::move(args)));
  const std::string url = http::slip_url(common_.origin, community.where().slug, slip.secret);
  LINLI_TRY(const std::string qr, http::qr_terminal(url));
  text +=
      qr + url + "\n" + (target.contains("household") ? "code: " + grouped(slip.code) + "\n" : "");
  made["url"] = url;
  made["secret"] = slip.secret;
  if (target.contains("household")) made["code"] = slip.code;
  return made;
}

Result<Json> Commands::make_staff(LocalCommunity& community, const std::string& name,
                                  std::initializer_list<const char*> roles,
                                  std::string& text) const {
  LINLI_TRY(const std::string area, community_area(community));
  Json held = Json::array();
  for (const char* role : roles) held.push_back({{"role", role}, {"scope", area}});
  LINLI_TRY(const Json account,
            community.run("identity.create_account", {{"name", name}, {"roles", held}}));
  const std::string id = json_text(account, "id");
  text += "\n== " + name + " (" + roles_text({{"roles", held}}) + ", account " + id + ")\n";
  LINLI_TRY(Json out, make_slip(community, {{"account", id}}, text));
  out["account"] = id;
  out["name"] = name;
  out["setup_code"] = http::setup_code(community.keys(), id, 0, parts_.clock.now());
  text += "setup code for passphrase and authenticator: " + json_text(out, "setup_code") + "\n";
  return out;
}

Result<Report> Commands::init(const InitOptions& options) {
  if (!is_slug(common_.slug))
    return fail(Errc::invalid_argument, "--slug takes small letters, digits and dashes");
  std::error_code ec;
  std::filesystem::create_directories(common_.data, ec);
  if (ec) return fail(Errc::io, common_.data.string() + ": " + ec.message());
  const LocalCommunity::Where where{common_.data, common_.slug, registry_, parts_.clock,
                                    parts_.rng};
  LINLI_TRY(const auto community, LocalCommunity::open(where, true));
  LINLI_CHECK(community->run("area.create", {{"kind", kAnyCommunity}, {"name", options.name}}));
  Report out;
  out.text = "Community " + options.name + " is in " + community->folder().string() + ".\n" +
             "Give these two slips to two different people: nobody approves what they wrote.\n";
  // Author and approver are two people from the first day (decision F4).
  LINLI_TRY(Json first, make_staff(*community, options.admin_name, {"admin", "editor"}, out.text));
  LINLI_TRY(Json second, make_staff(*community, options.approver_name, {"approver"}, out.text));
  out.json = {{"slug", common_.slug},
              {"name", options.name},
              {"server_pub", to_base64url(community->keys().pair().pub())},
              {"staff", Json::array({std::move(first), std::move(second)})}};
  return out;
}

Result<Report> Commands::invite_create(const InviteOptions& options) {
  LINLI_TRY(const auto community, open(true));
  Json target = {{"max_uses", options.max_uses}};
  if (!options.staff.empty()) {
    target["account"] = options.staff;
  } else {
    LINLI_TRY(const auto homes,
              community->reader().scan("household.door", options.door + "/", std::nullopt, 1));
    if (homes.empty()) return fail(Errc::not_found, "no household has the door " + options.door);
    target["household"] = homes.front().key;
  }
  if (!options.replaces.empty()) target["replaces"] = options.replaces;
  Report out;
  LINLI_TRY(out.json, make_slip(*community, std::move(target), out.text));
  return out;
}

Result<Report> Commands::invite_list(const std::string& door) {
  LINLI_TRY(const auto community, open(false));
  LINLI_TRY(const auto invites, community->rows("invite"));
  Report out;
  out.json["invites"] = Json::array();
  for (const auto& [key, row] : invites) {
    if (!door.empty() && json_text(row, "door") != door) continue;
    Json item = {{"id", key}, {"state", json_text(row, "state")}};
    for (const char* member : {"door", "account", "uses", "max_uses", "expires_at"})
      if (row.contains(member)) item[member] = row.at(member);
    out.text += key + "  " + json_text(row, "state") + "  " +
                (row.contains("door") ? json_text(row, "door") : json_text(row, "account")) + "\n";
    out.json["invites"].push_back(std::move(item));
  }
  return out;
}

Result<Report> Commands::invite_revoke(const std::string& id) {
  LINLI_TRY(const auto community, open(true));
  Report out;
  LINLI_TRY(out.json, community->run("identity.revoke_invite", {{"id", id}}));
  out.text = "The slip is void.\n";
  return out;
}

Result<Report> Commands::users_list() {
  LINLI_TRY(const auto community, open(false));
  LINLI_TRY(const auto accounts, community->rows("account"));
  Report out;
  out.json["accounts"] = Json::array();
  for (const auto& [key, row] : accounts) {
    const std::string roles = roles_text(row);
    if (roles.empty()) continue;
    out.text +=
        key + "  " + json_text(row, "state") + "  " + json_text(row, "name") + "  " + roles + "\n";
    out.json["accounts"].push_back({{"id", key},
                                    {"name", json_text(row, "name")},
                                    {"state", json_text(row, "state")},
                                    {"roles", row.at("roles")}});
  }
  return out;
}

Result<Report> Commands::users_role(const RoleOptions& options) {
  LINLI_TRY(const auto community, open(true));
  std::string scope = options.scope;
  if (scope.empty()) {
    LINLI_TRY(scope, community_area(*community));
  }
  Report out;
  LINLI_TRY(out.json,
            community->run(options.grant ? "identity.grant_role" : "identity.revoke_role",
                           {{"id", options.account}, {"role", options.role}, {"scope", scope}}));
  out.text = "Done.\n";
  return out;
}

Result<Report> Commands::users_state(const std::string& account, const std::string& state) {
  LINLI_TRY(const auto community, open(true));
  Report out;
  LINLI_TRY(out.json,
            community->run("identity.set_account_state", {{"id", account}, {"state", state}}));
  out.text = "The account is " + state + ".\n";
  return out;
}

Result<Report> Commands::users_reset(const std::string& account) {
  LINLI_TRY(const auto community, open(true));
  LINLI_CHECK(community->run("identity.set_credential",
                             {{"account", account}, {"pass_hash", ""}, {"totp_sealed", ""}}));
  LINLI_TRY(const auto stored, community->reader().row({"credential", account}));
  if (!stored) return fail(Errc::internal, "credential");
  LINLI_TRY(const Json row, parse_json(*stored->data));
  const std::string code =
      http::setup_code(community->keys(), account, json_int(row, "at"), parts_.clock.now());
  Report out;
  out.json = {{"account", account}, {"setup_code", code}};
  out.text = "setup code, good for 7 days: " + code + "\n";
  return out;
}

Result<Report> Commands::devices_list(const std::string& account) {
  LINLI_TRY(const auto community, open(false));
  LINLI_TRY(const auto devices, community->rows("device"));
  Report out;
  out.json["devices"] = Json::array();
  for (const auto& [cid, row] : devices) {
    if (!account.empty() && json_text(row, "account") != account) continue;
    out.text += cid + "  " + json_text(row, "state") + "  " + json_text(row, "account") + "  " +
                json_text(row, "label") + "\n";
    out.json["devices"].push_back({{"cid", cid},
                                   {"account", json_text(row, "account")},
                                   {"state", json_text(row, "state")},
                                   {"label", json_text(row, "label")}});
  }
  return out;
}

Result<Report> Commands::keys_create(const std::string& label,
                                     const std::vector<std::string>& scopes) {
  LINLI_TRY(const auto community, open(true));
  std::array<std::uint8_t, 32> secret{};
  parts_.rng.fill(secret);
  const http::Slip name = http::make_slip(community->keys(), fresh_seed());
  LINLI_TRY(const Id128 id, Id128::parse(name.id));
  const std::string key = auth::make_api_key(sync::AccountId{id}, secret);
  Report out;
  LINLI_TRY(out.json, community->run("identity.create_api_key",
                                     {{"id", name.id},
                                      {"hash", auth::api_key_hash(community->keys(), key)},
                                      {"label", label},
                                      {"scopes", scopes}}));
  out.json["key"] = key;
  out.text = "Keep it now, it is not shown again:\n" + key + "\n";
  return out;
}

Result<Report> Commands::keys_list() {
  LINLI_TRY(const auto community, open(false));
  LINLI_TRY(const auto keys, community->rows("api_key"));
  Report out;
  out.json["keys"] = Json::array();
  for (const auto& [id, row] : keys) {
    const Json scopes = row.value("scopes", Json::array());
    out.text += id + "  " + json_text(row, "state") + "  " + json_text(row, "label") + "  " +
                dump_json(scopes) + "\n";
    out.json["keys"].push_back({{"id", id},
                                {"label", json_text(row, "label")},
                                {"state", json_text(row, "state")},
                                {"scopes", scopes}});
  }
  return out;
}

Result<Report> Commands::keys_revoke(const std::string& id) {
  LINLI_TRY(const auto community, open(true));
  Report out;
  LINLI_TRY(out.json, community->run("identity.revoke_api_key", {{"id", id}}));
  out.text = "The key is void.\n";
  return out;
}

Result<Report> Commands::import(const std::filesystem::path& file, bool apply) {
  LINLI_TRY(const auto content, auth::read_file(file));
  if (!content) return fail(Errc::not_found, "no file " + file.string());
  LINLI_TRY(http::ImportPlan plan, http::plan_import(*content));
  LINLI_TRY(const auto community, open(true));
  const std::string batch = http::make_slip(community->keys(), fresh_seed()).id;
  std::int64_t added = 0;
  std::int64_t changed = 0;
  std::int64_t homes = 0;
  for (http::ImportLine& line : plan.lines) {
    line.args["batch"] = batch;
    if (!apply) line.args["dry_run"] = true;
    const auto result = community->run("people.import_row", line.args);
    if (!result) {
      plan.faults.push_back({line.line, std::string(errc_sentence(result.error().code)) + " (" +
                                            result.error().detail + ")"});
      continue;
    }
    homes += json_bool(*result, "new_household") ? 1 : 0;
    added += json_int(*result, "added");
    changed += json_int(*result, "changed");
  }
  Report out;
  out.json = {{"batch", batch},
              {"applied", apply},
              {"rows", plan.rows},
              {"new_households", homes},
              {"added", added},
              {"changed", changed},
              {"unknown_columns", plan.unknown_columns},
              {"errors", Json::array()}};
  out.text = std::string(apply ? "Imported" : "Dry run, nothing was written") + ": " +
             std::to_string(plan.rows) + " rows, " + std::to_string(homes) + " new households, " +
             std::to_string(added) + " new and " + std::to_string(changed) +
             " changed residents.\n";
  for (const http::ImportFault& fault : plan.faults) {
    out.text += "line " + std::to_string(fault.line) + ": " + fault.sentence + "\n";
    out.json["errors"].push_back({{"line", fault.line}, {"message", fault.sentence}});
  }
  if (!apply) out.text += "Run it again with --apply to write.\n";
  out.status = plan.faults.empty() ? 0 : 1;
  return out;
}

}  // namespace linli::admin
