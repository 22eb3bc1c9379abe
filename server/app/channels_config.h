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
  /// An alarm when the peer says less is left; 0 = none.
  std::int64_t balance_min = 0;
  /// What the adapter reads; the keys above are not in it.
  Json settings = Json::object();

  [[nodiscard]] bool serves(std::string_view slug) const;
};

/// Errors: invalid_argument; detail holds one line a fault, `file:line: channel NAME: what is
/// wrong`.
Result<std::vector<ChannelConfig>> parse_channels(std::string_view text, const std::string& file);
/// Errors: io, and those of parse_channels.
Result<std::vector<ChannelConfig>> load_channels(const std::string& file);

}  // namespace linli::app
