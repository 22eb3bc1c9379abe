// SPDX-License-Identifier: Apache-2.0
// Goal:   each submitted delivery ends in exactly one true outcome, whatever the peer does, and a
//         resident never gets the same part twice by our doing (notify.md §5 traps 11-16).
// Method: a scripted message centre under virtual time.
#include "notify/channels/smpp/adapter.h"

#include <gtest/gtest.h>

#include "tests/unit/notify/channels/smpp/smsc.h"

namespace linli::notify::smpp {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using enum OutcomeKind;

std::string times(std::size_t n, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += text;
  return out;
}
const std::string kTwoParts = times(80, "邻");     // NOLINT
const std::string kThreeParts = times(150, "邻");  // NOLINT

TEST(Smpp, BindsOverTlsWhenAskedAndSaysWhoItIs) {
  Settings settings = Smsc::usual();
  settings.tls = true;
  settings.ca_file = "ca.pem";
  Smsc smsc(settings);
  EXPECT_EQ(smsc.adapter.health().state, Health::State::idle);
  smsc.start();
  ASSERT_EQ(smsc.opened.size(), 1U);
  EXPECT_TRUE(smsc.opened[0].tls);
  EXPECT_EQ(smsc.opened[0].ca_file, "ca.pem");
  EXPECT_EQ(smsc.adapter.health().state, Health::State::down);
  smsc.accept_connection();
  EXPECT_EQ(smsc.next(Command::bind_transceiver).body, "linli\0secret\0\0\x34\0\0\0"s);
}

TEST(Smpp, SendsGsm7AsCoding0AndChineseAsUtf16InCoding8) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "a^b");
  const ShortMessage plain = smsc.next_message();
  EXPECT_EQ(plain.data_coding, kCodingDefault);
  EXPECT_EQ(plain.text,
            "a\x1B\x14"
            "b");
  EXPECT_EQ(plain.esm_class, 0);
  EXPECT_EQ(plain.registered_delivery, 1);
  EXPECT_EQ(plain.destination, (Address{.ton = 1, .npi = 1, .digits = "8613800000007"}));
  EXPECT_EQ(plain.source.digits, "10690000");
  smsc.submit(2, "邻😀");
  const ShortMessage chinese = smsc.next_message();
  EXPECT_EQ(chinese.data_coding, kCodingUcs2);
  EXPECT_EQ(chinese.text, "\x90\xBB\xD8\x3D\xDE\x00"s);
}

TEST(Smpp, AnAnswerIsTheOutcome) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "hello");
  smsc.take("00AB");
  const Outcome outcome = smsc.outcome(1);
  EXPECT_EQ(outcome.kind, accepted);
  EXPECT_EQ(outcome.provider_ids, std::vector<std::string>{"ab"});
  EXPECT_EQ(outcome.parts, 1U);
  EXPECT_EQ(smsc.adapter.health().state, Health::State::up);
}

TEST(Smpp, Trap11PartsCarryOneReferenceInOrderOnOneSession) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kThreeParts);
  std::string reference;
  for (int part = 1; part <= 3; ++part) {
    std::uint32_t sequence = 0;
    const ShortMessage message = smsc.next_message(&sequence);
    EXPECT_EQ(message.esm_class, kEsmUserDataHeader);
    EXPECT_EQ(message.text.substr(0, 3), "\x05\x00\x03"s);
    EXPECT_EQ(message.text.substr(4, 2), std::string({3, static_cast<char>(part)}));
    if (part == 1) reference = message.text.substr(3, 1);
    EXPECT_EQ(message.text.substr(3, 1), reference);
    EXPECT_LE(message.text.size(), 140U);
    EXPECT_EQ(message.tlv(kTagMoreMessages) != nullptr, part < 3);
    EXPECT_EQ(message.registered_delivery, 1);
    EXPECT_TRUE(smsc.sent.empty()) << "the next part waits for this one's answer";
    smsc.say({.command = Command::submit_sm_resp,
              .sequence = sequence,
              .body = encode_message_id("p" + std::to_string(part))});
  }
  EXPECT_EQ(smsc.outcome(1).provider_ids, (std::vector<std::string>{"p1", "p2", "p3"}));
  EXPECT_EQ(smsc.outcome(1).parts, 3U);
  EXPECT_EQ(smsc.opened.size(), 1U);
}

