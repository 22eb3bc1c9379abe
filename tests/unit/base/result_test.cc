// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <memory>

#include <gtest/gtest.h>

#include "base/assert.h"

namespace linli {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Errc::invalid_argument, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  LINLI_TRY(const int once, half(value));
  LINLI_TRY(const int twice, half(once));
  return twice;
}

Result<void> check_both(int first, int second) {
  LINLI_CHECK(half(first));
  LINLI_CHECK([&]() -> Result<void> {
    LINLI_CHECK(half(second));
    return {};
  }());
  return {};
}

Result<std::unique_ptr<int>> boxed(int value) {
  LINLI_TRY(auto box, Result<std::unique_ptr<int>>(std::make_unique<int>(value)));
  return box;
}

TEST(Result, TryBindsTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter(8), 2);
  EXPECT_EQ(quarter(6).error(), (Error{Errc::invalid_argument, "odd"}));
  EXPECT_EQ(quarter(7).error().code, Errc::invalid_argument);
}

TEST(Result, TryMovesValuesThatCannotBeCopied) { EXPECT_EQ(**boxed(5), 5); }

TEST(Result, CheckReturnsTheFirstError) {
  EXPECT_TRUE(check_both(2, 4).has_value());
  EXPECT_FALSE(check_both(1, 4).has_value());
  EXPECT_FALSE(check_both(2, 3).has_value());
}

TEST(AssertDeathTest, BrokenInvariantEndsTheProcessAndSaysWhere) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const int rows = 1;
  LINLI_ASSERT(rows == 1);
  EXPECT_DEATH(LINLI_ASSERT(rows > 2), "broken invariant: rows > 2 \\(.*result_test.cc:[0-9]+\\)");
}

}  // namespace
}  // namespace linli
