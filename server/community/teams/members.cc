// SPDX-License-Identifier: Apache-2.0
#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"
#include "server/community/teams/teams.h"

namespace linli::community::teams {
namespace {

constexpr int kAdultAge = 18;
/// Keys of one member that others verify with: the phones in use.
constexpr std::size_t kKeysMax = 8;

std::vector<std::string> member_buckets(std::string_view /*key*/, const Json& row) {
  std::vector<std::string> out = close_buckets(row);
  if (json_text(row, "state") == "active") out.push_back(team_bucket(json_text(row, "team")));
  return out;
}

/// With the leads, those of the staff who see people by name, and the minor's own and guardian's
/// phones; the other members need no age to verify a signature.
std::vector<std::string> minor_buckets(std::string_view /*key*/, const Json& row) {
  std::vector<std::string> out = {lead_bucket(json_text(row, "team"))};
  if (const std::string node = json_text(row, "community"); !node.empty())
    out.push_back(areas::care_bucket(node));
  out.push_back(person_bucket(json_text(row, "person")));
  return out;
}

/// What phones need to check a signature offline: the keys in use, by cid.
Json keys_of_person(ReadContext& ctx, const std::string& person) {
  Json out = Json::array();
  for (const std::string& account : keys_of(ctx, "account.person", person, people::kFamilyMax))
    for (const std::string& cid : keys_of(ctx, "device.account", account, 20)) {
      const Row device = ctx.get("device", cid);
      if (json_text(*device, "state") == "revoked" || out.size() >= kKeysMax) continue;
      out.push_back({{"cid", cid}, {"pub", device->at("pub")}});
    }
  return out;
}

void keys_due(MutatorContext& ctx, std::string_view at, bool /*missed*/) {
  const std::string person(at);
  if (ctx.get("person", person) == nullptr) return;
  const Json keys = keys_of_person(ctx, person);
  for (const std::string& key : keys_of(ctx, "team_member.person", person, kTeamsMax)) {
    Json row = *ctx.get("team_member", key);
    row["keys"] = keys;
    ctx.put("team_member", key, std::move(row));
  }
}

/// The person, somebody who speaks for the person, a lead or staff.
Result<void> self_or_lead(ReadContext& ctx, const Json& args) {
  if (!is_system(ctx) && speaks_for(ctx, actor_id(ctx), json_text(args, "person"), "book"))
    return {};
  return require_lead(ctx, json_text(args, "team"));
}

Result<void> may_lead(ReadContext& ctx, const Json& args) {
  return require_lead(ctx, json_text(args, "team"));
}

Result<void> may_appoint(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row team, need(ctx, "team", json_text(args, "team")));
  return require_any(ctx, {Role::window, Role::approver}, json_text(*team, "area"));
}

bool is_under_age(ReadContext& ctx, const Json& person) {
  const std::int64_t born = json_int(person, "birth_year");
  return born != 0 && year_of(ctx.now()) - born < kAdultAge;
}

Result<Json> new_member(MutatorContext& ctx, const Json& args) {
  const std::string team = json_text(args, "team");
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row team_row, need(ctx, "team", team));
  LINLI_TRY(const Row who, need(ctx, "person", person));
  if (json_text(*team_row, "state") != "active") return fail(Errc::wrong_state, "it is closed");
  if (json_text(*who, "state") != "active")
    return fail(Errc::wrong_state, "the person does not live here any more");
  if (keys_of(ctx, "team_member.person", person, kTeamsMax).size() >= kTeamsMax)
    return fail(Errc::too_large, "a person is in at most 20 teams");
  ensure_person_bucket(ctx, person);
  if (is_under_age(ctx, *who)) {
    Json minor = {{"person", person}};
    place_in(team, *team_row, minor);
    ctx.put("team_minor", pair_key(team, person), std::move(minor));
  }
  Json row = {{"person", person},     {"name", who->at("name")}, {"role", "member"},
              {"state", "requested"}, {"keys", Json::array()},   {"asked_at", now_ms(ctx)}};
  place_in(team, *team_row, row);
  return row;
}

