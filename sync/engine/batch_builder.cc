// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/batch_builder.h"

#include <algorithm>

#include "base/assert.h"

namespace linli::sync {

BucketInfo& BatchBuilder::touched(BucketId id) {
  auto it = buckets_.find(id);
  if (it != buckets_.end()) return it->second;
  auto known = base_.buckets.find(id.raw());
  LINLI_ASSERT(known != base_.buckets.end());
  return buckets_.emplace(id, known->second).first->second;
}

void BatchBuilder::write_row(const RowKey& key, const RowState& next, WriteBatch& out) {
  const RowState before = base_.row(key);
  // Made and deleted again within the batch: nobody saw it.
  if (!before.data && !next.data) return;
  out.rows.push_back({key, next.ver, next.data});
  if (!before.buckets.empty()) {
    const std::uint64_t h = row_hash(key.tbl, key.key, before.ver, *before.data);
    for (BucketId id : before.buckets) touched(id).digest.remove(h);
  }
  for (BucketId id : before.buckets) {
    if (std::ranges::binary_search(next.buckets, id)) continue;
    touched(id).head = std::max(touched(id).head, next.ver);
    out.entries.push_back({id, key, next.ver, false});
    ops_[id].push_back({key, next.ver, nullptr});
  }
  if (next.buckets.empty()) return;
  const std::uint64_t h = row_hash(key.tbl, key.key, next.ver, *next.data);
  for (BucketId id : next.buckets) {
    BucketInfo& info = touched(id);
    info.digest.add(h);
    info.head = std::max(info.head, next.ver);
    out.entries.push_back({id, key, next.ver, true});
    ops_[id].push_back({key, next.ver, next.data});
  }
}

WriteBatch BatchBuilder::write(Seq from, Seq to, std::int64_t at) {
  WriteBatch out;
  out.from = from;
  out.to = to;
  out.at = at;
  for (const auto& [name, made] : batch_.new_buckets) {
    BucketInfo info{.id = made.first,
                    .spec = made.second,
                    .head = {},
                    .reset_seq = {},
                    .floor = {},
                    .digest = {}};
    buckets_.emplace(info.id, info);
    new_buckets_.push_back(std::move(info));
  }
  for (const auto& [key, state] : batch_.rows) write_row(key, state, out);
  for (auto& [id, info] : buckets_) out.buckets.push_back(info);
  for (auto& [id, ops] : ops_) std::ranges::stable_sort(ops, {}, &Op::ver);
  for (const auto& [index, changes] : batch_.indexes)
    for (const auto& [hit, present] : changes)
      out.indexes.push_back({index, hit.first, hit.second, present});
  std::map<std::pair<AccountId, BucketId>, MemberWrite> members;
  for (const MembershipChange& c : batch_.members)
    members.insert_or_assign({c.account, c.bucket}, MemberWrite{c.account, c.bucket, c.at, c.add});
  for (auto& [key, member] : members) out.members.push_back(member);
  std::uint64_t outbox_id = base_.outbox_head;
  for (OutboxRow row : batch_.outbox) {
    row.id = ++outbox_id;
    out.outbox.push_back(std::move(row));
  }
  for (const auto& [key, due] : batch_.due) {
    out.due_removes.push_back({0, key.first, key.second});
    if (due) out.due_adds.push_back({*due, key.first, key.second});
  }
  return out;
}

std::shared_ptr<Commit> BatchBuilder::commit(const WriteBatch& write,
                                             std::vector<ResultOut> results) {
  auto commit = std::make_shared<Commit>();
  commit->from = write.from;
  commit->to = write.to;
  commit->new_buckets = std::move(new_buckets_);
  for (auto& [id, ops] : ops_) commit->deltas.push_back({buckets_.at(id), std::move(ops)});
  commit->members = batch_.members;
  commit->results = std::move(results);
  commit->clients = write.clients;
  commit->outbox_head = base_.outbox_head + write.outbox.size();
  for (const auto& [key, state] : batch_.rows)
    if (base_.registry().table(key.tbl)->watched) commit->watched.push_back({key, state.json});
  return commit;
}

void BatchBuilder::adopt(const WriteBatch& write) {
  for (const auto& [key, state] : batch_.rows) base_.remember(key, state);
  for (const auto& [id, info] : buckets_) {
    base_.bucket_ids = std::max(base_.bucket_ids, id.raw());
    base_.bucket_by_name.insert_or_assign(info.spec.name, id);
    base_.buckets.insert_or_assign(id.raw(), info);
  }
  for (const MemberWrite& m : write.members) {
    auto& held = base_.members[m.account.raw()];
    if (m.add) {
      held.insert_or_assign(m.bucket, m.granted);
    } else {
      held.erase(m.bucket);
    }
  }
  for (const ClientWrite& c : write.clients) base_.clients.insert_or_assign(c.cid.raw(), c.last_n);
  base_.head = write.to;
  base_.outbox_head += write.outbox.size();
}

}  // namespace linli::sync
