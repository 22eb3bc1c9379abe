// SPDX-License-Identifier: Apache-2.0
#include "server/community/demo/demo.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "server/community/demo/demo_recording.h"

namespace linli::community::demo {
namespace {

constexpr std::array<CastMember, 21> kCast = {{
    {1, "马会玲", "editor", "hn"},     {2, "张书记", "approver", "hn"},
    {3, "周倩", "grid", "g3"},         {4, "孙浩", "window", "hn"},
    {5, "郭队长", "lead", "hn"},       {6, "高老师", "volunteer", "hn"},
    {7, "何静", "partner", "hn"},      {8, "丁会计", "finance", "hn"},
    {9, "老杨", "supervisor", "hn"},   {10, "钱保管", "custodian", "hn"},
    {11, "吴保管", "custodian", "hn"}, {12, "郑保管", "custodian", "hn"},
    {13, "小冯", "admin", "erqi"},     {14, "田网格员", "grid", "g1"},
    {15, "石网格员", "grid", "g2"},    {16, "江网格员", "grid", "g4"},
    {17, "林网格员", "grid", "g5"},    {18, "何网格员", "grid", "g6"},
    {19, "方街道", "district", "jzj"}, {20, "冯管理", "admin", "erqi"},
    {21, "罗主任", "approver", "hn"},
}};

Result<void> run_all(const std::vector<DemoCall>& calls, const DemoRun& run) {
  for (std::size_t at = 0; at < calls.size(); at += limits::kBatchMutationsMax) {
    const std::size_t n = std::min(limits::kBatchMutationsMax, calls.size() - at);
    const auto results = run(std::span(calls).subspan(at, n));
    for (std::size_t i = 0; i < results.size(); ++i)
      if (!results[i])
        return fail(results[i].error().code, calls[at + i].name + ": " + results[i].error().detail);
  }
  return {};
}

Result<Json> run_one(const DemoCall& call, const DemoRun& run) {
  const auto results = run(std::span(&call, 1));
  if (results.empty()) return fail(Errc::internal, call.name + ": no answer");
  if (!results.front())
    return fail(results.front().error().code, call.name + ": " + results.front().error().detail);
  return *results.front();
}

Result<void> live_through(const DemoNotice& notice, const DemoRun& run) {
  const std::string editor = account_id(1);
  const std::string approver = account_id(2);
  LINLI_TRY(const Json made, run_one({editor, "notice.draft", notice.draft}, run));
  const Json& id = made.at("id");
  LINLI_CHECK(run_one({editor, "notice.submit", {{"id", id}}}, run));
  if (notice.fate == DemoNotice::Fate::rejected) {
    LINLI_CHECK(run_one(
        {approver, "notice.reject", {{"id", id}, {"reason", "时间写错了，请核对后再报。"}}}, run));
    return {};
  }
  const Json question = {{"id", id}, {"fingerprint", made.at("fingerprint")}, {"persons", 0}};
  LINLI_CHECK(run_one({approver, "notice.approve", question}, run));
  switch (notice.fate) {
    case DemoNotice::Fate::corrected:
      LINLI_CHECK(run_one({editor,
                           "notice.correct",
                           {{"id", id},
                            {"body", "【更正】时间改为周五上午9点，地点不变。"},
                            {"reason", "时间写错了"}}},
                          run));
      break;
    case DemoNotice::Fate::withdrawn:
      LINLI_CHECK(run_one({editor, "notice.withdraw", {{"id", id}, {"reason", "活动取消"}}}, run));
      break;
    case DemoNotice::Fate::sent:
    case DemoNotice::Fate::rejected: break;
  }
  return {};
}

}  // namespace

std::string account_id(int number) {
  const std::string digits = std::to_string(number);
  return "de" + std::string(30 - digits.size(), '0') + digits;
}

std::span<const CastMember> cast() { return kCast; }

Result<void> load(const DemoOptions& options, const DemoRun& run) {
  const std::vector<DemoCall> people = population(options);
  LINLI_CHECK(run_all(people, run));
  if (options.move_clock) {
    for (const DemoMoment& moment : service_history(options, people)) {
      options.move_clock(from_unix_ms(moment.at));
      LINLI_CHECK(run_all(moment.calls, run));
    }
    options.move_clock(options.today);
  }
  // Its bytes are where attachments are, put there by who loads the demo.
  const Json attachment = {{"sha", recording_sha()},
                           {"type", kRecordingType},
                           {"bytes", recording().size()},
                           {"by", account_id(cast().front().account)}};
  LINLI_CHECK(run_one({"", "blob.store", attachment}, run));
  for (const DemoNotice& notice : notices(options)) LINLI_CHECK(live_through(notice, run));
  return {};
}

}  // namespace linli::community::demo
