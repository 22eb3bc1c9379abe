// SPDX-License-Identifier: Apache-2.0
// Goal:   a notice reaches exactly its audience, never without a second person, and the counts of
//         who was reached always add up.
// Method: the real modules, committer and memory store; a small town of four people.
#include <gtest/gtest.h>

#include "tests/support/test_community.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

const Json kElders = {{"areas", {"hn"}}, {"age_min", 65}};

std::int64_t sum_of_states(const Json& counts) {
  std::int64_t sum = 0;
  for (const char* state : {"ok", "help", "away", "in_person", "proxied", "seen", "delivered",
                            "handed", "failed", "app", "no_app", "no_channel", "excluded"})
    sum += counts.at(state).get<std::int64_t>();
  return sum;
}

TEST(NTC_3, AuthorCannotApprove) {
  SmallTown town;
  const Json made = town.must(town.approver, "notice.draft", SmallTown::notice("n1", kEverybody));
  town.must(town.approver, "notice.submit", {{"id", "n1"}});
  const Json args = {{"id", "n1"}, {"fingerprint", made.at("fingerprint")}, {"persons", 4}};
  EXPECT_EQ(code_of(town.call(town.approver, "notice.approve", args)), Errc::same_person);
  EXPECT_EQ(code_of(town.call(town.editor, "notice.approve", args)), Errc::forbidden);
}

TEST(NTC_3, ApprovalNeedsElevationAndTheTextThatWasRead) {
  SmallTown town;
  const Json made = town.must(town.editor, "notice.draft", SmallTown::notice("n1", kEverybody));
  town.must(town.editor, "notice.submit", {{"id", "n1"}});
  Json args = {{"id", "n1"}, {"fingerprint", made.at("fingerprint")}, {"persons", 4}};
  EXPECT_EQ(code_of(town.call(town.approver, "notice.approve", args, false)),
            Errc::elevation_required);
  args["fingerprint"] = "0000000000000000";
  EXPECT_EQ(code_of(town.call(town.approver, "notice.approve", args)), Errc::conflict);
}

TEST(NTC_3, EditByTheApproverMakesThemTheAuthor) {
  SmallTown town;
  town.must(town.editor, "notice.draft", SmallTown::notice("n1", kEverybody));
  const Json edited = town.must(town.approver, "notice.edit", {{"id", "n1"}, {"title", "新标题"}});
  town.must(town.approver, "notice.submit", {{"id", "n1"}});
  EXPECT_EQ(
      code_of(town.call(town.approver, "notice.approve",
                        {{"id", "n1"}, {"fingerprint", edited.at("fingerprint")}, {"persons", 4}})),
      Errc::same_person);
}

TEST(NTC_3, ANoticeTakesNoIdThatTheGatewayKnowsAsAReminder) {
  SmallTown town;
  EXPECT_EQ(code_of(town.call(town.editor, "notice.draft",
                              SmallTown::notice("shift-0123456789abcdef", kEverybody))),
            Errc::invalid_argument);
  EXPECT_TRUE(town.row("notice_admin", "shift-0123456789abcdef").is_null());
  town.must(town.editor, "notice.draft", SmallTown::notice("shift", kEverybody));
}

TEST(NTC_3, RejectedDraftIsKept) {
  SmallTown town;
  town.must(town.editor, "notice.draft", SmallTown::notice("n1", kEverybody));
  town.must(town.editor, "notice.submit", {{"id", "n1"}});
  town.must(town.approver, "notice.reject", {{"id", "n1"}, {"reason", "日期不对"}});
  EXPECT_EQ(town.row("notice_admin", "n1").at("state"), "rejected");
  EXPECT_TRUE(town.row("notice", "n1").is_null());
}

TEST(NTC_1, ACategoryIsMutedForOneselfAndOnEveryOwnPhone) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const std::string liu = town.enrol("p-liu", 2);
  town.must(wang, "notice.mute", {{"category", "events"}, {"muted", true}});
  EXPECT_TRUE(town.holds(wang, "mute", wang + ":events"));
  EXPECT_FALSE(town.holds(liu, "mute", wang + ":events"));
  EXPECT_EQ(town.ask(wang, "notice.mutes", Json::object())->at("categories"), Json({"events"}));
  EXPECT_EQ(town.ask(liu, "notice.mutes", Json::object())->at("categories"), Json::array());
  town.must(wang, "notice.mute", {{"category", "events"}, {"muted", false}});
  EXPECT_TRUE(town.row("mute", wang + ":events").is_null());
}

