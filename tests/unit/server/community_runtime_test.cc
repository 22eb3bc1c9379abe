// SPDX-License-Identifier: Apache-2.0
// Goal:   the writer answers every submission exactly once, in order, whatever the store does.
// Method: a runtime over MemoryStore with planted faults; callbacks are awaited by futures.
// A failure here means that work is lost, run twice, or that a full disk wedges a community.
#include "server/app/community_runtime.h"

#include <future>

#include <gtest/gtest.h>

#include "sync/store/memory/memory_store.h"
#include "tests/support/note_module.h"

namespace linli::app {
namespace {

using sync::MemoryStore;
constexpr std::chrono::seconds kPatience{20};

class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override { test::declare_notes(registry_); }
  void TearDown() override {
    if (runtime_) runtime_->stop();
  }

  void open() {
    RuntimeOptions options;
    options.slug = "test";
    options.registry = &registry_;
    options.clock = &clock_;
    options.rng = &rng_;
    options.open_store = [this]() -> Result<std::unique_ptr<sync::Store>> {
      ++opened_;
      auto store = std::make_unique<MemoryStore>();
      if (store_ != nullptr) store->restore(kept_->snapshot());
      store_ = store.get();
      return store;
    };
    auto runtime = CommunityRuntime::open(std::move(options));
    ASSERT_TRUE(runtime);
    runtime_ = std::move(*runtime);
    runtime_->observe([this](const sync::SharedCommit& commit) {
      const std::lock_guard lock(mutex_);
      commits_.push_back(commit);
    });
    runtime_->start();
  }

  static sync::Submission system(std::string name, Json args) {
    sync::Submission out;
    out.name = std::move(name);
    out.args_text = dump_json(args);
    out.args = std::make_shared<const Json>(std::move(args));
    return out;
  }

  sync::Answer run(std::string name, Json args) {
    std::promise<sync::Answer> answered;
    auto future = answered.get_future();
    const bool queued = runtime_->submit(system(std::move(name), std::move(args)),
                                         [&](sync::Answer a) { answered.set_value(std::move(a)); });
    EXPECT_TRUE(queued);
    EXPECT_EQ(future.wait_for(kPatience), std::future_status::ready);
    return future.get();
  }

  sync::Answer put_note(const std::string& id) {
    return run("note.put", {{"id", id}, {"text", "x"}, {"buckets", Json::array()}});
  }

  SystemClock clock_;
  SeededRng rng_{1};
  sync::Registry registry_;
  MemoryStore* store_ = nullptr;
  std::unique_ptr<MemoryStore> kept_ = std::make_unique<MemoryStore>();
  int opened_ = 0;
  std::mutex mutex_;
  std::vector<sync::SharedCommit> commits_;
  std::unique_ptr<CommunityRuntime> runtime_;
};

TEST_F(RuntimeTest, WhatAnOlderProgramLeftIsBroughtUpToDateBeforeAnybodyIsServed) {
  open();
  ASSERT_TRUE(put_note("a").result);
  kept_->restore(store_->snapshot());
  runtime_->stop();
  registry_.add(
      sync::UpgradeDef{1, {{"note", [](sync::MutatorContext& ctx, const std::string& key) {
                              ctx.ensure_bucket(test::note_bucket("care:1"));
                              ctx.put("note", key, {{"text", "y"}, {"buckets", {"care:1"}}});
                              return Result<void>{};
                            }}}});
  open();
  const sync::StoreState& state = runtime_->state();
  EXPECT_EQ(state.head, sync::Seq{3}) << "the row and the mark";
  ASSERT_EQ(state.buckets.size(), 1U);
  EXPECT_EQ(state.buckets[0].spec.name, "care:1");
  EXPECT_EQ(state.buckets[0].digest.n, 1U);
  EXPECT_EQ(put_note("b").seq, sync::Seq{4});
}

TEST_F(RuntimeTest, AnswersComeAfterTheCommitWasPublished) {
  open();
  const auto answer = put_note("a");
  ASSERT_TRUE(answer.result) << answer.result.error().detail;
  EXPECT_EQ(answer.seq, sync::Seq{1});
  const std::lock_guard lock(mutex_);
  ASSERT_FALSE(commits_.empty());
  EXPECT_EQ(commits_.back()->to, sync::Seq{1});
}

TEST_F(RuntimeTest, CommitsAreGaplessUnderManySubmitters) {
  open();
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i)
        ASSERT_TRUE(runtime_->submit(system("note.put", {{"id", std::to_string(t * 1000 + i)},
                                                         {"text", "x"},
                                                         {"buckets", Json::array()}}),
                                     [&](const sync::Answer& a) { answered += a.result ? 1 : 0; }));
    });
  for (auto& thread : threads) thread.join();
  runtime_->stop();
  EXPECT_EQ(answered, 800);
  sync::Seq head;
  for (const auto& commit : commits_) {
    EXPECT_EQ(commit->from, head);
    head = commit->to;
  }
  EXPECT_EQ(head, sync::Seq{800});
}

