// SPDX-License-Identifier: Apache-2.0
// Goal:   a session keeps the promises of docs/PROTOCOL.md §2-§4 about rows.
// Method: committer, hub and sessions against a model phone, no sockets; the phone checks
// digests and
//         membership at every frame, so a broken promise shows as an entry in phone.faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/engine/committer.h"
#include "sync/store/memory/memory_store.h"
#include "tests/support/note_module.h"
#include "tests/support/test_phone.h"

namespace linli::sync {
namespace {

using test::TestPhone;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    test::declare_notes(registry_);
    hub_.emplace(*committer_.open());
    member(1, {"all", "a:u"});
    member(2, {"all"});
  }

  static Id128 id(std::uint8_t i) {
    Id128 out;
    out.bytes[0] = i;
    return out;
  }

  SharedCommit commit(std::vector<Submission> batch) {
    auto out = committer_.run(batch);
    EXPECT_TRUE(out);
    hub_->on_commit(out->commit);
    hub_->take_dirty();
    return out->commit;
  }

  Submission make(std::string name, const Json& args) {
    Submission s;
    s.actor.via = Via::system;
    s.name = std::move(name);
    s.args = std::make_shared<const Json>(args);
    return s;
  }
  void member(std::uint8_t account, Json buckets) {
    commit({make("member.set", {{"account", id(account).hex()}, {"buckets", std::move(buckets)}})});
  }
  SharedCommit put(std::string key, std::string text, Json buckets) {
    return commit({make(
        "note.put",
        {{"id", std::move(key)}, {"text", std::move(text)}, {"buckets", std::move(buckets)}})});
  }
  TestPhone phone(std::uint8_t account, Encoding e = Encoding::cbor) {
    return TestPhone{Cid{id(std::uint8_t(100 + account))}, AccountId{id(account)}, e};
  }
  void connect(TestPhone& p) { p.connect(*hub_, store_, config_); }

  Registry registry_;
  MemoryStore store_;
  ManualClock clock_{from_unix_ms(1'700'000'000'000)};
  SeededRng rng_{7};
  Committer committer_{registry_, store_, clock_, rng_};
  std::optional<Hub> hub_;
  SessionConfig config_{
      .server_id = {}, .origins = {"http://test"}, .window = limits::kWindowBytes};
};

TEST_F(SessionTest, FirstSyncFillsEveryBucketInBothEncodings) {
  for (int i = 0; i < 50; ++i) put("n" + std::to_string(i), std::string(600, 'x'), {"all"});
  put("w", "storm", {"a:u"});
  for (Encoding e : {Encoding::json, Encoding::cbor}) {
    TestPhone p = phone(1, e);
    connect(p);
    EXPECT_THAT(p.faults, IsEmpty());
    EXPECT_THAT(p.shown(), SizeIs(51));
    EXPECT_EQ(p.rows_received, 51U) << "rows sent = live rows exactly";
    EXPECT_EQ(p.cursors()[0], committer_.head());
    p.disconnect();
  }
}

TEST_F(SessionTest, LiveCommitReachesOnlyMembers) {
  TestPhone one = phone(1);
  TestPhone two = phone(2);
  connect(one);
  connect(two);
  put("w", "storm", {"a:u"});
  one.run();
  two.run();
  EXPECT_THAT(one.shown(), SizeIs(1));
  EXPECT_THAT(two.shown(), IsEmpty());
  EXPECT_THAT(two.faults, IsEmpty());
}

TEST_F(SessionTest, ReconnectSendsOnlyWhatChangedAndNothingWhenNothingDid) {
  for (int i = 0; i < 20; ++i) put("n" + std::to_string(i), "x", {"all"});
  TestPhone p = phone(1);
  connect(p);
  p.disconnect();
  p.rows_received = 0;
  connect(p);
  EXPECT_EQ(p.rows_received, 0U);
  p.disconnect();
  put("n3", "changed", {"all"});
  commit({make("note.del", {{"id", "n4"}})});
  connect(p);
  EXPECT_EQ(p.rows_received, 2U);
  EXPECT_THAT(p.shown(), SizeIs(19));
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, GEN_10_RevokedBucketLeavesAtOnceAndAGrantedOneFills) {
  put("n", "x", {"all"});
  put("z", "y", {"zone"});
  TestPhone p = phone(1);
  connect(p);
  member(1, {"zone"});
  p.run();
  EXPECT_THAT(p.faults, IsEmpty());
  EXPECT_THAT(p.shown(), ElementsAre(::testing::Key("note/z")));
  EXPECT_EQ(p.bucket_count(), 1U);
}