TEST(NTC_1, UrgentIsNeverMutedAndTheServerMutesNothing) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const Json urgent = {{"category", "urgent"}, {"muted", true}};
  EXPECT_EQ(code_of(town.call(wang, "notice.mute", urgent)), Errc::invalid_argument);
  EXPECT_TRUE(town.row("mute", wang + ":urgent").is_null());
  EXPECT_EQ(code_of(town.call("", "notice.mute", {{"category", "events"}, {"muted", true}})),
            Errc::forbidden);
}

TEST(NTC_2, AreaNoticeReachesThatAreaOnly) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const std::string liu = town.enrol("p-liu", 2);
  const std::string id = town.send(SmallTown::notice("n1", {{"areas", {"b1"}}}), 2);
  EXPECT_TRUE(town.holds(wang, "notice", id));
  EXPECT_FALSE(town.holds(liu, "notice", id));
}

TEST(NTC_2, FilteredNoticeReachesItsPersonsThroughOneOpaqueBucket) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const std::string liu = town.enrol("p-liu", 2);
  const std::string id = town.send(SmallTown::notice("n1", kElders), 2);
  EXPECT_TRUE(town.holds(wang, "notice", id));
  EXPECT_FALSE(town.holds(liu, "notice", id));
  const auto buckets = town.placed("notice", id);
  ASSERT_EQ(buckets.size(), 1U);
  EXPECT_TRUE(buckets[0].starts_with("aud:"));
}

TEST(NTC_2, SensitiveTagsNeverReachAPhone) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  town.send(SmallTown::notice("n1", {{"areas", {"hn"}}, {"sensitive_tags", {"dibao"}}}), 1);
  EXPECT_TRUE(town.holds(wang, "notice", "n1"));
  for (const std::string& phone : {wang, town.grid1, town.editor, town.approver, town.window})
    EXPECT_EQ(town.everything_on_phone_of(phone).find("dibao"), std::string::npos) << phone;
}

TEST(NTC_2, SmallSensitiveCountsAreSuppressed) {
  SmallTown town;
  const Json count = *town.ask(town.editor, "notice.audience_count",
                               {{"audience", {{"areas", {"hn"}}, {"sensitive_tags", {"dibao"}}}}});
  EXPECT_EQ(count.at("suppressed"), true);
}

TEST(NTC_2, LiveCountSplitsByGrid) {
  SmallTown town;
  const Json count = *town.ask(town.editor, "notice.audience_count", {{"audience", kEverybody}});
  EXPECT_EQ(count.at("persons"), 4);
  EXPECT_EQ(count.at("no_phone"), 1);
  EXPECT_EQ(count.at("units").size(), 2U);
  EXPECT_EQ(count.at("direct"), true);
}

TEST(NTC_2, AnEqualMemberSetReusesItsBucket) {
  SmallTown town;
  town.send(SmallTown::notice("n1", kElders), 2);
  town.send(SmallTown::notice("n2", {{"areas", {"g1"}}, {"age_min", 60}}), 2);
  EXPECT_EQ(town.placed("notice", "n1"), town.placed("notice", "n2"));
}

TEST(NTC_2, APhoneEnrolledLaterStillGetsItsAudienceNotices) {
  SmallTown town;
  town.send(SmallTown::notice("n1", kElders), 2);
  const std::string chen = town.enrol("p-chen", 1);
  EXPECT_TRUE(town.holds(chen, "notice", "n1"));
}

TEST(NTC_4, CorrectionReplacesTheTextAndIsMarked) {
  SmallTown town;
  town.send(SmallTown::notice("n1", kEverybody));
  town.must(town.editor, "notice.correct", {{"id", "n1"}, {"body", "改到后天。"}});
  const Json row = town.row("notice", "n1");
  EXPECT_EQ(row.at("body"), "改到后天。");
  EXPECT_EQ(row.at("corrected"), true);
  EXPECT_EQ(row.at("alert"), false);
}

