// SPDX-License-Identifier: Apache-2.0
// Goal:   a step whose channel could not be used when its time came is taken when the channel works
//         again, once, for whom it helps; what waits for too long is dropped with its reason.
// Method: the engine on its real store, scripted channels, a clock that moves when told.
#include <gtest/gtest.h>

#include "tests/unit/notify/gateway_world.h"

namespace linli::test {
namespace {

using namespace notify;
using namespace std::chrono_literals;

/// SMS, and Web Push whose messages collapse.
struct Outage : GatewayWorld {
  Outage() {
    channel("push", Medium::webpush).can.after_unknown = Capabilities::AfterUnknown::resend;
    channel("sms", Medium::sms);
  }
  /// Nothing is heard of `name` until works().
  void fails(const std::string& name) {
    answer = [name](const Sent& one) {
      if (one.channel != name) return accepted({one.item.key});
      Outcome down = outcome(OutcomeKind::retry_after);
      down.is_peer_fault = true;
      return down;
    };
  }
  void works() {
    answer = [](const Sent& one) { return accepted({one.item.key}); };
  }
  [[nodiscard]] Sender::Look look(const std::string& name) const {
    for (const Sender::Look& one : gateway->channels())
      if (one.name == name) return one;
    return {};
  }
  [[nodiscard]] std::vector<DeliveryRecord> over(const std::string& notice, Medium medium) {
    std::vector<DeliveryRecord> out;
    for (DeliveryRecord& d : deliveries(notice))
      if (d.to.medium == medium) out.push_back(std::move(d));
    return out;
  }
};

std::vector<std::string> reasons_of(const std::vector<DeliveryRecord>& deliveries) {
  std::vector<std::string> out;
  for (const DeliveryRecord& d : deliveries) out.push_back(d.reason);
  return out;
}

TEST(RAIN_14, AStepOfAPausedChannelIsTakenWhenItIsResumed) {
  Outage town;
  town.people(3, {Medium::webpush, Medium::sms});
  town.open();
  town.gateway->pause("sms", "维护");
  town.send("n1", "red");
  town.pass(4min);
  EXPECT_EQ(town.sent_over("push").size(), 3U) << "the other channel does not wait";
  EXPECT_TRUE(town.sent_over("sms").empty());
  EXPECT_EQ(town.look("sms").owed, 3U);
  EXPECT_EQ(town.look("sms").queued[0], 3U);
  ASSERT_TRUE(town.look("sms").oldest.has_value());
  EXPECT_EQ(*town.look("sms").oldest, 60s) << "since the step of the third minute";
  EXPECT_FALSE(town.look("push").oldest.has_value());
  town.gateway->resume("sms");
  town.run();
  ASSERT_EQ(town.sent_over("sms").size(), 3U);
  EXPECT_EQ(town.sent_over("sms")[0].item.lane, Lane::red);
  EXPECT_FALSE(town.look("sms").oldest.has_value());
  town.pass(20min);
  EXPECT_EQ(town.sent_over("sms").size(), 3U) << "a step is taken once";
}

TEST(RAIN_14, WhoAnsweredOrSawItMeanwhileGetsNothingLate) {
  Outage town;
  town.people(6, {Medium::webpush, Medium::sms});
  town.open();
  town.gateway->pause("sms", "维护");
  town.send("n1", "red");
  town.pass(4min);
  town.ack("n1", "p1");
  town.person("p2").has_seen = true;
  town.person("p3").has_acked = true;  // whose row of the outbox is still on its way
  town.directory.erase("p4");          // moved away
  town.person("p5").endpoints[1].address = "sms-new-p5";
  town.run();
  town.gateway->resume("sms");
  town.run();
  ASSERT_EQ(town.sent_over("sms").size(), 1U);
  EXPECT_EQ(town.sent_over("sms")[0].item.to.address, "sms-p6");
  EXPECT_EQ(reasons_of(town.over("n1", Medium::sms)),
            (std::vector<std::string>{"answered", "reached meanwhile", "reached meanwhile", "left",
                                      "the address is not theirs any more", ""}));
}

TEST(RAIN_14, AHouseholdThatAnsweredIsNotWrittenToBelowRed) {
  Outage town;
  town.people(4, {Medium::webpush, Medium::sms});
  town.open();
  town.gateway->pause("sms", "维护");
  town.send("n1", "orange");
  town.pass(2h);
  ASSERT_EQ(town.look("sms").owed, 4U) << "every step of the ladder has come and gone";
  town.ack("n1", "p1");
  town.run();
  town.gateway->resume("sms");
  town.run();
  EXPECT_EQ(town.sent_over("sms").size(), 2U) << "of the other household";
}

TEST(RAIN_14, WhatIsOwedSurvivesARestart) {
  Outage town;
  town.people(2, {Medium::sms});
  town.open();
  town.gateway->pause("sms", "维护");
  town.send("n1", "red");
  town.pass(30min);
  town.open();
  town.run();
  EXPECT_EQ(town.look("sms").owed, 2U);
  EXPECT_EQ(*town.look("sms").oldest, 30min) << "its age too";
  town.gateway->resume("sms");
  town.kill();  // before anything of it was stored
  town.open();
  town.gateway->resume("sms");
  town.run();
  EXPECT_EQ(town.sent_over("sms").size(), 2U);
  town.open();
  town.pass(1h);
  EXPECT_EQ(town.sent_over("sms").size(), 2U);
}

TEST(RAIN_14, AWithdrawnOrStoppedNoticeOwesNothing) {
  for (const bool is_stopped : {false, true}) {
    Outage town;
    town.people(2, {Medium::sms});
    town.open();
    town.gateway->pause("sms", "维护");
    town.send("n1", "red");
    town.run();
    ASSERT_EQ(town.look("sms").owed, 2U);
    if (is_stopped)
      town.tell("notice_stopped", {{"notice", "n1"}});
    else
      town.tell("notice_ended", {{"notice", "n1"}, {"why", "withdrawn"}});
    town.run();
    town.gateway->resume("sms");
    town.pass(1h);
    EXPECT_TRUE(town.sent_over("sms").empty());
    EXPECT_EQ(town.state_of("n1", "p1"), "cancelled");
  }
}

TEST(RAIN_14, WhatWaitsTooLongIsDroppedWithItsReason) {
  Outage town;
  town.people(2, {Medium::sms});
  town.open();
  town.gateway->pause("sms", "维护");
  const Json until = {{"valid_to", to_unix_ms(town.clock.now() + 1h)}};
  town.send("n1", "red", until);
  town.pass(59min);
  EXPECT_EQ(town.look("sms").owed, 2U);
  // The community's own word that it is over may come before our turn.
  town.clock.advance(1min);
  town.tell("notice_ended", {{"notice", "n1"}, {"why", "expired"}});
  town.run();
  EXPECT_EQ(town.look("sms").owed, 0U);
  EXPECT_EQ(town.state_of("n1", "p1"), "expired");
  EXPECT_EQ(reasons_of(town.deliveries("n1")),
            (std::vector<std::string>{"expired while its channel could not be used",
                                      "expired while its channel could not be used"}));
  std::size_t told = 0;
  for (const Json& fact : town.facts("reach.record"))
    for (const Json& record : fact.at("records"))
      told += record.at("state") == "failed" && record.value("why", "") == "expired" ? 1 : 0;
  EXPECT_EQ(told, 2U) << "so that the unreached list says why";
  town.gateway->resume("sms");
  town.pass(1h);
  EXPECT_TRUE(town.sent_over("sms").empty());
}

TEST(RAIN_14, WhatWasReadyWhenItsChannelStoppedExpiresToo) {
  Outage town;
  town.people(1, {Medium::sms});
  town.open();
  town.answer = [](const Sent&) { return outcome(OutcomeKind::permanent_config); };
  town.send("n1", "orange", {{"valid_to", to_unix_ms(town.clock.now() + 1h)}});
  town.pass(61min);
  EXPECT_EQ(town.sent_over("sms").size(), 1U);
  EXPECT_EQ(town.state_of("n1", "p1"), "expired");
  EXPECT_EQ(town.deliveries("n1")[0].reason, "expired while its channel could not be used");
}

TEST(RAIN_14, ALaterEndIsAlsoTheEndOfWhatWaits) {
  Outage town;
  town.people(1, {Medium::sms});
  town.open();
  town.gateway->pause("sms", "维护");
  const auto until = [&](Millis by) { return to_unix_ms(town.clock.now() + by); };
  town.send("n1", "red", {{"valid_to", until(1h)}});
  town.run();
  town.tell("notice_changed",
            {{"notice", "n1"}, {"what", "correction"}, {"rev", 2}, {"valid_to", until(3h)}});
  town.pass(2h);
  EXPECT_EQ(town.look("sms").owed, 1U);
  town.gateway->resume("sms");
  town.run();
  ASSERT_EQ(town.sent_over("sms").size(), 1U);
  EXPECT_EQ(town.sent_over("sms")[0].item.message.rev, 2) << "what is said is the newest text";
}

TEST(RAIN_14, ABreakerThatClosesBringsBackWhatItPassedOver) {
  Outage town;
  town.people(20, {Medium::sms});
  town.open();
  town.fails("sms");
  town.send("n1", "red");
  town.pass(10s);
  ASSERT_TRUE(town.look("sms").is_open);
  town.send("n2", "red");
  town.pass(3s);
  EXPECT_EQ(town.look("sms").owed, 20U) << "the second warning does not join a dead queue";
  town.works();
  town.pass(1h);
  EXPECT_FALSE(town.look("sms").is_open);
  for (const char* notice : {"n1", "n2"})
    for (const DeliveryRecord& d : town.deliveries(notice))
      EXPECT_EQ(d.state, DeliveryRecord::State::accepted) << notice;
  std::map<std::string, int> second;
  for (const Sent& one : town.sent_over("sms"))
    if (one.item.message.notice == "n2") ++second[one.item.to.address];
  EXPECT_EQ(second.size(), 20U);
  for (const auto& [address, times] : second) EXPECT_EQ(times, 1) << address;
}

// Nothing is ready that could tell whether the peer is back.
TEST(RAIN_14, WhatIsOwedServesAsTheProbeOfItsBreaker) {
  Outage town;
  town.people(8, {Medium::sms});
  town.setup("sms").attempts_max = 1;
  town.open();
  town.fails("sms");
  town.send("n1", "red");
  town.run();
  ASSERT_TRUE(town.look("sms").is_open);
  EXPECT_EQ(town.look("sms").owed, 8U);
  const std::size_t before = town.sent_over("sms").size();
  town.pass(14s);
  EXPECT_EQ(town.sent_over("sms").size(), before);
  town.pass(2s);
  EXPECT_EQ(town.sent_over("sms").size(), before + 1) << "one at a time while it fails";
  town.works();
  town.pass(5min);
  EXPECT_EQ(town.look("sms").owed, 0U);
  EXPECT_EQ(town.sent_over("sms").size(), before + 9);
}

// The tries of a message are for what is wrong with the message.
TEST(RAIN_14, APeerThatIsAwayForADayBurnsNobodysMessageAndRedGoesOn) {
  Outage town;
  town.people(1, {Medium::sms});
  town.open();
  town.fails("sms");
  town.send("n1", "red");
  town.pass(4min);
  EXPECT_EQ(town.facts("reach.open_task").size(), 1U) << "the knock does not wait for the peer";
  town.pass(24h);
  EXPECT_EQ(town.look("sms").queued[0], 1U);
  ASSERT_TRUE(town.look("sms").oldest.has_value());
  EXPECT_EQ(*town.look("sms").oldest, 24h + 4min) << "retries do not make it younger";
  const std::size_t tries = town.sent_over("sms").size();
  EXPECT_LT(tries, 100U) << "and they back off";
  town.works();
  town.pass(31min);
  EXPECT_EQ(town.state_of("n1", "p1"), "accepted");
  EXPECT_EQ(town.sent_over("sms").size(), tries + 1);
}

TEST(RAIN_14, StepsOfOneAddressAreOneMessageAndKeepTheirTimes) {
  Outage town;
  town.people(1, {Medium::webpush});
  town.person("p1").helpers = {{Medium::sms, "sms-daughter", {}}};
  town.open();
  town.gateway->pause("*", "restored");
  town.send("n1", "red");
  town.run();
  EXPECT_EQ(town.facts("reach.open_task").size(), 1U) << "red came to the knock at once";
  town.pass(1min);
  town.gateway->resume("*");
  town.run();
  EXPECT_EQ(town.sent_over("push").size(), 1U);
  EXPECT_TRUE(town.sent_over("sms").empty()) << "family is told after ten minutes, not after one";
  town.pass(5min);
  ASSERT_EQ(town.sent_over("push").size(), 2U);
  EXPECT_EQ(town.sent_over("push")[1].item.message.purpose, Purpose::reminder);
  town.pass(5min);
  EXPECT_EQ(town.sent_over("sms").size(), 1U);

  Outage late;
  late.people(1, {Medium::webpush});
  late.open();
  late.gateway->pause("*", "restored");
  late.send("n1", "red");
  late.pass(30min);
  late.gateway->resume("*");
  late.pass(30min);
  EXPECT_EQ(late.sent_over("push").size(), 1U) << "first message and reminder in one";
}

TEST(RAIN_14, OfSeveralWaysTheFirstThatWorksIsEnough) {
  Outage town;
  town.channel("wechat", Medium::wechat);
  town.people(1, {Medium::sms, Medium::wechat});
  town.open();
  town.gateway->pause("sms", "维护");
  town.send("n1", "orange");
  town.pass(6min);
  EXPECT_EQ(town.sent_over("wechat").size(), 1U);
  EXPECT_EQ(town.look("sms").owed, 0U) << "the step was taken";

  town.gateway->pause("wechat", "维护");
  town.send("n2", "orange");
  town.pass(6min);
  EXPECT_EQ(town.look("sms").owed, 1U);
  EXPECT_EQ(town.look("wechat").owed, 1U);
  town.gateway->resume("sms");
  town.run();
  town.gateway->resume("wechat");
  town.run();
  EXPECT_EQ(town.sent_over("sms").size(), 1U);
  EXPECT_EQ(town.sent_over("wechat").size(), 1U) << "only that of the first notice";
}

TEST(RAIN_14, QuietHoursHoldForWhatIsOwed) {
  Outage town;
  town.people(1, {Medium::webpush});
  town.open();
  town.gateway->pause("push", "维护");
  town.send("n1", "none");
  town.pass(11h);  // 23:00
  ASSERT_EQ(town.look("push").owed, 1U);
  town.gateway->resume("push");
  town.pass(7h);
  EXPECT_TRUE(town.sent.empty());
  town.pass(Millis{1h} + 1min);
  EXPECT_EQ(town.sent.size(), 1U);
}

TEST(RAIN_14, ADirectoryThatDoesNotAnswerIsAskedAgain) {
  Outage town;
  town.people(1, {Medium::sms});
  town.open();
  town.gateway->pause("sms", "维护");
  town.send("n1", "red");
  town.run();
  town.gateway->resume("sms");
  const auto turn = town.gateway->turn();
  ASSERT_TRUE(turn.has_value());
  ASSERT_EQ(turn->persons.size(), 1U);
  EXPECT_TRUE(turn->submits.empty()) << "nobody is written to before the community was asked";
  town.gateway->on_person("n1", "p1", fail(Errc::unavailable, "readers are busy"));
  town.run();
  EXPECT_TRUE(town.sent.empty());
  town.pass(2s);
  EXPECT_EQ(town.sent.size(), 1U);
}

TEST(RAIN_14, AMediumWithoutAChannelOwesNothing) {
  Outage town;
  town.people(1, {Medium::voice});
  town.open();
  town.send("n1", "red");
  town.pass(1h);
  EXPECT_TRUE(town.deliveries("n1").empty());
}

TEST(RAIN_14, ALoudspeakerSpeaksWhenItsBrokerIsBack) {
  Outage town;
  town.channel("horn", Medium::loudspeaker);
  town.open();
  town.gateway->pause("horn", "维护");
  town.send(
      "n1", "red",
      {{"zones", Json::array({{{"area", "g1"}, {"medium", "loudspeaker"}, {"address", "gate"}}})}});
  town.pass(4min);
  town.gateway->resume("horn");
  town.pass(1h);
  ASSERT_EQ(town.sent_over("horn").size(), 2U);
  EXPECT_EQ(town.sent_over("horn")[1].item.message.purpose, Purpose::reminder);
}

// Also without an outage: a ladder that came to its end must not deafen the gateway.
TEST(RAIN_9, AnAnswerTakesBackWhatStillWaitsAtTheEndOfALadder) {
  Outage town;
  town.people(1, {Medium::webpush});
  town.open();
  town.clock.advance(11h);  // 23:00
  town.send("n1", "none");
  town.run();
  ASSERT_EQ(town.state_of("n1", "p1"), "held");
  town.ack("n1", "p1");
  town.pass(10h);
  EXPECT_TRUE(town.sent.empty());
  EXPECT_EQ(town.state_of("n1", "p1"), "cancelled");
}

}  // namespace
}  // namespace linli::test
