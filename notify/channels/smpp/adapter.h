// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "notify/channel.h"
#include "notify/channels/smpp/link.h"
#include "notify/channels/smpp/references.h"
#include "notify/channels/smpp/settings.h"

namespace linli::notify::smpp {

/// A delivery waits so long for a session; then another try or channel is the engine's choice.
inline constexpr Millis kQueueMax{10'000};
/// Nothing is submitted for so long after the peer said that it is too much.
inline constexpr Millis kThrottlePause{1'000};
/// A part after the first is tried again for so long; a phone waits hours for it, a resident does
/// not.
inline constexpr Millis kPartPatience{60'000};
/// Ends the wait for answers when the channel stops.
inline constexpr Millis kStopMax{5'000};
/// Receipts that came before the answer which names them.
inline constexpr std::size_t kEarlyReceiptsMax = 4'096;
/// Submissions whose answer may still come after their time.
inline constexpr std::size_t kLateMax = 1'024;

/// Text messages over SMPP 3.4 (notify/channels/smpp/README.md).
///
/// The parts of one message go out one after another, each when the one before it was taken, all on
/// one session: what a peer refuses in the middle is tried again from there, and a message refused
/// at its first part costs nothing. A delivery therefore has at most one PDU in the window.
class SmppAdapter final : public Adapter {
 public:
  /// `rng` and `clock` outlive the adapter.
  SmppAdapter(Settings settings, Rng& rng, const Clock& clock, std::uint32_t first_sequence = 1);

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] Result<Preview> preview(const Endpoint& to, const Message& message) const override;
  void start(MonoTime now, Actions& out) override;
  void submit(std::span<const Item> items, MonoTime now, Actions& out) override;
  void cancel(DeliveryId id, MonoTime now, Actions& out) override;
  void stop(MonoTime now, Actions& out) override;
  void on_stream_open(StreamId stream, MonoTime now, Actions& out) override;
  void on_bytes(StreamId stream, std::string_view bytes, MonoTime now, Actions& out) override;
  void on_stream_closed(StreamId stream, std::string_view reason, MonoTime now,
                        Actions& out) override;
  void on_timer(std::uint32_t number, MonoTime now, Actions& out) override;
  [[nodiscard]] Health health() const override;

 private:
  /// A delivery under way. It is in exactly one of ready_, resting_ and flying_.
  struct Job {
    DeliveryId id;
    Lane lane = Lane::bulk;
    std::uint64_t order = 0;
    Address to;
    Instant expires;
    SmsSplit split;
    std::uint8_t reference = 0;
    /// Names of the parts taken so far; the next part is number ids.size().
    std::vector<std::string> ids{};
    int refusals = 0;
    MonoTime patience_until{0};
    /// Receipts that wait for this delivery's Done.
    std::vector<Receipt> receipts{};
    [[nodiscard]] bool has_begun() const { return !ids.empty(); }
  };
  struct Flying {
    DeliveryId id;
    std::uint64_t order = 0;
  };
  struct Early {
    Receipt receipt;
    /// Of the last submission before the receipt came.
    std::uint64_t order = 0;
  };
  struct Late {
    DeliveryId id;
    std::vector<std::string> ids;
  };
  using Jobs = std::map<DeliveryId, Job>;

  void take(const Item& item, MonoTime now, Actions& out);
  void settle(MonoTime now, Actions& out);
  void expire(MonoTime now, Actions& out);
  void arm(Actions& out);
  void leave_if_idle(MonoTime now, Actions& out);
  void fail_if_refused(Actions& out);
  [[nodiscard]] std::vector<DeliveryId> not_begun() const;

  void on_event(const Event& event, MonoTime now, Actions& out);
  void on_answer(const event::Answer& answer, MonoTime now, Actions& out);
  void on_part_taken(Job& job, const std::string& id, Actions& out);
  void on_part_refused(Job& job, Outcome outcome, MonoTime now, Actions& out);
  void on_silent(std::uint32_t sequence, Actions& out);
  void on_late(const event::Answer& answer, Actions& out);
  void on_lost(Actions& out);
  void on_short_message(const ShortMessage& message, Actions& out);

  void pump(MonoTime now, Actions& out);
  void send_part(Job& job, MonoTime now, Actions& out);
  [[nodiscard]] ShortMessage to_pdu(const Job& job) const;
  [[nodiscard]] std::string validity_of(const Job& job) const;
  void finish(DeliveryId id, Outcome outcome, Actions& out);
  void make_ready(const Job& job) { ready_[{job.lane, job.order}] = job.id; }
  /// Hands a receipt up, or keeps it until the Done that it belongs to.
  void deliver(Receipt receipt, Actions& out);
  void release_early(Actions& out);
  Link* link_of(StreamId stream);
  [[nodiscard]] std::optional<MonoTime> deadline() const;

  // Constant after construction.
  const Settings settings_;
  Capabilities capabilities_;
  const Clock& clock_;
  Rng& rng_;

  Link sender_;
  std::optional<Link> receiver_;
  References references_;
  Jobs jobs_;
  /// Next to be sent: by lane, then in order of arrival.
  std::map<std::pair<Lane, std::uint64_t>, DeliveryId> ready_;
  /// A later part was refused and is tried again then.
  std::multimap<MonoTime, DeliveryId> resting_;
  /// By sequence number; orders_ are the same submissions in order of sending.
  std::unordered_map<std::uint32_t, Flying> flying_;
  std::set<std::uint64_t> orders_;
  /// Ids of parts whose delivery is not done.
  std::unordered_map<std::string, DeliveryId> part_ids_;
  std::deque<Early> early_;
  /// By sequence number.
  std::map<std::uint32_t, Late> late_;
  /// Until when each delivery may wait for its first part to leave, in order of arrival.
  std::deque<std::pair<MonoTime, DeliveryId>> queue_due_;

  std::uint64_t arrivals_ = 0;
  std::uint64_t submissions_ = 0;
  MonoTime now_{0};
  MonoTime paused_until_{0};
  std::optional<MonoTime> stop_at_;
  std::optional<MonoTime> armed_;
  bool is_started_ = false;
  bool is_stopping_ = false;
};

/// For AdapterRegistry: kind "smpp".
Result<std::unique_ptr<Adapter>> make_smpp(const AdapterParts& parts);

}  // namespace linli::notify::smpp
