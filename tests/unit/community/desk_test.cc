// SPDX-License-Identifier: Apache-2.0
// Goal:   an alarm of the desk is one row from raise to clear, with its times and its count.
// Method: the real module in one thread with a manual clock.
#include <gtest/gtest.h>

#include "server/community/modules.h"
#include "sync/engine/committer.h"
#include "tests/support/test_runtime.h"

namespace linli::test {
namespace {

class M23 : public testing::Test {
 protected:
  M23() {
    area_ = runtime_.must("area.create", {{"kind", "community"}, {"name", "淮南社区"}})["id"];
  }

  static const sync::Registry& registry() {
    static const sync::Registry made = [] {
      sync::Registry out;
      community::declare_modules(out);
      return out;
    }();
    return made;
  }
  std::int64_t now() const { return to_unix_ms(clock_.now()); }
  void raise(std::int64_t until = 0) {
    Json args = {{"kind", "feed_silent"}, {"subject", "cap"}, {"text", "十分钟没有收到预警源"}};
    if (until > 0) args["until"] = until;
    runtime_.must("desk.raise_alarm", args);
  }
  Json row() { return runtime_.row("desk_alarm", "feed_silent:cap"); }

  ManualClock clock_{from_unix_ms(1'795'000'000'000)};
  SeededRng rng_{7};
  TestRuntime runtime_{"huainan", registry(), clock_, rng_};
  std::string area_;
};

TEST_F(M23, AnAlarmLiesWithTheStaffAndCountsHowOftenItWasRaised) {
  raise();
  const std::int64_t began = now();
  clock_.advance(std::chrono::minutes(5));
  raise();
  EXPECT_EQ(row().at("since"), began);
  EXPECT_EQ(row().at("count"), 2);
  EXPECT_EQ(row().at("community"), area_);
  EXPECT_FALSE(row().contains("cleared_at"));
  runtime_.must("desk.clear_alarm", {{"kind", "feed_silent"}, {"subject", "cap"}});
  EXPECT_EQ(row().at("cleared_at"), now());
  clock_.advance(std::chrono::minutes(5));
  raise();
  EXPECT_EQ(row().at("since"), now()) << "a new one";
  EXPECT_EQ(row().at("count"), 1);
  EXPECT_FALSE(row().contains("cleared_at"));
}

TEST_F(M23, AnAlarmWithAnEndClearsItselfThenAndLeavesAfterAMonth) {
  raise(now() + 60'000);
  runtime_.tick();
  EXPECT_FALSE(row().contains("cleared_at"));
  clock_.advance(std::chrono::minutes(1));
  runtime_.tick();
  EXPECT_EQ(row().at("cleared_at"), now());
  clock_.advance(std::chrono::days(30));
  runtime_.tick();
  EXPECT_TRUE(row().is_null());
}

TEST_F(M23, ALaterEndMovesTheClearing) {
  raise(now() + 60'000);
  raise(now() + 120'000);
  clock_.advance(std::chrono::minutes(1));
  runtime_.tick();
  EXPECT_FALSE(row().contains("cleared_at"));
}

}  // namespace
}  // namespace linli::test
