// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/gateway.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/log.h"

namespace linli::notify {
namespace {

using enum DeliveryRecord::State;

/// Of a peer and of ours, and the time between an answer and its name.
constexpr Millis kClocksApart{60'000};

/// As far back as a channel's limits count, and a day for the daily caps.
Millis look_back_of(const GatewaySettings& settings) {
  Millis out = GatewayStore::OtherSide{}.look_back;
  for (const ChannelSetup& setup : settings.channels) {
    for (const CalendarRule& rule : setup.rules) out = std::max(out, rule.per);
    for (const Quota& quota : setup.adapter->capabilities().quotas) out = std::max(out, quota.per);
  }
  return out;
}

}  // namespace

Gateway::Gateway(GatewaySettings settings, GatewayStore& store, const Clock& clock, Rng& rng)
    : settings_(std::move(settings)),
      store_(store),
      clock_(clock),
      rng_(rng),
      state_(rng_),
      ladder_(state_, settings_,
              [this](Medium medium) { return sender_.service(medium, clock_.mono()); }),
      sender_(state_, settings_, ladder_, rng_) {}

Result<void> Gateway::open(const GatewayStore::OtherSide& other) {
  const Times at = now();
  GatewayStore::OtherSide asked = other;
  asked.look_back = std::max(other.look_back, look_back_of(settings_));
  LINLI_TRY(StoreSnapshot snapshot, store_.open(at.wall, asked));
  sender_.load(snapshot.sent, at.wall);
  std::vector<DeliveryId> unanswered;
  for (const DeliveryRecord& delivery : snapshot.deliveries)
    if (delivery.state == intent) unanswered.push_back(delivery.id);
  state_.load(std::move(snapshot));
  for (const DeliveryId id : unanswered) sender_.recover(id, at);
  return {};
}

void Gateway::on_page(const std::string& id, const Result<RecipientPage>& page) {
  Notice* notice = state_.notice(id);
  if (notice == nullptr) return;
  notice->is_asking = false;
  if (notice->record.state != NoticeRecord::State::live) return;
  const Times at = now();
  if (!page) {
    log_event(LogLevel::warn, "notify.directory", {{"code", errc_name(page.error().code)}});
    notice->ask_at = at.wall + kPageAgain;
    return;
  }
  ladder_.plan_page(*notice, page->recipients, at.wall);
  if (!page->next.empty()) notice->record.fan_after = page->next;
  notice->record.fan_done = page->done;
  if (page->done) notice->acked_early.clear();
  if (!page->done && page->recipients.empty()) notice->ask_at = at.wall + kPageAgain;
  state_.touch_notice(id);
}

void Gateway::on_person(const std::string& notice, const std::string& person,
                        const Result<std::optional<Recipient>>& who) {
  const PlanKey key{notice, person};
  // Without an answer the endpoints stay as they were; the next change asks again.
  if (!who) return ladder_.owed_unknown(key, clock_.now());
  ladder_.refresh(key, *who);
  ladder_.settle_owed(key, who->value_or(Recipient{}), clock_.now());
}

void Gateway::on_done(const std::string& channel, const action::Done& done) {
  sender_.done(channel, done, now());
  for (const std::string& id : done.outcome.provider_ids)
    orphans_settled_.emplace_back(channel, id);
}

Result<std::optional<DeliveryRecord>> Gateway::find_by_address(const std::string& channel,
                                                               const Receipt& receipt) {
  const Spellings address = spellings_of(receipt.address);
  const Instant latest = clock_.now() + kClocksApart;
  // What is told again an hour later was no answer to what went out meanwhile.
  const Instant until = receipt.at ? std::min(latest, *receipt.at + kClocksApart) : latest;
  LINLI_TRY(auto found, store_.delivery_by_address(channel, address, until));
  if (found) return found;
  return store_.delivery_by_address(channel, address, latest);
}

std::optional<DeliveryRecord> Gateway::find_delivery(const std::string& channel,
                                                     const Receipt& receipt) {
  std::optional<DeliveryId> id = receipt.delivery;
  if (!id && !receipt.provider_id.empty()) id = state_.by_provider(channel, receipt.provider_id);
  if (id)
    if (const DeliveryRecord* known = state_.delivery(*id)) return *known;
  const auto look_up = [&]() -> Result<std::optional<DeliveryRecord>> {
    if (id) return store_.delivery(*id);
    if (!receipt.provider_id.empty()) {
      LINLI_TRY(auto named, store_.delivery_by_provider(channel, receipt.provider_id));
      if (named) return named;
    }
    // Whose name we never learnt, and what people write back, is found by whom it is about.
    if (receipt.address.empty()) return std::nullopt;
    return find_by_address(channel, receipt);
  };
  auto stored = look_up();
  if (!stored) {
    log_event(LogLevel::error, "notify.store", {{"code", errc_name(stored.error().code)}});
    return std::nullopt;
  }
  // It may have changed since the last turn.
  if (*stored)
    if (const DeliveryRecord* known = state_.delivery((*stored)->id)) return *known;
  return *stored;
}

void Gateway::on_heard(const std::string& channel, const Receipt& receipt) {
  const Times at = now();
  auto delivery = find_delivery(channel, receipt);
  if (receipt.reply.empty() && !receipt.provider_id.empty())
    state_.add_receipt({channel, receipt.provider_id, delivery ? delivery->id : DeliveryId{},
                        receipt.state, receipt.at.value_or(at.wall)});
  if (!delivery) return;
  if (receipt.because && !delivery->person.empty())
    state_.add_fact("endpoint.invalid", {{"person", delivery->person},
                                         {"medium", medium_name(delivery->to.medium)},
                                         {"address", delivery->to.address},
                                         {"why", outcome_name(*receipt.because)}});
  if (!receipt.reply.empty()) return replied(*delivery, receipt.reply);
  // An answer that came after its time: the peer has it, and this is what it calls it.
  const bool is_new_name = receipt.state == ReceiptState::accepted &&
                           !receipt.provider_id.empty() &&
                           std::ranges::find(delivery->provider_ids, receipt.provider_id) ==
                               delivery->provider_ids.end();
  if (is_new_name) {
    delivery->provider_ids.push_back(receipt.provider_id);
    if (delivery->state == unknown) delivery->state = accepted;
    delivery->channel = channel;
    orphans_settled_.emplace_back(channel, receipt.provider_id);
    state_.put_delivery(std::move(*delivery));
    return;
  }
  hear(std::move(*delivery), receipt.provider_id, receipt.state, receipt.at.value_or(at.wall));
}

/// Reply codes of a message that asks: 1 我知道了, 2 我需要帮助, 3 我在外地 (M21).
void Gateway::replied(const DeliveryRecord& delivery, const std::string& reply) {
  constexpr std::array<std::pair<std::string_view, const char*>, 3> kCodes = {
      {{"1", "ok"}, {"2", "help"}, {"3", "away"}}};
  const auto code = std::ranges::find(kCodes, reply, [](const auto& c) { return c.first; });
  if (code == kCodes.end() || delivery.notice.empty() || delivery.person.empty()) return;
  // Family may call for help; that the person knows only the person can say.
  const Notice* notice = state_.notice(delivery.notice);
  const bool is_family =
      notice != nullptr && is_to_helpers(settings_.policies, notice->record, delivery);
  if (is_family && code->second != std::string_view("help")) return;
  state_.add_fact("notice.acknowledge", {{"notice", delivery.notice},
                                         {"person", delivery.person},
                                         {"choice", code->second},
                                         {"ask", delivery.ask}});
}

void Gateway::hear(DeliveryRecord d, const std::string& provider_id, ReceiptState state,
                   Instant at) {
  const bool is_final = d.state == delivered;
  if (state == ReceiptState::failed && !is_final) {
    d.state = failed;
    d.reason = "the receipt says no";
    state_.add_reach(d, "failed", at);
    const PlanKey key{d.notice, d.person};
    state_.put_delivery(std::move(d));
    return ladder_.hasten(key, clock_.now());
  }
  if (state == ReceiptState::read) {
    d.state = delivered;
    state_.add_reach(d, "read", at);
    return state_.put_delivery(std::move(d));
  }
  if (state != ReceiptState::delivered || is_final) return;
  const auto part = std::ranges::find(d.provider_ids, provider_id);
  const bool has_parts = d.provider_ids.size() > 1 && part != d.provider_ids.end();
  if (has_parts) {
    d.parts_delivered |= std::uint64_t{1} << (part - d.provider_ids.begin());
    const std::uint64_t all = (std::uint64_t{1} << d.provider_ids.size()) - 1;
    if (d.parts_delivered != all) return state_.put_delivery(std::move(d));
  }
  d.state = delivered;
  state_.add_reach(d, "delivered", at);
  state_.put_delivery(std::move(d));
}

/// Receipts that came before the answer which named them (notify.md §5 trap 13).
void Gateway::settle_orphans() {
  for (const auto& [channel, id] : std::exchange(orphans_settled_, {}))
    for (const ReceiptRecord& early : state_.take_orphans(channel, id))
      if (const auto found = state_.by_provider(channel, id))
        hear(*state_.delivery(*found), id, early.state, early.at);
}

void Gateway::ask_pages(Times at) {
  for (auto& [id, notice] : state_.notices()) {
    const NoticeRecord& record = notice.record;
    const bool wants = record.state == NoticeRecord::State::live && !record.fan_done;
    if (!wants || notice.is_asking || notice.ask_at > at.wall) continue;
    // A full memory makes the rest of the audience wait, red first.
    if (state_.plans() >= kPlansMax && record.lane != Lane::red) {
      notice.ask_at = at.wall + kPageAgain;
      continue;
    }
    notice.is_asking = true;
    turn_.pages.emplace_back(id, record.fan_after);
  }
}

bool Gateway::drop_expired(Times at) {
  const auto over = state_.due_expiries(at.wall, kStepPlansMax);
  sender_.drop_expired(over, at);
  return over.size() == kStepPlansMax;
}

void Gateway::expire_notices(Times at) {
  for (auto& [id, notice] : state_.notices()) {
    const bool is_over =
        notice.record.state != NoticeRecord::State::ended && notice.record.expires <= at.wall;
    if (is_over) ladder_.end_notice(notice, NoticeRecord::State::ended, "over");
    // An ended one stays while answers of its last deliveries may come.
    if (notice.record.state == NoticeRecord::State::ended &&
        state_.deliveries_of_notice(id).empty())
      state_.drop_notice(id);
  }
}

void Gateway::collect_cancels() {
  for (const DeliveryId id : std::exchange(ladder_.cancels, {}))
    if (const DeliveryRecord* delivery = state_.delivery(id))
      turn_.cancels.emplace_back(delivery->channel, id);
}

void Gateway::set_times(Times at) {
  turn_.due = state_.next_due(at.wall);
  turn_.wake = sender_.wake_at();
  if (const auto owed = ladder_.owed_due(at.wall))
    turn_.due = std::min(turn_.due.value_or(*owed), *owed);
  if (has_more_ || !state_.alarms().empty()) turn_.due = at.wall;
  for (const auto& [id, notice] : state_.notices()) {
    if (notice.record.state == NoticeRecord::State::ended) continue;
    const bool is_live = notice.record.state == NoticeRecord::State::live;
    if (is_live && !notice.record.fan_done && !notice.is_asking)
      turn_.due = std::min(turn_.due.value_or(notice.ask_at), std::max(notice.ask_at, at.wall));
    turn_.due = std::min(turn_.due.value_or(notice.record.expires), notice.record.expires);
  }
}

void Gateway::tell_operator(Instant at) {
  for (const State::Alarm& alarm : state_.take_alarms()) {
    for (const ChannelSetup& setup : settings_.channels) {
      // What is broken cannot tell of itself.
      if (setup.name == alarm.subject) continue;
      for (const std::string& address : setup.operator_addresses) {
        DeliveryRecord out = state_.new_delivery(at);
        out.purpose = Purpose::alarm;
        out.to = {setup.adapter->capabilities().medium, address, {}};
        Message message;
        message.purpose = Purpose::alarm;
        message.title = alarm.subject.empty() ? alarm.text : alarm.subject + "：" + alarm.text;
        out.says = std::move(message);
        out.lane = Lane::orange;
        out.ready_at = at;
        out.expires = at + kAlarmExpiry;
        state_.put_delivery(std::move(out));
      }
    }
  }
}

Result<Turn> Gateway::turn() {
  const Times at = now();
  settle_orphans();
  tell_operator(at.wall);
  has_more_ = drop_expired(at);
  if (!has_more_) expire_notices(at);
  has_more_ |= ladder_.step(at.wall);
  ladder_.call_owed(at.wall);
  const auto waited = state_.due_waits(at.wall, kStepPlansMax);
  ladder_.release(waited, at.wall);
  sender_.give_up(waited, at);
  for (Submit& submit : sender_.pick(at)) turn_.submits.push_back(std::move(submit));
  ask_pages(at);
  collect_cancels();
  for (PlanKey& key : std::exchange(ladder_.asks, {})) turn_.persons.push_back(std::move(key));
  state_.gather_reach();
  StoreBatch batch = state_.batch();
  batch.at = at.wall;
  if (!batch.empty()) LINLI_CHECK(store_.apply(batch));
  state_.stored();
  turn_.facts = state_.facts();
  set_times(at);
  return std::exchange(turn_, {});
}

void Gateway::pause(const std::string& channel, const std::string& why) {
  LINLI_ASSERT(!why.empty());
  state_.set_paused(channel, why);
}

void Gateway::resume(const std::string& channel) { state_.set_paused(channel, {}); }

Result<void> Gateway::replay(DeliveryId id) {
  LINLI_TRY(auto found, store_.delivery(id));
  if (!found) return fail(Errc::not_found, "no such delivery");
  if (found->state != dead && found->state != failed)
    return fail(Errc::wrong_state, "only what failed can be sent again");
  if (state_.notice(found->notice) == nullptr)
    return fail(Errc::wrong_state, "its notice has ended");
  found->state = ready;
  found->faults = 0;
  found->ready_at = found->made_at = clock_.now();
  state_.put_delivery(std::move(*found));
  return {};
}

void Gateway::alarm(const std::string& kind, const std::string& subject, const std::string& text) {
  // Told again while it is so; otherwise over for the desk soon after.
  state_.raise_alarm({kind, subject, text, kAlarmAgain + kAlarmAgain / 4}, clock_.now());
}

std::vector<Gateway::NoticeLook> Gateway::notices() const {
  std::vector<NoticeLook> out;
  for (const auto& [id, notice] : state_.notices())
    out.push_back({id, std::string(kNoticeStates[static_cast<std::size_t>(notice.record.state)]),
                   state_.deliveries_of_notice(id).size() + state_.plans_of_notice(id).size(),
                   notice.record.cost, !notice.record.fan_done});
  return out;
}

}  // namespace linli::notify
