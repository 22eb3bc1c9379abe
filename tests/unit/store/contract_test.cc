// SPDX-License-Identifier: Apache-2.0
// Goal:   every Store keeps the promises of sync/engine/store_port.h.
// Method: one suite over all stores; random but legal histories (world.h) compared with what the
//         history itself says the answers are.
// A failure here means that phones miss rows, see them twice, or that a restart forgets work.
#include "tests/unit/store/contract.h"

#include <atomic>
#include <thread>

#include "sync/store/memory/memory_store.h"
#include "sync/store/sqlite/sqlite_store.h"
#include "sync/store/sqlite/verify.h"

namespace linli::sync::test {
namespace {

class MemoryUnderTest final : public StoreUnderTest {
 public:
  Store& store() override { return *store_; }
  void reopen() override { crash(); }
  void crash() override {
    auto next = std::make_unique<MemoryStore>();
    next->restore(store_->snapshot());
    store_ = std::move(next);
  }

 private:
  std::unique_ptr<MemoryStore> store_ = std::make_unique<MemoryStore>();
};

class SqliteUnderTest final : public StoreUnderTest {
 public:
  SqliteUnderTest() { open(); }
  Store& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    open();
  }
  /// The files as they are in the middle of life: not checkpointed, not closed, no shared memory.
  void crash() override {
    const std::string dead = path();
    ++life_;
    std::filesystem::copy_file(dead, path());
    if (std::filesystem::exists(dead + "-wal"))
      std::filesystem::copy_file(dead + "-wal", path() + "-wal");
    store_.reset();
    open();
  }
  void expect_sound() override {
    for (const StoreFinding& finding : must(verify_store(path())))
      ADD_FAILURE() << finding.what << " " << finding.bucket << " " << finding.detail;
  }

 private:
  [[nodiscard]] std::string path() const {
    return folder_.file("sync" + std::to_string(life_) + ".db");
  }
  void open() { store_ = must(SqliteStore::open({.path = path(), .checkpoint_thread = false})); }

  TempFolder folder_;
  int life_ = 0;
  std::unique_ptr<SqliteStore> store_;
};

std::vector<StoreFactory> store_factories() {
  return {{"Memory", [] { return std::make_unique<MemoryUnderTest>(); }},
          {"Sqlite", [] { return std::make_unique<SqliteUnderTest>(); }}};
}

class StoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  Store& store() { return under_->store(); }
  /// `count` random batches; the world and the store then agree.
  void grow(World& world, int count) {
    for (int i = 0; i < count; ++i) must(store().apply(world.next_batch()));
  }
  /// A batch of `seqs` mutations on top of the head, to fill in.
  WriteBatch empty_batch(std::uint64_t seqs = 1) {
    const Seq head = must(store().load()).head;
    WriteBatch batch;
    batch.from = head;
    batch.to = Seq{head.raw() + seqs};
    batch.at = World::kStart;
    return batch;
  }

  std::unique_ptr<StoreUnderTest> under_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(All, StoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& test) { return test.param.name; });

void sort_ops(std::vector<Op>& ops) {
  std::sort(ops.begin(), ops.end(), [](const Op& a, const Op& b) {
    return std::tie(a.ver, a.row) < std::tie(b.ver, b.row);
  });
}

void expect_same_ops(std::vector<Op> got, const std::vector<Op>& want) {
  ASSERT_TRUE(std::is_sorted(got.begin(), got.end(),
                             [](const Op& a, const Op& b) { return a.ver < b.ver; }));
  sort_ops(got);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].ver, want[i].ver);
    EXPECT_EQ(got[i].row, want[i].row);
    ASSERT_EQ(got[i].data == nullptr, want[i].data == nullptr);
    if (got[i].data) {
      EXPECT_EQ(*got[i].data, *want[i].data);
    }
  }
}

/// The rule of chunk(): whole vers while they fit, at least one.
std::vector<Op> expected_page(const std::vector<Op>& all, std::size_t rows_max,
                              std::size_t bytes_max) {
  std::vector<Op> page;
  std::size_t bytes = 0;
  for (std::size_t at = 0; at < all.size();) {
    std::size_t end = at;
    std::size_t more = 0;
    for (; end < all.size() && all[end].ver == all[at].ver; ++end)
      more += all[end].row.tbl.size() + all[end].row.key.size() +
              (all[end].data ? all[end].data->size() : 0);
    if (!page.empty() && (end > rows_max || bytes + more > bytes_max)) break;
    page.insert(page.end(), all.begin() + long(at), all.begin() + long(end));
    bytes += more;
    at = end;
  }
  return page;
}