TEST(Smpp, Trap11AReferenceIsNotUsedTwiceForOnePersonWithinADay) {
  Smsc smsc;
  smsc.bind();
  std::set<char> used;
  std::uint64_t id = 0;
  const auto send_one = [&] {
    smsc.submit(++id, kTwoParts);
    if (smsc.sent.empty()) return false;
    used.insert(parse_short_message(smsc.sent.front().body)->text[3]);
    smsc.take("a");
    smsc.take("b");
    return true;
  };
  for (int n = 0; n < 256; ++n) ASSERT_TRUE(send_one()) << n;
  EXPECT_EQ(used.size(), 256U);
  EXPECT_FALSE(send_one());
  EXPECT_EQ(smsc.outcome(id).kind, throttled);
  EXPECT_EQ(smsc.outcome(id).scope, Scope::recipient);
  // Another person is not concerned, and the next day there is room.
  smsc.submit(Smsc::item(1000, kTwoParts, "+8613900000001"));
  smsc.take("a");
  smsc.take("b");
  EXPECT_EQ(smsc.outcome(1000).kind, accepted);
  smsc.clock.advance(23h);
  EXPECT_FALSE(send_one());
  smsc.clock.advance(1h);
  EXPECT_TRUE(send_one());
}

TEST(Smpp, Trap11TheSecondPartThrottledDoesNotSendTheFirstAgain) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kTwoParts);
  smsc.take("p1");
  const ShortMessage second = parse_short_message(smsc.sent.front().body).value();
  smsc.refuse(kStatusThrottled);
  EXPECT_TRUE(smsc.done.empty());
  EXPECT_EQ(smsc.adapter.health().state, Health::State::degraded);
  smsc.pass(900ms);
  EXPECT_TRUE(smsc.sent.empty());
  smsc.pass(1s);
  EXPECT_EQ(smsc.next_message(), second);
  smsc.say({.command = Command::submit_sm_resp, .sequence = 4, .body = encode_message_id("p2")});
  EXPECT_EQ(smsc.outcome(1).provider_ids, (std::vector<std::string>{"p1", "p2"}));
}

TEST(Smpp, Trap11ALaterPartRefusedTooLongIsUnknownAndSaysWhatWasTaken) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kTwoParts);
  smsc.take("p1");
  for (int n = 0; n < 20 && smsc.done.empty(); ++n) {
    smsc.refuse(kStatusThrottled);
    smsc.pass(20s);
    if (!smsc.sent.empty() && smsc.sent.front().command == Command::enquire_link)
      smsc.respond(smsc.next(), kStatusOk);
  }
  EXPECT_EQ(smsc.outcome(1).kind, unknown);
  EXPECT_EQ(smsc.outcome(1).provider_ids, std::vector<std::string>{"p1"});
  EXPECT_EQ(smsc.outcome(1).parts, 1U);
  EXPECT_EQ(smsc.outcome(1).reason, "part 2 of 2 refused: smpp 0x00000058 ESME_RTHROTTLED");
}

TEST(Smpp, AFirstPartRefusedCostsNothing) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kThreeParts);
  smsc.refuse(0x0B);
  EXPECT_EQ(smsc.outcome(1).kind, invalid_endpoint);
  EXPECT_FALSE(smsc.outcome(1).is_certain);
  EXPECT_EQ(smsc.outcome(1).parts, 0U);
  EXPECT_TRUE(smsc.sent.empty());
}

