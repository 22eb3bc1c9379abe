// SPDX-License-Identifier: Apache-2.0
// Goal:   a mutation takes effect exactly once or its author is told why not.
// Method: the committer over the memory store with a module small enough to predict.
#include "sync/engine/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/store/memory/memory_store.h"
#include "tests/support/note_module.h"

namespace linli::sync {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class CommitterTest : public ::testing::Test {
 protected:
  CommitterTest() {
    test::declare_notes(registry_);
    EXPECT_TRUE(committer_.open());
  }

  static Cid cid(std::uint8_t i) {
    Id128 id;
    id.bytes[0] = i;
    return Cid{id};
  }

  Submission device(std::uint64_t n, std::string name, const Json& args, std::uint8_t who = 1) {
    Submission s;
    s.actor = {.account = AccountId{cid(who).raw()},
               .cid = cid(who),
               .via = Via::device,
               .elevated = false,
               .scopes = {}};
    s.n = n;
    s.args_text = dump_json(args);
    s.mhash = mutation_hash(name, s.args_text);
    s.name = std::move(name);
    s.args = std::make_shared<const Json>(args);
    return s;
  }

  SharedCommit run(std::vector<Submission> batch) {
    auto out = committer_.run(batch);
    EXPECT_TRUE(out) << out.error().detail;
    answers_ = out->answers;
    return out->commit;
  }

  static Json note(std::string id, std::string text, Json buckets) {
    return {{"id", std::move(id)}, {"text", std::move(text)}, {"buckets", std::move(buckets)}};
  }

  const FrameR& result(const SharedCommit& commit, std::size_t i) {
    return std::get<FrameR>(commit->results.at(i).frame);
  }

