// SPDX-License-Identifier: Apache-2.0
// Goal:   the memory of reference numbers is bounded and forgets the oldest first.
// Method: more destinations than it may keep, under virtual time.
#include "notify/channels/smpp/references.h"

#include <gtest/gtest.h>

namespace linli::notify::smpp {
namespace {

TEST(SmppReferences, Trap11CountsPerDestinationFromARandomNumber) {
  SeededRng rng(3);
  References references(rng);
  const auto first = references.take("a", MonoTime{0});
  EXPECT_EQ(references.take("a", MonoTime{1}), static_cast<std::uint8_t>(*first + 1));
  EXPECT_NE(references.take("b", MonoTime{1}), first) << "with this seed";
  EXPECT_EQ(references.take("a", MonoTime{2}), static_cast<std::uint8_t>(*first + 2));
}

TEST(SmppReferences, MemoryIsBoundedAndTheLongestUnusedGoFirst) {
  SeededRng rng(3);
  References references(rng);
  const auto used = references.take("old", MonoTime{0});
  for (std::size_t n = 0; n < kReferenceDestinationsMax + 1000; ++n) {
    const MonoTime now{static_cast<std::int64_t>(n) + 1};
    ASSERT_TRUE(references.take(std::to_string(n), now));
    ASSERT_LE(references.size(), kReferenceDestinationsMax);
    if (n + 1 == kReferenceDestinationsMax / 2) {
      EXPECT_EQ(references.take("old", now), static_cast<std::uint8_t>(*used + 1));
    }
  }
  EXPECT_EQ(references.take("old", MonoTime{100'000}), static_cast<std::uint8_t>(*used + 2));
  // What nobody can still be putting together goes by itself.
  for (std::size_t n = 0; references.size() + 1 < kReferenceDestinationsMax; ++n)
    ASSERT_TRUE(references.take("more" + std::to_string(n), MonoTime{100'000}));
  ASSERT_TRUE(references.take("last", MonoTime{100'000}));
  ASSERT_TRUE(references.take("next day", MonoTime{100'000} + kReassemblyMax));
  EXPECT_EQ(references.size(), 1U);
}

}  // namespace
}  // namespace linli::notify::smpp
