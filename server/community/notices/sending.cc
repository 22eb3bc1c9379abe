// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/blobs/module.h"
#include "server/community/membership.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

/// 1/10000 yuan; a million yuan is a mistake.
constexpr std::int64_t kCostMax = 10'000'000'000;

Result<void> require_over_areas(ReadContext& ctx, const Json& audience,
                                std::initializer_list<Role> roles) {
  for (const std::string& area : texts(audience, "areas"))
    LINLI_CHECK(require_any(ctx, roles, area));
  return {};
}

Result<void> may_approve(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", json_text(args, "id")));
  LINLI_CHECK(require_over_areas(ctx, admin->at("audience"), {Role::approver}));
  if (is_author(ctx, *admin, actor_id(ctx)))
    return fail(Errc::same_person, "the author cannot approve");
  return {};
}

/// A warning that is over must not wake anybody.
Result<void> check_open(const Json& content, std::int64_t at_ms) {
  if (is_over(content, at_ms)) return fail(Errc::wrong_state, "valid_to has passed: edit it first");
  return {};
}

/// Who approves answers for the money as well: what was quoted is what is approved (M28).
Result<void> check_cost(const Json& admin, const Json& args) {
  const auto quoted = quoted_cost(admin);
  if (!quoted && args.contains("cost"))
    return fail(Errc::conflict, "the quote is of another version: ask for one again");
  if (!quoted) return {};
  if (json_int(args, "cost", -1) != *quoted)
    return fail(Errc::conflict, "another cost was quoted: look at it again");
  const std::int64_t cap = json_int(admin, "cost_cap");
  if (cap > 0 && *quoted > cap)
    return fail(Errc::wrong_state, "it costs more than its cap: raise the cap or ask fewer people");
  return {};
}

MutatorResult quoted(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  if (args.at("fingerprint") != found->at("fingerprint"))
    return fail(Errc::conflict, "it was changed meanwhile");
  Json admin = *found;
  admin["quote"] = {{"at", now_ms(ctx)}};
  copy_members(args, admin["quote"], {"fingerprint", "persons", "cost"});
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}};
}

MutatorResult approve(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  if (json_text(*found, "state") != "in_review") return fail(Errc::wrong_state, "not in review");
  if (args.at("fingerprint") != found->at("fingerprint"))
    return fail(Errc::conflict, "it was changed after you opened it");
  Json admin = *found;
  LINLI_CHECK(check_cost(admin, args));
  LINLI_CHECK(check_content(admin.at("content")));
  if (!json_bool(admin, "demo")) LINLI_CHECK(blobs::check_arrived(ctx, admin.at("content")));
  LINLI_CHECK(check_open(admin.at("content"), std::max(now_ms(ctx), json_int(admin, "send_at"))));
  admin["approved_by"] = actor_id(ctx);
  admin["approved_at"] = now_ms(ctx);
  admin["approved_persons"] = args.at("persons");
  if (const auto cost = quoted_cost(admin)) admin["approved_cost"] = *cost;
  note(ctx, admin, "approve");
  if (json_int(admin, "send_at") > now_ms(ctx)) {
    admin["state"] = "scheduled";
    ctx.schedule(from_unix_ms(json_int(admin, "send_at")), "notice.send", id);
    put_admin(ctx, id, std::move(admin));
    return Json{{"id", id}, {"state", "scheduled"}};
  }
  LINLI_CHECK(start_sending(ctx, id, std::move(admin), false));
  return Json{{"id", id}, {"state", "sent"}};
}

/// By hand: before its time, or after its time was missed.
MutatorResult send(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  const std::string state = json_text(*found, "state");
  if (state != "scheduled" && state != "missed")
    return fail(Errc::wrong_state, "only a scheduled or a missed notice");
  if (ctx.get("notice_job", id) != nullptr) return fail(Errc::wrong_state, "it is being sent");
  Json admin = *found;
  LINLI_CHECK(check_open(admin.at("content"), now_ms(ctx)));
  ctx.cancel("notice.send", id);
  note(ctx, admin, "send");
  LINLI_CHECK(start_sending(ctx, id, std::move(admin), true));
  return Json{{"id", id}};
}

