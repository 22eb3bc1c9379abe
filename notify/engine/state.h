// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "notify/records.h"
#include "notify/store_port.h"

namespace linli::notify {

/// (notice, person).
using PlanKey = std::pair<std::string, std::string>;

/// A notice with what is known of it only while the gateway runs.
struct Notice {
  NoticeRecord record;
  /// A page was asked for and has not come.
  bool is_asking = false;
  Instant ask_at{};
  /// Answered before the page with their plan came.
  std::set<std::string, std::less<>> acked_early;
};

/// Everything the gateway works on, with the indexes its steps need, and what of it is not in the
/// store yet. Records change through the put functions only.
/// Threads: one.
class State {
 public:
  explicit State(Rng& rng) : rng_(rng) {}

  void load(StoreSnapshot snapshot);

  [[nodiscard]] Notice* notice(const std::string& id);
  [[nodiscard]] std::map<std::string, Notice, std::less<>>& notices() { return notices_; }
  [[nodiscard]] const std::map<std::string, Notice, std::less<>>& notices() const {
    return notices_;
  }
  Notice& add_notice(NoticeRecord record);
  /// The record of `id` changed in place.
  void touch_notice(const std::string& id);
  /// Forgets what ended, once it is stored.
  void drop_notice(const std::string& id) { ended_notices_.push_back(id); }

  [[nodiscard]] const PlanRecord* plan(const PlanKey& key) const;
  /// Plans that are not active any more are forgotten when they are stored.
  void put_plan(PlanRecord plan);
  [[nodiscard]] std::size_t plans() const { return plans_.size(); }
  /// Active plans, by notice and by person.
  [[nodiscard]] std::vector<PlanKey> plans_of_notice(const std::string& notice) const;
  [[nodiscard]] std::vector<PlanKey> plans_of_person(const std::string& person) const;
  [[nodiscard]] std::vector<PlanKey> plans_of_household(const std::string& notice,
                                                        const std::string& household) const;
  /// Due at or before `now`, earliest first, at most `limit`.
  [[nodiscard]] std::vector<PlanKey> due_plans(Instant now, std::size_t limit) const;

  [[nodiscard]] const DeliveryRecord* delivery(DeliveryId id) const;
  /// Takes a new id and key; it waits since `now`.
  DeliveryRecord new_delivery(Instant now);
  void put_delivery(DeliveryRecord delivery);
  [[nodiscard]] std::vector<DeliveryId> deliveries_of(const PlanKey& key) const;
  [[nodiscard]] std::vector<DeliveryId> deliveries_of_notice(const std::string& notice) const;
  /// Ready ones of one medium and lane, by the time from which they may go.
  using Queue = std::set<std::pair<Instant, DeliveryId>>;
  [[nodiscard]] const Queue& ready(Medium medium, Lane lane) const;
  /// Those whose step came while no channel of the medium could be used, by its time.
  [[nodiscard]] const Queue& owed(Medium medium, Lane lane) const;
  /// Held and unknown ones whose time has come.
  [[nodiscard]] std::vector<DeliveryId> due_waits(Instant now, std::size_t limit) const;
  /// Of what waits to go out, those that are not worth sending any more.
  [[nodiscard]] std::vector<DeliveryId> due_expiries(Instant now, std::size_t limit) const;
  /// Since when the oldest ready or owed one of a medium waits; nothing = none waits.
  [[nodiscard]] std::optional<Instant> oldest(Medium medium) const;
  [[nodiscard]] std::optional<DeliveryId> by_provider(const std::string& channel,
                                                      const std::string& id) const;