TEST_P(StoreContract, NewStoreIsEmpty) {
  const StoreState state = must(store().load());
  EXPECT_EQ(state.head, Seq{});
  EXPECT_EQ(state.epoch, Epoch{});
  EXPECT_EQ(state.outbox_head, 0U);
  EXPECT_TRUE(state.buckets.empty() && state.members.empty() && state.clients.empty());
  EXPECT_EQ(must(store().row({"task", "a"})), std::nullopt);
  EXPECT_TRUE(must(store().scan("task.state", "", std::nullopt, 10)).empty());
  const BucketChunk chunk = must(store().chunk(BucketId{9}, Seq{}, true, 10, 10));
  EXPECT_TRUE(chunk.complete && chunk.ops.empty());
  EXPECT_EQ(chunk.to, Seq{});
}

TEST_P(StoreContract, MembershipIsThatOfTheHistory) {
  World world(5);
  grow(world, 40);
  const StoreState state = must(store().load());
  ASSERT_FALSE(state.members.empty());
  for (const Member& held : state.members)
    for (std::uint32_t id = 1; id <= World::kBuckets; ++id) {
      const bool is_listed = std::ranges::any_of(state.members, [&](const Member& member) {
        return member.account == held.account && member.bucket == BucketId{id};
      });
      EXPECT_EQ(must(store().is_member(held.account, BucketId{id})), is_listed);
    }
  EXPECT_FALSE(must(store().is_member(AccountId{}, state.members.front().bucket)));
}

TEST_P(StoreContract, ChunksHoldExactlyWhatTheHistorySays) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    under_ = GetParam().make();
    World world(seed);
    SeededRng rng(seed + 1000);
    for (int round = 0; round < 60; ++round) {
      grow(world, 1);
      if (rng.below(12) == 0) {
        const BucketId id{static_cast<std::uint32_t>(1 + rng.below(World::kBuckets))};
        const Seq floor{rng.below(world.head().raw())};
        must(store().raise_floor(id, floor));
        world.raise_floor(id, floor);
      }
      const BucketId id{static_cast<std::uint32_t>(1 + rng.below(World::kBuckets))};
      const Seq after{rng.below(world.head().raw() + 2)};
      const bool tombstones = rng.below(2) == 0;
      const std::size_t rows_max = 1 + rng.below(12);
      const std::size_t bytes_max = 1 + rng.below(3000);
      const auto all = world.ops(id, after, tombstones);
      const auto page = expected_page(all, rows_max, bytes_max);
      const BucketChunk chunk = must(store().chunk(id, after, tombstones, rows_max, bytes_max));
      expect_same_ops(chunk.ops, page);
      EXPECT_EQ(chunk.complete, page.size() == all.size());
      EXPECT_EQ(chunk.to, chunk.complete ? world.bucket(id).head : page.back().ver);
      EXPECT_EQ(chunk.read_head, world.head());
      if (chunk.complete) {
        EXPECT_EQ(chunk.digest, world.bucket(id).digest);
      }
    }
  }
}

TEST_P(StoreContract, PagesOfABucketJoinToTheWholeAndItsDigest) {
  World world(11);
  grow(world, 40);
  for (std::uint32_t b = 1; b <= World::kBuckets; ++b) {
    std::vector<Op> joined;
    Seq after;
    BucketChunk chunk;
    while (!chunk.complete) {
      chunk = must(store().chunk(BucketId{b}, after, false, 3, 2000));
      joined.insert(joined.end(), chunk.ops.begin(), chunk.ops.end());
      ASSERT_TRUE(chunk.complete || chunk.to > after);
      after = chunk.to;
    }
    expect_same_ops(joined, world.ops(BucketId{b}, Seq{}, false));
    Digest digest;
    for (const Op& op : joined) digest.add(row_hash(op.row.tbl, op.row.key, op.ver, *op.data));
    EXPECT_EQ(chunk.digest, digest);
  }
}