MutatorResult join_request(MutatorContext& ctx, const Json& args) {
  const std::string key = pair_key(json_text(args, "team"), json_text(args, "person"));
  const Row old = ctx.get("team_member", key);
  if (old != nullptr && json_text(*old, "state") != "left") return Json{{"id", key}};
  Json row;
  if (old == nullptr) {
    LINLI_TRY(row, new_member(ctx, args));
  } else {
    row = *old;
    row["state"] = "requested";
    row["asked_at"] = now_ms(ctx);
  }
  ctx.put("team_member", key, std::move(row));
  return Json{{"id", key}};
}

/// A lead takes a request, or enters somebody who asked by word of mouth.
MutatorResult take_in(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  const std::string key = pair_key(json_text(args, "team"), person);
  const Row old = ctx.get("team_member", key);
  Json row;
  if (old == nullptr) {
    LINLI_TRY(row, new_member(ctx, args));
  } else {
    row = *old;
  }
  if (json_text(row, "state") == "active") return Json{{"id", key}};
  row["state"] = "active";
  row["joined_at"] = now_ms(ctx);
  row["confirmed_by"] = actor_id(ctx);
  row["keys"] = keys_of_person(ctx, person);
  ctx.put("team_member", key, std::move(row));
  LINLI_CHECK(refresh_person(ctx, person));
  return Json{{"id", key}};
}

/// The hours stay: they are rows of the person (VOL-13).
MutatorResult leave(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  const std::string key = pair_key(json_text(args, "team"), person);
  LINLI_TRY(const Row found, need(ctx, "team_member", key));
  if (json_text(*found, "state") == "left") return Json{{"id", key}};
  Json row = *found;
  row["state"] = "left";
  row["role"] = "member";
  row["left_at"] = now_ms(ctx);
  ctx.put("team_member", key, std::move(row));
  LINLI_CHECK(refresh_person(ctx, person));
  return Json{{"id", key}};
}

MutatorResult set_role(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  const std::string team = json_text(args, "team");
  const Row found = active_member(ctx, team, person);
  if (found == nullptr) return fail(Errc::not_member, "not an active member");
  if (ctx.get("team_minor", pair_key(team, person)) != nullptr && json_text(args, "role") == "lead")
    return fail(Errc::wrong_state, "a lead is of age");
  Json row = *found;
  row["role"] = args.at("role");
  ctx.put("team_member", pair_key(team, person), std::move(row));
  LINLI_CHECK(refresh_person(ctx, person));
  return Json{{"id", pair_key(team, person)}};
}

/// By a guardian's tap, or by staff with a paper: never by the minor.
Result<void> may_consent(ReadContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  const bool is_guardian = !is_system(ctx) && actor_person(ctx) != person &&
                           speaks_for(ctx, actor_id(ctx), person, "book");
  if (json_text(args, "how") == "tap")
    return is_guardian ? Result<void>{}
                       : fail(Errc::forbidden, "a guardian taps, or staff take a paper");
  return may_appoint(ctx, args);
}

MutatorResult consent(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  const std::string key = pair_key(json_text(args, "team"), person);
  LINLI_CHECK(need(ctx, "team_member", key));
  if (const Row minor = ctx.get("team_minor", key); minor != nullptr) {
    Json row = *minor;
    row["consent"] = {{"by", actor_id(ctx)}, {"how", args.at("how")}, {"at", now_ms(ctx)}};
    ctx.put("team_minor", key, std::move(row));
  }
  ctx.put("consent", ctx.new_id(),
          {{"person", person},
           {"purpose", "volunteering"},
           {"team", args.at("team")},
           {"version", "1"},
           {"how", args.at("how")},
           {"witness", json_text(args, "witness")},
           {"at", now_ms(ctx)},
           {"state", "given"}});
  return Json{{"id", key}};
}

Result<Json> list_members(ReadContext& ctx, const Json& params) {
  Json out = {{"members", Json::array()}};
  const std::string prefix = json_text(params, "team") + ":";
  for (const auto& [key, row] : ctx.table("team_member", prefix, kMembersMax)) {
    if (!key.starts_with(prefix)) break;
    Json item = *row;
    item["id"] = key;
    item.erase("keys");
    const Row minor = ctx.get("team_minor", key);
    item["is_minor"] = minor != nullptr;
    if (minor != nullptr) copy_members(*minor, item, {"consent"});
    out["members"].push_back(std::move(item));
  }
  return out;
}

}  // namespace

