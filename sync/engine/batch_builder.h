// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "sync/engine/commit.h"
#include "sync/engine/overlay.h"

namespace linli::sync {

/// Turns the overlay of a batch into what the store writes, what the shards see, and what memory
/// keeps. Use in the order write(), commit(), adopt().
class BatchBuilder {
 public:
  BatchBuilder(BaseState& base, const Overlay& batch) : base_(base), batch_(batch) {}

  /// Placements, digests, tombstones and indexes against the base. Errors: throws StoreFailure.
  WriteBatch write(Seq from, Seq to, std::int64_t at);
  /// Call after write(); before adopt().
  std::shared_ptr<Commit> commit(const WriteBatch& write, std::vector<ResultOut> results);
  /// The batch is durable: memory follows.
  void adopt(const WriteBatch& write);

 private:
  void write_row(const RowKey& key, const RowState& next, WriteBatch& out);
  BucketInfo& touched(BucketId id);

  BaseState& base_;
  const Overlay& batch_;
  std::map<BucketId, BucketInfo> buckets_;
  std::map<BucketId, std::vector<Op>> ops_;
  std::vector<BucketInfo> new_buckets_;
};

}  // namespace linli::sync