TEST_P(StoreContract, TablesAndRowsFollowTheHistory) {
  World world(12);
  grow(world, 50);
  for (const std::string tbl : {"notice", "task"}) {
    const auto want = world.table(tbl);
    std::map<std::string, StoredRow> got;
    std::string after;
    for (bool more = true; more;) {
      const auto page = must(store().table(tbl, after, 4));
      more = page.size() == 4;
      for (const auto& [key, row] : page) {
        EXPECT_GT(key, after);
        after = key;
        got[key] = row;
      }
    }
    ASSERT_EQ(got.size(), want.size());
    for (const auto& [key, row] : want) {
      const auto one = must(store().row({tbl, key}));
      ASSERT_TRUE(one);
      for (const StoredRow& same : {got.at(key), *one}) {
        EXPECT_EQ(same.ver, row.ver);
        EXPECT_EQ(*same.data, *row.data);
        EXPECT_EQ(same.buckets, row.buckets);
      }
    }
  }
  EXPECT_EQ(must(store().row({"task", "k0"})), std::nullopt);  // k0 is a notice
}

TEST_P(StoreContract, ScanGoesInByteOrderFromAfterWithinThePrefix) {
  WriteBatch batch = empty_batch();
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"", "k1"},      {"a", "k1"},        {"a", "k2"},         {std::string("a\0", 2), "k0"},
      {"a\x7f", "k1"}, {"a\xff", "k1"},    {"a\xff\xff", "k1"}, {"b", "k0"},
      {"\xff", "k9"},  {"\xff\xff", "k9"}, {"中", "k3"},        {"A", "k5"}};
  for (const auto& [value, key] : pairs) batch.indexes.push_back({"t.i", value, key, true});
  batch.indexes.push_back({"t.other", "a", "k7", true});
  batch.indexes.push_back({"t.i", "gone", "k1", true});
  batch.indexes.push_back({"t.i", "gone", "k1", false});
  must(store().apply(batch));
  std::set<std::pair<std::string, std::string>> sorted(pairs.begin(), pairs.end());
  for (const std::string& prefix : std::vector<std::string>{
           "", "a", "a\xff", "\xff", "\xff\xff\xff", "b", "c", std::string("a\0", 2)}) {
    for (const std::size_t limit : {std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
      std::vector<std::pair<std::string, std::string>> got;
      std::optional<IndexHit> after;
      for (bool more = true; more;) {
        const auto hits = must(store().scan("t.i", prefix, after, limit));
        ASSERT_LE(hits.size(), limit);
        more = hits.size() == limit;
        for (const IndexHit& hit : hits) got.emplace_back(hit.value, hit.key);
        if (!hits.empty()) after = hits.back();
      }
      std::vector<std::pair<std::string, std::string>> want;
      for (const auto& pair : sorted)
        if (pair.first.starts_with(prefix)) want.push_back(pair);
      EXPECT_EQ(got, want) << "prefix of " << prefix.size() << " bytes";
    }
  }
  EXPECT_EQ(must(store().scan("t.i", "b", IndexHit{"a", "zz"}, 10)).size(), 1U);
  EXPECT_EQ(must(store().scan("t.i", "a", IndexHit{"b", "k0"}, 10)).size(), 0U);
  EXPECT_EQ(must(store().scan("t.i", "a", std::nullopt, 0)).size(), 0U);
}

TEST_P(StoreContract, ResultsPageAscendingPerLane) {
  const Cid a = World::cid(1);
  const Cid b = World::cid(2);
  for (std::uint64_t n = 1; n <= 20; ++n) {
    WriteBatch batch = empty_batch();
    for (const Cid& cid : {a, b}) {
      batch.clients.push_back({cid, {0, n, n}});
      for (const UpLane lane : {UpLane::interactive, UpLane::bulk})
        batch.results.push_back({.cid = cid,
                                 .lane = lane,
                                 .n = n,
                                 .mhash = make_id(n),
                                 .status = MutationStatus::rejected,
                                 .seq = batch.to,
                                 .lanes = 3,
                                 .code = "gap",
                                 .msg = "m" + std::to_string(n),
                                 .info = "{}",
                                 .at = 5});
    }
    must(store().apply(batch));
  }
  const auto page = must(store().results(a, UpLane::bulk, 4, 3));
  ASSERT_EQ(page.size(), 3U);
  EXPECT_EQ(page[0].n, 5U);
  EXPECT_EQ(page[2].n, 7U);
  EXPECT_EQ(page[0].cid, a);
  EXPECT_EQ(page[0].mhash, make_id(5));
  EXPECT_EQ(page[0].status, MutationStatus::rejected);
  EXPECT_EQ(page[0].seq, Seq{5});
  EXPECT_EQ(page[0].lanes, 3);
  EXPECT_EQ(page[0].code + page[0].msg + page[0].info, "gapm5{}");
  EXPECT_EQ(must(store().results(b, UpLane::interactive, 0, 100)).size(), 20U);
  EXPECT_EQ(must(store().results(b, UpLane::interactive, 20, 100)).size(), 0U);
  EXPECT_EQ(must(store().results(a, UpLane::alert, 0, 100)).size(), 0U);
  EXPECT_EQ(must(store().results(World::cid(3), UpLane::bulk, 0, 100)).size(), 0U);
}

