// SPDX-License-Identifier: Apache-2.0
// Goal:   memory and SQLite keep a phone's replica by the same rules, and SQLite keeps it through a
//         closed process; what tests prove on memory then holds on phones.
// Method: one contract, run on both; every store is reopened before it is looked at.
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/native/replica_store_sqlite.h"
#include "tests/support/scripted_server.h"

namespace linli {
namespace {

using namespace sync;
using test::grant;
using test::put;
using test::tombstone;

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "linli_store_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ReplicaStorageContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(crypto_init());
    reopen();
    ASSERT_TRUE(replica_->adopt_identity(test::make_identity(rng_)));
  }
  void reopen() {
    replica_.reset();
    if (std::string_view(GetParam()) == "memory") {
      if (!storage_) storage_ = std::make_unique<test::MemoryStorage>();
    } else {
      storage_.reset();
      storage_ = std::move(*client::open_sqlite_storage(folder_.path()));
    }
    replica_ = std::move(*Replica::open(*storage_));
  }
  Result<WelcomeOutcome> welcome(std::vector<BucketGrant> buckets, std::uint64_t head = 10) {
    FrameWelcome frame;
    frame.epoch = Epoch{*Id128::parse(std::string(32, 'e'))};
    frame.head = {Seq{head}, Seq{head}};
    frame.buckets = std::move(buckets);
    frame.last_n = replica_->state().last_n;
    frame.t1 = 1000;
    frame.lease_until = 1000 + 30LL * 24 * 3'600'000;
    return replica_->apply_welcome(frame, {.at = 1000, .clock_off = -5, .clock_unc = 3});
  }
  Result<Changes> fill(std::uint32_t b, const std::vector<Op>& rows) {
    return replica_->reveal_bucket(
        {.bucket = BucketId{b}, .expect = test::digest_of(rows), .ops = rows});
  }
  std::vector<std::string> shown(std::string_view tbl = "notice") {
    std::vector<std::string> out;
    const auto rows = replica_->rows(tbl, {}, from_unix_ms(1000));
    for (const auto& row : *rows) out.push_back(row.key + "=" + row.data);
    return out;
  }

  TempFolder folder_;
  SeededRng rng_{5};
  std::unique_ptr<ReplicaStorage> storage_;
  std::unique_ptr<Replica> replica_;
};

INSTANTIATE_TEST_SUITE_P(Stores, ReplicaStorageContract, testing::Values("memory", "sqlite"),
                         [](const auto& store) { return std::string(store.param); });

using Rows = std::vector<std::string>;

TEST_P(ReplicaStorageContract, StateSurvivesReopening) {
  ASSERT_TRUE(welcome({grant(1), grant(2, Lane::urgent, 7)}));
  const std::vector<Op> rows{put("a", 3, "A"), put("b", 4, "B")};
  ASSERT_TRUE(fill(1, rows));
  ASSERT_TRUE(replica_->spill_fill(BucketId{2}, Seq{6}, {put("c", 5, "C")}));
  ASSERT_TRUE(replica_->want_rekey());
  const ReplicaState before = replica_->state();
  reopen();
  const ReplicaState& after = replica_->state();
  EXPECT_EQ(after.buckets, before.buckets);
  EXPECT_EQ(after.epoch, before.epoch);
  EXPECT_EQ(after.cur, before.cur);
  EXPECT_EQ(after.next_slot, before.next_slot);
  EXPECT_EQ(after.clock_off, -5);
  EXPECT_EQ(after.lease_ms, before.lease_ms);
  EXPECT_TRUE(after.rekey_wanted);
  ASSERT_TRUE(after.identity);
  EXPECT_EQ(after.identity->cid, before.identity->cid);
  EXPECT_TRUE(constant_time_equal(after.identity->seed.view(), before.identity->seed.view()));
  EXPECT_EQ(after.buckets.at(BucketId{2}).fill_cursor, Seq{6});
  EXPECT_EQ(shown(), (Rows{"a=A", "b=B"}));
}

