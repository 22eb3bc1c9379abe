// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "notify/channel.h"
#include "notify/channels/smpp/pdu.h"
#include "notify/channels/smpp/settings.h"

namespace linli::notify::smpp {

/// A connection may take this long to open, TLS included.
inline constexpr Millis kOpenMax{15'000};
/// Waiting times between two tries to connect: doubled from the first to the last, each drawn from
/// its upper half so that several clients do not come back together.
inline constexpr Millis kReconnectFirst{1'000};
inline constexpr Millis kReconnectLast{60'000};
/// A session that held so long was a good one: the next wait starts from the first again.
inline constexpr Millis kStableAfter{10'000};
/// What is under way when one side unbinds may still be answered for so long.
inline constexpr Millis kLeaveMax{5'000};

namespace event {
struct Bound {};
/// The session is over; what it had not answered stays without an answer.
struct Lost {};
/// To a submit_sm, also when it comes after Silent.
struct Answer {
  std::uint32_t sequence = 0;
  std::uint32_t status = 0;
  std::string message_id{};
};
/// No answer within Settings::response_max.
struct Silent {
  std::uint32_t sequence = 0;
};
/// A deliver_sm, already answered.
struct Message {
  ShortMessage message;
};
}  // namespace event
using Event = std::variant<event::Bound, event::Lost, event::Answer, event::Silent, event::Message>;

/// One SMPP session that is opened again whenever it ends, each time on a stream of its own.
///
///   closed --Open--> opening --on_open--> binding --bind_resp 0--> bound --unbind--> leaving
///      ^                 |  too slow          |  refused, silent     |  half-open       |
///      +------------------------ back-off with jitter ---------------+------------------+
///
/// Sans-IO; one caller at a time.
class Link {
 public:
  enum class Role : std::uint8_t { transceiver, transmitter, receiver };
  enum class State : std::uint8_t { closed, opening, binding, bound, leaving };

  /// `settings` and `rng` outlive the link. `first_sequence` in 1..kSequenceMax.
  Link(const Settings& settings, Role role, Rng& rng, std::uint32_t first_sequence = 1);

  void start(MonoTime now, Actions& out);
  /// Unbinds; it does not come back. Ends with Lost if a session was open.
  void stop(MonoTime now, Actions& out);
  /// The sequence number of the submit_sm. Only when is_bound().
  std::uint32_t submit(const ShortMessage& message, MonoTime now, Actions& out);

  /// Whether `stream` is the session's present one; the on_ calls are for that one.
  [[nodiscard]] bool owns(StreamId stream) const;
  void on_open(MonoTime now, Actions& out);
  void on_bytes(std::string_view bytes, MonoTime now, Actions& out);
  void on_closed(std::string_view reason, MonoTime now);
  void on_time(MonoTime now, Actions& out);

  /// What has happened since the last call, in order.
  [[nodiscard]] std::vector<Event> take_events() { return std::exchange(events_, {}); }
  /// When on_time() is wanted at the latest; nullopt = not.
  [[nodiscard]] std::optional<MonoTime> deadline() const;
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_bound() const { return state_ == State::bound; }
  /// The status that refused the last bind; nullopt when it was not refused.
  [[nodiscard]] std::optional<std::uint32_t> refusal() const { return refusal_; }
  /// Why there is no session, for the operator.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  void open(MonoTime now, Actions& out);
  void send(const Pdu& pdu, Actions& out) const;
  void answer(const Pdu& request, std::uint32_t status, Actions& out) const;
  void drop(std::string reason, MonoTime now, Actions& out);
  void ended(std::string reason, MonoTime now);
  [[nodiscard]] Millis reconnect_wait();
  std::uint32_t next_sequence();

  void on_pdu(Pdu pdu, MonoTime now, Actions& out);
  void on_bind_answer(const Pdu& pdu, MonoTime now, Actions& out);
  void on_deliver(const Pdu& pdu, Actions& out);
  void on_nack(const Pdu& pdu, MonoTime now, Actions& out);
  void on_unbind(const Pdu& pdu, MonoTime now, Actions& out);
  void on_answer(event::Answer answer, MonoTime now, Actions& out);
  void leave_when_done(MonoTime now, Actions& out);
  [[nodiscard]] bool is_open() const;

  // Constant after construction.
  const Settings& settings_;
  const Role role_;
  Rng& rng_;

  State state_ = State::closed;
  StreamId stream_;
  std::uint32_t sequence_;
  Framer framer_;
  std::vector<Event> events_;
  bool is_stopped_ = false;
  bool peer_left_ = false;
  /// closed: when to open again; opening, binding, leaving: when it has taken too long.
  std::optional<MonoTime> step_at_;
  std::uint32_t bind_sequence_ = 0;
  MonoTime bound_at_{0};
  int failures_ = 0;
  std::optional<std::uint32_t> refusal_;
  std::string reason_;
  /// submit_sm without an answer, and when each has waited too long, in order of sending.
  std::unordered_set<std::uint32_t> pending_;
  std::deque<std::pair<MonoTime, std::uint32_t>> due_;
  /// The last sign of life, and the question that waits for one.
  MonoTime heard_at_{0};
  std::optional<MonoTime> enquire_due_;
};

}  // namespace linli::notify::smpp
