// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "notify/model.h"
#include "notify/outcome.h"

/// What the gateway keeps in gateway.db. Person-level truth (reached, acknowledged, by whom) is the
/// sync store's; here is what was tried (decision B6).
namespace linli::notify {

/// When a person wants no ordinary messages, by the wall clock of `zone`.
struct QuietHours {
  /// Minutes after midnight; equal = none. A window over midnight is one window.
  int from_min = 22 * 60;
  int to_min = 7 * 60;
  /// IANA name.
  std::string zone = "Asia/Shanghai";
  friend bool operator==(const QuietHours&, const QuietHours&) = default;
};

/// Whom a notice is for, as the community knows the person when asked.
struct Recipient {
  std::string person;
  std::string household;
  /// Grid or other unit that the reach report counts by.
  std::string unit;
  QuietHours quiet;
  /// In the person's own order of preference.
  std::vector<Endpoint> endpoints;
  /// Of family and neighbours who may be told instead (rung `helpers`).
  std::vector<Endpoint> helpers;
  /// Lives alone at 65 or more, is disabled, in a basement, a child alone: a knock goes out
  /// together with the first message (RAIN-9).
  bool needs_knock = false;
  /// Categories the person muted; warnings are never muted (NTC-1).
  std::vector<std::string> muted;
  /// Answered already when this was read.
  bool has_acked = false;
  /// Opened it in the app, or a peer says that it was read.
  bool has_seen = false;
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

/// Plans and deliveries of an area have it in the place of a person: '@' and the area's id.
inline std::string zone_key(std::string_view area) { return "@" + std::string(area); }
inline bool is_zone(std::string_view person) { return person.starts_with('@'); }

/// A notice the gateway works on; one per notice, at its newest revision.
struct NoticeRecord {
  std::string id;
  /// Names the row that told of it last; what is older is ignored.
  std::uint64_t outbox_id = 0;
  /// Which question is asked; grows when everybody is asked again.
  std::int64_t ask = 0;
  Lane lane = Lane::bulk;
  std::string policy;
  Message message;
  Instant sent_at{};
  Instant expires{};
  enum class State : std::uint8_t {
    live,
    stopped,  ///< staff halted what had not gone out (F6)
    ended,    ///< withdrawn, expired or archived
  } state = State::live;
  /// Last page of the audience that became plans, and whether there are more.
  std::string fan_after;
  bool fan_done = false;
  /// Spending cap in 1/10000 yuan; 0 = none. What is beyond waits for a person.
  std::int64_t cost_cap = 0;
  std::int64_t cost = 0;
};
inline constexpr std::array<std::string_view, 3> kNoticeStates = {"live", "stopped", "ended"};

/// How far one person's ladder is for one notice.
struct PlanRecord {
  std::string notice;
  Recipient who;
  std::int64_t ask = 0;
  enum class State : std::uint8_t {
    active,     ///< `rung` is due at `next_at`
    acked,      ///< the person, or the household where that is enough, answered
    exhausted,  ///< every rung was tried
    ended,      ///< the notice ended, or the person left
  } state = State::active;
  std::uint32_t rung = 0;
  /// Something is on its way to the person, and as far as we know has not failed.
  bool is_told = false;
  Instant started_at{};
  Instant next_at{};
};
inline constexpr std::array<std::string_view, 4> kPlanStates = {"active", "acked", "exhausted",
                                                                "ended"};

/// One try over one medium. `intent` is durable before the first byte leaves (notify.md §4.3).
struct DeliveryRecord {
  DeliveryId id;
  /// Item::key: random, so that a restored gateway never uses one again for something else.
  std::string key;
  std::string notice;
  std::string person;
  std::int64_t ask = 0;
  std::uint32_t rung = 0;
  Purpose purpose = Purpose::notice;
  Endpoint to;
  /// What is said instead of the notice's message (a summary); usually absent.
  std::optional<Message> says;
  Lane lane = Lane::bulk;
  Instant expires{};
  enum class State : std::uint8_t {
    ready,      ///< may go out from `ready_at`
    held,       ///< waits for the end of quiet hours at `ready_at`
    intent,     ///< given to a channel; nobody knows yet
    accepted,   ///< the peer took it over
    unknown,    ///< no answer came; see `ready_at` for when it counts as not reached
    delivered,  ///< a receipt, or a read receipt, said so
    failed,     ///< refused, or the receipt said no; listed with `reason`
    expired,    ///< too late to be worth sending
    cancelled,  ///< answered, ended or stopped before it went out
    summed,     ///< part of a summary message
    dead,       ///< gave up after every try; staff can replay it
    owed,       ///< its step came from `ready_at` while no channel could be used (RAIN-14)
  } state = State::ready;
  Instant ready_at{};
  /// Since when it waits to go out: the age that the desk sees.
  Instant made_at{};
  std::uint32_t attempts = 0;
  /// Attempts that failed by themselves; being throttled is not one.
  std::uint32_t faults = 0;
  /// Which run of the gateway owns the attempt; an older owner may not write (trap: stalled
  /// worker).
  std::uint64_t lease_no = 0;
  /// The channel of the last attempt.
  std::string channel;
  std::vector<std::string> provider_ids;
  /// Billed ones: expected since the attempt's intent, the peer's own number once it accepted.
  std::uint32_t parts = 0;
  /// Bit n: the receipt of part n said delivered. A message of n parts is delivered with all of
  /// them.
  std::uint64_t parts_delivered = 0;
  Instant handed_at{};
  std::string reason;
};
inline constexpr std::array<std::string_view, 12> kDeliveryStates = {
    "ready",  "held",    "intent",    "accepted", "unknown", "delivered",
    "failed", "expired", "cancelled", "summed",   "dead",    "owed"};

/// Append-only.
struct AttemptRecord {
  DeliveryId delivery;
  std::uint32_t n = 0;
  std::string channel;
  Instant intent_at{};
  /// Absent while it is under way.
  std::optional<OutcomeKind> outcome;
  Instant done_at{};
  std::string reason;
};

struct ReceiptRecord {
  std::string channel;
  std::string provider_id;
  /// 0 = it came before the answer that names its delivery.
  DeliveryId delivery;
  ReceiptState state = ReceiptState::delivered;
  Instant at{};
};

/// A link that acknowledges one notice for one person (M21). The token itself is not kept.
struct LinkRecord {
  /// links.h; 64 hex digits.
  std::string hash;
  std::string notice;
  std::string person;
  Instant expires{};
};

/// Told to the community as mutation number `n` of cid sys.gateway; gapless (decision B6).
struct FactRecord {
  std::uint64_t n = 0;
  /// A mutator: reach.record, reach.open_task, endpoint.invalid,
  /// notice.acknowledge (a reply by SMS), desk.raise_alarm.
  std::string name;
  Json args;
};

/// A row of the sync store's outbox as the bridge hands it over.
struct OutboxItem {
  std::uint64_t id = 0;
  std::string kind;
  Json data;
  Instant at{};
};

Json to_json(const Endpoint& endpoint);
Json to_json(const Message& message);
Json to_json(const Recipient& recipient);
/// Errors: malformed, naming the member.
Result<Endpoint> endpoint_of(const Json& json);
Result<Message> message_of(const Json& json);
Result<Recipient> recipient_of(const Json& json);

std::string_view purpose_name(Purpose purpose) noexcept;
std::optional<Purpose> parse_purpose(std::string_view name) noexcept;

}  // namespace linli::notify
