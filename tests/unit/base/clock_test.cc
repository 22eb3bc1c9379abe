// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

namespace linli {
namespace {

TEST(Clock, ManualClockMovesOnlyWhenTold) {
  ManualClock clock(from_unix_ms(1000));
  EXPECT_EQ(to_unix_ms(clock.now()), 1000);
  clock.advance(Millis{5});
  EXPECT_EQ(to_unix_ms(clock.now()), 1005);
  EXPECT_EQ(clock.mono(), Millis{5});
}

TEST(Clock, JumpMovesTheWallClockButNotTheMonotonicOne) {
  ManualClock clock(from_unix_ms(1000));
  clock.jump(Millis{-400});
  EXPECT_EQ(to_unix_ms(clock.now()), 600);
  EXPECT_EQ(clock.mono(), Millis{0});
}

TEST(Clock, SystemClockIsInThisCenturyAndMonotonicTimeNeverGoesBack) {
  const SystemClock clock;
  EXPECT_GT(to_unix_ms(clock.now()), 1'600'000'000'000);
  EXPECT_LT(to_unix_ms(clock.now()), 4'102'444'800'000);
  const MonoTime first = clock.mono();
  EXPECT_GE(clock.mono(), first);
}

}  // namespace
}  // namespace linli
