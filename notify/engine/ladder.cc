// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/ladder.h"

#include <algorithm>

#include "base/assert.h"
#include "notify/engine/quiet.h"

namespace linli::notify {
namespace {

using enum DeliveryRecord::State;

/// What a summary names; the rest is counted.
constexpr std::size_t kSummaryTitles = 8;

bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::ranges::find(list, word) != list.end();
}

bool serves(const Rung& rung, Medium medium) {
  return std::ranges::find(rung.media, medium) != rung.media.end();
}

Message summary_of(const std::vector<Message>& messages) {
  Message out = messages.front();
  out.purpose = Purpose::summary;
  out.title = std::to_string(messages.size()) + " 条通知";
  out.action_line.clear();
  out.link.clear();
  out.body.clear();
  for (std::size_t n = 0; n < std::min(messages.size(), kSummaryTitles); ++n)
    out.body += (n == 0 ? "" : "；") + messages[n].title;
  if (messages.size() > kSummaryTitles) out.body += "……";
  return out;
}

}  // namespace

/// One rung of one plan while it is taken.
struct Ladder::Step {
  const Notice& notice;
  const PlanRecord& plan;
  const Policy& policy;
  const Rung& rung;
};

const Policy& Ladder::policy_of(const NoticeRecord& notice) const {
  const Policy* policy = settings_.policies.find(notice.policy);
  LINLI_ASSERT(policy != nullptr);
  return *policy;
}

void Ladder::plan_page(Notice& notice, std::span<const Recipient> recipients, Instant now) {
  const NoticeRecord& record = notice.record;
  const bool is_warning = record.message.severity != "none" || is_pressing(record.lane);
  for (const Recipient& who : recipients) {
    if (state_.plan({record.id, who.person}) != nullptr) continue;
    PlanRecord plan{.notice = record.id, .who = who, .ask = record.ask};
    plan.started_at = plan.next_at = now;
    if (who.has_acked || notice.acked_early.contains(who.person))
      plan.state = PlanRecord::State::acked;
    else if (!is_warning && has(who.muted, record.message.category))
      plan.state = PlanRecord::State::ended;
    else if (policy_of(record).knock_in_parallel && who.needs_knock)
      open_task(plan, "parallel");
    state_.put_plan(std::move(plan));
  }
}

void Ladder::plan_zones(Notice& notice, std::span<const Recipient> zones, Instant now) {
  const NoticeRecord& record = notice.record;
  if (policy_of(record).zone_rungs.empty()) return;
  for (const Recipient& zone : zones) {
    LINLI_ASSERT(is_zone(zone.person));
    if (state_.plan({record.id, zone.person}) != nullptr) continue;
    PlanRecord plan{.notice = record.id, .who = zone, .ask = record.ask};
    plan.started_at = now;
    plan.next_at = now + policy_of(record).zone_rungs.front().after;
    state_.put_plan(std::move(plan));
  }
}

void Ladder::leave_zones(const Notice& notice, std::span<const Recipient> zones) {
  for (const PlanKey& key : state_.plans_of_notice(notice.record.id)) {
    const bool is_in = std::ranges::find(zones, key.second, &Recipient::person) != zones.end();
    if (is_zone(key.second) && !is_in) refresh(key, std::nullopt);
  }
}

const std::vector<Rung>& Ladder::rungs_of(const Policy& policy, const PlanRecord& plan) const {
  return is_zone(plan.who.person) ? policy.zone_rungs : policy.rungs;
}

bool Ladder::step(Instant now) {
  const auto due = state_.due_plans(now, kStepPlansMax);
  for (const PlanKey& key : due) {
    PlanRecord plan = *state_.plan(key);
    const Notice* notice = state_.notice(key.first);
    if (notice == nullptr || notice->record.state != NoticeRecord::State::live)
      plan.state = PlanRecord::State::ended;
    else
      take_rung(*notice, plan, now);
    state_.put_plan(std::move(plan));
  }
  return due.size() == kStepPlansMax;
}

void Ladder::take_rung(const Notice& notice, PlanRecord& plan, Instant now) {
  const Policy& policy = policy_of(notice.record);
  const std::vector<Rung>& rungs = rungs_of(policy, plan);
  // The last look at what waited, or a correction brought a policy with fewer steps.
  const PlanKey key{plan.notice, plan.who.person};
  if (plan.rung >= rungs.size()) return end_plan(plan, !state_.deliveries_of(key).empty(), now);
  const Step step{notice, plan, policy, rungs[plan.rung]};
  const bool is_on_the_way = send_step(step, now);
  if (++plan.rung == rungs.size()) return end_plan(plan, !owed_of(key).empty(), now);
  plan.is_told |= is_on_the_way;
  plan.next_at = plan.started_at + rungs[plan.rung].after;
  // Nobody has told the person anything yet: red does not stand still for three minutes.
  if (!plan.is_told && !is_zone(plan.who.person) && is_pressing(notice.record.lane))
    plan.next_at = std::min(plan.next_at, now);
}

