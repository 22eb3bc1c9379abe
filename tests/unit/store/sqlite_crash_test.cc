// SPDX-License-Identifier: Apache-2.0
// Goal:   no acknowledged batch is ever lost, none is half there, whatever breaks.
// Method: (1) a child process applies batches and reports each answer through a pipe; it is killed
//         at a random moment, 20 times, always going on with the same file; then at every eighth
//         of the write of a commit. (2) the N-th write, sync or truncate fails, for every N until a
//         batch goes through. (3) of the last commit only some sectors are on the disk.
// A failure here means a community loses work that a phone was told is safe.
#include <cstdlib>
#include <fstream>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/store/memory/memory_store.h"
#include "sync/store/sqlite/sqlite_store.h"
#include "sync/store/sqlite/verify.h"
#include "tests/unit/store/contract.h"
#include "tests/unit/store/fault_vfs.h"

namespace linli::sync::test {
namespace {

constexpr std::uint64_t kSeed = 77;

/// The batches of the seed up to `head`; `each` sees them.
template <class Each>
World replay(Seq head, Each&& each) {
  World world(kSeed);
  while (world.head() < head) {
    const WriteBatch batch = world.next_batch();
    each(batch);
  }
  return world;
}

std::string expected_dump(Seq head) {
  MemoryStore store;
  const World world = replay(head, [&](const WriteBatch& batch) { must(store.apply(batch)); });
  EXPECT_EQ(world.head(), head) << "the stored head is inside a batch";
  return dump(store);
}

void expect_sound(const std::string& path) {
  for (const StoreFinding& finding : must(verify_store(path)))
    ADD_FAILURE() << finding.what << " " << finding.bucket << " " << finding.detail;
}

/// Applies batches until killed; writes the head after each answer.
[[noreturn]] void run_child(const std::string& path, int acks) {
  // A small WAL, so that the kill also meets checkpoints.
  auto store = SqliteStore::open(
      {.path = path,
       .checkpoint = {.pages = 20, .interval = std::chrono::seconds(1), .pages_hard = 60}});
  if (!store) ::_exit(2);
  const auto state = (*store)->load();
  if (!state) ::_exit(3);
  World world = replay(state->head, [](const WriteBatch&) {});
  for (;;) {
    if (!(*store)->apply(world.next_batch())) ::_exit(4);
    const std::uint64_t head = world.head().raw();
    if (::write(acks, &head, sizeof head) != sizeof head) ::_exit(5);
  }
}

/// Kills the child after `acks_min` answers and `spins` more turns; returns the last answer.
std::uint64_t run_and_kill(const std::string& path, std::uint64_t acks_min, std::uint64_t spins) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    run_child(path, ends[1]);
  }
  ::close(ends[1]);
  std::uint64_t last = 0;
  std::uint64_t head = 0;
  for (std::uint64_t i = 0; i < acks_min && ::read(ends[0], &head, sizeof head) == sizeof head; ++i)
    last = head;
  // Somewhere inside the next commit, not right after an answer.
  for (std::uint64_t i = 0; i < spins; ++i) asm volatile("" ::: "memory");
  ::kill(child, SIGKILL);
  while (::read(ends[0], &head, sizeof head) == sizeof head) last = head;
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      << "the child ended by itself, " << (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return last;
}

TEST(SqliteCrash, KilledWriterLosesNothingItAnswered) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  SeededRng rng(kSeed);
  std::uint64_t before = 0;
  for (int round = 0; round < 20; ++round) {
    const std::uint64_t acked = run_and_kill(path, 1 + rng.below(12), rng.below(3'000'000));
    auto store = must(SqliteStore::open({.path = path, .checkpoint_thread = round % 2 == 0}));
    const Seq head = must(store->load()).head;
    ASSERT_GE(head.raw(), acked);
    ASSERT_GE(head.raw(), before);
    ASSERT_EQ(dump(*store), expected_dump(head)) << "round " << round;
    store.reset();
    expect_sound(path);
    before = head.raw();
  }
  EXPECT_GT(before, 20U);
}

