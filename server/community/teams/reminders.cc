// SPDX-License-Identifier: Apache-2.0
// VOL-8: who is still checked in when a shift has ended hears of it once, before it is closed.
//
// For the gateway a reminder is a message of the quietest policy, `tell`: push, no SMS, no knock,
// quiet hours and the daily cap hold, and it is over when the shift is closed. The office sees no
// notice of it. Who it goes to is asked when it goes out, so whoever checked out meanwhile is left
// alone; who checks out later ends the ladder as an answer does.

#include "server/community/teams/reminders.h"

#include "server/community/notices/recipients.h"
#include "server/community/roles.h"

namespace linli::community::teams {
namespace {

constexpr std::string_view kShiftRemind = "shift.remind";
/// After the planned end: time to say goodbye and to press the button unasked.
constexpr std::int64_t kRemindAfterMs = 5LL * 60 * 1000;
/// Members of one page for the gateway.
constexpr std::size_t kRemindPage = 100;

/// As a notice's id, within its length.
std::string reminder_id(std::string_view shift) {
  return std::string(kReminderPrefix) + hex_of(text_hash(shift));
}

/// A server that was down until the shift was closed reminds nobody.
void remind_due(MutatorContext& ctx, std::string_view at, bool /*missed*/) {
  const std::string shift(at);
  const Row row = ctx.get("shift", shift);
  const std::string id = reminder_id(shift);
  if (row == nullptr || ctx.get("shift_reminder", id) != nullptr) return;
  const std::int64_t closes = json_int(*row, "to") + kCloseAfterMs;
  const std::string state = json_text(*row, "state");
  if (state == "cancelled" || state == "closed" || closes <= now_ms(ctx)) return;
  if (keys_of(ctx, "hours.open", shift, 1).empty()) return;
  ctx.put("shift_reminder", id, {{"shift", shift}});
  Json told = {{"notice", id},
               {"rev", 1},
               {"ask", 0},
               {"urgent", false},
               {"needs_ack", false},
               {"category", kReminderCategory},
               {"title", "还没有签退"},
               {"action_line", "“" + json_text(*row, "title") + "”已经结束，回家前请签退。"},
               {"valid_to", closes}};
  const Row area = ctx.get("area", json_text(*row, "community"));
  if (area != nullptr) told["community"] = area->at("name");
  ctx.outbox("notice_sent", told);
}

/// Family is not told where somebody serves; a walk-up has no record of where to reach them.
std::optional<Json> recipient(ReadContext& ctx, const std::string& person) {
  const Row row = is_walk_up(person) ? nullptr : ctx.get("person", person);
  if (row == nullptr || json_text(*row, "state") != "active") return std::nullopt;
  Json out = notices::contact_of(ctx, person);
  out["helpers"] = Json::array();
  return out;
}

bool is_still_in(ReadContext& ctx, const std::string& shift, const std::string& person) {
  const Row hours = ctx.get("hours", pair_key(shift, person));
  return hours != nullptr && json_text(*hours, "state") == "open";
}

Result<Json> recipients(ReadContext& ctx, const Json& params) {
  LINLI_TRY(const Row reminder, need(ctx, "shift_reminder", json_text(params, "id")));
  const std::string shift = json_text(*reminder, "shift");
  Json out = {{"recipients", Json::array()}, {"next", ""}, {"done", true}};
  if (const std::string person = json_text(params, "person"); !person.empty()) {
    auto who = is_still_in(ctx, shift, person) ? recipient(ctx, person) : std::nullopt;
    if (who) out["recipients"].push_back(std::move(*who));
    return out;
  }
  const auto hits = ctx.scan("hours.open", exact(shift), parse_cursor(params), kRemindPage);
  for (const sync::IndexHit& hit : hits)
    if (auto who = recipient(ctx, hit.key.substr(shift.size() + 1)))
      out["recipients"].push_back(std::move(*who));
  if (hits.size() < kRemindPage) return out;
  out["next"] = cursor_text(hits.back());
  out["done"] = false;
  return out;
}

}  // namespace

void schedule_reminder(MutatorContext& ctx, const std::string& shift, std::int64_t to) {
  ctx.schedule(from_unix_ms(to + kRemindAfterMs), kShiftRemind, shift);
}

void end_reminder(MutatorContext& ctx, const std::string& shift, const std::string& person) {
  const std::string id = reminder_id(shift);
  if (ctx.get("shift_reminder", id) != nullptr)
    ctx.outbox("person_acked", {{"notice", id}, {"person", person}});
}

void declare_reminders(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "shift_reminder";
  registry.add(std::move(table));
  registry.add(sync::DueDef{std::string(kShiftRemind), Millis{kCloseAfterMs}, remind_due});
  add(registry,
      Query{.name = "shift.recipients",
            .summary = "Whom the gateway reminds to check out, page by page.",
            .params = arg::object(
                {{"id!", arg::short_id()}, {"after", arg::text(128)}, {"person", arg::id()}}),
            .permit = system_only,
            .run = recipients});
}

}  // namespace linli::community::teams