void Ladder::end_plan(PlanRecord& plan, bool waits, Instant now) {
  if (waits)
    plan.next_at = now + kLastLook;
  else
    plan.state = PlanRecord::State::exhausted;
}

bool Ladder::send_step(const Step& step, Instant now) {
  const Recipient& who = step.plan.who;
  bool is_on_the_way = false;
  if (serves(step.rung, Medium::knock)) {
    open_task(step.plan, "ladder");
    is_on_the_way = true;
  }
  std::vector<const Endpoint*> blocked;
  for (const Endpoint& to : step.rung.to_helpers ? who.helpers : who.endpoints) {
    if (!serves(step.rung, to.medium) || (is_on_the_way && step.rung.is_first)) continue;
    // The phone has it by the sync socket; nothing of ours is to be sent.
    const Service service = to.medium == Medium::app ? Service::open : service_(to.medium);
    if (service == Service::blocked) blocked.push_back(&to);
    if (service <= Service::blocked) continue;
    is_on_the_way = true;
    if (to.medium != Medium::app) send_over(step, to, now);
  }
  const bool is_enough = is_on_the_way && step.rung.is_first;
  if (!is_enough)
    for (const Endpoint* to : blocked) owe(delivery_of(step, *to, now));
  return is_on_the_way;
}

DeliveryRecord Ladder::delivery_of(const Step& step, const Endpoint& to, Instant now) {
  const NoticeRecord& notice = step.notice.record;
  DeliveryRecord out = state_.new_delivery(now);
  out.notice = notice.id;
  out.person = step.plan.who.person;
  out.ask = notice.ask;
  out.rung = step.plan.rung;
  out.purpose = step.rung.is_repeat ? Purpose::reminder : notice.message.purpose;
  out.to = to;
  out.lane = notice.lane;
  out.ready_at = now;
  out.expires = notice.expires;
  return out;
}

void Ladder::hold_if_quiet(DeliveryRecord& d, const QuietHours& quiet, Instant now) {
  const auto until = quiet_until(quiet, now);
  if (!until) return;
  d.state = held;
  d.ready_at = *until;
  d.reason = "quiet hours";
}

void Ladder::send_over(const Step& step, const Endpoint& to, Instant now) {
  DeliveryRecord out = delivery_of(step, to, now);
  if (!step.policy.overrides_quiet) hold_if_quiet(out, step.plan.who.quiet, now);
  state_.put_delivery(std::move(out));
}

void Ladder::open_task(const PlanRecord& plan, const char* why) {
  state_.add_fact(
      "reach.open_task",
      {{"notice", plan.notice}, {"person", plan.who.person}, {"ask", plan.ask}, {"why", why}});
}

void Ladder::release(std::span<const DeliveryId> due, Instant now) {
  std::map<std::pair<std::string, std::string>, std::vector<DeliveryId>> by_address;
  for (const DeliveryId id : due) {
    const DeliveryRecord* d = state_.delivery(id);
    if (d == nullptr || d->state != held) continue;
    by_address[{d->person, d->to.address}].push_back(id);
  }
  for (const auto& [to, ids] : by_address) {
    std::vector<Message> messages;
    std::vector<DeliveryRecord> alive;
    for (const DeliveryId id : ids) {
      DeliveryRecord d = *state_.delivery(id);
      const Notice* notice = state_.notice(d.notice);
      if (d.expires <= now || (notice == nullptr && !d.says)) {
        d.state = expired;
        d.reason = "over before the quiet hours ended";
        state_.put_delivery(std::move(d));
        continue;
      }
      messages.push_back(d.says ? *d.says : notice->record.message);
      alive.push_back(std::move(d));
    }
    for (std::size_t n = 0; n < alive.size(); ++n) {
      DeliveryRecord& d = alive[n];
      d.state = n == 0 ? ready : summed;
      d.reason.clear();
      d.ready_at = now;
      if (n == 0 && alive.size() > 1) {
        d.says = summary_of(messages);
        d.purpose = Purpose::summary;
      }
      state_.put_delivery(std::move(d));
    }
  }
}

void Ladder::cancel_open(const PlanKey& key, const char* why) {
  for (const DeliveryId id : state_.deliveries_of(key)) cancel_one(id, why);
}

void Ladder::cancel_one(DeliveryId id, const char* why) {
  const DeliveryRecord& d = *state_.delivery(id);
  if (d.state == intent) cancels.push_back(id);
  if (is_waiting(d.state)) close(d, cancelled, why);
}

void Ladder::close(DeliveryRecord d, DeliveryRecord::State state, const char* why) {
  d.state = state;
  d.reason = why;
  state_.put_delivery(std::move(d));
}

