// SPDX-License-Identifier: Apache-2.0
// Goal:   an operator can set a community up, keep it and bring it back without reading the source.
// Method: the commands as typed, on a real folder, answers in JSON.
#include "server/admin/admin.h"

#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "server/auth/certificates.h"
#include "server/auth/revocation_log.h"
#include "server/community/modules.h"
#include "sync/store/sqlite/sqlite_store.h"

namespace linli::admin {
namespace {

namespace fs = std::filesystem;

class Admin : public testing::Test {
 protected:
  Admin() { fs::create_directories(root_); }
  ~Admin() override { fs::remove_all(root_); }

  int run(std::vector<std::string> args, const std::string& typed = {}) {
    std::istringstream in(typed);
    std::ostringstream out;
    std::ostringstream err;
    const AdminParts parts{community::declare_modules, clock_, rng_, in, out, err};
    args.insert(args.begin(), {"--data", (root_ / "data").string(), "--json"});
    const int status = run_admin(parts, std::move(args));
    text_ = out.str();
    error_ = err.str();
    clock_.advance(std::chrono::seconds(1));
    json_ = parse_json(text_.substr(0, text_.rfind('\n')), 1 << 24).value_or(Json());
    return status;
  }
  void init() {
    ASSERT_EQ(run({"init", "--name", "淮南社区", "--slug", "huainan"}), 0) << text_ << error_;
  }
  /// A device as if a staff slip was used. Returns its cid.
  std::string add_device(const std::string& account) {
    sync::Registry registry;
    community::declare_modules(registry);
    const auto community =
        LocalCommunity::open({root_ / "data", "huainan", registry, clock_, rng_}, false);
    EXPECT_TRUE(community.has_value());
    const KeyPair key = KeyPair::generate(rng_);
    const std::string cid = client_id_of(key.pub()).hex();
    EXPECT_TRUE((*community)
                    ->run("identity.recover_device", {{"account", account},
                                                      {"cid", cid},
                                                      {"pub", to_base64url(key.pub())},
                                                      {"cert_at", 1}})
                    .has_value());
    return cid;
  }
  std::string state_of(const std::string& cid) {
    EXPECT_EQ(run({"devices", "list"}), 0);
    for (const Json& device : json_.at("devices"))
      if (device.at("cid") == cid) return device.at("state");
    return "absent";
  }

  const fs::path root_ = fs::temp_directory_path() / ("linli_admin_" + std::to_string(::getpid()));
  ManualClock clock_{from_unix_ms(1'795'000'000'000)};
  SeededRng rng_{5};
  std::string text_;
  std::string error_;
  Json json_;
};

TEST_F(Admin, InitGivesTwoPeopleSlipsAndSetupCodes) {
  init();
  const Json staff = json_.at("staff");
  ASSERT_EQ(staff.size(), 2U);
  EXPECT_NE(staff.at(0).at("account"), staff.at(1).at("account"));
  for (const Json& person : staff) {
    EXPECT_EQ(json_text(person, "setup_code").size(), 19U);
    EXPECT_NE(json_text(person, "url").find("/c/huainan/#enrol="), std::string::npos);
  }
  ASSERT_EQ(run({"users", "list"}), 0);
  EXPECT_EQ(json_.at("accounts").size(), 2U);
  EXPECT_EQ(run({"init", "--name", "x", "--slug", "huainan"}), 1);
  EXPECT_EQ(json_.at("error").at("code"), "conflict");
  EXPECT_EQ(run({"verify"}), 0) << text_;
}

TEST_F(Admin, EveryCommandExplainsItself) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"init", "--help"},
                                             {"invite", "create", "--help"},
                                             {"users", "roles", "--help"},
                                             {"backup", "--help"},
                                             {"restore", "--help"},
                                             {"import", "--help"}}) {
    EXPECT_EQ(run(words), 0);
    EXPECT_FALSE(text_.empty());
  }
  EXPECT_EQ(run({"nonsense"}), 2);
  EXPECT_EQ(run({"invite", "create"}), 2);
}

TEST_F(Admin, ImportIsADryRunUntilToldOtherwise) {
  init();
  const fs::path file = root_ / "people.csv";
  std::ofstream(file) << "门牌,姓名\n1-101,王大\n1-102,李二\n";
  ASSERT_EQ(run({"import", file.string()}), 0) << text_;
  EXPECT_EQ(json_.at("added"), 2);
  EXPECT_EQ(run({"invite", "create", "--door", "1-101"}), 1);
  ASSERT_EQ(run({"import", file.string(), "--apply"}), 0);
  ASSERT_EQ(run({"invite", "create", "--door", "1-101"}), 0) << text_;
  EXPECT_EQ(json_text(json_, "code").size(), 8U);
  const std::string id = json_text(json_, "id");
  ASSERT_EQ(run({"invite", "revoke", id}), 0);
  ASSERT_EQ(run({"invite", "list", "--door", "1-101"}), 0);
  EXPECT_EQ(json_.at("invites").at(0).at("state"), "revoked");
  EXPECT_EQ(run({"verify"}), 0) << text_;
}