/// What the files say after a child was killed inside the `nth` write of a batch of its own, when
/// `eighths` of it were stored. Empty: the batch needs fewer writes.
std::string state_after_kill_inside(const TempFolder& folder, int nth, int eighths) {
  const std::string path = folder.file("sync.db");
  const pid_t child = ::fork();
  if (child == 0) {
    FaultVfs vfs;
    auto store = SqliteStore::open({.path = path, .checkpoint_thread = false});
    if (!store) ::_exit(2);
    World world = replay(must((*store)->load()).head, [](const WriteBatch&) {});
    vfs.arm(nth, FaultVfs::Kind::kill, eighths);
    ignore((*store)->apply(world.next_batch()), "only that it ends");
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  if (!WIFSIGNALED(status)) return {};
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  auto store = must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  return dump(*store);
}

TEST(SqliteCrash, KilledInsideTheWriteOfACommitLeavesItWholeOrAbsent) {
  constexpr int kBatches = 6;
  MemoryStore expected;
  std::string before;
  World world(kSeed);
  for (int i = 0; i < kBatches; ++i) must(expected.apply(world.next_batch()));
  before = dump(expected);
  must(expected.apply(world.next_batch()));
  const std::string after = dump(expected);
  int kills = 0;
  bool ended = false;
  for (int nth = 1; !ended; ++nth) {
    for (int eighths = 0; eighths <= 8; ++eighths) {
      const TempFolder folder;
      auto store =
          must(SqliteStore::open({.path = folder.file("sync.db"), .checkpoint_thread = false}));
      World same(kSeed);
      for (int i = 0; i < kBatches; ++i) must(store->apply(same.next_batch()));
      store.reset();
      const std::string state = state_after_kill_inside(folder, nth, eighths);
      ended = state.empty();
      if (ended) break;
      ++kills;
      ASSERT_TRUE(state == before || state == after) << "write " << nth << ", " << eighths << "/8";
      // Of the first write nothing is there yet.
      ASSERT_TRUE(state == before || nth > 1 || eighths > 0);
      expect_sound(folder.file("sync.db"));
    }
  }
  EXPECT_GE(kills, 9);
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Head of a database with this write-ahead log next to it; the copy is checked.
Seq head_with_wal(const std::string& database, const std::string& wal) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  std::ofstream(path, std::ios::binary) << database;
  std::ofstream(path + "-wal", std::ios::binary) << wal;
  auto store = must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  const Seq head = must(store->load()).head;
  store.reset();
  expect_sound(path);
  return head;
}

TEST(SqliteCrash, CommitOfWhichOnlySomeSectorsReachedTheDiskIsAbsent) {
  constexpr std::size_t kSector = 512;
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  auto store = must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  World world(kSeed);
  for (int i = 0; i < 6; ++i) must(store->apply(world.next_batch()));
  const std::string old_wal = read_bytes(path + "-wal");
  const Seq before = world.head();
  must(store->apply(world.next_batch()));
  const std::string database = read_bytes(path);
  const std::string new_wal = read_bytes(path + "-wal");
  ASSERT_EQ(new_wal.size(), old_wal.size()) << "the file grew, so its size would have to be synced";
  std::vector<std::size_t> changed;
  for (std::size_t at = 0; at < new_wal.size(); at += kSector)
    if (new_wal.compare(at, kSector, old_wal, at, kSector) != 0) changed.push_back(at);
  ASSERT_GT(changed.size(), 8U);
  ASSERT_EQ(head_with_wal(database, new_wal), world.head());
  const auto with = [&](auto&& reached) {
    std::string wal = old_wal;
    for (std::size_t i = 0; i < changed.size(); ++i)
      if (reached(i)) wal.replace(changed[i], kSector, new_wal, changed[i], kSector);
    return wal;
  };
  SeededRng rng(kSeed);
  for (std::size_t i = 0; i < changed.size(); i += 1 + rng.below(5)) {
    EXPECT_EQ(head_with_wal(database, with([&](std::size_t s) { return s != i; })), before) << i;
    EXPECT_EQ(head_with_wal(database, with([&](std::size_t s) { return s < i; })), before) << i;
    EXPECT_EQ(head_with_wal(database, with([&](std::size_t s) { return s > i; })), before) << i;
    if (i == 0) continue;  // the sector has the end of the commit before
    // A file that was cut there.
    EXPECT_EQ(head_with_wal(database, new_wal.substr(0, changed[i])), before) << i;
  }
}

TEST(SqliteCrash, WalOfNothingButZerosIsAnEmptyOne) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  auto store = must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  World world(kSeed);
  for (int i = 0; i < 6; ++i) must(store->apply(world.next_batch()));
  store.reset();
  const std::string database = read_bytes(path);
  EXPECT_EQ(head_with_wal(database, std::string(1024 * 1024, '\0')), world.head());
}

