// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sync/engine/store_port.h"
#include "sync/store/sqlite/batch_writer.h"
#include "sync/store/sqlite/checkpointer.h"
#include "sync/store/sqlite/connection.h"
#include "sync/store/sqlite/sqlite_reader.h"

namespace linli::sync {

struct SqliteStoreOptions {
  std::string path;
  /// False: a missing file is an error.
  bool create = true;
  /// Tests that copy the files of a running store switch the thread off.
  bool checkpoint_thread = true;
  sqlite::CheckpointOptions checkpoint{};
};

/// One community in one SQLite file (docs/STORAGE.md). Its WAL is on disk when apply() returns.
///
/// After an I/O error during a commit the store refuses all further writes until it is opened anew.
/// Why: the kernel may report a failed fsync once and succeed the next time without the data.
/// Threads: as Store says; make_reader() from the writer's thread.
class SqliteStore final : public Store {
 public:
  /// Opens and migrates. Errors: io, disk_full, corrupt (also: another program's database),
  /// unsupported_version (a newer program wrote the file).
  static Result<std::unique_ptr<SqliteStore>> open(const SqliteStoreOptions& options);
  /// Stops the checkpoint thread and empties the WAL as far as readers allow.
  ~SqliteStore() override;

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
  Result<void> hold() override;
  void release() override;
  Result<void> apply(const WriteBatch& batch) override;
  Result<void> save_cursors(const std::vector<DeviceCursor>& cursors) override;
  Result<void> raise_floor(BucketId bucket, Seq floor) override;
  Result<Seq> seq_at(std::int64_t at) override;
  Result<void> prune(std::int64_t before, std::uint64_t outbox_consumed) override;
  Result<void> set_epoch(const Epoch& epoch) override;
  Result<std::unique_ptr<StoreReader>> make_reader() override;

 private:
  explicit SqliteStore(const SqliteStoreOptions& options);
  /// Runs `fn` in the held write transaction or one of its own and ends it. Errors as the class
  /// says.
  template <class Fn>
  Result<void> write(std::string_view operation, Fn&& fn);
  void after_commit();

  // Constant after construction.
  const SqliteStoreOptions options_;
  sqlite::Connection connection_;
  SqliteReader reader_;
  std::optional<sqlite::Transaction> held_;
  sqlite::BatchWriter writer_;
  /// Set once: a commit met an I/O error.
  bool broken_ = false;
  /// WAL length at which the checkpoint thread is poked next; grows while it cannot keep up.
  int poke_at_ = 0;
  std::unique_ptr<sqlite::Checkpointer> checkpointer_;
};

}  // namespace linli::sync