TEST_F(SessionTest, MembershipChangedWhileAwayIsSettledByHave) {
  put("n", "x", {"all"});
  put("z", "y", {"zone"});
  TestPhone p = phone(1);
  connect(p);
  p.disconnect();
  member(1, {"all", "zone"});
  p.rows_received = 0;
  connect(p);
  EXPECT_EQ(p.rows_received, 1U) << "only the new bucket is filled";
  EXPECT_THAT(p.shown(), SizeIs(2));
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, UrgentGoesBeforeQueuedNormalRows) {
  TestPhone p = phone(1);
  connect(p);
  p.acknowledges = false;
  for (int i = 0; i < 10; ++i) put("n" + std::to_string(i), std::string(600, 'x'), {"all"});
  p.trace.clear();
  put("w", "storm", {"a:u"});
  p.run(1);
  ASSERT_FALSE(p.trace.empty());
  EXPECT_THAT(p.trace[1], "Cu");
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, SilentPhoneFallsIntoLagModeWithBoundedMemoryAndStillGetsUrgent) {
  TestPhone p = phone(1);
  connect(p);
  p.acknowledges = false;
  for (int i = 0; i < 1500; ++i) {
    put("n" + std::to_string(i), std::string(1000, 'x'), {"all"});
    p.run();
    ASSERT_LE(p.session().queued_bytes(), limits::kQueueBytesMax + 2 * limits::kNormalPartBytes);
  }
  EXPECT_GE(p.session().lags(), 1U);
  put("w", "storm", {"a:u"});
  p.run();
  EXPECT_THAT(p.shown(), Contains(::testing::Key("note/w")));
  p.acknowledges = true;
  p.send(FramePing{});
  p.run();
  EXPECT_THAT(p.shown(), SizeIs(1501));
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, PhoneThatAsksAndNeverReadsIsClosedWithBoundedMemory) {
  TestPhone p = phone(1);
  connect(p);
  for (int i = 0; i < 100'000 && p.session().state() == ServerSession::State::live; ++i) {
    p.send(FramePing{});
    ASSERT_LE(p.session().queued_bytes(), limits::kControlBytesMax + 4096);
  }
  EXPECT_EQ(p.session().state(), ServerSession::State::closed);
  p.run();
  EXPECT_EQ(p.closed, 4429);
}

TEST_F(SessionTest, RefillGivesTheBucketAnew) {
  put("n", "x", {"all"});
  TestPhone p = phone(2);
  connect(p);
  p.run();
  const std::string all = std::to_string(p.session().bucket_ids().front().raw());
  p.trace.clear();
  put("n", "y", {"all"});  // Waits in the queue: the new fill holds it.
  p.send(FrameRefill{p.session().bucket_ids()});
  p.run();
  // M parts the frames of before from those of the fill.
  EXPECT_THAT(p.trace, ElementsAre("M", "Cs", "B" + all, "C:" + all));
  EXPECT_THAT(p.shown(), ElementsAre(::testing::Pair("note/n", ::testing::HasSubstr("y"))));
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, RefillOfABucketOfSomebodyElseGivesNothing) {
  put("w", "storm", {"a:u"});
  TestPhone one = phone(1);
  TestPhone two = phone(2);
  connect(one);
  connect(two);
  two.run();
  two.trace.clear();
  two.send(FrameRefill{one.session().bucket_ids()});
  two.run();
  EXPECT_THAT(
      two.trace,
      ::testing::Not(Contains("B" + std::to_string(one.session().bucket_ids().back().raw()))));
  EXPECT_THAT(two.faults, IsEmpty());
}