TEST_P(ReplicaStorageContract, LaneCommitKeepsDigestsInStep) {
  ASSERT_TRUE(welcome({grant(1)}));
  ASSERT_TRUE(fill(1, {put("a", 3, "A"), put("b", 4, "B")}));
  LaneCommit commit{.lane = Lane::normal, .seq = Seq{12}};
  commit.ops = {{BucketId{1}, {put("a", 11, "A2"), tombstone("b", 12), put("b", 5, "old")}}};
  commit.expect = {{BucketId{1}, test::digest_of({put("a", 11, "A2")})}};
  const auto changes = replica_->commit_lane(commit);
  ASSERT_TRUE(changes);
  EXPECT_TRUE(changes->mismatched.empty());
  EXPECT_EQ(changes->tables, std::set<std::string>{"notice"});
  reopen();
  EXPECT_EQ(shown(), Rows{"a=A2"});
  EXPECT_EQ(replica_->state().cur[1], Seq{12});
}

TEST_P(ReplicaStorageContract, SpilledLaneIsAppliedInOrderBeforeTheRest) {
  ASSERT_TRUE(welcome({grant(1)}));
  ASSERT_TRUE(fill(1, {}));
  ASSERT_TRUE(
      replica_->spill_lane(Lane::normal, {{BucketId{1}, {put("a", 11, "1"), tombstone("b", 11)}}}));
  EXPECT_TRUE(shown().empty());
  LaneCommit commit{.lane = Lane::normal, .seq = Seq{12}};
  commit.ops = {{BucketId{1}, {put("a", 12, "2")}}};
  ASSERT_TRUE(replica_->commit_lane(commit));
  EXPECT_EQ(shown(), Rows{"a=2"});
  ASSERT_TRUE(replica_->spill_lane(Lane::normal, {{BucketId{1}, {put("z", 13, "lost")}}}));
  ASSERT_TRUE(replica_->forget_lane_staging());
  ASSERT_TRUE(replica_->commit_lane({.lane = Lane::normal, .seq = Seq{14}}));
  EXPECT_EQ(shown(), Rows{"a=2"});
}

TEST_P(ReplicaStorageContract, DropRemovesStagingAndRowsOfTheBucketOnly) {
  ASSERT_TRUE(welcome({grant(1), grant(2)}));
  ASSERT_TRUE(fill(1, {put("a", 3, "A"), put("both", 3, "old")}));
  ASSERT_TRUE(fill(2, {put("both", 5, "new"), put("b", 4, "B", "other")}));
  EXPECT_EQ(shown(), (Rows{"a=A", "both=new"}));
  ASSERT_TRUE(replica_->spill_lane(Lane::normal, {{BucketId{2}, {put("x", 11, "X")}}}));
  ASSERT_TRUE(replica_->apply_membership(FrameM{Seq{11}, {BucketId{2}}, {}}, {}));
  ASSERT_TRUE(replica_->commit_lane({.lane = Lane::normal, .seq = Seq{12}}));
  reopen();
  EXPECT_EQ(shown(), (Rows{"a=A", "both=old"}));
  EXPECT_TRUE(shown("other").empty());
}

TEST_P(ReplicaStorageContract, RevealReplacesAndAWrongOneKeepsTheOld) {
  ASSERT_TRUE(welcome({grant(1)}));
  ASSERT_TRUE(fill(1, {put("a", 3, "A")}));
  ASSERT_TRUE(replica_->restart_fill({BucketId{1}}));
  BucketReveal wrong{.bucket = BucketId{1}, .expect = {7, 7}, .ops = {put("b", 4, "B")}};
  const auto changes = replica_->reveal_bucket(wrong);
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->mismatched, std::vector{BucketId{1}});
  EXPECT_EQ(shown(), Rows{"a=A"});
  ASSERT_TRUE(fill(1, {put("b", 4, "B")}));
  reopen();
  EXPECT_EQ(shown(), Rows{"b=B"});
  EXPECT_EQ(replica_->state().digest_mismatches, 1U);
}

