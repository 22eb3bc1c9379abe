// SPDX-License-Identifier: Apache-2.0
// Goal:   the phone's machine keeps every promise of docs/PROTOCOL.md on its own: nothing shows
//         before its C, nothing leaves the overlay too early, nothing that was written is lost.
// Method: frames of a server written by hand, virtual time, a store that can die at any commit.
// A failure here means that some phone loses work or shows what it must not.
#include <set>

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
using test::tombstone;

FrameWelcome welcome_with(std::vector<BucketGrant> buckets, std::uint64_t head = 10) {
  FrameWelcome out;
  out.head = {Seq{head}, Seq{head}};
  out.buckets = std::move(buckets);
  return out;
}

/// Bucket 1 (normal) live with `rows` at seq 10.
void make_live(ScriptedPhone& phone, const std::vector<Op>& rows) {
  phone.connect(welcome_with({grant(1)}));
  phone.receive({b_frame(1, 10, rows), c_bucket(1, 10, rows)});
  ASSERT_TRUE(phone.session().is_caught_up());
}

TEST(ClientSession, ENR_10_AReplacedPhoneDropsItsRowsHandsOverAndSaysWhatWasTaken) {
  ScriptedPhone phone;
  make_live(phone, {put("a", 3, "{}")});
  phone.close(1006);
  phone.write("note.one", "{}");
  phone.write("note.two", "{}");
  phone.sent();
  FrameWelcome welcome = welcome_with({}, 12);
  welcome.hand_over = to_unix_ms(phone.clock().now()) - 1;
  phone.connect(welcome);
  EXPECT_EQ(phone.row("notice", "a"), "") << "gone at once";
  EXPECT_TRUE(phone.replica().state().buckets.empty());
  const auto pushes = phone.sent<FramePush>();
  ASSERT_EQ(pushes.size(), 1U);
  ASSERT_EQ(pushes[0].muts.size(), 2U);
  EXPECT_EQ(phone.replica().hand_over()->value().waiting, 2U);
  phone.receive({ok(UpLane::interactive, 1, 13), rejected(UpLane::interactive, 2, 14, "revoked"),
                 c_lane(Lane::normal, 14)});
  EXPECT_EQ(phone.sent<FrameBye>().size(), 1U);
  EXPECT_EQ(phone.session().state(), ClientSession::State::halted);
  EXPECT_EQ(phone.session().trouble()->code, Errc::revoked);
  phone.kill();
  const HandOver done = phone.replica().hand_over()->value();
  EXPECT_EQ(done.taken, 1U);
  EXPECT_EQ(done.refused, 1U);
  EXPECT_EQ(done.waiting, 0U);
  EXPECT_EQ(phone.replica().attention()->size(), 1U) << "and can be looked at";
}

TEST(ClientSession, ENR_10_AHandOverThatBreaksGoesOnWithTheSameNumbers) {
  ScriptedPhone phone;
  make_live(phone, {});
  phone.close(1006);
  phone.write("note.one", "{}");
  phone.write("note.two", "{}");
  FrameWelcome welcome = welcome_with({}, 12);
  welcome.hand_over = to_unix_ms(phone.clock().now()) - 1;
  phone.connect(welcome);
  phone.receive(ok(UpLane::interactive, 1, 13, {}));
  phone.close(1006);
  phone.kill();
  welcome.last_n[index(UpLane::interactive)] = 1;
  phone.connect(welcome);
  const auto pushes = phone.sent<FramePush>();
  ASSERT_EQ(pushes.size(), 1U);
  ASSERT_EQ(pushes[0].muts.size(), 1U);
  EXPECT_EQ(pushes[0].muts[0].n, 2U);
  phone.receive(ok(UpLane::interactive, 2, 14, {}));
  EXPECT_EQ(phone.session().state(), ClientSession::State::halted);
  EXPECT_EQ(phone.replica().hand_over()->value().taken, 2U);
}

TEST(ClientSession, ENR_10_AReplacedPhoneWithNothingToHandOverSaysBye) {
  ScriptedPhone phone;
  FrameWelcome welcome = welcome_with({}, 12);
  welcome.hand_over = 1;
  phone.connect(welcome);
  EXPECT_EQ(phone.sent<FrameBye>().size(), 1U);
  EXPECT_EQ(phone.session().state(), ClientSession::State::halted);
}

