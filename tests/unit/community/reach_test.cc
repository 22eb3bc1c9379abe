// SPDX-License-Identifier: Apache-2.0
// Goal:   the desk's numbers name every person of the audience once, whoever leaves, comes back,
//         shares a phone or is asked again, and what still is open is exactly whom to visit.
// Method: the real modules, committer and memory store; a small town of four people. A failure
//         means that somebody would be taken for reached who is not, or would be lost.
#include <gtest/gtest.h>

#include "tests/support/test_community.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

struct ReachTown : SmallTown {
  /// The totals, after it has been checked that they add up and that the list of the unreached has
  /// as many persons as the counts say.
  Json reach(const std::string& id) {
    const Json total = ask(window, "notice.reach", {{"id", id}}).value().at("total");
    std::int64_t sum = 0;
    std::int64_t open = 0;
    for (const auto& [state, n] : total.items()) {
      if (state == "audience") continue;
      sum += n.get<std::int64_t>();
      const bool is_done =
          state == "ok" || state == "help" || state == "away" || state == "excluded";
      if (!is_done) open += n.get<std::int64_t>();
      EXPECT_GE(n.get<std::int64_t>(), 0) << state;
    }
    EXPECT_EQ(total.at("audience"), sum) << total;
    EXPECT_EQ(ask(window, "notice.unreached", {{"id", id}}).value().at("count"), open) << total;
    return total;
  }

  Json answer(const std::string& account, const std::string& person, const char* choice,
              const std::string& notice = "r1") {
    return must(account, "notice.acknowledge",
                {{"notice", notice}, {"person", person}, {"choice", choice}});
  }
};

TEST(RAIN_4, AWorseColourAsksEverybodyAgain) {
  ReachTown town;
  const std::string chen = town.enrol("p-chen", 1);
  const std::string liu = town.enrol("p-liu", 2);
  town.send(SmallTown::notice("r1", kEverybody, "orange"));
  town.answer(chen, "p-chen", "ok");
  town.answer(liu, "p-liu", "help");
  town.must(town.approver, "notice.correct", {{"id", "r1"}, {"severity", "red"}});
  town.settle();
  Json total = town.reach("r1");
  EXPECT_EQ(total.at("ok"), 0) << "who knew of orange does not know of red";
  EXPECT_EQ(total.at("app"), 1);
  EXPECT_EQ(total.at("help"), 1) << "a call for help stays";
  EXPECT_EQ(town.row("notice", "r1").at("ask"), 1) << "phones must see that they are asked anew";
  town.answer(chen, "p-chen", "ok");
  total = town.reach("r1");
  EXPECT_EQ(total.at("ok"), 1);
  EXPECT_EQ(town.row("ack", "r1:p-chen").at("ask"), 1);
}

TEST(RAIN_4, AMendedTextOrAMilderColourAsksNobodyAgain) {
  ReachTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("r1", kEverybody, "orange"));
  town.answer(chen, "p-chen", "ok");
  town.must(town.editor, "notice.correct", {{"id", "r1"}, {"body", "雨停了。"}});
  town.must(town.approver, "notice.correct", {{"id", "r1"}, {"severity", "yellow"}});
  town.settle();
  EXPECT_EQ(town.reach("r1").at("ok"), 1);
  EXPECT_FALSE(town.row("notice", "r1").contains("ask"));
}

TEST(RAIN_4, AnAnswerGivenOfflineToTheOldColourIsNoneToTheNew) {
  ReachTown town;
  const std::string chen = town.enrol("p-chen", 1);
  const std::string liu = town.enrol("p-liu", 2);
  town.send(SmallTown::notice("r1", kEverybody, "orange"));
  const Instant tapped = town.clock().now();
  town.clock().advance(1h);
  town.must(town.approver, "notice.correct", {{"id", "r1"}, {"severity", "red"}});
  town.settle();
  const auto late = [&](const std::string& account, const char* person, const char* choice) {
    return town.call_late(tapped, account, "notice.acknowledge",
                          {{"notice", "r1"}, {"person", person}, {"choice", choice}});
  };
  EXPECT_EQ(late(chen, "p-chen", "ok").value().at("holds"), false);
  EXPECT_EQ(late(liu, "p-liu", "help").value().at("holds"), true);
  const Json total = town.reach("r1");
  EXPECT_EQ(total.at("ok"), 0);
  EXPECT_EQ(total.at("help"), 1);
  EXPECT_EQ(town.outbox("person_acked").size(), 1U) << "the ladder of the other goes on";
}

TEST(RAIN_13, WhoDiesOrMovesAwayCountsAsExcludedAndComesBack) {
  ReachTown town;
  const std::string liu = town.enrol("p-liu", 2);
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  town.answer(liu, "p-liu", "ok");
  const Json ended =
      town.must(town.grid1, "person.end", {{"id", "p-wang"}, {"reason", "deceased"}});
  town.must(town.window, "person.end", {{"id", "p-liu"}, {"reason", "moved_out"}});
  town.settle();
  Json total = town.reach("r1");
  EXPECT_EQ(total.at("audience"), 4);
  EXPECT_EQ(total.at("excluded"), 1);
  EXPECT_EQ(total.at("ok"), 1) << "an answer stays an answer";
  town.must(town.window, "person.undo", {{"undo", ended.at("undo")}});
  town.settle();
  total = town.reach("r1");
  EXPECT_EQ(total.at("excluded"), 0);
  EXPECT_EQ(total.at("no_app"), 3);
}

