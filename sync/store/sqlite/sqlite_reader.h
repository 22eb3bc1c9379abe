// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "sync/engine/store_port.h"
#include "sync/store/sqlite/connection.h"
#include "sync/store/sqlite/names.h"

namespace linli::sync {

/// StoreReader over one SQLite connection. WAL: never waits for the writer, never delays it.
class SqliteReader final : public StoreReader {
 public:
  /// Opens an own connection to an existing store.
  static Result<std::unique_ptr<SqliteReader>> open(const std::string& path);
  /// Reads over somebody else's connection, on that one's thread.
  explicit SqliteReader(sqlite::Connection& connection);

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

 private:
  explicit SqliteReader(std::unique_ptr<sqlite::Connection> own);
  BucketChunk read_chunk(BucketId bucket, Seq after, bool tombstones, std::size_t rows_max,
                         std::size_t bytes_max);

  /// Null when the connection is somebody else's.
  std::unique_ptr<sqlite::Connection> own_;
  sqlite::Connection& connection_;
  sqlite::Names tables_;
  sqlite::Names indexes_;
};

}  // namespace linli::sync
