// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sync/engine/store_port.h"

namespace linli::sync {

/// A disk fault for MemoryStore::fail_apply().
struct StoreFault {
  /// Which apply() from now fails; 1 = the next.
  std::size_t nth = 1;
  /// io or disk_full.
  Errc code = Errc::io;
  /// True: the batch is stored although the answer is an error, as after a crash between commit and
  /// answer.
  bool durable = false;
};

/// The contract of Store without a disk: for the simulator and for tests of the engine.
///
/// Everything is ordered maps under one shared_mutex; readers see the last applied batch.
/// Threads: one writer; each reader one at a time; all at once.
class MemoryStore final : public Store {
 public:
  /// The whole content at one moment; cheap to copy, never changes.
  class Snapshot;

  MemoryStore();
  ~MemoryStore() override;

  [[nodiscard]] Snapshot snapshot() const;
  /// Back to `snapshot`; readers made before see it too. A pending fault stays armed.
  void restore(const Snapshot& snapshot);
  void fail_apply(const StoreFault& fault);
  /// Calls of apply() so far, failed ones included.
  [[nodiscard]] std::size_t applies() const { return applies_; }

  Result<std::optional<StoredRow>> row(const RowKey& row) override;
  Result<std::vector<IndexHit>> scan(std::string_view index, std::string_view prefix,
                                     const std::optional<IndexHit>& after,
                                     std::size_t limit) override;
  Result<std::vector<std::pair<std::string, StoredRow>>> table(std::string_view tbl,
                                                               std::string_view after,
                                                               std::size_t limit) override;
  Result<BucketChunk> chunk(BucketId bucket, Seq after, bool tombstones, std::size_t rows_max,
                            std::size_t bytes_max) override;
  Result<std::vector<StoredResult>> results(const Cid& cid, UpLane lane, std::uint64_t after,
                                            std::size_t limit) override;
  Result<std::optional<IdempotencyRecord>> idempotency(const AccountId& actor,
                                                       std::string_view key) override;
  Result<std::vector<OutboxRow>> outbox(std::uint64_t after, std::size_t limit) override;
  Result<std::vector<DueRow>> due(std::int64_t until, std::size_t limit) override;
  Result<std::vector<QuarantineWrite>> quarantine(std::size_t limit) override;
  Result<std::vector<DeviceCursor>> cursors() override;
  Result<std::optional<DeviceCursor>> cursor(const Cid& cid) override;
  Result<bool> is_member(const AccountId& account, BucketId bucket) override;

  Result<StoreState> load() override;
  Result<void> apply(const WriteBatch& batch) override;
  Result<void> save_cursors(const std::vector<DeviceCursor>& cursors) override;
  Result<void> raise_floor(BucketId bucket, Seq floor) override;
  Result<Seq> seq_at(std::int64_t at) override;
  Result<void> prune(std::int64_t before, std::uint64_t outbox_consumed) override;
  Result<void> set_epoch(const Epoch& epoch) override;
  Result<std::unique_ptr<StoreReader>> make_reader() override;

 private:
  struct Content;
  struct Shared;
  class Reader;

  /// Shared with readers, which may outlive the store.
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Reader> reader_;
  // Owned by the writer.
  std::optional<StoreFault> fault_;
  std::size_t applies_ = 0;
};

class MemoryStore::Snapshot {
 private:
  friend class MemoryStore;
  std::shared_ptr<const Content> content_;
};

}  // namespace linli::sync
