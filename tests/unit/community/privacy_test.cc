// SPDX-License-Identifier: Apache-2.0
// Goal:   a phone holds only what its people may see now; what a notice was meant for, and what
//         somebody is, stays on the server; texts arrive as they were typed.
// Method: the real modules, committer and memory store; everything on a phone is searched. A
//         failure is a leak or a text that deceives its reader.
#include <gtest/gtest.h>

#include "tests/support/test_community.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

TEST(NTC_2, WhereElseANoticeWentIsOnNoPhone) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("n1", {{"areas", {"b1", "y2"}}}));
  EXPECT_EQ(town.placed("notice", "n1"), (std::vector<std::string>{"area:b1:s", "area:y2:s"}));
  EXPECT_TRUE(town.holds(chen, "notice", "n1"));
  EXPECT_EQ(town.everything_on_phone_of(chen).find("y2"), std::string::npos);
  town.must(town.editor, "notice.correct", {{"id", "n1"}, {"body", "改到后天。"}});
  EXPECT_TRUE(town.holds(chen, "notice", "n1")) << "a correction must still be placed";
}

TEST(NTC_2, TheDesksReplicasHoldTheLineOfANoticeWithoutItsAudience) {
  SmallTown town;
  const Json audience = {
      {"areas", {"hn"}}, {"sensitive_tags", {"dibao"}}, {"exclude_persons", {"p-liu"}}};
  town.send(SmallTown::notice("n1", audience), 5);
  EXPECT_TRUE(town.holds(town.editor, "notice_desk", "n1"));
  EXPECT_EQ(town.row("notice_desk", "n1").at("state"), "sent");
  for (const std::string& desk : {town.editor, town.approver, town.window, town.supervisor}) {
    const std::string all = town.everything_on_phone_of(desk);
    for (const char* secret : {"dibao", "exclude_persons", "\"audience\":{"})
      EXPECT_EQ(all.find(secret), std::string::npos) << secret;
  }
  EXPECT_TRUE(town.ask(town.approver, "notice.get", {{"id", "n1"}})->contains("audience"));
  EXPECT_FALSE(town.ask(town.grid1, "notice.get", {{"id", "n1"}})->contains("audience"));
}

TEST(NTC_2, CountsDoNotTellWhoCarriesASensitiveTag) {
  SmallTown town;
  const auto count = [&](const std::string& who, const Json& audience) {
    return town.ask(who, "notice.audience_count", {{"audience", audience}});
  };
  const Json all = {{"areas", {"hn"}}, {"sensitive_tags", {"dibao"}}};
  EXPECT_EQ(count(town.editor, all)->at("persons"), 5);
  EXPECT_FALSE(count(town.editor, all)->contains("units"));
  EXPECT_EQ(code_of(count(town.window, all)), Errc::forbidden);
  EXPECT_EQ(code_of(count(town.grid1, {{"areas", {"g1"}}, {"sensitive_tags", {"dibao"}}})),
            Errc::forbidden);
  EXPECT_EQ(count(town.grid1, {{"areas", {"g1"}}})->at("persons"), 2);
  EXPECT_EQ(code_of(count(town.grid1, {{"areas", {"g2"}}})), Errc::forbidden);
}

TEST(M28, TheRoundedCountOfSensitiveTagsIsNoReasonToAskAgain) {
  SmallTown town;
  Json draft = SmallTown::notice("n1", {{"areas", {"hn"}}, {"sensitive_tags", {"dibao"}}});
  draft["send_at"] = to_unix_ms(town.clock().now() + 1h);
  town.send(draft, 5);
  town.clock().advance(1h);
  town.settle();
  EXPECT_EQ(town.row("notice_admin", "n1").at("state"), "sent");
}

