// SPDX-License-Identifier: Apache-2.0
// Goal:   a rate holds to the token, whatever order the clock is read in.
#include "base/token_bucket.h"

#include <gtest/gtest.h>

namespace linli {
namespace {

using namespace std::chrono_literals;

TEST(TokenBucket, GivesABurstThenItsRate) {
  TokenBucket bucket({10, 10s});
  EXPECT_TRUE(bucket.take(10, 0ms));
  EXPECT_FALSE(bucket.take(1, 500ms));
  EXPECT_EQ(bucket.wait(1, 500ms), 500ms);
  EXPECT_TRUE(bucket.take(1, 1000ms));
  EXPECT_EQ(bucket.wait(3, 1000ms), 3s);
  EXPECT_TRUE(bucket.is_full(1h));
}

TEST(TokenBucket, WhatWasNotTakenCostsNothing) {
  TokenBucket bucket({10, 10s});
  EXPECT_FALSE(bucket.take(11, 0ms));
  EXPECT_TRUE(bucket.take(10, 0ms));
}

TEST(TokenBucket, AClockThatStandsGivesNothing) {
  TokenBucket bucket({10, 10s}, 5000ms);
  EXPECT_TRUE(bucket.take(10, 5000ms));
  EXPECT_FALSE(bucket.take(1, 4000ms));
  EXPECT_FALSE(bucket.take(1, 5000ms));
}

TEST(TokenBucket, MoreThanTheBurstWaitsForTheBurst) {
  TokenBucket bucket({10, 10s});
  EXPECT_TRUE(bucket.take(10, 0ms));
  EXPECT_EQ(bucket.wait(500, 0ms), 10s);
}

}  // namespace
}  // namespace linli