TEST_P(StoreContract, ResultsOfALongLaneAreFoundFromAnyNumberAlsoAfterPruning) {
  const Cid cid = World::cid(1);
  constexpr std::uint64_t kLast = 500;
  for (std::uint64_t n = 1; n <= kLast; n += 10) {
    WriteBatch batch = empty_batch();
    batch.clients.push_back({cid, {0, n + 9, 0}});
    for (std::uint64_t i = n; i < n + 10; ++i) {
      StoredResult result{};
      result.cid = cid;
      result.n = i;
      result.at = static_cast<std::int64_t>(i);
      batch.results.push_back(result);
    }
    must(store().apply(batch));
  }
  for (const std::uint64_t pruned : {0U, 63U, 64U, 65U, 130U, 499U}) {
    must(store().prune(static_cast<std::int64_t>(pruned + 1), 0));
    for (std::uint64_t after = 0; after <= kLast + 1; ++after) {
      for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{200}}) {
        const auto results = must(store().results(cid, UpLane::interactive, after, limit));
        const std::uint64_t first = std::max(after, pruned) + 1;
        const std::uint64_t left = first > kLast ? 0 : kLast - first + 1;
        ASSERT_EQ(results.size(), std::min<std::uint64_t>(left, limit)) << after << " " << pruned;
        for (std::size_t i = 0; i < results.size(); ++i) ASSERT_EQ(results[i].n, first + i);
      }
    }
  }
}

TEST_P(StoreContract, OutboxStaysGapless) {
  WriteBatch batch = empty_batch();
  batch.outbox = {{1, "a", "{}", 1}, {2, "b", "{}", 2}};
  must(store().apply(batch));
  for (const std::uint64_t wrong : {1U, 2U, 4U}) {
    WriteBatch bad = empty_batch();
    bad.outbox = {{wrong, "c", "{}", 3}};
    EXPECT_EQ(store().apply(bad).error().code, Errc::conflict);
  }
  must(store().prune(0, 2));
  EXPECT_TRUE(must(store().outbox(0, 10)).empty());
  EXPECT_EQ(must(store().load()).outbox_head, 2U);
  under_->reopen();
  WriteBatch next = empty_batch();
  next.outbox = {{3, "c", "{\"x\":1}", 3}};
  must(store().apply(next));
  const auto rows = must(store().outbox(2, 10));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].id, 3U);
  EXPECT_EQ(rows[0].kind + rows[0].data, "c{\"x\":1}");
  EXPECT_EQ(rows[0].at, 3);
}

TEST_P(StoreContract, DueIsOrderedAndReplacedByKindAndKey) {
  WriteBatch batch = empty_batch();
  batch.due_adds = {{30, "b", "x"}, {10, "b", "x"}, {20, "a", "y"}, {10, "a", "z"}, {40, "a", "w"}};
  must(store().apply(batch));
  const std::vector<DueRow> want{{10, "a", "z"}, {10, "b", "x"}, {20, "a", "y"}};
  EXPECT_EQ(must(store().due(20, 10)), want);
  EXPECT_EQ(must(store().due(100, 2)).size(), 2U);
  EXPECT_TRUE(must(store().due(9, 10)).empty());
  // A handler that sets its own alarm again: the old one goes, the new one stays.
  WriteBatch tick = empty_batch();
  tick.due_removes = {{10, "b", "x"}, {10, "a", "z"}, {999, "a", "y"}, {1, "never", "was"}};
  tick.due_adds = {{50, "b", "x"}};
  must(store().apply(tick));
  const std::vector<DueRow> left{{40, "a", "w"}, {50, "b", "x"}};
  EXPECT_EQ(must(store().due(100, 10)), left);
}

