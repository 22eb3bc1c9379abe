// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "notify/engine/ladder.h"
#include "notify/engine/sender.h"

namespace linli::notify {

/// What the host does after one turn. Everything in it is durable before it is returned.
struct Turn {
  std::vector<Submit> submits;
  /// Deliveries to take back, by channel.
  std::vector<std::pair<std::string, DeliveryId>> cancels;
  /// (notice, position): DirectoryPort::page().
  std::vector<std::pair<std::string, std::string>> pages;
  /// (notice, person): DirectoryPort::person().
  std::vector<std::pair<std::string, std::string>> persons;
  /// Last fact stored so far: what the bridge has not told yet can be read up to here.
  std::uint64_t facts = 0;
  /// When the next turn is due if nothing comes in; absent = nothing waits.
  std::optional<Instant> due;
  std::optional<MonoTime> wake;
};

/// The gateway of one community, sans-IO (notify.md §4): outbox rows, pages, answers and receipts
/// in, submissions and facts out.
///
/// The calls between two turns change memory only; turn() makes all of it durable in one
/// transaction and then says what to do. Killed at any instant, the next run starts from the last
/// turn: outbox rows come again, pages are asked for again, and what was given to a channel without
/// an answer is resolved by the channel's rule for `unknown` (notify.md §4.3).
/// Threads: one.
class Gateway {
 public:
  Gateway(GatewaySettings settings, GatewayStore& store, const Clock& clock, Rng& rng);

  /// Takes the lease and reads what there is. Errors: those of GatewayStore::open.
  Result<void> open(const GatewayStore::OtherSide& other);

  /// Rows in order; those at or below the cursor are known and skipped.
  void accept(std::span<const OutboxItem> rows);
  [[nodiscard]] std::uint64_t cursor() const { return state_.cursor(); }
  void on_page(const std::string& notice, const Result<RecipientPage>& page);
  void on_person(const std::string& notice, const std::string& person,
                 const Result<std::optional<Recipient>>& who);
  void on_done(const std::string& channel, const action::Done& done);
  void on_heard(const std::string& channel, const Receipt& receipt);

  /// Errors: those of GatewayStore::apply; nothing was submitted, the next turn tries the same
  /// again.
  Result<Turn> turn();

  // What staff and operators do; durable with the next turn.
  void pause(const std::string& channel, const std::string& why);
  void resume(const std::string& channel);
  /// A dead or failed delivery once more. Errors: not_found, wrong_state.
  Result<void> replay(DeliveryId id);
  /// As State::raise_alarm.
  void alarm(const std::string& kind, const std::string& subject, const std::string& text);

  struct NoticeLook {
    std::string id;
    std::string state;
    std::size_t waiting = 0;
    std::int64_t cost = 0;
    bool is_expanding = false;
  };
  [[nodiscard]] std::vector<NoticeLook> notices() const;
  [[nodiscard]] std::vector<Sender::Look> channels() const { return sender_.look(clock_.now()); }
  [[nodiscard]] const std::map<std::string, std::string>& paused() const { return state_.paused(); }

 private:
  [[nodiscard]] Times now() const { return {clock_.now(), clock_.mono()}; }
  void take(const OutboxItem& row);
  void notice_sent(const OutboxItem& row);
  void notice_changed(const OutboxItem& row);
  void notice_ended(const OutboxItem& row);
  void take_order(const Json& data);
  void test(const std::string& channel, const std::string& address, const std::string& text);
  /// Those who were sent the notice hear that it is over or different, over what reached them.
  void tell_handed(const Notice& notice, const Message& message);
  /// Stops what loudspeakers are saying of a notice that was halted.
  void silence_zones(const std::string& notice);
  void audience_changed(Notice& notice, const Json& data);
  /// Areas that are new in a notice are told, those that are not in it any more are not told again.
  void zones_changed(Notice& notice, const std::vector<Recipient>& zones);
  /// Whether the notice has been said there, or is about to be.
  [[nodiscard]] bool knows_zone(const PlanKey& key);
  /// Waiting messages of the notice end with it, also when its end was moved.
  void move_expiry(const NoticeRecord& record);
  void hear(DeliveryRecord delivery, const std::string& provider_id, ReceiptState state,
            Instant at);
  void replied(const DeliveryRecord& delivery, const std::string& reply);
  void settle_orphans();
  /// The last message to whom it is about, at its time.
  Result<std::optional<DeliveryRecord>> find_by_address(const std::string& channel,
                                                        const Receipt& receipt);
  std::optional<DeliveryRecord> find_delivery(const std::string& channel, const Receipt& receipt);
  /// The operator hears of alarms over every channel that has an address for it (decision F5).
  void tell_operator(Instant at);
  void ask_pages(Times at);
  /// What waits and is over is dropped before its notice ends, so that its reason is kept; true
  /// while there is more.
  bool drop_expired(Times at);
  void expire_notices(Times at);
  void collect_cancels();
  void set_times(Times at);

  const GatewaySettings settings_;
  GatewayStore& store_;
  const Clock& clock_;
  Rng& rng_;
  State state_;
  Ladder ladder_;
  Sender sender_;
  /// Kept over a failed apply().
  Turn turn_;
  std::vector<std::pair<std::string, std::string>> orphans_settled_;
  bool has_more_ = false;
};

}  // namespace linli::notify
