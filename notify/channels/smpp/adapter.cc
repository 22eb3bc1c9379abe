// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smpp/adapter.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "notify/channels/smpp/receipt.h"
#include "notify/channels/smpp/status.h"

namespace linli::notify::smpp {
namespace {

/// The adapter's only timer.
constexpr std::uint32_t kTimer = 0;
/// Receipts kept for one delivery until its Done: a peer may repeat one, not without end.
constexpr std::size_t kJobReceiptsMax = 64;

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

Outcome outcome(OutcomeKind kind, std::string reason, bool is_peer_fault = false) {
  return {.kind = kind, .is_peer_fault = is_peer_fault, .reason = std::move(reason)};
}

bool may_pass(OutcomeKind kind) {
  return kind == OutcomeKind::retry_after || kind == OutcomeKind::throttled;
}

Capabilities capabilities_of(const Settings& settings) {
  return {.medium = Medium::sms,
          .batch_max = settings.window,
          .window_max = settings.window,
          .has_receipts = settings.receipts,
          .has_replies = settings.form.replies,
          .has_links = settings.form.links,
          .after_unknown = Capabilities::AfterUnknown::hold,
          .part_price = settings.part_price};
}

Link::Role sender_role(const Settings& settings) {
  return settings.is_split ? Link::Role::transmitter : Link::Role::transceiver;
}

}  // namespace

SmppAdapter::SmppAdapter(Settings settings, Rng& rng, const Clock& clock,
                         std::uint32_t first_sequence)
    : settings_(std::move(settings)),
      capabilities_(capabilities_of(settings_)),
      clock_(clock),
      rng_(rng),
      sender_(settings_, sender_role(settings_), rng, first_sequence),
      references_(rng) {
  if (settings_.is_split) receiver_.emplace(settings_, Link::Role::receiver, rng);
}

Result<std::unique_ptr<Adapter>> make_smpp(const AdapterParts& parts) {
  LINLI_ASSERT(parts.rng != nullptr && parts.clock != nullptr);
  LINLI_TRY(Settings settings, parse_settings(parts));
  return std::make_unique<SmppAdapter>(std::move(settings), *parts.rng, *parts.clock);
}

// --- Calls of the host ------------------------------------------------------------------------

Result<Adapter::Preview> SmppAdapter::preview(const Endpoint& /*to*/,
                                              const Message& message) const {
  LINLI_TRY(const SmsText text, write_sms(message, settings_.form));
  return Preview{.text = text.shown, .parts = static_cast<std::uint32_t>(text.split.parts.size())};
}

void SmppAdapter::start(MonoTime now, Actions& out) {
  is_started_ = true;
  sender_.start(now, out);
  if (receiver_) receiver_->start(now, out);
  settle(now, out);
}

void SmppAdapter::submit(std::span<const Item> items, MonoTime now, Actions& out) {
  for (const Item& item : items) take(item, now, out);
  settle(now, out);
}

void SmppAdapter::take(const Item& item, MonoTime now, Actions& out) {
  const auto done = [&](Outcome how) { out.emplace_back(action::Done{item.id, std::move(how)}); };
  if (is_stopping_) return done(outcome(OutcomeKind::retry_after, "smpp stopped"));
  if (jobs_.size() >= settings_.window)
    return done(outcome(OutcomeKind::retry_after, "smpp window full"));
  auto to = to_address(item.to.address, settings_);
  if (!to) return done(outcome(OutcomeKind::invalid_endpoint, "not a telephone number"));
  auto text = write_sms(item.message, settings_.form);
  if (!text) return done(outcome(OutcomeKind::permanent_content, text.error().detail));
  Job job{.id = item.id,
          .lane = item.lane,
          .order = ++arrivals_,
          .to = std::move(*to),
          .expires = item.expires,
          .split = std::move(text->split)};
  if (job.split.parts.size() > 1) {
    const auto reference = references_.take(job.to.digits, now);
    if (!reference) {
      Outcome full = outcome(OutcomeKind::throttled, "256 long messages to one number in 24 h");
      full.scope = Scope::recipient;
      return done(std::move(full));
    }
    job.reference = *reference;
  }
  make_ready(job);
  queue_due_.emplace_back(now + kQueueMax, job.id);
  const bool is_new = jobs_.emplace(item.id, std::move(job)).second;
  LINLI_ASSERT(is_new);
}

void SmppAdapter::cancel(DeliveryId id, MonoTime now, Actions& out) {
  const auto job = jobs_.find(id);
  if (job == jobs_.end()) return;
  // A message of which something may be on its way is not torn in two.
  const bool has_left =
      job->second.has_begun() ||
      std::ranges::any_of(flying_, [id](const auto& entry) { return entry.second.id == id; });
  if (!has_left) finish(id, outcome(OutcomeKind::retry_after, "cancelled"), out);
  settle(now, out);
}

void SmppAdapter::stop(MonoTime now, Actions& out) {
  is_stopping_ = true;
  stop_at_ = now + kStopMax;
  for (const DeliveryId id : not_begun())
    finish(id, outcome(OutcomeKind::retry_after, "smpp stopped"), out);
  settle(now, out);
}

void SmppAdapter::on_stream_open(StreamId stream, MonoTime now, Actions& out) {
  if (Link* link = link_of(stream)) link->on_open(now, out);
  settle(now, out);
}

void SmppAdapter::on_bytes(StreamId stream, std::string_view bytes, MonoTime now, Actions& out) {
  if (Link* link = link_of(stream)) link->on_bytes(bytes, now, out);
  settle(now, out);
}

void SmppAdapter::on_stream_closed(StreamId stream, std::string_view reason, MonoTime now,
                                   Actions& out) {
  if (Link* link = link_of(stream)) link->on_closed(reason, now);
  settle(now, out);
}

void SmppAdapter::on_timer(std::uint32_t /*number*/, MonoTime now, Actions& out) {
  armed_.reset();
  sender_.on_time(now, out);
  if (receiver_) receiver_->on_time(now, out);
  settle(now, out);
}

Link* SmppAdapter::link_of(StreamId stream) {
  if (sender_.owns(stream)) return &sender_;
  return receiver_ && receiver_->owns(stream) ? &*receiver_ : nullptr;
}

Health SmppAdapter::health() const {
  using enum Health::State;
  if (!is_started_) return {.state = idle, .text = "not started", .balance = {}};
  if (!sender_.is_bound())
    return {.state = down,
            .text = sender_.reason().empty() ? "connecting" : sender_.reason(),
            .balance = {}};
  if (receiver_ && !receiver_->is_bound())
    return {.state = degraded, .text = "no receipts: " + receiver_->reason(), .balance = {}};
  if (now_ < paused_until_) return {.state = degraded, .text = "the peer throttles", .balance = {}};
  return {
      .state = up, .text = "bound, " + std::to_string(jobs_.size()) + " under way", .balance = {}};
}

// --- What follows from a call -----------------------------------------------------------------

void SmppAdapter::settle(MonoTime now, Actions& out) {
  now_ = now;
  for (const Event& event : sender_.take_events()) on_event(event, now, out);
  if (receiver_)
    for (const Event& event : receiver_->take_events())
      if (const auto* heard = std::get_if<event::Message>(&event))
        on_short_message(heard->message, out);
  expire(now, out);
  fail_if_refused(out);
  pump(now, out);
  release_early(out);
  leave_if_idle(now, out);
  arm(out);
}

void SmppAdapter::expire(MonoTime now, Actions& out) {
  while (!resting_.empty() && resting_.begin()->first <= now) {
    make_ready(jobs_.at(resting_.begin()->second));
    resting_.erase(resting_.begin());
  }
  while (!queue_due_.empty() && queue_due_.front().first <= now) {
    const auto job = jobs_.find(queue_due_.front().second);
    queue_due_.pop_front();
    if (job == jobs_.end() || job->second.has_begun()) continue;
    if (!ready_.contains({job->second.lane, job->second.order})) continue;
    finish(job->first,
           sender_.is_bound() ? outcome(OutcomeKind::throttled, "smpp throttled")
                              : outcome(OutcomeKind::retry_after, "smpp not connected", true),
           out);
  }
  if (!stop_at_ || *stop_at_ > now) return;
  while (!jobs_.empty())
    finish(jobs_.begin()->first, outcome(OutcomeKind::unknown, "smpp stopped, no answer"), out);
  flying_.clear();
  orders_.clear();
}

void SmppAdapter::fail_if_refused(Actions& out) {
  const auto refusal = sender_.refusal();
  if (!refusal || !is_config_fault(*refusal)) return;
  for (const DeliveryId id : not_begun())
    finish(id, outcome(OutcomeKind::permanent_config, "bind refused: " + status_text(*refusal)),
           out);
}

std::vector<DeliveryId> SmppAdapter::not_begun() const {
  std::vector<DeliveryId> out;
  for (const auto& [key, id] : ready_)
    if (!jobs_.at(id).has_begun()) out.push_back(id);
  return out;
}

void SmppAdapter::leave_if_idle(MonoTime now, Actions& out) {
  if (!is_stopping_ || !stop_at_ || !jobs_.empty()) return;
  stop_at_.reset();
  sender_.stop(now, out);
  if (receiver_) receiver_->stop(now, out);
}

std::optional<MonoTime> SmppAdapter::deadline() const {
  std::optional<MonoTime> first = stop_at_;
  const auto take = [&first](std::optional<MonoTime> at) {
    if (at) first = first ? std::min(*first, *at) : *at;
  };
  take(sender_.deadline());
  if (receiver_) take(receiver_->deadline());
  if (!resting_.empty()) take(resting_.begin()->first);
  if (!queue_due_.empty()) take(queue_due_.front().first);
  if (!ready_.empty() && paused_until_ > now_) take(paused_until_);
  return first;
}

void SmppAdapter::arm(Actions& out) {
  const auto at = deadline();
  // One that fires too early only arms the next.
  if (!at || (armed_ && *armed_ <= *at)) return;
  armed_ = at;
  out.emplace_back(action::Timer{.number = kTimer, .at = *at});
}

// --- Sending ----------------------------------------------------------------------------------

void SmppAdapter::pump(MonoTime now, Actions& out) {
  while (sender_.is_bound() && paused_until_ <= now && !ready_.empty()) {
    const DeliveryId id = ready_.begin()->second;
    Job& job = jobs_.at(id);
    if (!job.has_begun() && job.expires <= clock_.now()) {
      finish(id, outcome(OutcomeKind::retry_after, "expired"), out);
      continue;
    }
    ready_.erase(ready_.begin());
    send_part(job, now, out);
  }
}

void SmppAdapter::send_part(Job& job, MonoTime now, Actions& out) {
  const std::uint32_t sequence = sender_.submit(to_pdu(job), now, out);
  flying_[sequence] = {job.id, ++submissions_};
  orders_.insert(submissions_);
}

ShortMessage SmppAdapter::to_pdu(const Job& job) const {
  const std::size_t number = job.ids.size();
  const SmsPart& part = job.split.parts.at(number);
  const bool is_gsm7 = job.split.coding == SmsCoding::gsm7;
  ShortMessage pdu;
  pdu.service_type = settings_.service_type;
  pdu.source = settings_.source;
  pdu.destination = job.to;
  pdu.priority = job.lane == Lane::red ? settings_.red_priority : std::uint8_t{0};
  pdu.validity_period = validity_of(job);
  pdu.registered_delivery = settings_.receipts ? 1 : 0;
  pdu.data_coding = is_gsm7 ? kCodingDefault : kCodingUcs2;
  if (job.split.parts.size() > 1) {
    pdu.esm_class = kEsmUserDataHeader;
    for (const std::size_t octet : {std::size_t{5}, std::size_t{0}, std::size_t{3},
                                    std::size_t{job.reference}, job.split.parts.size(), number + 1})
      pdu.text += static_cast<char>(octet);
    // [5.3.2.34] The centre may keep its channel to the phone open for the next part.
    if (number + 1 < job.split.parts.size()) pdu.tlvs.push_back({kTagMoreMessages, "\x01"});
  }
  pdu.text += is_gsm7 ? *to_gsm7(part.text) : to_utf16be(part.text);
  return pdu;
}

/// Relative time format [7.1.1.2]: YYMMDDhhmmss000R.
std::string SmppAdapter::validity_of(const Job& job) const {
  if (settings_.validity_max == Millis{0}) return {};
  using namespace std::chrono;
  const auto left =
      std::clamp<Millis>(job.expires - clock_.now(), minutes(1), settings_.validity_max);
  const hh_mm_ss time(floor<seconds>(left % days(1)));
  std::string out = "0000";
  for (const std::int64_t field :
       {std::int64_t{left / days(1)}, std::int64_t{time.hours().count()},
        std::int64_t{time.minutes().count()}, std::int64_t{time.seconds().count()}}) {
    out += static_cast<char>('0' + field / 10);
    out += static_cast<char>('0' + field % 10);
  }
  return out + "000R";
}

void SmppAdapter::finish(DeliveryId id, Outcome outcome, Actions& out) {
  auto node = jobs_.extract(id);
  LINLI_ASSERT(!node.empty());
  Job& job = node.mapped();
  ready_.erase({job.lane, job.order});
  std::erase_if(resting_, [id](const auto& entry) { return entry.second == id; });
  for (const std::string& part : job.ids)
    if (const auto known = part_ids_.find(part); known != part_ids_.end() && known->second == id)
      part_ids_.erase(known);
  outcome.parts = static_cast<std::uint32_t>(job.ids.size());
  outcome.provider_ids = std::move(job.ids);
  out.emplace_back(action::Done{id, std::move(outcome)});
  for (Receipt& receipt : job.receipts) out.emplace_back(action::Heard{std::move(receipt)});
}

// --- What the peer says -----------------------------------------------------------------------

void SmppAdapter::on_event(const Event& event, MonoTime now, Actions& out) {
  std::visit(Overloaded{
                 [&](const event::Bound&) {},
                 [&](const event::Lost&) { on_lost(out); },
                 [&](const event::Answer& answer) { on_answer(answer, now, out); },
                 [&](const event::Silent& silent) { on_silent(silent.sequence, out); },
                 [&](const event::Message& heard) { on_short_message(heard.message, out); },
             },
             event);
}

void SmppAdapter::on_answer(const event::Answer& answer, MonoTime now, Actions& out) {
  const auto flying = flying_.find(answer.sequence);
  if (flying == flying_.end()) {
    on_late(answer, out);
    return;
  }
  Job& job = jobs_.at(flying->second.id);
  orders_.erase(flying->second.order);
  flying_.erase(flying);
  if (answer.status == kStatusOk)
    on_part_taken(job, normal_id(answer.message_id, settings_.response_id), out);
  else
    on_part_refused(job, outcome_of(answer.status, settings_.statuses), now, out);
}

void SmppAdapter::on_part_taken(Job& job, const std::string& id, Actions& out) {
  job.refusals = 0;
  job.ids.push_back(id);
  if (!id.empty()) {
    part_ids_[id] = job.id;
    // A receipt may overtake the answer that names its message.
    std::erase_if(early_, [&](Early& early) {
      if (early.receipt.provider_id != id) return false;
      job.receipts.push_back(std::move(early.receipt));
      return true;
    });
  }
  if (job.ids.size() == job.split.parts.size())
    finish(job.id, outcome(OutcomeKind::accepted, ""), out);
  else
    make_ready(job);
}

void SmppAdapter::on_part_refused(Job& job, Outcome refused, MonoTime now, Actions& out) {
  if (refused.kind == OutcomeKind::throttled) paused_until_ = now + kThrottlePause;
  if (!job.has_begun() || !may_pass(refused.kind)) {
    finish(job.id, std::move(refused), out);
    return;
  }
  // Trying the whole message again would send the parts before this one twice.
  if (job.refusals == 0) job.patience_until = now + kPartPatience;
  const Millis wait = kThrottlePause * (1 << std::min(job.refusals++, 4));
  const auto jitter = rng_.below(static_cast<std::uint64_t>(wait.count()) / 4);
  const MonoTime again = now + wait + Millis{static_cast<std::int64_t>(jitter)};
  if (again <= job.patience_until) {
    resting_.emplace(again, job.id);
    return;
  }
  finish(job.id,
         outcome(OutcomeKind::unknown,
                 "part " + std::to_string(job.ids.size() + 1) + " of " +
                     std::to_string(job.split.parts.size()) + " refused: " + refused.reason,
                 refused.is_peer_fault),
         out);
}

void SmppAdapter::on_silent(std::uint32_t sequence, Actions& out) {
  const auto flying = flying_.find(sequence);
  if (flying == flying_.end()) return;
  const Job& job = jobs_.at(flying->second.id);
  orders_.erase(flying->second.order);
  flying_.erase(flying);
  if (job.ids.size() + 1 == job.split.parts.size()) {
    if (late_.size() == kLateMax) late_.erase(late_.begin());
    late_[sequence] = {job.id, job.ids};
  }
  finish(job.id, outcome(OutcomeKind::unknown, "smpp no answer", true), out);
}

void SmppAdapter::on_late(const event::Answer& answer, Actions& out) {
  auto node = late_.extract(answer.sequence);
  if (node.empty()) return;
  auto& [id, ids] = node.mapped();
  if (answer.status != kStatusOk) {
    const Outcome refused = outcome_of(answer.status, settings_.statuses);
    Receipt receipt{.delivery = id, .state = ReceiptState::failed, .reason = refused.reason};
    if (!may_pass(refused.kind)) receipt.because = refused.kind;
    out.emplace_back(action::Heard{std::move(receipt)});
    return;
  }
  ids.push_back(normal_id(answer.message_id, settings_.response_id));
  for (std::string& part : ids)
    out.emplace_back(action::Heard{{.provider_id = std::move(part),
                                    .delivery = id,
                                    .state = ReceiptState::accepted,
                                    .reason = "smpp late answer"}});
}

void SmppAdapter::on_lost(Actions& out) {
  flying_.clear();
  orders_.clear();
  // Whatever is not waiting for its first part was on the session that is gone.
  std::vector<DeliveryId> gone;
  for (const auto& [id, job] : jobs_)
    if (job.has_begun() || !ready_.contains({job.lane, job.order})) gone.push_back(id);
  for (const DeliveryId id : gone)
    finish(id, outcome(OutcomeKind::unknown, "smpp connection lost", true), out);
}

void SmppAdapter::on_short_message(const ShortMessage& message, Actions& out) {
  if (is_receipt(message))
    deliver(read_receipt(message, settings_), out);
  else
    out.emplace_back(action::Heard{read_reply(message, settings_)});
}

void SmppAdapter::deliver(Receipt receipt, Actions& out) {
  if (const auto known = part_ids_.find(receipt.provider_id); known != part_ids_.end()) {
    Job& job = jobs_.at(known->second);
    if (job.receipts.size() < kJobReceiptsMax) {
      job.receipts.push_back(std::move(receipt));
      return;
    }
  }
  if (orders_.empty()) {
    out.emplace_back(action::Heard{std::move(receipt)});
    return;
  }
  early_.push_back({std::move(receipt), submissions_});
  if (early_.size() <= kEarlyReceiptsMax) return;
  out.emplace_back(action::Heard{std::move(early_.front().receipt)});
  early_.pop_front();
}

void SmppAdapter::release_early(Actions& out) {
  // Once every submission from before a receipt is answered, the receipt is about an older one.
  while (!early_.empty() && (orders_.empty() || *orders_.begin() > early_.front().order)) {
    out.emplace_back(action::Heard{std::move(early_.front().receipt)});
    early_.pop_front();
  }
}

}  // namespace linli::notify::smpp