TEST_P(StoreContract, BatchThatDoesNotStartAtTheHeadIsAConflict) {
  World world(5);
  grow(world, 3);
  const std::string before = dump(store());
  for (const std::uint64_t from :
       {std::uint64_t{0}, world.head().raw() - 1, world.head().raw() + 1}) {
    WriteBatch batch;
    batch.from = Seq{from};
    batch.to = Seq{from + 1};
    batch.indexes.push_back({"t.i", "v", "k", true});
    EXPECT_EQ(store().apply(batch).error().code, Errc::conflict);
  }
  EXPECT_EQ(dump(store()), before);
  grow(world, 1);
}

TEST_P(StoreContract, FailedBatchLeavesNothingWhereverItFails) {
  World world(6);
  grow(world, 10);
  const std::string before = dump(store());
  const WriteBatch good = world.next_batch(8);
  const auto expect_refused = [&](const WriteBatch& bad) {
    const auto done = store().apply(bad);
    ASSERT_FALSE(done);
    ASSERT_EQ(dump(store()), before);
  };
  for (std::size_t at = 0; at <= good.entries.size(); ++at) {
    WriteBatch bad = good;
    const EntryWrite ghost{BucketId{1}, {"ghost", "k"}, good.to, true};
    bad.entries.insert(bad.entries.begin() + long(at), ghost);
    expect_refused(bad);
    bad = good;
    const EntryWrite nowhere{BucketId{77}, {"task", "k1"}, good.to, false};
    bad.entries.insert(bad.entries.begin() + long(at), nowhere);
    expect_refused(bad);
  }
  for (std::size_t at = 0; at <= good.results.size(); ++at) {
    WriteBatch bad = good;
    bad.results.insert(bad.results.begin() + long(at), StoredResult{});
    expect_refused(bad);
  }
  must(store().apply(good));  // and the store still works
  EXPECT_EQ(must(store().load()).head, world.head());
}

TEST_P(StoreContract, WhatIsHeldReadsTheLastCommitAndEndsWithTheBatchOrWithoutOne) {
  World world(20);
  grow(world, 3);
  const RowKey row{"t", "held"};
  for (const bool has_batch : {true, false, true}) {
    must(store().hold());
    const auto before = must(store().row(row));
    EXPECT_EQ(before.has_value(), must(store().row(row)).has_value());
    EXPECT_EQ(must(store().outbox(0, 10)).size(), must(store().outbox(0, 10)).size());
    if (has_batch) {
      WriteBatch batch = world.next_batch();
      batch.rows.push_back({row, batch.to, text_of("{}")});
      must(store().apply(batch));
      EXPECT_TRUE(must(store().row(row)).has_value()) << "the own commit is seen";
    }
    store().release();
    store().release();
    EXPECT_EQ(must(store().load()).head, world.head());
  }
  // A batch that is refused takes what was held with it, and the next one is whole.
  must(store().hold());
  WriteBatch wrong = world.next_batch();
  wrong.from = Seq{wrong.from.raw() + 1};
  wrong.to = Seq{wrong.to.raw() + 1};
  EXPECT_EQ(store().apply(wrong).error().code, Errc::conflict);
  EXPECT_TRUE(must(store().row(row)).has_value());
  store().release();
}

TEST_P(StoreContract, NamesFirstUsedInAFailedBatchWorkLater) {
  WriteBatch batch = empty_batch();
  batch.rows.push_back({{"fresh", "a"}, Seq{1}, text_of("one")});
  batch.indexes.push_back({"fresh.i", "v", "a", true});
  WriteBatch bad = batch;
  bad.results.push_back(StoredResult{});
  EXPECT_EQ(store().apply(bad).error().code, Errc::internal);
  WriteBatch other = empty_batch();
  other.rows.push_back({{"other", "b"}, Seq{1}, text_of("two")});
  other.indexes.push_back({"other.i", "v", "b", true});
  must(store().apply(other));
  batch.from = Seq{1};
  batch.to = Seq{2};
  must(store().apply(batch));
  under_->reopen();
  EXPECT_EQ(must(store().table("fresh", "", 9)).size(), 1U);
  EXPECT_EQ(must(store().table("other", "", 9)).size(), 1U);
  EXPECT_EQ(must(store().scan("fresh.i", "", std::nullopt, 9)).at(0).key, "a");
  EXPECT_EQ(must(store().scan("other.i", "", std::nullopt, 9)).at(0).key, "b");
}