class ClientSessionEncodings : public testing::TestWithParam<Encoding> {};
INSTANTIATE_TEST_SUITE_P(Both, ClientSessionEncodings,
                         testing::Values(Encoding::json, Encoding::cbor));

TEST_P(ClientSessionEncodings, FirstContactFillsShowsAtTheRevealAndAcknowledges) {
  ScriptedPhone phone(GetParam());
  phone.connect(welcome_with({grant(1)}));
  const HelloBody hello = phone.last_hello();
  EXPECT_FALSE(hello.epoch);
  EXPECT_FALSE(hello.set_hash);
  EXPECT_EQ(hello.cert, "payload.sig");
  EXPECT_TRUE(phone.sent<FrameHave>().empty());
  const std::vector<Op> rows{put("a", 3, R"({"t":"你好"})"), put("b", 7, "{}")};
  phone.receive(b_frame(1, 10, rows));
  EXPECT_EQ(phone.row("notice", "a"), "");
  phone.receive(c_bucket(1, 10, rows));
  EXPECT_EQ(phone.row("notice", "a"), R"({"t":"你好"})");
  const auto acks = phone.sent<FrameAck>();
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(acks[0].cur[index(Lane::normal)], Seq{10});
  EXPECT_EQ(phone.replica().state().digest_mismatches, 0U);
}

TEST(ClientSession, ReconnectNamesWhatItHoldsAndAnswersHave) {
  ScriptedPhone phone;
  make_live(phone, {put("a", 3, "{}")});
  phone.close(1006);
  phone.sent();
  phone.connect(welcome_with({grant(1), grant(2)}, 12));
  const HelloBody hello = phone.last_hello();
  EXPECT_EQ(hello.set_hash, bucket_set_hash({{BucketId{1}, Seq{1}}}));
  EXPECT_EQ(hello.cert, "");
  const auto haves = phone.sent<FrameHave>();
  ASSERT_EQ(haves.size(), 1U);
  ASSERT_EQ(haves[0].live.size(), 1U);
  EXPECT_EQ(haves[0].live[0].b, BucketId{1});
  EXPECT_TRUE(haves[0].part.empty());
}

TEST(ClientSession, LaneCommitAppliesOnlyNewerVersionsTombstonesIncluded) {
  ScriptedPhone phone;
  make_live(phone, {put("a", 3, "old"), put("b", 4, "b4")});
  const std::vector<Op> after{put("a", 11, "new")};
  phone.receive(
      {b_frame(1, 11, {put("a", 11, "new"), tombstone("b", 11)}),
       b_frame(1, 12, {put("b", 5, "zombie"), put("a", 2, "older")}, test::digest_of(after)),
       c_lane(Lane::normal, 12)});
  EXPECT_EQ(phone.row("notice", "a"), "new");
  EXPECT_EQ(phone.row("notice", "b"), "");
  EXPECT_EQ(phone.replica().state().digest_mismatches, 0U);
  EXPECT_EQ(phone.replica().state().cur[1], Seq{12});
}

TEST(ClientSession, FillingBucketIsNotRevealedByTheCommitOfItsLane) {
  ScriptedPhone phone;
  phone.connect(welcome_with({grant(1)}));
  phone.receive({b_frame(1, 5, {put("a", 3, "{}")}), c_lane(Lane::normal, 11)});
  EXPECT_EQ(phone.row("notice", "a"), "");
}

