// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/sender.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "notify/engine/quiet.h"

namespace linli::notify {
namespace {

using enum DeliveryRecord::State;

constexpr std::array<Lane, 4> kLanes = {Lane::red, Lane::orange, Lane::personal, Lane::bulk};
/// Strikes are remembered for so many addresses; beyond, the oldest doubt is forgotten with all.
constexpr std::size_t kStrikesMax = 100'000;

/// What the operator allows for one number, and what the peer says of itself.
std::vector<CalendarRule> rules_of(const ChannelSetup& setup, Scope scope) {
  std::vector<CalendarRule> out;
  if (scope == Scope::recipient) out = setup.rules;
  for (const Quota& quota : setup.adapter->capabilities().quotas)
    if (quota.scope == scope)
      out.push_back({quota.per, static_cast<int>(quota.max), quota.is_calendar});
  return out;
}

/// Under which the use of a template by one recipient is counted.
std::string template_key(const std::string& address, const std::string& category) {
  return address + "\n" + category;
}

}  // namespace

bool is_to_helpers(const Policies& policies, const NoticeRecord& notice, const DeliveryRecord& d) {
  const Policy* policy = policies.find(notice.policy);
  return policy != nullptr && !is_zone(d.person) && d.rung < policy->rungs.size() &&
         policy->rungs[d.rung].to_helpers;
}

Sender::Sender(State& state, const GatewaySettings& settings, Ladder& ladder, Rng& rng)
    : state_(state), settings_(settings), ladder_(ladder), rng_(rng) {
  for (const ChannelSetup& setup : settings.channels)
    channels_.push_back({.setup = &setup,
                         .bucket = TokenBucket(setup.rate),
                         .calendar = Calendar(rules_of(setup, Scope::recipient)),
                         .templates = Calendar(rules_of(setup, Scope::content_template)),
                         .account = Calendar(rules_of(setup, Scope::account)),
                         .breaker = {}});
}

Sender::Channel* Sender::find(const std::string& name) {
  const auto found = std::ranges::find_if(
      channels_, [&](const Channel& channel) { return channel.setup->name == name; });
  return found == channels_.end() ? nullptr : &*found;
}

void Sender::load(const std::vector<StoreSnapshot::Sent>& sent, Instant now) {
  const Instant today = day_start(QuietHours{}.zone, now);
  for (const auto& one : sent) {
    if (Channel* channel = find(one.channel)) {
      channel->calendar.note(one.address, one.at);
      channel->templates.note(template_key(one.address, one.category), one.at);
      channel->account.note("", one.at, static_cast<int>(one.parts));
    }
    const bool counts = !is_pressing(one.lane) && one.n == 1 && one.at >= today;
    if (counts) ++sent_today(one.person, now);
  }
}

int& Sender::sent_today(const std::string& person, Instant now) {
  const Instant today = day_start(QuietHours{}.zone, now);
  if (today != today_start_) today_.clear();
  today_start_ = today;
  return today_[person];
}

void Sender::recover(DeliveryId id, Times now) {
  DeliveryRecord delivery = *state_.delivery(id);
  LINLI_ASSERT(delivery.state == intent);
  delivery.reason = "stopped before an answer came";
  const Channel* channel = find(delivery.channel);
  if (channel != nullptr) return resolve_unknown(*channel, std::move(delivery), now);
  // Its channel was taken out of the configuration.
  fail_for_good(std::move(delivery), dead, now);
}

Service Sender::service(Medium medium, MonoTime now) const {
  Service out = Service::none;
  for (const Channel& channel : channels_) {
    if (channel.setup->adapter->capabilities().medium != medium) continue;
    Service here = channel.breaker.is_open() ? Service::probing : Service::open;
    if (!state_.paused(channel.setup->name).empty() || !channel.breaker.allows(now))
      here = Service::blocked;
    out = std::max(out, here);
  }
  return out;
}

void Sender::wake(MonoTime at) {
  if (!wake_at_ || at < *wake_at_) wake_at_ = at;
}

std::vector<Submit> Sender::pick(Times now) {
  wake_at_.reset();
  std::vector<Submit> out;
  std::size_t left = kSubmitItemsMax;
  for (Channel& channel : channels_) {
    if (!state_.paused(channel.setup->name).empty()) continue;
    if (const auto probe = channel.breaker.probe_at(); probe && *probe > now.mono) wake(*probe);
    left -= pick_from(channel, now, left, out);
  }
  // More is ready than one turn takes.
  if (left == 0) wake(now.mono);
  return out;
}

std::size_t Sender::pick_from(Channel& channel, Times now, std::size_t limit,
                              std::vector<Submit>& out) {
  const Capabilities& can = channel.setup->adapter->capabilities();
  std::size_t taken = 0;
  for (const Lane lane : kLanes) {
    std::vector<DeliveryId> candidates;
    for (const auto& [at, id] : state_.ready(can.medium, lane)) {
      if (at > now.wall || candidates.size() == limit - taken) break;
      candidates.push_back(id);
    }
    for (const DeliveryId id : candidates) {
      if (taken == limit || channel.in_flight >= can.window_max) return taken;
      if (!channel.breaker.allows(now.mono)) return taken;
      const Pick pick = try_one(channel, *state_.delivery(id), now, out);
      if (pick == Pick::full) return taken;
      taken += pick == Pick::taken ? 1 : 0;
    }
  }
  return taken;
}

bool Sender::is_kept_back(Channel& channel, DeliveryRecord& d, const Item& item, Times now) {
  if (d.expires <= now.wall) {
    d.reason = "expired before it could be sent";
    fail_for_good(d, expired, now);
    return true;
  }
  const Instant free_at = std::max(
      channel.calendar.free_at(d.to.address, now.wall),
      channel.templates.free_at(template_key(d.to.address, item.message.category), now.wall));
  if (free_at > now.wall) {
    d.ready_at = free_at;
    d.reason = "limit of the provider for one number";
    if (free_at >= d.expires)
      fail_for_good(d, expired, now);
    else
      state_.put_delivery(d);
    return true;
  }
  const Notice* notice = state_.notice(d.notice);
  const bool is_routine = notice != nullptr && d.purpose != Purpose::all_clear;
  const Policy* policy = is_routine ? settings_.policies.find(notice->record.policy) : nullptr;
  if (policy == nullptr || policy->daily_cap == 0 || d.attempts > 0 || is_zone(d.person))
    return false;
  if (sent_today(d.person, now.wall) < policy->daily_cap) return false;
  d.reason = "daily cap";
  fail_for_good(d, cancelled, now);
  return true;
}

bool Sender::is_capped(DeliveryRecord& d, const Notice* notice, std::int64_t cost, Instant now) {
  if (notice == nullptr || cost == 0 || notice->record.cost_cap == 0) return false;
  const NoticeRecord& record = notice->record;
  if (record.cost + cost <= record.cost_cap) return false;
  d.reason = "cost cap";
  d.state = dead;
  state_.put_delivery(d);
  state_.raise_alarm({"cost_cap", record.id, "费用已到批准的上限，其余没有发出"}, now);
  return true;
}

Sender::Pick Sender::try_one(Channel& channel, DeliveryRecord d, Times now,
                             std::vector<Submit>& out) {
  Notice* notice = state_.notice(d.notice);
  if (notice == nullptr && !d.says) {
    d.reason = "its notice is gone";
    fail_for_good(std::move(d), cancelled, now);
    return Pick::left;
  }
  const Capabilities& can = channel.setup->adapter->capabilities();
  Item item = item_of(d, notice, can);
  if (is_kept_back(channel, d, item, now)) return Pick::left;
  const auto preview = channel.setup->adapter->preview(d.to, item.message);
  if (!preview) {
    d.reason = preview.error().detail;
    fail_for_good(std::move(d), failed, now);
    return Pick::left;
  }
  const std::int64_t cost = can.part_price * preview->parts;
  if (is_capped(d, notice, cost, now.wall)) return Pick::left;
  const auto parts = static_cast<int>(preview->parts);
  const Instant account_free = channel.account.free_at("", now.wall, parts);
  if (account_free > now.wall) {
    wake(now.mono + (account_free - now.wall));
    return Pick::full;
  }
  if (!channel.bucket.take(preview->parts, d.lane, now.mono)) {
    wake(channel.bucket.ready_at(preview->parts, d.lane, now.mono));
    return Pick::full;
  }
  if (cost != 0 && notice != nullptr) {
    notice->record.cost += cost;
    state_.touch_notice(d.notice);
  }
  channel.breaker.submitted(now.mono);
  channel.calendar.note(d.to.address, now.wall);
  channel.templates.note(template_key(d.to.address, item.message.category), now.wall);
  channel.account.note("", now.wall, parts);
  if (!is_pressing(d.lane) && d.attempts == 0) ++sent_today(d.person, now.wall);
  if (!item.message.link.empty() && notice != nullptr)
    state_.add_link({link_hash(link_token(settings_.links, d.notice, d.person)), d.notice, d.person,
                     notice->record.expires});
  ++channel.in_flight;
  ++channel.counts.attempts;
  channel.counts.cost += cost;
  channel.submitted[d.id] = now.mono;
  d.state = intent;
  d.channel = channel.setup->name;
  d.parts = preview->parts;
  d.lease_no = state_.lease_no();
  item.attempt = ++d.attempts;
  state_.add_attempt({d.id, d.attempts, d.channel, now.wall, std::nullopt, {}, {}});
  if (out.empty() || out.back().channel != d.channel || out.back().items.size() == can.batch_max)
    out.push_back({d.channel, {}});
  out.back().items.push_back(std::move(item));
  state_.put_delivery(std::move(d));
  return Pick::taken;
}

Item Sender::item_of(const DeliveryRecord& d, const Notice* notice, const Capabilities& can) const {
  Item out;
  out.id = d.id;
  out.key = d.key;
  // A summary replaces nothing: it is about several notices.
  out.collapse = d.purpose == Purpose::summary || d.notice.empty() ? d.key : d.notice;
  out.to = d.to;
  out.message = d.says ? *d.says : notice->record.message;
  out.message.purpose = d.purpose;
  // What family answers says nothing about the person (M22), so they are not asked.
  if (notice != nullptr &&
      (is_zone(d.person) || is_to_helpers(settings_.policies, notice->record, d)))
    out.message.needs_ack = false;
  const bool is_asked = notice != nullptr && out.message.needs_ack && !d.person.empty() &&
                        (d.purpose == Purpose::notice || d.purpose == Purpose::reminder);
  if (is_asked && can.has_links && !settings_.links.prefix.empty())
    out.message.link = settings_.links.prefix + link_token(settings_.links, d.notice, d.person);
  out.lane = d.lane;
  out.expires = d.expires;
  out.attempt = d.attempts;
  return out;
}

void Sender::done(const std::string& name, const action::Done& done, Times now) {
  Channel* channel = find(name);
  const DeliveryRecord* found = state_.delivery(done.id);
  const bool is_ours = channel != nullptr && found != nullptr && found->state == intent &&
                       found->channel == name && found->lease_no == state_.lease_no();
  if (!is_ours) {
    log_event(LogLevel::warn, "notify.late_answer",
              {{"channel", name}, {"delivery", done.id.raw()}});
    return;
  }
  --channel->in_flight;
  ++channel->counts.outcomes[static_cast<std::size_t>(done.outcome.kind)];
  channel->counts.parts += done.outcome.parts;
  if (const auto sent = channel->submitted.find(done.id); sent != channel->submitted.end()) {
    channel->counts.latency.note(now.mono - sent->second);
    channel->submitted.erase(sent);
  }
  channel->breaker.answered(done.outcome.is_peer_fault, now.mono);
  DeliveryRecord d = *found;
  d.reason = done.outcome.reason;
  state_.add_attempt({d.id, d.attempts, name, {}, done.outcome.kind, now.wall, d.reason});
  settle(*channel, std::move(d), done.outcome, now);
}

void Sender::settle(Channel& channel, DeliveryRecord d, const Outcome& outcome, Times now) {
  switch (outcome.kind) {
    case OutcomeKind::delivered:
    case OutcomeKind::accepted: return accepted(channel, std::move(d), outcome, now);
    case OutcomeKind::throttled:
      if (outcome.scope == Scope::account)
        channel.bucket.throttled(now.mono, now.mono + outcome.wait);
      return retry(std::move(d), outcome.wait, now);
    case OutcomeKind::retry_after:
      if (++d.faults < channel.setup->attempts_max) return retry(std::move(d), outcome.wait, now);
      if (outcome.is_peer_fault) return wait_for_peer(std::move(d), outcome.wait, now);
      return fail_for_good(std::move(d), dead, now);
    case OutcomeKind::permanent_config: {
      // Nobody's message is worse for our mistake: it waits until a person has mended the channel.
      state_.set_paused(channel.setup->name, outcome.reason);
      state_.raise_alarm({"channel_config", channel.setup->name, "通道停用：" + outcome.reason},
                         now.wall);
      d.state = ready;
      d.ready_at = now.wall;
      return state_.put_delivery(std::move(d));
    }
    case OutcomeKind::invalid_endpoint:
    case OutcomeKind::opted_out:
    case OutcomeKind::permanent_content:
      ++channel.failed;
      return refuse(std::move(d), outcome, now);
    case OutcomeKind::unknown: return resolve_unknown(channel, std::move(d), now);
  }
}

void Sender::accepted(Channel& channel, DeliveryRecord d, const Outcome& outcome, Times now) {
  ++channel.handed;
  strikes_.erase(d.to.address);
  const bool is_there = outcome.kind == OutcomeKind::delivered;
  d.state = is_there ? delivered : DeliveryRecord::State::accepted;
  d.provider_ids = outcome.provider_ids;
  // A peer that does not count leaves what was expected.
  if (outcome.parts != 0) d.parts = outcome.parts;
  d.handed_at = now.wall;
  state_.add_reach(d, is_there ? "delivered" : "handed", now.wall);
  const Notice* notice = state_.notice(d.notice);
  // Withdrawn while it was on its way: who got it hears that it is over.
  const bool is_overtaken = notice != nullptr &&
                            notice->record.message.purpose == Purpose::all_clear &&
                            (d.purpose == Purpose::notice || d.purpose == Purpose::reminder);
  if (is_overtaken) ladder_.tell(d, notice->record.message, now.wall);
  state_.put_delivery(std::move(d));
}

void Sender::retry(DeliveryRecord d, Millis asked, Times now) {
  const Millis first = is_pressing(d.lane) ? kRetryPressing : kRetryRoutine;
  const Millis wait = asked > Millis{0} ? asked : backoff(d.attempts + 1, first, kRetryMax, rng_);
  d.state = ready;
  d.ready_at = now.wall + wait;
  state_.put_delivery(std::move(d));
}

void Sender::wait_for_peer(DeliveryRecord d, Millis asked, Times now) {
  const PlanKey key{d.notice, d.person};
  const bool has_ladder = !d.says && state_.plan(key) != nullptr;
  d.faults = 0;
  retry(d, asked, now);
  if (!has_ladder) return;
  d = *state_.delivery(d.id);
  d.state = owed;
  state_.put_delivery(std::move(d));
  ladder_.hasten(key, now.wall);
}

void Sender::strike(const DeliveryRecord& d, const Outcome& outcome) {
  // What the office set for an area stays until the office changes it.
  if (is_zone(d.person)) return;
  const bool is_refused = outcome.kind == OutcomeKind::opted_out || outcome.is_certain;
  if (strikes_.size() >= kStrikesMax) strikes_.clear();
  if (!is_refused && ++strikes_[d.to.address] < 2) return;
  strikes_.erase(d.to.address);
  state_.add_fact("endpoint.invalid", {{"person", d.person},
                                       {"medium", medium_name(d.to.medium)},
                                       {"address", d.to.address},
                                       {"why", outcome_name(outcome.kind)}});
}

void Sender::refuse(DeliveryRecord d, const Outcome& outcome, Times now) {
  if (outcome.kind != OutcomeKind::permanent_content) strike(d, outcome);
  fail_for_good(std::move(d), failed, now);
}

void Sender::resolve_unknown(const Channel& channel, DeliveryRecord d, Times now) {
  using After = Capabilities::AfterUnknown;
  const After rule = channel.setup->adapter->capabilities().after_unknown;
  const bool is_red = d.lane == Lane::red;
  // It collapses with the first, so that it only ends with the notice.
  if (rule == After::resend) return retry(std::move(d), Millis{0}, now);
  if (rule == After::resend_once && d.attempts < 2) return retry(std::move(d), Millis{0}, now);
  if (rule == After::ask)
    state_.raise_alarm({"delivery_unknown", channel.setup->name, "不知道是否已经播出，请人工确认"},
                       now.wall);
  d.state = unknown;
  d.ready_at = now.wall + (is_red && d.attempts < 2 ? kUnknownHoldRed : kUnknownHold);
  state_.put_delivery(std::move(d));
}

void Sender::give_up(std::span<const DeliveryId> waited, Times now) {
  for (const DeliveryId id : waited) {
    const DeliveryRecord* found = state_.delivery(id);
    if (found == nullptr || found->state != unknown) continue;
    DeliveryRecord d = *found;
    const Channel* channel = find(d.channel);
    const bool may_repeat =
        channel != nullptr &&
        channel->setup->adapter->capabilities().after_unknown == Capabilities::AfterUnknown::hold;
    if (d.lane == Lane::red && d.attempts < 2 && may_repeat && d.expires > now.wall &&
        state_.plan({d.notice, d.person}) != nullptr) {
      d.state = ready;
      d.ready_at = now.wall;
      state_.put_delivery(std::move(d));
      continue;
    }
    fail_for_good(std::move(d), failed, now);
  }
}

void Sender::drop_expired(std::span<const DeliveryId> ids, Times now) {
  for (const DeliveryId id : ids) {
    DeliveryRecord d = *state_.delivery(id);
    const bool is_stuck = d.state == owed || service(d.to.medium, now.mono) == Service::blocked;
    d.reason = "expired before it could be sent";
    if (is_stuck) d.reason = "expired while its channel could not be used";
    if (d.state == held) d.reason = "over before the quiet hours ended";
    fail_for_good(std::move(d), expired, now);
  }
}

void Sender::fail_for_good(DeliveryRecord d, DeliveryRecord::State state, Times now) {
  d.state = state;
  const PlanKey key{d.notice, d.person};
  if (state == failed || state == dead || state == expired) state_.add_reach(d, "failed", now.wall);
  state_.put_delivery(std::move(d));
  ladder_.hasten(key, now.wall);
}

std::vector<Sender::Look> Sender::look(Instant now) const {
  std::vector<Look> out;
  for (const Channel& channel : channels_) {
    Look look{channel.setup->name,
              state_.paused(channel.setup->name),
              channel.breaker.is_open(),
              channel.in_flight,
              channel.bucket.rate(),
              channel.handed,
              channel.failed,
              channel.counts};
    const Medium medium = channel.setup->adapter->capabilities().medium;
    for (const Lane lane : kLanes) {
      const std::size_t owes = state_.owed(medium, lane).size();
      look.queued[static_cast<std::size_t>(lane)] = state_.ready(medium, lane).size() + owes;
      look.owed += owes;
    }
    if (const auto since = state_.oldest(medium))
      look.oldest = std::max(Millis{0}, std::chrono::floor<Millis>(now - *since));
    out.push_back(std::move(look));
  }
  return out;
}

}  // namespace linli::notify