TEST(Smpp, EveryStatusHasAnOutcomeAndNoneIsUnknown) {
  EXPECT_EQ(outcome_of(kStatusThrottled).kind, throttled);
  EXPECT_EQ(outcome_of(0x14).kind, throttled);
  EXPECT_EQ(outcome_of(0x0B).kind, invalid_endpoint);
  EXPECT_EQ(outcome_of(0x01).kind, permanent_content);
  EXPECT_EQ(outcome_of(0x0A).kind, permanent_config);
  EXPECT_EQ(outcome_of(0x08).kind, retry_after);
  EXPECT_TRUE(outcome_of(0x08).is_peer_fault);
  // The peer answered that it did not take it: trying again cannot duplicate.
  for (std::uint32_t status = 1; status < 0x600; ++status) {
    const OutcomeKind kind = outcome_of(status).kind;
    EXPECT_TRUE(kind != unknown && kind != accepted && kind != delivered) << status;
    EXPECT_TRUE(outcome_of(status).reason.starts_with("smpp 0x")) << status;
  }
  EXPECT_EQ(outcome_of(0x0400).kind, retry_after);
  EXPECT_TRUE(outcome_of(0x0400).is_peer_fault);
  EXPECT_EQ(outcome_of(0x0400, {{0x0400, opted_out}}).kind, opted_out);
}

TEST(Smpp, AThrottledChannelHoldsTheOthersForAMoment) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "one");
  smsc.refuse(kStatusThrottled);
  EXPECT_EQ(smsc.outcome(1).kind, throttled);
  EXPECT_EQ(smsc.outcome(1).scope, Scope::account);
  smsc.submit(2, "two");
  EXPECT_TRUE(smsc.sent.empty());
  smsc.pass(1s);
  smsc.take("2");
  EXPECT_EQ(smsc.outcome(2).kind, accepted);
}

TEST(Smpp, RedOvertakesWhatWaits) {
  Settings settings = Smsc::usual();
  settings.red_priority = 2;
  Smsc smsc(settings);
  smsc.start();
  smsc.submit(1, "bulk");
  Item red = Smsc::item(2, "red");
  red.lane = Lane::red;
  smsc.submit(red);
  smsc.rebind();
  const ShortMessage first = smsc.next_message();
  EXPECT_EQ(first.text, "red");
  EXPECT_EQ(first.priority, 2);
  EXPECT_EQ(smsc.next_message().priority, 0);
}

TEST(Smpp, Trap12EachPartHasItsOwnIdAndReceipt) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kTwoParts);
  smsc.take("p1");
  smsc.take("p2");
  smsc.receipt("P1");
  smsc.receipt("P2");
  EXPECT_EQ(smsc.order, "D1 Hp1 Hp2 ");
  EXPECT_EQ(smsc.heard[1].state, ReceiptState::delivered);
}

TEST(Smpp, Trap13AReceiptThatOvertakesItsAnswerComesAfterTheDone) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "hello");
  smsc.receipt("7");
  EXPECT_TRUE(smsc.heard.empty());
  smsc.take("7");
  EXPECT_EQ(smsc.order, "D1 H7 ");
}

TEST(Smpp, Trap13TheFirstPartsReceiptWaitsForTheWholeMessage) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kTwoParts);
  smsc.take("p1");
  smsc.receipt("p1");
  EXPECT_TRUE(smsc.heard.empty());
  smsc.take("p2");
  EXPECT_EQ(smsc.order, "D1 Hp1 ");
}

TEST(Smpp, Trap13AReceiptOfAnotherAccountOrDayIsReportedOnceNothingElseCanNameIt) {
  Smsc smsc;
  smsc.bind();
  smsc.receipt("stranger");
  EXPECT_EQ(smsc.order, "Hstranger ");
  EXPECT_EQ(smsc.heard[0].address, "+8613800000007");
  smsc.submit(1, "hello");
  smsc.receipt("old");
  smsc.submit(2, "later");
  EXPECT_EQ(smsc.heard.size(), 1U);
  smsc.take("1");
  // 2 went out after the receipt came, so it cannot be about it.
  EXPECT_EQ(smsc.order, "Hstranger D1 Hold ");
}

TEST(Smpp, Trap13AReceiptAfterADayStillComes) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "hello");
  smsc.take("1");
  for (int n = 0; n < 26 * 120; ++n) {
    smsc.pass(30s);
    while (!smsc.sent.empty()) smsc.respond(smsc.next(Command::enquire_link), kStatusOk);
  }
  EXPECT_EQ(smsc.opened.size(), 1U);
  smsc.receipt("1");
  EXPECT_EQ(smsc.heard.at(0).provider_id, "1");
}

