// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/identity/identity.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::identity {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::size_t kInvitesMax = 100;

Result<void> check_target(ReadContext& ctx, const Json& args, Json& row) {
  if (args.contains("household") == args.contains("account"))
    return fail(Errc::invalid_argument, "a slip is for a household or for an account");
  if (args.contains("account")) {
    LINLI_CHECK(need(ctx, "account", json_text(args, "account")));
    return {};
  }
  LINLI_TRY(const Row home, need(ctx, "household", json_text(args, "household")));
  if (json_text(*home, "state") != "active") return fail(Errc::wrong_state, "household is closed");
  copy_members(*home, row, {"door", "area"});
  return {};
}

/// A slip for a new phone of somebody whom the slip is for.
Result<void> check_replaced(ReadContext& ctx, const Json& args) {
  if (!args.contains("replaces")) return {};
  LINLI_TRY(const Row device, need(ctx, "device", json_text(args, "replaces")));
  const std::string owner = json_text(*device, "account");
  const Row account = ctx.get("account", owner);
  const Row person = account ? ctx.get("person", json_text(*account, "person")) : nullptr;
  const bool is_theirs = args.contains("account")
                             ? owner == json_text(args, "account")
                             : person != nullptr && person->at("household") == args.at("household");
  if (!is_theirs) return fail(Errc::conflict, "the old phone is not theirs");
  if (json_int(args, "max_uses", 1) == 1) return {};
  return fail(Errc::invalid_argument, "a slip that replaces a phone is used once");
}

MutatorResult create_invite(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(const std::string id, fresh_key(ctx, args, "invite"));
  Json row = {{"state", "new"},
              {"uses", 0},
              {"max_uses", json_int(args, "max_uses", 1)},
              {"expires_at", to_unix_ms(ctx.now() + kInviteValid)},
              {"created_at", now_ms(ctx)},
              {"created_by", actor_id(ctx)}};
  LINLI_CHECK(check_target(ctx, args, row));
  LINLI_CHECK(check_replaced(ctx, args));
  copy_members(args, row,
               {"household", "account", "code_hash", "secret_hash", "demo", "issuer", "replaces"});
  if (args.contains("expires_at"))
    row["expires_at"] = std::min(json_int(args, "expires_at"), json_int(row, "expires_at"));
  const std::string code = json_text(row, "household") + ":" + json_text(row, "code_hash");
  if (!ctx.scan("invite.code", exact(code), std::nullopt, 1).empty())
    return fail(Errc::conflict, "draw another code: this one is in use");
  ctx.put("invite", id, std::move(row));
  return Json{{"id", id}};
}

MutatorResult revoke_invite(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "invite", id));
  if (json_text(*found, "state") != "new") return fail(Errc::wrong_state, "the slip is closed");
  Json row = *found;
  row["state"] = "revoked";
  row["closed_by"] = actor_id(ctx);
  ctx.put("invite", id, std::move(row));
  return Json{{"id", id}};
}

Result<void> may_revoke_invite(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "invite", json_text(args, "id")));
  if (json_text(*row, "household").empty()) return require_any(ctx, {Role::admin}, "");
  return require_any(ctx, {Role::grid, Role::window}, json_text(*row, "area"));
}

/// When this window of wrong tries ends, once they are too many; 0 = not yet.
std::int64_t rests_until(const Json& tries, int tries_max) {
  return json_int(tries, "n") < tries_max ? 0 : json_int(tries, "since") + kHourMs;
}

/// One wrong try; the count starts anew when an hour has passed since its first.
Json count_one(MutatorContext& ctx, const std::string& key) {
  const Row found = ctx.get("enrol_try", key);
  Json row = found ? *found : Json{{"since", now_ms(ctx)}, {"n", 0}};
  if (now_ms(ctx) - json_int(row, "since") >= kHourMs) row = {{"since", now_ms(ctx)}, {"n", 0}};
  row["n"] = json_int(row, "n") + 1;
  ctx.put("enrol_try", key, row);
  return row;
}

MutatorResult count_attempt(MutatorContext& ctx, const Json& args) {
  const std::string household = json_text(args, "household");
  const Json all = count_one(ctx, "community");
  if (!household.empty()) count_one(ctx, household);
  return Json{{"community", all.at("n")}, {"rests_until", rests_until(all, kCommunityTriesMax)}};
}

/// Unix ms; 0 = typed codes of `key` (a household, or "community") are taken.
std::int64_t closed_until(ReadContext& ctx, const std::string& key, int tries_max) {
  const Row row = ctx.get("enrol_try", key);
  const std::int64_t until = row == nullptr ? 0 : rests_until(*row, tries_max);
  return until > now_ms(ctx) ? until : 0;
}

