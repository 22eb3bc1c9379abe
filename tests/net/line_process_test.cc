// SPDX-License-Identifier: Apache-2.0
// Goal:   a child gets and gives whole lines, inherits nothing, and is gone after its end.
// Method: real children: cat, sh and sleep.
#include "server/net/line_process.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "server/net/byte_stream.h"

namespace linli::net {
namespace {

using namespace std::chrono_literals;

class LineLog {
 public:
  LineProcessEvents events() {
    return {.on_line = [this](std::string line) { change([&] { lines.push_back(line); }); },
            .on_bytes = {},
            .on_ended =
                [this](std::string why) {
                  change([&] {
                    ++ended;
                    reason = std::move(why);
                  });
                }};
  }
  template <class Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, predicate);
  }
  bool wait_ended() {
    return wait([&] { return ended > 0; });
  }
  bool wait_lines(std::size_t count) {
    return wait([&] { return lines.size() >= count || ended > 0; });
  }

  std::vector<std::string> lines;
  int ended = 0;
  std::string reason;

 private:
  template <class Change>
  void change(Change what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

class LineProcessTest : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }
  std::shared_ptr<LineProcess> shell(const std::string& script) {
    return LineProcess::start(loop_.io(), {"/bin/sh", "-c", script}, log_.events());
  }
  LineLog log_;
  LoopThread loop_{"test"};
};

TEST_F(LineProcessTest, LinesGoThereAndBackInOrder) {
  const auto process = LineProcess::start(loop_.io(), {"/bin/cat"}, log_.events());
  const std::string large(200'000, 'x');
  for (const std::string& line : {std::string("one"), large, std::string("three")})
    EXPECT_TRUE(process->send(line));
  ASSERT_TRUE(log_.wait_lines(3));
  EXPECT_EQ(log_.lines, (std::vector<std::string>{"one", large, "three"}));
  process->stop();
  ASSERT_TRUE(log_.wait_ended());
}

TEST_F(LineProcessTest, TheLastLinesOfAProgramThatEndsAreHeard) {
  const auto process = shell("echo a; echo b; exit 3");
  ASSERT_TRUE(log_.wait_ended());
  EXPECT_EQ(log_.lines, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(log_.reason, "exit 3");
}

TEST_F(LineProcessTest, WhatCannotBeStartedIsReported) {
  const auto missing = LineProcess::start(loop_.io(), {"/nonexistent/program"}, log_.events());
  ASSERT_TRUE(log_.wait_ended());
  EXPECT_EQ(log_.reason, "cannot be started: 2");
  LineLog relative;
  const auto found_by_path = LineProcess::start(loop_.io(), {"cat"}, relative.events());
  ASSERT_TRUE(relative.wait_ended());
}

TEST_F(LineProcessTest, TheChildInheritsNoDescriptorNoEnvironmentAndNoIgnoredSignal) {
  // NOLINTBEGIN(concurrency-mt-unsafe): no other thread of this test reads the environment
  ::setenv("LINLI_TEST_SECRET", "secret", 1);
  const int inherited = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC on purpose
  ASSERT_GE(inherited, 0);
  const auto process = shell(
      "ls /proc/self/fd | tr '\\n' ' '; echo; env | grep -c LINLI; grep SigIgn /proc/self/status");
  ASSERT_TRUE(log_.wait_ended());
  ::close(inherited);
  ::unsetenv("LINLI_TEST_SECRET");
  // NOLINTEND(concurrency-mt-unsafe)
  ASSERT_EQ(log_.lines.size(), 3U);
  EXPECT_EQ(log_.lines[0], "0 1 2 3 ");  // 3 is the folder that ls reads
  EXPECT_EQ(log_.lines[1], "0");
  // Without the two that the C library keeps to itself.
  const auto ignored = std::stoull(log_.lines[2].substr(log_.lines[2].find('\t')), nullptr, 16);
  EXPECT_EQ(ignored & 0x7fffffffU, 0U) << log_.lines[2];
}

TEST_F(LineProcessTest, OneThatIgnoresTermIsKilledWithItsChildren) {
  const auto process = shell("trap '' TERM; sleep 1000 & echo $!; while :; do sleep 1000; done");
  ASSERT_TRUE(log_.wait_lines(1));
  const pid_t grandchild = std::stoi(log_.lines.at(0));
  const auto began = std::chrono::steady_clock::now();
  process->stop();
  ASSERT_TRUE(log_.wait_ended());
  EXPECT_EQ(log_.reason, "signal 9");
  EXPECT_GE(std::chrono::steady_clock::now() - began, LineProcess::kTermMax);
  for (int i = 0; i < 200 && ::kill(grandchild, 0) == 0; ++i) std::this_thread::sleep_for(10ms);
  // A zombie that nobody waits for still answers; it runs no more.
  if (::kill(grandchild, 0) == 0) {
    std::string state = "R";
    if (FILE* stat = std::fopen(("/proc/" + std::to_string(grandchild) + "/stat").c_str(), "r")) {
      char letter = '?';
      EXPECT_EQ(std::fscanf(stat, "%*d %*s %c", &letter), 1);
      state = letter;
      std::fclose(stat);
    }
    EXPECT_EQ(state, "Z");
  }
}

TEST_F(LineProcessTest, AnEndlessLineEndsTheChild) {
  const auto process = shell("yes | tr -d '\\n'");
  ASSERT_TRUE(log_.wait_ended());
  EXPECT_EQ(log_.reason, "a line is too long");
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(LineProcessTest, AChattyChildIsSlowedDown) {
  const auto process = shell("yes line");
  ASSERT_TRUE(log_.wait_lines(LineProcess::kUnconsumedLinesMax));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(log_.lines.size(), LineProcess::kUnconsumedLinesMax);
  process->consumed_line();
  ASSERT_TRUE(log_.wait_lines(LineProcess::kUnconsumedLinesMax + 1));
  process->stop();
  ASSERT_TRUE(log_.wait_ended());
}

TEST_F(LineProcessTest, AChildThatDoesNotReadFillsTheBacklog) {
  const auto process = shell("exec sleep 1000");
  const std::string line(LineProcess::kLineBytesMax - 1, 'x');
  int taken = 0;
  while (taken < 100 && process->send(line)) ++taken;
  EXPECT_EQ(taken, LineProcess::kBacklogBytesMax / LineProcess::kLineBytesMax);
  EXPECT_FALSE(process->send(std::string(LineProcess::kLineBytesMax, 'x')));
  process->stop();
  ASSERT_TRUE(log_.wait_ended());
}

TEST(LineProcess, EndsWithItsLoop) {
  LineLog log;
  {
    LoopThread loop("test");
    LineProcess::start(loop.io(), {"/bin/sh", "-c", "echo $$; exec sleep 1000"}, log.events());
    ASSERT_TRUE(log.wait_lines(1));
  }
  EXPECT_EQ(::kill(std::stoi(log.lines.at(0)), 0), -1);
}

}  // namespace
}  // namespace linli::net
