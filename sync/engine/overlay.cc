// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/overlay.h"

#include "base/assert.h"

namespace linli::sync {

Result<StoreState> BaseState::open() {
  LINLI_TRY(StoreState state, store_.load());
  cache_.clear();
  head = state.head;
  outbox_head = state.outbox_head;
  bucket_ids = 0;
  bucket_by_name.clear();
  buckets.clear();
  members.clear();
  clients.clear();
  for (const BucketInfo& info : state.buckets) {
    bucket_ids = std::max(bucket_ids, info.id.raw());
    bucket_by_name.emplace(info.spec.name, info.id);
    buckets.emplace(info.id.raw(), info);
  }
  for (const Member& m : state.members) members[m.account.raw()][m.bucket] = m.granted;
  for (const ClientWrite& c : state.clients) clients.emplace(c.cid.raw(), c.last_n);
  return state;
}

const RowState& BaseState::row(const RowKey& key) {
  if (auto it = cache_.find(key); it != cache_.end()) return it->second;
  auto stored = store_.row(key);
  if (!stored) throw StoreFailure{stored.error()};
  RowState state;
  if (*stored) {
    auto json = parse_json(*(*stored)->data, limits::kRowBytesMax);
    if (!json) throw StoreFailure{{Errc::corrupt, "row " + key.tbl + " does not parse"}};
    state = {(*stored)->ver, (*stored)->data, std::make_shared<const Json>(std::move(*json)),
             (*stored)->buckets};
  }
  if (cache_.size() >= kCachedRowsMax) cache_.clear();
  return cache_.emplace(key, std::move(state)).first->second;
}

void BaseState::remember(const RowKey& key, RowState state) {
  cache_.insert_or_assign(key, std::move(state));
}

}  // namespace linli::sync
