// SPDX-License-Identifier: Apache-2.0
// Goal:   what a message centre reports is found again and believed no further than it goes
//         (notify.md §5 trap 13).
// Method: receipts in the forms that peers are known to send; replies as people write them.
#include "notify/channels/smpp/receipt.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "notify/text/sms_coding.h"

namespace linli::notify::smpp {
namespace {

using namespace std::string_literals;

ShortMessage receipt(std::string text) {
  ShortMessage out;
  out.source = {.ton = 1, .npi = 1, .digits = "8613800000007"};
  out.esm_class = kEsmReceipt;
  out.text = std::move(text);
  return out;
}

ShortMessage reply(std::string_view text) {
  ShortMessage out = receipt(to_utf16be(text));
  out.esm_class = 0;
  out.data_coding = kCodingUcs2;
  return out;
}

Settings settings() {
  Settings out;
  out.opt_out_words = {"R", "TD", "拒收"};
  return out;
}

TEST(SmppId, Trap13TheSameNumberIsTheSameIdHoweverItIsWritten) {
  for (const char* hex : {"7F", "7f", "007F", "0x7f", " 7f "})
    EXPECT_EQ(normal_id(hex, IdForm::hex), "127") << hex;
  for (const char* decimal : {"127", "0000000127", "127 "})
    EXPECT_EQ(normal_id(decimal, IdForm::decimal), "127") << decimal;
  EXPECT_EQ(normal_id("00AbC-1", IdForm::text), "abc-1");
  EXPECT_EQ(normal_id("0", IdForm::text), "0");
  EXPECT_EQ(normal_id("000", IdForm::decimal), "0");
  EXPECT_EQ(normal_id("7f\0"s, IdForm::hex), "127");
}

TEST(SmppId, Trap13WhatIsNoNumberStaysItself) {
  EXPECT_EQ(normal_id("A-9", IdForm::hex), "a-9");
  EXPECT_EQ(normal_id("12ab", IdForm::decimal), "12ab");
  EXPECT_EQ(normal_id("FFFFFFFFFFFFFFFFF", IdForm::hex), "fffffffffffffffff");
  EXPECT_EQ(normal_id("", IdForm::hex), "");
  EXPECT_EQ(normal_id("", IdForm::text), "");
}

TEST(SmppReceipt, ReadsTheTextForm) {
  const Receipt out = read_receipt(
      receipt("id:0123 sub:001 dlvrd:001 submit date:2611252200 done date:261125220130 "
              "stat:DELIVRD err:000 text:停水"),
      settings());
  EXPECT_EQ(out.provider_id, "123");
  EXPECT_EQ(out.state, ReceiptState::delivered);
  EXPECT_EQ(out.address, "+8613800000007");
  EXPECT_EQ(out.reason, "smpp stat DELIVRD err 000");
  // 22:01:30 at UTC+8.
  EXPECT_EQ(to_unix_ms(*out.at), 1'795'615'290'000);
}

TEST(SmppReceipt, Trap13FieldsMayBeMissingOrInOtherLetters) {
  const Receipt no_sub = read_receipt(receipt("id:7 done date:2611252201 stat:UNDELIV"), {});
  EXPECT_EQ(no_sub.provider_id, "7");
  EXPECT_EQ(no_sub.state, ReceiptState::failed);
  const Receipt capitals = read_receipt(receipt("ID:7 Stat:delivrd Err:0 Text:"), {});
  EXPECT_EQ(capitals.provider_id, "7");
  EXPECT_EQ(capitals.state, ReceiptState::delivered);
  const Receipt bare = read_receipt(receipt(""), {});
  EXPECT_EQ(bare.provider_id, "");
  EXPECT_EQ(bare.state, ReceiptState::accepted);
  for (const char* date : {"", "26112522", "2613252201", "2602302201", "26112522011", "xx11252201",
                           "2611252501", "261125-101"})
    EXPECT_EQ(read_receipt(receipt("id:7 done date:"s + date + " stat:DELIVRD"), {}).at,
              std::nullopt)
        << date;
}

TEST(SmppReceipt, TheResidentsOwnTextProvesNothing) {
  const Receipt out = read_receipt(receipt("id:7 stat:UNDELIV text:id:8 stat:DELIVRD"), settings());
  EXPECT_EQ(out.provider_id, "7");
  EXPECT_EQ(out.state, ReceiptState::failed);
  EXPECT_EQ(read_receipt(receipt("id:7 text: stat:DELIVRD"), {}).state, ReceiptState::accepted);
  // Written by a phone: the same words without the mark of a receipt.
  ShortMessage forged = receipt("id:7 stat:DELIVRD");
  forged.esm_class = 0;
  EXPECT_FALSE(is_receipt(forged));
}

TEST(SmppReceipt, Trap13ParametersComeBeforeTheText) {
  ShortMessage message = receipt("id:1 stat:UNDELIV");
  message.esm_class = 0;
  message.tlvs = {{kTagReceiptedMessageId, "7F\0"s}, {kTagMessageState, "\x02"}};
  EXPECT_TRUE(is_receipt(message));
  Settings hex = settings();
  hex.receipt_id = IdForm::hex;
  const Receipt out = read_receipt(message, hex);
  EXPECT_EQ(out.provider_id, "127");
  EXPECT_EQ(out.state, ReceiptState::delivered);
}

TEST(SmppReceipt, EveryStateHasItsMeaning) {
  using enum ReceiptState;
  for (const auto& [word, state] : {std::pair{"ENROUTE", accepted},
                                    {"DELIVRD", delivered},
                                    {"DELIVERED", delivered},
                                    {"EXPIRED", failed},
                                    {"DELETED", failed},
                                    {"UNDELIV", failed},
                                    {"ACCEPTD", accepted},
                                    {"UNKNOWN", failed},
                                    {"REJECTD", failed},
                                    {"REJECTED", failed},
                                    {"MK:0001", failed}})
    EXPECT_EQ(read_receipt(receipt("id:7 stat:"s + word), {}).state, state) << word;
  ShortMessage intermediate = receipt("id:7 stat:RETRY");
  intermediate.esm_class = kEsmIntermediate;
  EXPECT_EQ(read_receipt(intermediate, {}).state, accepted);
}

TEST(SmppReceipt, TheOperatorSaysWhatAnErrorCodeMeans) {
  Settings known = settings();
  known.receipt_errors = {{"001", OutcomeKind::invalid_endpoint}};
  EXPECT_EQ(read_receipt(receipt("id:7 stat:UNDELIV err:001"), known).because,
            OutcomeKind::invalid_endpoint);
  EXPECT_EQ(read_receipt(receipt("id:7 stat:UNDELIV err:002"), known).because, std::nullopt);
  EXPECT_EQ(read_receipt(receipt("id:7 stat:DELIVRD err:001"), known).because, std::nullopt);
}

TEST(SmppReceipt, Trap36AReasonHoldsCodesAndNoText) {
  const Receipt out = read_receipt(receipt("id:7 stat:王小明 err:13800000007x"), {});
  EXPECT_EQ(out.reason, "smpp stat ? err ?");
}

TEST(SmppReply, Trap32OptOutWordsInEveryWidthAndCase) {
  for (const char* text : {"R", "r", " R ", "Ｒ", "ｒ", "R。", "td", "ＴＤ", "拒收", "　拒收\n"}) {
    const Receipt out = read_reply(reply(text), settings());
    EXPECT_EQ(out.because, OutcomeKind::opted_out) << text;
    EXPECT_EQ(out.address, "+8613800000007");
  }
  for (const char* text : {"Red", "不要拒收", "RR", "", "收到"})
    EXPECT_EQ(read_reply(reply(text), settings()).because, std::nullopt) << text;
}

TEST(SmppReply, AReplyCodeIsRead) {
  for (const char* text : {"1", "４２", " 0815 "})
    EXPECT_EQ(read_reply(reply(text), settings()).state, ReceiptState::read) << text;
  EXPECT_EQ(read_reply(reply("４２"), settings()).reply, "42");
  const Receipt words = read_reply(reply("谢谢"), settings());
  EXPECT_EQ(words.state, ReceiptState::accepted);
  EXPECT_EQ(words.reply, "谢谢");
  EXPECT_TRUE(words.provider_id.empty());
}

TEST(SmppReply, IsReadInEveryCoding) {
  ShortMessage message = reply("");
  for (const std::uint8_t coding : {kCodingDefault, kCodingAscii, kCodingLatin1}) {
    message.data_coding = coding;
    message.text = "42";
    EXPECT_EQ(read_reply(message, {}).reply, "42");
  }
  message.text.clear();
  message.tlvs = {{kTagMessagePayload, "43"}};
  EXPECT_EQ(read_reply(message, {}).reply, "43");
  message.tlvs.clear();
  message.esm_class = kEsmUserDataHeader;
  message.text = "\x05\x00\x03\x01\x02\x01"s + "44";
  EXPECT_EQ(read_reply(message, {}).reply, "44");
  message.text = "\xFF";
  EXPECT_EQ(read_reply(message, {}).reply, "");
}

TEST(SmppAddress, NumbersGoOutInternationalWhenTheCodeIsKnown) {
  Settings china;
  china.country_code = "86";
  EXPECT_EQ(to_address("13800000007", china),
            (Address{.ton = 1, .npi = 1, .digits = "8613800000007"}));
  EXPECT_EQ(to_address("+85251234567", china),
            (Address{.ton = 1, .npi = 1, .digits = "85251234567"}));
  EXPECT_EQ(to_address("13800000007", {}), (Address{.ton = 0, .npi = 1, .digits = "13800000007"}));
  for (const char* bad : {"", "+", "12", "138-0000", "+86 138", "123456789012345678901", "王"})
    EXPECT_EQ(to_address(bad, {}), std::nullopt) << bad;
  EXPECT_EQ(to_endpoint({.digits = "8613800000007"}, china), "+8613800000007");
  EXPECT_EQ(to_endpoint({.digits = "861234"}, china), "861234");
  EXPECT_EQ(to_endpoint({.digits = "13800000007"}, {}), "13800000007");
}

}  // namespace
}  // namespace linli::notify::smpp