TEST(NTC_4, CorrectedAudienceDropsAndAddsPersons) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const std::string liu = town.enrol("p-liu", 2);
  town.send(SmallTown::notice("n1", kElders), 2);
  const std::string old_bucket = town.placed("notice", "n1").at(0);
  EXPECT_EQ(code_of(town.call(town.editor, "notice.correct",
                              {{"id", "n1"}, {"audience", {{"areas", {"hn"}}, {"age_max", 64}}}})),
            Errc::forbidden);
  town.must(town.approver, "notice.correct",
            {{"id", "n1"}, {"audience", {{"areas", {"hn"}}, {"age_max", 64}}}});
  town.settle();
  EXPECT_FALSE(town.holds(wang, "notice", "n1"));
  EXPECT_TRUE(town.holds(liu, "notice", "n1"));
  const auto held = town.buckets_of(wang);
  EXPECT_EQ(std::ranges::count(held, old_bucket), 0);
  const Json reach = *town.ask(town.editor, "notice.reach", {{"id", "n1"}});
  EXPECT_EQ(reach.at("total").at("audience"), 2);
  EXPECT_EQ(sum_of_states(reach.at("total")), 2);
}

TEST(NTC_4, WithdrawalLeavesNoTextBehind) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  town.send(SmallTown::notice("n1", kEverybody));
  town.must(town.editor, "notice.withdraw", {{"id", "n1"}, {"reason", "发错了"}});
  EXPECT_TRUE(town.row("notice", "n1").is_null());
  EXPECT_EQ(town.everything_on_phone_of(wang).find("停水"), std::string::npos);
  EXPECT_EQ(town.outbox("notice_ended").size(), 1U);
}

TEST(RAIN_4, CancelNeverSounds) {
  SmallTown town;
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  EXPECT_EQ(town.row("notice", "r1").at("alert"), true);
  town.must(town.approver, "notice.withdraw", {{"id", "r1"}});
  const Json stub = town.row("notice", "r1");
  EXPECT_EQ(stub.at("state"), "withdrawn");
  EXPECT_EQ(stub.at("alert"), false);
  EXPECT_FALSE(stub.contains("body"));
  EXPECT_FALSE(stub.contains("action_line"));
}

TEST(RAIN_4, WorseSoundsAgainAndMilderIsSilent) {
  SmallTown town;
  town.send(SmallTown::notice("r1", kEverybody, "orange"));
  town.must(town.approver, "notice.correct", {{"id", "r1"}, {"severity", "red"}});
  EXPECT_EQ(town.row("notice", "r1").at("alert"), true);
  EXPECT_EQ(town.row("notice", "r1").at("incident"), "r1");
  town.must(town.approver, "notice.correct", {{"id", "r1"}, {"severity", "yellow"}});
  EXPECT_EQ(town.row("notice", "r1").at("alert"), false);
  town.must(town.editor, "notice.correct", {{"id", "r1"}, {"body", "雨停了。"}});
  EXPECT_EQ(town.row("notice", "r1").at("alert"), false);
}

/// An attachment whose bytes have arrived, as notices refer to it.
Json arrived(SmallTown& town, char digit, const char* type) {
  const std::string sha(64, digit);
  town.must("", "blob.store", {{"sha", sha}, {"type", type}, {"bytes", 700}, {"by", town.editor}});
  return {{"sha", sha}, {"type", type}, {"bytes", 700}};
}

