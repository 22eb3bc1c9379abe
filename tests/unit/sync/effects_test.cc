// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sync/protocol/overlay.h"

namespace linli::sync {
namespace {

EffectTable table_of(const char* effects) {
  const auto schema = parse_json(
      std::string(R"({"version":1,"mutators":{"m":{"lane":0,"effects":)") + effects + "}}}");
  return *EffectTable::parse(*schema);
}

MergedTable applied(const char* effects, const char* args, MergedTable table = {}) {
  const std::vector<OverlayMutation> pending{{.name = "m", .args = args, .wall = 42}};
  EXPECT_TRUE(apply_overlay(table_of(effects), {"acc", pending, {}}, "t", table));
  return table;
}

/// An accepted increment of row `k`, commit 7, over a base that has `k` from commit `held`.
MergedTable counted(Seq held, MergedTable table) {
  const std::vector<OverlayMutation> pending{{.name = "m", .args = "{}", .seq = Seq{7}}};
  const auto ver_of = [&](std::string_view) -> Result<Seq> { return held; };
  const auto effects = table_of(R"([{"op":"inc","tbl":"t","key":"k","row":{"n":1}}])");
  EXPECT_TRUE(apply_overlay(effects, {"acc", pending, ver_of}, "t", table));
  return table;
}

TEST(Effects, OfAnAcceptedMutationAreNotLaidOverTheRowThatHasThemAlready) {
  MergedTable base;
  base.emplace("k", MergedRow{.value = {{"n", 2}}});
  EXPECT_EQ(counted(Seq{6}, base).at("k").value["n"], 3);
  EXPECT_EQ(counted(Seq{7}, base).at("k").value["n"], 2);
  EXPECT_EQ(counted(Seq{9}, base).at("k").value["n"], 2);
  EXPECT_FALSE(counted(Seq{7}, base).at("k").pending);
}

TEST(Effects, OfAnAcceptedMutationDoNotBringBackWhatALaterCommitDeleted) {
  const std::vector<OverlayMutation> pending{{.name = "m", .args = "{}", .seq = Seq{7}}};
  const auto effects = table_of(R"([{"op":"put","tbl":"t","key":"k","row":{"n":1}}])");
  MergedTable table;
  const auto deleted = [](std::string_view) -> Result<Seq> { return Seq{8}; };
  EXPECT_TRUE(apply_overlay(effects, {"acc", pending, deleted}, "t", table));
  EXPECT_TRUE(table.empty());
  const auto broken = [](std::string_view) -> Result<Seq> { return fail(Errc::io, "disk"); };
  EXPECT_FALSE(apply_overlay(effects, {"acc", pending, broken}, "t", table));
}

TEST(Effects, PutFillsTemplatesByTypeAndMarksTheRowPending) {
  const auto table = applied(
      R"([{"op":"put","tbl":"t","key":"{a}:{n}","row":{"by":"{actor}","at":"{now}","n":"{n}",
          "text":"x{n}y","gone":"{missing}","list":["{a}",1]}}])",
      R"({"a":"k","n":7})");
  ASSERT_TRUE(table.contains("k:7"));
  EXPECT_EQ(table.at("k:7").value,
            Json({{"by", "acc"}, {"at", 42}, {"n", 7}, {"text", "x7y"}, {"list", {"k", 1}}}));
  EXPECT_TRUE(table.at("k:7").pending);
}

TEST(Effects, PatchMergesMembersIncAddsAndDeleteRemoves) {
  MergedTable base;
  base.emplace("k", MergedRow{.value = {{"n", 2}, {"s", "old"}, {"keep", true}}});
  auto table = applied(R"([{"op":"patch","tbl":"t","key":"k","row":{"s":"{s}"}},
                           {"op":"inc","tbl":"t","key":"k","row":{"n":3}}])",
                       R"({"s":"new"})", base);
  EXPECT_EQ(table.at("k").value, Json({{"n", 5}, {"s", "new"}, {"keep", true}}));
  table = applied(R"([{"op":"delete","tbl":"t","key":"k"}])", "{}", base);
  EXPECT_TRUE(table.empty());
}

TEST(Effects, MissingRowsArgumentsAndBadInputChangeNothing) {
  EXPECT_TRUE(applied(R"([{"op":"inc","tbl":"t","key":"k","row":{"n":1}}])", "{}").empty());
  EXPECT_TRUE(applied(R"([{"op":"put","tbl":"t","key":"{a}","row":{}}])", "{}").empty());
  EXPECT_TRUE(applied(R"([{"op":"put","tbl":"t","key":"k","row":{}}])", "not json").empty());
  EXPECT_TRUE(applied(R"([{"op":"put","tbl":"other","key":"k","row":{}}])", "{}").empty());
}

TEST(Effects, IncrementThatOverflowsIsLeftOut) {
  MergedTable base;
  base.emplace("k", MergedRow{.value = {{"n", INT64_MAX}}});
  const auto table = applied(R"([{"op":"inc","tbl":"t","key":"k","row":{"n":1}}])", "{}", base);
  EXPECT_EQ(table.at("k").value["n"], INT64_MAX);
}

TEST(Effects, SchemaErrorsNameTheMutator) {
  const auto schema = parse_json(R"({"mutators":{"bad.one":{"effects":[{"op":"eval"}]}}})");
  const auto table = EffectTable::parse(*schema);
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().detail.find("bad.one"), std::string::npos);
}

TEST(Effects, UnknownMutatorHasNoTables) {
  const EffectTable table = table_of(R"([{"op":"delete","tbl":"t","key":"k"}])");
  EXPECT_EQ(table.tables("m"), std::vector<std::string>{"t"});
  EXPECT_TRUE(table.tables("x").empty());
  EXPECT_EQ(table.find("m")->lane, UpLane::alert);
}

}  // namespace
}  // namespace linli::sync
