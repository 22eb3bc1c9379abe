// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "notify/store_port.h"

namespace linli::notify {

/// gateway.db: one SQLite file per community, WAL, synchronous=FULL (docs/NOTIFY.md).
/// Threads: one at a time; another thread opens another store on the same file.
class SqliteGatewayStore final : public GatewayStore {
 public:
  /// Opens or creates the file and brings it to the newest schema.
  /// Errors: io, corrupt, unsupported_version.
  static Result<std::unique_ptr<SqliteGatewayStore>> open(const std::string& path);
  ~SqliteGatewayStore() override;

  Result<StoreSnapshot> open(Instant now, const OtherSide& other) override;
  Result<void> apply(const StoreBatch& batch) override;
  Result<std::vector<FactRecord>> facts(std::uint64_t after, std::size_t limit) override;
  Result<std::optional<DeliveryRecord>> delivery(DeliveryId id) override;
  Result<std::optional<DeliveryRecord>> delivery_by_provider(
      const std::string& channel, const std::string& provider_id) override;
  Result<std::optional<DeliveryRecord>> delivery_by_address(const std::string& channel,
                                                            const Spellings& address,
                                                            Instant until) override;
  Result<std::optional<PlanRecord>> plan(const std::string& notice,
                                         const std::string& person) override;
  Result<std::vector<DeliveryRecord>> deliveries(const Search& search) override;
  Result<std::vector<AttemptRecord>> attempts(DeliveryId id) override;
  Result<std::optional<LinkRecord>> link(const std::string& hash) override;
  Result<std::vector<ReachCounts>> counts(const std::string& notice) override;
  Result<std::vector<DeliveryRecord>> handed(const std::string& notice, DeliveryId after,
                                             std::size_t limit) override;
  Result<void> prune(Instant before, std::uint64_t facts_consumed) override;
  /// What a file says while no gateway runs on it; takes no lease. Errors: io, corrupt.
  struct Standing {
    /// Channel -> why it stands still.
    std::vector<std::pair<std::string, std::string>> paused;
    /// Live and stopped ones.
    std::vector<NoticeRecord> notices;
    /// State word -> how many.
    std::vector<std::pair<std::string, std::int64_t>> deliveries;
    /// What a channel of the medium would send next, and since when the oldest waits.
    struct Waiting {
      std::string medium;
      std::uint64_t count = 0;
      Instant since{};
    };
    std::vector<Waiting> waiting;
  };
  Result<Standing> standing();

 private:
  class Impl;
  explicit SqliteGatewayStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace linli::notify