TEST(NTC_4, ACorrectionAddsAndTakesAwayPicturesAndTheVoiceNote) {
  SmallTown town;
  const Json first = arrived(town, 'a', "image/jpeg");
  const Json second = arrived(town, 'b', "image/png");
  const Json voice = arrived(town, 'c', "audio/mpeg");
  Json notice = SmallTown::notice("r1", kEverybody, "none");
  notice["images"] = Json::array({first});
  notice["voice"] = voice;
  town.send(notice);
  town.must(town.editor, "notice.correct", {{"id", "r1"}, {"images", {first, second}}});
  EXPECT_EQ(town.row("notice", "r1").at("images").size(), 2U);
  EXPECT_EQ(town.row("notice", "r1").at("voice").at("sha"), voice.at("sha")) << "not spoken of";
  town.must(town.editor, "notice.correct",
            {{"id", "r1"}, {"images", {second}}, {"no_voice", true}});
  EXPECT_EQ(town.row("notice", "r1").at("images"), Json::array({second}));
  EXPECT_FALSE(town.row("notice", "r1").contains("voice"));
  Json missing = first;
  missing["sha"] = std::string(64, 'd');
  const auto refused =
      town.call(town.editor, "notice.correct", {{"id", "r1"}, {"images", {missing}}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::wrong_state) << "it has not arrived";
  EXPECT_EQ(town.row("notice", "r1").at("images"), Json::array({second}));
}

TEST(NTC_4, ADraftLosesItsVoiceNoteWhenTheAuthorTakesItAway) {
  SmallTown town;
  Json draft = SmallTown::notice("r1", kEverybody, "none");
  draft["voice"] = arrived(town, 'c', "audio/mpeg");
  town.must(town.editor, "notice.draft", draft);
  town.must(town.editor, "notice.edit", {{"id", "r1"}, {"no_voice", true}});
  EXPECT_FALSE(town.row("notice_admin", "r1").at("content").contains("voice"));
}

TEST(RAIN_13, TheCurveOfReachIsToldFromTheBeginning) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const std::string chen = town.enrol("p-chen", 2);
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  const auto curve = [&] { return *town.ask(town.approver, "notice.reach_times", {{"id", "r1"}}); };
  EXPECT_EQ(curve().at("points").size(), 0U);
  EXPECT_EQ(curve().at("audience"), 4);
  town.clock().advance(60s);
  const std::int64_t first = to_unix_ms(town.clock().now());
  town.must(wang, "notice.seen", {{"ids", {"r1"}}});
  town.clock().advance(60s);
  const std::int64_t second = to_unix_ms(town.clock().now());
  for (const auto& [account, person] : {std::pair(wang, "p-wang"), std::pair(chen, "p-chen")})
    town.must(account, "notice.acknowledge",
              {{"notice", "r1"}, {"person", person}, {"choice", "ok"}});
  const Json points = {{{"at", first}, {"arrived", 1}, {"answered", 0}},
                       {{"at", second}, {"arrived", 2}, {"answered", 2}}};
  EXPECT_EQ(curve().at("points"), points);
  EXPECT_EQ(curve().at("answered_by"), (Json{{"50", second}})) << "two of four";
  EXPECT_FALSE(town.ask(wang, "notice.reach_times", {{"id", "r1"}}).has_value());
}

TEST(RAIN_2, DrillNeverSounds) {
  SmallTown town;
  Json drill = SmallTown::notice("r1", kEverybody, "red");
  drill["drill"] = true;
  drill["audience"]["tags"] = {"演练"};
  town.send(drill);
  EXPECT_EQ(town.row("notice", "r1").at("alert"), false);
  EXPECT_EQ(town.outbox("notice_sent").at(0).at("drill"), true);
}

TEST(RAIN_2, ADrillReachesOnlyThoseWhoTakePart) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const std::string chen = town.enrol("p-chen", 2);
  town.must(town.window, "person.put", {{"id", "p-wang"}, {"tags", {"演练"}}});
  Json drill = SmallTown::notice("r1", kEverybody, "red");
  drill["drill"] = true;
  for (const Json& tags : {Json::array(), Json{"党员"}, Json{"演练", "党员"}}) {
    drill["audience"]["tags"] = tags;
    const auto refused = town.call(town.editor, "notice.draft", drill);
    ASSERT_FALSE(refused.has_value()) << tags;
    EXPECT_EQ(refused.error().code, Errc::invalid_argument) << tags;
  }
  drill["audience"]["tags"] = {"演练"};
  town.send(drill);
  EXPECT_TRUE(town.holds(wang, "notice", "r1"));
  EXPECT_FALSE(town.holds(chen, "notice", "r1"));
  const auto wider =
      town.call(town.approver, "notice.correct", {{"id", "r1"}, {"audience", {{"areas", {"hn"}}}}});
  ASSERT_FALSE(wider.has_value());
  EXPECT_EQ(wider.error().code, Errc::invalid_argument);
}

TEST(RAIN_6, WarningNeedsAnActionLineOfAtMostFortyCharacters) {
  SmallTown town;
  Json warning = SmallTown::notice("r1", kEverybody, "red");
  warning.erase("action_line");
  EXPECT_EQ(code_of(town.call(town.editor, "notice.draft", warning)), Errc::invalid_argument);
  std::string line;
  for (int i = 0; i < 41; ++i) line += "雨";
  warning["action_line"] = line;
  EXPECT_EQ(code_of(town.call(town.editor, "notice.draft", warning)), Errc::invalid_argument);
  warning["action_line"] = line.substr(3);
  EXPECT_TRUE(town.call(town.editor, "notice.draft", warning));
}

