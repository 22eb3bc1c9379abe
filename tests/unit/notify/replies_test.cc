// SPDX-License-Identifier: Apache-2.0
// Goal:   what somebody writes back answers the message that it was written to, however the peer
//         spells the number, and hearing it twice says nothing new.
// Method: the engine on its real store with a scripted channel; the folding of texts by table.
#include <gtest/gtest.h>

#include "notify/text/reply.h"
#include "tests/unit/notify/gateway_world.h"

namespace linli::test {
namespace {

using namespace notify;
using namespace std::chrono_literals;

const std::vector<std::string> kStopWords(kOptOutWords.begin(), kOptOutWords.end());

TEST(M21, AReplyIsReadByItsFirstWordOnly) {
  struct Case {
    std::string text;
    std::string reply;
    ReceiptState state;
  };
  for (const Case& one :
       {Case{"1", "1", ReceiptState::read}, Case{"　２。\n", "2", ReceiptState::read},
        Case{"td", "TD", ReceiptState::failed}, Case{"退订", "退订", ReceiptState::failed},
        Case{"1 谢谢", "1 谢谢", ReceiptState::accepted},
        Case{" 。 ", "", ReceiptState::accepted}}) {
    const Receipt receipt = reply_of("13800000007", one.text, kStopWords);
    EXPECT_EQ(receipt.reply, one.reply) << one.text;
    EXPECT_EQ(receipt.state, one.state) << one.text;
    EXPECT_EQ(receipt.because.has_value(), one.state == ReceiptState::failed) << one.text;
    EXPECT_EQ(receipt.address, "13800000007");
  }
}

TEST(M21, ANumberIsTheSameWithAndWithoutItsCountryCode) {
  EXPECT_EQ(spellings_of("13800000007"), (Spellings{"13800000007", "+8613800000007"}));
  EXPECT_EQ(spellings_of("+8613800000007"), (Spellings{"+8613800000007", "13800000007"}));
  EXPECT_EQ(spellings_of("+85291234567")[1], "+85291234567");
  EXPECT_EQ(spellings_of("03701234567")[1], "03701234567") << "a landline has no such form";
  EXPECT_EQ(spellings_of("")[1], "");
}

struct Village : GatewayWorld {
  Village() {
    channel("sms", Medium::sms).can.has_replies = true;
    people(1, {Medium::sms});
    person("p1").endpoints[0].address = "13800000007";
    open();
  }
  void write(const std::string& address, const std::string& text, std::optional<Instant> at) {
    Receipt receipt = reply_of(address, text, kStopWords);
    receipt.at = at;
    gateway->on_heard("sms", receipt);
    run();
  }
  std::vector<std::string> acknowledged() {
    std::vector<std::string> out;
    for (const Json& fact : facts("notice.acknowledge"))
      out.push_back(fact.at("notice").get<std::string>());
    return out;
  }
};

TEST(M21, AReplyFromThePlusFormFindsTheBareNumber) {
  Village village;
  village.send("n1", "red");
  village.run();
  village.write("+8613800000007", "1", std::nullopt);
  EXPECT_EQ(village.acknowledged(), std::vector<std::string>{"n1"});
}

// A provider that got no answer pushes the same again after minutes.
TEST(M21, AReplyThatIsToldAgainAnswersNothingThatWentOutMeanwhile) {
  Village village;
  village.send("n1", "red");
  village.pass(10min);
  const Instant written = village.clock.now();
  village.write("13800000007", "1", written);
  village.pass(5min);
  village.send("n2", "red");
  village.pass(1min);
  ASSERT_EQ(village.sent.back().item.message.notice, "n2");
  village.write("13800000007", "1", written);
  EXPECT_EQ(village.acknowledged(), (std::vector<std::string>{"n1", "n1"}))
      << "the community takes the second for the first";
  village.write("13800000007", "1", village.clock.now());
  EXPECT_EQ(village.acknowledged().back(), "n2");
}

TEST(M21, APeerWhoseClockIsFarBehindIsHeardAllTheSame) {
  Village village;
  village.send("n1", "red");
  village.run();
  village.write("13800000007", "2", village.clock.now() - 24h);
  EXPECT_EQ(village.acknowledged(), std::vector<std::string>{"n1"});
}

}  // namespace
}  // namespace linli::test
