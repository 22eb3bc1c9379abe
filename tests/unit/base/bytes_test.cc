// SPDX-License-Identifier: Apache-2.0
// Goal:   text forms of bytes are canonical: one text for one value, in both directions.
// Method: published vectors, then every short or random value against a slow reference.
#include "base/bytes.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace linli {
namespace {

using namespace std::string_literals;

std::string random_bytes(Rng& rng, std::size_t size) {
  std::string out(size, '\0');
  rng.fill({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

TEST(Hex, ReadsBothCasesAndWritesLowerCase) {
  EXPECT_EQ(to_hex(as_bytes("\x00\xff\x1a"s)), "00ff1a");
  EXPECT_EQ(from_hex("00fF1A"), "\x00\xff\x1a"s);
  EXPECT_EQ(from_hex(""), "");
}

TEST(Hex, RefusesOddLengthAndForeignCharacters) {
  for (const char* text : {"0", "0g", "g0", " 0", "0x", "00 ", "/0", ":0", "@0", "`0"}) {
    EXPECT_EQ(from_hex(text).error().code, Errc::malformed) << text;
  }
}

struct Pair {
  std::string bytes;
  std::string text;
};

// RFC 4648 §10.
TEST(Base64, AgreesWithRfc4648) {
  for (const Pair& pair : {Pair{"", ""}, Pair{"f", "Zg=="}, Pair{"fo", "Zm8="}, Pair{"foo", "Zm9v"},
                           Pair{"foobar", "Zm9vYmFy"}, Pair{"\xfb\xff\xbf", "+/+/"}}) {
    EXPECT_EQ(to_base64(as_bytes(pair.bytes)), pair.text);
  }
}

// RFC 4648 §10, without padding.
TEST(Base64url, AgreesWithRfc4648) {
  for (const Pair& pair : {Pair{"", ""}, Pair{"f", "Zg"}, Pair{"fo", "Zm8"}, Pair{"foo", "Zm9v"},
                           Pair{"foob", "Zm9vYg"}, Pair{"fooba", "Zm9vYmE"},
                           Pair{"foobar", "Zm9vYmFy"}, Pair{"\xfb\xff\xbf", "-_-_"}}) {
    EXPECT_EQ(to_base64url(as_bytes(pair.bytes)), pair.text);
    EXPECT_EQ(from_base64url(pair.text), pair.bytes);
  }
}

TEST(Base64url, RefusesEverySecondTextForTheSameBytes) {
  for (const char* text :
       {"Zg==", "Zg=", "Zh", "Zm9", "Z", "Zm9vY", "Zm 9v", "Zm9v\n", "+_-_", "/_-_", "Zm9\xc3"}) {
    EXPECT_EQ(from_base64url(text).error().code, Errc::malformed) << text;
  }
}

TEST(Base64url, RoundTripsRandomBytesOfEveryLength) {
  SeededRng rng(4648);
  for (std::size_t size = 0; size < 200; ++size) {
    const std::string bytes = random_bytes(rng, size);
    const std::string text = to_base64url(as_bytes(bytes));
    EXPECT_EQ(text.size(), (size * 8 + 5) / 6);
    EXPECT_EQ(from_base64url(text), bytes);
    EXPECT_EQ(from_hex(to_hex(as_bytes(bytes))), bytes);
  }
}

TEST(Base64url, AcceptsATextOnlyIfItIsTheOneWeWrite) {
  SeededRng rng(1);
  constexpr std::string_view kNear = "AQgwZaz09-_+/= ";
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text(rng.below(6), '\0');
    for (char& c : text) c = kNear[rng.below(kNear.size())];
    const auto bytes = from_base64url(text);
    if (!bytes) continue;
    ++accepted;
    EXPECT_EQ(to_base64url(as_bytes(*bytes)), text);
  }
  EXPECT_GT(accepted, 1000);
}

/// Decodes the slow way: arithmetic first, then the rules of RFC 3629 one by one.
bool reference_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const int more = lead < 0x80       ? 0
                     : lead >> 5 == 6  ? 1
                     : lead >> 4 == 14 ? 2
                     : lead >> 3 == 30 ? 3
                                       : -1;
    if (more < 0) return false;
    std::uint32_t code = more == 0 ? lead : lead & (0x3fU >> more);
    for (int k = 1; k <= more; ++k) {
      if (i + static_cast<std::size_t>(k) >= text.size()) return false;
      const auto byte = static_cast<std::uint8_t>(text[i + static_cast<std::size_t>(k)]);
      if (byte >> 6 != 2) return false;
      code = code << 6 | (byte & 63);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      return false;
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

std::string encode(std::uint32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 63)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, AcceptsExactlyTheCodePointsOfUnicode) {
  for (std::uint32_t code = 0; code <= 0x11ffff; ++code) {
    const bool expected = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    ASSERT_EQ(is_valid_utf8(encode(code)), expected) << std::hex << code;
  }
}

TEST(Utf8, RefusesOverlongTruncatedAndStrayBytes) {
  for (const std::string& text :
       {"\xc0\x80"s, "\xc1\xbf"s, "\xe0\x80\x80"s, "\xe0\x9f\xbf"s, "\xf0\x8f\xbf\xbf"s, "\x80"s,
        "\xbf"s, "\xe4\xb8"s, "\xf0\x9f\x98"s, "\xc3"s, "\xff"s, "\xfe"s, "\xf8\x88\x80\x80\x80"s,
        "a\xc3(z"s, "\xed\xa0\x80\xed\xb0\x80"s}) {
    EXPECT_FALSE(is_valid_utf8(text)) << to_hex(as_bytes(text));
  }
}

TEST(Utf8, AgreesWithASlowReferenceOnRandomBytes) {
  SeededRng rng(3629);
  constexpr std::string_view kEdges =
      "az\x80\x8f\x90\x9f\xa0\xbf\xc2\xdf\xe0\xe4\xed\xef\xf0\xf4\xf5";
  int valid = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text(1 + rng.below(5), '\0');
    for (char& c : text) c = kEdges[rng.below(kEdges.size())];
    ASSERT_EQ(is_valid_utf8(text), reference_utf8(text)) << to_hex(as_bytes(text));
    valid += is_valid_utf8(text) ? 1 : 0;
  }
  EXPECT_GT(valid, 1000);
}

TEST(Utf8, LengthCountsCodePointsNotBytes) {
  EXPECT_EQ(utf8_length(""), 0U);
  EXPECT_EQ(utf8_length("邻里a"), 3U);
  EXPECT_EQ(utf8_length("😀é"), 2U);
}

TEST(BigEndian, AppendsMostSignificantByteFirstAndReadsBack) {
  std::string out;
  append_u16be(out, 0x0102);
  append_u32be(out, 0x03040506);
  append_u64be(out, 0xf708090a0b0c0d0eU);
  EXPECT_EQ(to_hex(as_bytes(out)), "010203040506f708090a0b0c0d0e");
  EXPECT_EQ(read_u64be(as_bytes(out).subspan(6)), 0xf708090a0b0c0d0eU);
}

TEST(Id128, ParsesExactlyThirtyTwoHexDigits) {
  const std::string text = "00112233445566778899aabbccddeeff";
  EXPECT_EQ(Id128::parse(text)->hex(), text);
  EXPECT_EQ(Id128::parse("00112233445566778899AABBCCDDEEFF")->hex(), text);
  for (const std::string& bad : {""s, text.substr(1), text + "0", "g" + text.substr(1),
                                 "00112233-4455-6677-8899-aabbccddeeff"s}) {
    EXPECT_EQ(Id128::parse(bad).error().code, Errc::malformed) << bad;
  }
}

TEST(Id128, OrdersByBytesAndHashes) {
  const Id128 low = *Id128::parse("00000000000000000000000000000001");
  const Id128 high = *Id128::parse("01000000000000000000000000000000");
  EXPECT_LT(low, high);
  EXPECT_EQ((std::unordered_set<Id128>{low, high, low}.size()), 2U);
}

}  // namespace
}  // namespace linli
