// SPDX-License-Identifier: Apache-2.0
// Goal:   a warning of the weather service becomes a draft for a person, and what changes later is
//         proposed, never done by itself.
// Method: facts as the feed's watcher tells them, the real modules, a small town of four people.
#include <gtest/gtest.h>

#include "tests/support/test_community.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

struct Weather : SmallTown {
  Json signal(const char* alert, const char* kind, const char* colour) {
    return {{"incident", "inc1"},  {"alert", alert},
            {"kind", kind},        {"colour", colour},
            {"event", "暴雨"},     {"description", "预计三小时降雨一百毫米。"},
            {"source", "weather"}, {"places", {"hn"}},
            {"signal_no", 1},      {"expires_at", to_unix_ms(clock().now() + 6h)}};
  }
  void tell(const char* alert, const char* kind, const char* colour) {
    must("", "warning.receive", signal(alert, kind, colour));
  }
  Json approve() {
    const Json waiting = row("notice_admin", "inc1");
    return must(approver, "notice.approve",
                {{"id", "inc1"}, {"fingerprint", waiting.at("fingerprint")}, {"persons", 4}});
  }
};

TEST(RAIN_6, AFeedsWarningIsADraftWithAnActionLineThatAnybodyWithTheRightApproves) {
  Weather town;
  town.tell("a1", "open", "red");
  const Json admin = town.row("notice_admin", "inc1");
  EXPECT_EQ(admin.at("state"), "in_review");
  EXPECT_EQ(admin.at("content").at("title"), "暴雨红色预警");
  EXPECT_EQ(admin.at("content").at("action_line"),
            "今晚别出门，住一楼和地下室的请上二楼，需要帮助拨581。");
  EXPECT_TRUE(town.row("notice", "inc1").is_null()) << "nothing goes out by itself (RAIN-7)";
  town.approve();
  EXPECT_FALSE(town.row("notice", "inc1").is_null());
}

TEST(RAIN_3, TheSameMessageToldTwiceIsOneAndWhatWaitsIsWrittenAnew) {
  Weather town;
  town.tell("a1", "open", "orange");
  town.tell("a1", "open", "orange");
  EXPECT_EQ(town.row("notice_admin", "inc1").at("rev"), 1);
  town.tell("a2", "update", "red");
  EXPECT_EQ(town.row("notice_admin", "inc1").at("content").at("severity"), "red");
  EXPECT_EQ(town.row("notice_admin", "inc1").at("state"), "in_review");
}

TEST(RAIN_4, AnUpdateOfWhatIsOutIsProposedAndNotDone) {
  Weather town;
  town.tell("a1", "open", "orange");
  town.approve();
  town.tell("a2", "update", "red");
  EXPECT_EQ(town.row("notice", "inc1").at("severity"), "orange");
  const Json proposal = town.row("warning", "inc1").at("proposal");
  EXPECT_EQ(proposal.at("what"), "correct");
  EXPECT_EQ(proposal.at("severity"), "red");
}

TEST(RAIN_4, ACancelRejectsADraftAndProposesToWithdrawWhatIsOut) {
  Weather waiting;
  waiting.tell("a1", "open", "red");
  waiting.tell("a2", "all_clear", "red");
  EXPECT_EQ(waiting.row("notice_admin", "inc1").at("state"), "rejected");

  Weather out;
  out.tell("a1", "open", "red");
  out.approve();
  out.tell("a2", "all_clear", "red");
  EXPECT_EQ(out.row("notice_admin", "inc1").at("state"), "sent");
  EXPECT_EQ(out.row("warning", "inc1").at("proposal").at("what"), "withdraw");
}

TEST(RAIN_1, OnlyTheWatcherTellsAndTheDeskSees) {
  Weather town;
  const auto refused = town.call(town.editor, "warning.receive", town.signal("a1", "open", "red"));
  EXPECT_FALSE(refused.has_value());
  town.tell("a1", "open", "red");
  const std::string wang = town.enrol("p-wang", 1);
  EXPECT_FALSE(town.holds(wang, "warning", "inc1"));
  EXPECT_EQ(town.ask(town.approver, "warning.list", Json::object())->at("warnings").size(), 1U);
}