Json masked_persons(ReadContext& ctx, const std::string& household) {
  Json out = Json::array();
  for (const std::string& key :
       keys_of(ctx, "person.household", household, people::kHouseholdMax)) {
    const Row row = ctx.get("person", key);
    if (json_text(*row, "state") == "active")
      out.push_back({{"id", key}, {"name", row->at("name")}});
  }
  return out;
}

/// For the enrolment service only: it compares hashes and masks the names (PROTOCOL.md §7).
Result<Json> find(ReadContext& ctx, const Json& params) {
  std::vector<std::string> hits;
  if (params.contains("secret_hash")) {
    hits = keys_of(ctx, "invite.secret", json_text(params, "secret_hash"), 1);
  } else {
    if (const auto until = closed_until(ctx, "community", kCommunityTriesMax); until > 0)
      return Json{{"found", false}, {"rests_until", until}};
    const auto homes = keys_of(ctx, "household.door", json_text(params, "door"), 1);
    if (homes.empty()) return fail(Errc::wrong_code, "door or code");
    if (closed_until(ctx, homes.front(), kHouseholdTriesMax) > 0)
      return fail(Errc::rate_limited, "too many wrong codes for this door");
    hits = keys_of(ctx, "invite.code", homes.front() + ":" + json_text(params, "code_hash"), 1);
    if (hits.empty()) return Json{{"household", homes.front()}, {"found", false}};
  }
  if (hits.empty()) return Json{{"found", false}};
  const Row row = ctx.get("invite", hits.front());
  if (json_int(*row, "expires_at") < now_ms(ctx))
    return fail(Errc::expired, "the slip has expired");
  Json out = {{"found", true}, {"id", hits.front()}};
  copy_members(*row, out, {"household", "account", "door", "expires_at"});
  if (const std::string home = json_text(*row, "household"); !home.empty())
    out["persons"] = masked_persons(ctx, home);
  else if (const Row account = ctx.get("account", json_text(*row, "account")); account != nullptr)
    out["persons"] = Json::array({{{"id", ""}, {"name", account->at("name")}}});
  return out;
}

Result<Json> list_invites(ReadContext& ctx, const Json& params) {
  Json out = {{"invites", Json::array()}};
  for (const std::string& key :
       keys_of(ctx, "invite.household", json_text(params, "household"), kInvitesMax)) {
    const Row row = ctx.get("invite", key);
    Json item = {{"id", key}};
    copy_members(*row, item,
                 {"door", "state", "uses", "max_uses", "expires_at", "created_at", "created_by",
                  "replaces"});
    out["invites"].push_back(std::move(item));
  }
  return out;
}

Result<void> may_list(ReadContext& ctx, const Json& params) {
  const Row home = ctx.get("household", json_text(params, "household"));
  return require_any(ctx, {Role::grid, Role::window}, home ? json_text(*home, "area") : "");
}

}  // namespace

void declare_invites(sync::Registry& registry) {
  add(registry, Mutator{.name = "identity.create_invite",
                        .summary = "Stores a slip; the server draws and hashes code and secret.",
                        .args = arg::object({{"id", arg::id()},
                                             {"household", arg::id()},
                                             {"account", arg::hex(32)},
                                             {"code_hash", arg::hex(64)},
                                             {"secret_hash!", arg::hex(64)},
                                             {"max_uses", arg::integer(1, 20)},
                                             {"expires_at", arg::instant()},
                                             {"issuer", arg::hex(32)},
                                             {"replaces", arg::hex(32)},
                                             {"demo", arg::flag()}}),
                        .permit = system_only,
                        .run = create_invite,
                        .internal = true});
  add(registry, Mutator{.name = "identity.revoke_invite",
                        .summary = "Closes a slip that was not used.",
                        .args = arg::object({{"id!", arg::id()}}),
                        .permit = may_revoke_invite,
                        .run = revoke_invite,
                        .path = "/invites/{id}/revoke"});
  add(registry, Mutator{.name = "identity.count_attempt",
                        .summary = "Counts one wrong code against its household and the community.",
                        .args = arg::object({{"household", arg::id()}}),
                        .permit = system_only,
                        .run = count_attempt,
                        .internal = true});
  add(registry, Query{.name = "identity.find_invite",
                      .summary = "The open slip of a secret, or of a door and a code.",
                      .params = arg::object({{"secret_hash", arg::hex(64)},
                                             {"code_hash", arg::hex(64)},
                                             {"door", arg::text(40)}}),
                      .permit = system_only,
                      .run = find});
  add(registry, Query{.name = "identity.invites",
                      .summary = "Slips of a household.",
                      .params = arg::object({{"household!", arg::id()}}),
                      .permit = may_list,
                      .run = list_invites,
                      .path = "/invites"});
}

}  // namespace linli::community::identity
