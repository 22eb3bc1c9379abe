// SPDX-License-Identifier: Apache-2.0
// Goal:   half-open lines, wrong clocks, restored servers, cloned stores and a phone killed at any
//         commit cost neither a written record nor a wrong row.
// Method: frames of a server written by hand, virtual time, a store that dies at the N-th commit.
#include <gtest/gtest.h>

#include "tests/support/scripted_server.h"

namespace linli {
namespace {

using namespace sync;
using test::b_frame;
using test::c_bucket;
using test::c_lane;
using test::grant;
using test::ok;
using test::put;
using test::rejected;
using test::ScriptedPhone;

constexpr std::int64_t kDayMs = 24 * 3'600'000;

FrameWelcome welcome_at(std::vector<BucketGrant> buckets, std::uint64_t head = 10) {
  FrameWelcome out;
  out.head = {Seq{head}, Seq{head}};
  out.buckets = std::move(buckets);
  return out;
}

void become_live(ScriptedPhone& phone, const std::vector<Op>& rows,
                 BucketClass cls = BucketClass::normal) {
  BucketGrant granted = grant(1);
  granted.cls = cls;
  phone.connect(welcome_at({granted}));
  phone.receive({b_frame(1, 10, rows), c_bucket(1, 10, rows)});
  ASSERT_TRUE(phone.session().is_caught_up());
}

// --- Lines --------------------------------------------------------------------------------------

TEST(ClientFaults, GEN7HalfOpenLineIsNoticedByAnUnansweredPing) {
  ScriptedPhone phone;
  become_live(phone, {});
  phone.receive(FramePong{});
  phone.sent();
  phone.advance(Millis{44'000});
  EXPECT_TRUE(phone.sent<FramePing>().empty());
  phone.advance(Millis{2'000});
  EXPECT_EQ(phone.sent<FramePing>().size(), 1U);
  phone.advance(Millis{18'000});
  EXPECT_TRUE(phone.closes().empty());
  phone.advance(Millis{4'000});
  EXPECT_EQ(phone.closes(), std::vector<std::uint16_t>{4408});
}

TEST(ClientFaults, GEN7PartsOfALargeMessageKeepASlowLineAlive) {
  ScriptedPhone phone;
  become_live(phone, {});
  for (int i = 0; i < 20; ++i) {
    phone.advance(Millis{10'000});
    phone.session().on_progress();
  }
  EXPECT_TRUE(phone.closes().empty());
}

TEST(ClientFaults, ServerThatNeverSpeaksIsLeftAfterTheOpeningDeadline) {
  ScriptedPhone phone;
  phone.session().start();
  phone.open();
  phone.advance(Millis{21'000});
  EXPECT_EQ(phone.closes(), std::vector<std::uint16_t>{4408});
}

TEST(ClientFaults, BackOffDoublesWithJitterToAMinuteAndHonoursTheHint) {
  ScriptedPhone phone;
  Millis limit{1000};
  for (int attempt = 0; attempt < 10; ++attempt) {
    phone.close(1006);
    const auto delay = phone.redial();
    ASSERT_TRUE(delay);
    EXPECT_GE(*delay, limit / 2);
    EXPECT_LT(*delay, limit);
    limit = std::min<Millis>(limit * 2, Millis{60'000});
  }
  become_live(phone, {});
  phone.receive(FrameDrain{7000});
  phone.close(1001);
  const auto delay = phone.redial();
  ASSERT_TRUE(delay);
  EXPECT_GE(*delay, Millis{7500});
  EXPECT_LT(*delay, Millis{8000});
}

TEST(ClientFaults, MalformedBytesCloseAndAreCountedAsNoContact) {
  ScriptedPhone phone;
  become_live(phone, {});
  phone.session().on_message("\xff\xff\xff");
  phone.receive({});
  EXPECT_FALSE(phone.session().is_live());
  phone.close(4400);
  EXPECT_FALSE(phone.replica().state().contact_ok);
}

TEST(ClientFaults, RefusedDeviceStopsDiallingUntilAskedTo) {
  ScriptedPhone phone;
  become_live(phone, {put("a", 3, "{}")});
  phone.write("a", "{}");
  FrameErr err;
  err.code = "revoked";
  phone.redial();
  phone.receive(err);
  EXPECT_EQ(phone.session().state(), ClientSession::State::halted);
  phone.close(4401);
  EXPECT_FALSE(phone.redial());
  // ENR-5: its data is gone at the next contact; what was written stays for export.
  EXPECT_EQ(phone.row("notice", "a"), "");
  EXPECT_EQ(phone.replica().state().unsent(), 1U);
  phone.session().start();
  EXPECT_EQ(phone.session().state(), ClientSession::State::offline);
}

// --- Clocks -------------------------------------------------------------------------------------

TEST(ClientFaults, GEN11WrongClockIsMeasuredAndFollowsAJumpOfTheWallClock) {
  ScriptedPhone phone;
  phone.clock().jump(Millis{3 * kDayMs});
  FrameWelcome welcome = welcome_at({});
  welcome.t1 = to_unix_ms(phone.clock().now()) - 3 * kDayMs;
  phone.connect(welcome);
  const auto off = [&] {
    return phone.session().clock_estimate().off_ms(phone.clock().now(), phone.clock().mono());
  };
  EXPECT_EQ(off(), -3 * kDayMs);
  phone.clock().jump(Millis{-6 * kDayMs});
  EXPECT_EQ(off(), 3 * kDayMs);
  EXPECT_EQ(phone.replica().state().clock_off, -3 * kDayMs);
}

TEST(ClientFaults, GEN11SensitiveBucketLocksPastItsLeaseAndUnlocksAtContact) {
  ScriptedPhone phone;
  become_live(phone, {put("a", 3, "{}")}, BucketClass::sensitive);
  phone.close(1006);
  phone.clock().jump(Millis{4 * kDayMs});
  EXPECT_EQ(phone.row("notice", "a"), "");
  phone.clock().jump(Millis{-4 * kDayMs});
  EXPECT_EQ(phone.row("notice", "a"), "{}");
  // A wrong clock alone never deletes: counted running time must agree (M19).
  phone.clock().jump(Millis{30 * kDayMs});
  phone.advance(Millis{1'300'000});
  phone.connect();
  EXPECT_EQ(phone.row("notice", "a"), "{}");
  phone.close(1006);
  ASSERT_TRUE(
      phone.replica().count_offline(Millis{7 * kDayMs}, phone.clock().now() + Millis{7 * kDayMs}));
  phone.connect();
  EXPECT_EQ(phone.row("notice", "a"), "");
}

// --- Restored servers ---------------------------------------------------------------------------

TEST(ClientFaults, RestoredServerGetsJournalledWorkAgainUnderItsOldNumbers) {
  ScriptedPhone phone;
  become_live(phone, {put("a", 3, "{}")});
  for (int i = 1; i <= 3; ++i) phone.write("w", std::to_string(i));
  phone.receive({ok(UpLane::interactive, 1, 11), rejected(UpLane::interactive, 2, 12),
                 ok(UpLane::interactive, 3, 13), c_lane(Lane::normal, 13)});
  ASSERT_EQ(phone.replica().state().unsent(), 0U);
  phone.close(1006);
  const auto offline = phone.write("w", "4");
  EXPECT_EQ(offline.n, 0U);
  phone.sent();
  phone.epoch = Epoch{*Id128::parse(std::string(32, 'f'))};
  FrameWelcome welcome = welcome_at({grant(1)}, 7);
  welcome.last_n = {0, 1, 0};
  phone.connect(welcome);
  EXPECT_EQ(phone.last_hello().cert, "payload.sig");
  EXPECT_EQ(phone.row("notice", "a"), "");
  EXPECT_EQ(phone.replica().state().cur[1], Seq{7});
  std::vector<std::pair<std::uint64_t, std::string>> again;
  for (const auto& push : phone.sent<FramePush>())
    for (const auto& m : push.muts) again.emplace_back(m.n, m.args);
  EXPECT_EQ(again,
            (std::vector<std::pair<std::uint64_t, std::string>>{{2, "2"}, {3, "3"}, {4, "4"}}));
  // The refused one is not shown as if it held, and is not listed twice.
  EXPECT_EQ(phone.replica().overlay()->size(), 2U);
  phone.receive(rejected(UpLane::interactive, 2, 8));
  EXPECT_EQ(phone.replica().attention()->size(), 1U);
}

TEST(ClientFaults, JournalIsKeptFourteenDaysAndThenAnOldRestoreMeansANewKey) {
  ScriptedPhone phone;
  become_live(phone, {});
  phone.write("w", "1");
  phone.receive({ok(UpLane::interactive, 1, 11), c_lane(Lane::normal, 11)});
  phone.close(1006);
  ASSERT_TRUE(phone.replica().prune_journal(phone.clock().now() + Millis{1000}));
  phone.write("w", "2");
  phone.sent();
  phone.epoch = Epoch{*Id128::parse(std::string(32, 'f'))};
  phone.connect(welcome_at({}, 5));
  EXPECT_TRUE(phone.sent<FramePush>().empty());
  EXPECT_TRUE(phone.replica().state().rekey_wanted);
}

TEST(ClientFaults, NumberWhoseResultWasForgottenIsSentAgain) {
  ScriptedPhone phone;
  become_live(phone, {});
  phone.write("w", "1");
  phone.write("w", "2");
  ASSERT_EQ(phone.sent<FramePush>().size(), 2U);
  phone.close(1006);
  // The server knows both numbers and has no result left of either.
  FrameWelcome welcome = welcome_at({}, 10);
  welcome.buckets.reset();
  welcome.last_n = {0, 2, 0};
  phone.connect(welcome);
  EXPECT_TRUE(phone.sent<FramePush>().empty());
  phone.receive(c_lane(Lane::normal, 10));
  const auto pushes = phone.sent<FramePush>();
  ASSERT_EQ(pushes.size(), 1U);
  ASSERT_EQ(pushes.front().muts.size(), 2U);
  EXPECT_EQ(pushes.front().muts.front().n, 1U);
  phone.receive({ok(UpLane::interactive, 1, 0, {}), ok(UpLane::interactive, 2, 0, {})});
  EXPECT_EQ(phone.replica().state().unsent(), 0U);
}

// --- Clones -------------------------------------------------------------------------------------

TEST(ClientFaults, ClonedStoreTakesANewKeyAndLosesNothing) {
  ScriptedPhone phone;
  become_live(phone, {});
  phone.write("w", "shared");
  phone.receive({ok(UpLane::interactive, 1, 11), c_lane(Lane::normal, 11)});
  phone.close(1006);
  auto twin = phone.clone(99);
  twin->write("w", "of the twin");
  twin->sent();
  // The other one was faster: number 2 is taken.
  FrameWelcome welcome = welcome_at({grant(1)}, 12);
  welcome.last_n = {0, 2, 0};
  twin->connect(welcome);
  const Cid before = twin->replica().state().identity->cid;
  EXPECT_TRUE(twin->sent<FrameRekey>().empty());
  // The stored result of the other phone's mutation must not pass for ours.
  FrameR other = ok(UpLane::interactive, 2, 12);
  other.mhash = mutation_hash("w", "of the other");
  twin->receive(other);
  EXPECT_EQ(twin->replica().state().unsent(), 1U);
  const auto frames = twin->sent();
  const FrameRekey* rekey = nullptr;
  for (const auto& frame : frames) {
    if (const auto* one = std::get_if<FrameRekey>(&frame)) rekey = one;
    EXPECT_FALSE(std::holds_alternative<FramePush>(frame));
  }
  ASSERT_NE(rekey, nullptr);
  twin->receive(FrameRekeyed{Cid{client_id_of(rekey->pub)}, "new.cert"});
  EXPECT_NE(twin->replica().state().identity->cid, before);
  twin->close(1000);
  ASSERT_TRUE(twin->redial());
  twin->connect(welcome_at({grant(1)}, 12));
  const auto pushes = twin->sent<FramePush>();
  ASSERT_EQ(pushes.size(), 1U);
  EXPECT_EQ(pushes[0].muts[0].n, 1U);
  EXPECT_EQ(pushes[0].muts[0].args, "of the twin");
}

TEST(ClientFaults, ForkedErrorLeadsToRekeyOnAFreshSocketEvenAfterAKill) {
  ScriptedPhone phone;
  become_live(phone, {});
  phone.write("w", "1");
  FrameErr err;
  err.code = "forked";
  phone.receive(err);
  phone.kill();
  FrameWelcome welcome = welcome_at({grant(1)});
  welcome.last_n = {0, 1, 0};
  phone.connect(welcome);
  FrameR other = ok(UpLane::interactive, 1, 12);
  other.mhash = mutation_hash("w", "of a twin");
  phone.receive(other);
  EXPECT_EQ(phone.sent<FrameRekey>().size(), 1U);
  EXPECT_EQ(phone.replica().state().unsent(), 1U);
}

TEST(ClientFaults, ResultForANumberNeverGivenMeansThatACloneTookItAndLosesNothing) {
  ScriptedPhone phone;
  become_live(phone, {});
  const Cid before = phone.replica().state().identity->cid;
  // The clone pushed its number 1 and was thrown out: the answer comes to the socket that stayed.
  FrameR other = rejected(UpLane::interactive, 1, 0);
  other.mhash = mutation_hash("w", "of the clone");
  phone.receive(other);
  EXPECT_EQ(phone.closes(), std::vector<std::uint16_t>{1000});
  phone.write("w", "ours");
  EXPECT_TRUE(phone.sent<FramePush>().empty());
  phone.kill();
  FrameWelcome welcome = welcome_at({grant(1)}, 10);
  welcome.last_n = {0, 1, 0};
  phone.connect(welcome);
  phone.receive(other);
  const auto rekeys = phone.sent<FrameRekey>();
  ASSERT_EQ(rekeys.size(), 1U);
  phone.receive(FrameRekeyed{Cid{client_id_of(rekeys.front().pub)}, "new.cert"});
  EXPECT_NE(phone.replica().state().identity->cid, before);
  phone.close(1000);
  phone.connect(welcome_at({grant(1)}, 10));
  const auto pushes = phone.sent<FramePush>();
  ASSERT_EQ(pushes.size(), 1U);
  EXPECT_EQ(pushes.front().muts.front().n, 1U);
  EXPECT_EQ(pushes.front().muts.front().args, "ours");
}

TEST(ClientFaults, RetryForANumberNeverGivenTookNothing) {
  ScriptedPhone phone;
  become_live(phone, {});
  FrameR other = rejected(UpLane::interactive, 1, 0);
  other.status = MutationStatus::retry;
  phone.receive(other);
  EXPECT_TRUE(phone.closes().empty());
  EXPECT_FALSE(phone.replica().state().rekey_wanted);
}

/// Signs in and is thrown out by another socket with the same key.
void lose_socket(ScriptedPhone& phone) {
  phone.connect(welcome_at({grant(1)}, 10));
  FrameErr err;
  err.code = "conflict";
  err.fatal = true;
  phone.receive(err);
  phone.close(4409);
}

TEST(ClientFaults, TwoSilentClonesDoNotThrowEachOtherOutForEver) {
  ScriptedPhone phone;
  std::uint32_t conflicts = 0;
  for (; !phone.replica().state().rekey_wanted && conflicts < 100; ++conflicts) {
    lose_socket(phone);
    phone.advance(Millis{1000});
  }
  EXPECT_GE(conflicts, kConflictsMin);
  EXPECT_LT(conflicts, 100U);
  phone.connect(welcome_at({grant(1)}, 10));
  EXPECT_EQ(phone.sent<FrameRekey>().size(), 1U);
}

TEST(ClientFaults, RareConflictsAreNoClone) {
  ScriptedPhone phone;
  for (int i = 0; i < 100; ++i) {
    lose_socket(phone);
    phone.advance(kConflictSpan + Millis{1000});
  }
  EXPECT_FALSE(phone.replica().state().rekey_wanted);
}

// --- Crashes ------------------------------------------------------------------------------------

/// One life of a phone against a server that remembers; true when nothing died.
bool live_once(ScriptedPhone& phone, std::map<std::uint64_t, std::string>& server) {
  const auto alive = [&] { return phone.session().is_live(); };
  FrameWelcome welcome = welcome_at({grant(1)}, 10);
  welcome.last_n = {0, server.size(), 0};
  phone.connect(welcome);
  if (!alive()) return false;
  const std::uint64_t known = phone.last_hello().res_n[1];
  for (std::uint64_t n = known + 1; n <= server.size(); ++n)
    phone.receive(ok(UpLane::interactive, n, 10 + n));
  const std::vector<Op> rows{put("a", 3, "{}"), put("b", 4, "{}")};
  phone.receive(b_frame(1, 10, rows));
  phone.receive(c_bucket(1, 10, rows));
  if (!alive()) return false;
  for (const auto& push : phone.sent<FramePush>()) {
    for (const auto& m : push.muts) {
      if (m.n <= server.size()) continue;
      EXPECT_EQ(m.n, server.size() + 1);
      server[m.n] = m.args;
      phone.receive(ok(UpLane::interactive, m.n, 10 + m.n));
      if (!alive()) return false;
    }
  }
  phone.receive(c_lane(Lane::normal, 10 + server.size()));
  return alive();
}

TEST(ClientFaults, GEN13PhoneKilledAtAnyCommitAppliesEverythingExactlyOnce) {
  for (const bool after : {false, true}) {
    bool finished = false;
    for (std::uint64_t at = 1; !finished; ++at) {
      ASSERT_LT(at, 100U);
      ScriptedPhone phone;
      for (int i = 1; i <= 3; ++i) phone.write("w", std::to_string(i));
      const std::uint64_t start = phone.storage().commits();
      (after ? phone.storage().plan.after_commit : phone.storage().plan.before_commit) = start + at;
      std::map<std::uint64_t, std::string> server;
      finished = live_once(phone, server);
      for (int life = 0; life < 3 && !finished; ++life) {
        phone.kill();
        if (live_once(phone, server)) break;
      }
      SCOPED_TRACE("commit " + std::to_string(at) + (after ? " after" : " before"));
      EXPECT_EQ(server, (std::map<std::uint64_t, std::string>{{1, "1"}, {2, "2"}, {3, "3"}}));
      EXPECT_EQ(phone.replica().state().unsent(), 0U);
      EXPECT_EQ(phone.replica().state().confirmed, 0U);
      EXPECT_EQ(phone.row("notice", "b"), "{}");
      EXPECT_EQ(phone.replica().state().digest_mismatches, 0U);
    }
  }
}

TEST(ClientFaults, FullDiskClosesWithoutAcknowledgingAndRecovers) {
  ScriptedPhone phone;
  become_live(phone, {});
  phone.sent();
  phone.storage().is_full = true;
  phone.receive({b_frame(1, 11, {put("a", 11, "{}")}), c_lane(Lane::normal, 11)});
  EXPECT_TRUE(phone.sent<FrameAck>().empty());
  EXPECT_EQ(phone.session().trouble()->code, Errc::disk_full);
  EXPECT_EQ(phone.closes(), std::vector<std::uint16_t>{1011});
  phone.storage().is_full = false;
  phone.close(1011);
  phone.connect();
  phone.receive({b_frame(1, 11, {put("a", 11, "{}")}), c_lane(Lane::normal, 11)});
  EXPECT_EQ(phone.row("notice", "a"), "{}");
  EXPECT_FALSE(phone.session().trouble());
}

}  // namespace
}  // namespace linli
