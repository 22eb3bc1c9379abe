// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/server.h"

/// Only for the source files of Server.
namespace linli::sim {

/// The disk, as a buggy store would use it.
class Server::SpoiledStore final : public sync::Store {
 public:
  SpoiledStore(sync::MemoryStore& disk, Plant plant) : disk_(disk), plant_(plant) {}

  Result<std::optional<sync::StoredRow>> row(const sync::RowKey& row) override {
    return disk_.row(row);
  }
  Result<std::vector<sync::IndexHit>> scan(std::string_view index, std::string_view prefix,
                                           const std::optional<sync::IndexHit>& after,
                                           std::size_t limit) override {
    return disk_.scan(index, prefix, after, limit);
  }
  Result<std::vector<std::pair<std::string, sync::StoredRow>>> table(std::string_view tbl,
                                                                     std::string_view after,
                                                                     std::size_t limit) override {
    return disk_.table(tbl, after, limit);
  }
  Result<sync::BucketChunk> chunk(sync::BucketId bucket, sync::Seq after, bool tombstones,
                                  std::size_t rows, std::size_t bytes) override {
    if (plant_ == Plant::skip_row && after.raw() > 0) after = sync::Seq{after.raw() + 1};
    return disk_.chunk(bucket, after, tombstones && plant_ != Plant::omit_tombstones, rows, bytes);
  }
  Result<std::vector<sync::StoredResult>> results(const sync::Cid& cid, sync::UpLane lane,
                                                  std::uint64_t after, std::size_t limit) override {
    return disk_.results(cid, lane, after, limit);
  }
  Result<std::optional<sync::IdempotencyRecord>> idempotency(const sync::AccountId& actor,
                                                             std::string_view key) override {
    return disk_.idempotency(actor, key);
  }
  Result<std::vector<sync::OutboxRow>> outbox(std::uint64_t after, std::size_t limit) override {
    return disk_.outbox(after, limit);
  }
  Result<std::vector<sync::DueRow>> due(std::int64_t until, std::size_t limit) override {
    return disk_.due(until, limit);
  }
  Result<std::vector<sync::QuarantineWrite>> quarantine(std::size_t limit) override {
    return disk_.quarantine(limit);
  }
  Result<std::vector<sync::DeviceCursor>> cursors() override { return disk_.cursors(); }
  Result<std::optional<sync::DeviceCursor>> cursor(const sync::Cid& cid) override {
    return disk_.cursor(cid);
  }
  Result<bool> is_member(const sync::AccountId& account, sync::BucketId bucket) override {
    return disk_.is_member(account, bucket);
  }
  Result<sync::StoreState> load() override { return disk_.load(); }
  Result<void> apply(const sync::WriteBatch& batch) override {
    return disk_.apply(spoil(plant_, batch));
  }
  Result<void> save_cursors(const std::vector<sync::DeviceCursor>& c) override {
    return disk_.save_cursors(c);
  }
  Result<void> raise_floor(sync::BucketId bucket, sync::Seq floor) override {
    return disk_.raise_floor(bucket, floor);
  }
  Result<sync::Seq> seq_at(std::int64_t) override { return garbage_floor; }
  /// Results stay: no phone is away for half a year here.
  Result<void> prune(std::int64_t, std::uint64_t) override { return {}; }
  Result<void> set_epoch(const sync::Epoch& epoch) override { return disk_.set_epoch(epoch); }
  Result<std::unique_ptr<sync::StoreReader>> make_reader() override { return disk_.make_reader(); }

  /// What counts as old enough for its tombstones to go.
  sync::Seq garbage_floor{};

 private:
  sync::MemoryStore& disk_;
  Plant plant_;
};

}  // namespace linli::sim
