// SPDX-License-Identifier: Apache-2.0
// Steps that were passed over while their channel could not be used (RAIN-14).
#include <algorithm>

#include "notify/engine/ladder.h"

namespace linli::notify {
namespace {

using enum DeliveryRecord::State;

bool has_address(const std::vector<Endpoint>& endpoints, const Endpoint& to) {
  return std::ranges::any_of(endpoints, [&](const Endpoint& one) {
    return one.medium == to.medium && one.address == to.address;
  });
}

/// When its step comes by the ladder; a correction may have brought one with fewer steps.
Instant time_of(const DeliveryRecord& d, const PlanRecord& plan, const std::vector<Rung>& rungs) {
  return d.rung < rungs.size() ? plan.started_at + rungs[d.rung].after : plan.started_at;
}

/// The next of a queue at or before `now`, at most `limit`.
std::vector<DeliveryId> first_of(const State::Queue& queue, Instant now, std::size_t limit) {
  std::vector<DeliveryId> out;
  for (const auto& [at, id] : queue) {
    if (at > now || out.size() == limit) break;
    out.push_back(id);
  }
  return out;
}

}  // namespace

void Ladder::owe(DeliveryRecord d) {
  d.state = owed;
  d.reason = "its channel could not be used";
  state_.put_delivery(std::move(d));
}

std::vector<DeliveryId> Ladder::owed_of(const PlanKey& key) const {
  std::vector<DeliveryId> out = state_.deliveries_of(key);
  std::erase_if(out, [&](DeliveryId id) { return state_.delivery(id)->state != owed; });
  return out;
}

bool Ladder::wants_probe(Medium medium, Instant now) const {
  for (std::size_t lane = 0; lane < kLaneNames.size(); ++lane) {
    const State::Queue& queue = state_.ready(medium, static_cast<Lane>(lane));
    if (!queue.empty() && queue.begin()->first <= now) return false;
  }
  return true;
}

void Ladder::call_owed(Instant now) {
  if (now < ask_not_before_) return;
  for (std::size_t n = 0; n < kMediumNames.size(); ++n) {
    const auto medium = static_cast<Medium>(n);
    const Service service = service_(medium);
    if (service <= Service::blocked) continue;
    std::size_t left = kOwedAsksMax - std::min(kOwedAsksMax, asked_.size());
    if (service == Service::probing) left = asked_.empty() && wants_probe(medium, now) ? 1 : 0;
    for (std::size_t lane = 0; lane < kLaneNames.size(); ++lane)
      left -= call_some(first_of(state_.owed(medium, static_cast<Lane>(lane)), now, left), now);
  }
}

std::size_t Ladder::call_some(const std::vector<DeliveryId>& ids, Instant now) {
  for (const DeliveryId id : ids) {
    const DeliveryRecord& d = *state_.delivery(id);
    const PlanKey key{d.notice, d.person};
    // The directory knows persons; an area is never reached.
    if (is_zone(d.person)) {
      const PlanRecord* plan = state_.plan(key);
      settle_owed(key, plan != nullptr ? plan->who : Recipient{}, now);
    } else if (asked_.insert(key).second) {
      asks.push_back(key);
    }
  }
  return ids.size();
}

void Ladder::owed_unknown(const PlanKey& key, Instant now) {
  if (asked_.erase(key) != 0) ask_not_before_ = now + kPageAgain;
}

void Ladder::settle_owed(const PlanKey& key, const Recipient& who, Instant now) {
  asked_.erase(key);
  const PlanRecord* plan = state_.plan(key);
  const Notice* notice = state_.notice(key.first);
  const bool is_live =
      plan != nullptr && notice != nullptr && notice->record.state == NoticeRecord::State::live;
  for (const DeliveryId id : owed_of(key)) {
    const DeliveryRecord& d = *state_.delivery(id);
    if (!is_live)
      close(d, cancelled, "nobody waits for it any more");
    else if (who.has_acked || who.has_seen)
      close(d, cancelled, "reached meanwhile");
    else if (!has_address(who.endpoints, d.to) && !has_address(who.helpers, d.to))
      close(d, cancelled, "the address is not theirs any more");
  }
  if (is_live) pay_due(*plan, *notice, now);
}

void Ladder::pay_due(const PlanRecord& known, const Notice& notice, Instant now) {
  PlanRecord plan = known;
  const std::vector<Rung>& rungs = rungs_of(policy_of(notice.record), plan);
  const bool is_hurried =
      !plan.is_told && is_pressing(notice.record.lane) && !is_zone(plan.who.person);
  std::optional<std::uint32_t> hurried;
  // By id, which is the order of steps.
  for (const DeliveryId id : owed_of({plan.notice, plan.who.person})) {
    DeliveryRecord d = *state_.delivery(id);
    // The one before may have been said for it too.
    if (d.state != owed) continue;
    const Service service = service_(d.to.medium);
    const bool may_go =
        service == Service::open || (service == Service::probing && wants_probe(d.to.medium, now));
    if (!may_go) continue;
    // Red hurried past what nobody could use; what is not the first keeps its own time.
    const Instant step_at = time_of(d, plan, rungs);
    if (d.attempts > 0 && d.ready_at > now) continue;
    if (is_hurried && !hurried) hurried = d.rung;
    if (step_at <= now || d.rung == hurried) {
      pay(std::move(d), plan, notice, now);
    } else if (d.ready_at != step_at) {
      d.ready_at = step_at;
      state_.put_delivery(std::move(d));
    }
  }
  if (!hurried) return;
  plan.is_told = true;
  state_.put_plan(std::move(plan));
}

void Ladder::pay(DeliveryRecord d, const PlanRecord& plan, const Notice& notice, Instant now) {
  const Policy& policy = policy_of(notice.record);
  const std::vector<Rung>& rungs = rungs_of(policy, plan);
  const bool is_first = d.rung < rungs.size() && rungs[d.rung].is_first;
  for (const DeliveryId id : owed_of({d.notice, d.person})) {
    const DeliveryRecord other = *state_.delivery(id);
    if (id == d.id) continue;
    if (is_first && other.rung == d.rung)
      close(other, cancelled, "told over another address");
    else if (other.to.medium == d.to.medium && other.to.address == d.to.address &&
             time_of(other, plan, rungs) <= now)
      close(other, summed, "one message for several steps");
  }
  d.state = ready;
  d.ready_at = now;
  d.expires = notice.record.expires;
  d.reason.clear();
  if (!policy.overrides_quiet) hold_if_quiet(d, plan.who.quiet, now);
  state_.put_delivery(std::move(d));
}

std::optional<Instant> Ladder::owed_due(Instant now) const {
  std::optional<Instant> out;
  for (std::size_t n = 0; n < kMediumNames.size(); ++n) {
    const auto medium = static_cast<Medium>(n);
    if (service_(medium) != Service::open) continue;
    for (std::size_t lane = 0; lane < kLaneNames.size(); ++lane) {
      const State::Queue& queue = state_.owed(medium, static_cast<Lane>(lane));
      if (queue.empty()) continue;
      // Those that are due already wait for the directory; it wakes us, unless it failed.
      const auto later = queue.upper_bound({now, DeliveryId{~std::uint64_t{0}}});
      if (later != queue.end()) out = std::min(out.value_or(later->first), later->first);
      if (ask_not_before_ > now) out = std::min(out.value_or(ask_not_before_), ask_not_before_);
    }
  }
  return out;
}

}  // namespace linli::notify
