// SPDX-License-Identifier: Apache-2.0
// Goal: a program that answers, lies, is silent or dies: each item still ends exactly once.
#include <map>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "notify/channels/exec/adapter.h"

namespace linli::notify {
namespace {

class ExecChannel : public ::testing::Test {
 protected:
  std::unique_ptr<Adapter> make(Json settings = Json::object()) {
    settings["medium"] = "sms";
    return make_exec_channel({"own", settings, &rng, nullptr, nullptr}).value();
  }
  static Item item(std::uint64_t id) {
    Item out;
    out.id = DeliveryId(id);
    out.to.medium = Medium::sms;
    out.to.address = "13800000007";
    out.message.title = "停水";
    return out;
  }
  void submit(Adapter& channel, std::uint64_t id) {
    Actions out;
    const Item one = item(id);
    channel.submit({&one, 1}, now, out);
    take(std::move(out));
  }
  void hear(Adapter& channel, std::string_view line, bool ended = false) {
    Actions out;
    channel.on_line(line, ended, now, out);
    take(std::move(out));
  }
  void tick(Adapter& channel) {
    Actions out;
    channel.on_timer(1, now, out);
    take(std::move(out));
  }
  void take(Actions out) {
    for (Action& action : out) {
      if (auto* line = std::get_if<action::Line>(&action)) lines.push_back(line->text);
      if (auto* end = std::get_if<action::Done>(&action)) done.emplace(end->id.raw(), end->outcome);
      if (auto* heard = std::get_if<action::Heard>(&action)) receipts.push_back(heard->receipt);
      if (auto* timer = std::get_if<action::Timer>(&action)) timer_at = timer->at;
    }
  }

  SeededRng rng{1};
  MonoTime now{1'000};
  MonoTime timer_at{0};
  std::vector<std::string> lines;
  std::multimap<std::uint64_t, Outcome> done;
  std::vector<Receipt> receipts;
};

TEST_F(ExecChannel, OneLineOutAndOneOutcomeBack) {
  const auto channel = make();
  submit(*channel, 7);
  ASSERT_EQ(lines.size(), 1U);
  const Json sent = parse_json(lines[0]).value();
  EXPECT_EQ(json_text(sent, "id"), "7");
  EXPECT_EQ(json_text(sent["message"], "title"), "停水");
  EXPECT_EQ(json_text(sent["to"], "address"), "13800000007");
  hear(*channel,
       R"({"id":"7","outcome":"throttled","scope":"recipient","wait_s":60,"reason":"busy"})");
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done.begin()->second.kind, OutcomeKind::throttled);
  EXPECT_EQ(done.begin()->second.scope, Scope::recipient);
  EXPECT_EQ(done.begin()->second.wait, std::chrono::seconds(60));
}

TEST_F(ExecChannel, ASilentProgramMakesTheItemUnknownAndALateYesAReceipt) {
  const auto channel = make({{"timeout_s", 5}});
  submit(*channel, 7);
  EXPECT_EQ(timer_at, now + std::chrono::seconds(5));
  now += std::chrono::seconds(5);
  tick(*channel);
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done.begin()->second.kind, OutcomeKind::unknown);
  hear(*channel, R"({"id":"7","outcome":"delivered","provider_ids":["p1"]})");
  EXPECT_EQ(done.size(), 1U);
  ASSERT_EQ(receipts.size(), 1U);
  EXPECT_EQ(receipts[0].state, ReceiptState::delivered);
  EXPECT_EQ(receipts[0].delivery, DeliveryId(7));
}

TEST_F(ExecChannel, WhenTheProgramExitsWhatWasUnderWayIsUnknownAndTheNextWaits) {
  const auto channel = make();
  submit(*channel, 1);
  submit(*channel, 2);
  hear(*channel, "", true);
  EXPECT_EQ(done.size(), 2U);
  EXPECT_EQ(done.find(2)->second.kind, OutcomeKind::unknown);
  submit(*channel, 3);
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_EQ(done.find(3)->second.kind, OutcomeKind::retry_after);
  EXPECT_EQ(done.find(3)->second.wait, std::chrono::seconds(1));
  now += std::chrono::seconds(1);
  submit(*channel, 4);
  EXPECT_EQ(lines.size(), 3U);
}

TEST_F(ExecChannel, AProgramThatNeverAnswersIsTriedEverMoreSeldom) {
  const auto channel = make();
  std::vector<std::int64_t> waits;
  for (std::uint64_t id = 1; id <= 16; id += 2) {
    submit(*channel, id);
    hear(*channel, "", true);
    submit(*channel, id + 1);
    waits.push_back(done.find(id + 1)->second.wait.count() / 1000);
    now += done.find(id + 1)->second.wait;
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1, 2, 4, 8, 16, 32, 60, 60}));
}

