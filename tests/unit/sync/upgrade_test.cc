// SPDX-License-Identifier: Apache-2.0
// Goal:   an upgrade reaches every row that it names, a bounded number at a time, and one broken
//         row holds up neither the others nor the start of a community.
// Method: the committer over the memory store, with upgrades of a module of notes.
#include "sync/engine/upgrade.h"

#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

#include "sync/store/memory/memory_store.h"
#include "tests/support/note_module.h"

namespace linli::sync {
namespace {

class UpgradeTest : public ::testing::Test {
 protected:
  UpgradeTest() {
    test::declare_notes(registry_);
    EXPECT_TRUE(committer_.open());
  }

  void put(const std::string& id, const Json& buckets) {
    EXPECT_TRUE(committer_.run_as_system([&](MutatorContext& ctx) {
      for (const Json& name : buckets) ctx.ensure_bucket(test::note_bucket(name));
      ctx.put("note", id, {{"text", "old"}, {"buckets", buckets}});
    }));
  }
  /// Says "new" in a note.
  static Result<void> renew(MutatorContext& ctx, const std::string& key) {
    Json row = *ctx.get("note", key);
    row["text"] = "new";
    ctx.put("note", key, std::move(row));
    return {};
  }
  std::string text(const std::string& id) {
    const auto row = store_.row({"note", id}).value();
    return json_text(Json::parse(*row->data), "text");
  }
  UpgradeReport upgrade() {
    auto report = sync::upgrade(registry_, store_, committer_);
    EXPECT_TRUE(report) << report.error().detail;
    return report.value_or(UpgradeReport{});
  }

  Registry registry_;
  MemoryStore store_;
  ManualClock clock_{from_unix_ms(1'700'000'000'000)};
  SeededRng rng_{7};
  Committer committer_{registry_, store_, clock_, rng_};
};

TEST_F(UpgradeTest, WalksATableInBoundedBatchesOnce) {
  constexpr std::size_t kNotes = 2 * kUpgradeRows + 7;
  for (std::size_t i = 0; i < kNotes; ++i) put("n" + std::to_string(1000 + i), {"all"});
  std::size_t most = 0;
  std::size_t now = 0;
  Seq last;
  registry_.add(UpgradeDef{1, {{"note", [&](MutatorContext& ctx, const std::string& key) {
                                  now = ctx.seq() == last ? now + 1 : 1;
                                  last = ctx.seq();
                                  most = std::max(most, now);
                                  return renew(ctx, key);
                                }}}});
  const UpgradeReport report = upgrade();
  EXPECT_EQ(report.from, 0);
  EXPECT_EQ(report.to, 1);
  EXPECT_EQ(report.rows, kNotes);
  EXPECT_EQ(most, kUpgradeRows);
  for (std::size_t i = 0; i < kNotes; ++i) EXPECT_EQ(text("n" + std::to_string(1000 + i)), "new");
  EXPECT_EQ(upgrade().rows, 0U);
}

TEST_F(UpgradeTest, WalksOnlyTheBucketsItNames) {
  constexpr int kMany = 1200;
  for (int i = 0; i < kMany; ++i) put("s" + std::to_string(i), {"staff:1", "all"});
  put("two", {"staff:1", "staff:2"});
  put("other", {"all"});
  registry_.add(UpgradeDef{1, {{"note", renew, {"staff:"}}}});
  EXPECT_EQ(upgrade().rows, static_cast<std::size_t>(kMany + 1)) << "in two of them, changed once";
  for (int i = 0; i < kMany; ++i) EXPECT_EQ(text("s" + std::to_string(i)), "new");
  EXPECT_EQ(text("two"), "new");
  EXPECT_EQ(text("other"), "old");
}

TEST_F(UpgradeTest, ABrokenRowHoldsUpNoOtherAndIsTriedAgain) {
  for (const char* id : {"a", "b", "c", "d"}) put(id, {"all"});
  bool is_mended = false;
  const auto run = [&](MutatorContext& ctx, const std::string& key) -> Result<void> {
    LINLI_CHECK(renew(ctx, key));
    if (is_mended) return {};
    if (key == "b") throw std::runtime_error("poison");
    if (key == "c") return fail(Errc::wrong_state);
    return {};
  };
  registry_.add(UpgradeDef{1, {{"note", run}}});
  registry_.add(UpgradeDef{2, {}});
  const UpgradeReport report = upgrade();
  EXPECT_EQ(report.to, 0);
  EXPECT_EQ(report.refused, (std::vector<RowKey>{{"note", "b"}, {"note", "c"}}));
  EXPECT_EQ(text("a"), "new");
  EXPECT_EQ(text("b"), "old");
  EXPECT_EQ(text("c"), "old");
  EXPECT_EQ(text("d"), "new");
  is_mended = true;
  EXPECT_EQ(upgrade().to, 2);
  EXPECT_EQ(text("c"), "new");
}

TEST_F(UpgradeTest, OnlyNewerUpgradesRun) {
  put("a", {"all"});
  int first = 0;
  registry_.add(UpgradeDef{1, {{"note", [&](MutatorContext&, const std::string&) {
                                  ++first;
                                  return Result<void>{};
                                }}}});
  upgrade();
  registry_.add(UpgradeDef{2, {{"note", renew}}});
  const UpgradeReport report = upgrade();
  EXPECT_EQ(report.from, 1);
  EXPECT_EQ(report.to, 2);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(text("a"), "new");
}

TEST_F(UpgradeTest, ASystemMutationWithoutAChangeTakesNoSeq) {
  put("a", {"all"});
  const Seq before = committer_.head();
  ASSERT_TRUE(committer_.run_as_system(
      [](MutatorContext& ctx) { ctx.put("note", "a", *ctx.get("note", "a")); }));
  EXPECT_EQ(committer_.head(), before);
}

}  // namespace
}  // namespace linli::sync
