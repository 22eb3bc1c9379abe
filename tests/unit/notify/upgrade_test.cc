// SPDX-License-Identifier: Apache-2.0
// Goal:   gateway.db of an earlier version is brought up to date, and what waited in it waits on.
// Method: the statements that made the old file, kept in tests/golden/db, and the store on top.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include "notify/store/sqlite/gateway_store.h"

namespace linli::test {
namespace {

using namespace notify;

struct OldFile {
  explicit OldFile(const std::string& golden)
      : path(std::filesystem::temp_directory_path() /
             ("linli-upgrade-" + std::to_string(::getpid()) + ".db")) {
    std::filesystem::remove(path);
    std::ifstream file("tests/golden/db/" + golden);
    std::ostringstream text;
    text << file.rdbuf();
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    char* why = nullptr;
    EXPECT_EQ(sqlite3_exec(db, text.str().c_str(), nullptr, nullptr, &why), SQLITE_OK) << why;
    sqlite3_free(why);
    sqlite3_close(db);
  }
  ~OldFile() {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + end);
  }
  std::filesystem::path path;
};

TEST(Upgrade, WhatWaitedInAFileOfVersionTwoHasAnAgeAndIsLoaded) {
  const OldFile old("gateway_v2.sql");
  for (int round = 0; round < 2; ++round) {
    const auto store = SqliteGatewayStore::open(old.path.string());
    ASSERT_TRUE(store.has_value()) << store.error().detail;
    const auto standing = (*store)->standing();
    ASSERT_TRUE(standing.has_value()) << standing.error().detail;
    ASSERT_EQ(standing->waiting.size(), 1U);
    EXPECT_EQ(standing->waiting[0].medium, "sms");
    EXPECT_EQ(standing->waiting[0].count, 1U);
    EXPECT_EQ(to_unix_ms(standing->waiting[0].since), 1'784'520'000'000);
    const auto loaded = (*store)->open(from_unix_ms(1'784'520'000'000), {});
    ASSERT_TRUE(loaded.has_value()) << loaded.error().detail;
    ASSERT_EQ(loaded->deliveries.size(), 1U);
    EXPECT_EQ(loaded->deliveries[0].key, "k7");
  }
}

}  // namespace
}  // namespace linli::test