TEST(RAIN_8, WarningsTravelInTheUrgentLane) {
  SmallTown town;
  town.send(SmallTown::notice("r1", kEverybody, "yellow"));
  town.send(SmallTown::notice("n1", kEverybody));
  EXPECT_EQ(town.placed("notice", "r1"), std::vector<std::string>{"area:hn:u"});
  EXPECT_EQ(town.placed("notice", "n1"), std::vector<std::string>{"area:hn:s"});
}

TEST(RAIN_10, HelpComesToTheDeskAndCountsOnce) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  const Json args = {{"notice", "r1"}, {"person", "p-chen"}, {"choice", "help"}};
  town.must(chen, "notice.acknowledge", args);
  town.must(chen, "notice.acknowledge", args);
  EXPECT_TRUE(town.holds(town.grid1, "ack", "r1:p-chen"));
  EXPECT_TRUE(town.holds(town.window, "ack", "r1:p-chen"));
  const Json reach = *town.ask(town.editor, "notice.reach", {{"id", "r1"}});
  EXPECT_EQ(reach.at("total").at("help"), 1);
  EXPECT_EQ(town.outbox("person_acked").size(), 1U);
}

TEST(RAIN_13, StatesAlwaysAddUpToTheAudience) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  const std::string liu = town.enrol("p-liu", 2);
  const std::string li = town.enrol("p-li", 3);
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  town.must(chen, "notice.acknowledge", {{"notice", "r1"}, {"person", "p-chen"}, {"choice", "ok"}});
  town.must(liu, "notice.seen", {{"ids", {"r1"}}});
  town.must(li, "notice.acknowledge", {{"notice", "r1"}, {"person", "p-li"}, {"choice", "away"}});
  town.must(li, "notice.seen", {{"ids", {"r1"}}});
  const Json total = town.ask(town.editor, "notice.reach", {{"id", "r1"}})->at("total");
  EXPECT_EQ(total.at("audience"), 4);
  EXPECT_EQ(sum_of_states(total), 4);
  EXPECT_EQ(total.at("ok"), 1);
  EXPECT_EQ(total.at("away"), 1);
  EXPECT_EQ(total.at("seen"), 1);
  EXPECT_EQ(total.at("no_app"), 1);
}

TEST(NTC_10, UnreachedListsPersonsByDoorAndMarksElders) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  town.must(chen, "notice.acknowledge", {{"notice", "r1"}, {"person", "p-chen"}, {"choice", "ok"}});
  const Json list = *town.ask(town.grid1, "notice.unreached", {{"id", "r1"}, {"unit", "g1"}});
  ASSERT_EQ(list.at("count"), 1);
  EXPECT_EQ(list.at("persons").at(0).at("name"), "王桂芝");
  EXPECT_EQ(list.at("persons").at(0).at("first"), true);
  EXPECT_EQ(code_of(town.ask(town.grid1, "notice.unreached", {{"id", "r1"}, {"unit", "g2"}})),
            Errc::forbidden);
  EXPECT_EQ(code_of(town.ask(town.editor, "notice.unreached", {{"id", "r1"}})), Errc::forbidden);
}

TEST(NTC_10, RemindingWaitsFiveMinutesAndAsksOnlyWhereAnAnswerIsWanted) {
  using namespace std::chrono_literals;
  SmallTown town;
  town.send(SmallTown::notice("r1", kEverybody, "red"));
  const auto remind = [&](const std::string& who) {
    return town.call(who, "notice.remind", {{"id", "r1"}});
  };
  EXPECT_EQ(code_of(remind(town.editor)), Errc::wrong_state) << "sent a moment ago";
  town.clock().advance(6min);
  EXPECT_EQ(code_of(remind(town.grid1)), Errc::forbidden);
  EXPECT_TRUE(remind(town.window));
  EXPECT_EQ(town.outbox("notice_reminded").size(), 1U);
  EXPECT_EQ(code_of(remind(town.approver)), Errc::wrong_state) << "whoever asks";
  town.clock().advance(6min);
  EXPECT_TRUE(remind(town.approver));
  EXPECT_EQ(town.row("notice_admin", "r1").at("history").back().at("what"), "reminded");
  town.must(town.approver, "notice.withdraw", {{"id", "r1"}, {"reason", "解除"}});
  town.clock().advance(6min);
  EXPECT_EQ(code_of(remind(town.editor)), Errc::wrong_state);
}

