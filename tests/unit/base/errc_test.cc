// SPDX-License-Identifier: Apache-2.0
// Goal: every error of the table has what a client, a person and an operator need.
#include "base/errc.h"

#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace linli {
namespace {

constexpr Errc kAll[] = {
#define LINLI_ERRC_CODE(name, number, retryable, zh, en) Errc::name,
    LINLI_ERRORS(LINLI_ERRC_CODE)
#undef LINLI_ERRC_CODE
};

TEST(Errc, NamesAreUniqueAndLeadBackToTheirCode) {
  std::set<std::string_view> names;
  for (const Errc code : kAll) {
    EXPECT_TRUE(names.insert(errc_name(code)).second) << errc_name(code);
    EXPECT_EQ(errc_from_name(errc_name(code)), code) << errc_name(code);
  }
}

TEST(Errc, EveryCodeHasSentencesAndAnErrorStatus) {
  for (const Errc code : kAll) {
    EXPECT_FALSE(errc_sentence(code).empty()) << errc_name(code);
    EXPECT_FALSE(errc_text(code).empty()) << errc_name(code);
    EXPECT_GE(errc_http_status(code), 400) << errc_name(code);
    EXPECT_LE(errc_http_status(code), 507) << errc_name(code);
  }
}

TEST(Errc, WireNumbersKeepTheirStatus) {
  EXPECT_EQ(errc_http_status(Errc::wrong_state), 409);
  EXPECT_EQ(errc_http_status(Errc::rate_limited), 429);
  EXPECT_TRUE(errc_retryable(Errc::rate_limited));
  EXPECT_FALSE(errc_retryable(Errc::wrong_state));
}

TEST(Errc, UnknownNameFromANewerPeerIsInternal) {
  EXPECT_EQ(errc_from_name("tea_is_cold"), Errc::internal);
  EXPECT_EQ(errc_from_name(""), Errc::internal);
}

TEST(Errc, NumberOutsideTheTableReadsAsInternal) {
  EXPECT_EQ(errc_name(static_cast<Errc>(1)), "internal");
}

}  // namespace
}  // namespace linli
