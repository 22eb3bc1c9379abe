// SPDX-License-Identifier: Apache-2.0
// Goal:   after an upgrade phones hold what this program lets them hold, and no older row stays.
// Method: tests/golden/community/uN.sqlite is an UpgradeTown as the program of upgrade N left it. A
//         replica of some account is filled from it, the copy is brought up to date, and the
//         replica catches up as PROTOCOL.md §2-3 says, its digests checked. A failure is a leak
//         that an upgrade leaves on phones, or work that they lose by it.
// New upgrade: LINLI_REGENERATE_GOLDEN=1 unit_community --gtest_filter=GoldenCommunity.* writes the
// file of the newest upgrade only. Never regenerate an older one: it cannot be made again.
#include "sync/engine/upgrade.h"

#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "base/environment.h"
#include "sync/store/sqlite/sqlite_store.h"
#include "tests/support/row_set.h"
#include "tests/unit/community/upgrade_town.h"

namespace linli::test {
namespace {

namespace fs = std::filesystem;

std::string golden(int number) {
  return "tests/golden/community/u" + std::to_string(number) + ".sqlite";
}

std::unique_ptr<sync::Store> open_file(const std::string& path) {
  return sync::SqliteStore::open({.path = path, .checkpoint_thread = false}).value();
}

/// A copy of a golden file in a folder of its own, opened by this program but not brought up to
/// date; the clock stands an hour after the town was made.
struct OldTown {
  explicit OldTown(int number) {
    folder = fs::temp_directory_path() / ("linli-upgrade-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    fs::copy_file(golden(number), folder / "sync.db", fs::copy_options::overwrite_existing);
    fs::permissions(folder / "sync.db", fs::perms::owner_all);
    town = std::make_unique<TestCommunity>(from_unix_ms(kTownStart) + std::chrono::hours(1),
                                           open_file((folder / "sync.db").string()));
  }
  ~OldTown() {
    town.reset();
    std::error_code ec;
    fs::remove_all(folder, ec);
  }
  sync::UpgradeReport upgrade() {
    auto report = sync::upgrade(town->registry(), town->store(), town->committer());
    EXPECT_TRUE(report) << report.error().detail;
    return report.value_or(sync::UpgradeReport{});
  }
  std::string phone_of(const std::string& person) {
    return town->store().scan("account.person", person + "/", std::nullopt, 1).value().at(0).key;
  }

  fs::path folder;
  std::unique_ptr<TestCommunity> town;
};

/// What a phone keeps between two connections: entries by bucket, with gen and cursor.
class PaperReplica {
 public:
  PaperReplica(sync::Store& store, std::string account)
      : store_(store), account_(std::move(account)) {
    connect();
  }

  /// Drops what the account holds no more or under another gen, fills what is new, catches up with
  /// the rest; every digest must be that of the entries.
  void connect() {
    std::map<sync::BucketId, Held> before;
    std::swap(before, held_);
    const sync::StoreState state = store_.load().value();
    for (const sync::Member& member : state.members) {
      if (member.account.raw().hex() != account_) continue;
      Held& held = held_[member.bucket];
      if (const auto was = before.find(member.bucket);
          was != before.end() && was->second.gen == member.granted)
        held = std::move(was->second);
      held.gen = member.granted;
      catch_up(member.bucket, held);
    }
  }

  /// tbl/key of everything shown, and all its text.
  std::map<std::string, std::string> shown() const {
    std::map<std::string, std::string> out;
    for (const auto& [id, held] : held_)
      for (const auto& [key, op] : held.rows) out[key.tbl + "/" + key.key] = *op.data;
    return out;
  }
  std::string text() const {
    std::string out;
    for (const auto& [key, data] : shown()) out += key + data + "\n";
    return out;
  }
  bool has(const std::string& row) const { return shown().contains(row); }

 private:
  struct Held {
    sync::Seq gen;
    sync::Seq cursor;
    std::map<sync::RowKey, sync::Op> rows;
  };