TEST_F(SessionTest, GEN_3_PushBeyondTheNextNumberIsAnsweredWithAGap) {
  TestPhone p = phone(1);
  connect(p);
  p.send(
      FramePush{UpLane::interactive, {PushedMutation{.n = 2, .name = "note.inc", .args = "{}"}}});
  p.run();
  ASSERT_THAT(p.errors, SizeIs(1));
  EXPECT_EQ(p.errors[0].want, 1U);
  EXPECT_THAT(p.pushed, IsEmpty());
}

/// `count` mutations with `bytes` of arguments from `first` on, in frames below 1 MiB.
void push(TestPhone& phone, std::uint64_t first, std::size_t count, std::size_t bytes = 2) {
  for (std::uint64_t n = first; n < first + count;) {
    FramePush frame{UpLane::interactive, {}};
    for (; n < first + count && frame.muts.size() < (bytes > 1000 ? 20U : 100U); ++n)
      frame.muts.push_back({.n = n, .name = "note.inc", .args = std::string(bytes, ' ')});
    phone.send(frame);
    phone.run();
  }
}

std::size_t numbers_taken(const TestPhone& phone) {
  std::size_t out = 0;
  for (const AskMutate& ask : phone.pushed) out += ask.muts.size();
  return out;
}

TEST_F(SessionTest, AFortnightsBacklogPassesAtOnce) {
  TestPhone p = phone(1);
  connect(p);
  push(p, 1, limits::kPendingMax);
  EXPECT_EQ(numbers_taken(p), limits::kPendingMax);
  EXPECT_THAT(p.results, IsEmpty());
}

TEST_F(SessionTest, APhoneThatPushesTooFastIsHeldBackAndLosesNothing) {
  TestPhone p = phone(1);
  TestPhone other = phone(2);
  connect(p);
  connect(other);
  push(p, 1, 3050);
  EXPECT_EQ(numbers_taken(p), 3000U);
  ASSERT_THAT(p.results, SizeIs(1));
  EXPECT_EQ(p.results[0].status, MutationStatus::retry);
  EXPECT_EQ(p.results[0].n, 3001U);
  EXPECT_EQ(p.results[0].code, "rate_limited");
  EXPECT_EQ(p.results[0].after_ms, 1000) << "50 units at 50 a second";
  push(other, 1, 50);
  EXPECT_EQ(numbers_taken(other), 50U) << "the others do not feel it";
  p.mono += Millis{p.results[0].after_ms};
  push(p, 3001, 50);
  EXPECT_EQ(numbers_taken(p), 3050U);
  EXPECT_THAT(p.results, SizeIs(1));
  EXPECT_THAT(p.errors, IsEmpty()) << "no number was used, so there is no gap";
}

TEST_F(SessionTest, LargeArgumentsCountForWhatTheyAre) {
  TestPhone p = phone(1);
  connect(p);
  push(p, 1, 300, 40 * 1024);
  EXPECT_LT(numbers_taken(p), 300U);
  EXPECT_GT(numbers_taken(p), 250U);
}

TEST_F(SessionTest, ComingBackGivesNoNewBurst) {
  TestPhone p = phone(1);
  connect(p);
  push(p, 1, 3000);
  p.disconnect();
  connect(p);
  // The server of this test answered nothing, so the phone sends again from 1.
  push(p, 1, 10);
  ASSERT_THAT(p.results, SizeIs(1));
  EXPECT_EQ(p.results[0].n, 1U);
  EXPECT_EQ(numbers_taken(p), 3000U);
}