TEST_P(ReplicaStorageContract, MutationsKeepOrderNumbersAndListsThroughReopening) {
  ASSERT_TRUE(welcome({}));
  for (int i = 1; i <= 4; ++i) {
    LocalMutation mutation;
    mutation.name = "m";
    mutation.args = R"({"i":)" + std::to_string(i) + "}";
    mutation.wall = 100 + i;
    ASSERT_TRUE(replica_->append(mutation, false));
  }
  auto first = replica_->pushable(UpLane::interactive, 0, 2, 1000);
  ASSERT_EQ(first->size(), 2U);
  ASSERT_TRUE(replica_->store_results(
      {test::rejected(UpLane::interactive, 1, 11), test::ok(UpLane::interactive, 2, 12)}));
  reopen();
  EXPECT_EQ(replica_->state().unsent(), 2U);
  EXPECT_EQ(replica_->state().confirmed, 1U);
  EXPECT_EQ(replica_->state().attention, 1U);
  EXPECT_EQ(replica_->state().res_n[1], 2U);
  EXPECT_EQ((*replica_->attention())[0].args, R"({"i":1})");
  EXPECT_EQ(replica_->overlay()->size(), 3U);
  ASSERT_TRUE(replica_->advance({Seq{0}, Seq{12}}, {.at = 2000}));
  EXPECT_EQ(replica_->state().confirmed, 0U);
  const auto rest = replica_->pushable(UpLane::interactive, 2, 100, 1000);
  ASSERT_EQ(rest->size(), 2U);
  EXPECT_EQ((*rest)[0].n, 3U);
  EXPECT_EQ((*rest)[1].wall, 104);
  ASSERT_TRUE(replica_->dismiss((*replica_->attention())[0].id));
  ASSERT_TRUE(replica_->prune_journal(from_unix_ms(5000)));
  reopen();
  EXPECT_TRUE(replica_->attention()->empty());
  EXPECT_EQ(storage_->mutations({})->size(), 2U);
}

TEST_P(ReplicaStorageContract, LimitsAreTypedErrorsAndStoreNothing) {
  LocalMutation big;
  big.name = "m";
  big.args = std::string(limits::kMutationBytesMax, 'x');
  EXPECT_EQ(replica_->append(big, false).error().code, Errc::too_large);
  LocalMutation poison;
  poison.name = "not a name";
  poison.args = "{}";
  EXPECT_EQ(replica_->append(poison, false).error().code, Errc::invalid_argument);
  EXPECT_EQ(replica_->adopt_identity(test::make_identity(rng_)).error().code, Errc::conflict);
  EXPECT_EQ(replica_->edit(99, "{}").error().code, Errc::not_found);
  EXPECT_TRUE(replica_->pending()->empty());
}

TEST_P(ReplicaStorageContract, LocalStateSurvivesReopening) {
  EXPECT_EQ(*replica_->local("k"), std::nullopt);
  ASSERT_TRUE(replica_->put_local("k", "v1"));
  ASSERT_TRUE(replica_->put_local("k", "v2"));
  reopen();
  EXPECT_EQ(*replica_->local("k"), "v2");
}

TEST_P(ReplicaStorageContract, PagesOfATableFollowItsKeys) {
  ASSERT_TRUE(welcome({grant(1)}));
  ASSERT_TRUE(fill(1, {put("a", 1, "A"), put("b", 2, "B"), put("c", 3, "C")}));
  const auto page = replica_->rows("notice", {.after = "a", .limit = 1}, from_unix_ms(1000));
  ASSERT_EQ(page->size(), 1U);
  EXPECT_EQ((*page)[0].key, "b");
}

// --- Only SQLite --------------------------------------------------------------------------------

TEST(SqliteStore, FilesAreReadableByTheOwnerOnly) {
  const TempFolder folder;
  const auto storage = client::open_sqlite_storage(folder.path());
  ASSERT_TRUE(storage);
  for (const char* name : {"/replica.db", "/replica.db-wal"}) {
    struct stat info{};
    ASSERT_EQ(::stat((folder.path() + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
  }
}

TEST(SqliteStore, SecondHolderOfAFolderIsToldWhoHasIt) {
  const TempFolder folder;
  {
    const auto held = client::StoreLock::take(folder.path(), Millis{0});
    ASSERT_TRUE(held);
    const auto refused = client::StoreLock::take(folder.path(), Millis{0});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unavailable);
    EXPECT_NE(refused.error().detail.find(std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(client::StoreLock::take(folder.path(), Millis{0}));
}

TEST(SqliteStore, FileThatIsNoDatabaseIsCorruptNotACrash) {
  const TempFolder folder;
  std::FILE* file = std::fopen((folder.path() + "/replica.db").c_str(), "w");
  for (int i = 0; i < 5000; ++i) std::fputs("not a database ", file);
  std::fclose(file);
  const auto storage = client::open_sqlite_storage(folder.path());
  ASSERT_FALSE(storage);
  EXPECT_EQ(storage.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace linli