TEST(RAIN_13, ADuplicateThatWasMergedIsNotCountedAsSomebodyElse) {
  ReachTown town;
  town.must("", "person.put", {{"id", "p-dup"}, {"household", "h1b"}, {"name", "陈大爷"}});
  town.send(SmallTown::notice("r1", kEverybody, "red"), 5);
  town.must(town.window, "person.merge", {{"id", "p-chen"}, {"duplicate", "p-dup"}});
  town.settle();
  const Json total = town.reach("r1");
  EXPECT_EQ(total.at("audience"), 5);
  EXPECT_EQ(total.at("excluded"), 1);
}

TEST(RAIN_13, WhoeverComesAfterTheSendingReadsItButIsNotCounted) {
  ReachTown town;
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  town.must("", "person.put", {{"id", "p-new"}, {"household", "h1a"}, {"name", "新邻居"}});
  const std::string neu = town.enrol("p-new", 3);
  EXPECT_TRUE(town.holds(neu, "notice", "r1"));
  town.answer(neu, "p-new", "help");
  EXPECT_TRUE(town.holds(town.window, "ack", "r1:p-new")) << "help is help";
  EXPECT_EQ(town.reach("r1").at("audience"), 4);
}

TEST(RAIN_13, AnsweringDuringARecountCountsOnce) {
  ReachTown town;
  for (int i = 0; i < 240; ++i) {
    const std::string n = std::to_string(1000 + i);
    const std::string home = "hx" + std::to_string(i / 50);
    if (i % 50 == 0)
      town.must("", "household.put", {{"id", home}, {"door", "x" + n}, {"area", "e1"}});
    town.must("", "person.put", {{"id", "x" + n}, {"household", home}, {"name", "甲"}});
  }
  const std::string early = town.enrol("x1000", 1);
  const std::string late = town.enrol("x1239", 2);
  town.send(SmallTown::notice("r1", kEverybody, "orange"), 244);
  town.answer(early, "x1000", "ok");
  town.must(town.approver, "notice.correct", {{"id", "r1"}, {"severity", "red"}});
  town.tick();
  ASSERT_FALSE(town.row("notice_job", "r1").is_null()) << "the recount must still be running";
  town.answer(early, "x1000", "ok");
  town.answer(late, "x1239", "away");
  EXPECT_EQ(code_of(town.call(town.approver, "notice.correct",
                              {{"id", "r1"}, {"audience", {{"areas", {"g1"}}}}})),
            Errc::wrong_state);
  town.settle();
  const Json total = town.reach("r1");
  EXPECT_EQ(total.at("audience"), 244);
  EXPECT_EQ(total.at("ok"), 1);
  EXPECT_EQ(total.at("away"), 1);
}

TEST(NTC_4, AnAnswerFromBeforeTheWithdrawalIsNotLost) {
  ReachTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("n1", kEverybody));
  town.must(town.editor, "notice.withdraw", {{"id", "n1"}});
  town.answer(chen, "p-chen", "help", "n1");
  EXPECT_TRUE(town.holds(town.grid1, "ack", "n1:p-chen"));
  EXPECT_EQ(town.reach("n1").at("help"), 1);
}

TEST(NTC_4, AnExpiredNoticeCanBeTakenBack) {
  ReachTown town;
  Json warning = SmallTown::notice("r1", kEverybody, "red");
  warning["valid_to"] = to_unix_ms(town.clock().now() + 2h);
  town.send(warning);
  town.clock().advance(3h);
  town.settle();
  EXPECT_TRUE(town.row("notice", "r1").contains("body"));
  town.must(town.editor, "notice.withdraw", {{"id", "r1"}, {"reason", "写了人名"}});
  EXPECT_FALSE(town.row("notice", "r1").contains("body"));
  EXPECT_EQ(town.row("notice", "r1").at("alert"), false);
}

TEST(F3, TheSecondPersonOfAPhoneIsReachedByTheApp) {
  ReachTown town;
  town.must("", "person.put", {{"id", "p-spouse"}, {"household", "h1b"}, {"name", "陈奶奶"}});
  const std::string chen = town.enrol("p-chen", 1);
  town.must(
      chen, "proxy.request",
      {{"id", "x1"}, {"proxy", "p-chen"}, {"dependant", "p-spouse"}, {"kind", "same_device"}});
  town.must(chen, "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "tap"}}}});
  town.send(SmallTown::notice("r1", kEverybody, "red"), 5);
  EXPECT_EQ(town.reach("r1").at("app"), 2);
  town.answer(chen, "p-chen", "ok");
  EXPECT_EQ(town.reach("r1").at("ok"), 1) << "one tap answers for one person";
  town.answer(chen, "p-spouse", "ok");
  EXPECT_EQ(town.reach("r1").at("ok"), 2) << "on the own phone red counts as the own word";
  town.must(chen, "identity.revoke_device", {{"cid", SmallTown::cid(1)}});
  EXPECT_EQ(town.row("person", "p-spouse").at("app"), 0) << "the phone was hers too";
}

TEST(Notice, AnswersLeaveThePhonesWhenTheNoticeIsArchived) {
  ReachTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  town.answer(chen, "p-chen", "help");
  town.clock().advance(24h * 91);
  town.settle();
  EXPECT_EQ(town.row("ack", "r1:p-chen").at("choice"), "help") << "the office keeps it";
  EXPECT_TRUE(town.placed("ack", "r1:p-chen").empty());
}

}  // namespace
}  // namespace linli::test