// A step of a sending is one due row. At one step a second a warning to 5,000 filtered people
// would need a minute before the first of them saw it.
TEST_F(RuntimeTest, WorkInStepsDoesNotWaitForTheNextSecond) {
  constexpr int kSteps = 40;
  std::promise<void> finished;
  std::atomic<int> steps = 0;
  registry_.add(sync::DueDef{"test.step", kPatience,
                             [&](sync::MutatorContext& ctx, std::string_view key, bool) {
                               if (++steps == kSteps) return finished.set_value();
                               ctx.schedule(ctx.now() + Millis{1}, "test.step", key);
                             }});
  sync::MutatorDef begin{};
  begin.name = "test.begin";
  begin.run = [](sync::MutatorContext& ctx, const Json&) -> sync::MutatorResult {
    ctx.schedule(ctx.now(), "test.step", "k");
    return Json::object();
  };
  registry_.add(std::move(begin));
  open();
  ASSERT_TRUE(run("test.begin", Json::object()).result);
  EXPECT_EQ(finished.get_future().wait_for(kPatience), std::future_status::ready)
      << steps << " of " << kSteps << " steps in " << kPatience.count() << " s";
  runtime_->stop();
}

TEST_F(RuntimeTest, ReadsSeeWhatWasAnswered) {
  open();
  ASSERT_TRUE(put_note("a").result);
  std::promise<bool> seen;
  auto future = seen.get_future();
  ASSERT_TRUE(runtime_->read({}, [&](sync::ReadContext& context) {
    seen.set_value(context.get("note", "a") != nullptr && context.get("note", "b") == nullptr);
  }));
  ASSERT_EQ(future.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(future.get());
}

TEST_F(RuntimeTest, WhatAPartOfTheServerHandsInIsHeldToTheSchemaAndTakesItsNumber) {
  open();
  const auto numbered = [](std::uint64_t n, Json args) {
    sync::Submission out = system("note.put", std::move(args));
    out.actor.cid = sync::Cid{Id128::of(as_bytes("0123456789abcdef"))};
    out.lane = sync::UpLane::bulk;
    out.n = n;
    return out;
  };
  std::vector<sync::Answer> answers;
  std::promise<void> all;
  const auto hear = [&](sync::Answer answer) {
    answers.push_back(std::move(answer));
    if (answers.size() == 2) all.set_value();
  };
  ASSERT_TRUE(runtime_->submit(numbered(1, {{"id", 7}}), hear));
  const Json good = {{"id", "a"}, {"text", "x"}, {"buckets", Json::array()}};
  ASSERT_TRUE(runtime_->submit(numbered(2, good), hear));
  ASSERT_EQ(all.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(answers[0].result.error().code, Errc::invalid_argument);
  EXPECT_TRUE(answers[1].result) << "the refused one took its number, the next is no gap";
  EXPECT_EQ(store_->quarantine(10)->size(), 1U);
}

TEST_F(RuntimeTest, ADiskThatIsFullIsToldAndGotOver) {
  open();
  ASSERT_TRUE(put_note("a").result);
  store_->fail_apply({.nth = 1, .code = Errc::disk_full, .durable = false});
  const auto refused = put_note("b");
  ASSERT_FALSE(refused.result);
  EXPECT_EQ(refused.result.error().code, Errc::disk_full);
  EXPECT_TRUE(put_note("b").result);
  EXPECT_TRUE(runtime_->stats().writable);
  EXPECT_EQ(opened_, 1);
}

TEST_F(RuntimeTest, PhonesAreToldToRetryWhenTheStoreFails) {
  open();
  ASSERT_TRUE(put_note("a").result);
  store_->fail_apply({.nth = 1, .code = Errc::disk_full, .durable = false});
  std::vector<sync::Submission> pushed;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    pushed.push_back(system("note.inc", {{"id", "x"}}));
    pushed.back().n = n;
    pushed.back().actor.via = sync::Via::device;
    pushed.back().actor.cid = sync::Cid{Id128::of(as_bytes("0123456789abcdef"))};
  }
  ASSERT_TRUE(runtime_->submit_device(std::move(pushed)));
  runtime_->stop();
  const sync::FrameR* retry = nullptr;
  for (const auto& commit : commits_)
    for (const auto& out : commit->results)
      if (const auto* r = std::get_if<sync::FrameR>(&out.frame))
        if (r->status == sync::MutationStatus::retry) retry = r;
  ASSERT_NE(retry, nullptr);
  EXPECT_EQ(retry->n, 1U);
  EXPECT_GT(retry->after_ms, 0);
}

TEST_F(RuntimeTest, AfterAnIoErrorTheStoreIsOpenedAnewAndShardsStartOver) {
  open();
  ASSERT_TRUE(put_note("a").result);
  kept_->restore(store_->snapshot());
  store_->fail_apply({.nth = 1, .code = Errc::io, .durable = false});
  EXPECT_EQ(put_note("b").result.error().code, Errc::io);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!runtime_->stats().writable && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  EXPECT_TRUE(put_note("b").result);
  EXPECT_EQ(opened_, 2);
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(std::ranges::any_of(commits_, [](const auto& c) { return c->reload != nullptr; }));
}

TEST_F(RuntimeTest, TheQueueIsBoundedInBytesAsWellAsInNumber) {
  open();
  // The writer is kept busy, so that the queue fills.
  std::mutex gate;
  gate.lock();
  ASSERT_TRUE(runtime_->submit(system("note.fail", {}),
                               [&](const sync::Answer&) { const std::lock_guard wait(gate); }));
  auto large = system("note.fail", {});
  large.args_text.assign(limits::kMutationBytesMax - 8, 'x');
  std::size_t taken = 0;
  while (taken < limits::kWriterQueueMax && runtime_->submit_device({large})) ++taken;
  const std::size_t fit = limits::kWriterQueueBytesMax / large.args_text.size();
  EXPECT_GE(taken, fit);
  EXPECT_LE(taken, fit + limits::kBatchMutationsMax);
  EXPECT_TRUE(runtime_->submit(system("note.fail", {}), {})) << "a small one still fits";
  gate.unlock();
  runtime_->stop();
}

TEST_F(RuntimeTest, ANewCommunityHasAnEpochOfItsOwnAndKeepsIt) {
  open();
  const sync::Epoch first = store_->load()->epoch;
  EXPECT_NE(first, sync::Epoch{});
  EXPECT_EQ(runtime_->state().epoch, first);
  runtime_->stop();
  kept_->restore(store_->snapshot());
  open();
  EXPECT_EQ(store_->load()->epoch, first);
}

TEST_F(RuntimeTest, AStoppedRuntimeRefuses) {
  open();
  runtime_->stop();
  EXPECT_FALSE(runtime_->submit(system("note.fail", {}), [](const sync::Answer&) {}));
  EXPECT_FALSE(runtime_->read({}, [](sync::ReadContext&) {}));
}

}  // namespace
}  // namespace linli::app
