// SPDX-License-Identifier: Apache-2.0
// Goal:   of a replaced phone's work exactly what it made before is taken (ENR-10).
// Method: make_submission with every combination of clock, offset and arrival; no server.
#include "sync/engine/intake.h"

#include <gtest/gtest.h>

#include "tests/support/note_module.h"

namespace linli::sync {
namespace {

constexpr std::int64_t kRevoked = 1'700'000'000'000;

class ENR_10 : public testing::Test {
 protected:
  ENR_10() { test::declare_notes(registry_); }

  struct Made {
    std::int64_t wall = 0;
    std::int64_t off = 0;
    std::int64_t unc = 0;
  };
  /// Whether a mutation is taken that came an hour after the revocation.
  bool is_taken(const Made& made, std::int64_t clock_off = 0,
                std::optional<Instant> replaced_at = from_unix_ms(kRevoked)) {
    PushedMutation pushed{.n = 1,
                          .name = "note.inc",
                          .args = "{}",
                          .wall = made.wall,
                          .off = made.off,
                          .unc = made.unc};
    const Principal who{.account = {}, .cid = {}, .replaced_at = replaced_at};
    const Submission out =
        make_submission(registry_, who, registry_.mutator("note.inc")->lane, std::move(pushed),
                        {from_unix_ms(kRevoked + 3'600'000), clock_off});
    EXPECT_EQ(out.n, 1U);
    return !out.refused || out.refused->code != Errc::revoked;
  }

  Registry registry_;
};

TEST_F(ENR_10, WhatWasMadeUntilTheRevocationIsTaken) {
  EXPECT_TRUE(is_taken({.wall = kRevoked - 1}));
  EXPECT_TRUE(is_taken({.wall = kRevoked}));
  EXPECT_FALSE(is_taken({.wall = kRevoked + 1}));
  EXPECT_TRUE(is_taken({.wall = kRevoked + 1}, 0, std::nullopt)) << "any other phone";
}

TEST_F(ENR_10, TheOffsetThatThePhoneMeasuredCounts) {
  EXPECT_FALSE(is_taken({.wall = kRevoked - 5000, .off = 5001, .unc = 20}));
  EXPECT_TRUE(is_taken({.wall = kRevoked + 5000, .off = -5000, .unc = 20}));
  // Its own measure beats that of the sign-in: its clock may have been set meanwhile.
  EXPECT_TRUE(is_taken({.wall = kRevoked - 1, .off = 0, .unc = 20}, 10'000'000));
}

TEST_F(ENR_10, APhoneThatNeverMeasuredIsTakenAtTheClockItSignedInWith) {
  constexpr std::int64_t kThreeDays = 3LL * 24 * 3'600'000;
  EXPECT_TRUE(is_taken({.wall = kRevoked + kThreeDays - 1}, -kThreeDays));
  EXPECT_FALSE(is_taken({.wall = kRevoked - kThreeDays + 1}, kThreeDays));
}

TEST_F(ENR_10, UncertaintyStretchesNothing) {
  EXPECT_FALSE(is_taken({.wall = kRevoked + 1, .off = 0, .unc = 86'400'000}));
  EXPECT_FALSE(is_taken({.wall = kRevoked + 999'999'999'999, .off = 0, .unc = 1}));
}

}  // namespace
}  // namespace linli::sync