  void catch_up(sync::BucketId bucket, Held& held) {
    constexpr std::size_t kAll = 100'000;
    const bool is_first = held.cursor == sync::Seq{};
    const auto page = store_.chunk(bucket, held.cursor, !is_first, kAll, kAll * 100).value();
    ASSERT_TRUE(page.complete);
    for (const sync::Op& op : page.ops)
      if (op.data)
        held.rows.insert_or_assign(op.row, op);
      else
        held.rows.erase(op.row);
    held.cursor = page.to;
    sync::Digest digest;
    for (const auto& [key, op] : held.rows) {
      ++digest.n;
      digest.s += sync::row_hash(key.tbl, key.key, op.ver, *op.data);
    }
    EXPECT_EQ(digest, page.digest) << "bucket " << bucket.raw();
  }

  sync::Store& store_;
  const std::string account_;
  std::map<sync::BucketId, Held> held_;
};

TEST(GoldenCommunity, TheNewestUpgradeLeftAFile) {
  const TestCommunity plain;
  const int newest = plain.registry().upgrades().back().number;
  if (environment("LINLI_REGENERATE_GOLDEN")) {
    fs::remove(golden(newest));
    UpgradeTown town(open_file(golden(newest)));
    ASSERT_TRUE(sync::upgrade(town.registry(), town.store(), town.committer()));
  }
  for (int number = 0; number <= newest; ++number) {
    OldTown old(number);
    const sync::UpgradeReport report = old.upgrade();
    EXPECT_EQ(report.from, number);
    EXPECT_EQ(report.to, newest);
    EXPECT_TRUE(report.refused.empty());
  }
}

TEST(RAIN_11, AnEditorsReplicaLosesKnocksAndCallsForHelpByTheUpgrade) {
  OldTown old(0);
  PaperReplica editor(old.town->store(), SmallTown::account_id(1));
  ASSERT_TRUE(editor.has("task/n1:p-wang"));
  ASSERT_TRUE(editor.has("ack/n1:p-wang"));
  ASSERT_NE(editor.text().find("王桂芝"), std::string::npos);
  old.upgrade();
  editor.connect();
  EXPECT_EQ(editor.text().find("王桂芝"), std::string::npos);
  EXPECT_FALSE(editor.has("ack/n1:p-wang"));
  for (const auto& [row, data] : editor.shown()) EXPECT_FALSE(row.starts_with("task/")) << row;
  EXPECT_TRUE(editor.has("reach_count/n1:g1")) << "counts stay";
  EXPECT_TRUE(editor.has("notice_desk/n1"));
}

TEST(RAIN_11, WhoMayGoToADoorKeepsItThroughTheUpgrade) {
  OldTown old(0);
  std::map<std::string, PaperReplica> phones;
  // Approver, grid worker, window, supervisor.
  for (int number : {2, 3, 4, 6})
    phones.emplace(SmallTown::account_id(number),
                   PaperReplica(old.town->store(), SmallTown::account_id(number)));
  const auto doors = [](const PaperReplica& phone) {
    std::map<std::string, std::string> out = phone.shown();
    std::erase_if(out, [](const auto& row) {
      return !row.first.starts_with("task/") && !row.first.starts_with("ack/");
    });
    return out;
  };
  std::map<std::string, std::map<std::string, std::string>> before;
  for (const auto& [account, phone] : phones) before[account] = doors(phone);
  old.upgrade();
  for (auto& [account, phone] : phones) {
    phone.connect();
    EXPECT_EQ(before[account].size(), 3U) << account;
    EXPECT_EQ(doors(phone), before[account]) << account;
  }
  EXPECT_EQ(old.town->placed("task", "n1:p-wang"),
            (std::vector<std::string>{"care:g1", "care:hn"}));
  PaperReplica wang(old.town->store(), old.phone_of("p-wang"));
  EXPECT_TRUE(wang.has("ack/n1:p-wang")) << "the person's own answer";
}

TEST(VOL_13, MembersLoseAgeAndConsentOfEachOtherByTheUpgradeAndTheLeadKeepsThem) {
  OldTown old(0);
  PaperReplica chen(old.town->store(), old.phone_of("p-chen"));
  PaperReplica lead(old.town->store(), old.phone_of("p-liu"));
  PaperReplica kid(old.town->store(), old.phone_of("p-kid"));
  PaperReplica editor(old.town->store(), SmallTown::account_id(1));
  ASSERT_NE(chen.text().find("\"is_minor\":true"), std::string::npos);
  ASSERT_NE(chen.text().find("\"consent\""), std::string::npos);
  old.upgrade();
  for (PaperReplica* phone : {&chen, &lead, &kid, &editor}) {
    phone->connect();
    EXPECT_EQ(phone->text().find("is_minor"), std::string::npos);
  }
  EXPECT_TRUE(chen.has("team_member/lf:p-kid")) << "name and keys stay";
  for (const PaperReplica* other : {&chen, &editor}) {
    EXPECT_EQ(other->text().find("\"consent\""), std::string::npos);
    EXPECT_EQ(other->text().find("team_minor"), std::string::npos);
  }
  ASSERT_TRUE(lead.has("team_minor/lf:p-kid"));
  EXPECT_EQ(Json::parse(lead.shown().at("team_minor/lf:p-kid")).at("consent").at("how"), "paper");
  ASSERT_TRUE(lead.has("team_minor/lf:p-teen"));
  EXPECT_FALSE(Json::parse(lead.shown().at("team_minor/lf:p-teen")).contains("consent"));
  EXPECT_FALSE(lead.has("team_minor/lf:p-chen"));
  EXPECT_TRUE(kid.has("team_minor/lf:p-kid"));
  EXPECT_FALSE(kid.has("team_minor/lf:p-teen"));
}

TEST(Upgrade, AnEditorsReplicaLosesRostersAndTheApproverKeepsThem) {
  OldTown old(0);
  PaperReplica editor(old.town->store(), SmallTown::account_id(1));
  PaperReplica approver(old.town->store(), SmallTown::account_id(2));
  ASSERT_TRUE(editor.has("team_member/lf:p-chen"));
  ASSERT_TRUE(approver.has("team_member/lf:p-chen"));
  old.upgrade();
  for (PaperReplica* phone : {&editor, &approver}) phone->connect();
  EXPECT_FALSE(editor.has("team_member/lf:p-chen"));
  EXPECT_TRUE(editor.has("team/lf")) << "which teams there are is no secret";
  EXPECT_TRUE(approver.has("team_member/lf:p-chen"));
}

TEST(Upgrade, AKilledOneBeginsAnewAndADoneOneChangesNothing) {
  OldTown old(0);
  // Killed before it was marked as done: all its rows are there.
  old.upgrade();
  ASSERT_TRUE(old.town->committer().run_as_system(
      [](sync::MutatorContext& ctx) { ctx.del(sync::kUpgradeTable, "model"); }));
  const sync::Seq before = old.town->committer().head();
  const sync::UpgradeReport again = old.upgrade();
  EXPECT_EQ(again.from, 0);
  EXPECT_EQ(again.to, 1);
  EXPECT_EQ(old.town->committer().head(), sync::Seq{before.raw() + 1}) << "only the mark";
  const sync::UpgradeReport done = old.upgrade();
  EXPECT_EQ(done.from, done.to);
  EXPECT_EQ(done.rows, 0U);
  EXPECT_EQ(old.town->committer().head(), sync::Seq{before.raw() + 1});
}

TEST(Upgrade, ANewCommunityIsNotTouched) {
  TestCommunity town;
  const auto report = sync::upgrade(town.registry(), town.store(), town.committer());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rows, 0U);
  EXPECT_EQ(town.committer().head(), sync::Seq{});
}

}  // namespace
}  // namespace linli::test
