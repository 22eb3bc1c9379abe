// SPDX-License-Identifier: Apache-2.0
#include "base/strong.h"

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <unordered_set>

#include <gtest/gtest.h>

namespace linli {
namespace {

using Seq = Strong<struct SeqTag, std::uint64_t>;
using Number = Strong<struct NumberTag, std::uint64_t>;
using Name = Strong<struct NameTag, std::string>;

static_assert(!std::equality_comparable_with<Seq, Number>);
static_assert(!std::is_convertible_v<std::uint64_t, Seq>);
static_assert(!std::is_convertible_v<Seq, std::uint64_t>);

TEST(Strong, ComparesByValueWithinItsTag) {
  EXPECT_EQ(Seq{3}, Seq{3});
  EXPECT_LT(Seq{3}, Seq{4});
  EXPECT_EQ(Seq{}.raw(), 0U);
}

TEST(Strong, HashesLikeItsValue) {
  const std::unordered_set<Name> names{Name{"a"}, Name{"b"}, Name{"a"}};
  EXPECT_EQ(names.size(), 2U);
  EXPECT_TRUE(names.contains(Name{"b"}));
}

}  // namespace
}  // namespace linli
