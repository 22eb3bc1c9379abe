// SPDX-License-Identifier: Apache-2.0
// Goal:   this program reads every database that an older one wrote.
// Method: tests/golden/db/vN.sqlite is a file as version N of the schema left it, vN.txt what was
//         in it. A copy is opened (and so migrated) and must say the same.
// New schema version: LINLI_REGENERATE_GOLDEN=1 unit_store --gtest_filter=GoldenDatabase.* writes
// the files of the newest version only. Never regenerate an older one: it cannot be made again.
#include <fstream>

#include "base/environment.h"
#include "sync/store/sqlite/migrations.h"
#include "sync/store/sqlite/sqlite_store.h"
#include "sync/store/sqlite/verify.h"
#include "tests/unit/store/contract.h"

namespace linli::sync::test {
namespace {

std::string golden(int version, const std::string& ending) {
  return "tests/golden/db/v" + std::to_string(version) + ending;  // ctest runs us at the top folder
}

void regenerate(int version) {
  const std::string path = golden(version, ".sqlite");
  std::filesystem::remove(path);
  auto store = must(SqliteStore::open({.path = path, .checkpoint_thread = false}));
  World world(7);
  for (int i = 0; i < 30; ++i) must(store->apply(world.next_batch()));
  must(store->set_epoch(Epoch{make_id(1)}));
  must(store->save_cursors({{World::cid(1), {Seq{3}, Seq{4}}, 5, 4, "linli/1.0"}}));
  must(store->raise_floor(BucketId{1}, Seq{20}));
  std::ofstream(golden(version, ".txt")) << dump(*store);
}

TEST(GoldenDatabase, EveryOldVersionOpensWithItsContent) {
  const int newest = sqlite::migrations().back().number;
  if (environment("LINLI_REGENERATE_GOLDEN")) regenerate(newest);
  for (int version = 1; version <= newest; ++version) {
    const TempFolder folder;
    const std::string path = folder.file("sync.db");
    std::filesystem::copy_file(golden(version, ".sqlite"), path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    auto store = must(SqliteStore::open({.path = path}));
    std::ifstream file(golden(version, ".txt"));
    const std::string want{std::istreambuf_iterator<char>(file), {}};
    EXPECT_FALSE(want.empty());
    EXPECT_EQ(dump(*store), want) << "version " << version;
    store.reset();
    EXPECT_TRUE(must(verify_store(path)).empty());
  }
}

}  // namespace
}  // namespace linli::sync::test