TEST(Smpp, Trap13ManyEarlyReceiptsAreBoundedAndNoneIsLost) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "hello");
  const std::size_t count = kEarlyReceiptsMax + 10;
  for (std::size_t n = 0; n < count; ++n) smsc.receipt("r" + std::to_string(n));
  EXPECT_EQ(smsc.heard.size(), 10U);
  smsc.take("1");
  EXPECT_EQ(smsc.heard.size(), count);
}

TEST(Smpp, Trap14NoAnswerIsUnknownAndNeverSentAgain) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "hello");
  smsc.next(Command::submit_sm);
  smsc.pass(29s);
  EXPECT_TRUE(smsc.done.empty());
  smsc.pass(1s);
  EXPECT_EQ(smsc.outcome(1).kind, unknown);
  EXPECT_TRUE(smsc.outcome(1).is_peer_fault);
  EXPECT_TRUE(smsc.sent.empty() || smsc.sent.front().command == Command::enquire_link);
}

TEST(Smpp, Trap14AnAnswerAfterItsTimeTellsWhatBecameOfIt) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "one");
  smsc.submit(2, "two");
  const Pdu one = smsc.next(Command::submit_sm);
  const Pdu two = smsc.next(Command::submit_sm);
  smsc.pass(30s);
  EXPECT_EQ(smsc.done.size(), 2U);
  smsc.respond(one, kStatusOk, encode_message_id("77"));
  EXPECT_EQ(smsc.heard.at(0).delivery, DeliveryId(1));
  EXPECT_EQ(smsc.heard.at(0).provider_id, "77");
  EXPECT_EQ(smsc.heard.at(0).state, ReceiptState::accepted);
  smsc.respond(two, 0x0B);
  EXPECT_EQ(smsc.heard.at(1).delivery, DeliveryId(2));
  EXPECT_EQ(smsc.heard.at(1).state, ReceiptState::failed);
  EXPECT_EQ(smsc.heard.at(1).because, invalid_endpoint);
  smsc.respond(one, kStatusOk, encode_message_id("77"));
  EXPECT_EQ(smsc.heard.size(), 2U);
}

TEST(Smpp, Trap15SequenceNumbersWrap) {
  Smsc smsc(Smsc::usual(), kSequenceMax - 1);
  smsc.start();
  smsc.accept_connection();
  const Pdu bind = smsc.next(Command::bind_transceiver);
  EXPECT_EQ(bind.sequence, kSequenceMax - 1);
  smsc.respond(bind, kStatusOk);
  smsc.submit(1, "one");
  smsc.submit(2, "two");
  EXPECT_EQ(smsc.next().sequence, kSequenceMax);
  EXPECT_EQ(smsc.next().sequence, 1U);
  smsc.say({.command = Command::submit_sm_resp, .sequence = kSequenceMax, .body = "x"});
  smsc.say({.command = Command::submit_sm_resp, .sequence = 1, .body = "y"});
  EXPECT_EQ(smsc.order, "D1 D2 ");
}

TEST(Smpp, Trap15EnquireLinkFlowsWhileTheWindowIsFull) {
  Settings settings = Smsc::usual();
  settings.response_max = 60s;
  Smsc smsc(settings);
  smsc.bind();
  for (std::uint64_t id = 1; id <= 4; ++id) {
    smsc.submit(id, "hello");
    smsc.next(Command::submit_sm);
  }
  smsc.submit(5, "one too many");
  EXPECT_EQ(smsc.outcome(5).kind, retry_after);
  EXPECT_TRUE(smsc.sent.empty());
  smsc.pass(30s);
  smsc.respond(smsc.next(Command::enquire_link), kStatusOk);
  smsc.say({.command = Command::enquire_link, .sequence = 9, .body = {}});
  EXPECT_EQ(smsc.next(Command::enquire_link_resp).sequence, 9U);
  smsc.pass(29s);
  EXPECT_EQ(smsc.done.size(), 1U);
  EXPECT_EQ(smsc.closed, 0);
}

