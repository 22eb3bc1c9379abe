// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "notify/model.h"

namespace linli::notify {

/// What one submission of one delivery came to (notify.md §4.2). DISK by name.
enum class OutcomeKind : std::uint8_t {
  delivered,          ///< the peer says that the recipient has it
  accepted,           ///< the peer took it over; a receipt may follow
  retry_after,        ///< nothing was sent, or the peer refused for now
  throttled,          ///< as retry_after, and `scope` must slow down
  invalid_endpoint,   ///< this address does not exist (any more)
  opted_out,          ///< the recipient does not want this
  permanent_content,  ///< this text will never be taken
  permanent_config,  ///< our account, key or template is wrong: stop the channel, tell the operator
  unknown,           ///< bytes may have left and no answer came
};
inline constexpr std::array<std::string_view, 9> kOutcomeNames = {
    "delivered", "accepted",          "retry_after",      "throttled", "invalid_endpoint",
    "opted_out", "permanent_content", "permanent_config", "unknown"};
std::string_view outcome_name(OutcomeKind kind) noexcept;
std::optional<OutcomeKind> parse_outcome(std::string_view name) noexcept;

/// What a throttling is about.
enum class Scope : std::uint8_t { account, recipient, content_template };

struct Outcome {
  OutcomeKind kind = OutcomeKind::unknown;
  Scope scope = Scope::account;
  /// retry_after and throttled: what the peer asked for; 0 = the engine's own back-off.
  Millis wait{0};
  /// The peer's names of what it took, one per part in part order; receipts carry them, so the
  /// delivery is delivered when all of them are. An empty one: the peer gave that part no name.
  std::vector<std::string> provider_ids{};
  /// Billed parts; 0 when none was taken.
  std::uint32_t parts = 0;
  /// invalid_endpoint: the peer is certain (404, 410, UNREGISTERED): remove it at once. Otherwise
  /// the second strike removes it.
  bool is_certain = false;
  /// The fault is the account's or the peer's, not this delivery's: counts for the breaker.
  bool is_peer_fault = false;
  /// For the operator: "http 503", "smpp 0x00000058". Never personal data, never a peer's text.
  std::string reason{};
};

/// What a peer says later. A person's state is the greatest ever heard, whatever the order. One
/// that names neither a provider_id nor a delivery is about the person at `address`.
enum class ReceiptState : std::uint8_t { accepted, failed, delivered, read };

struct Receipt {
  /// One of Outcome::provider_ids; compared as the channel normalised it.
  std::string provider_id{};
  /// Where the peer echoes our own id instead.
  std::optional<DeliveryId> delivery{};
  ReceiptState state = ReceiptState::delivered;
  /// By the peer's clock; absent = unknown.
  std::optional<Instant> at{};
  /// failed: the address is dead or unwanted, when the peer says so.
  std::optional<OutcomeKind> because{};
  std::string reason{};
  /// Whom it is about as the peer writes it, in the form of Endpoint::address; empty = not said.
  /// Finds a delivery whose outcome is unknown and whose name we never learnt. Never logged.
  std::string address{};
  /// What that person wrote back, capitals, without blanks around: opted_out in `because`; a reply
  /// code of digits is `read`; other words are `accepted`. Empty = the peer's own report. Never
  /// logged.
  std::string reply{};
};

}  // namespace linli::notify