/// The rule of a town, signed by two.
struct Ruled : Weather {
  Ruled() {
    second = must("", "identity.create_account",
                  {{"name", "副书记"},
                   {"roles", Json::array({{{"role", "approver"}, {"scope", "hn"}}})}})["id"];
    must(approver, "warning.propose_rule", Json::object());
  }
  void verified(const char* alert, Json more = Json::object()) {
    Json args = signal(alert, "open", "red");
    args["by_rule"] = true;
    args.update(more);
    must("", "warning.receive", args);
  }
  void wait_for_rule() {
    clock().advance(121s);
    settle();
  }
  std::string state() { return json_text(row("notice_admin", "inc1"), "state"); }
  std::string second;
};

TEST(RAIN_7, TheRuleIsOffUntilASecondPersonSignsIt) {
  Ruled town;
  const auto own = town.call(town.approver, "warning.sign_rule", Json::object());
  ASSERT_FALSE(own.has_value());
  EXPECT_EQ(own.error().code, Errc::same_person);
  town.verified("a1");
  town.clock().advance(121s);
  town.settle();
  EXPECT_EQ(town.state(), "in_review") << "proposed is not active";
}

TEST(RAIN_7, AVerifiedRedWarningGoesOutAfterTheVetoTimeAndBothAreAudited) {
  Ruled town;
  town.must(town.second, "warning.sign_rule", Json::object());
  town.verified("a1");
  EXPECT_EQ(town.row("warning", "inc1").at("veto_until"), to_unix_ms(town.clock().now() + 120s));
  town.clock().advance(119s);
  town.settle();
  EXPECT_EQ(town.state(), "in_review");
  town.clock().advance(2s);
  town.settle();
  EXPECT_EQ(town.state(), "sent");
  const Json admin = town.row("notice_admin", "inc1");
  EXPECT_EQ(admin.at("rule").at("proposed_by"), town.approver);
  EXPECT_EQ(admin.at("rule").at("signed_by"), town.second);
  EXPECT_EQ(town.row("standing_rule", "weather").at("history").size(), 2U);
}

TEST(RAIN_7, AVetoAnEditOrTheEndOfTheRuleLeavesItToAPerson) {
  for (const std::string how : {"veto", "edit", "end"}) {
    Ruled town;
    town.must(town.second, "warning.sign_rule", Json::object());
    town.verified("a1");
    if (how == "veto")
      town.must(town.window, "warning.veto", {{"incident", "inc1"}, {"reason", "误报"}});
    if (how == "edit") town.must(town.editor, "notice.edit", {{"id", "inc1"}, {"title", "改"}});
    if (how == "end") town.must(town.approver, "warning.end_rule", Json::object());
    town.clock().advance(121s);
    town.settle();
    EXPECT_NE(town.state(), "sent") << how;
    EXPECT_FALSE(town.row("warning", "inc1").contains("veto_until")) << how;
  }
}

// Nobody is at the desk at night when an orange warning that was approved in the evening turns red.
TEST(RAIN_7, TheRuleSendsTheWorseColourOfWhatIsOutAndNothingElse) {
  Ruled town;
  town.must(town.second, "warning.sign_rule", Json::object());
  town.tell("a1", "open", "orange");
  town.approve();
  town.settle();
  town.verified("a2", {{"kind", "update"}});
  EXPECT_EQ(town.row("notice", "inc1").at("severity"), "orange") << "two minutes for a veto";
  EXPECT_TRUE(town.row("warning", "inc1").contains("veto_until"));
  town.wait_for_rule();
  EXPECT_EQ(town.row("notice", "inc1").at("severity"), "red");
  EXPECT_EQ(town.row("warning", "inc1").at("rule"), "sent");
  EXPECT_EQ(town.row("notice_admin", "inc1").at("rule").at("signed_by"), town.second);
  EXPECT_FALSE(town.row("warning", "inc1").contains("proposal"));
  town.verified("a3", {{"kind", "update"}, {"signal_no", 2}});
  EXPECT_FALSE(town.row("warning", "inc1").contains("veto_until")) << "no worse: a person's";
  town.wait_for_rule();
  EXPECT_EQ(town.row("notice", "inc1").at("title"), "暴雨红色预警");
}

