// SPDX-License-Identifier: Apache-2.0
// Goal:   the reading half of RFC 6455 has one answer to every sequence of bytes, however they are
//         cut: framing, control frames, reserved bits, opcodes, fragments, UTF-8, close codes,
//         sizes.
// Method: each case is a list of frames and the events they come to; it runs whole and chopped into
//         pieces of 1, 2, 3, 5 and 7 bytes, and the events must be the same.
// A failure here means that a browser and linlid disagree about what was said.
#include <algorithm>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/rng.h"
#include "server/ws/framing.h"

namespace linli::ws {
namespace {

using Kind = FrameEvent::Kind;

constexpr std::uint8_t kFin = 0x80;
constexpr std::array<std::uint8_t, 4> kMask{0x37, 0xfa, 0x21, 0x3d};

/// A frame as a client sends it. `first` holds FIN, the reserved bits and the opcode.
std::string frame(int first, std::string_view payload) {
  std::string out{static_cast<char>(first)};
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(0x80U | payload.size()));
  } else if (payload.size() < 0x10000) {
    out.push_back(static_cast<char>(0x80 | 126));
    append_u16be(out, static_cast<std::uint16_t>(payload.size()));
  } else {
    out.push_back(static_cast<char>(0x80 | 127));
    append_u64be(out, payload.size());
  }
  out.append(kMask.begin(), kMask.end());
  for (std::size_t i = 0; i < payload.size(); ++i)
    out.push_back(static_cast<char>(payload[i] ^ kMask[i % 4]));
  return out;
}
std::string text(std::string_view payload) { return frame(kFin | 1, payload); }
std::string binary(std::string_view payload) { return frame(kFin | 2, payload); }
std::string ping(std::string_view payload) { return frame(kFin | 9, payload); }
std::string closing(std::uint16_t code, std::string_view reason = {}) {
  std::string payload;
  append_u16be(payload, code);
  return frame(kFin | 8, payload.append(reason));
}

/// Events in words: "text hello", "ping x", "close 1000", "violation 1002"...
std::string describe(const FrameEvent& event) {
  const std::string data(event.data);
  switch (event.kind) {
    case Kind::message: return (event.text ? "text " : "binary ") + data;
    case Kind::ping: return "ping " + data;
    case Kind::pong: return "pong " + data;
    case Kind::close:
      return "close " + std::to_string(event.code) + (data.empty() ? "" : " ") + data;
    case Kind::too_large: return "too_large";
    case Kind::violation: return "violation " + std::to_string(event.code);
    case Kind::nothing: break;
  }
  return "nothing";
}

std::vector<std::string> read(std::string bytes, std::size_t piece, FrameReader& reader) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    // In memory of its own, so that a sanitizer sees a look beyond the piece.
    std::vector<char> chunk(
        bytes.begin() + static_cast<std::ptrdiff_t>(at),
        bytes.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, bytes.size())));
    std::span<char> input(chunk);
    while (true) {
      const FrameEvent event = reader.next(input);
      if (event.kind == Kind::nothing) break;
      out.push_back(describe(event));
    }
    EXPECT_TRUE(input.empty()) << "all input was taken";
  }
  return out;
}

struct Case {
  const char* name;
  std::string bytes;
  std::vector<std::string> events;
};

/// Otherwise GoogleTest prints the bytes of the object, padding included.
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class WsFraming : public testing::TestWithParam<Case> {};

