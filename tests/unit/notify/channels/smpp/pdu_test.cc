// SPDX-License-Identifier: Apache-2.0
// Goal:   PDUs are the bytes of SMPP 3.4, in whatever pieces they come, and a bad one is an error.
// Method: bytes by hand, then the same stream cut at every place, and every truncation.
#include "notify/channels/smpp/pdu.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace linli::notify::smpp {
namespace {

using namespace std::string_literals;

ShortMessage sample_message() {
  ShortMessage out;
  out.service_type = "CMT";
  out.source = {.ton = 5, .npi = 0, .digits = "Linli"};
  out.destination = {.ton = 1, .npi = 1, .digits = "8613800000007"};
  out.esm_class = kEsmUserDataHeader;
  out.priority = 1;
  out.validity_period = "000001000000000R";
  out.registered_delivery = 1;
  out.data_coding = kCodingUcs2;
  out.text = "\x05\x00\x03\x2A\x02\x01\x90\xBB"s;
  out.tlvs = {{kTagReceiptedMessageId, "7f\0"s}, {kTagMessageState, "\x02"}};
  return out;
}

TEST(SmppPdu, WritesTheHeaderInBigEndian) {
  EXPECT_EQ(to_hex(as_bytes(
                encode(Pdu{.command = Command::enquire_link, .sequence = 0x01020304, .body = {}}))),
            "00000010"
            "00000015"
            "00000000"
            "01020304");
}

TEST(SmppPdu, WritesASubmissionFieldByField) {
  EXPECT_EQ(to_hex(as_bytes(encode(sample_message()))),
            "434d5400"                          // service_type
            "05004c696e6c6900"                  // source
            "01013836313338303030303030303700"  // destination
            "400001"                            // esm_class protocol_id priority
            "00"                                // schedule
            "30303030303130303030303030303052"  // validity
            "00"                                //
            "01000800"                          // registered replace coding default
            "080500032a020190bb"                // length and text
            "001e00033766000427000102");        // parameters
}

TEST(SmppPdu, ReadsBackWhatItWrites) {
  EXPECT_EQ(parse_short_message(encode(sample_message())), sample_message());
  EXPECT_EQ(parse_short_message(encode(ShortMessage{})), ShortMessage{});
}

TEST(SmppPdu, EveryTruncationIsRefusedAndNothingReadsBeyond) {
  const std::string body = encode(sample_message());
  const std::size_t without_tlvs = body.size() - 12;
  for (std::size_t size = 0; size < body.size(); ++size) {
    const bool is_whole = size == without_tlvs || size == without_tlvs + 7;
    EXPECT_EQ(parse_short_message(body.substr(0, size)).has_value(), is_whole) << size;
  }
}

TEST(SmppPdu, RefusesALengthOf255AndEndlessStringsAndParameters) {
  ShortMessage message;
  message.text = std::string(kShortMessageMax, 'a');
  EXPECT_TRUE(parse_short_message(encode(message)));
  std::string body = encode(message);
  body[body.size() - kShortMessageMax - 1] = '\xFF';
  EXPECT_FALSE(parse_short_message(body + "a"));
  EXPECT_FALSE(parse_short_message(std::string(300, 'x')));
  message.tlvs.assign(kTlvsMax + 1, {1, ""});
  EXPECT_FALSE(parse_short_message(encode(message)));
}

TEST(SmppPdu, TheStreamMayBeCutAnywhere) {
  const Pdu first{.command = Command::deliver_sm, .sequence = 5, .body = encode(sample_message())};
  const Pdu second{.command = Command::unbind, .sequence = 6, .body = {}};
  const std::string bytes = encode(first) + encode(second) + encode(first);
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    Framer framer;
    std::vector<Pdu> read;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      framer.feed(std::string_view(bytes).substr(at, step));
      while (auto pdu = framer.next().value()) read.push_back(*pdu);
    }
    ASSERT_EQ(read, (std::vector<Pdu>{first, second, first})) << "pieces of " << step;
  }
}

TEST(SmppPdu, ALengthThatCannotBeIsAnErrorAtOnce) {
  for (const auto& [bytes, code] : {std::pair{"\x00\x00\x00\x0F"s, Errc::malformed},
                                    {"\x00\x00\x00\x00"s, Errc::malformed},
                                    {"\x00\x02\x00\x00"s, Errc::too_large},
                                    {"\xFF\xFF\xFF\xFF"s, Errc::too_large}}) {
    Framer framer;
    framer.feed(bytes);
    EXPECT_EQ(framer.next().error().code, code);
  }
}

TEST(SmppPdu, Trap16AMissingOrEmptyMessageIdIsEmpty) {
  EXPECT_EQ(parse_message_id(""), "");
  EXPECT_EQ(parse_message_id("\0"s), "");
  EXPECT_EQ(parse_message_id("7F\0rest"s), "7F");
  EXPECT_EQ(parse_message_id("7F"), "7F");  // its end forgotten
}

}  // namespace
}  // namespace linli::notify::smpp