TEST_F(ExecChannel, NoLineOfTheProgramEndsAnItemTwiceOrOneThatItWasNotGiven) {
  const auto channel = make();
  submit(*channel, 7);
  const std::string deep(100, '[');
  for (const std::string& line :
       {std::string(), std::string("hello"), std::string("[]"), std::string("\xff"), deep,
        std::string(R"({"id":7,"outcome":"accepted"})"),
        std::string(R"({"id":"8","outcome":"accepted"})"),
        std::string(R"({"receipt":{"state":"delivered"}})"), std::string(R"({"receipt":7})"),
        std::string(70'000, ' ')}) {
    hear(*channel, line);
    EXPECT_TRUE(done.empty()) << line.substr(0, 60);
  }
  EXPECT_EQ(channel->health().state, Health::State::degraded);
  hear(*channel, R"({"id":"7","outcome":"accepted","reason":"to 13800000007: ok"})");
  hear(*channel, R"({"id":"7","outcome":"accepted"})");
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done.begin()->second.reason, "");  // might hold a number
  EXPECT_TRUE(receipts.empty());
}

TEST_F(ExecChannel, AnOutcomeThatCannotBeReadIsUnknown) {
  const auto channel = make();
  std::uint64_t id = 0;
  for (const char* rest :
       {R"("outcome":"fine")", R"("outcome":"accepted","parts":-1)",
        R"("outcome":"accepted","provider_ids":"x")", R"("outcome":"throttled","scope":"moon")",
        R"("outcome":"retry_after","wait_s":999999)"}) {
    submit(*channel, ++id);
    hear(*channel, "{\"id\":\"" + std::to_string(id) + "\"," + rest + "}");
    ASSERT_EQ(done.count(id), 1U) << rest;
    EXPECT_EQ(done.find(id)->second.kind, OutcomeKind::unknown) << rest;
  }
}

TEST_F(ExecChannel, NotNowIsOfWhatIsBehindTheProgramUnlessItSaysOtherwise) {
  const auto channel = make();
  for (const std::uint64_t id : {1U, 2U, 3U}) submit(*channel, id);
  hear(*channel, R"({"id":"1","outcome":"retry_after","wait_s":5,"reason":"modem_down"})");
  hear(*channel, R"({"id":"2","outcome":"retry_after","peer_fault":false})");
  hear(*channel, R"({"id":"3","outcome":"permanent_content"})");
  EXPECT_TRUE(done.find(1)->second.is_peer_fault) << "owed after a round of tries, not dead";
  EXPECT_FALSE(done.find(2)->second.is_peer_fault);
  EXPECT_FALSE(done.find(3)->second.is_peer_fault);
}

TEST_F(ExecChannel, TheWindowIsBounded) {
  const auto channel = make({{"window_max", 2}});
  for (std::uint64_t id = 1; id <= 3; ++id) submit(*channel, id);
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_EQ(done.find(3)->second.kind, OutcomeKind::retry_after);
}

TEST_F(ExecChannel, MistakesInTheSettingsAreNamed) {
  const auto fault = [&](const Json& settings) {
    return make_exec_channel({"own", settings, &rng, nullptr, nullptr}).error().detail;
  };
  EXPECT_EQ(fault({{"medium", "pigeon"}}), "channel own: medium: missing, or no such medium");
  EXPECT_EQ(fault({{"medium", "sms"}, {"timeout_s", 0}}),
            "channel own: timeout_s: not from 1 to 600");
  EXPECT_EQ(fault({{"medium", "sms"}, {"shell", true}}), "channel own: shell: no such key");
}

}  // namespace
}  // namespace linli::notify
