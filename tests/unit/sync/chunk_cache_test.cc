// SPDX-License-Identifier: Apache-2.0
// Goal:   phones that need the same page share one read, and nobody gets a page without the commit
//         that made it ask.
// A failure here means a storm after a restart reads every page once per phone, or loses rows.
#include "sync/engine/chunk_cache.h"

#include <gtest/gtest.h>

namespace linli::sync {
namespace {

using Found = ChunkCache::Found;

AskChunk ask(std::uint32_t bucket, std::uint64_t want, std::uint64_t after = 0) {
  return {BucketId{bucket}, Seq{after}, Seq{want}, Encoding::cbor};
}

SharedChunk page(std::uint64_t to, bool complete = true, std::size_t bytes = 100) {
  auto out = std::make_shared<EncodedChunk>();
  out->to = Seq{to};
  out->complete = complete;
  out->bytes = bytes;
  return out;
}

class ChunkCacheTest : public testing::Test {
 protected:
  Found find(const AskChunk& a) {
    return cache_.find(a, now_, [this](const auto& chunk) { served_ += chunk ? 1 : 0; }, hit_);
  }
  /// What the runtime does when a read ends.
  std::size_t finish(const AskChunk& a, const Result<SharedChunk>& chunk) {
    auto done = cache_.finish(a, chunk, now_);
    for (auto& waiter : done.served) waiter.done(chunk);
    return done.again.size();
  }

  ChunkCache cache_{1000};
  MonoTime now_{0};
  SharedChunk hit_;
  int served_ = 0;
};

TEST_F(ChunkCacheTest, OneReadServesAllWhoAskMeanwhileAndAfter) {
  EXPECT_EQ(find(ask(1, 5)), Found::miss);
  EXPECT_EQ(find(ask(1, 5)), Found::joined);
  EXPECT_EQ(find(ask(1, 4)), Found::joined);
  EXPECT_EQ(finish(ask(1, 5), page(5)), 0U);
  EXPECT_EQ(served_, 3);
  EXPECT_EQ(find(ask(1, 5)), Found::hit);
  EXPECT_EQ(hit_->to, Seq{5});
}

TEST_F(ChunkCacheTest, WhoAsksAfterANewerCommitIsNotServedTheOlderPage) {
  EXPECT_EQ(find(ask(1, 5)), Found::miss);
  EXPECT_EQ(find(ask(1, 6)), Found::joined);
  EXPECT_EQ(finish(ask(1, 5), page(5)), 1U);
  EXPECT_EQ(served_, 1);
  EXPECT_EQ(find(ask(1, 6)), Found::miss);
  EXPECT_EQ(finish(ask(1, 6), page(6)), 0U);
  EXPECT_EQ(find(ask(1, 5)), Found::hit);
}

TEST_F(ChunkCacheTest, KeysDoNotMix) {
  EXPECT_EQ(find(ask(1, 5)), Found::miss);
  finish(ask(1, 5), page(5));
  EXPECT_EQ(find(ask(2, 5)), Found::miss);
  EXPECT_EQ(find(ask(1, 5, 3)), Found::miss);
  AskChunk json = ask(1, 5);
  json.encoding = Encoding::json;
  EXPECT_EQ(find(json), Found::miss);
}

TEST_F(ChunkCacheTest, AnIncompletePageServesAnyWantForHalfAMinute) {
  EXPECT_EQ(find(ask(1, 50)), Found::miss);
  EXPECT_EQ(finish(ask(1, 50), page(9, false)), 0U);
  EXPECT_EQ(find(ask(1, 99)), Found::hit);
  now_ += ChunkCache::kPartialAge;
  EXPECT_EQ(find(ask(1, 99)), Found::miss);
}

TEST_F(ChunkCacheTest, AFailedReadIsToldToAllAndNotKept) {
  EXPECT_EQ(find(ask(1, 5)), Found::miss);
  EXPECT_EQ(find(ask(1, 9)), Found::joined);
  EXPECT_EQ(finish(ask(1, 5), fail(Errc::io)), 0U);
  EXPECT_EQ(served_, 0);
  EXPECT_EQ(find(ask(1, 5)), Found::miss);
}

TEST_F(ChunkCacheTest, TheLeastRecentlyUsedPageGoesFirst) {
  for (std::uint32_t bucket = 1; bucket <= 10; ++bucket) {
    EXPECT_EQ(find(ask(bucket, 5)), Found::miss);
    finish(ask(bucket, 5), page(5));
  }
  EXPECT_EQ(find(ask(1, 5)), Found::hit);
  EXPECT_EQ(find(ask(11, 5)), Found::miss);
  finish(ask(11, 5), page(5));
  EXPECT_EQ(cache_.bytes(), 1000U);
  EXPECT_EQ(find(ask(1, 5)), Found::hit);
  EXPECT_EQ(find(ask(2, 5)), Found::miss);
  EXPECT_EQ(find(ask(20, 5)), Found::miss);
  finish(ask(20, 5), page(5, true, 5000));
  EXPECT_LE(cache_.bytes(), 1000U);
}

}  // namespace
}  // namespace linli::sync
