// SPDX-License-Identifier: Apache-2.0
#include "server/community/notices/standing_rule.h"

#include <algorithm>

#include "server/community/membership.h"
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

constexpr std::string_view kVetoDue = "warning.veto";
/// There is one rule; its row has this key.
constexpr const char* kRule = "weather";
constexpr std::size_t kRuleHistoryMax = 50;
/// A server that was down so long asks a person.
constexpr std::chrono::minutes kVetoGrace{10};

/// How long a countdown that is over waits for the sending before.
constexpr std::chrono::seconds kBusyWait{5};

const Permit kApprovers = allow({Role::approver});
const Permit kMayVeto = allow({Role::editor, Role::approver, Role::window});

Json rule_row(ReadContext& ctx) {
  const Row row = ctx.get("standing_rule", kRule);
  return row ? *row : Json{{"state", "off"}, {"history", Json::array()}};
}

void put_rule(MutatorContext& ctx, Json row, const char* what) {
  row["history"].push_back({{"at", now_ms(ctx)}, {"by", actor_id(ctx)}, {"what", what}});
  if (row["history"].size() > kRuleHistoryMax) row["history"].erase(row["history"].begin());
  ctx.put("standing_rule", kRule, std::move(row));
}

MutatorResult propose_rule(MutatorContext& ctx, const Json& /*args*/) {
  Json row = rule_row(ctx);
  if (json_text(row, "state") != "off")
    return fail(Errc::wrong_state, "a rule exists: end it first");
  row["state"] = "proposed";
  row["proposed_by"] = actor_id(ctx);
  put_rule(ctx, std::move(row), "propose");
  return Json{{"state", "proposed"}};
}

MutatorResult sign_rule(MutatorContext& ctx, const Json& /*args*/) {
  Json row = rule_row(ctx);
  if (json_text(row, "state") != "proposed") return fail(Errc::wrong_state, "nothing is proposed");
  if (is_same_person(ctx, actor_id(ctx), json_text(row, "proposed_by")))
    return fail(Errc::same_person, "another person has to sign it");
  row["state"] = "active";
  row["signed_by"] = actor_id(ctx);
  put_rule(ctx, std::move(row), "sign");
  return Json{{"state", "active"}};
}

MutatorResult end_rule(MutatorContext& ctx, const Json& /*args*/) {
  Json row = rule_row(ctx);
  if (json_text(row, "state") == "off") return fail(Errc::wrong_state, "there is no rule");
  row["state"] = "off";
  for (const char* member : {"proposed_by", "signed_by"}) row.erase(member);
  put_rule(ctx, std::move(row), "end");
  return Json{{"state", "off"}};
}

MutatorResult veto(MutatorContext& ctx, const Json& args) {
  const std::string incident = json_text(args, "incident");
  LINLI_TRY(const Row found, need(ctx, "warning", incident));
  if (!found->contains("veto_until")) return fail(Errc::wrong_state, "nothing is about to go out");
  Json row = *found;
  stop_veto(ctx, incident, row);
  row["vetoed_by"] = actor_id(ctx);
  row["vetoed_at"] = now_ms(ctx);
  ctx.put("warning", incident, std::move(row));
  if (const Row admin = ctx.get("notice_admin", json_text(*found, "notice")); admin != nullptr) {
    Json next = *admin;
    note(ctx, next, "veto", json_text(args, "reason"));
    put_admin(ctx, json_text(*found, "notice"), std::move(next));
  }
  return Json{{"incident", incident}};
}

/// The draft as it stands, approved by the rule.
Result<void> send_draft(MutatorContext& ctx, const std::string& id, Json admin) {
  if (is_over(admin.at("content"), now_ms(ctx))) return fail(Errc::wrong_state, "it is over");
  const Json rule = rule_row(ctx);
  admin["approved_by"] = "rule";
  admin["approved_at"] = now_ms(ctx);
  admin["approved_persons"] = 0;
  admin["rule"] = {{"proposed_by", rule.at("proposed_by")}, {"signed_by", rule.at("signed_by")}};
  note(ctx, admin, "approve", "by the standing rule, nobody objected");
  return start_sending(ctx, id, std::move(admin), false);
}

/// What the sender proposes for the notice that is out, done by the rule.
Result<void> send_correction(MutatorContext& ctx, const std::string& id, const Json& proposal) {
  Json args = {{"id", id}, {"reason", "by the standing rule, nobody objected"}};
  copy_members(proposal, args,
               {"title", "severity", "action_line", "body", "valid_to", "audience"});
  LINLI_CHECK(correct(ctx, args));
  const Json rule = rule_row(ctx);
  Json admin = *ctx.get("notice_admin", id);
  admin["rule"] = {{"proposed_by", rule.at("proposed_by")}, {"signed_by", rule.at("signed_by")}};
  put_admin(ctx, id, std::move(admin));
  return {};
}

/// What the countdown is for: another text, or a notice that somebody sent or corrected, ends it.
std::string subject_of(const Json& admin, const Json& row) {
  std::string out = json_text(admin, "state") + ":" + std::to_string(json_int(admin, "rev")) + ":" +
                    json_text(admin, "fingerprint");
  if (is_live(admin)) out += ":" + json_text(row, "alert");
  return out;
}

