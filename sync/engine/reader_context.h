// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <unordered_map>

#include "sync/engine/registry.h"

namespace linli::sync {

/// The store failed under a query; the caller of RuntimePort::read may catch it.
struct ReadFailure : std::runtime_error {
  explicit ReadFailure(Error e) : std::runtime_error(e.detail), error(std::move(e)) {}
  Error error;
};

/// Parsed rows kept between queries of one reader, checked by version. Threads: one at a time.
class RowCache {
 public:
  /// About 16 MiB of parsed rows.
  static constexpr std::size_t kRowsMax = 16'000;
  /// Errors: throws ReadFailure when the stored text does not parse.
  std::shared_ptr<const Json> parse(const RowKey& key, const StoredRow& row);
  [[nodiscard]] std::size_t parses() const { return parses_; }

 private:
  struct Parsed {
    Seq ver;
    std::shared_ptr<const Json> json;
  };
  std::unordered_map<RowKey, Parsed> rows_;
  std::size_t parses_ = 0;
};

/// ReadContext over a store's reader: each call is one short read transaction on the last durable
/// batch. Errors: throws ReadFailure. Threads: one at a time.
class ReaderContext final : public ReadContext {
 public:
  ReaderContext(StoreReader& reader, RowCache& cache, Actor actor, Instant now)
      : reader_(reader), cache_(cache), actor_(std::move(actor)), now_(now) {}

  const Actor& actor() const override { return actor_; }
  Instant now() const override { return now_; }
  std::shared_ptr<const Json> get(std::string_view tbl, std::string_view key) override;
  std::vector<IndexHit> scan(std::string_view index, std::string_view prefix,
                             const std::optional<IndexHit>& after, std::size_t limit) override;
  std::vector<std::pair<std::string, std::shared_ptr<const Json>>> table(
      std::string_view tbl, std::string_view after, std::size_t limit) override;
  std::vector<QuarantineWrite> quarantine(std::size_t limit) override;
  std::optional<DeviceCursor> contact(const Cid& cid) override;
  bool holds(std::string_view tbl, std::string_view key) override;

 private:
  StoreReader& reader_;
  RowCache& cache_;
  const Actor actor_;
  const Instant now_;
};

}  // namespace linli::sync
