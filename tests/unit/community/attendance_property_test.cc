// SPDX-License-Identifier: Apache-2.0
// Goal:   every order of arrival of an honest history ends in the same hours and accuses nobody;
//         every attack on the stored history is named (VOL-6).
// Method: seeded shifts with wrong clocks, lost and repeated scans and late syncs, delivered in two
//         orders to two servers with the same keys; then one row of the database is attacked.
#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "base/environment.h"
#include "tests/support/service_day.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;
using community::teams::Finding;
using community::teams::Verdict;

/// What a phone pushes, and when it made it.
struct Push {
  ServicePhone* phone = nullptr;
  Json args;
  std::int64_t made_at = 0;
};

struct History {
  std::vector<Push> by_phone[3];
  std::size_t scans = 0;
};

/// Lead, 李敏 and 陈大爷 through one shift; what the lead scans back is also in the lead's queue.
History make_history(ServiceDay& day, SeededRng& rng) {
  History out;
  constexpr std::int64_t kHour = 60 * kMinuteMs;
  const auto wrong = [&] { return static_cast<std::int64_t>(rng.below(6 * kHour)) - 3 * kHour; };
  day.li.clock_error = rng.below(2) == 0 ? 0 : wrong();
  day.chen.clock_error = rng.below(3) == 0 ? wrong() : 0;
  day.lead.clock_error = rng.below(3) == 0 ? wrong() : 0;
  for (auto& [phone, queue] : {std::pair(&day.li, 1), std::pair(&day.chen, 2)}) {
    const auto at = [&](std::int64_t minute) { return day.start + minute * kMinuteMs; };
    std::int64_t minute = static_cast<std::int64_t>(rng.below(20));
    for (int pair = 0; pair < 1 + static_cast<int>(rng.below(2)); ++pair) {
      for (const bool is_in : {true, false}) {
        if (!is_in && rng.below(5) == 0) break;  // forgot to check out
        const std::int64_t scanned = at(minute) + static_cast<std::int64_t>(rng.below(20'000));
        const Json receipt = day.scan(*phone, is_in, scanned, at(minute));
        out.by_phone[queue].push_back({phone, receipt, scanned});
        ++out.scans;
        const std::int64_t back = scanned + static_cast<std::int64_t>(rng.below(30'000));
        if (rng.below(3) != 0)
          out.by_phone[0].push_back({&day.lead, day.scan_back(receipt, back), back});
        minute += 10 + static_cast<std::int64_t>(rng.below(40));
      }
    }
  }
  return out;
}

/// Each phone's pushes in their order, the phones among each other as they come; some are repeated.
void deliver(ServiceDay& day, const History& history, SeededRng& rng) {
  std::size_t next[3] = {0, 0, 0};
  ServicePhone* phones[3] = {&day.lead, &day.li, &day.chen};
  for (;;) {
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < 3; ++i)
      if (next[i] < history.by_phone[i].size()) left.push_back(i);
    if (left.empty()) return;
    const std::size_t who = left[rng.below(left.size())];
    const Push& push = history.by_phone[who][next[who]++];
    for (int times = rng.below(4) == 0 ? 2 : 1; times > 0; --times)
      ASSERT_TRUE(day.send(*phones[who], push.args, push.made_at));
    if (rng.below(5) == 0) day.settle();
    if (rng.below(8) == 0) day.clock().advance(1h);
  }
}

std::string told(const Verdict& verdict) {
  std::string out;
  for (const auto* list : {&verdict.findings, &verdict.flagged})
    for (const Finding& one : *list)
      out += one.what + " " + std::to_string(one.pos) + " " + one.id + ": " + one.detail + "\n";
  return out;
}

class HonestHistory : public testing::TestWithParam<int> {};

TEST_P(HonestHistory, EndsInTheSameHoursInEveryOrderAndAccusesNobody) {
  SeededRng rng(static_cast<std::uint64_t>(GetParam()));
  ServiceDay first;
  const History history = make_history(first, rng);
  ServiceDay second;
  for (ServiceDay* day : {&first, &second}) {
    deliver(*day, history, rng);
    day->clock().advance(9h);
    day->settle();
    const Verdict verdict = day->verdict();
    EXPECT_TRUE(verdict.findings.empty() && verdict.flagged.empty()) << told(verdict);
  }
  for (const char* person : {"p-li", "p-chen"})
    EXPECT_EQ(first.hours(person), second.hours(person)) << person;
}

/// Tried in the `quick` tier; the others are `full`.
constexpr int kFewSeeds = 3;

/// LINLI_SEEDS sets how many histories and attacked histories are tried.
int seeds(int usual) {
  const auto wanted = environment("LINLI_SEEDS");
  return 1 + (wanted ? std::stoi(*wanted) : usual);
}

INSTANTIATE_TEST_SUITE_P(FewSeeds, HonestHistory, testing::Range(1, kFewSeeds + 1));
INSTANTIATE_TEST_SUITE_P(ManySeeds, HonestHistory, testing::Range(kFewSeeds + 1, seeds(40)));

// --- Attacks ----------------------------------------------------------------------------------

/// Changes one thing of the database; returns the key that has to be named, or a place of the log.
struct Attack {
  const char* name;
  std::function<std::string(RowSet&, SeededRng&)> run;
};

std::string any_key(RowSet& rows, const std::string& tbl, SeededRng& rng) {
  auto at = rows.rows(tbl).begin();
  std::advance(at, static_cast<std::ptrdiff_t>(rng.below(rows.rows(tbl).size())));
  return at->first;
}

std::string alter(RowSet& rows, SeededRng& rng) {
  const std::string key = any_key(rows, "attendance", rng);
  Json row = *rows.get("attendance", key);
  const char* members[] = {"device_at", "captured", "at", "window"};
  const char* member = members[rng.below(4)];
  row[member] = row.value(member, std::int64_t{0}) + 3'600'000;
  rows.put("attendance", key, row);
  return key;
}

std::string drop(RowSet& rows, SeededRng& rng) {
  std::string key = any_key(rows, "attendance", rng);
  rows.del("attendance", key);
  return key;
}

std::string insert(RowSet& rows, SeededRng& rng) {
  Json row = *rows.get("attendance", any_key(rows, "attendance", rng));
  rows.put("attendance", "0123456789abcdef0123456789abcdef", row);
  return "0123456789abcdef0123456789abcdef";
}

std::string reorder(RowSet& rows, SeededRng& rng) {
  const std::string a = any_key(rows, "attendance_log", rng);
  std::string b = any_key(rows, "attendance_log", rng);
  while (a == b) b = any_key(rows, "attendance_log", rng);
  const Json row_a = *rows.get("attendance_log", a);
  const Json row_b = *rows.get("attendance_log", b);
  rows.put("attendance_log", a, row_b);
  rows.put("attendance_log", b, row_a);
  return json_text(a < b ? row_b : row_a, "id");
}

/// Whoever drops the last entry also cuts the log and moves its head.
std::string cut_the_end(RowSet& rows, SeededRng& /*rng*/) {
  const std::string last = rows.rows("attendance_log").rbegin()->first;
  rows.del("attendance", json_text(*rows.get("attendance_log", last), "id"));
  rows.del("attendance_log", last);
  return last;
}

std::string more_minutes(RowSet& rows, SeededRng& rng) {
  std::string key = any_key(rows, "hours", rng);
  Json row = *rows.get("hours", key);
  row["minutes"] = json_int(row, "minutes") + 60;
  rows.put("hours", key, row);
  return key;
}

std::string better_grade(RowSet& rows, SeededRng& rng) {
  std::string key = any_key(rows, "hours", rng);
  Json row = *rows.get("hours", key);
  row["grade"] = row["grade"] == "A" ? "B" : "A";
  rows.put("hours", key, row);
  return key;
}

std::string drop_hours(RowSet& rows, SeededRng& rng) {
  std::string key = any_key(rows, "hours", rng);
  rows.del("hours", key);
  return key;
}

class Attacked : public testing::TestWithParam<int> {};

TEST_P(Attacked, IsNamed) {
  const std::vector<Attack> attacks = {{"alter", alter},        {"drop", drop},
                                       {"insert", insert},      {"reorder", reorder},
                                       {"cut", cut_the_end},    {"minutes", more_minutes},
                                       {"grade", better_grade}, {"drop hours", drop_hours}};
  SeededRng rng(static_cast<std::uint64_t>(1000 + GetParam()));
  ServiceDay day;
  const History history = make_history(day, rng);
  deliver(day, history, rng);
  day.clock().advance(9h);
  day.settle();
  for (const Attack& attack : attacks) {
    RowSet rows = day.rows();
    const std::string target = attack.run(rows, rng);
    const Verdict verdict = community::teams::verify_attendance(rows, {});
    ASSERT_FALSE(verdict.findings.empty()) << attack.name;
    const bool is_named =
        std::ranges::any_of(verdict.findings, [&](const Finding& one) { return one.id == target; });
    EXPECT_TRUE(is_named) << attack.name << " of " << target << "\n" << told(verdict);
    EXPECT_EQ(verdict.findings.front().id, target) << attack.name << "\n" << told(verdict);
  }
}

INSTANTIATE_TEST_SUITE_P(FewSeeds, Attacked, testing::Range(1, kFewSeeds + 1));
INSTANTIATE_TEST_SUITE_P(ManySeeds, Attacked, testing::Range(kFewSeeds + 1, seeds(20)));

/// The walk by pages, with `between` run between them on what it walks. The cursor goes through its
/// JSON form each time, as over HTTP.
template <class Between>
Verdict by_pages(RowSet& rows, Between between) {
  community::teams::VerifyCursor cursor;
  community::teams::VerifyOptions options;
  options.page_rows = 3;
  while (cursor.phase != community::teams::VerifyCursor::Phase::over) {
    community::teams::verify_page(rows, options, cursor);
    cursor = community::teams::verify_cursor(community::teams::to_json(cursor));
    between(rows, cursor);
  }
  return cursor.verdict;
}

/// Copies what `newer` has and `rows` has not, or has otherwise: the store moved on.
void move_on(RowSet& rows, RowSet& newer) {
  for (const char* tbl : {"attendance", "attendance_log", "log_head", "hours", "chain_head",
                          "shift", "publicity", "walkup"})
    for (const auto& [key, row] : newer.rows(tbl)) rows.put(tbl, key, *row);
}

TEST(VOL_6, WhatIsAppendedBetweenPagesIsNeitherJudgedNorAccused) {
  using Phase = community::teams::VerifyCursor::Phase;
  SeededRng rng(7);
  ServiceDay day;
  deliver(day, make_history(day, rng), rng);
  RowSet before = day.rows();
  const auto records = before.rows("attendance_log").size();
  day.clock().advance(9h);
  day.settle();  // the shift ends, hours and a day's head follow
  const std::int64_t late = to_unix_ms(day.clock().now());
  ASSERT_TRUE(day.send(day.lead, day.by_lead(true, late - 60'000, late, day.li.person), late));
  RowSet after = day.rows();
  ASSERT_GT(after.rows("attendance_log").size(), records);
  EXPECT_GT(records, 6U) << "several pages";
  for (const Phase when : {Phase::log, Phase::rows, Phase::heads, Phase::devices, Phase::hours}) {
    RowSet rows = before;
    bool has_moved = false;
    const Verdict verdict = by_pages(rows, [&](RowSet& now, const auto& cursor) {
      if (has_moved || cursor.phase < when) return;
      has_moved = true;
      move_on(now, after);
    });
    ASSERT_TRUE(has_moved);
    EXPECT_TRUE(verdict.findings.empty()) << static_cast<int>(when) << "\n" << told(verdict);
    EXPECT_EQ(verdict.records, records);
  }
}

TEST(VOL_6, WhatIsSlippedInBetweenPagesIsFound) {
  SeededRng rng(8);
  ServiceDay day;
  deliver(day, make_history(day, rng), rng);
  RowSet rows = day.rows();
  const std::size_t n = rows.rows("attendance_log").size();
  bool is_done = false;
  const Verdict verdict = by_pages(rows, [&](RowSet& now, const auto&) {
    if (std::exchange(is_done, true)) return;
    Json row = *now.rows("attendance").begin()->second;
    row["pos"] = n + 1;  // as if it had just been appended, and the log does not say so
    now.put("attendance", "slipped-in", row);
  });
  ASSERT_EQ(verdict.findings.size(), 1U) << told(verdict);
  EXPECT_EQ(verdict.findings.front().id, "slipped-in");
  EXPECT_EQ(verdict.findings.front().what, "inserted");
}

/// Somebody with the whole database computes every link anew; the head published before tells.
TEST(VOL_6, ARewrittenLogDoesNotLeadToThePublishedHead) {
  SeededRng rng(5);
  ServiceDay day;
  deliver(day, make_history(day, rng), rng);
  day.clock().advance(24h);
  day.settle();
  RowSet rows = day.rows();
  ASSERT_EQ(rows.rows("chain_head").size(), 1U);
  const std::string victim = json_text(*rows.get("attendance_log", "0000000001"), "id");
  Json row = *rows.get("attendance", victim);
  row["at"] = json_int(row, "at") + 1;
  rows.put("attendance", victim, row);
  checkin::Head head;
  const auto log = rows.rows("attendance_log");
  for (const auto& [key, old] : log) {
    const Sha256 hash =
        checkin::record_hash(dump_json(*rows.get("attendance", json_text(*old, "id"))));
    head = checkin::append(head, hash);
    rows.put("attendance_log", key,
             {{"id", old->at("id")}, {"hash", to_hex(hash)}, {"link", to_hex(head.link)}});
  }
  rows.put("log_head", "head", {{"n", head.n}, {"link", to_hex(head.link)}});
  const Verdict verdict = community::teams::verify_attendance(rows, {});
  ASSERT_EQ(verdict.findings.size(), 1U) << told(verdict);
  EXPECT_EQ(verdict.findings.front().what, "rewritten");
}

TEST(VOL_6, ASignedHeadHoldsOnlyUnderTheServersKey) {
  SeededRng rng(6);
  ServiceDay day;
  deliver(day, make_history(day, rng), rng);
  day.clock().advance(24h);
  day.settle();
  const std::string name = day.rows().rows("chain_head").begin()->first;
  const KeyPair server = KeyPair::from_seed(as_bytes(std::string(32, 'S'))).value();
  const Json row = day.row("chain_head", name);
  checkin::Head head{static_cast<std::uint64_t>(json_int(row, "n")), {}};
  std::ranges::copy(as_bytes(from_hex(json_text(row, "link")).value()), head.link.begin());
  const Signature sig = checkin::sign_head(server, "huainan", name, head);
  day.must("", "attendance.sign_head",
           {{"day", name}, {"sig", to_base64url(sig)}, {"server", to_base64url(server.pub())}});
  RowSet rows = day.rows();
  EXPECT_TRUE(
      community::teams::verify_attendance(rows, {server.pub(), "huainan"}).findings.empty());
  const Verdict other = community::teams::verify_attendance(rows, {day.lead.key.pub(), "huainan"});
  ASSERT_EQ(other.findings.size(), 1U);
  EXPECT_EQ(other.findings.front().what, "signature");
}

}  // namespace
}  // namespace linli::test
