// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What tests and benchmarks read besides.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmake/precompiled.h"

#ifdef __clang__

namespace linli::precompiled {

inline void instantiate_checks(const nlohmann::json& json, const std::string& text,
                               std::size_t size, std::int64_t number, bool is_so) {
  EXPECT_TRUE(is_so) << text << size << number << json.dump() << "text";
  EXPECT_EQ(json, json);
  EXPECT_NE(json, json);
  EXPECT_EQ(json, text);
  EXPECT_EQ(json, "text");
  EXPECT_EQ(json, 1);
  EXPECT_EQ(json, 1U);
  EXPECT_EQ(json, true);
  EXPECT_EQ(text, text);
  EXPECT_NE(text, text);
  EXPECT_EQ(text, "text");
  EXPECT_EQ(std::string_view(text), "text");
  EXPECT_EQ(is_so, is_so);
  EXPECT_EQ(number, number);
  EXPECT_EQ(number, 1);
  EXPECT_GT(number, 1);
  EXPECT_LT(number, number);
  EXPECT_EQ(static_cast<int>(number), 1);
  EXPECT_EQ(size, size);
  EXPECT_EQ(size, 1U);
  EXPECT_NE(size, size);
  EXPECT_GT(size, 1U);
  EXPECT_GE(size, 1U);
  EXPECT_LE(size, size);
  EXPECT_LT(size, 1U);
}

}  // namespace linli::precompiled

#endif
