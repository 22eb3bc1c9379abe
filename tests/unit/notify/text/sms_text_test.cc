// SPDX-License-Identifier: Apache-2.0
// Goal:   a notice becomes a text message that says first who and what, keeps its link and opt-out,
//         and is never longer than the office pays for (notify.md §5 traps 10, 32).
// Method: whole texts, and bodies that are too long.
#include "notify/text/sms_text.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace linli::notify {
namespace {

SmsForm form() { return {.signature = "淮南社区", .opt_out = "拒收请回复R"}; }

Message water() {
  Message message;
  message.title = "明天停水";
  message.body = "八点到十二点，请提前蓄水。";
  return message;
}

std::string times(std::size_t n, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += text;
  return out;
}

TEST(SmsText, Trap10SignatureAndOptOutAreInTheCount) {
  const auto text = write_sms(water(), form());
  ASSERT_TRUE(text);
  EXPECT_EQ(text->shown, "【淮南社区】明天停水\n八点到十二点，请提前蓄水。\n拒收请回复R");
  EXPECT_EQ(text->split.parts.front().text, text->shown);
  EXPECT_EQ(text->split.parts.front().units, utf8_length(text->shown));
}

TEST(SmsText, Trap10WhatThePeerAddsIsShownAndCountedButNotSent) {
  SmsForm peer = form();
  peer.signature_by_peer = peer.opt_out_by_peer = true;
  Message message = water();
  message.body = times(53, "水");
  const auto text = write_sms(message, peer);
  ASSERT_TRUE(text);
  // 6 + 4 + 1 + 53 + 6 = 70.
  EXPECT_EQ(text->shown, "【淮南社区】明天停水\n" + message.body + "拒收请回复R");
  EXPECT_EQ(text->split.parts.size(), 1U);
  EXPECT_EQ(text->split.parts.front().text, "明天停水\n" + message.body);
  message.body += "水";
  EXPECT_EQ(write_sms(message, peer)->split.parts.size(), 2U);
}

TEST(SmsText, SaysWhyItIsSentAndWhatToDoFirst) {
  Message message = water();
  message.purpose = Purpose::all_clear;
  message.drill = true;
  message.action_line = "不用转移";
  message.link = "https://x.example/a/1";
  EXPECT_EQ(write_sms(message, form())->shown,
            "【淮南社区】【演练】解除：明天停水\n不用转移\n八点到十二点，请提前蓄水。\n"
            "https://x.example/a/1\n拒收请回复R");
  SmsForm no_links = form();
  no_links.links = false;
  EXPECT_EQ(write_sms(message, no_links)->shown.find("https"), std::string::npos);
}

TEST(SmsText, Trap32WarningsOfferNoOptOut) {
  for (const char* severity : {"orange", "red"}) {
    Message message = water();
    message.severity = severity;
    EXPECT_EQ(write_sms(message, form())->shown.find("拒收"), std::string::npos) << severity;
  }
}

TEST(SmsText, ALongBodyIsShortenedAndTheRestStays) {
  SmsForm two = form();
  two.parts_max = 2;
  Message message = water();
  message.link = "https://x.example/a/1";
  message.body = times(5000, "👨‍👩‍👧‍👦");
  const auto text = write_sms(message, two);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->split.parts.size(), 2U);
  EXPECT_TRUE(text->shown.starts_with("【淮南社区】明天停水\n👨‍👩‍👧‍👦"));
  EXPECT_TRUE(text->shown.ends_with(
      "👨‍👩‍👧‍👦…\nhttps://x.example/a/1\n拒收请回复R"));
  // As long as it may be: one family more would need a third part.
  std::string longer = text->shown;
  longer.insert(longer.find("…"), "👨‍👩‍👧‍👦");
  EXPECT_EQ(split_sms(longer, {.parts_max = 2}).error().code, Errc::too_large);
}

TEST(SmsText, AnEnglishTextStaysInTheDefaultAlphabetWhenShortened) {
  Message message;
  message.title = "Water off";
  message.body = times(400, "b");
  const auto text = write_sms(message, {.parts_max = 1});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->split.coding, SmsCoding::gsm7);
  EXPECT_EQ(text->split.parts.front().units, 160U);
  EXPECT_TRUE(text->shown.ends_with("b..."));
}

TEST(SmsText, RefusesWhatDoesNotFitEvenWithoutABody) {
  Message message = water();
  message.title = times(200, "停");
  EXPECT_EQ(write_sms(message, {.parts_max = 2}).error().code, Errc::too_large);
  message.title = "\xC0";
  EXPECT_EQ(write_sms(message, form()).error().code, Errc::invalid_utf8);
}

// M21: a text says how to answer only where answers come back, and the words count in its parts.
TEST(SmsText, SaysHowToAnswerOnlyWhereAnswersComeBack) {
  Message message = water();
  message.needs_ack = true;
  SmsForm mute = form();
  EXPECT_EQ(write_sms(message, mute)->shown.find("回复1"), std::string::npos);
  mute.replies = true;
  const auto text = write_sms(message, mute);
  ASSERT_TRUE(text.has_value());
  EXPECT_NE(text->shown.find("回复1=已知 2=需要帮助 3=在外地"), std::string::npos);
  message.body = times(40, "水");
  EXPECT_GT(write_sms(message, mute)->split.parts.size(),
            write_sms(message, form())->split.parts.size());
  message.purpose = Purpose::all_clear;
  EXPECT_EQ(write_sms(message, mute)->shown.find("回复1"), std::string::npos);
}

}  // namespace
}  // namespace linli::notify
