// SPDX-License-Identifier: Apache-2.0
// Goal:   every person of a notice is told over one channel after the other until somebody answers,
//         and nothing is sent that is over, answered, unwanted or too much.
// Method: the engine on its real store, scripted channels, a clock that moves when told.
#include <gtest/gtest.h>

#include "tests/unit/notify/gateway_world.h"

namespace linli::test {
namespace {

using namespace notify;
using namespace std::chrono_literals;

/// Push, SMS and voice.
struct Town : GatewayWorld {
  Town() {
    channel("push", Medium::webpush).can.after_unknown = Capabilities::AfterUnknown::resend;
    channel("sms", Medium::sms);
    channel("voice", Medium::voice);
  }
};

std::vector<std::string> channels_of(const std::vector<Sent>& sent) {
  std::vector<std::string> out;
  for (const Sent& one : sent) out.push_back(one.channel);
  return out;
}

TEST(RAIN_9, TheLadderGoesOnUntilSomebodyAnswers) {
  Town town;
  town.people(3, {Medium::webpush, Medium::sms, Medium::voice});
  town.open();
  town.send("n1", "red");
  town.run();
  EXPECT_EQ(town.sent.size(), 3U) << "push at once";
  town.pass(200s);
  EXPECT_EQ(channels_of(town.sent_to("p1")), (std::vector<std::string>{"push", "sms"}));
  town.ack("n1", "p1");
  town.pass(15min);
  EXPECT_EQ(town.sent_to("p1").size(), 2U) << "an answer stops the ladder";
  EXPECT_EQ(channels_of(town.sent_to("p2")),
            (std::vector<std::string>{"push", "sms", "push", "voice"}));
  ASSERT_EQ(town.facts("reach.open_task").size(), 2U) << "a knock for those who did not answer";
  EXPECT_EQ(town.facts("reach.open_task")[0].at("why"), "ladder");
}

TEST(NTC_10, ARemindingTellsThoseWhoHaveNotAnsweredOnceMore) {
  Town town;
  town.people(3, {Medium::webpush, Medium::sms});
  town.open();
  town.send("n1", "none", {{"needs_ack", true}});
  town.run();
  town.pass(30min);
  town.ack("n1", "p1");
  town.run();
  const std::size_t of_p1 = town.sent_to("p1").size();
  const std::size_t of_p2 = town.sent_to("p2").size();
  town.tell("notice_reminded", {{"notice", "n1"}});
  town.run();
  EXPECT_EQ(town.sent_to("p1").size(), of_p1) << "who answered is left alone";
  ASSERT_EQ(town.sent_to("p2").size(), of_p2 + 1);
  EXPECT_EQ(town.sent_to("p2").back().item.message.purpose, Purpose::reminder);
}

TEST(NTC_10, WhatStillWaitsIsNotSentTwiceByAReminding) {
  Town town;
  town.people(1, {Medium::webpush});
  town.open();
  town.send("n1", "none", {{"needs_ack", true}});
  town.tell("notice_reminded", {{"notice", "n1"}});
  town.run();
  EXPECT_EQ(town.sent_to("p1").size(), 1U);
}

TEST(RAIN_9, WhoNeedsAKnockGetsItWithTheFirstMessage) {
  Town town;
  town.people(2, {Medium::sms});
  town.person("p2").needs_knock = true;
  town.open();
  town.send("n1", "red");
  town.run();
  ASSERT_EQ(town.facts("reach.open_task").size(), 1U);
  EXPECT_EQ(town.facts("reach.open_task")[0].at("person"), "p2");
  EXPECT_EQ(town.facts("reach.open_task")[0].at("why"), "parallel");
}

TEST(RAIN_9, RedDoesNotWaitAtARungThatFitsNobody) {
  Town town;
  town.people(1, {Medium::sms});
  town.open();
  town.send("n1", "red");
  town.run();
  EXPECT_EQ(channels_of(town.sent), (std::vector<std::string>{"sms"})) << "no push, so SMS at once";
}

TEST(RAIN_9, FamilyIsToldWhenThePersonDoesNotAnswer) {
  Town town;
  town.people(1, {Medium::webpush});
  town.person("p1").helpers = {{Medium::sms, "sms-daughter", {}}};
  town.open();
  town.send("n1", "red");
  town.pass(11min);
  ASSERT_EQ(town.sent_over("sms").size(), 1U);
  EXPECT_EQ(town.sent_over("sms")[0].item.to.address, "sms-daughter");
}

TEST(M22, OneAnswerOfAHouseholdIsEnoughBelowRedOnly) {
  for (const std::string severity : {"orange", "red"}) {
    Town town;
    town.people(2, {Medium::webpush, Medium::sms});
    town.open();
    town.send("n1", severity);
    town.run();
    town.ack("n1", "p1");
    town.pass(6min);
    EXPECT_EQ(town.sent_over("sms").size(), severity == "red" ? 1U : 0U) << severity;
  }
}

TEST(G7, RedAtThreeInTheMorningReachesAndRoutineWaitsForOneSummary) {
  Town town;
  town.people(1, {Medium::sms, Medium::webpush});
  town.open();
  town.clock.advance(15h);  // 03:00
  town.send("red", "red");
  town.send("a", "none");
  town.send("b", "none");
  town.run();
  ASSERT_EQ(town.sent.size(), 1U) << "only the red one";
  EXPECT_EQ(town.sent[0].item.message.notice, "red");
  town.ack("red", "p1");
  town.pass(Millis{4h} + 1min);  // 07:01
  ASSERT_EQ(town.sent.size(), 2U) << "one message for both";
  EXPECT_EQ(town.sent[1].item.message.purpose, Purpose::summary);
  EXPECT_EQ(town.sent[1].item.message.title, "2 条通知");
}

TEST(G7, WhatIsOverWhenQuietHoursEndIsNotSent) {
  Town town;
  town.people(1, {Medium::webpush});
  town.open();
  town.clock.advance(15h);
  const std::int64_t over = to_unix_ms(town.clock.now() + 1h);
  town.send("a", "none", {{"valid_to", over}});
  town.pass(5h);
  EXPECT_TRUE(town.sent.empty());
}

TEST(NTC_1, MutedCategoriesAreNotSentButWarningsAre) {
  Town town;
  town.people(1, {Medium::webpush});
  town.person("p1").muted = {"latest", "weather"};
  town.open();
  town.send("a", "none");
  town.send("b", "red");
  town.run();
  ASSERT_EQ(town.sent.size(), 1U);
  EXPECT_EQ(town.sent[0].item.message.notice, "b");
}

TEST(NTC_7, TheDailyCapHoldsForRoutineAndNotForWarnings) {
  Town town;
  town.people(1, {Medium::webpush, Medium::sms});
  town.open();
  for (const char* id : {"a", "b", "c", "d"}) town.send(id, "none");
  town.run();
  EXPECT_EQ(town.sent.size(), 3U);
  EXPECT_EQ(town.state_of("d", "p1"), "cancelled");
  EXPECT_EQ(town.deliveries("d")[0].reason, "daily cap");
  town.open();
  town.send("e", "none");
  town.run();
  EXPECT_EQ(town.sent.size(), 3U) << "the cap survives a restart";
  town.send("f", "orange");
  town.run();
  EXPECT_EQ(town.sent.size(), 4U);
}

TEST(RAIN_4, WithdrawingTellsExactlyThoseWhoWereSentItAndNeverSounds) {
  Town town;
  town.people(2, {Medium::sms});
  town.person("p2").endpoints.clear();
  town.open();
  town.send("n1", "red");
  town.run();
  ASSERT_EQ(town.sent.size(), 1U);
  town.tell("notice_ended", {{"notice", "n1"}, {"why", "withdrawn"}});
  town.run();
  ASSERT_EQ(town.sent.size(), 2U);
  EXPECT_EQ(town.sent[1].item.to.address, "sms-p1");
  EXPECT_EQ(town.sent[1].item.message.purpose, Purpose::all_clear);
  EXPECT_TRUE(town.sent[1].item.message.action_line.empty());
  town.pass(30min);
  EXPECT_EQ(town.sent.size(), 2U) << "the ladder ended with the notice";
}

TEST(RAIN_4, WhoGetsItWhileItIsWithdrawnHearsTheAllClearToo) {
  Town town;
  town.people(1, {Medium::sms});
  town.open();
  std::vector<Sent> waiting;
  town.answer = [&](const Sent& one) -> std::optional<Outcome> {
    if (one.item.message.purpose == Purpose::all_clear) return accepted({one.item.key});
    waiting.push_back(one);
    return std::nullopt;
  };
  town.send("n1", "red");
  town.run();
  town.tell("notice_ended", {{"notice", "n1"}, {"why", "withdrawn"}});
  town.run();
  ASSERT_EQ(waiting.size(), 1U);
  town.gateway->on_done("sms", {waiting[0].item.id, accepted({"late"})});
  town.run();
  ASSERT_EQ(town.sent.size(), 2U);
  EXPECT_EQ(town.sent[1].item.message.purpose, Purpose::all_clear);
}

TEST(F6, StoppingHaltsWhatHasNotGoneOutAndTheRestIsKnown) {
  Town town;
  town.people(10, {Medium::sms});
  town.setup("sms").rate = {1, 4};
  town.open();
  town.send("n1", "red");
  town.run();
  ASSERT_EQ(town.sent.size(), 4U);
  town.tell("notice_stopped", {{"notice", "n1"}});
  town.pass(10min);
  EXPECT_EQ(town.sent.size(), 4U);
  const auto counts = town.store->counts("n1");
  std::map<std::string, std::int64_t> by_state;
  for (const ReachCounts& one : *counts) by_state[one.state] += one.persons;
  EXPECT_EQ(by_state["accepted"], 4);
  EXPECT_EQ(by_state["cancelled"], 6);
}

TEST(Outcomes, ADeadAddressIsToldOnceItIsCertainAndRedGoesOnAtOnce) {
  Town town;
  town.people(1, {Medium::webpush, Medium::sms});
  town.open();
  town.answer = [](const Sent& one) {
    if (one.channel != "push") return accepted({one.item.key});
    Outcome gone = outcome(OutcomeKind::invalid_endpoint);
    gone.is_certain = true;
    return gone;
  };
  town.send("n1", "red");
  town.run();
  EXPECT_EQ(channels_of(town.sent), (std::vector<std::string>{"push", "sms"})) << "at once";
  ASSERT_EQ(town.facts("endpoint.invalid").size(), 1U);
  EXPECT_EQ(town.facts("endpoint.invalid")[0].at("address"), "webpush-p1");
}

TEST(Outcomes, ADoubtfulAddressIsRemovedAtTheSecondStrike) {
  Town town;
  town.people(1, {Medium::webpush});
  town.open();
  town.answer = [](const Sent&) { return outcome(OutcomeKind::invalid_endpoint); };
  town.send("a", "none");
  town.run();
  EXPECT_TRUE(town.facts("endpoint.invalid").empty());
  town.send("b", "none");
  town.run();
  EXPECT_EQ(town.facts("endpoint.invalid").size(), 1U);
}

TEST(Outcomes, OurOwnMistakeStopsTheChannelAndBurnsNoDelivery) {
  Town town;
  town.people(5, {Medium::sms});
  town.setup("sms").rate = {1000, 1000};
  town.open();
  town.answer = [](const Sent&) { return outcome(OutcomeKind::permanent_config); };
  town.send("n1", "red");
  town.pass(1min);
  EXPECT_EQ(town.facts("desk.raise_alarm").size(), 1U) << "five were on their way, one alarm";
  const std::size_t before = town.sent.size();
  EXPECT_EQ(town.state_of("n1", "p1"), "ready");
  town.answer = [](const Sent& one) { return accepted({one.item.key}); };
  town.gateway->resume("sms");
  town.run();
  EXPECT_EQ(town.sent.size(), before + 5);
  EXPECT_EQ(town.state_of("n1", "p1"), "accepted");
}

TEST(Outcomes, RetriesBackOffAndEndAsDeadWhichStaffCanReplay) {
  Town town;
  town.people(1, {Medium::sms});
  town.setup("sms").attempts_max = 3;
  town.open();
  town.answer = [](const Sent&) { return outcome(OutcomeKind::retry_after); };
  town.send("n1", "red");
  town.pass(10min);
  EXPECT_EQ(town.sent_over("sms").size(), 3U);
  ASSERT_EQ(town.state_of("n1", "p1"), "dead");
  town.answer = [](const Sent& one) { return accepted({one.item.key}); };
  ASSERT_TRUE(town.gateway->replay(town.deliveries("n1")[0].id).has_value());
  town.run();
  EXPECT_EQ(town.state_of("n1", "p1"), "accepted");
}

TEST(Outcomes, APeerThatThrottlesIsObeyed) {
  Town town;
  town.people(3, {Medium::sms});
  town.open();
  bool first = true;
  town.answer = [&](const Sent& one) {
    if (std::exchange(first, false)) return outcome(OutcomeKind::throttled, Millis{60s});
    return accepted({one.item.key});
  };
  town.send("n1", "red");
  town.run();
  EXPECT_EQ(town.sent.size(), 3U);
  town.send("n2", "red");
  town.pass(59s);
  EXPECT_EQ(town.sent.size(), 3U) << "nothing before the minute is over";
  town.pass(10s);
  EXPECT_EQ(town.sent.size(), 7U);
}

TEST(Outcomes, PeerFaultsOpenTheBreakerAndOneProbeClosesIt) {
  Town town;
  town.people(20, {Medium::sms});
  town.channel("sms2", Medium::sms);
  town.setup("sms").rate = {1000, 1000};
  town.open();
  town.answer = [](const Sent& one) {
    if (one.channel != "sms") return accepted({one.item.key});
    Outcome down = outcome(OutcomeKind::retry_after);
    down.is_peer_fault = true;
    return down;
  };
  town.send("n1", "red");
  town.pass(30s);
  EXPECT_EQ(town.sent_over("sms2").size(), 20U) << "the second account takes over";
  std::size_t accepted_count = 0;
  for (const DeliveryRecord& delivery : town.deliveries("n1"))
    accepted_count += delivery.state == DeliveryRecord::State::accepted ? 1 : 0;
  EXPECT_EQ(accepted_count, 20U);
}

TEST(Receipts, AMessageOfThreePartsIsDeliveredWithAllOfThem) {
  Town town;
  town.people(1, {Medium::sms});
  town.open();
  town.answer = [](const Sent&) { return accepted({"a", "b", "c"}); };
  town.send("n1", "red");
  town.run();
  for (const char* id : {"c", "a", "a"}) town.hear("sms", id);
  EXPECT_EQ(town.state_of("n1", "p1"), "accepted");
  town.hear("sms", "b");
  EXPECT_EQ(town.state_of("n1", "p1"), "delivered");
  town.hear("sms", "b", ReceiptState::failed);
  EXPECT_EQ(town.state_of("n1", "p1"), "delivered") << "never backwards";
}

TEST(Receipts, OneThatComesBeforeItsAnswerCountsWhenTheAnswerComes) {
  Town town;
  town.people(1, {Medium::sms});
  town.open();
  town.answer = [](const Sent&) { return std::optional<Outcome>(); };
  town.send("n1", "red");
  town.run();
  town.hear("sms", "x");
  town.gateway->on_done("sms", {town.sent[0].item.id, accepted({"x"})});
  town.run();
  EXPECT_EQ(town.state_of("n1", "p1"), "delivered");
}

TEST(Receipts, ALateOneFindsItsDeliveryAfterARestart) {
  Town town;
  town.people(1, {Medium::sms});
  town.open();
  town.answer = [](const Sent&) { return accepted({"x"}); };
  town.send("n1", "red");
  town.run();
  town.open();
  town.pass(1h);
  town.hear("sms", "x");
  EXPECT_EQ(town.state_of("n1", "p1"), "delivered");
}

TEST(M21, AReplyCodeIsAnAnswerAndAnOptOutEndsTheAddress) {
  Town town;
  town.people(2, {Medium::sms});
  town.open();
  town.send("n1", "red");
  town.run();
  Receipt help;
  help.address = "sms-p1";
  help.reply = "2";
  help.state = ReceiptState::read;
  town.gateway->on_heard("sms", help);
  Receipt stop;
  stop.address = "sms-p2";
  stop.reply = "R";
  stop.because = OutcomeKind::opted_out;
  town.gateway->on_heard("sms", stop);
  town.run();
  ASSERT_EQ(town.facts("notice.acknowledge").size(), 1U);
  EXPECT_EQ(town.facts("notice.acknowledge")[0].at("person"), "p1");
  EXPECT_EQ(town.facts("notice.acknowledge")[0].at("choice"), "help");
  ASSERT_EQ(town.facts("endpoint.invalid").size(), 1U);
  EXPECT_EQ(town.facts("endpoint.invalid")[0].at("person"), "p2");
}

TEST(Receipts, AnAnswerAfterItsTimeNamesTheDeliveryForItsReceipt) {
  Town town;
  town.people(1, {Medium::sms});
  town.open();
  town.answer = [](const Sent&) { return outcome(OutcomeKind::unknown); };
  town.send("n1", "orange");
  town.run();
  ASSERT_EQ(town.state_of("n1", "p1"), "unknown");
  Receipt late;
  late.delivery = town.sent[0].item.id;
  late.provider_id = "x";
  late.state = ReceiptState::accepted;
  town.gateway->on_heard("sms", late);
  town.run();
  EXPECT_EQ(town.state_of("n1", "p1"), "accepted");
  town.hear("sms", "x");
  EXPECT_EQ(town.state_of("n1", "p1"), "delivered");
}

TEST(Restart, AnSmsWithoutAnAnswerIsHeldAndARedOneRepeatedOnce) {
  for (const std::string severity : {"red", "orange"}) {
    Town town;
    town.people(1, {Medium::sms});
    town.open();
    town.answer = [](const Sent&) { return std::optional<Outcome>(); };
    town.send("n1", severity);
    town.run();
    town.pass(6min);
    ASSERT_EQ(town.sent.size(), 1U);
    town.open();  // killed between intent and answer
    town.answer = [](const Sent& one) { return accepted({one.item.key}); };
    town.pass(2min);
    EXPECT_EQ(town.sent.size(), severity == "red" ? 2U : 1U) << severity;
    if (severity == "red") {
      EXPECT_EQ(town.sent[0].item.key, town.sent[1].item.key);
    }
    town.pass(31min);
    EXPECT_EQ(town.state_of("n1", "p1"), severity == "red" ? "accepted" : "failed");
  }
}

TEST(Restart, AStalledRunThatWakesMayNotWrite) {
  Town town;
  town.people(1, {Medium::sms});
  town.open();
  town.send("n1", "red");
  auto stalled_store = std::move(town.store);
  auto stalled = std::move(town.gateway);
  town.open();
  town.run();
  stalled->alarm("x", "y", "z");
  const auto refused = stalled->turn();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::conflict);
}

TEST(Restart, AMissedScheduleIsNotSent) {
  Town town;
  town.people(1, {Medium::sms});
  town.open();
  town.send("n1", "red", {{"valid_to", to_unix_ms(town.clock.now() + 1h)}});
  town.clock.advance(2h);
  town.run();
  EXPECT_TRUE(town.sent.empty());
}

TEST(Pacing, BulkLeavesRoomForARedWarning) {
  Town town;
  town.people(100, {Medium::webpush, Medium::sms});
  town.setup("push").rate = {10, 50};
  town.open();
  town.send("bulk", "none");
  town.run();
  EXPECT_EQ(town.sent.size(), 40U) << "a fifth is kept";
  town.send("red", "red");
  town.run();
  EXPECT_EQ(town.sent.size(), 50U);
  EXPECT_EQ(town.sent.back().item.message.notice, "red");
}

TEST(Pacing, AProvidersLimitForOneNumberIsKept) {
  Town town;
  town.people(1, {Medium::sms});
  town.setup("sms").rules = {{.per = 60s, .max = 1, .is_natural = true}};
  town.open();
  town.send("a", "red");
  town.send("b", "red");
  town.run();
  EXPECT_EQ(town.sent.size(), 1U);
  town.pass(60s);
  EXPECT_EQ(town.sent.size(), 2U);
}

// What a provider's profile says of its limits holds without the operator repeating it.
TEST(Pacing, TheQuotasOfAChannelAreObeyed) {
  Town town;
  town.people(4, {Medium::sms});
  auto& can = static_cast<ScriptedAdapter&>(const_cast<Adapter&>(*town.setup("sms").adapter)).can;
  can.quotas = {{.scope = Scope::account, .max = 3, .per = 10s},
                {.scope = Scope::recipient, .max = 1, .per = 30s}};
  town.open();
  town.send("a", "red");
  town.run();
  EXPECT_EQ(town.sent.size(), 3U) << "of the account in ten seconds";
  town.pass(10s);
  EXPECT_EQ(town.sent.size(), 4U);
  town.send("b", "red");
  town.pass(10s);
  EXPECT_EQ(town.sent.size(), 4U) << "each number has had its one";
  town.pass(25s);
  EXPECT_EQ(town.sent.size(), 8U);
}

// A server that restarts in the middle of a storm must not spend the quota of the day twice.
TEST(Pacing, QuotasOfTheAccountAndOfTemplatesHoldAcrossARestart) {
  Town town;
  town.people(4, {Medium::sms});
  auto& adapter = static_cast<ScriptedAdapter&>(const_cast<Adapter&>(*town.setup("sms").adapter));
  adapter.parts = 2;
  adapter.can.quotas = {{.scope = Scope::account, .max = 6, .per = 48h}};
  town.answer = [](const Sent& one) {
    Outcome out = accepted({one.item.key});
    out.parts = 2;
    return out;
  };
  town.open();
  town.send("a", "red", {{"valid_to", to_unix_ms(town.clock.now() + 72h)}});
  town.run();
  ASSERT_EQ(town.sent.size(), 3U) << "of two parts each";
  town.clock.advance(25h);
  town.open();
  town.run();
  EXPECT_EQ(town.sent.size(), 3U) << "counted from the attempts of two days";
  town.clock.advance(24h);
  town.run();
  EXPECT_GE(town.sent.size(), 4U);

  Town other;
  other.people(1, {Medium::sms});
  auto& template_limit =
      static_cast<ScriptedAdapter&>(const_cast<Adapter&>(*other.setup("sms").adapter));
  template_limit.can.quotas = {{.scope = Scope::content_template, .max = 1, .per = 24h}};
  other.open();
  other.send("a", "red");
  other.run();
  ASSERT_EQ(other.sent.size(), 1U);
  other.open();
  other.send("b", "red");
  other.run();
  EXPECT_EQ(other.sent.size(), 1U) << "the same category to the same number";
}

TEST(M21, WhatFamilyAnswersSaysNothingAboutThePerson) {
  Town town;
  town.people(1, {Medium::webpush});
  town.person("p1").helpers = {{Medium::sms, "sms-daughter", {}}};
  town.open();
  town.send("n1", "red");
  town.pass(11min);
  ASSERT_EQ(town.sent_over("sms").size(), 1U);
  EXPECT_FALSE(town.sent_over("sms")[0].item.message.needs_ack) << "so no text asks for 1, 2, 3";
  const auto answer = [&](const char* word) {
    town.gateway->on_heard("sms",
                           {.state = ReceiptState::read, .address = "sms-daughter", .reply = word});
    town.run();
  };
  answer("1");
  EXPECT_TRUE(town.facts("notice.acknowledge").empty());
  answer("2");
  ASSERT_EQ(town.facts("notice.acknowledge").size(), 1U);
  EXPECT_EQ(town.facts("notice.acknowledge")[0].at("choice"), "help");
}

TEST(Cost, NothingIsSpentBeyondTheCap) {
  Town town;
  town.people(10, {Medium::sms});
  static_cast<ScriptedAdapter&>(const_cast<Adapter&>(*town.setup("sms").adapter)).can.part_price =
      450;
  town.open();
  town.send("n1", "red", {{"cost_cap", 450 * 4}});
  town.run();
  EXPECT_EQ(town.sent.size(), 4U);
  ASSERT_FALSE(town.facts("desk.raise_alarm").empty());
  EXPECT_EQ(town.facts("desk.raise_alarm")[0].at("kind"), "cost_cap");
}

TEST(Worse, EverybodyIsAskedAgainAlsoWhoAnsweredTheMilderOne) {
  Town town;
  town.people(2, {Medium::sms});
  town.open();
  town.send("n1", "orange");
  town.run();
  town.ack("n1", "p1");
  town.run();
  const std::size_t before = town.sent.size();
  town.tell("notice_changed", {{"notice", "n1"},
                               {"what", "correction"},
                               {"severity", "red"},
                               {"urgent", true},
                               {"ask", 1},
                               {"rev", 2}});
  // The directory knows that p1's answer was to the milder question.
  town.directory["p1"].has_acked = false;
  GatewayWorld& world = town;
  world.run();
  EXPECT_GE(town.sent.size(), before + 1);
  EXPECT_EQ(town.sent.back().item.lane, Lane::red);
}

}  // namespace
}  // namespace linli::test
