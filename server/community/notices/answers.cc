// SPDX-License-Identifier: Apache-2.0
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

/// Rows that one page looks at to find its answers; the next page goes on behind them.
constexpr std::size_t kAnswersScan = 2000;

struct AnswerFilter {
  std::string choice;
  std::string unit;
  std::int64_t ask = 0;
};

/// Who calls for help is visited: with what one needs to know at the door.
Json answer_of(ReadContext& ctx, const Json& ack, std::int64_t ask) {
  const std::string choice = json_text(ack, "choice");
  Json out = {{"current", choice == "help" || ask_of(ack) == ask}};
  copy_members(ack, out,
               {"person", "name", "door", "unit", "choice", "state", "via", "at", "captured_at"});
  const Row person = choice == "help" ? ctx.get("person", json_text(ack, "person")) : nullptr;
  if (person != nullptr)
    copy_members(*person, out,
                 {"area", "floor", "phone", "landline", "living_alone", "mobility", "neighbour",
                  "keyholder"});
  return out;
}

bool is_wanted(ReadContext& ctx, const Json& ack, const AnswerFilter& filter) {
  if (!filter.choice.empty() && json_text(ack, "choice") != filter.choice) return false;
  if (!filter.unit.empty() && json_text(ack, "unit") != filter.unit) return false;
  return has_any_over(ctx, {Role::grid, Role::window, Role::approver, Role::supervisor},
                      json_text(ack, "unit"));
}

Result<Json> list_answers(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", id));
  const AnswerFilter filter{json_text(params, "choice"), json_text(params, "unit"), ask_of(*admin)};
  const std::size_t limit = page_limit(params, 100, 500);
  const std::string prefix = id + ":";
  const auto rows = ctx.table("ack", prefix + json_text(params, "after"), kAnswersScan);
  Json out = {{"answers", Json::array()}};
  for (const auto& [key, ack] : rows) {
    if (!key.starts_with(prefix)) return out;
    if (is_wanted(ctx, *ack, filter)) out["answers"].push_back(answer_of(ctx, *ack, filter.ask));
    const bool is_last = &key == &rows.back().first && rows.size() < kAnswersScan;
    if (out["answers"].size() == limit && !is_last) {
      out["next"] = key.substr(prefix.size());
      return out;
    }
  }
  if (rows.size() == kAnswersScan) out["next"] = rows.back().first.substr(prefix.size());
  return out;
}

}  // namespace

void declare_answers(sync::Registry& registry) {
  add(registry,
      Query{.name = "notice.answers",
            .summary = "Who answered what, in the own grid or the community by role; choice=help "
                       "are the calls for help, with what one needs at the door.",
            .params = arg::object({{"id!", arg::short_id()},
                                   {"choice", arg::one_of({"ok", "help", "away"})},
                                   {"unit", arg::id()},
                                   {"after", arg::cursor()},
                                   {"limit", arg::limit()}}),
            .permit = allow({Role::grid, Role::window, Role::approver, Role::supervisor}),
            .run = list_answers,
            .path = "/notices/{id}/answers"});
}

}  // namespace linli::community::notices
