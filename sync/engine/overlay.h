// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"
#include "sync/engine/commit.h"
#include "sync/engine/registry.h"
#include "sync/engine/store_port.h"

namespace linli::sync {

/// A row as a mutator sees it. `data` null = absent.
struct RowState {
  Seq ver;
  SharedText data;
  std::shared_ptr<const Json> json;
  /// Ascending.
  std::vector<BucketId> buckets;
};

/// Changes on top of something older: those of one mutation, or of the batch so far.
struct Overlay {
  std::map<RowKey, RowState> rows;
  /// index -> (value, key) -> present.
  std::map<std::string, std::map<std::pair<std::string, std::string>, bool>, std::less<>> indexes;
  /// Name -> id and spec; ids continue those of the base, so they are final if the batch commits.
  std::map<std::string, std::pair<BucketId, BucketSpec>, std::less<>> new_buckets;
  std::vector<MembershipChange> members;
  std::vector<OutboxRow> outbox;
  /// (kind, key) -> time, or nothing when cancelled.
  std::map<std::pair<std::string, std::string>, std::optional<std::int64_t>> due;

  void clear() { *this = {}; }
};

/// The community as of the last durable batch: memory in front of the store.
/// Errors: store failures throw StoreFailure, which only Committer catches.
class BaseState {
 public:
  BaseState(const Registry& registry, Store& store) : registry_(registry), store_(store) {}

  Result<StoreState> open();
  /// A row at the last batch; absent rows have null data.
  const RowState& row(const RowKey& key);
  void remember(const RowKey& key, RowState state);

  const Registry& registry() const { return registry_; }
  Store& store() { return store_; }

  Seq head;
  std::uint64_t outbox_head = 0;
  std::uint32_t bucket_ids = 0;
  std::map<std::string, BucketId, std::less<>> bucket_by_name;
  std::unordered_map<std::uint32_t, BucketInfo> buckets;
  std::unordered_map<Id128, std::map<BucketId, Seq>> members;
  std::unordered_map<Id128, UpNumbers> clients;

 private:
  /// Parsed rows kept between batches; at about 1 KiB each this is some 30 MiB.
  static constexpr std::size_t kCachedRowsMax = 30000;

  const Registry& registry_;
  Store& store_;
  std::unordered_map<RowKey, RowState> cache_;
};

/// A store error inside a mutator: the whole batch is off.
struct StoreFailure {
  Error error;
};

}  // namespace linli::sync
