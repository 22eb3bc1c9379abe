// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "notify/engine/pacing.h"

namespace linli::app {

/// One [[channel]] of the channels file (config/channels.toml shows them all).
struct ChannelConfig {
  std::string name;
  /// The adapter: http, exec, smpp, webpush, smtp, mqtt.
  std::string kind;
  /// Slugs that use it; empty = all.
  std::vector<std::string> communities;
  /// Reaches real people; in training mode only channels without it run.
  bool is_real = true;
  notify::TokenBucket::Options rate{};
  std::vector<notify::CalendarRule> rules;
  std::uint32_t attempts_max = 6;
  std::vector<std::string> test_addresses;
  /// Where the operator of this server hears alarms; addresses as the channel takes them.
  std::vector<std::string> operator_addresses;
  /// An alarm when the peer says less is left; 0 = none.
  std::int64_t balance_min = 0;
  /// What the adapter reads; the keys above are not in it.
  Json settings = Json::object();

  [[nodiscard]] bool serves(std::string_view slug) const;
};

/// One [[feed]]: a source of warnings in the Common Alerting Protocol (notify/cap/README.md).
struct FeedConfig {
  std::string name;
  /// Atom, RSS or one CAP document.
  std::string url;
  /// Who may speak there; a message of anybody else is refused.
  std::vector<std::string> senders;
  std::vector<std::string> communities;
  /// PEM file of who signs; empty = nothing counts as verified.
  std::string certificates;
  bool requires_signature = false;
  /// Verified red messages may follow the community's standing rule, if two people signed one
  /// (RAIN-7). Needs certificates: what is unsigned never goes out by itself (decision E10).
  bool standing_rule = false;
  /// The OASIS schema; what does not keep to it is shown to the desk. Empty = no report.
  std::string schema;
  /// Administrative codes that concern us; empty = every entry is fetched.
  std::vector<std::string> area_codes;
  std::string ca_file;
  std::int64_t period_s = 60;

  [[nodiscard]] bool serves(std::string_view slug) const;
};

/// [publish]: our public warnings as CAP for others; absent = nothing is published.
struct PublishConfig {
  /// A name in the domain of the community, as CAP writes it; empty = nothing is published.
  std::string sender;
  /// PEM files; empty = unsigned.
  std::string key;
  std::string certificate;
};

/// The file that gateway.channels names.
struct GatewayFile {
  PublishConfig publish;
  std::vector<ChannelConfig> channels;
  std::vector<FeedConfig> feeds;
};

/// Errors: invalid_argument; detail holds one line a fault, `file:line: channel NAME: what is
/// wrong`.
Result<GatewayFile> parse_gateway_file(std::string_view text, const std::string& file);
/// Errors: io, and those of parse_gateway_file.
Result<GatewayFile> load_gateway_file(const std::string& file);

}  // namespace linli::app
