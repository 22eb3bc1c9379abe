// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "notify/records.h"
#include "notify/text/reply.h"

/// What the gateway asks of a database. One community per store. Held to
/// tests/unit/notify/store_contract.
namespace linli::notify {

/// One storage transaction: all or nothing, durable when apply() returns. Records are whole new
/// states by their key.
struct StoreBatch {
  /// Of the run that writes; a store opened later by another run refuses it.
  std::uint64_t lease_no = 0;
  Instant at{};
  std::optional<std::uint64_t> outbox_cursor;
  std::vector<NoticeRecord> notices;
  std::vector<PlanRecord> plans;
  std::vector<DeliveryRecord> deliveries;
  std::vector<AttemptRecord> attempts;
  std::vector<ReceiptRecord> receipts;
  std::vector<FactRecord> facts;
  std::vector<LinkRecord> links;
  /// Channels that stand still until a person releases them: name -> why; empty why = released.
  std::vector<std::pair<std::string, std::string>> paused;

  [[nodiscard]] bool empty() const {
    return !outbox_cursor && notices.empty() && plans.empty() && deliveries.empty() &&
           attempts.empty() && receipts.empty() && facts.empty() && links.empty() && paused.empty();
  }
};

/// What a gateway works on, read once at start.
struct StoreSnapshot {
  /// Greater than that of every earlier run.
  std::uint64_t lease_no = 0;
  std::uint64_t outbox_cursor = 0;
  std::uint64_t delivery_head = 0;
  std::uint64_t fact_head = 0;
  /// Live and stopped ones.
  std::vector<NoticeRecord> notices;
  /// Active ones.
  std::vector<PlanRecord> plans;
  /// Those that a step may still change: ready, held, intent, unknown, owed.
  std::vector<DeliveryRecord> deliveries;
  /// Receipts without a delivery, a day old at most.
  std::vector<ReceiptRecord> orphans;
  std::vector<std::pair<std::string, std::string>> paused;
  /// Attempts as far back as was asked for, for calendars and daily caps.
  struct Sent {
    std::string channel;
    std::string address;
    std::string person;
    Lane lane = Lane::bulk;
    /// Number of the attempt; a repetition is not another message to the person.
    std::uint32_t n = 1;
    Instant at{};
    /// What the message was about; empty when it is not known any more.
    std::string category{};
    /// Billed ones, at least 1.
    std::uint32_t parts = 1;
  };
  std::vector<Sent> sent;
};

struct ReachCounts {
  std::string medium;
  std::string state;
  std::int64_t persons = 0;
};

/// Errors: io, disk_full, corrupt; conflict when another run took the lease. After an error nothing
/// of the batch is stored. Threads: one at a time.
class GatewayStore {
 public:
  virtual ~GatewayStore() = default;
  /// Takes the lease for a new run and brings the two hand-offs in line with the other side, one of
  /// which may come from an older backup (decision M11): numbers of facts go on above `facts_told`,
  /// the cursor is at most `outbox_head`. `now` bounds what is still of interest.
  struct OtherSide {
    std::uint64_t facts_told = 0;
    std::uint64_t outbox_head = 0;
    /// How far back the longest limit looks.
    Millis look_back{24 * 3'600'000};
  };
  virtual Result<StoreSnapshot> open(Instant now, const OtherSide& other) = 0;
  virtual Result<void> apply(const StoreBatch& batch) = 0;
  /// Facts with n > after, ascending.
  virtual Result<std::vector<FactRecord>> facts(std::uint64_t after, std::size_t limit) = 0;
  virtual Result<std::optional<DeliveryRecord>> delivery(DeliveryId id) = 0;
  virtual Result<std::optional<DeliveryRecord>> delivery_by_provider(
      const std::string& channel, const std::string& provider_id) = 0;
  /// The newest delivery that was tried over this channel to this address, in either spelling, at
  /// or before `until`.
  virtual Result<std::optional<DeliveryRecord>> delivery_by_address(const std::string& channel,
                                                                    const Spellings& address,
                                                                    Instant until) = 0;
  virtual Result<std::optional<PlanRecord>> plan(const std::string& notice,
                                                 const std::string& person) = 0;
  /// Deliveries of a notice, or all, in one state, ids > after, ascending.
  struct Search {
    std::string notice{};
    std::string person{};
    std::optional<DeliveryRecord::State> state{};
    DeliveryId after{};
    std::size_t limit = 100;
  };
  virtual Result<std::vector<DeliveryRecord>> deliveries(const Search& search) = 0;
  virtual Result<std::vector<AttemptRecord>> attempts(DeliveryId id) = 0;
  /// Also one that has expired, for as long as it is kept.
  virtual Result<std::optional<LinkRecord>> link(const std::string& hash) = 0;
  /// Distinct persons of a notice by medium and state.
  virtual Result<std::vector<ReachCounts>> counts(const std::string& notice) = 0;
  /// Plans of a notice that `who` answered or left; for an all-clear: deliveries that went out.
  virtual Result<std::vector<DeliveryRecord>> handed(const std::string& notice, DeliveryId after,
                                                     std::size_t limit) = 0;
  /// Drops facts with n <= consumed and everything of notices that ended, both older than `before`.
  virtual Result<void> prune(Instant before, std::uint64_t facts_consumed) = 0;
};

}  // namespace linli::notify