void send_due(MutatorContext& ctx, std::string_view key, bool missed) {
  const std::string id(key);
  const Row found = ctx.get("notice_admin", id);
  if (found == nullptr || json_text(*found, "state") != "scheduled") return;
  Json admin = *found;
  if (missed || is_over(admin.at("content"), now_ms(ctx))) {
    admin["state"] = "missed";
    note(ctx, admin, "missed");
    put_admin(ctx, id, std::move(admin));
    return;
  }
  note(ctx, admin, "due");
  ignore(start_sending(ctx, id, std::move(admin), true), "its audience was checked at approval");
}

void expire_due(MutatorContext& ctx, std::string_view key, bool /*missed*/) {
  const std::string id(key);
  const Row found = ctx.get("notice_admin", id);
  if (found == nullptr || !is_live(*found)) return;
  Json admin = *found;
  admin["state"] = "expired";
  note(ctx, admin, "expired");
  if (ctx.get("notice", id) != nullptr) put_public(ctx, id, admin);
  ctx.outbox("notice_ended", {{"notice", id}, {"why", "expired"}});
  put_admin(ctx, id, std::move(admin));
}

/// After kKeep the row leaves the phones; the record and its counts stay with the office.
void archive_due(MutatorContext& ctx, std::string_view key, bool /*missed*/) {
  const std::string id(key);
  const Row found = ctx.get("notice_admin", id);
  if (found == nullptr) return;
  Json admin = *found;
  if (is_live(admin)) ctx.outbox("notice_ended", {{"notice", id}, {"why", "archived"}});
  admin["state"] = "archived";
  note(ctx, admin, "archived");
  ctx.del("notice", id);
  const std::int64_t snap = json_int(admin, "snap");
  put_admin(ctx, id, std::move(admin));
  start_sweep(ctx, id, snap + 1, true);
}

Result<void> may_correct(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", json_text(args, "id")));
  LINLI_CHECK(require_over_areas(ctx, admin->at("audience"), {Role::editor, Role::approver}));
  const bool reaches_further = args.contains("audience") || args.contains("severity");
  if (!reaches_further) return {};
  // Other people or another colour is a second person's decision, as the first sending was.
  if (args.contains("audience")) {
    LINLI_CHECK(check_audience(ctx, args.at("audience")));
    LINLI_CHECK(may_use_tags(ctx, args.at("audience")));
    LINLI_CHECK(require_over_areas(ctx, args.at("audience"), {Role::approver}));
  }
  LINLI_CHECK(require_over_areas(ctx, admin->at("audience"), {Role::approver}));
  if (is_author(ctx, *admin, actor_id(ctx)))
    return fail(Errc::same_person, "the author cannot approve");
  return {};
}

/// Worse sounds again, milder is silent, a mended text keeps what it had: a phone that heard it
/// stays silent by incident and colour, one that comes back later still sounds (RAIN-4, E9).
bool alert_after(const Json& admin, const Json& before) {
  const Json& content = admin.at("content");
  const int was = severity_rank(json_text(before, "severity"));
  const int is = severity_rank(json_text(content, "severity"));
  if (json_bool(content, "drill") || is < was) return false;
  return is > was ? is_urgent(content) : json_bool(admin, "alert");
}

}  // namespace

bool is_worse(const Json& before, const Json& content) {
  return is_urgent(content) && severity_rank(json_text(content, "severity")) >
                                   severity_rank(json_text(before, "severity"));
}

