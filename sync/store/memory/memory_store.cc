// SPDX-License-Identifier: Apache-2.0
#include "sync/store/memory/memory_store.h"

#include <mutex>
#include <shared_mutex>

#include "sync/store/chunk_page.h"
#include "sync/store/day.h"
#include "sync/store/memory/content.h"

namespace linli::sync {

/// Reads the shared content, one shared lock per call.
class MemoryStore::Reader final : public StoreReader {
 public:
  explicit Reader(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  Result<std::optional<StoredRow>> row(const RowKey& row) override {
    const std::shared_lock lock(shared_->mutex);
    const Content& content = shared_->content;
    const auto found = content.rows.find(row);
    if (found == content.rows.end()) return std::nullopt;
    return stored(content, row, found->second);
  }

  Result<std::vector<IndexHit>> scan(std::string_view index, std::string_view prefix,
                                     const std::optional<IndexHit>& after,
                                     std::size_t limit) override {
    const std::shared_lock lock(shared_->mutex);
    std::vector<IndexHit> hits;
    const auto found = shared_->content.indexes.find(index);
    if (found == shared_->content.indexes.end()) return hits;
    const auto& pairs = found->second;
    auto at = after && after->value >= prefix ? pairs.upper_bound({after->value, after->key})
                                              : pairs.lower_bound({std::string(prefix), ""});
    for (; at != pairs.end() && at->first.starts_with(prefix) && hits.size() < limit; ++at)
      hits.push_back({at->first, at->second});
    return hits;
  }

  Result<std::vector<std::pair<std::string, StoredRow>>> table(std::string_view tbl,
                                                               std::string_view after,
                                                               std::size_t limit) override {
    const std::shared_lock lock(shared_->mutex);
    const Content& content = shared_->content;
    std::vector<std::pair<std::string, StoredRow>> rows;
    auto at = content.rows.upper_bound({std::string(tbl), std::string(after)});
    for (; at != content.rows.end() && at->first.tbl == tbl && rows.size() < limit; ++at)
      rows.emplace_back(at->first.key, stored(content, at->first, at->second));
    return rows;
  }

  Result<BucketChunk> chunk(BucketId bucket, Seq after, bool tombstones, std::size_t rows_max,
                            std::size_t bytes_max) override {
    const std::shared_lock lock(shared_->mutex);
    const Content& content = shared_->content;
    BucketChunk chunk;
    chunk.read_head = content.head;
    chunk.complete = true;
    const auto found = content.buckets.find(bucket);
    if (found == content.buckets.end()) return chunk;
    const Content::Bucket& from = found->second;
    chunk.digest = from.info.digest;
    ChunkPage page(rows_max, bytes_max);
    auto at = from.by_ver.lower_bound({Seq{after.raw() + 1}, RowKey{}});
    for (; chunk.complete && at != from.by_ver.end(); ++at) {
      const bool live = from.entries.at(at->second).live;
      if (!live && !tombstones) continue;
      chunk.complete =
          page.add({at->second, at->first, live ? content.rows.at(at->second).data : nullptr});
    }
    chunk.ops = page.take();
    chunk.to = chunk.complete ? from.info.head : chunk.ops.back().ver;
    return chunk;
  }

  Result<std::vector<StoredResult>> results(const Cid& cid, UpLane lane, std::uint64_t after,
                                            std::size_t limit) override {
    const std::shared_lock lock(shared_->mutex);
    const auto& all = shared_->content.results;
    std::vector<StoredResult> results;
    for (auto at = all.upper_bound({cid, lane, after});
         at != all.end() && at->second.cid == cid && at->second.lane == lane &&
         results.size() < limit;
         ++at)
      results.push_back(at->second);
    return results;
  }

  Result<std::optional<IdempotencyRecord>> idempotency(const AccountId& actor,
                                                       std::string_view key) override {
    const std::shared_lock lock(shared_->mutex);
    const auto& all = shared_->content.idempotency;
    const auto found = all.find({actor, std::string(key)});
    if (found == all.end()) return std::nullopt;
    return found->second;
  }

  Result<std::vector<OutboxRow>> outbox(std::uint64_t after, std::size_t limit) override {
    const std::shared_lock lock(shared_->mutex);
    const auto& all = shared_->content.outbox;
    std::vector<OutboxRow> rows;
    for (auto at = all.upper_bound(after); at != all.end() && rows.size() < limit; ++at)
      rows.push_back(at->second);
    return rows;
  }

  Result<std::vector<DueRow>> due(std::int64_t until, std::size_t limit) override {
    const std::shared_lock lock(shared_->mutex);
    std::vector<DueRow> rows;
    for (const DueRow& row : shared_->content.due) {
      if (row.at > until || rows.size() == limit) break;
      rows.push_back(row);
    }
    return rows;
  }

  Result<std::vector<QuarantineWrite>> quarantine(std::size_t limit) override {
    const std::shared_lock lock(shared_->mutex);
    const auto& all = shared_->content.quarantine;
    std::vector<QuarantineWrite> rows;
    for (auto at = all.rbegin(); at != all.rend() && rows.size() < limit; ++at) rows.push_back(*at);
    return rows;
  }

  Result<std::vector<DeviceCursor>> cursors() override {
    const std::shared_lock lock(shared_->mutex);
    std::vector<DeviceCursor> cursors;
    for (const auto& [cid, cursor] : shared_->content.cursors) cursors.push_back(cursor);
    return cursors;
  }

  Result<std::optional<DeviceCursor>> cursor(const Cid& cid) override {
    const std::shared_lock lock(shared_->mutex);
    const auto found = shared_->content.cursors.find(cid);
    if (found == shared_->content.cursors.end()) return std::nullopt;
    return found->second;
  }

  Result<bool> is_member(const AccountId& account, BucketId bucket) override {
    const std::shared_lock lock(shared_->mutex);
    return shared_->content.members.contains({bucket, account});
  }

 private:
  static StoredRow stored(const Content& content, const RowKey& row, const Content::Row& value) {
    StoredRow out{value.ver, value.data, {}};
    if (const auto placed = content.placed.find(row); placed != content.placed.end())
      out.buckets.assign(placed->second.begin(), placed->second.end());
    return out;
  }

  std::shared_ptr<Shared> shared_;
};

MemoryStore::MemoryStore()
    : shared_(std::make_shared<Shared>()), reader_(std::make_unique<Reader>(shared_)) {}

MemoryStore::~MemoryStore() = default;

MemoryStore::Snapshot MemoryStore::snapshot() const {
  const std::shared_lock lock(shared_->mutex);
  Snapshot snapshot;
  snapshot.content_ = std::make_shared<const Content>(shared_->content);
  return snapshot;
}

void MemoryStore::restore(const Snapshot& snapshot) {
  const std::unique_lock lock(shared_->mutex);
  shared_->content = *snapshot.content_;
}

void MemoryStore::fail_apply(const StoreFault& fault) { fault_ = fault; }

Result<void> MemoryStore::apply(const WriteBatch& batch) {
  ++applies_;
  const std::unique_lock lock(shared_->mutex);
  LINLI_CHECK(shared_->content.check(batch));
  std::optional<StoreFault> fault;
  if (fault_ && --fault_->nth == 0) fault.swap(fault_);
  if (!fault || fault->durable) shared_->content.apply(batch);
  if (fault) return fail(fault->code, "apply: a fault on request");
  return {};
}

Result<StoreState> MemoryStore::load() {
  const std::shared_lock lock(shared_->mutex);
  const Content& content = shared_->content;
  StoreState state{.epoch = content.epoch,
                   .head = content.head,
                   .outbox_head = content.outbox_head,
                   .buckets = {},
                   .members = {},
                   .clients = {}};
  for (const auto& [id, bucket] : content.buckets) state.buckets.push_back(bucket.info);
  for (const auto& [grant, granted] : content.members)
    state.members.push_back({grant.second, grant.first, granted});
  for (const auto& [cid, last_n] : content.clients) state.clients.push_back({cid, last_n});
  return state;
}

Result<void> MemoryStore::save_cursors(const std::vector<DeviceCursor>& cursors) {
  const std::unique_lock lock(shared_->mutex);
  for (const DeviceCursor& cursor : cursors) shared_->content.cursors[cursor.cid] = cursor;
  return {};
}

Result<void> MemoryStore::raise_floor(BucketId bucket, Seq floor) {
  const std::unique_lock lock(shared_->mutex);
  shared_->content.raise_floor(bucket, floor);
  return {};
}

Result<Seq> MemoryStore::seq_at(std::int64_t at) {
  const std::shared_lock lock(shared_->mutex);
  const auto& marks = shared_->content.day_marks;
  const auto after = marks.upper_bound(last_whole_day(at));
  return after == marks.begin() ? Seq{} : std::prev(after)->second;
}

Result<void> MemoryStore::prune(std::int64_t before, std::uint64_t outbox_consumed) {
  const std::unique_lock lock(shared_->mutex);
  shared_->content.prune(before, outbox_consumed);
  return {};
}

Result<void> MemoryStore::set_epoch(const Epoch& epoch) {
  const std::unique_lock lock(shared_->mutex);
  shared_->content.epoch = epoch;
  return {};
}

Result<std::unique_ptr<StoreReader>> MemoryStore::make_reader() {
  return std::make_unique<Reader>(shared_);
}

Result<std::optional<StoredRow>> MemoryStore::row(const RowKey& row) { return reader_->row(row); }

Result<std::vector<IndexHit>> MemoryStore::scan(std::string_view index, std::string_view prefix,
                                                const std::optional<IndexHit>& after,
                                                std::size_t limit) {
  return reader_->scan(index, prefix, after, limit);
}

Result<std::vector<std::pair<std::string, StoredRow>>> MemoryStore::table(std::string_view tbl,
                                                                          std::string_view after,
                                                                          std::size_t limit) {
  return reader_->table(tbl, after, limit);
}

Result<BucketChunk> MemoryStore::chunk(BucketId bucket, Seq after, bool tombstones,
                                       std::size_t rows_max, std::size_t bytes_max) {
  return reader_->chunk(bucket, after, tombstones, rows_max, bytes_max);
}

Result<std::vector<StoredResult>> MemoryStore::results(const Cid& cid, UpLane lane,
                                                       std::uint64_t after, std::size_t limit) {
  return reader_->results(cid, lane, after, limit);
}

Result<std::optional<IdempotencyRecord>> MemoryStore::idempotency(const AccountId& actor,
                                                                  std::string_view key) {
  return reader_->idempotency(actor, key);
}

Result<std::vector<OutboxRow>> MemoryStore::outbox(std::uint64_t after, std::size_t limit) {
  return reader_->outbox(after, limit);
}

Result<std::vector<DueRow>> MemoryStore::due(std::int64_t until, std::size_t limit) {
  return reader_->due(until, limit);
}

Result<std::vector<QuarantineWrite>> MemoryStore::quarantine(std::size_t limit) {
  return reader_->quarantine(limit);
}

Result<std::vector<DeviceCursor>> MemoryStore::cursors() { return reader_->cursors(); }
Result<std::optional<DeviceCursor>> MemoryStore::cursor(const Cid& cid) {
  return reader_->cursor(cid);
}

Result<bool> MemoryStore::is_member(const AccountId& account, BucketId bucket) {
  return reader_->is_member(account, bucket);
}

}  // namespace linli::sync