TEST_F(SessionTest, ENR_10_AReplacedPhoneGetsNoRowsAndLosesThoseItHas) {
  put("n", "x", {"all"});
  put("z", "y", {"zone"});
  TestPhone p = phone(1);
  connect(p);
  ASSERT_THAT(p.shown(), SizeIs(1));
  p.disconnect();
  p.replaced_at = from_unix_ms(1'700'000'000'000);
  connect(p);
  EXPECT_THAT(p.shown(), IsEmpty());
  EXPECT_EQ(p.bucket_count(), 0U);
  EXPECT_EQ(p.hand_over, 1'700'000'000'000);
  put("w", "storm", {"a:u"});
  member(1, {"zone"});
  p.run();
  EXPECT_EQ(p.bucket_count(), 0U) << "no membership reaches it";
  EXPECT_THAT(p.shown(), IsEmpty());
  push(p, 1, 3);
  EXPECT_EQ(numbers_taken(p), 3U);
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, PageAheadOfTheShardWaitsForItsCommit) {
  for (int i = 0; i < 3; ++i) put("n" + std::to_string(i), "x", {"all"});
  TestPhone p = phone(1);
  // A commit that is durable but not yet posted to this shard.
  std::vector<Submission> batch{
      make("note.put", {{"id", "late"}, {"text", "y"}, {"buckets", {"all"}}})};
  auto late = committer_.run(batch);
  connect(p);
  EXPECT_THAT(p.shown(), IsEmpty());
  hub_->on_commit(late->commit);
  p.run();
  EXPECT_THAT(p.shown(), SizeIs(4));
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, SecondConnectionOfADeviceReplacesTheFirst) {
  TestPhone a = phone(1);
  TestPhone b = phone(1);
  connect(a);
  connect(b);
  a.run();
  EXPECT_EQ(a.closed, 4409);
  put("n", "x", {"all"});
  b.run();
  EXPECT_THAT(b.shown(), SizeIs(1));
  a.disconnect();
  put("m", "x", {"all"});
  b.run();
  EXPECT_THAT(b.shown(), SizeIs(2));
}

TEST_F(SessionTest, PhoneFromBelowARaisedFloorFillsAnewAtOnce) {
  put("n", "x", {"all"});
  put("m", "x", {"all"});
  TestPhone p = phone(2);
  connect(p);
  p.disconnect();
  commit({make("note.del", {{"id", "n"}})});
  clock_.jump(limits::kTombstoneRetention + std::chrono::hours(48));
  auto raised = committer_.collect_garbage(0);
  ASSERT_TRUE(raised);
  hub_->on_commit(*raised);
  connect(p);
  EXPECT_THAT(p.shown(), ElementsAre(::testing::Key("note/m")));
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, ResultsReachThePhoneInTheOrderOfTheirNumbersAfterAFailure) {
  TestPhone p = phone(1);
  connect(p);
  const auto numbered = [&](std::uint64_t n) {
    Submission s = make("note.inc", {{"id", "n"}});
    s.actor.account = AccountId{id(1)};
    s.actor.cid = Cid{id(101)};
    s.actor.via = Via::device;
    s.n = n;
    return s;
  };
  // 1 and 2 are stored, but nobody is told; 3 stood behind them in the queue.
  store_.fail_apply({.nth = 1, .code = Errc::io, .durable = true});
  std::vector<Submission> lost{numbered(1), numbered(2)};
  ASSERT_FALSE(committer_.run(lost));
  std::vector<Submission> next{numbered(3)};
  auto third = committer_.run(next);
  ASSERT_TRUE(third);
  hub_->on_commit(third->commit);
  p.run();
  std::vector<std::uint64_t> order;
  for (const FrameR& r : p.results) order.push_back(r.n);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_THAT(p.faults, IsEmpty());
}

TEST_F(SessionTest, StoreFailureWithUnknownOutcomeIsHealedByAReload) {
  TestPhone p = phone(1);
  connect(p);
  store_.fail_apply({.nth = 1, .code = Errc::io, .durable = true});
  std::vector<Submission> batch{
      make("note.put", {{"id", "n"}, {"text", "y"}, {"buckets", {"all"}}})};
  EXPECT_FALSE(committer_.run(batch));
  auto tick = committer_.tick();
  ASSERT_TRUE(tick);
  hub_->on_commit(tick->commit);
  p.run();
  EXPECT_THAT(p.shown(), SizeIs(1));
  EXPECT_THAT(p.faults, IsEmpty());
}

}  // namespace
}  // namespace linli::sync
