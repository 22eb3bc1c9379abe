// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unordered_map>
#include <vector>

#include "sync/engine/commit.h"

namespace linli::sync {

/// What a shard knows of a community without a query: bucket heads, memberships, mutation numbers.
/// Moves only by apply(), in commit order, so it is exact as of `head()`.
/// Threads: owned by one shard.
class CommunityView {
 public:
  explicit CommunityView(const StoreState& state);

  void apply(const Commit& commit);

  [[nodiscard]] Seq head() const { return head_; }
  [[nodiscard]] const Epoch& epoch() const { return epoch_; }
  /// Asserts that the bucket exists.
  [[nodiscard]] const BucketInfo& bucket(BucketId id) const;
  /// Grants of an account ascending by bucket; gen = max(seq of the grant, reset_seq) (M5).
  [[nodiscard]] std::vector<BucketGrant> grants(const AccountId& account) const;
  /// The grant of one bucket, or nothing when not a member.
  [[nodiscard]] std::optional<BucketGrant> grant(const AccountId& account, BucketId bucket) const;
  [[nodiscard]] UpNumbers last_n(const Cid& cid) const;

 private:
  [[nodiscard]] BucketGrant make_grant(BucketId bucket, Seq granted) const;

  Seq head_;
  Epoch epoch_;
  std::unordered_map<std::uint32_t, BucketInfo> buckets_;
  /// Ascending by bucket.
  std::unordered_map<Id128, std::vector<std::pair<BucketId, Seq>>> members_;
  std::unordered_map<Id128, UpNumbers> clients_;
};

}  // namespace linli::sync