TEST(Smpp, Trap15AGenericNackIsTheAnswerToWhatItNames) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "hello");
  const Pdu pdu = smsc.next(Command::submit_sm);
  smsc.say(
      {.command = Command::generic_nack, .status = 0x02, .sequence = pdu.sequence, .body = {}});
  EXPECT_EQ(smsc.outcome(1).kind, permanent_config);
  // One that names nothing: the peer lost its place in the stream.
  smsc.submit(2, "hello");
  smsc.say({.command = Command::generic_nack, .status = 0x02, .body = {}});
  EXPECT_EQ(smsc.outcome(2).kind, unknown);
  EXPECT_EQ(smsc.closed, 1);
}

TEST(Smpp, Trap15ThePeersUnbindIsAnsweredAndWhatIsUnderWayMayStillBe) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "one");
  smsc.submit(2, "two");
  const Pdu one = smsc.next(Command::submit_sm);
  smsc.next(Command::submit_sm);
  smsc.say({.command = Command::unbind, .sequence = 50, .body = {}});
  EXPECT_EQ(smsc.next(Command::unbind_resp).sequence, 50U);
  smsc.submit(3, "three");
  EXPECT_TRUE(smsc.sent.empty()) << "nothing is submitted after unbind";
  smsc.respond(one, kStatusOk, encode_message_id("1"));
  EXPECT_EQ(smsc.outcome(1).kind, accepted);
  EXPECT_EQ(smsc.closed, 0);
  smsc.pass(5s);
  EXPECT_EQ(smsc.closed, 1);
  EXPECT_EQ(smsc.outcome(2).kind, unknown);
  smsc.pass(1s);
  EXPECT_EQ(smsc.opened.size(), 2U);
  smsc.rebind();
  EXPECT_EQ(smsc.next_message().text, "three");
}

TEST(Smpp, Trap15AnUnbindWithNothingUnderWayClosesAtOnce) {
  Smsc smsc;
  smsc.bind();
  smsc.say({.command = Command::unbind, .sequence = 50, .body = {}});
  EXPECT_EQ(smsc.closed, 1);
}

TEST(Smpp, Trap15AHalfOpenConnectionIsFoundAndLeft) {
  Smsc smsc;
  smsc.bind();
  smsc.pass(30s);
  smsc.next(Command::enquire_link);
  smsc.submit(1, "hello");
  smsc.pass(29s);
  EXPECT_EQ(smsc.closed, 0);
  smsc.pass(1s);
  EXPECT_EQ(smsc.closed, 1);
  EXPECT_EQ(smsc.outcome(1).kind, unknown);
  EXPECT_EQ(smsc.adapter.health().state, Health::State::down);
  EXPECT_NE(smsc.adapter.health().text.find("half-open"), std::string::npos);
  smsc.pass(1s);
  EXPECT_EQ(smsc.opened.size(), 2U);
  EXPECT_NE(smsc.opened[1].stream, smsc.opened[0].stream);
}

TEST(Smpp, Trap15ALostConnectionMakesWhatWasUnderWayUnknownAndTheRestWaits) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "sent");
  smsc.submit(2, kTwoParts);
  smsc.next(Command::submit_sm);
  smsc.take("p1");
  smsc.refuse(kStatusThrottled);  // the second part rests
  smsc.submit(3, "never left");
  smsc.lose_connection();
  EXPECT_EQ(smsc.order, "D1 D2 ");
  EXPECT_EQ(smsc.done[0].outcome.kind, unknown);
  EXPECT_EQ(smsc.done[1].outcome.kind, unknown);
  EXPECT_EQ(smsc.done[1].outcome.provider_ids, std::vector<std::string>{"p1"});
  smsc.pass(1s);
  smsc.rebind();
  EXPECT_EQ(smsc.next_message().text, "never left");
}

