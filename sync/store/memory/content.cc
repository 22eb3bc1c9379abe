// SPDX-License-Identifier: Apache-2.0
#include "sync/store/memory/content.h"

#include <algorithm>

#include "base/assert.h"
#include "sync/store/day.h"

namespace linli::sync {

Result<void> MemoryStore::Content::check(const WriteBatch& batch) const {
  LINLI_ASSERT(batch.from <= batch.to);
  if (batch.from != head)
    return fail(Errc::conflict, "apply: the batch does not start at the head");
  std::uint64_t id = outbox_head;
  for (const OutboxRow& row : batch.outbox)
    if (row.id != ++id) return fail(Errc::conflict, "apply: outbox ids have a hole");
  std::set<BucketId> made;
  for (const BucketInfo& bucket : batch.buckets) made.insert(bucket.id);
  std::set<Cid> known;
  for (const ClientWrite& client : batch.clients) known.insert(client.cid);
  for (const StoredResult& result : batch.results)
    if (!clients.contains(result.cid) && !known.contains(result.cid))
      return fail(Errc::internal, "apply: a result of a client that does not exist");
  std::map<RowKey, bool> written;
  for (const RowWrite& write : batch.rows) written[write.row] = write.data != nullptr;
  for (const EntryWrite& entry : batch.entries) {
    if (!buckets.contains(entry.bucket) && !made.contains(entry.bucket))
      return fail(Errc::internal, "apply: an entry of a bucket that does not exist");
    const auto row = written.find(entry.row);
    const bool live = row != written.end() ? row->second : rows.contains(entry.row);
    if (entry.live && !live)
      return fail(Errc::internal, "apply: the batch places a row that does not exist");
  }
  return {};
}

void MemoryStore::Content::apply(const WriteBatch& batch) {
  for (const BucketInfo& bucket : batch.buckets) buckets[bucket.id].info = bucket;
  for (const RowWrite& write : batch.rows) put_row(write);
  for (const EntryWrite& write : batch.entries) put_entry(write);
  for (const IndexWrite& write : batch.indexes) {
    auto& index = indexes[write.index];
    if (write.add) {
      index.emplace(write.value, write.key);
    } else {
      index.erase({write.value, write.key});
    }
  }
  put_alarms(batch);
  put_bookkeeping(batch);
  head = batch.to;
  day_marks[utc_day(batch.at)] = batch.to;
}

void MemoryStore::Content::put_row(const RowWrite& write) {
  if (write.data == nullptr) {
    rows.erase(write.row);
  } else {
    rows[write.row] = {write.ver, write.data};
  }
}

void MemoryStore::Content::put_entry(const EntryWrite& write) {
  Bucket& bucket = buckets.at(write.bucket);
  const auto [at, added] = bucket.entries.try_emplace(write.row);
  if (!added) bucket.by_ver.erase({at->second.ver, write.row});
  at->second = {write.ver, write.live};
  bucket.by_ver.emplace(write.ver, write.row);
  if (write.live) {
    placed[write.row].insert(write.bucket);
  } else if (const auto placements = placed.find(write.row); placements != placed.end()) {
    placements->second.erase(write.bucket);
    if (placements->second.empty()) placed.erase(placements);
  }
}

void MemoryStore::Content::put_alarms(const WriteBatch& batch) {
  const auto cancel = [this](const DueRow& row) {
    const auto known = due_at.find({row.kind, row.key});
    if (known == due_at.end()) return;
    due.erase({known->second, row.kind, row.key});
    due_at.erase(known);
  };
  for (const DueRow& row : batch.due_removes) cancel(row);
  for (const DueRow& row : batch.due_adds) {
    cancel(row);
    due.insert(row);
    due_at[{row.kind, row.key}] = row.at;
  }
}

void MemoryStore::Content::put_bookkeeping(const WriteBatch& batch) {
  for (const MemberWrite& write : batch.members) {
    if (write.add) {
      members[{write.bucket, write.account}] = write.granted;
    } else {
      members.erase({write.bucket, write.account});
    }
  }
  for (const ClientWrite& client : batch.clients) clients[client.cid] = client.last_n;
  for (const StoredResult& result : batch.results)
    results[{result.cid, result.lane, result.n}] = result;
  quarantine.insert(quarantine.end(), batch.quarantine.begin(), batch.quarantine.end());
  for (const OutboxRow& row : batch.outbox) outbox[row.id] = row;
  if (!batch.outbox.empty()) outbox_head = batch.outbox.back().id;
  for (const IdempotencyRecord& record : batch.idempotency)
    idempotency[{record.actor, record.key}] = record;
}

void MemoryStore::Content::raise_floor(BucketId id, Seq floor) {
  const auto found = buckets.find(id);
  if (found == buckets.end()) return;
  Bucket& bucket = found->second;
  std::erase_if(bucket.entries, [&](const auto& item) {
    const auto& [row, entry] = item;
    if (entry.live || entry.ver > floor) return false;
    bucket.by_ver.erase({entry.ver, row});
    return true;
  });
  bucket.info.floor = std::max(bucket.info.floor, floor);
}

void MemoryStore::Content::prune(std::int64_t before, std::uint64_t outbox_consumed) {
  std::erase_if(results, [&](const auto& item) { return item.second.at < before; });
  std::erase_if(quarantine, [&](const QuarantineWrite& write) { return write.at < before; });
  std::erase_if(idempotency, [&](const auto& item) { return item.second.at < before; });
  std::erase_if(outbox, [&](const auto& item) { return item.first <= outbox_consumed; });
}

}  // namespace linli::sync
