// SPDX-License-Identifier: Apache-2.0
#include "sync/model/row.h"

#include <string>

#include <gtest/gtest.h>

#include "base/crypto.h"

namespace linli::sync {
namespace {

TEST(Row, TableNamesAreShortLowerCaseWords) {
  for (const std::string good : {"a", "alert_ack", "t2", "a23456789012345678901234567890_2"}) {
    EXPECT_TRUE(is_table_name(good)) << good;
  }
  for (const std::string bad :
       {"", "2t", "_t", "T", "a-b", "a b", "表", "a23456789012345678901234567890_23"}) {
    EXPECT_FALSE(is_table_name(bad)) << bad;
  }
}

TEST(Row, KeysAreShortAndPlain) {
  for (const std::string& good :
       {std::string("0"), std::string("a:B_c.d-9"), std::string(64, 'x')}) {
    EXPECT_TRUE(is_row_key(good)) << good;
  }
  for (const std::string& bad : {std::string(), std::string(65, 'x'), std::string("a/b"),
                                 std::string("a b"), std::string("键"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(is_row_key(bad)) << bad;
  }
}

TEST(Row, HashIsTheStartOfShaOfTheJoinedParts) {
  const std::string joined = std::string("linli.row.1") + '\x06' + "notice" +
                             std::string("\0\x03", 2) + "n-1" +
                             std::string("\0\0\0\0\0\0\x12\x34", 8) + R"({"a":1})";
  EXPECT_EQ(row_hash("notice", "n-1", Seq{0x1234}, R"({"a":1})"),
            read_u64be(sha256(as_bytes(joined))));
}

TEST(Row, HashTellsEveryPartApart) {
  const std::uint64_t base = row_hash("ab", "c", Seq{1}, "d");
  EXPECT_NE(base, row_hash("a", "bc", Seq{1}, "d"));
  EXPECT_NE(base, row_hash("ab", "cd", Seq{1}, ""));
  EXPECT_NE(base, row_hash("ab", "c", Seq{2}, "d"));
}

TEST(Digest, AddAndRemoveCancelModuloTwoToThe64) {
  Digest digest{1, 0xffff'ffff'ffff'fff0};
  digest.add(0x20);
  EXPECT_EQ(digest, (Digest{2, 0x10}));
  digest.remove(0x20);
  EXPECT_EQ(digest, (Digest{1, 0xffff'ffff'ffff'fff0}));
}

}  // namespace
}  // namespace linli::sync
