// SPDX-License-Identifier: Apache-2.0
// Goal:   a program that is run once gets all of its input and gives every byte, or an error.
// Method: real children: cat and sh.
#include "server/net/program_run.h"

#include <chrono>
#include <csignal>
#include <future>
#include <memory>

#include <gtest/gtest.h>

#include "server/net/byte_stream.h"
#include "server/net/line_process.h"

namespace linli::net {
namespace {

using namespace std::chrono_literals;

class ProgramRunTest : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  Result<std::string> run(std::vector<std::string> program, std::string input,
                          std::size_t most = 1 << 20, Millis deadline = 20s) {
    auto told = std::make_shared<std::promise<Result<std::string>>>();
    auto answer = told->get_future();
    run_program(loop_.io(), {std::move(program), std::move(input), most, deadline},
                [told](Result<std::string> output) { told->set_value(std::move(output)); });
    if (answer.wait_for(30s) != std::future_status::ready) return fail(Errc::internal, "silent");
    return answer.get();
  }
  Result<std::string> shell(const std::string& script, std::size_t most = 1 << 20,
                            Millis deadline = 20s) {
    return run({"/bin/sh", "-c", script}, "in", most, deadline);
  }

  LoopThread loop_{"test"};
};

TEST_F(ProgramRunTest, EveryByteGoesThereAndBack) {
  std::string input;
  for (int i = 0; i < 300'000; ++i) input.push_back(static_cast<char>(i * 7 % 256));
  const auto output = run({"/bin/cat"}, input);
  ASSERT_TRUE(output) << output.error().detail;
  EXPECT_EQ(*output, input + "\n") << "empty lines, CR and zero bytes included";
}

TEST_F(ProgramRunTest, ItsExitIsTheAnswer) {
  const auto failed = shell("cat; exit 3");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().detail, "exit 3");
  const auto lingering = shell("cat; exec 1>&-; sleep 0.1");
  ASSERT_TRUE(lingering) << "one that closes its output first is waited for";
  EXPECT_EQ(*lingering, "in\n");
  EXPECT_EQ(run({"/nonexistent"}, "").error().code, Errc::internal);
}

TEST_F(ProgramRunTest, TooMuchOutputAndTooMuchTimeEndIt) {
  EXPECT_EQ(shell("cat /dev/zero", 100'000).error().code, Errc::too_large);
  EXPECT_EQ(shell("sleep 1000", 100, 50ms).error().code, Errc::timed_out);
  const std::string too_much(LineProcess::kLineBytesMax, 'x');
  EXPECT_EQ(run({"/bin/cat"}, too_much).error().code, Errc::too_large);
}

TEST_F(ProgramRunTest, ProgramsAreFoundInTheFixedPathOnly) {
  EXPECT_TRUE(find_program("cat").ends_with("/bin/cat"));
  EXPECT_EQ(find_program("/bin/cat"), "/bin/cat");
  for (const char* wrong : {"", "no-such-program", "bin/cat", "/etc/passwd", "/bin"})
    EXPECT_EQ(find_program(wrong), "") << wrong;
}

}  // namespace
}  // namespace linli::net