bool lacks_consent(ReadContext& ctx, const std::string& team, const std::string& person) {
  const Row minor = ctx.get("team_minor", pair_key(team, person));
  return minor != nullptr && !minor->contains("consent");
}

Result<void> split_minor(MutatorContext& ctx, const std::string& key) {
  LINLI_TRY(const Row found, need(ctx, "team_member", key));
  Json row = *found;
  if (json_bool(row, "is_minor")) {
    Json minor = Json::object();
    copy_members(row, minor, {"team", "person", "community", "consent"});
    ctx.put("team_minor", key, std::move(minor));
  }
  row.erase("is_minor");
  row.erase("consent");
  ctx.put("team_member", key, std::move(row));
  return {};
}

void declare_members(sync::Registry& registry) {
  constexpr std::chrono::hours kAlways{24 * 365 * 10};
  sync::TableDef table{};
  table.name = "team_member";
  table.buckets = member_buckets;
  table.references = {{"team", "team"}, {"person", "person"}};
  table.indexes = {{"person", [](std::string_view, const Json& row) -> std::vector<std::string> {
                      return {exact(json_text(row, "person"))};
                    }}};
  registry.add(std::move(table));
  sync::TableDef minor{};
  minor.name = "team_minor";
  minor.buckets = minor_buckets;
  minor.references = {{"team", "team"}, {"person", "person"}};
  registry.add(std::move(minor));
  registry.add(sync::DueDef{std::string(kTeamKeys), kAlways, keys_due});

  const Json who = arg::object({{"team!", arg::short_id()}, {"person!", arg::id()}});
  const Json shown = {{"op", "patch"}, {"tbl", "team_member"}, {"key", "{team}:{person}"}};
  Json asked = shown;
  asked["row"] = {{"team", "{team}"}, {"person", "{person}"}, {"state", "requested"}};
  add(registry, Mutator{.name = "team.join_request",
                        .summary = "Asks to join a team.",
                        .args = who,
                        .permit = self_or_lead,
                        .run = join_request,
                        .effects = Json::array({asked})});
  add(registry, Mutator{.name = "team.confirm",
                        .summary = "Takes a request, or enters somebody who asked by word.",
                        .args = who,
                        .permit = may_lead,
                        .run = take_in,
                        .path = "/teams/{team}/members"});
  Json gone = shown;
  gone["row"] = {{"state", "left"}};
  add(registry, Mutator{.name = "team.leave",
                        .summary = "Leaves a team; hours stay.",
                        .args = who,
                        .permit = self_or_lead,
                        .run = leave,
                        .effects = Json::array({gone}),
                        .path = "/teams/{team}/members/{person}/leave"});
  add(registry, Mutator{.name = "team.set_role",
                        .summary = "Makes a member a lead, or no lead any more.",
                        .args = arg::object({{"team!", arg::short_id()},
                                             {"person!", arg::id()},
                                             {"role!", arg::one_of({"member", "lead"})}}),
                        .permit = may_appoint,
                        .run = set_role,
                        .path = "/teams/{team}/members/{person}/role"});
  add(registry, Mutator{.name = "team.guardian_consent",
                        .summary = "A guardian agrees that a minor serves in the team (VOL-13).",
                        .args = arg::object({{"team!", arg::short_id()},
                                             {"person!", arg::id()},
                                             {"how!", arg::one_of({"tap", "paper"})},
                                             {"witness", arg::text(40)}}),
                        .permit = may_consent,
                        .run = consent,
                        .path = "/teams/{team}/members/{person}/consent"});
  add(registry, Query{.name = "team.members",
                      .summary = "Roster of a team.",
                      .params = arg::object({{"team!", arg::short_id()}}),
                      .permit = may_lead,
                      .run = list_members,
                      .path = "/teams/{team}/members"});
}

}  // namespace linli::community::teams
