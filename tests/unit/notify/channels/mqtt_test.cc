// SPDX-License-Identifier: Apache-2.0
// Goal:   a red text is heard before everything else, nothing is said twice or too late, and every
//         stop gets through.
// Method: the adapter alone; the test is broker and controller.
#include <gtest/gtest.h>

#include "notify/channels/mqtt/adapter.h"
#include "notify/channels/mqtt/spoken.h"

namespace linli::notify::mqtt {
namespace {

constexpr MonoTime kNow{0};

class Loudspeaker : public ::testing::Test {
 protected:
  void SetUp() override {
    Settings settings;
    settings.prefix = "ls";
    settings.zones = {{"grid-3", "淮南社区三号院"}, {"grid-4", "淮南社区四号院"}};
    adapter_ = std::make_unique<LoudspeakerAdapter>(settings, clock_);
    adapter_->start(kNow, out_);
    adapter_->on_broker(true, kNow, out_);
    out_.clear();
  }
  Item item(std::uint64_t id, Lane lane = Lane::bulk, const std::string& notice = "") {
    Item out;
    out.id = DeliveryId(id);
    out.key = std::string(31, '0') + std::to_string(id);
    out.collapse = notice.empty() ? "n" + std::to_string(id) : notice;
    out.to = {Medium::loudspeaker, "grid-3", {}};
    out.message.title = "停水通知";
    out.lane = lane;
    out.expires = clock_.now() + Millis{60'000};
    return out;
  }
  void submit(const Item& one) { adapter_->submit({&one, 1}, kNow, out_); }
  /// What was published since the last call, as "topic payload".
  std::vector<std::pair<std::string, Json>> published() {
    std::vector<std::pair<std::string, Json>> found;
    for (const Action& action : std::exchange(out_, {})) {
      const auto* publish = std::get_if<action::Publish>(&action);
      if (publish == nullptr) {
        out_.push_back(action);
        continue;
      }
      EXPECT_EQ(publish->qos, 1);
      EXPECT_FALSE(publish->retain);
      EXPECT_GT(publish->expiry.count(), 0);
      calls_.push_back(publish->id);
      found.emplace_back(publish->topic, Json::parse(publish->payload));
    }
    return found;
  }
  void answer_all(bool ok) {
    for (const CallId call : std::exchange(calls_, {}))
      adapter_->on_published(call, ok, kNow, out_);
  }
  std::vector<action::Done> dones() {
    std::vector<action::Done> found;
    for (const Action& action : std::exchange(out_, {}))
      if (const auto* done = std::get_if<action::Done>(&action)) found.push_back(*done);
    return found;
  }
  std::vector<Receipt> heard(const std::string& topic, const std::string& payload) {
    out_.clear();
    adapter_->on_message(topic, payload, kNow, out_);
    std::vector<Receipt> found;
    for (const Action& action : std::exchange(out_, {}))
      if (const auto* heard = std::get_if<action::Heard>(&action)) found.push_back(heard->receipt);
    return found;
  }
  std::string report(std::uint64_t id, const std::string& state) {
    return R"({"id":")" + item(id).key + R"(","state":")" + state + R"(","at_ms":1790000001000})";
  }

  ManualClock clock_{from_unix_ms(1'790'000'000'000)};
  std::unique_ptr<LoudspeakerAdapter> adapter_;
  Actions out_;
  std::vector<CallId> calls_;
};

TEST(Spoken, DigitsAreReadOneByOne) {
  EXPECT_EQ(spell_digits("3号楼101室"), "三号楼幺零幺室");
  EXPECT_EQ(spell_digits("12月"), "一二月");
  EXPECT_EQ(spell_digits("110"), "幺幺零");
  EXPECT_EQ(spell_digits("22:30到7:05"), "二二点三零到七点零五");
  EXPECT_EQ(spell_digits("10.5毫米。"), "一零点五毫米。");
  EXPECT_EQ(spell_digits("１０１室"), "幺零幺室");
  EXPECT_EQ(spell_digits("共5. 完"), "共五. 完");
  EXPECT_EQ(spell_digits(""), "");
}

TEST(Spoken, ThePlaceComesFirstThenWhatItIs) {
  Message message;
  message.title = "暴雨红色预警";
  message.action_line = "请立即到2楼以上！";
  message.body = "第一行\n第二行";
  message.issuer = "社区居委会";
  message.link = "https://example.org/x";
  message.drill = true;
  EXPECT_EQ(spoken_text("三号院", message),
            "三号院。演练。暴雨红色预警。请立即到二楼以上！第一行 第二行。社区居委会。");
  message.drill = false;
  message.purpose = Purpose::reminder;
  EXPECT_TRUE(spoken_text("三号院", message).starts_with("三号院。再次提醒。暴雨"));
}

TEST_F(Loudspeaker, ATextGoesToItsZoneAndIsAcceptedWhenTheBrokerHasIt) {
  Item one = item(1, Lane::orange);
  one.message.drill = true;
  submit(one);
  const auto sent = published();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].first, "ls/grid-3/play");
  EXPECT_EQ(sent[0].second, (Json{{"v", 1},
                                  {"id", one.key},
                                  {"notice", "n1"},
                                  {"lane", "orange"},
                                  {"preempt", false},
                                  {"text", "淮南社区三号院。演练。停水通知。"},
                                  {"repeat", 2},
                                  {"drill", true},
                                  {"expires_ms", 1'790'000'060'000}}));
  EXPECT_TRUE(dones().empty());
  answer_all(true);
  const auto ended = dones();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].outcome.kind, OutcomeKind::accepted);
  EXPECT_EQ(ended[0].outcome.provider_ids, (std::vector{one.key}));
  EXPECT_EQ(ended[0].outcome.parts, 1U);
}