TEST(Smpp, Trap11ABegunMessageDoesNotGoOnInANewSession) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kTwoParts);
  smsc.submit(2, "two");
  const Pdu part = smsc.next(Command::submit_sm);
  smsc.refuse(kStatusThrottled);
  smsc.respond(part, kStatusOk, encode_message_id("p1"));
  EXPECT_TRUE(smsc.sent.empty()) << "the second part waits for the end of the pause";
  smsc.lose_connection();
  EXPECT_EQ(smsc.outcome(1).kind, unknown);
  EXPECT_EQ(smsc.outcome(1).provider_ids, std::vector<std::string>{"p1"});
  smsc.pass(1s);
  smsc.rebind();
  smsc.pass(2s);
  EXPECT_TRUE(smsc.sent.empty());
}

TEST(Smpp, Trap15BytesOfAnOldConnectionAreNotHeard) {
  Smsc smsc;
  smsc.bind();
  const StreamId old = smsc.stream;
  smsc.lose_connection();
  smsc.pass(1s);
  smsc.tell([&](Actions& out) {
    smsc.adapter.on_bytes(old, encode(Pdu{.command = Command::enquire_link, .body = {}}),
                          smsc.clock.mono(), out);
    smsc.adapter.on_stream_closed(old, "late", smsc.clock.mono(), out);
  });
  EXPECT_TRUE(smsc.sent.empty());
  smsc.rebind();
  EXPECT_EQ(smsc.adapter.health().state, Health::State::up);
}

TEST(Smpp, Trap16AnEmptyMessageIdIsAcceptedWithoutAName) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kTwoParts);
  smsc.take("");
  smsc.respond(smsc.next(Command::submit_sm), kStatusOk, "");
  EXPECT_EQ(smsc.outcome(1).kind, accepted);
  EXPECT_EQ(smsc.outcome(1).provider_ids, (std::vector<std::string>{"", ""}));
  EXPECT_EQ(smsc.outcome(1).parts, 2U);
}

TEST(Smpp, ReconnectsWithGrowingJitteredWaits) {
  Smsc smsc;
  smsc.start();
  std::vector<Millis> waits;
  for (std::size_t n = 1; n <= 9; ++n) {
    ASSERT_EQ(smsc.opened.size(), n);
    smsc.lose_connection("refused");
    const MonoTime from = smsc.clock.mono();
    while (smsc.opened.size() == n) smsc.pass(10ms);
    waits.push_back(smsc.clock.mono() - from);
  }
  for (std::size_t n = 0; n < waits.size(); ++n) {
    const Millis most = std::min(Millis{1000} * (1 << n), Millis{60'000});
    EXPECT_GE(waits[n], most / 2);
    EXPECT_LE(waits[n], most + 10ms);
  }
  EXPECT_NE(waits[7], waits[8]) << "no jitter";
}

TEST(Smpp, WhatFindsNoSessionInTimeGoesBackToTheEngine) {
  Smsc smsc;
  smsc.start();
  smsc.submit(1, "hello");
  smsc.lose_connection("refused");
  smsc.pass(9s);
  EXPECT_TRUE(smsc.done.empty());
  smsc.pass(1s);
  EXPECT_EQ(smsc.outcome(1).kind, retry_after);
  EXPECT_TRUE(smsc.outcome(1).is_peer_fault);
  EXPECT_EQ(smsc.outcome(1).parts, 0U);
}

TEST(Smpp, AWrongPasswordStopsTheChannelAndIsNotTriedAllTheTime) {
  Smsc smsc;
  smsc.start();
  smsc.submit(1, "hello");
  smsc.accept_connection();
  smsc.respond(smsc.next(Command::bind_transceiver), kStatusBadPassword);
  EXPECT_EQ(smsc.outcome(1).kind, permanent_config);
  EXPECT_EQ(smsc.outcome(1).reason, "bind refused: smpp 0x0000000E");
  EXPECT_EQ(smsc.adapter.health().state, Health::State::down);
  smsc.submit(2, "hello");
  EXPECT_EQ(smsc.outcome(2).kind, permanent_config);
  smsc.pass(29s);
  EXPECT_EQ(smsc.opened.size(), 1U);
  smsc.pass(31s);
  EXPECT_EQ(smsc.opened.size(), 2U);
  smsc.rebind();
  smsc.submit(3, "hello");
  smsc.take("3");
  EXPECT_EQ(smsc.outcome(3).kind, accepted);
}

TEST(Smpp, APeerThatDoesNotSpeakSmppIsLeft) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "hello");
  smsc.next();
  smsc.bytes("HTTP/1.1 400 Bad Request\r\n");
  EXPECT_EQ(smsc.outcome(1).kind, unknown);
  EXPECT_EQ(smsc.closed, 1);
  EXPECT_EQ(smsc.next(Command::generic_nack).status, kStatusBadLength);
}