TEST(RAIN_7, TheRuleSendsRedAfterEveryMilderColour) {
  for (const char* colour : {"blue", "yellow", "orange"}) {
    Ruled town;
    town.must(town.second, "warning.sign_rule", Json::object());
    town.tell("a1", "open", colour);
    town.approve();
    town.settle();
    EXPECT_TRUE(town.row("notice", "inc1").at("alert")) << colour;
    town.verified("a2", {{"kind", "update"}});
    town.wait_for_rule();
    const Json notice = town.row("notice", "inc1");
    EXPECT_EQ(notice.at("severity"), "red") << colour;
    EXPECT_TRUE(notice.at("alert")) << "worse sounds again, after " << colour;
    EXPECT_EQ(town.row("warning", "inc1").at("rule"), "sent") << colour;
  }
}

TEST(RAIN_7, AVetoOrACorrectionOfTheDeskLeavesTheWorseColourToAPerson) {
  for (const std::string how : {"veto", "correct", "withdraw", "end"}) {
    Ruled town;
    town.must(town.second, "warning.sign_rule", Json::object());
    town.tell("a1", "open", "orange");
    town.approve();
    town.settle();
    town.verified("a2", {{"kind", "update"}});
    if (how == "veto")
      town.must(town.window, "warning.veto", {{"incident", "inc1"}, {"reason", "误报"}});
    if (how == "correct")
      town.must(town.editor, "notice.correct", {{"id", "inc1"}, {"body", "今晚有雨。"}});
    if (how == "withdraw")
      town.must(town.editor, "notice.withdraw", {{"id", "inc1"}, {"reason", "误报"}});
    if (how == "end") town.must(town.approver, "warning.end_rule", Json::object());
    town.wait_for_rule();
    EXPECT_EQ(town.row("notice_admin", "inc1").at("content").at("severity"), "orange") << how;
    EXPECT_FALSE(town.row("warning", "inc1").contains("veto_until")) << how;
  }
}

// The desk learns what the two minutes are like, and how to say no, before it matters.
TEST(RAIN_7, AnExerciseIsADrillOfTheRuleSignedOrNotAndReachesNobody) {
  for (const bool is_signed : {false, true}) {
    Ruled town;
    if (is_signed) town.must(town.second, "warning.sign_rule", Json::object());
    town.verified("a1", {{"drill", true}});
    EXPECT_TRUE(town.row("warning", "inc1").contains("veto_until"));
    town.wait_for_rule();
    EXPECT_EQ(town.row("warning", "inc1").at("rule"), "drilled");
    EXPECT_EQ(town.state(), "in_review");
    EXPECT_TRUE(town.row("notice", "inc1").is_null()) << "RAIN-2";
  }
  Ruled town;
  town.verified("a1", {{"drill", true}});
  town.must(town.window, "warning.veto", {{"incident", "inc1"}, {"reason", "演练否决"}});
  town.wait_for_rule();
  EXPECT_FALSE(town.row("warning", "inc1").contains("rule"));
}

// Decision E10: the watcher never says by_rule of what is unsigned, and a drill waits for a person.
TEST(RAIN_7, WhatTheWatcherDoesNotVouchForWaits) {
  Ruled town;
  town.must(town.second, "warning.sign_rule", Json::object());
  town.tell("a1", "open", "red");
  EXPECT_FALSE(town.row("warning", "inc1").contains("veto_until"));
  town.clock().advance(121s);
  town.settle();
  EXPECT_EQ(town.state(), "in_review");
}

}  // namespace
}  // namespace linli::test
