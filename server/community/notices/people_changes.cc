// SPDX-License-Identifier: Apache-2.0
// Who leaves after a notice was sent is counted as excluded, so that what the desk sees as open is
// exactly whom it can still reach (RAIN-13); who comes back is counted as before.
#include "server/community/membership.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"

namespace linli::community::notices {
namespace {

/// Notices of one step: each may write a page, a count and nothing else.
constexpr std::size_t kStepNotices = 60;

/// How the person counts where no answer says more.
std::string way_now(ReadContext& ctx, const std::string& person, const std::string& way) {
  const Row row = ctx.get("person", person);
  if (row == nullptr || json_text(*row, "state") != "active") return "excluded";
  return way == "excluded" ? way_of(*row) : way;
}

void recount_one(MutatorContext& ctx, const std::string& page_row, const std::string& person) {
  const Row page = ctx.get("audience", page_row);
  const std::string notice = json_text(*page, "notice");
  const Row admin = ctx.get("notice_admin", notice);
  if (admin == nullptr || !is_live(*admin) || page->at("snap") != admin->at("snap")) return;
  const std::string way = json_text(page->at("members"), person);
  const std::string now = way_now(ctx, person, way);
  if (way == now) return;
  Json row = *page;
  row["members"][person] = now;
  if (ask_of(*page) == ask_of(*admin))
    count_reach(ctx, notice, json_text(*page, "unit"),
                reach_state(ctx, notice, ask_of(*admin), person, way),
                reach_state(ctx, notice, ask_of(*admin), person, now));
  ctx.put("audience", page_row, std::move(row));
}

}  // namespace

void recount_person(MutatorContext& ctx, std::string_view key, bool /*missed*/) {
  const std::string person(key);
  std::optional<sync::IndexHit> after;
  if (const Row row = ctx.get("notice_person", person); row != nullptr)
    after = sync::IndexHit{json_text(*row, "value"), json_text(*row, "key")};
  const auto hits = ctx.scan("audience.person", person + ":", after, kStepNotices);
  for (const sync::IndexHit& hit : hits) recount_one(ctx, hit.key, person);
  if (hits.size() < kStepNotices) {
    ctx.del("notice_person", person);
    return;
  }
  ctx.put("notice_person", person, {{"value", hits.back().value}, {"key", hits.back().key}});
  ctx.schedule(ctx.now() + Millis{1}, kPersonChanged, person);
}

}  // namespace linli::community::notices