  Registry registry_;
  MemoryStore store_;
  ManualClock clock_{from_unix_ms(1'700'000'000'000)};
  SeededRng rng_{7};
  Committer committer_{registry_, store_, clock_, rng_};
  std::vector<Answer> answers_;
};

TEST_F(CommitterTest, GivesOneSeqPerMutationAndMergesTheBatchPerBucket) {
  auto commit = run({device(1, "note.put", note("a", "one", {"all"})),
                     device(2, "note.put", note("a", "two", {"all"})),
                     device(3, "note.put", note("b", "three", {"all", "x:u"}))});
  EXPECT_EQ(commit->from, Seq{0});
  EXPECT_EQ(commit->to, Seq{3});
  ASSERT_EQ(commit->deltas.size(), 2U);
  EXPECT_EQ(commit->deltas[0].ops.size(), 2U) << "row a once, at its newest state";
  EXPECT_EQ(commit->deltas[0].ops[0].ver, Seq{2});
  EXPECT_EQ(commit->deltas[1].info.spec.lane, Lane::urgent);
  EXPECT_EQ(result(commit, 0).seq, Seq{1});
  EXPECT_THAT(result(commit, 2).lanes, ElementsAre(Lane::urgent, Lane::normal));
}

TEST_F(CommitterTest, GEN_2_RepeatedNumberGivesTheStoredResultAndNoSecondEffect) {
  run({device(1, "note.inc", {{"id", "c"}})});
  auto commit = run({device(1, "note.inc", {{"id", "c"}}), device(1, "note.inc", {{"id", "c"}})});
  EXPECT_EQ(commit->from, commit->to);
  EXPECT_EQ(result(commit, 0).seq, Seq{1});
  EXPECT_EQ(committer_.head(), Seq{1});
  auto row = store_.row({"count", "c"});
  EXPECT_EQ(*(*row)->data, R"({"n":1})");
}

TEST_F(CommitterTest, GEN_3_GapIsRefusedOnceAndNothingIsHeld) {
  auto commit = run({device(3, "note.inc", {{"id", "c"}}), device(4, "note.inc", {{"id", "c"}})});
  ASSERT_EQ(commit->results.size(), 1U);
  const auto& err = std::get<FrameErr>(commit->results[0].frame);
  EXPECT_EQ(err.code, "gap");
  EXPECT_EQ(err.want, 1U);
  EXPECT_EQ(committer_.head(), Seq{0});
}

TEST_F(CommitterTest, B6_WhoWaitsForANumberHearsOfItAlsoWhenItDidNotRunNow) {
  const auto waiting = [&](std::uint64_t n, const char* name, const Json& args,
                           std::uint64_t token) {
    Submission s = device(n, name, args);
    s.token = token;
    return s;
  };
  run({waiting(1, "note.inc", {{"id", "c"}}, 1), waiting(2, "note.fail", Json::object(), 2)});
  ASSERT_EQ(answers_.size(), 2U);
  run({waiting(1, "note.inc", {{"id", "c"}}, 3), waiting(2, "note.fail", Json::object(), 4),
       waiting(1, "note.inc", {{"id", "other"}}, 5), waiting(9, "note.inc", {{"id", "c"}}, 6),
       waiting(10, "note.inc", {{"id", "c"}}, 7)});
  ASSERT_EQ(answers_.size(), 5U) << "nobody waits for ever";
  EXPECT_TRUE(answers_[0].result.has_value() && answers_[0].replayed) << "it ran before";
  EXPECT_EQ(answers_[1].result.error().code, Errc::wrong_state);
  EXPECT_EQ(answers_[2].result.error().code, Errc::forked);
  EXPECT_EQ(answers_[3].result.error().code, Errc::gap);
  EXPECT_EQ(answers_[4].result.error().code, Errc::gap);
}

TEST_F(CommitterTest, SameNumberWithAnotherContentIsAFork) {
  run({device(1, "note.inc", {{"id", "c"}})});
  auto commit = run({device(1, "note.inc", {{"id", "other"}})});
  EXPECT_EQ(std::get<FrameErr>(commit->results[0].frame).code, "forked");
}

TEST_F(CommitterTest, GEN_4_RejectionConsumesItsNumberLeavesNothingAndLaterOnesPass) {
  auto commit = run({device(1, "note.fail", Json::object()), device(2, "note.inc", {{"id", "c"}})});
  EXPECT_EQ(result(commit, 0).status, MutationStatus::rejected);
  EXPECT_EQ(result(commit, 0).code, "wrong_state");
  EXPECT_EQ(result(commit, 1).status, MutationStatus::ok);
  EXPECT_EQ(result(commit, 1).seq, Seq{1}) << "a rejection takes no seq";
  EXPECT_FALSE((*store_.row({"note", "never"})).has_value());
  auto quarantine = store_.quarantine(10);
  ASSERT_EQ(quarantine->size(), 1U);
  EXPECT_EQ(quarantine->front().code, "wrong_state");
}

TEST_F(CommitterTest, PoisonMutationIsRejectedAndDoesNotWedgeTheQueue) {
  auto commit =
      run({device(1, "note.throw", Json::object()), device(2, "note.inc", {{"id", "c"}})});
  EXPECT_EQ(result(commit, 0).code, "internal");
  EXPECT_EQ(result(commit, 1).status, MutationStatus::ok);
}

TEST_F(CommitterTest, UnknownMutatorIsRejectedByName) {
  auto commit = run({device(1, "team.fly", Json::object())});
  EXPECT_EQ(result(commit, 0).code, "unknown_mutator");
}

TEST_F(CommitterTest, MovingARowLeavesATombstoneWhereItWas) {
  run({device(1, "note.put", note("a", "one", {"x", "y"}))});
  auto commit = run({device(2, "note.put", note("a", "one", {"y", "z"}))});
  std::map<std::string, bool> live;
  for (const BucketDelta& d : commit->deltas) live[d.info.spec.name] = d.ops.at(0).data != nullptr;
  EXPECT_EQ(live, (std::map<std::string, bool>{{"x", false}, {"y", true}, {"z", true}}));
}

TEST_F(CommitterTest, EqualContentAndPlacementChangeNothing) {
  run({device(1, "note.put", note("a", "one", {"x"}))});
  auto commit = run({device(2, "note.put", note("a", "one", {"x"}))});
  EXPECT_EQ(commit->to, Seq{2});
  EXPECT_TRUE(commit->deltas.empty());
  EXPECT_TRUE(result(commit, 0).lanes.empty());
}

TEST_F(CommitterTest, DigestsFollowWhatTheStoreHolds) {
  SeededRng rng{11};
  std::uint64_t n = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<Submission> batch;
    for (int i = 0; i < 8; ++i) {
      const std::string id = "k" + std::to_string(rng.below(12));
      if (rng.below(4) == 0) {
        batch.push_back(device(++n, "note.del", {{"id", id}}));
        continue;
      }
      Json buckets = Json::array();
      for (const char* name : {"a", "b:u", "c"})
        if (rng.below(2) == 0) buckets.push_back(name);
      batch.push_back(device(++n, "note.put", note(id, std::to_string(rng.below(3)), buckets)));
    }
    run(std::move(batch));
  }
  const auto state = store_.load();
  for (const BucketInfo& info : state->buckets) {
    auto chunk = store_.chunk(info.id, Seq{0}, false, 1000, 1'000'000);
    Digest digest;
    for (const Op& op : chunk->ops) digest.add(row_hash(op.row.tbl, op.row.key, op.ver, *op.data));
    EXPECT_EQ(digest, info.digest) << info.spec.name;
  }
}

