// SPDX-License-Identifier: Apache-2.0
// Goal:   no acknowledged batch is ever lost, none is half there, whatever breaks.
// Method: (1) a child process applies batches and reports each answer through a pipe; it is killed
//         at a random moment, 20 times, always going on with the same file. (2) the N-th write,
//         sync or truncate fails, for every N until a batch goes through.
// A failure here means a community loses work that a phone was told is safe.
#include <cstdlib>

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
  World world(kSeed);
  for (int i = 0; i < 8; ++i) must(store->apply(world.next_batch()));
  std::string before = dump(*store);
  Seq head = world.head();
  const WriteBatch batch = world.next_batch();
  const std::string after = expected_dump(world.head());
  int faults = 0;
  for (int nth = 1;; ++nth) {
    vfs.arm(nth, GetParam());
    const auto done = store->apply(batch);
    const bool fired = vfs.disarm();
    if (!fired) {
      must(Result<void>(done));
      break;
    }
    ++faults;
    ASSERT_FALSE(done) << "the store did not see fault " << nth;
    const bool full = GetParam() == FaultVfs::Kind::full;
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
  EXPECT_GT(faults, 10);
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