  void add_attempt(AttemptRecord attempt) { batch_.attempts.push_back(std::move(attempt)); }
  void add_link(LinkRecord link) { batch_.links.push_back(std::move(link)); }
  void add_receipt(ReceiptRecord receipt);
  /// Receipts that came before their delivery was known; taken out.
  std::vector<ReceiptRecord> take_orphans(const std::string& channel, const std::string& id);
  void add_fact(std::string name, Json args);
  /// `what` (handed, delivered, read, failed) about the person of a delivery, failed with why by
  /// its state; gathered into
  /// reach.record facts by gather_reach(). The greatest counts there, whatever the order.
  void add_reach(const DeliveryRecord& delivery, const char* what, Instant at);
  void gather_reach();
  /// Something of ours is wrong: told to the desk, at most once an hour for each kind and subject.
  struct Raise {
    std::string kind;
    std::string subject;
    std::string text;
    /// The desk takes it for over after this; 0 = until somebody says so.
    Millis lasts{0};
  };
  void raise_alarm(const Raise& what, Instant now);
  /// Alarms that the operator has not been written yet.
  struct Alarm {
    std::string subject;
    std::string text;
  };
  [[nodiscard]] const std::vector<Alarm>& alarms() const { return alarms_; }
  [[nodiscard]] std::vector<Alarm> take_alarms() { return std::exchange(alarms_, {}); }
  void set_cursor(std::uint64_t outbox_id);
  [[nodiscard]] std::uint64_t cursor() const { return cursor_; }
  [[nodiscard]] std::uint64_t facts() const { return fact_head_; }
  [[nodiscard]] std::uint64_t lease_no() const { return lease_no_; }

  /// Empty = not paused. "*" pauses every channel.
  [[nodiscard]] std::string paused(const std::string& channel) const;
  void set_paused(const std::string& channel, const std::string& why);
  [[nodiscard]] const std::map<std::string, std::string>& paused() const { return paused_; }

  /// Everything that changed since the last stored(); the same again until then.
  [[nodiscard]] StoreBatch batch() const;
  /// The last batch() is durable: nothing is dirty, and what is over is forgotten.
  void stored();

  /// The earliest time at which a plan, a wait, an expiry or a ready delivery is due after `now`.
  [[nodiscard]] std::optional<Instant> next_due(Instant now) const;

 private:
  void index(const DeliveryRecord& delivery);
  void unindex(const DeliveryRecord& delivery);
  using Queues = std::array<std::array<Queue, kLaneNames.size()>, kMediumNames.size()>;

  Rng& rng_;
  std::uint64_t lease_no_ = 0;
  std::uint64_t cursor_ = 0;
  std::uint64_t delivery_head_ = 0;
  std::uint64_t fact_head_ = 0;
  std::map<std::string, Notice, std::less<>> notices_;
  std::map<PlanKey, PlanRecord> plans_;
  std::set<std::pair<std::string, std::string>> person_plans_;
  std::set<std::pair<PlanKey, std::string>> household_plans_;
  std::set<std::pair<Instant, PlanKey>> plan_due_;
  std::map<DeliveryId, DeliveryRecord> deliveries_;
  std::set<std::pair<PlanKey, DeliveryId>> plan_deliveries_;
  Queues ready_;
  Queues owed_;
  Queue waits_;
  /// Of ready, held and owed ones, by Delivery::expires.
  Queue expiries_;
  /// Ready and owed ones, by DeliveryRecord::made_at.
  std::array<Queue, kMediumNames.size()> made_;
  std::map<std::pair<std::string, std::string>, DeliveryId> provider_;
  std::map<std::pair<std::string, std::string>, std::vector<ReceiptRecord>> orphans_;
  std::map<std::string, std::string> paused_;

  // Not in the store yet.
  StoreBatch batch_;
  std::set<std::string> dirty_notices_;
  std::set<PlanKey> dirty_plans_;
  std::set<DeliveryId> dirty_deliveries_;
  std::vector<std::string> ended_notices_;
  std::map<std::pair<std::string, std::int64_t>, Json> reach_;
  std::map<std::pair<std::string, std::string>, Instant> alarmed_;
  std::vector<Alarm> alarms_;
};

/// Whether a step of ours may still change it. A late receipt may change others, which are then
/// read from the store.
constexpr bool is_open(DeliveryRecord::State state) {
  using enum DeliveryRecord::State;
  return state == ready || state == held || state == intent || state == unknown || state == owed;
}

/// Whether it waits to go out.
constexpr bool is_waiting(DeliveryRecord::State state) {
  using enum DeliveryRecord::State;
  return state == ready || state == held || state == owed;
}

}  // namespace linli::notify
