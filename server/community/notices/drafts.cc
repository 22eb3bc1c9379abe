// SPDX-License-Identifier: Apache-2.0
#include "server/community/blobs/module.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

const Permit kEditors = allow({Role::editor, Role::approver});

Json content_schema() {
  return arg::object({{"id", arg::short_id()},
                      {"category!", category_schema()},
                      {"title!", arg::text(60, 1)},
                      {"action_line", arg::text(kActionLineMax)},
                      {"body", arg::text(8000)},
                      {"voice", blobs::voice_schema()},
                      {"no_voice", arg::flag()},
                      {"images", blobs::images_schema()},
                      {"severity", arg::one_of({"none", "blue", "yellow", "orange", "red"})},
                      {"incident", arg::short_id()},
                      {"event", arg::text(40)},
                      {"valid_from", arg::instant()},
                      {"valid_to", arg::instant()},
                      {"needs_ack", arg::flag()},
                      {"drill", arg::flag()},
                      {"audience!", audience_schema()},
                      {"send_at", arg::instant()},
                      {"cost_cap", arg::integer(0, 100'000'000)},
                      {"demo", arg::flag()}});
}

}  // namespace

Json category_schema() {
  return arg::one_of(
      {"dangjian", "events", "latest", "policy", "weather", "living", "farming", "urgent"});
}

Result<void> may_draft(ReadContext& ctx, const Json& args) {
  LINLI_CHECK(check_audience(ctx, args.at("audience")));
  LINLI_CHECK(may_use_tags(ctx, args.at("audience")));
  for (const std::string& area : texts(args.at("audience"), "areas"))
    LINLI_CHECK(require_any(
        ctx, {Role::editor, Role::approver, Role::window, Role::grid, Role::lead, Role::partner},
        area));
  return {};
}

namespace {

std::string community_of(ReadContext& ctx, const Json& audience) {
  for (const std::string& area : texts(audience, "areas"))
    if (const Row row = ctx.get("area", area); row != nullptr)
      if (const std::string community = json_text(*row, "community"); !community.empty())
        return community;
  const auto nodes = keys_of(ctx, "area.kind", "community", 1);
  return nodes.empty() ? std::string{} : nodes.front();
}

void fill(MutatorContext& ctx, const std::string& id, const Json& args, Json& admin) {
  Json& content = admin["content"];
  if (!content.is_object()) content = {{"severity", "none"}, {"needs_ack", false}};
  for (const char* member : kContent)
    if (args.contains(member)) content[member] = args.at(member);
  if (json_bool(args, "no_voice")) content.erase("voice");
  copy_members(args, admin, {"audience", "send_at", "cost_cap"});
  admin["community"] = community_of(ctx, admin.at("audience"));
  const Row community = ctx.get("area", json_text(admin, "community"));
  if (community != nullptr) content["issuer"] = community->at("name");
  if (is_urgent(content)) {
    content["needs_ack"] = true;
    // One incident keeps its id over corrections, so that it sounds once per colour (E9).
    if (!content.contains("incident")) content["incident"] = id;
  }
  // Whoever wrote any of it may not approve it.
  admin["author"] = actor_id(ctx);
  add_text(admin, "authors", actor_id(ctx));
  admin["rev"] = json_int(admin, "rev") + 1;
  admin["fingerprint"] = approval_hash(admin);
}

Result<void> check_filled(const Json& admin) {
  LINLI_CHECK(check_content(admin.at("content")));
  LINLI_CHECK(check_drill(admin.at("content"), admin.at("audience")));
  const std::int64_t at = json_int(admin, "send_at");
  if (at != 0 && is_over(admin.at("content"), at))
    return fail(Errc::invalid_argument, "valid_to: lies before send_at");
  return {};
}

}  // namespace

Result<void> draft_by_system(MutatorContext& ctx, const std::string& id, const Json& content) {
  LINLI_CHECK(check_audience(ctx, content.at("audience")));
  const Row found = ctx.get("notice_admin", id);
  Json admin = found ? *found
                     : Json{{"state", "draft"},
                            {"created_at", now_ms(ctx)},
                            {"snap", 0},
                            {"to", Json::array()}};
  fill(ctx, id, content, admin);
  LINLI_CHECK(check_filled(admin));
  admin["state"] = "in_review";
  admin["submitted_at"] = now_ms(ctx);
  note(ctx, admin, found ? "edit" : "draft", "as the feed says");
  put_admin(ctx, id, std::move(admin));
  return {};
}