MutatorResult correct(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  if (!is_live(*found) || ctx.get("notice", id) == nullptr)
    return fail(Errc::wrong_state, "it is not out");
  Json admin = *found;
  const Json before = admin.at("content");
  copy_members(args, admin["content"],
               {"title", "action_line", "body", "severity", "valid_to", "images", "voice"});
  if (json_bool(args, "no_voice")) admin["content"].erase("voice");
  LINLI_CHECK(check_content(admin.at("content")));
  if (args.contains("images") || args.contains("voice"))
    LINLI_CHECK(blobs::check_arrived(ctx, admin.at("content")));
  LINLI_CHECK(check_open(admin.at("content"), now_ms(ctx)));
  if (lane_of(before) != lane_of(admin.at("content")))
    return fail(Errc::invalid_argument, "write a new notice: this one would change its urgency");
  const bool new_audience =
      args.contains("audience") && args.at("audience") != admin.at("audience");
  if (new_audience) LINLI_CHECK(check_drill(admin.at("content"), args.at("audience")));
  const bool reopens = is_worse(before, admin.at("content"));
  if ((new_audience || reopens) && ctx.get("notice_job", id) != nullptr)
    return fail(Errc::wrong_state, "it is still being sent; try again in a moment");
  admin["alert"] = alert_after(admin, before);
  admin["state"] = "corrected";
  admin["corrected_at"] = now_ms(ctx);
  admin["rev"] = json_int(admin, "rev") + 1;
  note(ctx, admin, "correct", json_text(args, "reason"));
  keep_version(ctx, id, admin, "corrected");
  if (const std::int64_t to = json_int(admin.at("content"), "valid_to"); to != 0)
    ctx.schedule(from_unix_ms(to), "notice.expire", id);
  if (reopens) {
    // Who knew of the orange warning does not know of the red one: everybody is asked again.
    admin["ask"] = ask_of(admin) + 1;
    admin["asked_at"] = now_ms(ctx);
  }
  if (new_audience) {
    admin["audience"] = args.at("audience");
    LINLI_CHECK(start_resnapshot(ctx, id, admin));
  } else if (reopens) {
    start_recount(ctx, id, admin);
  }
  put_public(ctx, id, admin);
  Json change = gateway_row(ctx, id, admin);
  change["what"] = "correction";
  change["alert"] = admin.at("alert");
  ctx.outbox("notice_changed", change);
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}};
}

namespace {

/// Halts what the channels have not sent yet; what is out stays out (F6). The notice itself stays
/// on the phones: withdrawing it is another decision.
MutatorResult stop(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  if (!is_live(*found)) return fail(Errc::wrong_state, "it is not out");
  if (json_bool(*found, "stopped")) return fail(Errc::wrong_state, "it was stopped before");
  Json admin = *found;
  admin["stopped"] = true;
  note(ctx, admin, "stop", json_text(args, "reason"));
  ctx.outbox("notice_stopped", {{"notice", id}});
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}};
}

/// Repeats what was approved to those who have not answered; the gateway knows who they are.
MutatorResult remind(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  if (!is_live(*found)) return fail(Errc::wrong_state, "it is not out");
  if (json_bool(*found, "stopped")) return fail(Errc::wrong_state, "its sending was stopped");
  if (!json_bool(found->at("content"), "needs_ack"))
    return fail(Errc::wrong_state, "it asks for no answer");
  const Instant last = from_unix_ms(json_int(*found, "reminded_at", json_int(*found, "sent_at")));
  if (ctx.now() < last + kRemindAgain)
    return fail(Errc::wrong_state, "reminded less than five minutes ago");
  const std::int64_t count = json_int(*found, "reminds") + 1;
  if (count > kRemindsMax) return fail(Errc::wrong_state, "reminded often enough: go there");
  Json admin = *found;
  admin["reminds"] = count;
  admin["reminded_at"] = now_ms(ctx);
  note(ctx, admin, "reminded");
  ctx.outbox("notice_reminded", {{"notice", id}});
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}, {"reminds", count}};
}

Result<void> may_remind(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", json_text(args, "id")));
  return require_over_areas(ctx, admin->at("audience"),
                            {Role::editor, Role::approver, Role::window});
}

Result<void> may_withdraw(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", json_text(args, "id")));
  return require_over_areas(ctx, admin->at("audience"), {Role::editor, Role::approver});
}

/// A notice vanishes from phones; a warning leaves a silent stub that says it is over.
MutatorResult withdraw(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  const std::string state = json_text(*found, "state");
  // An expired one still stands on the phones, and may hold what never should have been there.
  if (!is_live(*found) && state != "scheduled" && state != "missed" && state != "expired")
    return fail(Errc::wrong_state, "it is not out");
  Json admin = *found;
  admin["state"] = "withdrawn";
  admin["withdrawn_at"] = now_ms(ctx);
  admin["alert"] = false;
  note(ctx, admin, "withdraw", json_text(args, "reason"));
  ctx.cancel("notice.send", id);
  ctx.cancel("notice.expire", id);
  if (ctx.get("notice", id) != nullptr) {
    if (is_urgent(admin.at("content")))
      put_public(ctx, id, admin);
    else
      ctx.del("notice", id);
  }
  ctx.outbox("notice_ended", {{"notice", id}, {"why", "withdrawn"}, {"alert", false}});
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}};
}

}  // namespace