TEST_P(WsFraming, ComesToTheSameEventsHoweverItIsCut) {
  const Case& c = GetParam();
  for (const std::size_t piece : {c.bytes.size(), 1UL, 2UL, 3UL, 5UL, 7UL}) {
    if (piece > 1 && piece < 10 && c.bytes.size() > 10'000) continue;
    FrameReader reader;
    EXPECT_EQ(read(c.bytes, piece, reader), c.events) << "in pieces of " << piece;
  }
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

const std::string kLong125(125, 'a');
const std::string kLong126(126, 'b');
const std::string kLong65535(65535, 'c');
const std::string kLong65536(65536, 'd');

INSTANTIATE_TEST_SUITE_P(
    Framing, WsFraming,
    testing::Values(Case{"empty_text", text(""), {"text "}},
                    Case{"empty_binary", binary(""), {"binary "}},
                    Case{"text", text("hello"), {"text hello"}},
                    Case{"two_in_a_row", text("a") + binary("b"), {"text a", "binary b"}},
                    Case{"length_125", binary(kLong125), {"binary " + kLong125}},
                    Case{"length_126", binary(kLong126), {"binary " + kLong126}},
                    Case{"length_65535", binary(kLong65535), {"binary " + kLong65535}},
                    Case{"length_65536", text(kLong65536), {"text " + kLong65536}},
                    Case{"unmasked", std::string("\x81\x01x"), {"violation 1002"}},
                    Case{"length_16_too_long_a_form",
                         std::string("\x82\xfe\x00\x7d\0\0\0\0", 8) + kLong125,
                         {"violation 1002"}},
                    Case{"length_64_too_long_a_form",
                         std::string("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", 14),
                         {"violation 1002"}},
                    Case{"length_of_64_bits",
                         std::string("\x82\xff\x80\0\0\0\0\1\0\0\0\0\0\0", 14),
                         {"violation 1002"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Control, WsFraming,
    testing::Values(Case{"ping", ping("p"), {"ping p"}}, Case{"empty_ping", ping(""), {"ping "}},
                    Case{"ping_of_125", ping(kLong125), {"ping " + kLong125}},
                    Case{"ping_of_126", ping(kLong126), {"violation 1002"}},
                    Case{"pong_nobody_asked_for", frame(kFin | 10, "x"), {"pong x"}},
                    Case{"fragmented_ping", frame(9, "a") + frame(kFin, "b"), {"violation 1002"}},
                    Case{"ten_pings",
                         ping("0") + ping("1") + ping("2") + ping("3"),
                         {"ping 0", "ping 1", "ping 2", "ping 3"}},
                    Case{"ping_between_fragments",
                         frame(1, "he") + ping("now") + frame(kFin, "llo"),
                         {"ping now", "text hello"}},
                    Case{"binary_ping",
                         ping(std::string("\0\xff\xfe\xfd", 4)),
                         {"ping " + std::string("\0\xff\xfe\xfd", 4)}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Reserved, WsFraming,
    testing::Values(Case{"bit_1", frame(kFin | 0x40 | 1, "x"), {"violation 1002"}},
                    Case{"bit_2", frame(kFin | 0x20 | 1, "x"), {"violation 1002"}},
                    Case{"bit_3", frame(kFin | 0x10 | 1, "x"), {"violation 1002"}},
                    Case{"bits_of_a_ping", frame(kFin | 0x70 | 9, "x"), {"violation 1002"}},
                    Case{"bits_of_a_close", frame(kFin | 0x40 | 8, ""), {"violation 1002"}},
                    Case{"after_a_good_one",
                         text("a") + frame(kFin | 0x40 | 1, "x") + text("never"),
                         {"text a", "violation 1002"}},
                    Case{"opcode_3", frame(kFin | 3, ""), {"violation 1002"}},
                    Case{"opcode_4", frame(kFin | 4, "x"), {"violation 1002"}},
                    Case{"opcode_7", frame(kFin | 7, "x"), {"violation 1002"}},
                    Case{"opcode_11", frame(kFin | 11, ""), {"violation 1002"}},
                    Case{"opcode_15", frame(kFin | 15, "x"), {"violation 1002"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Fragments, WsFraming,
    testing::Values(
        Case{"two", frame(1, "a") + frame(kFin, "b"), {"text ab"}},
        Case{"three_binary", frame(2, "a") + frame(0, "b") + frame(kFin, "c"), {"binary abc"}},
        Case{"empty_ones", frame(1, "") + frame(0, "") + frame(kFin, ""), {"text "}},
        Case{"an_empty_end", frame(1, "a") + frame(kFin, ""), {"text a"}},
        Case{"an_empty_start", frame(1, "") + frame(kFin, "a"), {"text a"}},
        Case{"continuation_of_nothing", frame(kFin, "x"), {"violation 1002"}},
        Case{"open_continuation_of_nothing", frame(0, "x"), {"violation 1002"}},
        Case{"continuation_after_the_end",
             frame(1, "a") + frame(kFin, "b") + frame(kFin, "c"),
             {"text ab", "violation 1002"}},
        Case{"a_new_message_inside", frame(1, "a") + text("b"), {"violation 1002"}},
        Case{"close_inside_a_message",
             frame(1, "a") + closing(1000) + frame(kFin, "b"),
             {"close 1000"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Utf8, WsFraming,
    testing::Values(
        Case{"chinese", text("邻里"), {"text 邻里"}},
        Case{"cut_inside_a_character",
             frame(1, "\xe9\x82") + frame(0, "\xbb") + frame(kFin, "!"),
             {"text \xe9\x82\xbb!"}},
        Case{"emoji_byte_by_byte",
             frame(1, "\xf0") + frame(0, "\x9f") + frame(0, "\x98") + frame(kFin, "\x80"),
             {"text \xf0\x9f\x98\x80"}},
        Case{"wrong_byte",
             text("ab\xff"
                  "c"),
             {"violation 1007"}},
        Case{"surrogate", text("\xed\xa0\x80"), {"violation 1007"}},
        Case{"overlong", text("\xc0\xaf"), {"violation 1007"}},
        Case{"beyond_the_last", text("\xf4\x90\x80\x80"), {"violation 1007"}},
        Case{"ends_inside_a_character", text("abc\xe9\x82"), {"violation 1007"}},
        Case{"last_fragment_is_empty_inside_a_character",
             frame(1, "\xe9\x82") + frame(kFin, ""),
             {"violation 1007"}},
        Case{"wrong_across_fragments", frame(1, "\xe9\x82") + frame(kFin, "a"), {"violation 1007"}},
        Case{"any_byte_in_binary", binary("\xff\xfe\xed\xa0\x80"), {"binary \xff\xfe\xed\xa0\x80"}},
        Case{"state_does_not_outlive_a_message",
             binary("\xe9\x82") + text("a") + text("\xe9\x82\xbb"),
             {"binary \xe9\x82", "text a", "text \xe9\x82\xbb"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Close, WsFraming,
    testing::Values(Case{"empty", frame(kFin | 8, ""), {"close 1005"}},
                    Case{"of_one_byte", frame(kFin | 8, "\x03"), {"violation 1002"}},
                    Case{"with_reason", closing(1000, "bye"), {"close 1000 bye"}},
                    Case{"with_a_reason_of_123",
                         closing(1000, kLong125.substr(2)),
                         {"close 1000 " + kLong125.substr(2)}},
                    Case{"too_long", closing(1000, kLong125), {"violation 1002"}},
                    Case{"with_a_wrong_reason", closing(1000, "\xff"), {"violation 1007"}},
                    Case{"nothing_after_it_counts",
                         closing(1001) + text("x") + ping("y") + closing(1000),
                         {"close 1001"}}),
    name_of);

TEST(WsFramingCloseCodes, AreThoseThatAnEndpointMaySend) {
  for (const int good : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4400, 4999}) {
    FrameReader reader;
    const auto code = static_cast<std::uint16_t>(good);
    EXPECT_EQ(read(closing(code), 100, reader)[0], "close " + std::to_string(good));
  }
  for (const int bad : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    FrameReader reader;
    const auto code = static_cast<std::uint16_t>(bad);
    EXPECT_EQ(read(closing(code), 100, reader)[0], "violation 1002") << bad;
  }
}

TEST(WsFramingFaults, AreToldAsSoonAsTheyAreThere) {
  FrameReader reader;
  // RSV1 in the first two bytes of a frame that never comes.
  EXPECT_EQ(read("\xc1\x85", 1, reader), std::vector<std::string>{"violation 1002"});
  FrameReader other;
  // The third byte of a text of 100 is wrong; no more of it has come.
  const std::string start = text("ab\xff" + std::string(97, 'x')).substr(0, 6 + 3);
  EXPECT_EQ(read(start, 1, other), std::vector<std::string>{"violation 1007"});
  FrameReader third;
  // F4 90 can become no character, whatever follows.
  EXPECT_EQ(read(frame(1, "\xf4\x90"), 1, third), std::vector<std::string>{"violation 1007"});
}

TEST(WsFramingSizes, AMessageOfTheLimitComesAndOneByteMoreDoesNot) {
  const std::string most(limits::kClientMessageBytesMax, 'x');
  for (const std::size_t piece : {std::size_t{64} * 1024, std::size_t{1460}}) {
    FrameReader reader;
    EXPECT_EQ(read(text(most), piece, reader), std::vector<std::string>{"text " + most});
    EXPECT_EQ(reader.kept(), 0U) << "gives its memory back";
    EXPECT_EQ(read(text(most + "x"), piece, reader), std::vector<std::string>{"too_large"});
  }
  FrameReader reader;
  const std::string fragments =
      frame(2, most.substr(1)) + frame(0, "y") + ping("p") + frame(0, "z") + frame(kFin, "end");
  EXPECT_EQ(read(fragments, 4096, reader), (std::vector<std::string>{"ping p", "too_large"}));
  EXPECT_EQ(reader.kept(), 0U);
}

TEST(WsFramingSizes, AnAnnouncedLengthCostsNothing) {
  FrameReader reader;
  std::string head("\x82\xff", 2);
  append_u64be(head, std::uint64_t{1} << 62);
  head.append(kMask.begin(), kMask.end());
  EXPECT_EQ(read(head + "some bytes", 1, reader), std::vector<std::string>{"too_large"});
  EXPECT_EQ(reader.kept(), 0U);
}

TEST(WsFramingSizes, AfterATooLargeMessageControlFramesStillCount) {
  FrameReader reader;
  const std::string big(limits::kClientMessageBytesMax + 1, '\xff');
  EXPECT_EQ(read(text(big) + ping("p") + text("later") + closing(4413), 1000, reader),
            (std::vector<std::string>{"too_large", "ping p", "close 4413"}));
}

TEST(WsFramingMemory, NothingIsKeptWhenEveryMessageIsWhole) {
  FrameReader reader;
  EXPECT_EQ(read(text("a") + ping("b") + binary(kLong65536), 1'000'000, reader).size(), 3U);
  EXPECT_EQ(reader.kept(), 0U);
  const std::string one = text(kLong126);
  EXPECT_TRUE(read(one.substr(0, 100), 100, reader).empty());
  EXPECT_GT(reader.kept(), 0U) << "the half message";
  EXPECT_EQ(read(one.substr(100), 100, reader).size(), 1U);
  EXPECT_EQ(reader.kept(), 0U);
}

TEST(WsFramingSkipping, ReadsOnlyControlFramesFromThenOn) {
  FrameReader reader;
  reader.skip_messages();
  EXPECT_EQ(
      read(text("\xff") + ping("p") + frame(1, "a") + frame(kFin, "b") + closing(1000), 3, reader),
      (std::vector<std::string>{"ping p", "close 1000"}));
}

TEST(WsFramingRandom, MessagesComeThroughWhateverTheMaskTheFragmentsAndThePieces) {
  SeededRng rng(7);
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    std::vector<std::string> expected;
    for (int i = 0; i < 5; ++i) {
      std::string payload;
      for (std::uint64_t n = rng.below(300); n > 0; --n)
        payload.push_back(static_cast<char>(rng.below(256)));
      const std::size_t cut = rng.below(payload.size() + 1);
      bytes += frame(2, payload.substr(0, cut)) + frame(kFin, payload.substr(cut));
      expected.push_back("binary " + payload);
    }
    FrameReader reader;
    EXPECT_EQ(read(bytes, 1 + rng.below(64), reader), expected);
  }
}

// -- The writing half -----------------------------------------------------------------------------

TEST(WsFrameHead, HasTheShortestFormOfTheLength) {
  const auto head = [](std::uint64_t size) {
    return std::string(frame_head(Opcode::binary, size).view());
  };
  EXPECT_EQ(head(0), std::string("\x82\x00", 2));
  EXPECT_EQ(head(125), "\x82\x7d");
  EXPECT_EQ(head(126), std::string("\x82\x7e\x00\x7e", 4));
  EXPECT_EQ(head(65535), "\x82\x7e\xff\xff");
  EXPECT_EQ(head(65536), std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10));
  EXPECT_EQ(frame_head(Opcode::text, 1).view(), "\x81\x01");
}

TEST(WsCloseFrame, CutsALongReasonBetweenCharacters) {
  EXPECT_EQ(close_frame(4400, "bad"),
            "\x88\x05\x11\x30"
            "bad");
  std::string reason;
  for (int i = 0; i < 60; ++i) reason += "邻";
  const std::string out = close_frame(1000, reason);
  EXPECT_EQ(out.size(), 2 + 2 + 123U) << "41 characters of three bytes";
  EXPECT_TRUE(is_valid_utf8(std::string_view(out).substr(4)));
  EXPECT_EQ(close_frame(1000, "a" + reason).size(), 2 + 2 + 121U);
}

}  // namespace
}  // namespace linli::ws
