// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/pacing.h"

#include <algorithm>
#include <cmath>

namespace linli::notify {
namespace {

using Window = CalendarRule::Window;

constexpr Millis kDay{24 * 3'600'000};
/// Chinese providers count natural minutes, hours and days at this offset (notify.md §3).
constexpr Millis kProviderOffset{8 * 3'600'000};

Millis length_of(Window window) {
  if (window == Window::natural_minute) return Millis{60'000};
  if (window == Window::natural_hour) return Millis{3'600'000};
  return kDay;
}

/// Where the window that holds `now` starts.
Instant start_of(Window window, Instant now) {
  if (window == Window::rolling_day) return now - kDay + Millis{1};
  const Millis length = length_of(window);
  const Millis local = now.time_since_epoch() + kProviderOffset;
  return Instant{local - local % length - kProviderOffset};
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

Instant Calendar::free_at(const std::string& address, Instant now) const {
  const auto found = sent_.find(address);
  if (found == sent_.end()) return now;
  Instant out = now;
  for (const CalendarRule& rule : rules_) {
    const Instant start = start_of(rule.window, now);
    const auto first = std::ranges::lower_bound(found->second, start);
    const auto count = found->second.end() - first;
    if (count < rule.max) continue;
    const bool rolls = rule.window == Window::rolling_day;
    const Instant frees =
        rolls ? *(found->second.end() - rule.max) + kDay : start + length_of(rule.window);
    out = std::max(out, frees);
  }
  return out;
}

void Calendar::note(const std::string& address, Instant at) {
  if (rules_.empty()) return;
  std::deque<Instant>& times = sent_[address];
  times.insert(std::ranges::upper_bound(times, at), at);
}

void Calendar::prune(Instant now) {
  for (auto at = sent_.begin(); at != sent_.end();) {
    std::deque<Instant>& times = at->second;
    while (!times.empty() && times.front() < now - kDay) times.pop_front();
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
