// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/state.h"

#include <algorithm>
#include <cctype>

#include "base/assert.h"
#include "base/bytes.h"
#include "notify/engine/settings.h"

namespace linli::notify {
namespace {

using enum DeliveryRecord::State;

bool waits(DeliveryRecord::State state) { return state == held || state == unknown; }

/// As the desk's list of the unreached says it; null where nothing failed.
const char* why_failed(DeliveryRecord::State state) {
  if (state == expired) return "expired";
  if (state == dead) return "gave_up";
  return state == failed ? "refused" : nullptr;
}

/// At most `bytes_max` bytes, never half a character.
std::string cut(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

/// The queue of one medium and lane.
auto& queue_in(auto& queues, Medium medium, Lane lane) {
  return queues[static_cast<std::size_t>(medium)][static_cast<std::size_t>(lane)];
}

/// At or before `now`, earliest first, at most `limit`.
std::vector<DeliveryId> due_of(const State::Queue& queue, Instant now, std::size_t limit) {
  std::vector<DeliveryId> out;
  for (const auto& [at, id] : queue) {
    if (at > now || out.size() == limit) break;
    out.push_back(id);
  }
  return out;
}

/// Everything of `set` from the first element that `is_in` says yes to, while it does.
template <class Set, class From, class IsIn, class Take>
void each_from(const Set& set, const From& from, IsIn is_in, Take take) {
  for (auto at = set.lower_bound(from); at != set.end() && is_in(*at); ++at) take(*at);
}

}  // namespace

void State::load(StoreSnapshot snapshot) {
  lease_no_ = snapshot.lease_no;
  cursor_ = snapshot.outbox_cursor;
  delivery_head_ = snapshot.delivery_head;
  fact_head_ = snapshot.fact_head;
  for (NoticeRecord& record : snapshot.notices) {
    const std::string id = record.id;
    notices_[id].record = std::move(record);
  }
  for (PlanRecord& plan : snapshot.plans) put_plan(std::move(plan));
  for (DeliveryRecord& delivery : snapshot.deliveries) put_delivery(std::move(delivery));
  for (ReceiptRecord& orphan : snapshot.orphans)
    orphans_[{orphan.channel, orphan.provider_id}].push_back(std::move(orphan));
  for (auto& [channel, why] : snapshot.paused) paused_[channel] = std::move(why);
  stored();
}

Notice* State::notice(const std::string& id) {
  const auto found = notices_.find(id);
  return found == notices_.end() ? nullptr : &found->second;
}

Notice& State::add_notice(NoticeRecord record) {
  const std::string id = record.id;
  Notice& out = notices_[id];
  out.record = std::move(record);
  touch_notice(id);
  return out;
}

void State::touch_notice(const std::string& id) { dirty_notices_.insert(id); }

const PlanRecord* State::plan(const PlanKey& key) const {
  const auto found = plans_.find(key);
  return found == plans_.end() ? nullptr : &found->second;
}

void State::put_plan(PlanRecord plan) {
  const PlanKey key{plan.notice, plan.who.person};
  if (const auto old = plans_.find(key); old != plans_.end()) {
    plan_due_.erase({old->second.next_at, key});
    household_plans_.erase({{key.first, old->second.who.household}, key.second});
  }
  if (plan.state == PlanRecord::State::active) {
    plan_due_.insert({plan.next_at, key});
    person_plans_.insert({key.second, key.first});
    household_plans_.insert({{plan.notice, plan.who.household}, key.second});
  } else {
    person_plans_.erase({key.second, key.first});
    household_plans_.erase({{plan.notice, plan.who.household}, key.second});
  }
  plans_[key] = std::move(plan);
  dirty_plans_.insert(key);
}

std::vector<PlanKey> State::plans_of_notice(const std::string& notice) const {
  std::vector<PlanKey> out;
  for (auto at = plans_.lower_bound({notice, ""}); at != plans_.end() && at->first.first == notice;
       ++at)
    if (at->second.state == PlanRecord::State::active) out.push_back(at->first);
  return out;
}

std::vector<PlanKey> State::plans_of_person(const std::string& person) const {
  std::vector<PlanKey> out;
  each_from(
      person_plans_, std::pair(person, std::string()),
      [&](const auto& entry) { return entry.first == person; },
      [&](const auto& entry) { out.emplace_back(entry.second, entry.first); });
  return out;
}

std::vector<PlanKey> State::plans_of_household(const std::string& notice,
                                               const std::string& household) const {
  std::vector<PlanKey> out;
  each_from(
      household_plans_, std::pair(PlanKey{notice, household}, std::string()),
      [&](const auto& entry) { return entry.first == PlanKey{notice, household}; },
      [&](const auto& entry) { out.emplace_back(notice, entry.second); });
  return out;
}

std::vector<PlanKey> State::due_plans(Instant now, std::size_t limit) const {
  std::vector<PlanKey> out;
  for (const auto& [at, key] : plan_due_) {
    if (at > now || out.size() == limit) break;
    out.push_back(key);
  }
  return out;
}

const DeliveryRecord* State::delivery(DeliveryId id) const {
  const auto found = deliveries_.find(id);
  return found == deliveries_.end() ? nullptr : &found->second;
}

DeliveryRecord State::new_delivery(Instant now) {
  DeliveryRecord out;
  out.made_at = now;
  out.id = DeliveryId{++delivery_head_};
  std::array<std::uint8_t, 16> random{};
  rng_.fill(random);
  out.key = to_hex(random);
  return out;
}

const State::Queue& State::ready(Medium medium, Lane lane) const {
  return queue_in(ready_, medium, lane);
}

const State::Queue& State::owed(Medium medium, Lane lane) const {
  return queue_in(owed_, medium, lane);
}

void State::index(const DeliveryRecord& d) {
  const bool is_ready = d.state == DeliveryRecord::State::ready;
  const bool is_owed = d.state == DeliveryRecord::State::owed;
  if (is_ready) queue_in(ready_, d.to.medium, d.lane).insert({d.ready_at, d.id});
  if (is_owed) queue_in(owed_, d.to.medium, d.lane).insert({d.ready_at, d.id});
  if (is_ready || is_owed) made_[static_cast<std::size_t>(d.to.medium)].insert({d.made_at, d.id});
  if (is_waiting(d.state)) expiries_.insert({d.expires, d.id});
  if (waits(d.state)) waits_.insert({d.ready_at, d.id});
  if (is_open(d.state)) plan_deliveries_.insert({{d.notice, d.person}, d.id});
  for (const std::string& id : d.provider_ids) provider_[{d.channel, id}] = d.id;
}

void State::unindex(const DeliveryRecord& d) {
  queue_in(ready_, d.to.medium, d.lane).erase({d.ready_at, d.id});
  queue_in(owed_, d.to.medium, d.lane).erase({d.ready_at, d.id});
  made_[static_cast<std::size_t>(d.to.medium)].erase({d.made_at, d.id});
  expiries_.erase({d.expires, d.id});
  waits_.erase({d.ready_at, d.id});
  plan_deliveries_.erase({{d.notice, d.person}, d.id});
}

void State::put_delivery(DeliveryRecord delivery) {
  const DeliveryId id = delivery.id;
  LINLI_ASSERT(id.raw() != 0);
  delivery_head_ = std::max(delivery_head_, id.raw());
  if (const auto old = deliveries_.find(id); old != deliveries_.end()) unindex(old->second);
  index(delivery);
  deliveries_[id] = std::move(delivery);
  dirty_deliveries_.insert(id);
}

std::vector<DeliveryId> State::deliveries_of(const PlanKey& key) const {
  std::vector<DeliveryId> out;
  each_from(
      plan_deliveries_, std::pair(key, DeliveryId{}),
      [&](const auto& entry) { return entry.first == key; },
      [&](const auto& entry) { out.push_back(entry.second); });
  return out;
}

std::vector<DeliveryId> State::deliveries_of_notice(const std::string& notice) const {
  std::vector<DeliveryId> out;
  each_from(
      plan_deliveries_, std::pair(PlanKey{notice, ""}, DeliveryId{}),
      [&](const auto& entry) { return entry.first.first == notice; },
      [&](const auto& entry) { out.push_back(entry.second); });
  return out;
}

std::vector<DeliveryId> State::due_waits(Instant now, std::size_t limit) const {
  return due_of(waits_, now, limit);
}

std::vector<DeliveryId> State::due_expiries(Instant now, std::size_t limit) const {
  return due_of(expiries_, now, limit);
}

std::optional<Instant> State::oldest(Medium medium) const {
  const Queue& made = made_[static_cast<std::size_t>(medium)];
  if (made.empty()) return std::nullopt;
  return made.begin()->first;
}

std::optional<DeliveryId> State::by_provider(const std::string& channel,
                                             const std::string& id) const {
  const auto found = provider_.find({channel, id});
  if (found == provider_.end()) return std::nullopt;
  return found->second;
}

void State::add_receipt(ReceiptRecord receipt) {
  if (receipt.delivery.raw() == 0)
    orphans_[{receipt.channel, receipt.provider_id}].push_back(receipt);
  batch_.receipts.push_back(std::move(receipt));
}

std::vector<ReceiptRecord> State::take_orphans(const std::string& channel, const std::string& id) {
  const auto found = orphans_.find({channel, id});
  if (found == orphans_.end()) return {};
  std::vector<ReceiptRecord> out = std::move(found->second);
  orphans_.erase(found);
  return out;
}

void State::add_fact(std::string name, Json args) {
  batch_.facts.push_back({++fact_head_, std::move(name), std::move(args)});
}

void State::add_reach(const DeliveryRecord& delivery, const char* what, Instant at) {
  // A test is about nobody.
  if (delivery.person.empty()) return;
  if (is_zone(delivery.person)) {
    add_fact("reach.zone", {{"notice", delivery.notice},
                            {"area", delivery.person.substr(1)},
                            {"medium", medium_name(delivery.to.medium)},
                            {"state", what},
                            {"at", to_unix_ms(at)}});
    return;
  }
  Json& records = reach_[{delivery.notice, delivery.ask}];
  if (records.is_null()) records = Json::array();
  Json record = {{"person", delivery.person},
                 {"state", what},
                 {"medium", medium_name(delivery.to.medium)},
                 {"at", to_unix_ms(at)}};
  if (const char* why = why_failed(delivery.state)) record["why"] = why;
  records.push_back(std::move(record));
}

void State::raise_alarm(const Raise& what, Instant now) {
  const auto& [kind, subject, text, lasts] = what;
  Instant& last = alarmed_[{kind, subject}];
  if (last != Instant{} && now < last + kAlarmAgain) return;
  last = now;
  // Subjects are row keys there.
  std::string name = subject == "*" ? "all" : subject.substr(0, kAlarmSubjectMax);
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  };
  for (char& c : name)
    if (!is_plain(static_cast<unsigned char>(c))) c = '-';
  Json args = {{"kind", kind}, {"text", cut(text, kAlarmTextMax)}};
  if (!name.empty()) args["subject"] = name;
  if (lasts > Millis{0}) args["until"] = to_unix_ms(now + lasts);
  alarms_.push_back({.subject = subject, .text = json_text(args, "text")});
  add_fact("desk.raise_alarm", std::move(args));
}

void State::gather_reach() {
  for (auto& [of, records] : reach_) {
    for (std::size_t from = 0; from < records.size(); from += kFactRecords) {
      const std::size_t to = std::min(records.size(), from + kFactRecords);
      Json part = Json::array();
      for (std::size_t n = from; n < to; ++n) part.push_back(std::move(records[n]));
      add_fact("reach.record",
               {{"notice", of.first}, {"ask", of.second}, {"records", std::move(part)}});
    }
  }
  reach_.clear();
}

void State::set_cursor(std::uint64_t outbox_id) {
  cursor_ = outbox_id;
  batch_.outbox_cursor = outbox_id;
}

std::string State::paused(const std::string& channel) const {
  if (const auto all = paused_.find("*"); all != paused_.end()) return all->second;
  const auto found = paused_.find(channel);
  return found == paused_.end() ? std::string() : found->second;
}

void State::set_paused(const std::string& channel, const std::string& why) {
  if (why.empty())
    paused_.erase(channel);
  else
    paused_[channel] = why;
  batch_.paused.emplace_back(channel, why);
}

StoreBatch State::batch() const {
  StoreBatch out = batch_;
  out.lease_no = lease_no_;
  for (const std::string& id : dirty_notices_) out.notices.push_back(notices_.at(id).record);
  for (const PlanKey& key : dirty_plans_) out.plans.push_back(plans_.at(key));
  for (const DeliveryId id : dirty_deliveries_) out.deliveries.push_back(deliveries_.at(id));
  return out;
}

void State::stored() {
  for (const PlanKey& key : dirty_plans_)
    if (plans_.at(key).state != PlanRecord::State::active) plans_.erase(key);
  for (const DeliveryId id : dirty_deliveries_) {
    const auto found = deliveries_.find(id);
    if (is_open(found->second.state)) continue;
    for (const std::string& name : found->second.provider_ids)
      provider_.erase({found->second.channel, name});
    deliveries_.erase(found);
  }
  for (const std::string& id : ended_notices_) notices_.erase(id);
  batch_ = {};
  dirty_notices_.clear();
  dirty_plans_.clear();
  dirty_deliveries_.clear();
  ended_notices_.clear();
}

std::optional<Instant> State::next_due(Instant now) const {
  std::optional<Instant> out;
  const auto offer = [&](Instant at) {
    if (!out || at < *out) out = std::max(at, now);
  };
  if (!plan_due_.empty()) offer(plan_due_.begin()->first);
  if (!waits_.empty()) offer(waits_.begin()->first);
  if (!expiries_.empty()) offer(expiries_.begin()->first);
  for (const auto& lanes : ready_)
    for (const Queue& queue : lanes)
      if (const auto later = queue.lower_bound({now + Millis{1}, DeliveryId{}});
          later != queue.end())
        offer(later->first);
  return out;
}

}  // namespace linli::notify
