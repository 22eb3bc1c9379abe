// SPDX-License-Identifier: Apache-2.0
// Goal:   a full pool refuses at once, a throwing task harms nobody, stop() runs what was taken.
// A failure here means that a sign-in storm blocks an event loop or loses answers.
#include "server/net/thread_pool.h"

#include <atomic>
#include <future>
#include <stdexcept>

#include <gtest/gtest.h>

namespace linli::net {
namespace {

TEST(ThreadPool, AFullQueueIsRefusedNotWaitedFor) {
  std::promise<void> release;
  auto gate = release.get_future().share();
  std::promise<void> running;
  ThreadPool pool("test", 1, 2);  // after what its task uses
  ASSERT_TRUE(pool.post([&] {
    running.set_value();
    gate.wait();
  }));
  running.get_future().wait();
  EXPECT_TRUE(pool.post([] {}));
  EXPECT_TRUE(pool.post([] {}));
  EXPECT_FALSE(pool.post([] {}));
  EXPECT_EQ(pool.queued(), 2U);
  release.set_value();
}

TEST(ThreadPool, StopRunsWhatIsQueuedAndRefusesMore) {
  ThreadPool pool("test", 2, 100);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.post([&] { ++ran; }));
  pool.stop();
  EXPECT_EQ(ran, 100);
  EXPECT_FALSE(pool.post([] {}));
}

TEST(ThreadPool, ATaskThatThrowsDoesNotEndItsThread) {
  ThreadPool pool("test", 1, 10);
  std::atomic<int> ran = 0;
  ASSERT_TRUE(pool.post([] { throw std::runtime_error("planted"); }));
  ASSERT_TRUE(pool.post([&] { ++ran; }));
  pool.stop();
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace linli::net
