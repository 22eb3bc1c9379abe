// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smpp/link.h"

#include <algorithm>

#include "base/assert.h"
#include "notify/channels/smpp/status.h"

namespace linli::notify::smpp {
namespace {

Command bind_command(Link::Role role) {
  switch (role) {
    case Link::Role::transceiver: return Command::bind_transceiver;
    case Link::Role::transmitter: return Command::bind_transmitter;
    case Link::Role::receiver: return Command::bind_receiver;
  }
  return Command::bind_transceiver;
}

}  // namespace

Link::Link(const Settings& settings, Role role, Rng& rng, std::uint32_t first_sequence)
    : settings_(settings),
      role_(role),
      rng_(rng),
      // Two links of one channel never share a number: one counts the odd, one the even streams.
      stream_(role == Role::receiver ? 0 : 1),
      sequence_(first_sequence == 1 ? kSequenceMax : first_sequence - 1) {}

void Link::start(MonoTime now, Actions& out) { open(now, out); }

void Link::stop(MonoTime now, Actions& out) {
  is_stopped_ = true;
  step_at_.reset();
  if (state_ == State::bound) {
    state_ = State::leaving;
    step_at_ = now + kLeaveMax;
    send({.command = Command::unbind, .sequence = next_sequence(), .body = {}}, out);
  } else if (state_ == State::opening || state_ == State::binding) {
    drop("stopped", now, out);
  }
}

std::uint32_t Link::submit(const ShortMessage& message, MonoTime now, Actions& out) {
  LINLI_ASSERT(is_bound());
  const std::uint32_t sequence = next_sequence();
  pending_.insert(sequence);
  due_.emplace_back(now + settings_.response_max, sequence);
  send({.command = Command::submit_sm, .sequence = sequence, .body = encode(message)}, out);
  return sequence;
}

bool Link::owns(StreamId stream) const { return stream == stream_ && state_ != State::closed; }

bool Link::is_open() const { return state_ == State::bound || state_ == State::leaving; }

void Link::open(MonoTime now, Actions& out) {
  stream_ = StreamId(stream_.raw() + 2);
  state_ = State::opening;
  step_at_ = now + kOpenMax;
  out.emplace_back(action::Open{.stream = stream_,
                                .host = settings_.host,
                                .port = settings_.port,
                                .tls = settings_.tls,
                                .ca_file = settings_.ca_file});
}

void Link::on_open(MonoTime now, Actions& out) {
  if (state_ != State::opening) return;
  state_ = State::binding;
  step_at_ = now + settings_.response_max;
  bind_sequence_ = next_sequence();
  Bind bind{.system_id = settings_.system_id,
            .password = settings_.password,
            .system_type = settings_.system_type};
  send({.command = bind_command(role_), .sequence = bind_sequence_, .body = encode(bind)}, out);
}

void Link::on_bytes(std::string_view bytes, MonoTime now, Actions& out) {
  // Whatever it says, it is there; some peers answer enquire_link with a generic_nack.
  heard_at_ = now;
  enquire_due_.reset();
  framer_.feed(bytes);
  while (state_ != State::closed) {
    auto pdu = framer_.next();
    if (!pdu) {
      send({.command = Command::generic_nack, .status = kStatusBadLength, .body = {}}, out);
      drop("the peer's bytes are not SMPP", now, out);
      return;
    }
    if (!*pdu) return;
    on_pdu(std::move(**pdu), now, out);
  }
}

void Link::on_closed(std::string_view reason, MonoTime now) {
  if (state_ != State::closed) ended(std::string(reason), now);
}

void Link::on_time(MonoTime now, Actions& out) {
  if (step_at_ && *step_at_ <= now) {
    if (state_ == State::closed) {
      step_at_.reset();
      open(now, out);
    } else {
      drop(state_ == State::leaving ? "unbound" : "the peer does not answer", now, out);
    }
    return;
  }
  while (!due_.empty() && (due_.front().first <= now || !pending_.contains(due_.front().second))) {
    if (pending_.erase(due_.front().second) > 0)
      events_.emplace_back(event::Silent{due_.front().second});
    due_.pop_front();
  }
  leave_when_done(now, out);
  if (state_ != State::bound) return;
  if (enquire_due_ && *enquire_due_ <= now) {
    drop("the connection is half-open: no answer to enquire_link", now, out);
  } else if (!enquire_due_ && heard_at_ + settings_.enquire_every <= now) {
    enquire_due_ = now + settings_.response_max;
    send({.command = Command::enquire_link, .sequence = next_sequence(), .body = {}}, out);
  }
}

std::optional<MonoTime> Link::deadline() const {
  std::optional<MonoTime> first = step_at_;
  const auto take = [&first](MonoTime at) { first = first ? std::min(*first, at) : at; };
  if (is_open() && !due_.empty()) take(due_.front().first);
  if (state_ == State::bound)
    take(enquire_due_ ? *enquire_due_ : heard_at_ + settings_.enquire_every);
  return first;
}

void Link::send(const Pdu& pdu, Actions& out) const {
  out.emplace_back(action::Send{.stream = stream_, .bytes = encode(pdu)});
}

void Link::answer(const Pdu& request, std::uint32_t status, Actions& out) const {
  const Command command = response_to(request.command);
  send({.command = command,
        .status = status,
        .sequence = request.sequence,
        .body = command == Command::deliver_sm_resp ? encode_message_id("") : ""},
       out);
}

void Link::drop(std::string reason, MonoTime now, Actions& out) {
  out.emplace_back(action::Close{stream_});
  ended(std::move(reason), now);
}

void Link::ended(std::string reason, MonoTime now) {
  if (is_open()) {
    events_.emplace_back(event::Lost{});
    if (now - bound_at_ >= kStableAfter) failures_ = 0;
  }
  state_ = State::closed;
  peer_left_ = false;
  reason_ = std::move(reason);
  framer_ = {};
  pending_.clear();
  due_.clear();
  enquire_due_.reset();
  step_at_.reset();
  if (!is_stopped_) step_at_ = now + reconnect_wait();
}

Millis Link::reconnect_wait() {
  // A wrong password tried again and again locks the account.
  const bool is_hopeless = refusal_ && is_config_fault(*refusal_);
  Millis wait = is_hopeless ? kReconnectLast : kReconnectFirst;
  for (int n = 0; n < failures_ && wait < kReconnectLast; ++n) wait *= 2;
  ++failures_;
  const auto half = static_cast<std::uint64_t>(std::min(wait, kReconnectLast).count()) / 2;
  return Millis{static_cast<std::int64_t>(half + rng_.below(half + 1))};
}

std::uint32_t Link::next_sequence() {
  do {
    sequence_ = sequence_ == kSequenceMax ? 1 : sequence_ + 1;
  } while (pending_.contains(sequence_));
  return sequence_;
}

void Link::on_pdu(Pdu pdu, MonoTime now, Actions& out) {
  if (state_ == State::binding && pdu.sequence == bind_sequence_ && is_response(pdu.command)) {
    on_bind_answer(pdu, now, out);
    return;
  }
  switch (pdu.command) {
    case Command::enquire_link: answer(pdu, kStatusOk, out); return;
    case Command::deliver_sm: on_deliver(pdu, out); return;
    case Command::submit_sm_resp:
      on_answer({pdu.sequence, pdu.status, parse_message_id(pdu.body)}, now, out);
      return;
    case Command::generic_nack: on_nack(pdu, now, out); return;
    case Command::unbind: on_unbind(pdu, now, out); return;
    case Command::unbind_resp:
      if (state_ == State::leaving) drop("unbound", now, out);
      return;
    case Command::enquire_link_resp:
    case Command::outbind:
    case Command::alert_notification:
    case Command::deliver_sm_resp: return;
    case Command::bind_receiver:
    case Command::bind_transmitter:
    case Command::bind_transceiver:
    case Command::submit_sm: break;
  }
  if (is_response(pdu.command)) return;
  send({.command = Command::generic_nack,
        .status = kStatusBadCommand,
        .sequence = pdu.sequence,
        .body = {}},
       out);
}

void Link::on_bind_answer(const Pdu& pdu, MonoTime now, Actions& out) {
  if (pdu.command == response_to(bind_command(role_)) && pdu.status == kStatusOk) {
    state_ = State::bound;
    step_at_.reset();
    refusal_.reset();
    bound_at_ = now;
    events_.emplace_back(event::Bound{});
    return;
  }
  refusal_ = pdu.status == kStatusOk ? kStatusBindFailed : pdu.status;
  drop("bind refused: " + status_text(*refusal_), now, out);
}

void Link::on_deliver(const Pdu& pdu, Actions& out) {
  if (!is_open()) {
    answer(pdu, kStatusWrongBindState, out);
    return;
  }
  auto message = parse_short_message(pdu.body);
  // A temporary error would bring the same bytes again for ever.
  answer(pdu, message ? kStatusOk : kStatusPermanentError, out);
  if (message) events_.emplace_back(event::Message{std::move(*message)});
}

void Link::on_nack(const Pdu& pdu, MonoTime now, Actions& out) {
  if (pdu.sequence == 0) {
    drop("the peer cannot read our bytes: generic_nack", now, out);
    return;
  }
  on_answer({pdu.sequence, pdu.status == kStatusOk ? kStatusBadCommand : pdu.status}, now, out);
}

void Link::on_answer(event::Answer answer, MonoTime now, Actions& out) {
  if (!is_open()) return;
  pending_.erase(answer.sequence);
  events_.emplace_back(std::move(answer));
  leave_when_done(now, out);
}

void Link::on_unbind(const Pdu& pdu, MonoTime now, Actions& out) {
  answer(pdu, kStatusOk, out);
  if (!is_open()) {
    drop("the peer unbound", now, out);
    return;
  }
  state_ = State::leaving;
  peer_left_ = true;
  step_at_ = now + kLeaveMax;
  leave_when_done(now, out);
}

void Link::leave_when_done(MonoTime now, Actions& out) {
  if (state_ == State::leaving && peer_left_ && pending_.empty())
    drop("the peer unbound", now, out);
}

}  // namespace linli::notify::smpp