TEST(ClientSession, WrongDigestKeepsShowingCountsAndRefillsWithoutEndlessHaste) {
  ScriptedPhone phone;
  const std::vector<Op> rows{put("a", 3, "{}")};
  make_live(phone, rows);
  phone.receive({b_frame(1, 11, {put("b", 11, "{}")}, Digest{9, 9}), c_lane(Lane::normal, 11)});
  EXPECT_EQ(phone.replica().state().digest_mismatches, 1U);
  EXPECT_EQ(phone.row("notice", "a"), "{}");
  auto refills = phone.sent<FrameRefill>();
  ASSERT_EQ(refills.size(), 1U);
  EXPECT_EQ(refills[0].buckets, std::vector{BucketId{1}});
  // Wrong again: the next request waits.
  phone.receive({b_frame(1, 11, rows), c_bucket(1, 11, {})});
  EXPECT_EQ(phone.replica().state().digest_mismatches, 2U);
  EXPECT_TRUE(phone.sent<FrameRefill>().empty());
  EXPECT_EQ(phone.row("notice", "b"), "{}");
  for (int minute = 0; minute < 2; ++minute) {
    phone.advance(Millis{19'000});
    phone.receive(FramePong{});
    phone.advance(Millis{19'000});
    phone.receive(FramePong{});
  }
  EXPECT_EQ(phone.sent<FrameRefill>().size(), 1U);
  phone.receive({b_frame(1, 11, rows), c_bucket(1, 11, rows)});
  EXPECT_TRUE(phone.session().is_caught_up());
  EXPECT_EQ(phone.row("notice", "b"), "");
}

TEST(ClientSession, RefilledBucketDoesNotResumeFromFramesOfBefore) {
  ScriptedPhone phone;
  make_live(phone, {put("a", 3, "{}")});
  phone.receive({b_frame(1, 11, {}, Digest{9, 9}), c_lane(Lane::normal, 11)});
  // Was on the line when the server read our refill: its `to` says nothing about the new fill.
  phone.receive(b_frame(1, 50, {put("z", 50, "{}")}));
  phone.close(1006);
  phone.connect();
  ASSERT_EQ(phone.last_hello().part.size(), 1U);
  EXPECT_EQ(phone.last_hello().part[0].cur, Seq{});
}

TEST(ClientSession, FramesOfBeforeARefillDoNotSpoilIt) {
  ScriptedPhone phone;
  const std::vector<Op> rows{put("a", 3, "{}"), put("z", 50, "{}")};
  make_live(phone, {put("a", 3, "{}")});
  phone.receive({b_frame(1, 11, {}, Digest{9, 9}), c_lane(Lane::normal, 11)});
  EXPECT_EQ(phone.sent<FrameRefill>().size(), 1U);
  // On the line when the server read our refill: "gone" was deleted since, which no fill says.
  phone.receive({b_frame(1, 12, {put("gone", 12, "{}")}), c_lane(Lane::normal, 12)});
  phone.receive({FrameM{Seq{50}, {}, {grant(1)}}, b_frame(1, 50, rows), c_bucket(1, 50, rows)});
  EXPECT_EQ(phone.replica().state().digest_mismatches, 1U);
  EXPECT_TRUE(phone.session().is_caught_up());
  EXPECT_EQ(phone.row("notice", "z"), "{}");
  EXPECT_EQ(phone.row("notice", "gone"), "");
}

TEST(ClientSession, AnAnsweredRefillThatIsWrongAgainIsStillRepeatedWithoutHaste) {
  ScriptedPhone phone;
  make_live(phone, {put("a", 3, "{}")});
  phone.receive({b_frame(1, 11, {}, Digest{9, 9}), c_lane(Lane::normal, 11)});
  EXPECT_EQ(phone.sent<FrameRefill>().size(), 1U);
  phone.receive(
      {FrameM{Seq{11}, {}, {grant(1)}}, b_frame(1, 11, {}), c_bucket(1, 11, {put("a", 3, "")})});
  EXPECT_EQ(phone.replica().state().digest_mismatches, 2U);
  EXPECT_TRUE(phone.sent<FrameRefill>().empty());
}

TEST(ClientSession, AFillOfARefillIsResumed) {
  ScriptedPhone phone;
  make_live(phone, {put("a", 3, "{}")});
  phone.receive({b_frame(1, 11, {}, Digest{9, 9}), c_lane(Lane::normal, 11)});
  phone.receive({FrameM{Seq{60}, {}, {grant(1)}}, b_frame(1, 50, {put("z", 50, "{}")})});
  phone.close(1006);
  phone.connect();
  ASSERT_EQ(phone.last_hello().part.size(), 1U);
  EXPECT_EQ(phone.last_hello().part[0].cur, Seq{50});
}

TEST(ClientSession, GEN10DropPurgesAtOnceAndKeepsPendingWork) {
  ScriptedPhone phone;
  make_live(phone, {put("a", 3, "{}")});
  phone.write("notice.acknowledge", R"({"notice":"a"})", UpLane::alert);
  phone.receive({b_frame(1, 11, {put("c", 11, "{}")}), FrameM{Seq{12}, {BucketId{1}}, {}},
                 c_lane(Lane::normal, 12)});
  EXPECT_EQ(phone.row("notice", "a"), "");
  EXPECT_EQ(phone.row("notice", "c"), "");
  EXPECT_TRUE(phone.replica().state().buckets.empty());
  EXPECT_EQ(phone.replica().state().unsent(), 1U);
}

TEST(ClientSession, GrantOfALiveBucketFillsAnewAndShowsTheOldMeanwhile) {
  ScriptedPhone phone;
  make_live(phone, {put("a", 3, "{}")});
  phone.receive(FrameM{Seq{12}, {}, {grant(1, Lane::normal, 12)}});
  EXPECT_EQ(phone.row("notice", "a"), "{}");
  const std::vector<Op> rows{put("b", 12, "{}")};
  phone.receive({b_frame(1, 12, rows), c_bucket(1, 12, rows)});
  EXPECT_EQ(phone.row("notice", "a"), "");
  EXPECT_EQ(phone.row("notice", "b"), "{}");
}

TEST(ClientSession, RowInTwoBucketsShowsTheNewestLiveEntry) {
  ScriptedPhone phone;
  phone.connect(welcome_with({grant(1), grant(2, Lane::urgent)}));
  const std::vector<Op> old{put("a", 3, "old")};
  const std::vector<Op> young{put("a", 5, "young")};
  phone.receive(
      {b_frame(1, 10, old), c_bucket(1, 10, old), b_frame(2, 10, young), c_bucket(2, 10, young)});
  EXPECT_EQ(phone.row("notice", "a"), "young");
  phone.receive(FrameM{Seq{11}, {BucketId{2}}, {}});
  EXPECT_EQ(phone.row("notice", "a"), "old");
}

TEST(ClientSession, LargeFillSpillsToTheStoreAndAKilledPhoneResumesIt) {
  ScriptedPhone phone;
  phone.connect(welcome_with({grant(1)}, 3000));
  std::vector<Op> rows;
  for (std::uint64_t ver = 1; ver <= 2000; ++ver) {
    rows.push_back(put("k" + std::to_string(ver), ver, std::string(1000, 'x')));
    phone.receive(b_frame(1, ver, {rows.back()}));
    ASSERT_LE(phone.session().staged_bytes(), kStagingBytesMax + 2000);
  }
  phone.kill();
  phone.connect();
  ASSERT_EQ(phone.last_hello().part.size(), 1U);
  const std::uint64_t from = phone.last_hello().part[0].cur.raw();
  EXPECT_GT(from, 500U);
  for (std::uint64_t ver = from + 1; ver <= 2000; ++ver)
    phone.receive(b_frame(1, ver, {rows[ver - 1]}));
  phone.receive({c_bucket(1, 3000, rows), c_lane(Lane::normal, 3000), c_lane(Lane::urgent, 3000)});
  EXPECT_EQ(phone.replica().state().digest_mismatches, 0U);
  EXPECT_EQ(phone.replica().rows("notice", {}, phone.clock().now())->size(), 2000U);
}

TEST(ClientSession, LargeLaneCommitSpillsAndStaysAtomic) {
  ScriptedPhone phone;
  make_live(phone, {});
  std::vector<Op> rows;
  for (std::uint64_t ver = 11; ver <= 2010; ++ver) {
    rows.push_back(put("k" + std::to_string(ver), ver, std::string(1000, 'x')));
    phone.receive(b_frame(1, ver, {rows.back()}));
  }
  EXPECT_LT(phone.session().staged_bytes(), kStagingBytesMax + 2000);
  EXPECT_EQ(phone.replica().rows("notice", {}, phone.clock().now())->size(), 0U);
  phone.receive({b_frame(1, 2010, {}, test::digest_of(rows)), c_lane(Lane::normal, 2010)});
  EXPECT_EQ(phone.replica().state().digest_mismatches, 0U);
  EXPECT_EQ(phone.replica().rows("notice", {}, phone.clock().now())->size(), 2000U);
}

TEST(ClientSession, LaneStagingOfAClosedSocketIsForgotten) {
  ScriptedPhone phone;
  make_live(phone, {});
  phone.receive(b_frame(1, 11, {put("a", 11, "stale")}));
  phone.close(1006);
  phone.connect();
  phone.receive(c_lane(Lane::normal, 12));
  EXPECT_EQ(phone.row("notice", "a"), "");
}

// --- Writing ------------------------------------------------------------------------------------

TEST(ClientSession, GEN1OfflineWorkIsKeptEditableAndNumberedOnlyWhenSent) {
  ScriptedPhone phone;
  const auto first = phone.write("a", R"({"x":1})");
  const auto second = phone.write("b", R"({"x":2})");
  const auto third = phone.write("c", R"({"x":3})");
  EXPECT_EQ(first.n, 0U);
  phone.kill();
  ASSERT_TRUE(phone.replica().edit(second.id, R"({"x":22})"));
  ASSERT_TRUE(phone.replica().withdraw(third.id));
  phone.connect(welcome_with({}));
  EXPECT_EQ(phone.last_hello().pending, 2U);
  const auto pushes = phone.sent<FramePush>();
  ASSERT_EQ(pushes.size(), 1U);
  ASSERT_EQ(pushes[0].muts.size(), 2U);
  EXPECT_EQ(pushes[0].muts[0].n, 1U);
  EXPECT_EQ(pushes[0].muts[1].args, R"({"x":22})");
  EXPECT_EQ(phone.replica().edit(second.id, "{}").error().code, Errc::wrong_state);
}

TEST(ClientSession, OverlayLeavesOnlyWhenEveryLaneOfTheResultHasCaughtUp) {
  ScriptedPhone phone;
  make_live(phone, {});
  phone.write("a", "{}");
  phone.receive(
      {ok(UpLane::interactive, 1, 11, {Lane::urgent, Lane::normal}), c_lane(Lane::urgent, 11)});
  EXPECT_EQ(phone.replica().overlay()->size(), 1U);
  EXPECT_EQ(phone.replica().state().unsent(), 0U);
  phone.receive(c_lane(Lane::normal, 10));
  EXPECT_EQ(phone.replica().overlay()->size(), 1U);
  phone.receive(c_lane(Lane::normal, 11));
  EXPECT_TRUE(phone.replica().overlay()->empty());
  const auto acks = phone.sent<FrameAck>();
  EXPECT_EQ(acks.back().res[index(UpLane::interactive)], 1U);
}

TEST(ClientSession, ResultAndItsCommitAreOneLocalTransaction) {
  ScriptedPhone phone;
  make_live(phone, {});
  phone.write("a", "{}");
  const std::uint64_t before = phone.storage().commits();
  phone.receive({ok(UpLane::interactive, 1, 11), b_frame(1, 11, {put("a", 11, "{}")}),
                 c_lane(Lane::normal, 11)});
  EXPECT_EQ(phone.storage().commits(), before + 1);
}

TEST(ClientSession, GEN4RejectionGoesToTheAttentionListAndLaterWorkPasses) {
  ScriptedPhone phone;
  make_live(phone, {});
  phone.write("a", R"({"seat":40})");
  phone.write("b", "{}");
  phone.receive({rejected(UpLane::interactive, 1, 11), ok(UpLane::interactive, 2, 12),
                 c_lane(Lane::normal, 12)});
  const auto attention = phone.replica().attention();
  ASSERT_EQ(attention->size(), 1U);
  EXPECT_EQ((*attention)[0].args, R"({"seat":40})");
  EXPECT_EQ((*attention)[0].code, "wrong_state");
  EXPECT_TRUE(phone.replica().overlay()->empty());
  const auto mended = phone.replica().mend((*attention)[0].id, R"({"seat":41})", {}, true);
  ASSERT_TRUE(mended);
  phone.session().on_local_write();
  phone.sent();
  EXPECT_EQ(mended->n, 3U);
  EXPECT_EQ(mended->fixes, 1U);
  EXPECT_EQ(phone.replica().state().attention, 0U);
}

TEST(ClientSession, GEN2LostResultIsNotSentAgainWhenTheServerKnowsTheNumber) {
  ScriptedPhone phone;
  make_live(phone, {});
  phone.write("a", "{}");
  phone.close(1006);
  phone.sent();
  FrameWelcome welcome;
  welcome.head = {Seq{11}, Seq{11}};
  welcome.last_n = {0, 1, 0};
  phone.connect(welcome);
  EXPECT_TRUE(phone.sent<FramePush>().empty());
  phone.receive({ok(UpLane::interactive, 1, 11), c_lane(Lane::normal, 11)});
  EXPECT_EQ(phone.replica().state().unsent(), 0U);
}

TEST(ClientSession, GEN3GapIsAnsweredBySendingAgainFromTheWantedNumberOnce) {
  ScriptedPhone phone;
  make_live(phone, {});
  for (int i = 0; i < 5; ++i) phone.write("a", std::to_string(i));
  phone.sent();
  FrameErr gap;
  gap.code = "gap";
  gap.fatal = false;
  gap.lane = UpLane::interactive;
  gap.want = 3;
  phone.receive({gap, gap});
  const auto pushes = phone.sent<FramePush>();
  ASSERT_EQ(pushes.size(), 1U);
  ASSERT_EQ(pushes[0].muts.size(), 3U);
  EXPECT_EQ(pushes[0].muts[0].n, 3U);
}

TEST(ClientSession, RetryWaitsAndSendsAgainFromThere) {
  ScriptedPhone phone;
  make_live(phone, {});
  phone.write("a", "1");
  phone.write("a", "2");
  phone.sent();
  FrameR retry = ok(UpLane::interactive, 1, 0, {});
  retry.status = MutationStatus::retry;
  retry.code = "unavailable";
  retry.after_ms = 5000;
  phone.receive(retry);
  EXPECT_TRUE(phone.sent<FramePush>().empty());
  phone.advance(Millis{4000});
  EXPECT_TRUE(phone.sent<FramePush>().empty());
  phone.advance(Millis{2000});
  const auto pushes = phone.sent<FramePush>();
  ASSERT_EQ(pushes.size(), 1U);
  EXPECT_EQ(pushes[0].muts.size(), 2U);
}

TEST(ClientSession, GEN12BulkWaitsForAnswersSoThatAnAlertNeverWaitsBehindIt) {
  ScriptedPhone phone;
  make_live(phone, {});
  phone.close(1006);
  for (int i = 0; i < 40; ++i) phone.write("form", std::string(4000, 'x'), UpLane::bulk);
  phone.write("notice.acknowledge", "{}", UpLane::alert);
  phone.sent();
  phone.connect();
  const auto pushes = phone.sent<FramePush>();
  ASSERT_GE(pushes.size(), 2U);
  EXPECT_EQ(pushes[0].lane, UpLane::alert);
  std::size_t bulk = 0;
  for (const auto& push : pushes)
    for (const auto& m : push.muts) bulk += push.lane == UpLane::bulk ? m.args.size() : 0;
  EXPECT_LE(bulk, kInFlightBytes[index(UpLane::bulk)] + 4000);
  std::set<std::uint64_t> numbers;
  for (std::uint64_t n = 1; n <= 40; ++n) {
    phone.receive(ok(UpLane::bulk, n, 10 + n, {}));
    for (const auto& push : phone.sent<FramePush>())
      for (const auto& m : push.muts) EXPECT_TRUE(numbers.insert(m.n).second);
  }
  EXPECT_EQ(phone.replica().state().unsent(), 1U);
}

TEST(ClientSession, PushHoldsAtMostAHundredMutations) {
  ScriptedPhone phone;
  for (int i = 0; i < 250; ++i) phone.write("a", "{}");
  phone.connect(welcome_with({}));
  std::size_t total = 0;
  for (const auto& push : phone.sent<FramePush>()) {
    EXPECT_LE(push.muts.size(), limits::kPushMutationsMax);
    total += push.muts.size();
  }
  EXPECT_EQ(total, 250U);
}

}  // namespace
}  // namespace linli