TEST_F(Admin, ARestoreTakesANewEpochAndKeepsRevokedDevicesOut) {
  init();
  const std::string account = json_.at("staff").at(0).at("account");
  const std::string lost = add_device(account);
  const std::string kept = add_device(account);
  const std::string target = (root_ / "backup").string();
  ASSERT_EQ(run({"backup", target}), 0) << text_;
  EXPECT_EQ(run({"backup", target}), 1) << "a backup is never overwritten";
  ASSERT_EQ(run({"devices", "revoke", lost}), 0);
  EXPECT_EQ(run({"restore", target + "/huainan"}, "no\n"), 1);
  ASSERT_EQ(run({"restore", target + "/huainan", "--yes"}), 0) << text_;
  EXPECT_EQ(json_.at("revoked_again"), 1);
  EXPECT_TRUE(fs::exists(fs::path(json_text(json_, "kept_aside")) / kDatabaseFile));
  EXPECT_EQ(state_of(lost), "revoked");
  EXPECT_EQ(state_of(kept), "recovered");
  EXPECT_EQ(run({"verify"}), 0) << text_;
}

TEST_F(Admin, ARestoreThatFailsHalfWayLeavesTheCommunityAsItWas) {
  init();
  const std::string account = json_.at("staff").at(0).at("account");
  const fs::path backup = root_ / "backup";
  ASSERT_EQ(run({"backup", backup.string()}), 0) << text_;
  const std::string since = add_device(account);
  std::ofstream(backup / "huainan" / "gateway.db") << std::string(9000, 'x');
  EXPECT_EQ(run({"restore", (backup / "huainan").string(), "--yes"}), 1);
  EXPECT_EQ(state_of(since), "recovered");
  EXPECT_EQ(run({"verify"}), 0) << text_;
  for (const auto& entry : fs::directory_iterator(root_ / "data" / "huainan"))
    EXPECT_EQ(entry.path().string().find("restor"), std::string::npos) << entry.path();
  fs::remove(backup / "huainan" / "gateway.db");
  EXPECT_EQ(run({"restore", (backup / "huainan").string(), "--yes"}), 0) << text_;
}

TEST_F(Admin, WhatAnOlderProgramPlacedIsNoFindingAndTheNextCommandThatWritesMovesIt) {
  const fs::path folder = root_ / "data" / "huainan";
  fs::create_directories(folder);
  fs::copy_file("tests/golden/community/u0.sqlite", folder / kDatabaseFile);
  fs::permissions(folder / kDatabaseFile, fs::perms::owner_all);
  EXPECT_EQ(run({"verify"}), 0) << text_ << error_;
  const auto names = [&] {
    std::set<std::string> out;
    sync::SqliteStoreOptions options;
    options.path = (folder / kDatabaseFile).string();
    const auto store = sync::SqliteStore::open(options).value();
    const sync::StoreState state = store->load().value();
    for (const sync::BucketInfo& bucket : state.buckets)
      if (bucket.digest.n > 0) out.insert(bucket.spec.name);
    return out;
  };
  EXPECT_FALSE(names().contains("care:g1")) << "verify changes nothing";
  ASSERT_EQ(run({"keys", "create", "--label", "x", "--scope", "editor"}), 0) << text_ << error_;
  EXPECT_TRUE(names().contains("care:g1"));
  EXPECT_EQ(run({"verify"}), 0) << text_;
}

TEST_F(Admin, CommandsThatWriteRefuseWhileTheServerRuns) {
  init();
  const auto held = DataLock::take(root_ / "data");
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(run({"keys", "create", "--label", "x", "--scope", "editor"}), 1);
  EXPECT_NE(json_text(json_.at("error"), "detail").find("linlid is running"), std::string::npos);
  EXPECT_EQ(run({"users", "list"}), 0);
  EXPECT_EQ(run({"backup", (root_ / "b").string()}), 0) << text_;
}

TEST_F(Admin, KeysAreShownOnceAndListedWithoutTheirSecret) {
  init();
  ASSERT_EQ(run({"keys", "create", "--label", "feed", "--scope", "editor"}), 0) << text_;
  const std::string key = json_text(json_, "key");
  const std::string id = json_text(json_, "id");
  ASSERT_EQ(run({"keys", "list"}), 0);
  EXPECT_EQ(text_.find(key), std::string::npos);
  ASSERT_EQ(run({"keys", "revoke", id}), 0);
  EXPECT_EQ(run({"keys", "create", "--label", "x", "--scope", "admin"}), 1)
      << "administrators are people";
}

}  // namespace
}  // namespace linli::admin