TEST(ENR_7, ProxyAcknowledgementLeavesTheMothersReachOpenForRed) {
  SmallTown town;
  const std::string li = town.enrol("p-li", 1);
  town.must(li, "proxy.request", {{"id", "x1"}, {"proxy", "p-li"}, {"dependant", "p-wang"}});
  EXPECT_EQ(code_of(town.call(li, "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "tap"}}}})),
            Errc::forbidden);
  town.must(town.grid1, "proxy.confirm",
            {{"id", "x1"}, {"evidence", {{"how", "oral"}, {"witness", "赵师傅"}}}});
  town.send(SmallTown::notice("r1", {{"areas", {"g1"}}}, "red"), 2);
  EXPECT_TRUE(town.holds(li, "notice", "r1"));
  town.must(li, "notice.acknowledge", {{"notice", "r1"}, {"person", "p-wang"}, {"choice", "ok"}});
  Json total = town.ask(town.editor, "notice.reach", {{"id", "r1"}})->at("total");
  EXPECT_EQ(total.at("proxied"), 1);
  EXPECT_EQ(total.at("ok"), 0);
  EXPECT_EQ(town.ask(town.window, "notice.unreached", {{"id", "r1"}})->at("count"), 2);
  town.send(SmallTown::notice("n1", {{"areas", {"g1"}}}), 2);
  town.must(li, "notice.acknowledge", {{"notice", "n1"}, {"person", "p-wang"}, {"choice", "ok"}});
  total = town.ask(town.editor, "notice.reach", {{"id", "n1"}})->at("total");
  EXPECT_EQ(total.at("ok"), 1);
}

TEST(Acknowledge, StrangersAreRefused) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("n1", {{"areas", {"g2"}}}), 2);
  EXPECT_EQ(code_of(town.call(chen, "notice.acknowledge",
                              {{"notice", "n1"}, {"person", "p-liu"}, {"choice", "ok"}})),
            Errc::not_member);
  EXPECT_EQ(code_of(town.call(chen, "notice.acknowledge",
                              {{"notice", "n1"}, {"person", "p-chen"}, {"choice", "ok"}})),
            Errc::not_member);
}

TEST(M28, ScheduledNoticeReturnsToReviewWhenATenthMoved) {
  SmallTown town;
  Json draft = SmallTown::notice("n1", kEverybody);
  draft["send_at"] = to_unix_ms(town.clock().now() + 1h);
  town.send(draft, 40);
  EXPECT_EQ(town.row("notice_admin", "n1").at("state"), "scheduled");
  town.clock().advance(1h);
  town.settle();
  EXPECT_EQ(town.row("notice_admin", "n1").at("state"), "in_review");
  EXPECT_TRUE(town.row("notice", "n1").is_null());
}

TEST(M28, ScheduledNoticeGoesOutWhenThePeopleAreTheSame) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  Json draft = SmallTown::notice("n1", kElders);
  draft["send_at"] = to_unix_ms(town.clock().now() + 1h);
  town.send(draft, 2);
  town.clock().advance(1h);
  town.settle();
  EXPECT_EQ(town.row("notice_admin", "n1").at("state"), "sent");
  EXPECT_TRUE(town.holds(chen, "notice", "n1"));
}

TEST(M28, AnApprovalIsBoundToTheCostThatWasQuoted) {
  SmallTown town;
  Json draft = SmallTown::notice("n1", kEverybody);
  draft["cost_cap"] = 2000;
  const Json made = town.must(town.editor, "notice.draft", draft);
  town.must(town.editor, "notice.submit", {{"id", "n1"}});
  const Json asked = {{"id", "n1"}, {"fingerprint", made.at("fingerprint")}, {"persons", 4}};
  const auto approve = [&](std::int64_t cost) {
    Json args = asked;
    if (cost >= 0) args["cost"] = cost;
    const auto done = town.call(town.approver, "notice.approve", args);
    return done ? std::string("ok") : std::string(errc_name(done.error().code));
  };
  EXPECT_EQ(approve(1800), "conflict") << "nobody quoted it";
  Json quote = {
      {"id", "n1"}, {"fingerprint", made.at("fingerprint")}, {"persons", 4}, {"cost", 2400}};
  town.must("", "notice.quoted", quote);
  EXPECT_EQ(approve(2400), "wrong_state") << "above the cap";
  quote["cost"] = 1800;
  town.must("", "notice.quoted", quote);
  EXPECT_EQ(approve(-1), "conflict");
  EXPECT_EQ(approve(1700), "conflict");
  EXPECT_EQ(approve(1800), "ok");
  EXPECT_EQ(town.row("notice_admin", "n1").at("approved_cost"), 1800);
}

