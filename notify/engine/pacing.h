// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/rng.h"
#include "notify/model.h"

/// How fast, how often and whether at all a channel may send (notify.md §4.4). Pure; times
/// injected.
namespace linli::notify {

/// Parts per second of one account, with a share that only pressing lanes may use, and a rate that
/// halves when the peer throttles and creeps back (AIMD).
class TokenBucket {
 public:
  struct Options {
    double parts_per_s = 10;
    double burst = 20;
  };
  /// Part of the burst that bulk and personal leave to red and orange.
  static constexpr double kReserve = 0.2;
  /// A throttled account is never slower than this part of its rate.
  static constexpr double kRateMin = 1.0 / 16;
  /// Of the full rate, given back each second without throttling.
  static constexpr double kRecovery = 0.02;

  explicit TokenBucket(Options options) : options_(options), tokens_(options.burst) {}

  /// Takes `parts` if there are so many; one that is larger than the burst goes when it is full.
  bool take(std::uint32_t parts, Lane lane, MonoTime now);
  /// When `parts` will be there at the present rate.
  [[nodiscard]] MonoTime ready_at(std::uint32_t parts, Lane lane, MonoTime now);
  /// The peer asked to slow down; nothing goes out before `until`.
  void throttled(MonoTime now, MonoTime until);
  /// Present rate in parts per second.
  [[nodiscard]] double rate() const { return options_.parts_per_s * share_; }

 private:
  void refill(MonoTime now);
  [[nodiscard]] double needed(std::uint32_t parts, Lane lane) const;

  Options options_;
  double tokens_;
  double share_ = 1;
  MonoTime at_{0};
  MonoTime not_before_{0};
};

/// Limits of a provider: "1 a natural minute, 5 a natural hour, 50 in 24 h to one number".
struct CalendarRule {
  Millis per{24 * 3'600'000};
  int max = 0;
  /// Windows start with the minute, hour or day of the clock at UTC+8; otherwise any span counts.
  bool is_natural = false;
};

/// What was sent to which address of one channel (or under which other key), as far back as rules
/// look.
class Calendar {
 public:
  explicit Calendar(std::vector<CalendarRule> rules) : rules_(std::move(rules)) {}
  /// When `count` more to `address` may go; `now` when at once, or when nothing was sent yet.
  [[nodiscard]] Instant free_at(const std::string& address, Instant now, int count = 1) const;
  void note(const std::string& address, Instant at, int count = 1);
  /// Forgets what no rule looks at any more.
  void prune(Instant now);
  [[nodiscard]] bool has_rules() const { return !rules_.empty(); }

 private:
  /// Notes between two prunings of everything.
  static constexpr std::uint32_t kPruneEvery = 4096;

  std::vector<CalendarRule> rules_;
  std::uint32_t notes_ = 0;
  std::unordered_map<std::string, std::deque<Instant>> sent_;
};

/// Opens when too many of the last answers were the peer's fault, lets one probe through after a
/// while, and closes when that succeeds.
class Breaker {
 public:
  /// Fewer answers say nothing about a rate.
  static constexpr std::size_t kSampleMin = 5;
  static constexpr std::size_t kSampleMax = 40;
  static constexpr Millis kSampleAge{60'000};
  static constexpr double kErrorRate = 0.5;
  static constexpr Millis kProbeMin{15'000};
  static constexpr Millis kProbeMax{10 * 60'000};

  /// Whether something may be submitted; half-open: one at a time.
  [[nodiscard]] bool allows(MonoTime now) const;
  void submitted(MonoTime now);
  void answered(bool is_peer_fault, MonoTime now);
  [[nodiscard]] bool is_open() const { return open_since_.has_value(); }
  /// When the next probe may go, while it is open.
  [[nodiscard]] std::optional<MonoTime> probe_at() const;

 private:
  struct Sample {
    MonoTime at;
    bool bad;
  };
  std::deque<Sample> samples_;
  std::optional<MonoTime> open_since_;
  Millis wait_ = kProbeMin;
  bool probing_ = false;
};

/// Wait before attempt `next` (from 2): doubling from `first` to `most`, each multiplied by a
/// random factor in [0.5, 1).
Millis backoff(std::uint32_t next, Millis first, Millis most, Rng& rng);

}  // namespace linli::notify
