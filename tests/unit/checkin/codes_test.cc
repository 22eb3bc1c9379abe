// SPDX-License-Identifier: Apache-2.0
// Goal:   nobody forges, alters or reuses a code or an entry unnoticed.
// Method: every byte of a code and of an entry is flipped in turn; chains of real keys.
#include <gtest/gtest.h>

#include "tests/unit/checkin/samples.h"

namespace linli::checkin {
namespace {

using namespace test;

std::string flipped(const std::string& text, std::string_view magic, std::size_t byte) {
  std::string raw = from_base64url(text.substr(magic.size())).value();
  raw[byte % raw.size()] = static_cast<char>(raw[byte % raw.size()] ^ 1);
  return std::string(magic) + to_base64url(as_bytes(raw));
}

TEST(Codes, Vol1ACodeChangesEveryThirtySecondsAndIsTheSameWithinThem) {
  EXPECT_EQ(encode(lead_code_at(kStart)), encode(lead_code_at(kStart + 29'999)));
  EXPECT_NE(encode(lead_code_at(kStart)), encode(lead_code_at(kStart + 30'000)));
  EXPECT_EQ(parse_lead_code(encode(lead_code_at(kStart))).value(), lead_code_at(kStart));
}

TEST(Codes, Vol1NoByteOfALeadsCodeCanBeChanged) {
  const std::string text = encode(lead_code_at(kStart));
  for (std::size_t byte = 0; byte < 180; ++byte)
    EXPECT_FALSE(parse_lead_code(flipped(text, kLeadMagic, byte)).has_value()) << byte;
}

TEST(Codes, Vol4SixDigitsBelongToTheirWindowAndShiftKey) {
  const std::uint32_t window = window_of(kStart);
  EXPECT_EQ(six_digits(as_bytes(shift_key()), window).size(), 6U);
  EXPECT_NE(six_digits(as_bytes(shift_key()), window),
            six_digits(as_bytes(shift_key()), window + 1));
  EXPECT_NE(six_digits(as_bytes(shift_key()), window), six_digits(as_bytes("other"), window));
}

TEST(Codes, Vol6NoByteOfAnEntryCanBeChanged) {
  const Entry entry = mark_entry(EntryType::check_in, kStart, lead_code_at(kStart), nullptr);
  const std::string text = encode(entry);
  ASSERT_EQ(parse_entry(text).value(), entry);
  for (std::size_t byte = 0; byte < 270; ++byte) {
    const auto changed = parse_entry(flipped(text, kEntryMagic, byte));
    EXPECT_FALSE(changed && check_signature(*changed)) << byte;
    if (!changed) continue;
    EXPECT_NE(entry_hash(*changed), entry_hash(entry)) << byte;
  }
}

TEST(Codes, WhatIsNotACodeIsMalformed) {
  for (const std::string text : {"", "LLQ1.", "LLQ1.AA", "LLE1.AQ", "LLX1.AAAA", "LLQ1.%%"}) {
    EXPECT_FALSE(parse_lead_code(text).has_value()) << text;
    EXPECT_FALSE(parse_entry(text).has_value()) << text;
    EXPECT_FALSE(parse_station_code(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace linli::checkin
