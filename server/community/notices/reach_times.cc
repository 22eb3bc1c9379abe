// SPDX-License-Identifier: Apache-2.0
// How many had a notice and had answered it, and when: the curve of its reach from the beginning.
#include <algorithm>
#include <unordered_map>

#include "server/community/notices/module.h"
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

/// More than a curve on a screen can show.
constexpr std::size_t kPointsMax = 120;

struct Times {
  /// Unix ms, by person: the earliest word of any way, and the answer.
  std::unordered_map<std::string, std::int64_t> arrived;
  std::unordered_map<std::string, std::int64_t> answered;

  void arrive(const std::string& person, std::int64_t at) {
    const auto [found, is_new] = arrived.try_emplace(person, at);
    if (!is_new) found->second = std::min(found->second, at);
  }
};

/// As reach_state() counts them: answers to an earlier question count only as calls for help.
Times times_of(ReadContext& ctx, const std::string& notice, std::int64_t ask) {
  Times out;
  each_of_notice(ctx, "ack", notice, [&](const std::string& person, const Json& row) {
    if (ask_of(row) != ask && json_text(row, "choice") != "help") return;
    const std::int64_t at = json_int(row, "at");
    out.arrive(person, at);
    if (is_answered(json_text(row, "state"))) out.answered[person] = at;
  });
  each_of_notice(ctx, "seen", notice, [&](const std::string& person, const Json& row) {
    if (ask_of(row) == ask) out.arrive(person, json_int(row, "at"));
  });
  each_of_notice(ctx, "reach", notice, [&](const std::string& person, const Json& row) {
    const std::string state = json_text(row, "state");
    if (ask_of(row) == ask && (state == "delivered" || state == "read"))
      out.arrive(person, json_int(row, "at"));
  });
  return out;
}

std::vector<std::int64_t> sorted(const std::unordered_map<std::string, std::int64_t>& by_person) {
  std::vector<std::int64_t> out;
  for (const auto& [person, at] : by_person) out.push_back(at);
  std::ranges::sort(out);
  return out;
}

/// How many of `times` are at or before `at`.
std::int64_t count_until(const std::vector<std::int64_t>& times, std::int64_t at) {
  return std::ranges::upper_bound(times, at) - times.begin();
}

/// Moments at which one of the two changes, thinned to what a curve can show, the last one kept.
std::vector<std::int64_t> moments(const std::vector<std::int64_t>& arrived,
                                  const std::vector<std::int64_t>& answered) {
  std::vector<std::int64_t> all;
  std::ranges::merge(arrived, answered, std::back_inserter(all));
  all.erase(std::ranges::unique(all).begin(), all.end());
  const std::size_t step = (all.size() + kPointsMax - 1) / kPointsMax;
  std::vector<std::int64_t> out;
  for (std::size_t i = all.size(); i > 0; i -= std::min(i, step)) out.push_back(all[i - 1]);
  std::ranges::reverse(out);
  return out;
}

Result<Json> reach_times(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", id));
  const Times times = times_of(ctx, id, ask_of(*admin));
  const auto arrived = sorted(times.arrived);
  const auto answered = sorted(times.answered);
  Json points = Json::array();
  for (const std::int64_t at : moments(arrived, answered))
    points.push_back({{"at", at},
                      {"arrived", count_until(arrived, at)},
                      {"answered", count_until(answered, at)}});
  const std::int64_t audience = json_int(*admin, "persons");
  Json marks = Json::object();
  for (const std::int64_t percent : {50, 90, 100}) {
    const std::int64_t needed = (audience * percent + 99) / 100;
    if (needed > 0 && std::ssize(answered) >= needed)
      marks[std::to_string(percent)] = answered[static_cast<std::size_t>(needed - 1)];
  }
  return Json{{"id", id},
              {"sent_at", json_int(*admin, "sent_at")},
              {"asked_at", json_int(*admin, "asked_at")},
              {"audience", audience},
              {"points", std::move(points)},
              {"answered_by", std::move(marks)}};
}

}  // namespace

void each_of_notice(ReadContext& ctx, const char* tbl, const std::string& notice,
                    const std::function<void(const std::string& person, const Json& row)>& use) {
  constexpr std::size_t kPageRows = 1000;
  const std::string prefix = notice + ":";
  std::string after = prefix;
  for (;;) {
    const auto page = ctx.table(tbl, after, kPageRows);
    for (const auto& [key, row] : page) {
      if (!key.starts_with(prefix)) return;
      use(key.substr(prefix.size()), *row);
    }
    if (page.size() < kPageRows) return;
    after = page.back().first;
  }
}

void declare_reach_times(sync::Registry& registry) {
  add(registry,
      Query{.name = "notice.reach_times",
            .summary =
                "How many had it and had answered it, over time, of the question that stands "
                "now; at most 120 points, and when half, 90 and 100 % had answered.",
            .params = arg::object({{"id!", arg::short_id()}}),
            .permit = allow({Role::editor, Role::approver, Role::window, Role::grid, Role::lead,
                             Role::supervisor, Role::district}),
            .run = reach_times,
            .path = "/notices/{id}/reach-times"});
}

}  // namespace linli::community::notices