TEST(M28, AScheduledNoticeThatWouldCostMoreThanItsCapReturnsToReview) {
  SmallTown town;
  Json draft = SmallTown::notice("n1", kEverybody);
  draft["cost_cap"] = 1000;
  draft["send_at"] = to_unix_ms(town.clock().now() + 1h);
  const Json made = town.must(town.editor, "notice.draft", draft);
  town.must(town.editor, "notice.submit", {{"id", "n1"}});
  // Quoted for two, and there are four.
  town.must("", "notice.quoted",
            {{"id", "n1"}, {"fingerprint", made.at("fingerprint")}, {"persons", 2}, {"cost", 900}});
  town.must(town.approver, "notice.approve",
            {{"id", "n1"}, {"fingerprint", made.at("fingerprint")}, {"persons", 4}, {"cost", 900}});
  town.clock().advance(1h);
  town.settle();
  EXPECT_EQ(town.row("notice_admin", "n1").at("state"), "in_review");
}

// A loudspeaker tells everybody there, so a notice for some of them is not for it.
TEST(Zones, OnlyWhatIsForEverybodyOfAPlaceIsToldToThePlace) {
  SmallTown town;
  const Json zones = Json::array({{{"medium", "loudspeaker"}, {"address", "gate"}}});
  town.must(town.admin, "area.set_zones", {{"id", "g1"}, {"zones", zones}});
  town.send(SmallTown::notice("n1", kEverybody));
  town.send(SmallTown::notice("n2", {{"areas", {"g2"}}}), 2);
  town.send(SmallTown::notice("n3", {{"areas", {"g1"}}, {"age_min", 65}}), 2);
  town.settle();
  std::map<std::string, std::size_t> told;
  for (const Json& row : town.outbox("notice_sent"))
    told[json_text(row, "notice")] = row.value("zones", Json::array()).size();
  EXPECT_EQ(told, (std::map<std::string, std::size_t>{{"n1", 1}, {"n2", 0}, {"n3", 0}}));
  const Json before = town.ask(town.approver, "notice.reach", {{"id", "n1"}})->at("total");
  town.must("", "reach.zone",
            {{"notice", "n1"},
             {"area", "g1"},
             {"medium", "loudspeaker"},
             {"state", "delivered"},
             {"at", 1}});
  const Json after = *town.ask(town.approver, "notice.reach", {{"id", "n1"}});
  EXPECT_EQ(after.at("total"), before) << "nobody counts as reached by it";
  EXPECT_EQ(after.at("zones").at(0).at("state"), "delivered");
}

TEST(M8, LateScheduledNoticeAsksAHuman) {
  SmallTown town;
  Json draft = SmallTown::notice("n1", kEverybody);
  draft["send_at"] = to_unix_ms(town.clock().now() + 1h);
  town.send(draft);
  town.clock().advance(1h + 31min);
  town.settle();
  EXPECT_EQ(town.row("notice_admin", "n1").at("state"), "missed");
  town.must(town.approver, "notice.send", {{"id", "n1"}});
  town.settle();
  EXPECT_EQ(town.row("notice_admin", "n1").at("state"), "sent");
}

TEST(Notice, ExpiresSilentlyAndIsArchivedAfterNinetyDays) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  Json warning = SmallTown::notice("r1", kElders, "red");
  warning["valid_to"] = to_unix_ms(town.clock().now() + 2h);
  town.send(warning, 2);
  town.clock().advance(3h);
  town.settle();
  EXPECT_EQ(town.row("notice", "r1").at("state"), "expired");
  EXPECT_EQ(town.row("notice", "r1").at("alert"), false);
  town.clock().advance(24h * 91);
  town.settle();
  EXPECT_TRUE(town.row("notice", "r1").is_null());
  EXPECT_EQ(town.row("notice_admin", "r1").at("state"), "archived");
  for (const std::string& bucket : town.buckets_of(chen)) EXPECT_FALSE(bucket.starts_with("aud:"));
}

