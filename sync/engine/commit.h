// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "sync/engine/store_port.h"
#include "sync/protocol/frames.h"

/// One durable batch as every shard sees it: immutable, shared, encoded at most once per encoding.
namespace linli::sync {

/// Encoded frames, shared by every connection that gets them.
using SharedFrame = std::shared_ptr<const std::string>;

struct BucketDelta {
  /// State after the batch.
  BucketInfo info;
  /// Merged over the batch, ascending by ver.
  std::vector<Op> ops;
};
struct MembershipChange {
  AccountId account;
  BucketId bucket;
  Seq at;
  bool add = true;
};
struct ResultOut {
  Cid cid;
  /// An `err` for a gap or a fork.
  std::variant<FrameR, FrameErr> frame;
};
struct WatchedRow {
  RowKey row;
  /// Null = deleted.
  std::shared_ptr<const Json> value;
};

/// Encoded B frames of one bucket, parts in order; then the lane's C.
struct EncodedCommit {
  std::vector<std::vector<SharedFrame>> buckets;
  std::array<SharedFrame, kLanes> reveal;
};

class Commit {
 public:
  /// Batch is (from, to]; from == to carries only results (repeats, refusals of unnumbered work).
  Seq from;
  Seq to;
  /// New ones, and old ones whose floor rose: what a view must know and no phone is sent.
  std::vector<BucketInfo> new_buckets;
  /// Ascending by bucket id; only buckets whose entries changed.
  std::vector<BucketDelta> deltas;
  /// In log order.
  std::vector<MembershipChange> members;
  std::vector<ResultOut> results;
  std::vector<ClientWrite> clients;
  std::vector<WatchedRow> watched;
  std::uint64_t outbox_head = 0;
  /// Set after a storage failure whose outcome was unknown: forget everything, start from this. The
  /// batch's own changes are already in it.
  std::shared_ptr<const StoreState> reload;

  /// Threads: any; the first caller of an encoding encodes.
  [[nodiscard]] const EncodedCommit& encoded(Encoding encoding) const;
  /// How often payload was encoded; a test holds it to at most once per encoding.
  [[nodiscard]] int encodes() const { return encodes_; }

 private:
  mutable std::array<std::once_flag, kEncodings> once_;
  mutable std::array<EncodedCommit, kEncodings> encoded_;
  mutable std::atomic<int> encodes_{0};
};

using SharedCommit = std::shared_ptr<const Commit>;

/// Splits `ops` into B frames of at most `part_bytes`; the digest rides on the last.
std::vector<SharedFrame> encode_bucket(Encoding encoding, BucketId bucket, Seq to,
                                       const std::vector<Op>& ops, const Digest* digest,
                                       std::size_t part_bytes);

}  // namespace linli::sync