void declare_sending(sync::Registry& registry) {
  const Json only_id = arg::object({{"id!", arg::short_id()}});
  add(registry, Mutator{.name = "notice.quoted",
                        .summary = "What the gateway says that sending this version costs.",
                        .args = arg::object({{"id!", arg::short_id()},
                                             {"fingerprint!", arg::hex(16)},
                                             {"persons!", arg::integer(0, 10'000'000)},
                                             {"cost!", arg::integer(0, kCostMax)}}),
                        .permit = system_only,
                        .run = quoted,
                        .internal = true});
  add(registry, Mutator{.name = "notice.approve",
                        .summary = "A second person lets a notice out, now or at its time.",
                        .args = arg::object({{"id!", arg::short_id()},
                                             {"fingerprint!", arg::hex(16)},
                                             {"persons!", arg::integer(0, 10'000'000)},
                                             {"cost", arg::integer(0, kCostMax)}}),
                        .permit = may_approve,
                        .run = approve,
                        .online_only = true,
                        .needs_elevation = true,
                        .path = "/notices/{id}/approve"});
  add(registry, Mutator{.name = "notice.send",
                        .summary = "Sends a scheduled or missed notice by hand.",
                        .args = only_id,
                        .permit = may_approve,
                        .run = send,
                        .online_only = true,
                        .needs_elevation = true,
                        .path = "/notices/{id}/send"});
  add(registry,
      Mutator{.name = "notice.correct",
              .summary =
                  "Replaces what it says everywhere; another audience or colour needs an approver.",
              .args = arg::object(
                  {{"id!", arg::short_id()},
                   {"title", arg::text(60, 1)},
                   {"action_line", arg::text(kActionLineMax)},
                   {"body", arg::text(8000)},
                   {"severity", arg::one_of({"none", "blue", "yellow", "orange", "red"})},
                   {"valid_to", arg::instant()},
                   {"images", blobs::images_schema()},
                   {"voice", blobs::voice_schema()},
                   {"no_voice", arg::flag()},
                   {"audience", audience_schema()},
                   {"reason", arg::text(200)}}),
              .permit = may_correct,
              .run = correct,
              .online_only = true,
              .needs_elevation = true,
              .path = "/notices/{id}/correct"});
  add(registry,
      Mutator{.name = "notice.stop",
              .summary = "停止发送: halts push, SMS and calls that have not gone out.",
              .args = arg::object({{"id!", arg::short_id()}, {"reason!", arg::text(200, 1)}}),
              .permit = may_withdraw,
              .run = stop,
              .online_only = true,
              .path = "/notices/{id}/stop"});
  add(registry, Mutator{.name = "notice.remind",
                        .summary = "Tells those who have not answered once more, at most every "
                                   "five minutes (NTC-10).",
                        .args = arg::object({{"id!", arg::short_id()}}),
                        .permit = may_remind,
                        .run = remind,
                        .online_only = true,
                        .path = "/notices/{id}/remind"});
  add(registry, Mutator{.name = "notice.withdraw",
                        .summary = "Takes a notice back from every phone; never sounds.",
                        .args = arg::object({{"id!", arg::short_id()}, {"reason", arg::text(200)}}),
                        .permit = may_withdraw,
                        .run = withdraw,
                        .online_only = true,
                        .path = "/notices/{id}/withdraw"});
  registry.add(sync::DueDef{"notice.send", kSendGrace, send_due});
  constexpr std::chrono::hours kAlways{24 * 365 * 10};
  registry.add(sync::DueDef{"notice.expire", kAlways, expire_due});
  registry.add(sync::DueDef{"notice.archive", kAlways, archive_due});
  registry.add(sync::DueDef{"notice.fanout", kAlways, run_fanout});
  registry.add(sync::DueDef{std::string(kPersonChanged), kAlways, recount_person});
}

}  // namespace linli::community::notices