TEST(Smpp, AnUnreadableDeliveryIsRefusedForGoodAndTheSessionStays) {
  Smsc smsc;
  smsc.bind();
  smsc.say({.command = Command::deliver_sm, .sequence = 7, .body = "\xFF"});
  EXPECT_EQ(smsc.next(Command::deliver_sm_resp).status, kStatusPermanentError);
  smsc.say({.command = static_cast<Command>(0x103), .sequence = 8, .body = "\xFF"});
  const Pdu nack = smsc.next(Command::generic_nack);
  EXPECT_EQ(nack.status, kStatusBadCommand);
  EXPECT_EQ(nack.sequence, 8U);
  EXPECT_EQ(smsc.closed, 0);
}

TEST(Smpp, RepliesComeUpWithTheirNumber) {
  Smsc smsc;
  smsc.bind();
  smsc.deliver(0, "r");
  EXPECT_EQ(smsc.heard.at(0).because, opted_out);
  EXPECT_EQ(smsc.heard.at(0).address, "+8613800000007");
  smsc.deliver(0, "42");
  EXPECT_EQ(smsc.heard.at(1).state, ReceiptState::read);
  EXPECT_EQ(smsc.heard.at(1).reply, "42");
}

TEST(Smpp, TwoSessionsSendOnOneAndHearOnTheOther) {
  Settings settings = Smsc::usual();
  settings.is_split = true;
  Smsc smsc(settings);
  smsc.start();
  ASSERT_EQ(smsc.opened.size(), 2U);
  smsc.stream = smsc.opened[0].stream;
  smsc.accept_connection();
  smsc.respond(smsc.next(Command::bind_transmitter), kStatusOk);
  EXPECT_EQ(smsc.adapter.health().state, Health::State::degraded);
  smsc.stream = smsc.opened[1].stream;
  smsc.accept_connection();
  smsc.respond(smsc.next(Command::bind_receiver), kStatusOk);
  EXPECT_EQ(smsc.adapter.health().state, Health::State::up);
  smsc.stream = smsc.opened[0].stream;
  smsc.submit(1, "hello");
  smsc.take("1");
  smsc.stream = smsc.opened[1].stream;
  smsc.receipt("1");
  EXPECT_EQ(smsc.order, "D1 H1 ");
}

TEST(Smpp, StopFinishesWhatItBeganAndUnbinds) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, kTwoParts);
  smsc.submit(2, "two");
  smsc.stop();
  smsc.submit(3, "three");
  EXPECT_EQ(smsc.outcome(3).kind, retry_after);
  smsc.take("p1");
  smsc.take("2");
  smsc.take("p2");
  EXPECT_EQ(smsc.outcome(1).kind, accepted);
  smsc.respond(smsc.next(Command::unbind), kStatusOk);
  EXPECT_EQ(smsc.closed, 1);
  smsc.pass(10min);
  EXPECT_EQ(smsc.opened.size(), 1U);
}

TEST(Smpp, StopDoesNotWaitForEver) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(1, "hello");
  smsc.next();
  smsc.stop();
  smsc.pass(5s);
  EXPECT_EQ(smsc.outcome(1).kind, unknown);
  smsc.next(Command::unbind);
  smsc.pass(5s);
  EXPECT_EQ(smsc.closed, 1);
}