/// Some 300 more people in g1 and one of them in each page of the fan-out.
void crowd(SmallTown& town) {
  for (int i = 0; i < 300; ++i) {
    const std::string n = std::to_string(1000 + i);
    const std::string home = "hx" + std::to_string(i / 50);
    if (i % 50 == 0)
      town.must("", "household.put", {{"id", home}, {"door", "x" + n}, {"area", "e1"}});
    town.must("", "person.put", {{"id", "x" + n}, {"household", home}, {"name", "甲"}});
  }
}

TEST(Fanout, AnswersDuringTheFanoutCountOnce) {
  SmallTown town;
  crowd(town);
  const std::string early = town.enrol("x1000", 1);
  const std::string late = town.enrol("x1299", 2);
  const Json draft =
      town.must(town.editor, "notice.draft", SmallTown::notice("r1", kEverybody, "red"));
  town.must(town.editor, "notice.submit", {{"id", "r1"}});
  town.must(town.approver, "notice.approve",
            {{"id", "r1"}, {"fingerprint", draft.at("fingerprint")}, {"persons", 304}});
  EXPECT_TRUE(town.holds(late, "notice", "r1"));
  town.tick();
  town.tick();
  for (const auto& [account, person] : {std::pair{early, "x1000"}, std::pair{late, "x1299"}})
    town.must(account, "notice.acknowledge",
              {{"notice", "r1"}, {"person", person}, {"choice", "ok"}});
  EXPECT_FALSE(town.row("notice_job", "r1").is_null());
  town.settle();
  const Json total = town.ask(town.editor, "notice.reach", {{"id", "r1"}})->at("total");
  EXPECT_EQ(total.at("audience"), 304);
  EXPECT_EQ(total.at("ok"), 2);
  EXPECT_EQ(sum_of_states(total), 304);
}

TEST(Fanout, GrantsAnAudienceBucketInPages) {
  SmallTown town;
  crowd(town);
  const std::string late = town.enrol("x1299", 2);
  const std::string liu = town.enrol("p-liu", 3);
  town.send(SmallTown::notice("n1", {{"areas", {"hn"}}, {"exclude_areas", {"g2"}}}), 302);
  EXPECT_TRUE(town.holds(late, "notice", "n1"));
  EXPECT_FALSE(town.holds(liu, "notice", "n1"));
  EXPECT_TRUE(town.row("notice_job", "n1").is_null());
}

TEST(Fanout, WithdrawalStopsItAndNothingComesOut) {
  SmallTown town;
  crowd(town);
  const std::string late = town.enrol("x1299", 2);
  const Json draft =
      town.must(town.editor, "notice.draft",
                SmallTown::notice("n1", {{"areas", {"hn"}}, {"exclude_persons", {"p-liu"}}}));
  town.must(town.editor, "notice.submit", {{"id", "n1"}});
  town.must(town.approver, "notice.approve",
            {{"id", "n1"}, {"fingerprint", draft.at("fingerprint")}, {"persons", 303}});
  town.tick();
  town.must(town.editor, "notice.withdraw", {{"id", "n1"}});
  town.settle();
  EXPECT_FALSE(town.holds(late, "notice", "n1"));
  EXPECT_TRUE(town.row("notice", "n1").is_null());
  EXPECT_TRUE(town.row("audience", "n1:001:000000").is_null());
  EXPECT_EQ(town.outbox("notice_sent").size(), 0U);
}

TEST(B6, SendingAndAnsweringTellTheGatewayInTheSameMutation) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.send(SmallTown::notice("n1", kEverybody));
  EXPECT_EQ(town.outbox("notice_sent").size(), 1U);
  EXPECT_EQ(town.outbox("notice_changed").at(0).at("what"), "audience");
  town.must(chen, "notice.acknowledge", {{"notice", "n1"}, {"person", "p-chen"}, {"choice", "ok"}});
  EXPECT_EQ(town.outbox("person_acked").at(0).at("choice"), "ok");
}

}  // namespace
}  // namespace linli::test
