// SPDX-License-Identifier: Apache-2.0
// Goal:   any text becomes parts that a phone puts together to the same text (gate G5; notify.md §5
//         traps 7-10).
// Method: the limits of 3GPP TS 23.038 and 23.040 by hand, then properties over seeded texts that
//         mix everything which is easily cut.
#include "notify/text/segment.h"

#include <array>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "notify/text/graphemes.h"

namespace linli::notify {
namespace {

std::string repeated(std::size_t n, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += text;
  return out;
}

std::string join(const SmsSplit& split) {
  std::string out;
  for (const SmsPart& part : split.parts) out += part.text;
  return out;
}

std::vector<std::uint32_t> units_of(const SmsSplit& split) {
  std::vector<std::uint32_t> out;
  for (const SmsPart& part : split.parts) out.push_back(part.units);
  return out;
}

using Units = std::vector<std::uint32_t>;

TEST(SmsCoding, Trap7KnowsTheWholeDefaultAlphabetAndItsExtension) {
  std::string all;
  for (int septet = 0; septet < 128; ++septet)
    if (septet != 0x1B) all += static_cast<char>(septet);
  const std::string text = from_gsm7(all);
  EXPECT_EQ(text.find("\uFFFD"), std::string::npos);
  EXPECT_EQ(to_gsm7(text), all);
  EXPECT_EQ(to_gsm7("\f^{}\\[~]|€"),
            "\x1B\x0A\x1B\x14\x1B\x28\x1B\x29\x1B\x2F\x1B\x3C\x1B\x3D\x1B\x3E\x1B\x40\x1B\x65");
  EXPECT_EQ(from_gsm7(*to_gsm7("a^b€c")), "a^b€c");
  // Neighbours that are often taken for members.
  for (const char* foreign : {"ç", "`", "\t", "’", "Â", "\x1B", "邻", "。"})
    EXPECT_EQ(to_gsm7(foreign), std::nullopt) << foreign;
}

TEST(SmsCoding, BadOctetsBecomeReplacementsAndNothingIsLost) {
  EXPECT_EQ(from_gsm7("a\x1B"), "a\uFFFD");
  EXPECT_EQ(from_gsm7("\x1B\x41z"), "\uFFFDz");
  EXPECT_EQ(from_gsm7("\x80"), "\uFFFD");
  using namespace std::string_view_literals;
  EXPECT_EQ(from_utf16be("\xD8\x3D"sv), "\uFFFD");
  EXPECT_EQ(from_utf16be("\xDE\x00\x90\xBB"sv), "\uFFFD邻");
  EXPECT_EQ(from_utf16be("\x90\xBB\x00"sv), "邻\uFFFD");
}

TEST(SmsCoding, Trap9IsBigEndian) {
  using namespace std::string_literals;
  EXPECT_EQ(to_utf16be("邻A😀"), "\x90\xBB\x00\x41\xD8\x3D\xDE\x00"s);
  EXPECT_EQ(from_utf16be(to_utf16be("邻A😀")), "邻A😀");
}

TEST(Segment, Trap7SingleAndConcatenatedLimitsOfGsm7) {
  EXPECT_EQ(units_of(*split_sms("")), (Units{0}));
  EXPECT_EQ(units_of(*split_sms(repeated(160, "a"))), (Units{160}));
  EXPECT_EQ(units_of(*split_sms(repeated(161, "a"))), (Units{153, 8}));
  EXPECT_EQ(units_of(*split_sms(repeated(306, "a"))), (Units{153, 153}));
  EXPECT_EQ(units_of(*split_sms(repeated(307, "a"))), (Units{153, 153, 1}));
  EXPECT_EQ(split_sms("a")->coding, SmsCoding::gsm7);
}

TEST(Segment, Trap7ExtensionCharactersCostTwoAndAreNotSplit) {
  EXPECT_EQ(units_of(*split_sms(repeated(80, "€"))), (Units{160}));
  // 153 is odd: the 77th would need the last septet of one part and the first of the next.
  EXPECT_EQ(units_of(*split_sms(repeated(81, "€"))), (Units{152, 10}));
  const auto split = split_sms(repeated(152, "a") + "€" + repeated(20, "b"));
  EXPECT_EQ(split->parts[0].text, repeated(152, "a"));
  EXPECT_EQ(split->parts[1].text, "€" + repeated(20, "b"));
}

TEST(Segment, Trap7OneForeignCharacterTurnsTheWholeTextIntoUcs2) {
  const auto split = split_sms(repeated(100, "a") + "邻");
  EXPECT_EQ(split->coding, SmsCoding::ucs2);
  EXPECT_EQ(units_of(*split), (Units{67, 34}));
  EXPECT_EQ(split_sms("abc", {.ucs2_only = true})->coding, SmsCoding::ucs2);
}

TEST(Segment, Trap8CountsUtf16UnitsAndCutsNoSurrogatePair) {
  EXPECT_EQ(units_of(*split_sms(repeated(70, "邻"))), (Units{70}));
  EXPECT_EQ(units_of(*split_sms(repeated(71, "邻"))), (Units{67, 4}));
  EXPECT_EQ(units_of(*split_sms(repeated(69, "a") + "😀")), (Units{67, 4}));
  // Kannel cuts this one through the pair (notify.md §2).
  const auto split = split_sms(repeated(66, "邻") + "😀" + repeated(40, "邻"));
  EXPECT_EQ(units_of(*split), (Units{66, 42}));
  EXPECT_EQ(split->parts[1].text, "😀" + repeated(40, "邻"));
}

TEST(Segment, Trap8CutsNoClusterOfSeveralCharacters) {
  for (const char* cluster : {
           "👨‍👩‍👧‍👦",     // family with joiners
           "1️⃣",                             // keycap
           "🇨🇳",                            // flag
           "👍🏽",                          // skin tone
           "é",                             // e + combining acute
           "❤️",                             // variation selector
           "\r\n",                          // line end
           "한",                            // conjoining jamo
           "🏴󠁧󠁢󠁳󠁣󠁴󠁿",  // tag sequence
       }) {
    for (std::size_t before = 60; before <= 67; ++before) {
      const auto split = split_sms(repeated(before, "邻") + cluster + repeated(20, "里"));
      bool whole = false;
      for (const SmsPart& part : split->parts)
        whole = whole || part.text.find(cluster) != std::string::npos;
      EXPECT_TRUE(whole) << cluster << " after " << before;
    }
  }
}

TEST(Segment, Trap8FlagsArePairedFromTheirFirst) {
  const auto split = split_sms(repeated(65, "邻") + "🇨🇳🇨🇳");
  EXPECT_EQ(split->parts[1].text, "🇨🇳🇨🇳");
  const auto clusters = split_graphemes(U"🇨🇳🇯🇵🇨");
  ASSERT_EQ(clusters.size(), 3U);
  EXPECT_EQ(clusters[1], U"🇯🇵");
}

TEST(Segment, AClusterLongerThanAPartIsCutAtCodePoints) {
  const std::string monster = "a" + repeated(200, "\u0301");
  const auto split = split_sms("邻" + monster + "里");
  EXPECT_EQ(join(*split), "邻" + monster + "里");
  EXPECT_EQ(units_of(*split), (Units{67, 67, 67, 2}));
  for (const SmsPart& part : split->parts) EXPECT_TRUE(is_valid_utf8(part.text));
}

TEST(Segment, Trap10WhatThePeerAddsTakesRoomInTheFirstAndLastPart) {
  // 62 + 8 of the signature fit in one, 63 + 8 do not.
  EXPECT_EQ(units_of(*split_sms(repeated(62, "邻"), {.before = "【淮南社区办公】"})), (Units{62}));
  EXPECT_EQ(units_of(*split_sms(repeated(63, "邻"), {.before = "【淮南社区办公】"})),
            (Units{59, 4}));
  const auto tail = split_sms(repeated(130, "邻"), {.after = "拒收请回复R"});
  EXPECT_EQ(units_of(*tail), (Units{67, 62, 1}));
  EXPECT_EQ(join(*tail), repeated(130, "邻"));
  // The peer's Chinese signature makes a plain English text UCS-2.
  EXPECT_EQ(split_sms("hello", {.before = "【淮南】"})->coding, SmsCoding::ucs2);
}

TEST(Segment, RefusesWhatIsTooLongOrNoText) {
  EXPECT_EQ(split_sms("\xFF").error().code, Errc::invalid_utf8);
  EXPECT_EQ(split_sms("\xED\xA0\x80").error().code, Errc::invalid_utf8);
  EXPECT_EQ(split_sms(repeated(135, "邻"), {.parts_max = 2}).error().code, Errc::too_large);
  EXPECT_TRUE(split_sms(repeated(134, "邻"), {.parts_max = 2}));
  EXPECT_TRUE(split_sms(repeated(255 * 67, "邻")));
  EXPECT_EQ(split_sms(repeated(255 * 67 + 1, "邻")).error().code, Errc::too_large);
  EXPECT_EQ(split_sms("a", {.before = repeated(67, "邻")}).error().code, Errc::too_large);
}

/// A random text of pieces that are easily cut.
std::u32string random_text(Rng& rng) {
  static constexpr std::array<std::u32string_view, 18> kPieces = {
      U"邻里", U"a",          U"€",      U"\r\n",   U"😀",     U"👨‍👩‍👧‍👦",
      U"1️⃣",    U"🇨🇳",         U"\u0301", U"\u200D", U"\uFE0F", U"한",
      U"नि",   U"\U0001F1E8", U"{",      U"\u0600", U"👍🏽",   U"\n"};
  std::u32string out;
  const bool is_plain = rng.below(3) == 0;
  for (std::uint64_t left = rng.below(120); left > 0; --left) {
    if (is_plain) {
      out += static_cast<char32_t>(U"ab €{^\n"[rng.below(7)]);
    } else if (rng.below(4) != 0) {
      out += kPieces[rng.below(kPieces.size())];
    } else {
      const auto any = static_cast<char32_t>(rng.below(0x110000));
      if (any < 0xD800 || any > 0xDFFF) out += any;
    }
  }
  return out;
}

void check_parts(const std::string& text, const SmsSplit& split) {
  ASSERT_EQ(join(split), text);
  const bool has_header = split.parts.size() > 1;
  for (const SmsPart& part : split.parts) {
    ASSERT_LE(user_data_octets(split.coding, part.units, has_header), kSmsOctets);
    const auto octets =
        split.coding == SmsCoding::gsm7 ? to_gsm7(part.text) : to_utf16be(part.text);
    ASSERT_TRUE(octets.has_value());
    ASSERT_EQ(octets->size(), part.units * (split.coding == SmsCoding::gsm7 ? 1 : 2));
    // Decoded by itself it is the same text: no half of a pair, no escape without its character.
    ASSERT_EQ(split.coding == SmsCoding::gsm7 ? from_gsm7(*octets) : from_utf16be(*octets),
              part.text);
    ASSERT_TRUE(part.units > 0 || !has_header);
  }
}

void check_no_cluster_is_cut(const std::string& text, const SmsSplit& split) {
  const std::u32string points = to_code_points(text);
  std::set<std::size_t> inside;  // positions within a cluster that a part could have held
  std::size_t at = 0;
  for (const auto cluster : split_graphemes(points)) {
    if (to_utf16be(to_utf8(cluster)).size() / 2 <= part_units_max(SmsCoding::ucs2))
      for (std::size_t i = 1; i < cluster.size(); ++i) inside.insert(at + i);
    at += cluster.size();
  }
  at = 0;
  for (const SmsPart& part : split.parts) {
    ASSERT_FALSE(inside.contains(at)) << "cut at code point " << at;
    at += to_code_points(part.text).size();
  }
}

TEST(Segment, G5AnyUnicodeTextIsCutWithoutLoss) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRng rng(seed);
    const std::string text = to_utf8(random_text(rng));
    const auto split = split_sms(text);
    ASSERT_TRUE(split.has_value());
    check_parts(text, *split);
    check_no_cluster_is_cut(text, *split);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Segment, G5TakesNoMorePartsThanNeeded) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SeededRng rng(seed);
    const auto split = split_sms(to_utf8(random_text(rng)));
    ASSERT_TRUE(split.has_value());
    // The next cluster would not have fitted.
    for (std::size_t i = 0; i + 1 < split->parts.size(); ++i) {
      const std::u32string next = to_code_points(split->parts[i + 1].text);
      const std::string first = to_utf8(split_graphemes(next).front());
      const std::size_t units =
          split->coding == SmsCoding::gsm7 ? to_gsm7(first)->size() : to_utf16be(first).size() / 2;
      ASSERT_GT(split->parts[i].units + units, part_units_max(split->coding)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace linli::notify