TEST(Smpp, StopBeforeTheBindGivesBackWhatWaits) {
  Smsc smsc;
  smsc.start();
  smsc.submit(1, "hello");
  smsc.stop();
  EXPECT_EQ(smsc.outcome(1).kind, retry_after);
  EXPECT_EQ(smsc.closed, 1);
  smsc.pass(10min);
  EXPECT_EQ(smsc.opened.size(), 1U);
}

TEST(Smpp, CancelTakesBackOnlyWhatHasNotLeft) {
  Smsc smsc;
  smsc.start();
  smsc.submit(1, "hello");
  const auto cancel = [&](std::uint64_t id) {
    smsc.tell([&](Actions& out) { smsc.adapter.cancel(DeliveryId(id), smsc.clock.mono(), out); });
  };
  cancel(1);
  EXPECT_EQ(smsc.outcome(1).kind, retry_after);
  smsc.rebind();
  EXPECT_TRUE(smsc.sent.empty());
  smsc.submit(2, "hello");
  cancel(2);
  cancel(99);
  smsc.take("2");
  EXPECT_EQ(smsc.outcome(2).kind, accepted);
}

TEST(Smpp, AnExpiredMessageDoesNotLeaveAndAShortLivedOneSaysSo) {
  Settings settings = Smsc::usual();
  settings.validity_max = 48h;
  Smsc smsc(settings);
  smsc.start();
  Item soon = Smsc::item(1, "soon");
  soon.expires = smsc.clock.now() + 5s;
  smsc.submit(soon);
  Item later = Smsc::item(2, "later");
  later.expires = smsc.clock.now() + 26h + 3min + 4s + 6s;
  smsc.submit(later);
  smsc.pass(6s);
  smsc.rebind();
  EXPECT_EQ(smsc.outcome(1).reason, "expired");
  EXPECT_EQ(smsc.next_message().validity_period, "000001020304000R");
  smsc.submit(3, "for ever");
  EXPECT_EQ(smsc.next_message().validity_period, "000002000000000R");
}

TEST(Smpp, BadNumbersAndTextsAreRefusedBeforeTheyLeave) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(Smsc::item(1, "hello", "not a number"));
  EXPECT_EQ(smsc.outcome(1).kind, invalid_endpoint);
  EXPECT_FALSE(smsc.outcome(1).is_certain);
  smsc.submit(2, times(5000, "邻"));
  EXPECT_EQ(smsc.outcome(2).kind, permanent_content);
  smsc.submit(3, "\xFF");
  EXPECT_EQ(smsc.outcome(3).kind, permanent_content);
  EXPECT_TRUE(smsc.sent.empty());
}

TEST(Smpp, Trap36NoReasonHoldsANumberOrText) {
  Smsc smsc;
  smsc.bind();
  smsc.submit(Smsc::item(1, "王小明", "13800000007x"));
  smsc.submit(Smsc::item(2, "王小明\xFF", "13800000007"));
  smsc.submit(3, "王小明");
  smsc.refuse(0x45);
  smsc.receipt("王小明");
  for (const action::Done& done : smsc.done) {
    EXPECT_EQ(done.outcome.reason.find("1380000"), std::string::npos);
    EXPECT_EQ(done.outcome.reason.find("王"), std::string::npos);
  }
  EXPECT_EQ(smsc.heard.at(0).reason.find("王"), std::string::npos);
  EXPECT_EQ(smsc.adapter.health().text.find("1380000"), std::string::npos);
}

TEST(Smpp, PreviewShowsTextAndParts) {
  Settings settings = Smsc::usual();
  settings.form.signature = "淮南社区";
  const Smsc smsc(settings);
  Message message;
  message.title = times(65, "水");
  const auto preview = smsc.adapter.preview({}, message);
  ASSERT_TRUE(preview);
  EXPECT_EQ(preview->parts, 2U);
  EXPECT_TRUE(preview->text.starts_with("【淮南社区】水"));
  const Capabilities& can = smsc.adapter.capabilities();
  EXPECT_EQ(can.window_max, 4U);
  EXPECT_EQ(can.after_unknown, Capabilities::AfterUnknown::hold);
  EXPECT_TRUE(can.has_receipts);
}

}  // namespace
}  // namespace linli::notify::smpp