TEST_P(StoreContract, RowPlacedByALaterBatchKeepsItsContent) {
  WriteBatch batch = empty_batch();
  batch.rows.push_back({{"task", "a"}, Seq{1}, text_of("one")});  // server-only
  must(store().apply(batch));
  EXPECT_TRUE(must(store().row({"task", "a"}))->buckets.empty());
  WriteBatch place = empty_batch();
  place.buckets.push_back({BucketId{3}, {.name = "b"}, Seq{2}, {}, {}, {}});
  place.entries.push_back({BucketId{3}, {"task", "a"}, Seq{2}, true});
  must(store().apply(place));
  EXPECT_EQ(must(store().row({"task", "a"}))->buckets, std::vector{BucketId{3}});
  const auto chunk = must(store().chunk(BucketId{3}, Seq{}, true, 10, 100));
  ASSERT_EQ(chunk.ops.size(), 1U);
  EXPECT_EQ(*chunk.ops[0].data, "one");
}

TEST_P(StoreContract, TombstoneKeepsItsKeyUntilTheFloorPasses) {
  WriteBatch batch = empty_batch();
  batch.buckets = {{BucketId{1}, {.name = "a"}, Seq{1}, {}, {}, {}},
                   {BucketId{2}, {.name = "b"}, Seq{1}, {}, {}, {}}};
  batch.rows.push_back({{"task", "gone"}, Seq{1}, text_of("x")});
  batch.entries = {{BucketId{1}, {"task", "gone"}, Seq{1}, true},
                   {BucketId{2}, {"task", "gone"}, Seq{1}, true}};
  must(store().apply(batch));
  WriteBatch remove = empty_batch();
  remove.rows.push_back({{"task", "gone"}, Seq{2}, nullptr});
  remove.entries = {{BucketId{1}, {"task", "gone"}, Seq{2}, false},
                    {BucketId{2}, {"task", "gone"}, Seq{2}, false}};
  must(store().apply(remove));
  EXPECT_EQ(must(store().row({"task", "gone"})), std::nullopt);
  const auto ops = [&](std::uint32_t bucket, bool tombstones) {
    return must(store().chunk(BucketId{bucket}, Seq{1}, tombstones, 10, 100)).ops;
  };
  must(store().raise_floor(BucketId{1}, Seq{1}));
  ASSERT_EQ(ops(1, true).size(), 1U);
  EXPECT_EQ(ops(1, true)[0].row.key, "gone");
  EXPECT_EQ(ops(1, true)[0].data, nullptr);
  EXPECT_TRUE(ops(1, false).empty());
  must(store().raise_floor(BucketId{1}, Seq{2}));
  must(store().raise_floor(BucketId{1}, Seq{1}));  // floors never sink
  EXPECT_TRUE(ops(1, true).empty());
  ASSERT_EQ(ops(2, true).size(), 1U);
  EXPECT_EQ(ops(2, true)[0].row.key, "gone");
  EXPECT_EQ(must(store().load()).buckets[0].floor, Seq{2});
  EXPECT_EQ(must(store().load()).buckets[1].floor, Seq{});
  // The row comes back: live where placed, the tombstone elsewhere stays.
  WriteBatch again = empty_batch();
  again.rows.push_back({{"task", "gone"}, Seq{3}, text_of("y")});
  again.entries = {{BucketId{1}, {"task", "gone"}, Seq{3}, true}};
  must(store().apply(again));
  EXPECT_EQ(*ops(1, true)[0].data, "y");
  EXPECT_EQ(ops(2, true)[0].data, nullptr);
  must(store().raise_floor(BucketId{2}, Seq{9}));
  EXPECT_TRUE(ops(2, true).empty());
  EXPECT_EQ(must(store().row({"task", "gone"}))->buckets, std::vector{BucketId{1}});
}

TEST_P(StoreContract, SeqAtAnswersForWholeDaysOnly) {
  constexpr std::int64_t kDay = 86'400'000;
  for (const auto& [day, offset] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {100, 5}, {100, kDay - 1}, {101, 0}, {104, 7}}) {
    WriteBatch batch = empty_batch(10);
    batch.at = day * kDay + offset;
    must(store().apply(batch));
  }
  const auto at = [&](std::int64_t when) { return must(store().seq_at(when)).raw(); };
  EXPECT_EQ(at(99 * kDay), 0U);
  EXPECT_EQ(at(100 * kDay + 6), 0U);
  EXPECT_EQ(at(101 * kDay - 2), 0U);
  EXPECT_EQ(at(101 * kDay - 1), 20U);
  EXPECT_EQ(at(101 * kDay + 1), 20U);
  EXPECT_EQ(at(102 * kDay), 30U);
  EXPECT_EQ(at(104 * kDay + 8), 30U);
  EXPECT_EQ(at(500 * kDay), 40U);
}

