// SPDX-License-Identifier: Apache-2.0
#include "server/http/tus.h"

#include <gtest/gtest.h>

namespace linli::test {
namespace {

TEST(Tus, CountsAreDigitsOnly) {
  EXPECT_EQ(http::parse_count("0", "Upload-Offset").value(), 0U);
  EXPECT_EQ(http::parse_count("2097152", "Upload-Length").value(), 2097152U);
  for (const char* text : {"", "-1", "+1", "1 ", " 1", "0x1", "1.0", "99999999999999999999999"})
    EXPECT_FALSE(http::parse_count(text, "Upload-Length")) << text;
}

TEST(Tus, MetadataIsPairsOfKeyAndBase64) {
  const auto read = http::parse_metadata("filename d29ybGQ=, is_private,sha256 YQ==");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->at("filename"), "world");
  EXPECT_EQ(read->at("is_private"), "");
  EXPECT_EQ(read->at("sha256"), "a");
  EXPECT_TRUE(http::parse_metadata("")->empty());
  for (const char* text : {"a YQ==,a YQ==", " ,", "a %%", ",", "a Y"})
    EXPECT_FALSE(http::parse_metadata(text)) << text;
  std::string many;
  for (char c = 'a'; c <= 'q'; ++c) many += std::string(c == 'a' ? "" : ",") + c;
  EXPECT_FALSE(http::parse_metadata(many));
}

struct RangeCase {
  const char* text;
  int first;
  int last;
};
class RangeOfTen : public testing::TestWithParam<RangeCase> {};
/// -1 = ignored, -2 = refused.
TEST_P(RangeOfTen, AsTheHeaderSays) {
  const auto range = http::parse_range(GetParam().text, 10);
  if (GetParam().first == -2) {
    EXPECT_FALSE(range);
    return;
  }
  ASSERT_TRUE(range);
  ASSERT_EQ(range->has_value(), GetParam().first >= 0);
  if (!*range) return;
  EXPECT_EQ((*range)->first, static_cast<std::size_t>(GetParam().first));
  EXPECT_EQ((*range)->last, static_cast<std::size_t>(GetParam().last));
}
INSTANTIATE_TEST_SUITE_P(
    Rfc9110, RangeOfTen,
    testing::Values(RangeCase{"", -1, 0}, RangeCase{"bytes=0-", 0, 9}, RangeCase{"bytes=2-3", 2, 3},
                    RangeCase{"bytes=9-99", 9, 9}, RangeCase{"bytes=-4", 6, 9},
                    RangeCase{"bytes=-40", 0, 9}, RangeCase{"bytes=10-", -2, 0},
                    RangeCase{"bytes=-0", -2, 0}, RangeCase{"bytes=3-2", -1, 0},
                    RangeCase{"bytes=0-1,4-5", -1, 0}, RangeCase{"lines=0-1", -1, 0},
                    RangeCase{"bytes=a-", -1, 0}, RangeCase{"bytes=-", -1, 0},
                    RangeCase{"bytes=1-x", -1, 0}, RangeCase{"bytes=", -1, 0}));

TEST(Tus, DatesAreImfFixdate) {
  EXPECT_EQ(http::http_date(784'111'777'000), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace linli::test