namespace {

MutatorResult draft(MutatorContext& ctx, const Json& args) {
  std::string id = json_text(args, "id");
  if (id.empty()) id = ctx.new_id().substr(0, 24);
  // The gateway would take it for a reminder (teams/reminders.h) and tell nobody of it.
  if (id.starts_with(kReservedIds))
    return fail(Errc::invalid_argument, "ids that begin with shift- are those of reminders");
  if (ctx.get("notice_admin", id) != nullptr) return fail(Errc::conflict, "the notice exists");
  Json admin = {
      {"state", "draft"}, {"created_at", now_ms(ctx)}, {"snap", 0}, {"to", Json::array()}};
  if (args.contains("demo")) admin["demo"] = args.at("demo");
  fill(ctx, id, args, admin);
  LINLI_CHECK(check_filled(admin));
  note(ctx, admin, "draft");
  const std::string hash = json_text(admin, "fingerprint");
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}, {"fingerprint", hash}};
}

Result<void> may_edit(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", json_text(args, "id")));
  const Json& audience = args.contains("audience") ? args.at("audience") : admin->at("audience");
  LINLI_CHECK(may_draft(ctx, Json{{"audience", audience}}));
  if (json_text(*admin, "author") == actor_id(ctx)) return {};
  return kEditors(ctx, args);
}

/// An edit voids submission and approval; the rejected and the missed become drafts again.
MutatorResult edit(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  const std::string state = json_text(*found, "state");
  if (state != "draft" && state != "in_review" && state != "rejected" && state != "scheduled" &&
      state != "missed")
    return fail(Errc::wrong_state, "it is out: use notice.correct");
  if (ctx.get("notice_job", id) != nullptr)
    return fail(Errc::wrong_state, "it is being sent: use notice.correct");
  Json admin = *found;
  fill(ctx, id, args, admin);
  LINLI_CHECK(check_filled(admin));
  admin["state"] = "draft";
  for (const char* member :
       {"approved_by", "approved_at", "approved_persons", "approved_cost", "quote"})
    admin.erase(member);
  ctx.cancel("notice.send", id);
  note(ctx, admin, "edit");
  const std::string hash = json_text(admin, "fingerprint");
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}, {"fingerprint", hash}};
}

MutatorResult submit(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  if (json_text(*found, "state") != "draft") return fail(Errc::wrong_state, "only a draft");
  Json admin = *found;
  admin["state"] = "in_review";
  admin["submitted_at"] = now_ms(ctx);
  note(ctx, admin, "submit");
  keep_version(ctx, id, admin, "submitted");
  const std::string hash = json_text(admin, "fingerprint");
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}, {"fingerprint", hash}};
}

MutatorResult reject(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "notice_admin", id));
  if (json_text(*found, "state") != "in_review") return fail(Errc::wrong_state, "not in review");
  Json admin = *found;
  admin["state"] = "rejected";
  note(ctx, admin, "reject", json_text(args, "reason"));
  put_admin(ctx, id, std::move(admin));
  return Json{{"id", id}};
}

Result<void> may_approve_area(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", json_text(args, "id")));
  for (const std::string& area : texts(admin->at("audience"), "areas"))
    LINLI_CHECK(require_any(ctx, {Role::approver}, area));
  return {};
}

}  // namespace

void declare_drafts(sync::Registry& registry) {
  Json editing = content_schema();
  editing["required"] = Json::array({"id"});
  add(registry,
      Mutator{.name = "notice.draft",
              .summary = "Writes a notice; nothing leaves before another person approves.",
              .args = content_schema(),
              .permit = may_draft,
              .run = draft,
              .path = "/notices"});
  add(registry, Mutator{.name = "notice.edit",
                        .summary = "Changes a notice that is not out; voids its approval.",
                        .args = std::move(editing),
                        .permit = may_edit,
                        .run = edit,
                        .method = "PATCH",
                        .path = "/notices/{id}"});
  add(registry, Mutator{.name = "notice.submit",
                        .summary = "Hands a draft to the approver.",
                        .args = arg::object({{"id!", arg::short_id()}}),
                        .permit = may_edit,
                        .run = submit,
                        .path = "/notices/{id}/submit"});
  add(registry,
      Mutator{.name = "notice.reject",
              .summary = "Sends a notice back with a reason; it is kept.",
              .args = arg::object({{"id!", arg::short_id()}, {"reason!", arg::text(200, 2)}}),
              .permit = may_approve_area,
              .run = reject,
              .path = "/notices/{id}/reject"});
}

}  // namespace linli::community::notices
