// SPDX-License-Identifier: Apache-2.0
// Goal:   gathering the writes of a commit changes nothing that SQLite or anybody else can see.
// More:   sqlite_crash_test.cc kills, tears and fails those writes.
#include "sync/store/sqlite/wal_vfs.h"

#include "sync/store/sqlite/sqlite_store.h"
#include "tests/unit/store/contract.h"
#include "tests/unit/store/fault_vfs.h"

namespace linli::sync::test {
namespace {

using sqlite::Connection;
using sqlite::Transaction;

/// A new database that the other connections take for one of ours.
void make_ours(Connection& connection, const std::string& table) {
  connection.exec("PRAGMA application_id=" + std::to_string(sqlite::kApplicationId));
  connection.exec(table);
}

TEST(WalVfs, CommitIsOneWrite) {
  FaultVfs vfs;
  const TempFolder folder;
  auto store =
      must(SqliteStore::open({.path = folder.file("sync.db"), .checkpoint_thread = false}));
  World world(1);
  for (int i = 0; i < 5; ++i) must(store->apply(world.next_batch()));
  for (int i = 0; i < 5; ++i) {
    const int before = FaultVfs::wal_writes();
    must(store->apply(world.next_batch(1)));
    EXPECT_EQ(FaultVfs::wal_writes() - before, 1);
  }
}

TEST(WalVfs, FileGrowsInWholeSteps) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  auto store = must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  World world(1);
  for (int i = 0; i < 100; ++i) {
    must(store->apply(world.next_batch()));
    ASSERT_EQ(std::filesystem::file_size(path + "-wal") % sqlite::kWalGrowBytes, 0U) << i;
  }
  EXPECT_GT(std::filesystem::file_size(path + "-wal"), sqlite::kWalGrowBytes);
}

TEST(WalVfs, OtherConnectionsSeeACommitEvenIfNothingIsSynced) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  Connection writer({.path = path, .create = true, .gather_wal = true});
  writer.exec("PRAGMA synchronous=OFF");
  make_ours(writer, "CREATE TABLE t(x)");
  Connection reader({.path = path, .read_only = true});
  for (int i = 1; i <= 20; ++i) {
    writer.exec("INSERT INTO t VALUES(randomblob(3000))");
    EXPECT_EQ(reader.pragma("SELECT count(*) FROM t"), i);
    if (i % 7 == 0) reader.checkpoint_passive();
  }
  EXPECT_EQ(reader.db().execAndGet("PRAGMA integrity_check").getString(), "ok");
}

TEST(WalVfs, TransactionLargerThanTheCacheReadsWhatItWrote) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  Connection writer({.path = path, .create = true, .gather_wal = true, .cache_kib = 40});
  make_ours(writer, "CREATE TABLE t(id INTEGER PRIMARY KEY, x BLOB)");
  const auto fill = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      writer.query("INSERT INTO t VALUES(?1, zeroblob(2000))", i).run();
  };
  {
    Transaction transaction(writer, Transaction::Kind::write);
    fill(0, 300);
    writer.exec("UPDATE t SET x=zeroblob(1500) WHERE id % 3 = 0");
    EXPECT_EQ(writer.pragma("SELECT sum(length(x)) FROM t"), 200 * 2000 + 100 * 1500);
    writer.exec("SAVEPOINT s");
    fill(300, 500);
    writer.exec("ROLLBACK TO s; RELEASE s");
    fill(300, 310);
    transaction.commit();
  }
  {
    Transaction dropped(writer, Transaction::Kind::write);
    fill(1000, 1200);
  }
  writer.exec("INSERT INTO t VALUES(5000, x'01')");
  Connection reader({.path = path, .read_only = true});
  for (Connection* one : {&writer, &reader}) {
    EXPECT_EQ(one->pragma("SELECT count(*) FROM t"), 311);
    EXPECT_EQ(one->db().execAndGet("PRAGMA integrity_check").getString(), "ok");
  }
}

TEST(WalVfs, RestartsAndTruncatesLikeAnyOther) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  Connection writer({.path = path, .create = true, .gather_wal = true});
  make_ours(writer, "CREATE TABLE t(x)");
  for (int i = 1; i <= 60; ++i) {
    writer.exec("INSERT INTO t VALUES(randomblob(9000))");
    if (i % 10 == 3) writer.checkpoint_passive();
    if (i % 10 != 7) continue;
    EXPECT_TRUE(writer.checkpoint_truncate());
    EXPECT_EQ(std::filesystem::file_size(path + "-wal"), 0U);
  }
  Connection reader({.path = path, .read_only = true});
  EXPECT_EQ(reader.pragma("SELECT count(*) FROM t"), 60);
  EXPECT_EQ(reader.db().execAndGet("PRAGMA integrity_check").getString(), "ok");
}

}  // namespace
}  // namespace linli::sync::test
