// SPDX-License-Identifier: Apache-2.0
// Goal:   an entry fires once, never early and at most two ticks late, whatever else happens.
// Method: drive the wheel with made-up times; compare with a plain list of deadlines.
// A failure here means phones are closed too early or dead sockets are kept.
#include "server/net/timer_wheel.h"

#include <map>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace linli::net {
namespace {

using std::chrono::seconds;

std::size_t fired(TimerWheel& wheel, MonoTime now) {
  std::size_t count = 0;
  wheel.advance(now, [&](TimerWheel::Entry&) { ++count; });
  return count;
}

TEST(TimerWheel, FiresOnceNotBeforeItsTime) {
  TimerWheel wheel(MonoTime{500});
  TimerWheel::Entry entry;
  wheel.arm(entry, seconds(3));
  EXPECT_EQ(fired(wheel, MonoTime{500} + seconds(3)), 0U);
  EXPECT_EQ(fired(wheel, MonoTime{500} + seconds(5)), 1U);
  EXPECT_FALSE(entry.armed());
  EXPECT_EQ(fired(wheel, MonoTime{500} + seconds(600)), 0U);
}

TEST(TimerWheel, ArmingAgainMovesAndUnlinkDisarms) {
  TimerWheel wheel(MonoTime{0});
  TimerWheel::Entry moved;
  TimerWheel::Entry gone;
  wheel.arm(moved, seconds(2));
  wheel.arm(moved, seconds(20));
  wheel.arm(gone, seconds(2));
  gone.unlink();
  EXPECT_EQ(fired(wheel, seconds(10)), 0U);
  EXPECT_EQ(fired(wheel, seconds(22)), 1U);
}

TEST(TimerWheel, DelaysBeyondOneTurnWaitForTheirTurn) {
  TimerWheel wheel(MonoTime{0});
  TimerWheel::Entry entry;
  wheel.arm(entry, seconds(1000));
  for (int s = 1; s <= 1000; ++s) ASSERT_EQ(fired(wheel, seconds(s)), 0U) << s;
  EXPECT_EQ(fired(wheel, seconds(1002)), 1U);
}

TEST(TimerWheel, ALongStallFiresEverythingOnce) {
  TimerWheel wheel(MonoTime{0});
  std::vector<std::unique_ptr<TimerWheel::Entry>> entries;
  for (int s = 1; s <= 600; ++s) {
    entries.push_back(std::make_unique<TimerWheel::Entry>());
    wheel.arm(*entries.back(), seconds(s));
  }
  EXPECT_EQ(fired(wheel, seconds(10'000)), 600U);
  EXPECT_EQ(fired(wheel, seconds(20'000)), 0U);
}

TEST(TimerWheel, AHandlerMayDestroyAnotherDueEntry) {
  TimerWheel wheel(MonoTime{0});
  auto one = std::make_unique<TimerWheel::Entry>();
  auto two = std::make_unique<TimerWheel::Entry>();
  wheel.arm(*one, seconds(1));
  wheel.arm(*two, seconds(1));
  int count = 0;
  wheel.advance(seconds(5), [&](TimerWheel::Entry& entry) {
    ++count;
    (&entry == one.get() ? two : one).reset();
  });
  EXPECT_EQ(count, 1);
}

TEST(TimerWheel, AgreesWithAListOfDeadlines) {
  SeededRng rng(7);
  TimerWheel wheel(MonoTime{0});
  std::vector<TimerWheel::Entry> entries(200);
  std::map<TimerWheel::Entry*, MonoTime> due;
  for (int s = 0; s < 2000; ++s) {
    wheel.advance(seconds(s), [&](TimerWheel::Entry& entry) {
      ASSERT_TRUE(due.contains(&entry));
      EXPECT_GE(MonoTime(seconds(s)), due[&entry]);
      EXPECT_LE(MonoTime(seconds(s)), due[&entry] + seconds(2));
      due.erase(&entry);
    });
    auto& entry = entries[rng.below(entries.size())];
    if (rng.below(4) == 0) {
      entry.unlink();
      due.erase(&entry);
    } else {
      const Millis after{1 + static_cast<std::int64_t>(rng.below(400'000))};
      wheel.arm(entry, after);
      due[&entry] = MonoTime(seconds(s)) + after;
    }
  }
}

}  // namespace
}  // namespace linli::net