TEST_F(Loudspeaker, WithoutConfirmationTheEndIsUnknownAndAPersonDecides) {
  submit(item(1));
  published();
  answer_all(false);
  const auto ended = dones();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].outcome.kind, OutcomeKind::unknown);
  EXPECT_EQ(adapter_->capabilities().after_unknown, Capabilities::AfterUnknown::ask);
}

TEST_F(Loudspeaker, WithoutABrokerNothingLeaves) {
  adapter_->on_broker(false, kNow, out_);
  submit(item(1));
  EXPECT_TRUE(published().empty());
  EXPECT_EQ(dones().at(0).outcome.kind, OutcomeKind::retry_after);
  EXPECT_EQ(adapter_->health().state, Health::State::down);
}

// notify.md §5 trap 35.
TEST_F(Loudspeaker, RedStopsWhatPlaysInItsZoneOnly) {
  submit(item(1));
  submit(item(2, Lane::orange));
  Item other = item(3);
  other.to.address = "grid-4";
  submit(other);
  submit(item(4, Lane::red));
  const auto sent = published();
  ASSERT_EQ(sent.size(), 6U);
  EXPECT_EQ(sent[3],
            (std::pair<std::string, Json>{"ls/grid-3/stop", {{"v", 1}, {"id", item(1).key}}}));
  EXPECT_EQ(sent[4].second.at("id"), item(2).key);
  EXPECT_EQ(sent[5].first, "ls/grid-3/play");
  EXPECT_EQ(sent[5].second.at("preempt"), true);
  EXPECT_EQ(sent[5].second.at("repeat"), 3);
  submit(item(5, Lane::red));  // red does not silence red
  EXPECT_EQ(published().size(), 1U);
  submit(item(6));
  EXPECT_EQ(published().at(0).second.at("preempt"), false);
}

TEST_F(Loudspeaker, ANewerRevisionStopsTheOlderAndARepeatedTextStopsNothing) {
  submit(item(1, Lane::bulk, "notice"));
  published();
  submit(item(2, Lane::bulk, "notice"));
  const auto sent = published();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].second.at("id"), item(1).key);
  submit(item(2, Lane::bulk, "notice"));
  EXPECT_EQ(published().size(), 1U);
}

TEST_F(Loudspeaker, CancelStopsATextAlsoAfterItsOutcome) {
  submit(item(1));
  published();
  answer_all(true);
  dones();
  adapter_->cancel(DeliveryId(1), kNow, out_);
  const auto sent = published();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].first, "ls/grid-3/stop");
  EXPECT_EQ(sent[0].second.at("id"), item(1).key);
  adapter_->cancel(DeliveryId(1), kNow, out_);
  adapter_->cancel(DeliveryId(9), kNow, out_);
  EXPECT_TRUE(published().empty());
}

TEST_F(Loudspeaker, AStopThatDidNotGetThroughIsSentAgainUntilItsTextHasExpired) {
  submit(item(1));
  adapter_->cancel(DeliveryId(1), kNow, out_);
  published();
  adapter_->on_broker(false, kNow, out_);
  answer_all(false);
  EXPECT_EQ(dones().size(), 1U);  // the text's own
  adapter_->on_broker(true, kNow, out_);
  const auto again = published();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].first, "ls/grid-3/stop");
  answer_all(false);
  clock_.advance(Millis{60'000});
  adapter_->on_broker(true, kNow, out_);
  EXPECT_TRUE(published().empty());
}

TEST_F(Loudspeaker, RAIN_4_AnAllClearNeverSoundsAndSilencesItsNotice) {
  Item clear = item(2, Lane::red, "n1");
  clear.message.purpose = Purpose::all_clear;
  submit(clear);
  const auto sent = published();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0],
            (std::pair<std::string, Json>{"ls/grid-3/stop", {{"v", 1}, {"notice", "n1"}}}));
  answer_all(false);
  EXPECT_EQ(dones().at(0).outcome.kind, OutcomeKind::retry_after);
  submit(clear);
  published();
  answer_all(true);
  const auto ended = dones();
  EXPECT_EQ(ended.at(0).outcome.kind, OutcomeKind::accepted);
  EXPECT_EQ(ended.at(0).outcome.parts, 0U);
}