TEST_P(StoreContract, SeqAtHoldsAcrossRestartsAndRefusedBatches) {
  constexpr std::int64_t kDay = 86'400'000;
  const auto at = [&](std::int64_t when) { return must(store().seq_at(when)).raw(); };
  const auto apply_on = [&](std::int64_t day) {
    WriteBatch batch = empty_batch(10);
    batch.at = day * kDay + 1;
    must(store().apply(batch));
  };
  apply_on(100);
  under_->reopen();
  apply_on(100);
  under_->crash();
  apply_on(100);
  EXPECT_EQ(at(101 * kDay), 30U);
  WriteBatch refused;
  refused.from = Seq{7};
  refused.to = Seq{8};
  refused.at = 102 * kDay;
  EXPECT_EQ(store().apply(refused).error().code, Errc::conflict);
  apply_on(101);
  apply_on(102);
  EXPECT_EQ(at(101 * kDay), 30U);
  EXPECT_EQ(at(102 * kDay), 40U);
  EXPECT_EQ(at(103 * kDay), 50U);
}

TEST_P(StoreContract, PruneDropsTheOldAndKeepsTheRest) {
  World world(8);
  grow(world, 30);
  const std::int64_t middle = world.now() - 10 * World::kBatchMs;
  must(store().prune(middle, 4));
  std::size_t left = 0;
  for (std::uint64_t c = 0; c < World::kClients; ++c) {
    for (const UpLane lane : {UpLane::alert, UpLane::interactive, UpLane::bulk}) {
      const auto results = must(store().results(World::cid(c), lane, 0, 1000));
      left += results.size();
      for (const StoredResult& result : results) EXPECT_GE(result.at, middle);
    }
  }
  EXPECT_GT(left, 0U);
  for (const QuarantineWrite& write : must(store().quarantine(1000))) EXPECT_GE(write.at, middle);
  EXPECT_EQ(must(store().outbox(0, 1)).at(0).id, 5U);
  must(store().prune(INT64_MAX, 4));
  EXPECT_TRUE(must(store().quarantine(1000)).empty());
  EXPECT_TRUE(must(store().results(World::cid(0), UpLane::bulk, 0, 1000)).empty());
  under_->expect_sound();
  grow(world, 5);  // ids go on where they were
  under_->reopen();
  grow(world, 5);
  EXPECT_EQ(must(store().load()).head, world.head());
}

TEST_P(StoreContract, IdempotencyRecordsAreKeptPerActorAndKey) {
  const AccountId a{make_id(1)};
  const AccountId b{make_id(2)};
  WriteBatch batch = empty_batch();
  batch.idempotency = {{a, "k", make_id(7), 201, "{\"id\":1}", 5},
                       {b, "k", make_id(8), 409, "", 6}};
  must(store().apply(batch));
  const auto found = must(store().idempotency(a, "k"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->request_hash, make_id(7));
  EXPECT_EQ(found->status, 201);
  EXPECT_EQ(found->response, "{\"id\":1}");
  EXPECT_EQ(must(store().idempotency(b, "k"))->status, 409);
  EXPECT_FALSE(must(store().idempotency(a, "other")));
  must(store().prune(6, 0));
  EXPECT_FALSE(must(store().idempotency(a, "k")));
  EXPECT_TRUE(must(store().idempotency(b, "k")));
}

TEST_P(StoreContract, QuarantineShowsTheNewestFirst) {
  WriteBatch batch = empty_batch();
  for (std::uint64_t n = 1; n <= 5; ++n)
    batch.quarantine.push_back({World::cid(1), AccountId{make_id(9)}, UpLane::bulk, n, "task.done",
                                "{\"a\":1}", "wrong_state", static_cast<std::int64_t>(n)});
  must(store().apply(batch));
  const auto rows = must(store().quarantine(2));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].n, 5U);
  EXPECT_EQ(rows[1].n, 4U);
  EXPECT_EQ(rows[0].name + rows[0].args + rows[0].code, "task.done{\"a\":1}wrong_state");
  EXPECT_EQ(rows[0].account, AccountId{make_id(9)});
}