TEST_F(CommitterTest, ScanSeesOwnBatchOverTheStore) {
  registry_.add(MutatorDef{.name = "note.find",
                           .args_schema = {},
                           .permit = {},
                           .run = [](MutatorContext& ctx, const Json& args) -> MutatorResult {
                             Json keys = Json::array();
                             for (const auto& hit :
                                  ctx.scan("note.text", json_text(args, "p"), {}, 3))
                               keys.push_back(hit.value + "/" + hit.key);
                             return keys;
                           },
                           .effects = {},
                           .summary = ""});
  run({device(1, "note.put", note("a", "t1", {"x"})), device(2, "note.put", note("b", "t2", {"x"})),
       device(3, "note.put", note("c", "t5", {"x"})),
       device(4, "note.put", note("d", "u1", {"x"}))});
  auto commit =
      run({device(5, "note.del", {{"id", "a"}}), device(6, "note.put", note("e", "t3", {"x"})),
           device(7, "note.find", {{"p", "t"}})});
  EXPECT_EQ(result(commit, 2).info, R"(["t2/b","t3/e","t5/c"])");
}

TEST_F(CommitterTest, MembershipChangesTravelWithTheCommitAndSurviveReload) {
  const std::string account = cid(9).raw().hex();
  auto commit = run({device(1, "member.set", {{"account", account}, {"buckets", {"x", "y:u"}}})});
  ASSERT_EQ(commit->members.size(), 2U);
  commit = run({device(2, "member.set", {{"account", account}, {"buckets", {"y:u", "z"}}})});
  ASSERT_EQ(commit->members.size(), 2U);
  EXPECT_FALSE(commit->members[0].add);
  EXPECT_TRUE(commit->members[1].add);
  EXPECT_EQ(store_.load()->members.size(), 2U);
}

TEST_F(CommitterTest, DeskWorkIsRefusedToPhonesAndNeedsElevation) {
  auto commit = run({device(1, "note.desk", Json::object())});
  EXPECT_EQ(result(commit, 0).code, "forbidden");
  Submission api = device(0, "note.desk", Json::object());
  api.actor.via = Via::api;
  api.token = 5;
  run({api});
  EXPECT_EQ(answers_.at(0).result.error().code, Errc::elevation_required);
  api.actor.elevated = true;
  run({api});
  EXPECT_TRUE(answers_.at(0).result);
}

