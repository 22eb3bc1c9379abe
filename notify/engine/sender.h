// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "notify/engine/counts.h"
#include "notify/engine/ladder.h"
#include "notify/engine/settings.h"
#include "notify/engine/state.h"

namespace linli::notify {

/// Wall time for what is stored, monotonic time for waits.
struct Times {
  Instant wall{};
  MonoTime mono{0};
};

/// What to hand to one channel once the intents are durable; at most its batch_max items.
struct Submit {
  std::string channel;
  std::vector<Item> items;
};

/// Whether a delivery went to family or neighbours instead of the person.
bool is_to_helpers(const Policies& policies, const NoticeRecord& notice,
                   const DeliveryRecord& delivery);

/// Chooses what goes out next over which channel, and takes the answers (notify.md §4.3, §4.4).
/// Threads: one.
class Sender {
 public:
  Sender(State& state, const GatewaySettings& settings, Ladder& ladder, Rng& rng);

  /// Attempts of the last day, for per-recipient calendars and daily caps.
  void load(const std::vector<StoreSnapshot::Sent>& sent, Instant now);
  /// An attempt of an earlier run whose answer nobody heard (trap: killed between intent and
  /// answer).
  void recover(DeliveryId id, Times now);

  [[nodiscard]] Service service(Medium medium, MonoTime now) const;
  /// What is not worth sending any more, with the reason that the dead letters show.
  void drop_expired(std::span<const DeliveryId> ids, Times now);
  /// Marks what may go out now as intent, red first, at most kSubmitItemsMax.
  std::vector<Submit> pick(Times now);
  void done(const std::string& channel, const action::Done& done, Times now);
  /// Unknown ones whose hold is over count as not reached.
  void give_up(std::span<const DeliveryId> waited, Times now);
  /// When tokens or a breaker's probe allow what is ready but could not go.
  [[nodiscard]] std::optional<MonoTime> wake_at() const { return wake_at_; }

  struct Look {
    std::string name;
    std::string paused;
    bool is_open = false;
    std::size_t in_flight = 0;
    double rate = 0;
    std::uint64_t handed = 0;
    std::uint64_t failed = 0;
    ChannelCounts counts{};
    /// Ready or owed over this channel's medium, by lane.
    std::array<std::size_t, kLaneNames.size()> queued{};
    /// Of these, steps that came while it could not be used.
    std::size_t owed = 0;
    /// How long the oldest of them waits; nothing = none does.
    std::optional<Millis> oldest{};
  };
  [[nodiscard]] std::vector<Look> look(Instant now) const;

 private:
  struct Channel {
    const ChannelSetup* setup = nullptr;
    TokenBucket bucket;
    /// By address.
    Calendar calendar;
    /// By address and category, which is what a template is for the engine.
    Calendar templates;
    /// Parts of the whole account, under one key.
    Calendar account;
    Breaker breaker;
    std::size_t in_flight = 0;
    std::uint64_t handed = 0;
    std::uint64_t failed = 0;
    ChannelCounts counts{};
    /// When those that are under way were submitted; at most window_max.
    std::map<DeliveryId, MonoTime> submitted{};
  };
  enum class Pick : std::uint8_t { taken, left, full };

  std::size_t pick_from(Channel& channel, Times now, std::size_t limit, std::vector<Submit>& out);
  Pick try_one(Channel& channel, DeliveryRecord delivery, Times now, std::vector<Submit>& out);
  /// True when a rule keeps it from going; it was put back with another time or state.
  bool is_kept_back(Channel& channel, DeliveryRecord& delivery, const Item& item, Times now);
  bool is_capped(DeliveryRecord& delivery, const Notice* notice, std::int64_t cost, Instant now);
  /// `notice` is there unless the delivery says something of its own.
  [[nodiscard]] Item item_of(const DeliveryRecord& delivery, const Notice* notice,
                             const Capabilities& can) const;
  void settle(Channel& channel, DeliveryRecord delivery, const Outcome& outcome, Times now);
  void accepted(Channel& channel, DeliveryRecord delivery, const Outcome& outcome, Times now);
  /// `asked`: what the peer wants; 0 = our own back-off.
  void retry(DeliveryRecord delivery, Millis asked, Times now);
  /// The peer cannot be reached: nobody's message is lost for it. It stays owed until it expires,
  /// and the person's ladder goes on meanwhile (RAIN-14).
  void wait_for_peer(DeliveryRecord delivery, Millis asked, Times now);
  void refuse(DeliveryRecord delivery, const Outcome& outcome, Times now);
  void resolve_unknown(const Channel& channel, DeliveryRecord delivery, Times now);
  void fail_for_good(DeliveryRecord delivery, DeliveryRecord::State state, Times now);
  void strike(const DeliveryRecord& delivery, const Outcome& outcome);
  void wake(MonoTime at);
  int& sent_today(const std::string& person, Instant now);
  Channel* find(const std::string& name);

  State& state_;
  const GatewaySettings& settings_;
  Ladder& ladder_;
  Rng& rng_;
  std::vector<Channel> channels_;
  /// Doubtful refusals of an address; the second removes it.
  std::map<std::string, int> strikes_;
  /// Routine messages a person got today over anything but the app, for the daily cap.
  std::map<std::string, int> today_;
  Instant today_start_{};
  std::optional<MonoTime> wake_at_;
};

}  // namespace linli::notify
