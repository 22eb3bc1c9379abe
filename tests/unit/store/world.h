// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "sync/engine/store_port.h"

namespace linli::sync::test {

inline Id128 make_id(std::uint64_t n) {
  Id128 id;
  SeededRng{n}.fill(id.bytes);
  return id;
}
inline SharedText text_of(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

/// Makes random but legal batches, as the engine would, and knows what a store must answer after
/// them. Everything follows from the seed, so a run can be repeated up to any batch.
class World {
 public:
  static constexpr std::uint64_t kKeys = 40;
  static constexpr std::uint32_t kBuckets = 6;
  static constexpr std::uint64_t kClients = 5;
  static constexpr std::int64_t kStart = 1'800'000'000'000;
  static constexpr std::int64_t kBatchMs = 3'600'000;

  struct Entry {
    Seq ver;
    bool live = false;
  };

  explicit World(std::uint64_t seed) : rng_(seed) {}

  [[nodiscard]] Seq head() const { return Seq{head_}; }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] const BucketInfo& bucket(BucketId id) const { return buckets_.at(id); }

  /// 1..mutations_max mutations, at least one.
  WriteBatch next_batch(std::uint64_t mutations_max = 8) {
    WriteBatch batch;
    batch.from = head();
    now_ += kBatchMs;
    batch.at = now_;
    const bool first = head_ == 0;
    touched_buckets_.clear();
    touched_rows_.clear();
    touched_entries_.clear();
    const std::uint64_t mutations = 1 + rng_.below(mutations_max);
    for (std::uint64_t i = 0; i < mutations; ++i) add_mutation(batch);
    if (first) make_buckets();
    finish(batch);
    return batch;
  }

  /// What raise_floor(id, floor) does.
  void raise_floor(BucketId id, Seq floor) {
    std::erase_if(entries_, [&](const auto& item) {
      return item.first.first == id && !item.second.live && item.second.ver <= floor;
    });
    buckets_[id].id = id;
    buckets_[id].floor = std::max(buckets_[id].floor, floor);
  }

  /// Every op of a bucket after a cursor, by (ver, row).
  [[nodiscard]] std::vector<Op> ops(BucketId id, Seq after, bool tombstones) const {
    std::vector<Op> ops;
    for (const auto& [place, entry] : entries_) {
      if (place.first != id || entry.ver <= after || (!entry.live && !tombstones)) continue;
      ops.push_back({place.second, entry.ver, entry.live ? rows_.at(place.second).data : nullptr});
    }
    std::sort(ops.begin(), ops.end(), [](const Op& a, const Op& b) {
      return std::tie(a.ver, a.row) < std::tie(b.ver, b.row);
    });
    return ops;
  }

  [[nodiscard]] std::map<std::string, StoredRow> table(const std::string& tbl) const {
    std::map<std::string, StoredRow> out;
    for (const auto& [row, stored] : rows_)
      if (row.tbl == tbl) out[row.key] = stored;
    return out;
  }

  [[nodiscard]] std::set<std::pair<std::string, std::string>> hits(const std::string& index) const {
    const auto found = indexes_.find(index);
    return found == indexes_.end() ? std::set<std::pair<std::string, std::string>>{}
                                   : found->second;
  }

  [[nodiscard]] static Cid cid(std::uint64_t n) { return Cid{make_id(100 + n)}; }

 private:
  void make_buckets() {
    for (std::uint32_t b = 1; b <= kBuckets; ++b) {
      BucketInfo& info = buckets_[BucketId{b}];
      info.id = BucketId{b};
      info.spec = {.name = "area:" + std::to_string(b),
                   .lane = b == 1 ? Lane::urgent : Lane::normal,
                   .pri = static_cast<std::uint8_t>(b),
                   .cls = b == 2 ? BucketClass::sensitive : BucketClass::normal};
      touched_buckets_.insert(info.id);
    }
  }

  RowKey random_row() {
    const std::uint64_t n = rng_.below(kKeys);
    return {n % 3 == 0 ? "notice" : "task", "k" + std::to_string(n)};
  }

  void set_entry(BucketId id, const RowKey& row, const Entry& entry) {
    entries_[{id, row}] = entry;
    touched_entries_.insert({id, row});
    touched_buckets_.insert(id);
    buckets_[id].head = entry.ver;
  }

  void index_row(WriteBatch& batch, const RowKey& row, const SharedText& data, bool add) {
    const std::string index = row.tbl + ".state";
    const std::string value = data->substr(0, 2);
    batch.indexes.push_back({index, value, row.key, add});
    if (add) {
      indexes_[index].insert({value, row.key});
    } else {
      indexes_[index].erase({value, row.key});
    }
  }

  /// New content and placement of one row; no data = delete.
  void change_row(WriteBatch& batch, const RowKey& row, const SharedText& data,
                  const std::set<BucketId>& places) {
    const Seq ver{head_};
    if (const auto old = rows_.find(row); old != rows_.end()) {
      for (const BucketId b : old->second.buckets) {
        buckets_[b].digest.remove(row_hash(row.tbl, row.key, old->second.ver, *old->second.data));
        if (!places.contains(b)) set_entry(b, row, {ver, false});
      }
      index_row(batch, row, old->second.data, false);
    }
    touched_rows_.insert(row);
    if (data == nullptr) {
      rows_.erase(row);
      deleted_at_[row] = ver;
      return;
    }
    rows_[row] = {ver, data, {places.begin(), places.end()}};
    index_row(batch, row, data, true);
    for (const BucketId b : places) {
      set_entry(b, row, {ver, true});
      buckets_[b].digest.add(row_hash(row.tbl, row.key, ver, *data));
    }
  }

  void add_mutation(WriteBatch& batch) {
    ++head_;
    const std::uint64_t rows = rng_.below(10) == 0 ? 1 + rng_.below(6) : 1;
    for (std::uint64_t i = 0; i < rows; ++i) {
      const RowKey row = random_row();
      // One mutation touches a row once.
      if (const auto known = rows_.find(row); known != rows_.end() && known->second.ver == head())
        continue;
      const auto gone = deleted_at_.find(row);
      if (gone != deleted_at_.end() && gone->second == head()) continue;
      std::set<BucketId> places;
      for (std::uint64_t n = rng_.below(4); n > 0; --n)
        places.insert(BucketId{static_cast<std::uint32_t>(1 + rng_.below(kBuckets))});
      const bool remove = rng_.below(4) == 0 && rows_.contains(row);
      const std::string body(rng_.below(3) == 0 ? rng_.below(900) : rng_.below(60), 'x');
      const std::string state = "s" + std::to_string(rng_.below(5));
      change_row(batch, row, remove ? nullptr : text_of(state + std::to_string(head_) + body),
                 remove ? std::set<BucketId>{} : places);
    }
    add_bookkeeping(batch);
  }

  void add_bookkeeping(WriteBatch& batch) {
    const std::uint64_t c = rng_.below(kClients);
    const std::uint64_t lane = rng_.below(kUpLanes);
    const std::uint64_t n = ++last_n_[c][lane];
    const bool ok = rng_.below(5) != 0;
    touched_clients_.insert(c);
    batch.results.push_back({.cid = cid(c),
                             .lane = static_cast<UpLane>(lane),
                             .n = n,
                             .mhash = make_id(head_),
                             .status = ok ? MutationStatus::ok : MutationStatus::rejected,
                             .seq = head(),
                             .lanes = static_cast<std::uint8_t>(ok ? 2 : 0),
                             .code = ok ? "" : "wrong_state",
                             .msg = ok ? "" : "不行",
                             .info = ok ? "" : "{\"n\":1}",
                             .at = batch.at});
    if (!ok)
      batch.quarantine.push_back({.cid = cid(c),
                                  .account = AccountId{make_id(200 + c)},
                                  .lane = static_cast<UpLane>(lane),
                                  .n = n,
                                  .name = "task.done",
                                  .args = "{}",
                                  .code = "wrong_state",
                                  .at = batch.at});
    if (rng_.below(2) == 0)
      batch.outbox.push_back({++outbox_head_, "person_acked", "{\"n\":1}", batch.at});
  }

  void finish(WriteBatch& batch) {
    batch.to = head();
    for (const RowKey& row : touched_rows_) {
      const auto live = rows_.find(row);
      if (live != rows_.end()) {
        batch.rows.push_back({row, live->second.ver, live->second.data});
      } else {
        batch.rows.push_back({row, deleted_at_.at(row), nullptr});
      }
    }
    for (const auto& place : touched_entries_) {
      const Entry& entry = entries_.at(place);
      batch.entries.push_back({place.first, place.second, entry.ver, entry.live});
    }
    for (const BucketId id : touched_buckets_) batch.buckets.push_back(buckets_.at(id));
    for (const std::uint64_t c : touched_clients_) batch.clients.push_back({cid(c), last_n_[c]});
    touched_clients_.clear();
    const AccountId account{make_id(200 + rng_.below(kClients))};
    const BucketId id{static_cast<std::uint32_t>(1 + rng_.below(kBuckets))};
    batch.members.push_back({account, id, batch.to, rng_.below(3) != 0});
    const std::string alarm = "k" + std::to_string(rng_.below(6));
    if (rng_.below(3) == 0) {
      batch.due_removes.push_back({0, "expire", alarm});
    } else {
      batch.due_adds.push_back(
          {batch.at + static_cast<std::int64_t>(rng_.below(5) * 1000), "expire", alarm});
    }
    if (rng_.below(3) == 0)
      batch.idempotency.push_back({account, "req-" + std::to_string(rng_.below(9)), make_id(head_),
                                   200, "{\"ok\":true}", batch.at});
  }

  SeededRng rng_;
  std::uint64_t head_ = 0;
  std::int64_t now_ = kStart;
  std::uint64_t outbox_head_ = 0;
  std::map<RowKey, StoredRow> rows_;
  std::map<RowKey, Seq> deleted_at_;
  std::map<std::pair<BucketId, RowKey>, Entry> entries_;
  std::map<BucketId, BucketInfo> buckets_;
  std::map<std::string, std::set<std::pair<std::string, std::string>>> indexes_;
  std::map<std::uint64_t, UpNumbers> last_n_;
  // Of the batch being made.
  std::set<BucketId> touched_buckets_;
  std::set<RowKey> touched_rows_;
  std::set<std::pair<BucketId, RowKey>> touched_entries_;
  std::set<std::uint64_t> touched_clients_;
};

}  // namespace linli::sync::test
