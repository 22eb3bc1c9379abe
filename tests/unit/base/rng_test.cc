// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

namespace linli {
namespace {

/// Hands out the given words, little-endian.
class ScriptedRng final : public Rng {
 public:
  explicit ScriptedRng(std::initializer_list<std::uint64_t> words) : words_(words) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(words_.at(next_) >> (8 * i));
    }
    ++next_;
  }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t next_ = 0;
};

// The published SplitMix64 stream for seed 1234567 (Vigna's reference C code).
TEST(Rng, SeededStreamIsThePublishedSplitMix64) {
  SeededRng rng(1234567);
  for (const std::uint64_t expected :
       {6457827717110365317U, 3203168211198807973U, 9817491932198370423U, 4593380528125082431U,
        16408922859458223821U}) {
    EXPECT_EQ(rng.next_u64(), expected);
  }
}

TEST(Rng, SameSeedFillsTheSameBytes) {
  std::array<std::uint8_t, 21> first{};
  std::array<std::uint8_t, 21> second{};
  SeededRng(7).fill(first);
  SeededRng(7).fill(second);
  EXPECT_EQ(first, second);
  SeededRng(8).fill(second);
  EXPECT_NE(first, second);
}

TEST(Rng, BelowStaysBelowAndReachesEveryValue) {
  SeededRng rng(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(rng.below(7));
  EXPECT_GT(*std::min_element(seen.begin(), seen.end()), 800);
  EXPECT_LT(*std::max_element(seen.begin(), seen.end()), 1200);
  EXPECT_EQ(rng.below(1), 0U);
}

TEST(Rng, BelowDrawsAgainWhereAModuloWouldBeBiased) {
  // 2^64 mod 3 = 1, so the word 0 must not count.
  ScriptedRng rng{0, 5};
  EXPECT_EQ(rng.below(3), 2U);
}

TEST(Rng, SystemRandomnessDiffersBetweenCalls) {
  SystemRng rng;
  EXPECT_NE(rng.next_u64(), rng.next_u64());
  rng.fill({});
}

}  // namespace
}  // namespace linli