/// A worse colour of what is out; everything else that changes is a person's to send.
bool escalates(const Json& admin, const Json& row) {
  if (!is_live(admin) || !row.contains("proposal")) return false;
  const Json& proposal = row.at("proposal");
  return json_text(proposal, "what") == "correct" && is_worse(admin.at("content"), proposal);
}

/// The sending before is still being counted, and a correction has to wait for its end.
bool is_busy(ReadContext& ctx, const Json& row) {
  return !json_bool(row, "drill") && ctx.get("notice_job", json_text(row, "notice")) != nullptr;
}

/// What became of the countdown.
const char* end_countdown(MutatorContext& ctx, Json& row, const std::string& of) {
  const std::string id = json_text(row, "notice");
  const Row admin = ctx.get("notice_admin", id);
  if (json_bool(row, "drill")) return "drilled";
  // Changed meanwhile: a person has it in hand.
  const bool is_same = admin != nullptr && subject_of(*admin, row) == of;
  if (!is_same || json_text(rule_row(ctx), "state") != "active") return "not_applied";
  if (!is_live(*admin)) return send_draft(ctx, id, *admin) ? "sent" : "not_applied";
  if (!escalates(*admin, row)) return "not_applied";
  if (!send_correction(ctx, id, row.at("proposal"))) return "not_applied";
  row.erase("proposal");
  return "sent";
}

void veto_due(MutatorContext& ctx, std::string_view key, bool missed) {
  const std::string incident(key);
  const Row found = ctx.get("warning", incident);
  if (found == nullptr || !found->contains("veto_until")) return;
  if (!missed && is_busy(ctx, *found))
    return ctx.schedule(ctx.now() + kBusyWait, kVetoDue, incident);
  Json row = *found;
  const std::string of = json_text(row, "veto_of");
  for (const char* member : {"veto_until", "veto_of", "veto_since"}) row.erase(member);
  row["rule"] = missed ? "missed" : end_countdown(ctx, row, of);
  ctx.put("warning", incident, std::move(row));
}

Result<Json> rule(ReadContext& ctx, const Json& /*params*/) { return rule_row(ctx); }

}  // namespace

void start_veto(MutatorContext& ctx, const std::string& incident, bool by_rule, Json& row) {
  const Row admin = ctx.get("notice_admin", json_text(row, "notice"));
  const bool waits =
      admin != nullptr && (json_text(*admin, "state") == "in_review" || escalates(*admin, row));
  const bool holds = json_bool(row, "drill") || json_text(rule_row(ctx), "state") == "active";
  if (!by_rule || !holds || !waits || row.contains("vetoed_by"))
    return stop_veto(ctx, incident, row);
  // Another text gets its own two minutes, but a storm of updates must not put the sending off.
  if (!row.contains("veto_until")) row["veto_since"] = now_ms(ctx);
  const Instant until = std::min<Instant>(ctx.now() + kVetoTime,
                                          from_unix_ms(json_int(row, "veto_since")) + kVetoMax);
  row["veto_until"] = to_unix_ms(until);
  row["veto_of"] = subject_of(*admin, row);
  ctx.schedule(until, kVetoDue, incident);
}

void stop_veto(MutatorContext& ctx, const std::string& incident, Json& row) {
  row.erase("veto_until");
  row.erase("veto_of");
  row.erase("veto_since");
  ctx.cancel(kVetoDue, incident);
}

void declare_standing_rule(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "standing_rule";
  registry.add(std::move(table));
  registry.add(sync::DueDef{std::string(kVetoDue), kVetoGrace, veto_due});
  const auto add_step = [&](const char* name, const char* summary, Run run, const char* path) {
    add(registry, Mutator{.name = name,
                          .summary = summary,
                          .args = arg::object({}),
                          .permit = kApprovers,
                          .run = std::move(run),
                          .online_only = true,
                          .needs_elevation = true,
                          .path = path});
  };
  add_step("warning.propose_rule",
           "Proposes that verified red warnings go out by themselves after two minutes.",
           propose_rule, "/warnings/rule/propose");
  add_step("warning.sign_rule", "A second person signs the standing rule.", sign_rule,
           "/warnings/rule/sign");
  add_step("warning.end_rule", "Ends the standing rule, or what was proposed.", end_rule,
           "/warnings/rule/end");
  add(registry,
      Mutator{.name = "warning.veto",
              .summary = "Stops what the standing rule is about to send.",
              .args = arg::object({{"incident!", arg::short_id()}, {"reason!", arg::text(200, 1)}}),
              .permit = kMayVeto,
              .run = veto,
              .online_only = true,
              .path = "/warnings/{incident}/veto"});
  add(registry, Query{.name = "warning.rule",
                      .summary = "The standing rule: off, proposed or active, and by whom.",
                      .params = arg::object({}),
                      .permit = kMayVeto,
                      .run = rule,
                      .path = "/warnings/rule"});
}

}  // namespace linli::community::notices
