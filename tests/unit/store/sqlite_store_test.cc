// SPDX-License-Identifier: Apache-2.0
// What only the SQLite store has: files, migrations, checkpoints, backup, verify.
#include "sync/store/sqlite/sqlite_store.h"

#include <atomic>
#include <fstream>
#include <thread>

#include "sync/store/sqlite/backup.h"
#include "sync/store/sqlite/migrations.h"
#include "sync/store/sqlite/verify.h"
#include "sync/store/sqlite/wal_vfs.h"
#include "tests/unit/store/contract.h"

namespace linli::sync::test {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A closed store of `batches` random batches.
std::string make_store(const TempFolder& folder, int batches = 30) {
  const std::string path = folder.file("sync.db");
  auto store = must(SqliteStore::open({.path = path}));
  World world(3);
  for (int i = 0; i < batches; ++i) must(store->apply(world.next_batch()));
  return path;
}

void run_sql(const std::string& path, const std::string& sql) {
  SQLite::Database db(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  db.exec(sql);
}

Errc open_error(const std::string& path, bool create = true) {
  const auto store = SqliteStore::open({.path = path, .create = create});
  return store ? Errc::internal : store.error().code;
}

TEST(SqliteStore, MissingFileIsMadeOnlyOnRequest) {
  const TempFolder folder;
  EXPECT_EQ(open_error(folder.file("none.db"), false), Errc::io);
  EXPECT_FALSE(std::filesystem::exists(folder.file("none.db")));
  EXPECT_TRUE(SqliteStore::open({.path = folder.file("none.db")}));
  EXPECT_TRUE(SqliteStore::open({.path = folder.file("none.db"), .create = false}));
}

TEST(SqliteStore, ForeignFilesAreRefusedAndLeftAlone) {
  const TempFolder folder;
  run_sql(folder.file("other.db"), "CREATE TABLE t(x)");
  run_sql(folder.file("tagged.db"), "PRAGMA application_id=77");
  std::ofstream(folder.file("text.db")) << std::string(5000, 'x');
  for (const char* name : {"other.db", "tagged.db", "text.db"}) {
    const std::string before = read_file(folder.file(name));
    EXPECT_EQ(open_error(folder.file(name)), Errc::corrupt) << name;
    EXPECT_EQ(read_file(folder.file(name)), before) << name;
  }
}

TEST(SqliteStore, NewerFileIsRefusedWithTheReason) {
  const TempFolder folder;
  const std::string path = make_store(folder, 1);
  run_sql(path, "PRAGMA user_version=9");
  const auto store = SqliteStore::open({.path = path});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::unsupported_version);
  EXPECT_NE(store.error().detail.find("schema 9"), std::string::npos) << store.error().detail;
}

TEST(SqliteStore, MigrationsRunOnceInOrderEachWholeOrNotAtAll) {
  const TempFolder folder;
  sqlite::Connection connection({.path = folder.file("m.db"), .create = true});
  const std::vector<sqlite::Migration> one{{1, "a", "CREATE TABLE a(x); INSERT INTO a VALUES(1)"}};
  sqlite::migrate(connection, one);
  sqlite::migrate(connection, one);
  EXPECT_EQ(connection.pragma("PRAGMA user_version"), 1);
  EXPECT_EQ(connection.pragma("PRAGMA application_id"), sqlite::kApplicationId);
  std::vector<sqlite::Migration> two = one;
  two.push_back({2, "bad", "INSERT INTO a VALUES(2); INSERT INTO none VALUES(1)"});
  EXPECT_THROW(sqlite::migrate(connection, two), SQLite::Exception);
  EXPECT_EQ(connection.pragma("PRAGMA user_version"), 1);
  EXPECT_EQ(connection.pragma("SELECT count(*) FROM a"), 1);
  two.back() = {2, "good", "INSERT INTO a VALUES(2)"};
  sqlite::migrate(connection, two);
  EXPECT_EQ(connection.pragma("PRAGMA user_version"), 2);
  EXPECT_EQ(connection.pragma("SELECT count(*) FROM a"), 2);
}

TEST(SqliteStore, ReleasedMigrationsAreNumberedWithoutHoles) {
  int number = 0;
  for (const sqlite::Migration& step : sqlite::migrations()) EXPECT_EQ(step.number, ++number);
}

TEST(SqliteStore, PragmasAreSet) {
  const TempFolder folder;
  sqlite::Connection connection({.path = folder.file("p.db"), .create = true});
  EXPECT_EQ(connection.db().execAndGet("PRAGMA journal_mode").getString(), "wal");
  EXPECT_EQ(connection.pragma("PRAGMA synchronous"), 2);
  EXPECT_EQ(connection.pragma("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(connection.pragma("PRAGMA secure_delete"), 1);
  EXPECT_EQ(connection.pragma("PRAGMA cell_size_check"), 1);
  EXPECT_EQ(connection.pragma("PRAGMA wal_autocheckpoint"), 0);
}

TEST(SqliteStore, ErasedContentLeavesTheFile) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  const std::string secret = "a sentence that must not stay";
  auto store = must(SqliteStore::open({.path = path}));
  WriteBatch batch;
  batch.to = Seq{1};
  batch.rows.push_back({{"person", "p1"}, Seq{1}, text_of(secret)});
  must(store->apply(batch));
  store.reset();
  ASSERT_NE(read_file(path).find(secret), std::string::npos);
  store = must(SqliteStore::open({.path = path}));
  WriteBatch erase;
  erase.from = Seq{1};
  erase.to = Seq{2};
  erase.rows.push_back({{"person", "p1"}, Seq{2}, nullptr});
  must(store->apply(erase));
  store.reset();
  EXPECT_EQ(read_file(path).find(secret), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
}

TEST(SqliteStore, WalStaysBoundedUnderConstantLoadAndGoesAtClose) {
  const TempFolder folder;
  const std::string path = folder.file("sync.db");
  constexpr int kHard = 150;
  auto store =
      must(SqliteStore::open({.path = path, .checkpoint = {.pages = 40, .pages_hard = kHard}}));
  World world(4);
  std::uintmax_t most = 0;
  for (int i = 0; i < 150; ++i) {
    must(store->apply(world.next_batch()));
    most = std::max(most, std::filesystem::file_size(path + "-wal"));
  }
  // One batch of this world is under 100 pages; the file grows in whole steps.
  EXPECT_LT(most, (kHard + 100) * 4200U + sqlite::kWalGrowBytes);
  store.reset();
  EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
  EXPECT_TRUE(must(verify_store(path)).empty());
}

TEST(SqliteStore, SecondWriterIsFoundByItsHead) {
  const TempFolder folder;
  const std::string path = make_store(folder, 3);
  auto a = must(SqliteStore::open({.path = path}));
  auto b = must(SqliteStore::open({.path = path}));
  WriteBatch batch;
  batch.from = must(a->load()).head;
  batch.to = Seq{batch.from.raw() + 1};
  must(a->apply(batch));
  EXPECT_EQ(b->apply(batch).error().code, Errc::conflict);
}

TEST(SqliteBackup, CopyIsWholeWhileTheWriterGoesOn) {
  const TempFolder folder;
  const std::string path = make_store(folder, 60);
  auto store = must(SqliteStore::open({.path = path}));
  const Seq before = must(store->load()).head;
  World world(3);
  while (world.head() < before) world.next_batch();
  std::atomic<bool> done{false};
  int steps = 0;
  int furthest = 0;
  bool restarted = false;
  std::thread copier([&] {
    must(backup_store({.from = path,
                       .to = folder.file("copy.db"),
                       .step_pages = 2,
                       .progress = [&](int pages, int all) {
                         ++steps;
                         restarted = restarted || pages < furthest;
                         furthest = pages;
                         return pages <= all;
                       }}));
    done = true;
  });
  while (!done) must(store->apply(world.next_batch()));
  copier.join();
  EXPECT_GT(steps, 5);
  EXPECT_FALSE(restarted) << "a commit of the writer started the copy anew";
  EXPECT_TRUE(must(verify_store(folder.file("copy.db"))).empty());
  auto copy = must(SqliteStore::open({.path = folder.file("copy.db"), .create = false}));
  const Seq head = must(copy->load()).head;
  EXPECT_GE(head, before);
  EXPECT_LE(head, world.head());
  EXPECT_FALSE(std::filesystem::exists(folder.file("copy.db.part")));
}

TEST(SqliteBackup, NeitherOverwritesNorLeavesAPart) {
  const TempFolder folder;
  const std::string path = make_store(folder, 30);
  std::ofstream(folder.file("there.db")) << "mine";
  EXPECT_EQ(
      backup_store({.from = path, .to = folder.file("there.db"), .progress = {}}).error().code,
      Errc::conflict);
  EXPECT_EQ(read_file(folder.file("there.db")), "mine");
  const auto stopped = backup_store({.from = path,
                                     .to = folder.file("stopped.db"),
                                     .step_pages = 1,
                                     .progress = [](int pages, int) { return pages < 3; }});
  EXPECT_EQ(stopped.error().code, Errc::timed_out);
  EXPECT_FALSE(
      backup_store({.from = folder.file("none.db"), .to = folder.file("x.db"), .progress = {}}));
  for (const auto& entry : std::filesystem::directory_iterator(folder.file("")))
    EXPECT_TRUE(entry.path().filename() == "sync.db" || entry.path().filename() == "there.db")
        << entry.path();
}

struct Damage {
  std::string what;
  std::string sql;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.what; }

class SqliteVerify : public testing::TestWithParam<Damage> {};
INSTANTIATE_TEST_SUITE_P(
    Each, SqliteVerify,
    testing::Values(
        Damage{"bucket_digest",
               "UPDATE row SET data='changed' WHERE rid IN"
               " (SELECT rid FROM entry WHERE live=1 LIMIT 1)"},
        Damage{"bucket_digest", "UPDATE bucket SET n=n+1 WHERE id=2"},
        Damage{"bucket_head", "UPDATE bucket SET head=1 WHERE id=2"},
        Damage{"entry_orphan", "DELETE FROM row WHERE rid=(SELECT rid FROM entry LIMIT 1)"},
        Damage{"entry_place", "DELETE FROM entry WHERE rid=(SELECT rid FROM entry LIMIT 1)"},
        Damage{"entry_place",
               "UPDATE row SET places=zeroblob(length(places)) WHERE rid="
               "(SELECT rid FROM entry LIMIT 1)"},
        Damage{"entry_dead_row",
               "UPDATE row SET data=NULL WHERE rid IN"
               " (SELECT rid FROM entry WHERE live=1 LIMIT 1)"},
        Damage{"entry_ver",
               "UPDATE row SET ver=ver+1 WHERE rid IN"
               " (SELECT rid FROM entry WHERE live=1 LIMIT 1)"},
        Damage{"row_leftover",
               "INSERT INTO row(tbl, key, ver, places, data)"
               " VALUES(1, 'left', 1, x'', NULL)"},
        Damage{"idx_orphan", "INSERT INTO idx VALUES(1, x'61', 'nobody')"},
        Damage{"idx_orphan", "INSERT INTO idx VALUES(99, x'61', 'nobody')"},
        Damage{"result_chain", "UPDATE result SET previous=id WHERE id=2"},
        Damage{"head", "UPDATE meta SET head=1"},
        Damage{"outbox_gap", "DELETE FROM outbox WHERE id=3"},
        Damage{"foreign_key", "PRAGMA foreign_keys=OFF; DELETE FROM bucket WHERE id=3"}),
    [](const auto& test) { return test.param.what + std::to_string(test.index); });

TEST_P(SqliteVerify, FindsTheDamage) {
  const TempFolder folder;
  const std::string path = make_store(folder);
  EXPECT_TRUE(must(verify_store(path)).empty());
  run_sql(path, GetParam().sql);
  const auto findings = must(verify_store(path));
  EXPECT_TRUE(
      std::any_of(findings.begin(), findings.end(),
                  [](const StoreFinding& finding) { return finding.what == GetParam().what; }))
      << findings.size() << " findings";
}

TEST(SqliteVerify, BrokenPagesAreReportedNotFollowed) {
  const TempFolder folder;
  const std::string path = make_store(folder, 60);
  const auto size = std::filesystem::file_size(path);
  for (std::uintmax_t page = 1; page < size / 4096; page += 3) {
    const std::string broken = folder.file("broken.db");
    std::filesystem::copy_file(path, broken, std::filesystem::copy_options::overwrite_existing);
    {
      std::fstream file(broken, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(page * 4096));
      file << std::string(4096, '\x5a');
    }
    const auto findings = verify_store(broken);
    if (findings) {
      EXPECT_FALSE(findings->empty()) << "page " << page;
    } else {
      EXPECT_EQ(findings.error().code, Errc::corrupt) << findings.error().detail;
    }
    // Reading may fail, it must not crash or throw.
    if (auto store = SqliteStore::open({.path = broken, .checkpoint_thread = false}))
      for (std::uint32_t b = 1; b <= World::kBuckets; ++b)
        ignore((*store)->chunk(BucketId{b}, Seq{}, true, 1000, 1'000'000), "only that it returns");
  }
}

}  // namespace
}  // namespace linli::sync::test
