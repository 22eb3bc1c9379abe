// SPDX-License-Identifier: Apache-2.0
// Storing hours, and counting once what overlaps.
#include <algorithm>

#include "server/community/membership.h"
#include "server/community/teams/hours.h"
#include "server/community/teams/reminders.h"

namespace linli::community::teams {
namespace {

/// Shifts of one person within three days.
constexpr std::size_t kNearMax = 60;
constexpr std::int64_t kNearMs = 36LL * 3600 * 1000;
/// Each writes two rows and more: well below limits::kMutationRowsMax.
constexpr std::size_t kCloseStep = 20;

bool is_counting(const Json& row) {
  return json_int(row, "in_at") != 0 && json_text(row, "state") != "void";
}

/// When 公示 has ended, the hours are ready to be finalised.
void mark_ready(const ReadContext& ctx, Json& row) {
  if (json_text(row, "state") == "publicised" && json_int(row, "until") <= now_ms(ctx))
    row["ready"] = true;
}

/// While 公示 lasts the team has a row of it, and a due row sees to its end (decision M8).
void publish(MutatorContext& ctx, const std::string& key, const Json& row) {
  if (json_text(row, "state") != "publicised" || row.contains("ready")) {
    if (ctx.get("publicity", key) != nullptr) ctx.del("publicity", key);
    return;
  }
  Json shown = Json::object();
  copy_members(row, shown, {"team", "name", "title", "day", "minutes", "until"});
  ctx.put("publicity", key, std::move(shown));
  ctx.schedule(from_unix_ms(json_int(row, "until")), kPublicityEnd, key);
}

}  // namespace

std::vector<std::string> neighbours(ReadContext& ctx, const Json& hours) {
  const std::string person = json_text(hours, "person");
  const std::int64_t from = std::max<std::int64_t>(0, json_int(hours, "in_at") - kNearMs);
  const std::int64_t to = std::max(json_int(hours, "in_at"), json_int(hours, "out_at")) + kNearMs;
  const sync::IndexHit start{exact(person) + newest_first(to), ""};
  std::vector<std::string> out;
  for (const sync::IndexHit& hit : ctx.scan("hours.person", exact(person), start, kNearMax)) {
    if (hit.value > exact(person) + newest_first(from)) break;
    out.push_back(hit.key);
  }
  return out;
}

void count_rows(std::vector<std::pair<std::string, Json>>& rows) {
  std::vector<checkin::Span> spans;
  for (const auto& [key, row] : rows) {
    if (!is_counting(row)) continue;
    const std::int64_t from = json_int(row, "in_at");
    spans.push_back(
        {key, from, std::max(from, json_int(row, "out_at")), json_int(row, "minutes"), 0, {}});
  }
  checkin::count_once(spans, kZoneMs);
  for (auto& [key, row] : rows) {
    const auto span = std::ranges::find(spans, key, &checkin::Span::key);
    checkin::Flags flags;
    for (const std::string& flag : texts(row, "flags"))
      if (flag != "overlap" && flag != "over_10h") flags.insert(flag);
    if (span != spans.end()) flags.insert(span->flags.begin(), span->flags.end());
    row["flags"] = flags;
    if (!is_settled(row)) row["counted"] = span == spans.end() ? 0 : span->counted;
  }
}

Json recompute(MutatorContext& ctx, const std::string& shift, const std::string& person) {
  auto derived = derive(ctx, shift, person);
  if (!derived) return nullptr;
  const std::string own = pair_key(shift, person);
  if (!is_walk_up(person)) ensure_person_bucket(ctx, person);
  std::vector<std::pair<std::string, Json>> rows = {{own, *derived}};
  const Row before = ctx.get("hours", own);
  const bool was_in = before != nullptr && json_text(*before, "state") == "open";
  if (was_in && json_text(*derived, "state") != "open") end_reminder(ctx, shift, person);
  std::vector<std::string> near = neighbours(ctx, *derived);
  // Where it was and is no more, others may count again.
  if (before != nullptr)
    for (std::string& key : neighbours(ctx, *before)) near.push_back(std::move(key));
  std::ranges::sort(near);
  near.erase(std::ranges::unique(near).begin(), near.end());
  for (const std::string& key : near)
    if (key != own) rows.emplace_back(key, *ctx.get("hours", key));
  count_rows(rows);
  for (auto& [key, row] : rows) {
    mark_ready(ctx, row);
    // Neighbours are mostly as they were.
    if (const Row old = ctx.get("hours", key); old != nullptr && *old == row) continue;
    publish(ctx, key, row);
    ctx.put("hours", key, row);
  }
  return rows.front().second;
}

void publicity_due(MutatorContext& ctx, std::string_view key, bool /*missed*/) {
  const Row row = ctx.get("hours", key);
  if (row != nullptr && json_text(*row, "state") == "publicised")
    recompute(ctx, json_text(*row, "shift"), json_text(*row, "person"));
}

bool close_some(MutatorContext& ctx, const std::string& shift) {
  const auto open = keys_of(ctx, "hours.open", shift, kCloseStep + 1);
  for (std::size_t i = 0; i < std::min(open.size(), kCloseStep); ++i)
    recompute(ctx, shift, open[i].substr(shift.size() + 1));
  return open.size() > kCloseStep;
}

}  // namespace linli::community::teams