class SqliteFault : public testing::TestWithParam<FaultVfs::Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, SqliteFault,
                         testing::Values(FaultVfs::Kind::io, FaultVfs::Kind::full),
                         [](const auto& test) {
                           return test.param == FaultVfs::Kind::io ? "Io" : "DiskFull";
                         });

TEST_P(SqliteFault, BatchIsWholeOrAbsentWhereverTheDiskFails) {
  FaultVfs vfs;
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  const auto open = [&] {
    return must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  };
  auto store = open();
  MemoryStore expected;
  World world(kSeed);
  for (int i = 0; i < 8; ++i) {
    const WriteBatch batch = world.next_batch();
    for (Store* one : {static_cast<Store*>(store.get()), static_cast<Store*>(&expected)})
      must(one->apply(batch));
  }
  const std::string before = dump(*store);
  const Seq head = world.head();
  // More than the file layer gathers, so that the commit is several writes.
  const WriteBatch batch = world.next_batch(2000);
  must(expected.apply(batch));
  const std::string after = dump(expected);
  const bool full = GetParam() == FaultVfs::Kind::full;
  int faults = 0;
  for (int nth = 1, eighths = 0;; nth += eighths == 7, eighths = (eighths + 1) % 8) {
    vfs.arm(nth, GetParam(), eighths);
    const auto done = store->apply(batch);
    const bool fired = vfs.disarm();
    if (!fired) {
      must(Result<void>(done));
      break;
    }
    ++faults;
    ASSERT_FALSE(done) << "the store did not see fault " << nth;
    EXPECT_EQ(done.error().code, full ? Errc::disk_full : Errc::io);
    ASSERT_EQ(dump(*store), before) << "fault " << nth;
    if (full) continue;  // room again: the same store goes on
    store.reset();
    store = open();
    const Seq now = must(store->load()).head;
    // After a failed sync nobody knows whether the commit reached the disk; whole it is.
    ASSERT_EQ(dump(*store), now == head ? before : after) << "fault " << nth;
    if (now != head) break;
  }
  EXPECT_GE(faults, 16) << "a commit of one write";
  EXPECT_EQ(dump(*store), after);
  store.reset();
  expect_sound(path);
}

TEST(SqliteFault, FailedSyncEndsWritingUntilTheStoreIsOpenedAnew) {
  FaultVfs vfs;
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  auto store = must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  World world(kSeed);
  must(store->apply(world.next_batch()));
  const WriteBatch batch = world.next_batch();
  vfs.arm(1, FaultVfs::Kind::io);
  ASSERT_FALSE(store->apply(batch));
  ASSERT_TRUE(vfs.disarm());
  const auto again = store->apply(batch);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::io);
  EXPECT_TRUE(store->row({"task", "k1"}));  // reading goes on
  store.reset();
  store = must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  must(store->apply(batch));
}

}  // namespace
}  // namespace linli::sync::test