TEST_F(CommitterTest, SameIdempotencyKeyGivesTheFirstAnswer) {
  Submission api = device(0, "note.inc", {{"id", "c"}});
  api.actor.via = Via::api;
  api.token = 5;
  api.idempotency = Idempotency{"key-1", api.mhash};
  run({api, api});
  EXPECT_FALSE(answers_.at(0).replayed);
  EXPECT_TRUE(answers_.at(1).replayed);
  run({api});
  EXPECT_TRUE(answers_.at(0).replayed);
  EXPECT_EQ(committer_.head(), Seq{1});
  api.idempotency->request_hash = Id128{};
  run({api});
  EXPECT_EQ(answers_.at(0).result.error().code, Errc::idempotency_mismatch);
}

TEST_F(CommitterTest, DueRowRunsOnceAtItsTimeAndLateOnesAreMarkedMissed) {
  const std::int64_t soon = to_unix_ms(clock_.now() + 1min);
  run({device(1, "note.later", {{"id", "l"}, {"at", soon}}),
       device(2, "note.later", {{"id", "m"}, {"at", soon}}),
       device(3, "note.later", {{"id", "m"}, {"at", soon + 1}})});
  EXPECT_EQ((*committer_.tick()).commit->to, Seq{3}) << "not yet";
  clock_.advance(1min);
  EXPECT_EQ((*committer_.tick()).commit->to, Seq{4});
  EXPECT_EQ((*committer_.tick()).commit->to, Seq{4});
  clock_.advance(2h);
  EXPECT_EQ((*committer_.tick()).commit->to, Seq{5});
  EXPECT_THAT(*(*store_.row({"note", "m"}))->data, ::testing::HasSubstr("missed"));
}

TEST_F(CommitterTest, DueWorkThatFailsIsTriedAgain) {
  const std::int64_t soon = to_unix_ms(clock_.now() + 1min);
  run({device(1, "note.later", {{"id", "l"}, {"at", soon}}),
       device(2, "note.put", {{"id", "broken"}, {"text", "x"}, {"buckets", Json::array()}})});
  clock_.advance(1min);
  EXPECT_EQ((*committer_.tick()).commit->to, Seq{2}) << "threw, no effect";
  EXPECT_EQ((*committer_.tick()).commit->to, Seq{2}) << "waits";
  run({device(3, "note.del", {{"id", "broken"}})});
  clock_.advance(1min);
  EXPECT_EQ((*committer_.tick()).commit->to, Seq{4});
  EXPECT_TRUE(*store_.row({"note", "l"}));
}

TEST_F(CommitterTest, StoreFailureLeavesNothingAndTheSameBatchRunsAgain) {
  run({device(1, "note.inc", {{"id", "c"}})});
  store_.fail_apply({.nth = 1, .code = Errc::disk_full, .durable = false});
  std::vector<Submission> batch{device(2, "note.inc", {{"id", "c"}})};
  EXPECT_EQ(committer_.run(batch).error().code, Errc::disk_full);
  EXPECT_EQ(committer_.head(), Seq{1});
  auto commit = run({device(2, "note.inc", {{"id", "c"}})});
  EXPECT_EQ(result(commit, 0).status, MutationStatus::ok);
  EXPECT_EQ(*(*store_.row({"count", "c"}))->data, R"({"n":2})");
}

TEST_F(CommitterTest, PayloadIsEncodedOncePerEncoding) {
  auto commit = run({device(1, "note.put", note("a", "one", {"x"}))});
  const auto* first = &commit->encoded(Encoding::cbor);
  EXPECT_EQ(first, &commit->encoded(Encoding::cbor));
  EXPECT_FALSE(commit->encoded(Encoding::json).buckets.empty());
  EXPECT_EQ(commit->encodes(), 2);
}

}  // namespace
}  // namespace linli::sync
