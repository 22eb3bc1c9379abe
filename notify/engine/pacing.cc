// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/pacing.h"

#include <algorithm>
#include <cmath>

namespace linli::notify {
namespace {

/// Chinese providers count natural minutes, hours and days at this offset (notify.md §3).
constexpr Millis kProviderOffset{8 * 3'600'000};

/// Where the window that holds `now` starts.
Instant start_of(const CalendarRule& rule, Instant now) {
  if (!rule.is_natural) return now - rule.per + Millis{1};
  const Millis local = now.time_since_epoch() + kProviderOffset;
  return Instant{local - local % rule.per - kProviderOffset};
}

}  // namespace

void TokenBucket::refill(MonoTime now) {
  if (now <= at_) return;
  const double seconds = std::chrono::duration<double>(now - at_).count();
  at_ = now;
  tokens_ = std::min(options_.burst, tokens_ + seconds * rate());
  share_ = std::min(1.0, share_ + seconds * kRecovery);
}

double TokenBucket::needed(std::uint32_t parts, Lane lane) const {
  const double kept = is_pressing(lane) ? 0 : options_.burst * kReserve;
  return std::min(static_cast<double>(parts) + kept, options_.burst);
}

bool TokenBucket::take(std::uint32_t parts, Lane lane, MonoTime now) {
  refill(now);
  if (now < not_before_ || tokens_ < needed(parts, lane)) return false;
  tokens_ -= static_cast<double>(parts);
  return true;
}

MonoTime TokenBucket::ready_at(std::uint32_t parts, Lane lane, MonoTime now) {
  refill(now);
  const double missing = needed(parts, lane) - tokens_;
  const MonoTime later = std::max(now, not_before_);
  if (missing <= 0) return later;
  return std::max(later, now + Millis{std::llround(std::ceil(missing * 1000 / rate()))});
}

void TokenBucket::throttled(MonoTime now, MonoTime until) {
  refill(now);
  share_ = std::max(kRateMin, share_ / 2);
  not_before_ = std::max(not_before_, until);
}

Instant Calendar::free_at(const std::string& address, Instant now, int more) const {
  const auto found = sent_.find(address);
  if (found == sent_.end()) return now;
  Instant out = now;
  for (const CalendarRule& rule : rules_) {
    const auto first = std::ranges::lower_bound(found->second, start_of(rule, now));
    const auto count = found->second.end() - first;
    // What is larger than the whole window goes when the window is empty.
    if (count == 0 || count + more <= rule.max) continue;
    const auto frees_first = std::min<std::ptrdiff_t>(count, count + more - rule.max);
    const Instant frees =
        rule.is_natural ? start_of(rule, now) + rule.per : *(first + frees_first - 1) + rule.per;
    out = std::max(out, frees);
  }
  return out;
}

void Calendar::note(const std::string& address, Instant at, int count) {
  if (rules_.empty()) return;
  std::deque<Instant>& times = sent_[address];
  times.insert(std::ranges::upper_bound(times, at), static_cast<std::size_t>(count), at);
  if (++notes_ % kPruneEvery == 0) prune(at);
}

void Calendar::prune(Instant now) {
  Millis longest{0};
  for (const CalendarRule& rule : rules_) longest = std::max(longest, rule.per);
  for (auto at = sent_.begin(); at != sent_.end();) {
    std::deque<Instant>& times = at->second;
    while (!times.empty() && times.front() < now - longest) times.pop_front();
    at = times.empty() ? sent_.erase(at) : std::next(at);
  }
}

bool Breaker::allows(MonoTime now) const {
  if (!open_since_) return true;
  return !probing_ && now >= *open_since_ + wait_;
}

void Breaker::submitted(MonoTime now) {
  if (open_since_ && now >= *open_since_ + wait_) probing_ = true;
}

void Breaker::answered(bool is_peer_fault, MonoTime now) {
  if (open_since_) {
    if (!probing_) return;
    probing_ = false;
    if (is_peer_fault) {
      open_since_ = now;
      wait_ = std::min(kProbeMax, wait_ * 2);
      return;
    }
    open_since_.reset();
    wait_ = kProbeMin;
    samples_.clear();
    return;
  }
  samples_.push_back({now, is_peer_fault});
  while (samples_.size() > kSampleMax || samples_.front().at < now - kSampleAge)
    samples_.pop_front();
  const auto bad = static_cast<double>(std::ranges::count(samples_, true, &Sample::bad));
  if (samples_.size() >= kSampleMin && bad >= kErrorRate * static_cast<double>(samples_.size()))
    open_since_ = now;
}

std::optional<MonoTime> Breaker::probe_at() const {
  if (!open_since_ || probing_) return std::nullopt;
  return *open_since_ + wait_;
}

Millis backoff(std::uint32_t next, Millis first, Millis most, Rng& rng) {
  Millis wait = first;
  for (std::uint32_t n = 2; n < next && wait < most; ++n) wait *= 2;
  wait = std::min(wait, most);
  return wait / 2 + Millis{rng.below(static_cast<std::uint64_t>(wait.count() / 2 + 1))};
}

}  // namespace linli::notify