void Ladder::acked(const std::string& notice, const std::string& person) {
  Notice* found = state_.notice(notice);
  if (found == nullptr) return;
  const PlanRecord* plan = state_.plan({notice, person});
  if (plan == nullptr) {
    if (!found->record.fan_done) found->acked_early.insert(person);
    // The ladder had come to its end; what says that the notice is over or different still goes.
    for (const DeliveryId id : state_.deliveries_of({notice, person})) {
      const Purpose purpose = state_.delivery(id)->purpose;
      if (purpose == Purpose::notice || purpose == Purpose::reminder) cancel_one(id, "answered");
    }
    return;
  }
  if (plan->state != PlanRecord::State::active) return;
  std::vector<PlanKey> ends{{notice, person}};
  if (policy_of(found->record).household_ack && !plan->who.household.empty())
    ends = state_.plans_of_household(notice, plan->who.household);
  for (const PlanKey& key : ends) {
    PlanRecord next = *state_.plan(key);
    next.state = PlanRecord::State::acked;
    state_.put_plan(std::move(next));
    cancel_open(key, "answered");
  }
}

void Ladder::end_notice(Notice& notice, NoticeRecord::State state, const char* why) {
  const std::string id = notice.record.id;
  for (const PlanKey& key : state_.plans_of_notice(id)) {
    PlanRecord plan = *state_.plan(key);
    plan.state = PlanRecord::State::ended;
    state_.put_plan(std::move(plan));
  }
  for (const DeliveryId did : state_.deliveries_of_notice(id)) {
    const DeliveryRecord* d = state_.delivery(did);
    if (d != nullptr && (is_waiting(d->state) || d->state == intent))
      cancel_open({d->notice, d->person}, why);
  }
  notice.record.state = state;
  state_.touch_notice(id);
}

void Ladder::restart(Notice& notice, Instant now) {
  notice.acked_early.clear();
  for (const DeliveryId id : state_.deliveries_of_notice(notice.record.id)) {
    const DeliveryRecord* d = state_.delivery(id);
    if (d != nullptr && d->ask < notice.record.ask)
      cancel_open({d->notice, d->person}, "asked anew");
  }
  for (const PlanKey& key : state_.plans_of_notice(notice.record.id)) {
    PlanRecord plan = *state_.plan(key);
    plan.state = PlanRecord::State::active;
    plan.ask = notice.record.ask;
    plan.rung = 0;
    plan.is_told = false;
    plan.started_at = plan.next_at = now;
    if (policy_of(notice.record).knock_in_parallel && plan.who.needs_knock)
      open_task(plan, "parallel");
    state_.put_plan(std::move(plan));
  }
  come_again(notice);
}

void Ladder::remind(Notice& notice, Instant now) {
  if (notice.record.state != NoticeRecord::State::live) return;
  for (const PlanKey& key : state_.plans_of_notice(notice.record.id)) {
    const PlanRecord* found = state_.plan(key);
    if (is_zone(key.second) || found->state != PlanRecord::State::active) continue;
    PlanRecord plan = *found;
    cancel_open(key, "reminded");
    plan.rung = 0;
    plan.is_told = false;
    plan.started_at = plan.next_at = now;
    state_.put_plan(std::move(plan));
  }
  notice.record.message.purpose = Purpose::reminder;
  come_again(notice);
}

void Ladder::come_again(Notice& notice) {
  notice.record.fan_after.clear();
  notice.record.fan_done = false;
  state_.touch_notice(notice.record.id);
}

void Ladder::refresh(const PlanKey& key, const std::optional<Recipient>& who) {
  const PlanRecord* found = state_.plan(key);
  if (found == nullptr || found->state != PlanRecord::State::active) return;
  PlanRecord plan = *found;
  if (who) {
    plan.who = *who;
  } else {
    plan.state = PlanRecord::State::ended;
    cancel_open(key, "left");
  }
  state_.put_plan(std::move(plan));
}

void Ladder::tell(const DeliveryRecord& earlier, const Message& message, Instant now) {
  DeliveryRecord out = state_.new_delivery(now);
  out.notice = earlier.notice;
  out.person = earlier.person;
  out.ask = earlier.ask;
  out.purpose = message.purpose;
  out.to = earlier.to;
  out.says = message;
  out.lane = Lane::personal;
  out.ready_at = now;
  out.expires = now + kRoutineExpiry;
  state_.put_delivery(std::move(out));
}

void Ladder::hasten(const PlanKey& key, Instant now) {
  const PlanRecord* found = state_.plan(key);
  const Notice* notice = state_.notice(key.first);
  if (found == nullptr || notice == nullptr || found->state != PlanRecord::State::active) return;
  // What is owed tells nobody.
  if (!is_pressing(notice->record.lane)) return;
  if (state_.deliveries_of(key).size() > owed_of(key).size()) return;
  for (const DeliveryId id : owed_of(key)) {
    DeliveryRecord d = *state_.delivery(id);
    // What was tried already waits for its next try.
    if (d.attempts > 0) continue;
    d.ready_at = std::min(d.ready_at, now);
    state_.put_delivery(std::move(d));
  }
  PlanRecord plan = *found;
  plan.is_told = false;
  plan.next_at = std::min(plan.next_at, now);
  state_.put_plan(std::move(plan));
}

}  // namespace linli::notify