TEST_F(Loudspeaker, WhatCannotBeSaidIsRefused) {
  Item late = item(1);
  late.expires = clock_.now();
  Item lost = item(2);
  lost.to.address = "grid-9";
  Item wild = item(3);
  wild.to.address = "+";
  Item lengthy = item(4);
  for (std::size_t i = 0; i < kSpokenMax; ++i) lengthy.message.body += "长";
  Item broken = item(5);
  broken.message.title = "\xff";
  for (const Item& one : {late, lost, wild, lengthy, broken}) submit(one);
  EXPECT_TRUE(published().empty());
  const auto ended = dones();
  ASSERT_EQ(ended.size(), 5U);
  EXPECT_EQ(ended[0].outcome.kind, OutcomeKind::permanent_content);
  EXPECT_EQ(ended[1].outcome.kind, OutcomeKind::invalid_endpoint);
  EXPECT_EQ(ended[2].outcome.kind, OutcomeKind::invalid_endpoint);
  EXPECT_EQ(ended[3].outcome.reason, "too_large");
  EXPECT_EQ(ended[4].outcome.reason, "invalid_utf8");
  EXPECT_EQ(adapter_->preview(lengthy.to, lengthy.message).error().code, Errc::too_large);
}

TEST_F(Loudspeaker, AControllersReportsAreReceipts) {
  submit(item(1));
  const auto playing = heard("ls/grid-3/state", report(1, "playing"));
  ASSERT_EQ(playing.size(), 1U);
  EXPECT_EQ(playing[0].state, ReceiptState::accepted);
  EXPECT_EQ(playing[0].delivery, DeliveryId(1));
  EXPECT_EQ(playing[0].at, from_unix_ms(1'790'000'001'000));
  EXPECT_EQ(heard("ls/grid-3/state", report(1, "played")).at(0).state, ReceiptState::delivered);
  // Of before a restart: only the id is known.
  const auto old = heard("ls/grid-3/state", report(7, "stopped"));
  ASSERT_EQ(old.size(), 1U);
  EXPECT_EQ(old[0].state, ReceiptState::failed);
  EXPECT_FALSE(old[0].delivery);
  EXPECT_EQ(old[0].reason, "device: stopped");
  // What is over is not stopped for red.
  submit(item(8, Lane::red));
  EXPECT_EQ(published().size(), 1U);
}

TEST_F(Loudspeaker, NonsenseAndForeignZonesAreIgnored) {
  submit(item(1));
  EXPECT_TRUE(heard("ls/grid-4/state", report(1, "played")).empty());
  EXPECT_TRUE(heard("ls/grid-3/play", report(1, "played")).empty());
  EXPECT_TRUE(heard("other/grid-3/state", report(1, "played")).empty());
  EXPECT_TRUE(heard("ls/grid-3/state", report(1, "dancing")).empty());
  for (const char* text : {"", "[]", "{}", "played", R"({"id":"1' OR","state":"played"})",
                           R"({"id":7,"state":"played"})"})
    EXPECT_TRUE(heard("ls/grid-3/state", text).empty()) << text;
  EXPECT_TRUE(heard("ls/grid-3/state", std::string(100'000, '[')).empty());
}

TEST(LoudspeakerSettings, BadOnesAreNamed) {
  const ManualClock clock{from_unix_ms(0)};
  const auto refuse = [&](const char* text) {
    AdapterParts parts;
    parts.settings = Json::parse(text);
    parts.clock = &clock;
    const auto made = LoudspeakerAdapter::make(parts);
    return made ? std::string() : made.error().detail;
  };
  EXPECT_EQ(refuse(R"({"broker":{"host":"x"},"zones":{"grid-3":"三号院"}})"), "");
  EXPECT_NE(refuse(R"({"broker":{"host":"x"}})").find("zones"), std::string::npos);
  EXPECT_NE(refuse(R"({"broker":{"host":"x"},"zones":{"a/b":"x"}})").find("zones"),
            std::string::npos);
  EXPECT_NE(refuse(R"({"broker":{},"zones":{"a":"x"},"prefix":"a/+"})").find("prefix"),
            std::string::npos);
  EXPECT_NE(refuse(R"({"broker":{},"zones":{"a":"x"},"repeats":{"red":99}})").find("red"),
            std::string::npos);
}

}  // namespace
}  // namespace linli::notify::mqtt
