// SPDX-License-Identifier: Apache-2.0
// Goal:   what the client said was saved is there after a kill, and its listener follows the rules
//         of threads that the header states.
// Method: the real client on a real folder, without a server. A kill is the folder as another
//         process finds it: copied while the client still runs. A failure means lost work, or a
//         listener that runs on freed memory.
#include "clients/native/client.h"

#include <atomic>
#include <filesystem>
#include <future>
#include <latch>
#include <thread>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/support/memory_replica.h"

namespace linli::client {
namespace {

namespace fs = std::filesystem;

class OfflineClient : public testing::Test {
 protected:
  OfflineClient() {
    std::string made = (fs::temp_directory_path() / "linli_client_XXXXXX").string();
    root_ = ::mkdtemp(made.data());
    client_ = open(root_ / "a");
    EXPECT_TRUE(client_->adopt(test::make_identity(rng_)));
  }
  ~OfflineClient() override {
    client_.reset();
    fs::remove_all(root_);
  }

  static std::unique_ptr<Client> open(const fs::path& folder) {
    ClientOptions options;
    options.store = folder.string();
    auto opened = Client::open(std::move(options));
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }
  /// The store as it would be found had the process died now.
  std::unique_ptr<Client> after_kill() {
    fs::create_directory(root_ / "b");
    for (const char* file : {"replica.db", "replica.db-wal"})
      fs::copy_file(root_ / "a" / file, root_ / "b" / file);
    return open(root_ / "b");
  }

  SystemRng rng_;
  fs::path root_;
  std::unique_ptr<Client> client_;
};

TEST_F(OfflineClient, WhatMutateReturnedIsThereAfterAKill) {
  const auto made = client_->mutate("notice.acknowledge",
                                    {{"notice", "n1"}, {"person", "p1"}, {"choice", "help"}});
  ASSERT_TRUE(made);
  const auto found = after_kill()->pending();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().id, made->id);
  EXPECT_EQ(found->front().args, made->args);
}

TEST_F(OfflineClient, AnOpenedNoticeIsToldAfterAKill) {
  ASSERT_TRUE(client_->note_seen("n1"));
  ASSERT_TRUE(client_->note_seen("n2"));
  ASSERT_TRUE(client_->pending()->empty()) << "still being gathered, or this test proves nothing";
  auto next = after_kill();
  ASSERT_TRUE(next->note_seen("n2")) << "again, as the person opens it again";
  next.reset();
  const auto found = open(root_ / "b")->pending();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().args, R"({"ids":["n1","n2"]})");
}

TEST_F(OfflineClient, WhatNoServerWouldTakeIsRefusedAtOnce) {
  EXPECT_EQ(client_->mutate("notice.seen", Json::array()).error().code, Errc::invalid_argument);
  EXPECT_EQ(client_->note_seen("").error().code, Errc::invalid_argument);
  EXPECT_EQ(client_->note_seen("通知").error().code, Errc::invalid_argument);
  EXPECT_EQ(client_->first_alert("", "red").error().code, Errc::invalid_argument);
  const auto made = client_->mutate("notice.seen", {{"ids", {"n1"}}});
  ASSERT_TRUE(made);
  EXPECT_EQ(client_->edit(made->id, Json("text")).error().code, Errc::invalid_argument);
}

TEST_F(OfflineClient, AReplacedListenerHasEndedWhenSubscribeReturns) {
  std::latch entered(1);
  std::latch let_go(1);
  std::atomic<bool> is_done = false;
  client_->subscribe([&](const Event&) {
    entered.count_down();
    let_go.wait();
    is_done = true;
  });
  std::thread writer([&] { ignore(client_->mutate("notice.seen", {{"ids", {"n1"}}}), "runs it"); });
  entered.wait();
  auto ended = std::async(std::launch::async, [&] {
    client_->subscribe(nullptr);
    return is_done.load();
  });
  EXPECT_EQ(ended.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  let_go.count_down();
  EXPECT_TRUE(ended.get()) << "freed while the listener still ran";
  writer.join();
}

TEST_F(OfflineClient, AListenerMayCallBackAndReplaceItselfButNotStart) {
  Result<void> started;
  std::size_t pending = 0;
  client_->subscribe([&](const Event&) {
    started = client_->start();
    pending = client_->pending()->size();
    client_->subscribe(nullptr);
  });
  ASSERT_TRUE(client_->mutate("notice.seen", {{"ids", {"n1"}}}));
  ASSERT_TRUE(client_->mutate("notice.seen", {{"ids", {"n2"}}}));
  EXPECT_EQ(pending, 1U) << "called once: it replaced itself";
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::wrong_state);
}

class UnenrolledClient : public OfflineClient {
 protected:
  UnenrolledClient() {
    client_.reset();
    fs::remove_all(root_ / "a");
    client_ = open(root_ / "a");
  }
  SlipEnrolment slip(const std::string& code = "12345678") {
    // Nobody listens on port 1.
    return SlipEnrolment::make(
               {.address = "http://127.0.0.1:1/c/huainan", .code = code, .door = "3-2-501"}, rng_)
        .value();
  }
};

TEST_F(UnenrolledClient, ENR_3_ASlipKeptWithoutAConnectionIsThereAfterAKill) {
  ASSERT_TRUE(client_->keep_slip(slip()));
  EXPECT_EQ(client_->enrol_now().value(), SlipEnrolment::Step::wait);
  auto next = after_kill();
  const Status status = next->status();
  ASSERT_TRUE(status.slip);
  EXPECT_FALSE(status.is_enrolled);
  EXPECT_EQ(status.label(), "待确认");
  EXPECT_EQ(status.slip->stage, SlipEnrolment::Stage::checking);
  EXPECT_EQ(next->slip()->text(), client_->slip()->text()) << "with the same key";
}

TEST_F(UnenrolledClient, ENR_3_TheStoreHoldsASlipOrAnIdentityNeverBoth) {
  ASSERT_TRUE(client_->keep_slip(slip()));
  ASSERT_TRUE(client_->adopt(test::make_identity(rng_)));
  auto next = after_kill();
  EXPECT_TRUE(next->identity());
  EXPECT_FALSE(next->slip());
  EXPECT_EQ(next->keep_slip(slip()).error().code, Errc::conflict);
}

TEST_F(UnenrolledClient, ENR_3_AnotherSlipReplacesTheOneThatWaits) {
  ASSERT_TRUE(client_->keep_slip(slip()));
  const std::string first = client_->slip()->text();
  ASSERT_TRUE(client_->keep_slip(slip()));
  EXPECT_EQ(client_->slip()->text(), first) << "the same slip keeps its key";
  ASSERT_TRUE(client_->keep_slip(slip("87654321")));
  EXPECT_NE(client_->slip()->text(), first);
  ASSERT_TRUE(client_->forget_slip());
  EXPECT_FALSE(client_->slip());
  EXPECT_EQ(client_->start().error().code, Errc::unauthenticated);
}

TEST_F(UnenrolledClient, ENR_3_ABackgroundThatCannotConnectStopsAtOnce) {
  ASSERT_TRUE(client_->keep_slip(slip()));
  ASSERT_TRUE(client_->start());
  EXPECT_EQ(client_->wait_synced(Millis{10'000}), SyncOutcome::unreachable);
  client_->stop();
  EXPECT_TRUE(client_->slip());
}

}  // namespace
}  // namespace linli::client