TEST_P(StoreContract, EverythingSurvivesCloseAndCrash) {
  World world(9);
  grow(world, 20);
  must(store().set_epoch(Epoch{make_id(42)}));
  must(store().save_cursors(
      {{World::cid(1), {Seq{3}, Seq{4}}, 77}, {World::cid(2), {Seq{1}, Seq{2}}, 78}}));
  must(store().save_cursors({{World::cid(1), {Seq{5}, Seq{6}}, 79, 4, "linli/1.0"}}));
  must(store().raise_floor(BucketId{2}, Seq{10}));
  world.raise_floor(BucketId{2}, Seq{10});
  const std::string before = dump(store());
  EXPECT_NE(before.find("cursor " + make_id(101).hex() + " 5 6 79 4 linli/1.0"), std::string::npos);
  EXPECT_EQ(must(store().cursor(World::cid(1)))->pending, 4U);
  EXPECT_FALSE(must(store().cursor(World::cid(3))).has_value());
  under_->reopen();
  EXPECT_EQ(dump(store()), before);
  grow(world, 5);
  const std::string later = dump(store());
  under_->crash();
  EXPECT_EQ(dump(store()), later);
  under_->crash();
  EXPECT_EQ(dump(store()), later);
  grow(world, 5);
  EXPECT_EQ(must(store().load()).head, world.head());
}

TEST_P(StoreContract, StoresAgreeWithEachOther) {
  MemoryUnderTest reference;
  World world(10);
  for (int i = 0; i < 80; ++i) {
    const WriteBatch batch = world.next_batch();
    must(store().apply(batch));
    must(reference.store().apply(batch));
    if (i % 20 == 19) {
      const BucketId id{static_cast<std::uint32_t>(1 + i / 20)};
      const Seq floor{world.head().raw() / 2};
      for (Store* one : {&store(), &reference.store()}) must(one->raise_floor(id, floor));
      world.raise_floor(id, floor);
      ASSERT_EQ(dump(store()), dump(reference.store()));
      under_->expect_sound();
    }
  }
}

// One writer sets every row of a bucket to the same generation in each batch; a reader that ever
// sees two generations, or a head that does not belong to them, saw half a batch.
TEST_P(StoreContract, ReadersSeeWholeBatchesWhileTheWriterWrites) {
  constexpr std::uint64_t kRows = 30;
  constexpr std::uint64_t kGenerations = 150;
  std::atomic<bool> done{false};
  std::atomic<int> reads{0};
  auto reader = must(store().make_reader());
  std::thread thread([&] {
    std::uint64_t seen = 0;
    while (!done || seen < kGenerations) {
      const BucketChunk chunk = must(reader->chunk(BucketId{1}, Seq{}, true, 1000, 1'000'000));
      ++reads;
      if (chunk.read_head == Seq{}) continue;
      ASSERT_GE(chunk.read_head.raw(), seen);
      seen = chunk.read_head.raw();
      ASSERT_TRUE(chunk.complete);
      ASSERT_EQ(chunk.to.raw(), seen);
      ASSERT_EQ(chunk.digest.s, seen);
      ASSERT_EQ(chunk.ops.size(), kRows);
      for (const Op& op : chunk.ops) {
        ASSERT_EQ(op.ver.raw(), seen);
        ASSERT_EQ(*op.data, std::to_string(seen));
      }
    }
  });
  for (std::uint64_t g = 1; g <= kGenerations; ++g) {
    WriteBatch batch;
    batch.from = Seq{g - 1};
    batch.to = Seq{g};
    batch.buckets.push_back({BucketId{1}, {.name = "b"}, Seq{g}, {}, {}, {kRows, g}});
    for (std::uint64_t k = 0; k < kRows; ++k) {
      const RowKey row{"task", "k" + std::to_string(k)};
      batch.rows.push_back({row, Seq{g}, text_of(std::to_string(g))});
      batch.entries.push_back({BucketId{1}, row, Seq{g}, true});
    }
    must(store().apply(batch));
  }
  done = true;
  thread.join();
  EXPECT_GT(reads.load(), 0);
}

TEST_P(StoreContract, ReaderOutlivesNoCommit) {
  auto reader = must(store().make_reader());
  World world(13);
  grow(world, 10);
  const auto mine = must(store().table("task", "", 1000));
  const auto theirs = must(reader->table("task", "", 1000));
  ASSERT_EQ(mine.size(), theirs.size());
  EXPECT_EQ(must(reader->scan("task.state", "", std::nullopt, 1000)).size(),
            world.hits("task.state").size());
  EXPECT_EQ(must(reader->outbox(0, 1000)).size(), must(store().load()).outbox_head);
}

}  // namespace
}  // namespace linli::sync::test