TEST(ENR_7, AnEndedProxyLosesTheFamilysAnswers) {
  SmallTown town;
  const std::string li = town.enrol("p-li", 1);
  const std::string wang = town.enrol("p-wang", 2);
  town.must(li, "proxy.request", {{"id", "x1"}, {"proxy", "p-li"}, {"dependant", "p-wang"}});
  town.must(wang, "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "tap"}}}});
  town.send(SmallTown::notice("n1", {{"areas", {"g1"}}}), 2);
  town.must(wang, "notice.acknowledge",
            {{"notice", "n1"}, {"person", "p-wang"}, {"choice", "away"}});
  EXPECT_TRUE(town.holds(li, "ack", "n1:p-wang"));
  town.must(wang, "proxy.end", {{"id", "x1"}});
  EXPECT_FALSE(town.holds(li, "ack", "n1:p-wang"));
  EXPECT_FALSE(town.holds(li, "notice", "n1"));
  EXPECT_TRUE(town.holds(wang, "ack", "n1:p-wang"));
}

TEST(ENR_7, AProxyForAWhileEndsByItself) {
  SmallTown town;
  const std::string li = town.enrol("p-li", 1);
  const std::int64_t until = to_unix_ms(town.clock().now() + 48h);
  town.must(li, "proxy.request",
            {{"id", "x1"}, {"proxy", "p-li"}, {"dependant", "p-wang"}, {"until", until}});
  town.must(town.grid1, "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "paper"}}}});
  EXPECT_EQ(std::ranges::count(town.buckets_of(li), "area:e1:u"), 1);
  town.clock().advance(48h);
  town.settle();
  EXPECT_EQ(town.row("proxy", "x1").at("state"), "ended");
  EXPECT_EQ(std::ranges::count(town.buckets_of(li), "area:e1:u"), 0);
  EXPECT_EQ(std::ranges::count(town.buckets_of(li), "person:p-wang"), 0);
}

TEST(ENR_7, AProxyWhoEnrolsLaterIsReachedAllTheSame) {
  SmallTown town;
  town.must("", "proxy.request", {{"id", "x1"}, {"proxy", "p-li"}, {"dependant", "p-wang"}});
  town.must("", "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "paper"}}}});
  const std::string li = town.enrol("p-li", 1);
  town.send(SmallTown::notice("n1", {{"areas", {"g1"}}, {"age_min", 65}}), 2);
  EXPECT_TRUE(town.holds(li, "notice", "n1"));
}

TEST(ENR_7, ManyEndedProxiesDoNotHideTheLivingOne) {
  SmallTown town;
  const std::string li = town.enrol("p-li", 1);
  for (int i = 0; i < 20; ++i) {
    const std::string id = "x" + std::to_string(i);
    town.must("", "proxy.request", {{"id", id}, {"proxy", "p-li"}, {"dependant", "p-wang"}});
    town.must("", "proxy.confirm", {{"id", id}, {"evidence", {{"how", "paper"}}}});
    if (i < 19) town.must("", "proxy.end", {{"id", id}});
  }
  EXPECT_EQ(town.row("me", li).at("persons").size(), 2U);
}

TEST(F8, TheDeadPersonsPhoneSpeaksForNobody) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("n1", {{"areas", {"hn"}}}));
  town.must(town.grid1, "person.end", {{"id", "p-chen"}, {"reason", "deceased"}});
  EXPECT_EQ(code_of(town.call(chen, "notice.acknowledge",
                              {{"notice", "n1"}, {"person", "p-chen"}, {"choice", "ok"}})),
            Errc::not_member);
  EXPECT_EQ(town.everything_on_phone_of(chen).find("停水"), std::string::npos);
  EXPECT_EQ(code_of(town.call("", "proxy.request", {{"proxy", "p-li"}, {"dependant", "p-chen"}})),
            Errc::wrong_state);
}

TEST(B5, APhoneEnrolledAfterHundredsOfNoticesGetsTheNewestOfThem) {
  SmallTown town;
  for (int i = 0; i < 210; ++i)
    town.send(SmallTown::notice("a" + std::to_string(1000 + i), {{"areas", {"g1"}}}), 2);
  town.send(SmallTown::notice("z1", {{"areas", {"g1"}}, {"age_min", 65}}), 2);
  const std::string chen = town.enrol("p-chen", 1);
  EXPECT_TRUE(town.holds(chen, "notice", "z1"));
}

TEST(NTC_3, NobodyWhoWroteAnyVersionApprovesIt) {
  SmallTown town;
  town.must(town.approver, "notice.draft", SmallTown::notice("n1", {{"areas", {"hn"}}}));
  const Json edited = town.must(town.editor, "notice.edit", {{"id", "n1"}, {"title", "停水"}});
  town.must(town.editor, "notice.submit", {{"id", "n1"}});
  EXPECT_EQ(
      code_of(town.call(town.approver, "notice.approve",
                        {{"id", "n1"}, {"fingerprint", edited.at("fingerprint")}, {"persons", 4}})),
      Errc::same_person);
}

TEST(M8, AWarningWhoseTimeIsOverIsNeverSent) {
  SmallTown town;
  Json warning = SmallTown::notice("r1", {{"areas", {"hn"}}}, "red");
  warning["send_at"] = to_unix_ms(town.clock().now() + 1h);
  warning["valid_to"] = to_unix_ms(town.clock().now() + 1h);
  EXPECT_EQ(code_of(town.call(town.editor, "notice.draft", warning)), Errc::invalid_argument);
  warning["valid_to"] = to_unix_ms(town.clock().now() + 1h + 10min);
  town.send(warning);
  // The server is down over both times, but not longer than the grace of a sending.
  town.clock().advance(1h + 20min);
  town.settle();
  EXPECT_EQ(town.row("notice_admin", "r1").at("state"), "missed");
  EXPECT_TRUE(town.row("notice", "r1").is_null());
  EXPECT_EQ(code_of(town.call(town.approver, "notice.send", {{"id", "r1"}})), Errc::wrong_state);
}

TEST(M8, AnApprovalThatComesTooLateIsRefused) {
  SmallTown town;
  Json warning = SmallTown::notice("r1", {{"areas", {"hn"}}}, "red");
  warning["valid_to"] = to_unix_ms(town.clock().now() + 1h);
  const Json made = town.must(town.editor, "notice.draft", warning);
  town.must(town.editor, "notice.submit", {{"id", "r1"}});
  town.clock().advance(2h);
  EXPECT_EQ(
      code_of(town.call(town.approver, "notice.approve",
                        {{"id", "r1"}, {"fingerprint", made.at("fingerprint")}, {"persons", 4}})),
      Errc::wrong_state);
}

TEST(Texts, WhatAScreenWouldNotShowAsTypedIsRefused) {
  SmallTown town;
  const auto draft = [&](const char* member, const std::string& text) {
    Json notice = SmallTown::notice("", {{"areas", {"hn"}}});
    notice.erase("id");
    notice[member] = text;
    return code_of(town.call(town.editor, "notice.draft", notice));
  };
  EXPECT_EQ(draft("title", "停\u202e水"), Errc::invalid_argument) << "right-to-left override";
  EXPECT_EQ(draft("body", "停\u2066水"), Errc::invalid_argument) << "isolate";
  EXPECT_EQ(draft("body", std::string("停\u0001水")), Errc::invalid_argument) << "control";
  EXPECT_EQ(draft("body", std::string("停\0水", 7)), Errc::invalid_argument) << "NUL";
  EXPECT_EQ(draft("title", "停\n水"), Errc::invalid_argument) << "two lines in a title";
  EXPECT_EQ(draft("title", "\u3000 "), Errc::invalid_argument) << "only blanks";
  EXPECT_EQ(draft("body", "第一行\n第二行\t👨\u200d👩 好"), Errc{}) << "what people write";
  Json person = {{"household", "h1a"}, {"name", "王\u202e桂芝"}};
  EXPECT_EQ(code_of(town.call(town.grid1, "person.put", person)), Errc::invalid_argument);
  person["name"] = "王桂兰";
  person["tags"] = {"党员\u2067"};
  EXPECT_EQ(code_of(town.call(town.grid1, "person.put", person)), Errc::invalid_argument);
}

TEST(NTC_2, AgeTurnsOverAtMidnightInShanghai) {
  // 2026-12-31 15:59 UTC is 23:59 there; two minutes later it is 2027.
  constexpr std::int64_t kLastMinute = 1'798'732'740'000;
  SmallTown town;
  town.clock().advance(from_unix_ms(kLastMinute) - town.clock().now());
  const Json audience = {{"areas", {"hn"}}, {"age_min", 72}};
  const auto persons = [&] {
    return town.ask(town.editor, "notice.audience_count", {{"audience", audience}})->at("persons");
  };
  EXPECT_EQ(persons(), 1) << "陈大爷, born 1955, is 71 in 2026";
  town.clock().advance(2min);
  EXPECT_EQ(persons(), 2);
}

TEST(Areas, ACommunityHasNoMoreGridsThanANoticeCounts) {
  SmallTown town;
  for (int i = 2; i < 150; ++i)
    town.must("", "area.create",
              {{"kind", "grid"}, {"parent", "hn"}, {"name", std::to_string(i) + "号网格"}});
  EXPECT_EQ(code_of(town.call("", "area.create",
                              {{"kind", "grid"}, {"parent", "hn"}, {"name", "多一个"}})),
            Errc::too_large);
}

}  // namespace
}  // namespace linli::test
