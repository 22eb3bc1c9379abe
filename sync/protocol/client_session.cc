// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/client_session.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace linli::sync {
namespace {

/// The server will say the same again until somebody acts.
bool is_final(Errc code) {
  switch (code) {
    case Errc::unauthenticated:
    case Errc::bad_signature:
    case Errc::revoked:
    case Errc::expired:
    case Errc::bad_origin:
    case Errc::forbidden:
    case Errc::unsupported_version: return true;
    default: return false;
  }
}

std::optional<Errc> final_code_of(std::uint16_t close_code) {
  switch (close_code) {
    case 4401: return Errc::unauthenticated;
    case 4403: return Errc::forbidden;
    case 4426: return Errc::unsupported_version;
    default: return std::nullopt;
  }
}

}  // namespace

Millis reconnect_delay(std::uint32_t attempts, Rng& rng) {
  const Millis step = std::min<Millis>(limits::kReconnectMin * (1LL << std::min(attempts, 10U)),
                                       limits::kReconnectMax);
  const auto half = static_cast<std::uint64_t>(step.count()) / 2;
  return Millis{static_cast<std::int64_t>(half + rng.below(half))};
}

ClientSession::ClientSession(Replica& replica, const Clock& clock, Rng& rng, ClientConfig config)
    : replica_(&replica),
      clock_(&clock),
      rng_(&rng),
      config_(std::move(config)),
      estimate_(replica.state().clock_off, replica.state().clock_unc, clock.now(), clock.mono()),
      housekept_(clock.mono()) {}

// --- Opening ------------------------------------------------------------------------------------

void ClientSession::start() {
  stopped_ = false;
  attempts_ = 0;
  trouble_.reset();
  if (state_ == State::halted) state_ = State::offline;
  if (state_ == State::offline) actions_.emplace_back(Redial{Millis{0}});
  rearm();
}

void ClientSession::reset_socket_state() {
  opened_ = heard_ = said_ = spilled_ = clock_->mono();
  pinged_.reset();
  pings_.clear();
  polled_ = MonoTime{0};
  rx_bytes_ = rx_acked_ = 0;
  reveal_unacked_ = had_set_hash_ = rekey_ = hand_over_ = false;
  rekey_goal_.reset();
  push_again_upto_.reset();
  goal_ = {};
  lanes_ = {};
  fills_.clear();
  refills_.clear();
  unresumable_.clear();
  staged_bytes_ = 0;
  results_.clear();
  up_ = {};
  new_key_.reset();
}

void ClientSession::on_open() {
  if (state_ != State::offline) return;
  reset_socket_state();
  state_ = State::awaiting_nonce;
  if (!replica_->state().identity) return refuse(Errc::unauthenticated);
  if (stored(replica_->forget_lane_staging())) finish();
}

HelloBody ClientSession::hello_body(const FrameK& frame) {
  const ReplicaState& held = replica_->state();
  HelloBody body;
  body.cid = held.identity->cid;
  body.origin = held.identity->origin;
  body.app = config_.app;
  body.epoch = held.epoch;
  body.cur = held.cur;
  body.res_n = held.res_n;
  for (std::size_t lane = 0; lane < kUpLanes; ++lane) up_[lane].seen = held.res_n[lane];
  body.last_n = held.last_n;
  body.pending = held.unsent();
  body.t0 = to_unix_ms(clock_->now());
  if (held.epoch != frame.epoch) body.cert = held.identity->cert;
  std::vector<HeldBucket> set;
  for (const auto& [id, bucket] : held.buckets) {
    set.push_back({id, bucket.grant.gen});
    if (!bucket.live) body.part.push_back({id, bucket.grant.gen, bucket.fill_cursor});
  }
  had_set_hash_ = !set.empty();
  if (had_set_hash_) body.set_hash = bucket_set_hash(set);
  return body;
}

void ClientSession::on_frame(FrameK& frame) {
  if (state_ != State::awaiting_nonce) return close(4400, Error{Errc::malformed, "a second K"});
  if (frame.proto_min > kProtoMax || frame.proto_max < kProtoMin) {
    return refuse(Errc::unsupported_version);
  }
  const auto key = KeyPair::from_seed(replica_->state().identity->seed.view());
  if (!key) return refuse(Errc::corrupt);
  FrameHello hello;
  hello.body = encode_hello_body(config_.encoding, hello_body(frame));
  hello.sig = key->sign(as_bytes(hello_message(replica_->state().identity->origin, config_.encoding,
                                               frame.server_id, frame.nonce, hello.body)));
  state_ = State::awaiting_welcome;
  hello_at_ = clock_->mono();
  send(hello);
}

void ClientSession::on_frame(FrameWelcome& frame) {
  if (state_ != State::awaiting_welcome) return close(4400, Error{Errc::malformed, "welcome"});
  if (frame.account != replica_->state().identity->account) {
    return close(4400, Error{Errc::malformed, "welcome names another account"});
  }
  estimate_.add(hello_at_, frame.t1, clock_->mono());
  auto outcome = replica_->apply_welcome(frame, contact());
  if (!stored(outcome)) return;
  changes_.merge(outcome->changes);
  notify_ = true;
  trouble_.reset();
  state_ = State::live;
  goal_ = frame.head;
  if (frame.buckets && had_set_hash_) send_have();
  send_ping();
  polled_ = clock_->mono();
  hand_over_ = frame.hand_over.has_value();
  // A replaced phone gets no new key: what a clone of it did stays with the clone.
  if (hand_over_ && outcome->rekey) return refuse(Errc::revoked);
  if (outcome->rekey) {
    rekey_goal_ = frame.last_n;
    return rekey_if_known();
  }
  begin_push(frame);
}

void ClientSession::send_have() {
  FrameHave have;
  for (const auto& [id, bucket] : replica_->state().buckets) {
    if (bucket.live) have.live.push_back({id, bucket.grant.gen});
    if (!bucket.live && bucket.fill_cursor != Seq{}) {
      have.part.push_back({id, bucket.grant.gen, bucket.fill_cursor});
    }
  }
  send(have);
}

bool ClientSession::is_caught_up() const {
  if (!is_live()) return false;
  const ReplicaState& held = replica_->state();
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    if (held.cur[lane] < goal_[lane]) return false;
  return std::ranges::all_of(held.buckets, [](const auto& entry) { return entry.second.live; });
}

// --- Messages -----------------------------------------------------------------------------------

void ClientSession::on_message(std::string_view message) {
  if (state_ == State::offline || state_ == State::closing || state_ == State::halted) return;
  heard_ = clock_->mono();
  pinged_.reset();
  rx_bytes_ += message.size();
  auto frames = decode_server(config_.encoding, message);
  if (!frames) return close(4400, frames.error()), finish();
  for (ServerFrame& frame : *frames) {
    const bool is_opening =
        std::holds_alternative<FrameK>(frame) || std::holds_alternative<FrameWelcome>(frame) ||
        std::holds_alternative<FrameErr>(frame) || std::holds_alternative<FrameDrain>(frame) ||
        std::holds_alternative<FrameUnknown>(frame);
    if (!is_opening && !is_live()) {
      close(4400, Error{Errc::malformed, "a frame before welcome"});
    }
    if (state_ == State::closing || state_ == State::halted) break;
    std::visit([this](auto& one) { on_frame(one); }, frame);
  }
  if (is_live()) {
    flush_results();
    if (reveal_unacked_) push_unanswered();
    spill();
    send_refills();
    send_ack_if_due(std::exchange(reveal_unacked_, false));
    push();
    end_hand_over_if_done();
  }
  finish();
}

void ClientSession::on_progress() {
  heard_ = clock_->mono();
  pinged_.reset();
  rearm();
}

void ClientSession::on_frame(FramePong& frame) {
  if (const auto ping = pings_.find(frame.t0); ping != pings_.end()) {
    estimate_.add(ping->second, frame.t1, clock_->mono());
    pings_.erase(pings_.begin(), std::next(ping));
  }
  const ReplicaState& held = replica_->state();
  Cursors to{};
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const bool staged = !lanes_[lane].ops.empty() || lanes_[lane].is_spilled;
    if (!staged && frame.cur[lane] > held.cur[lane]) to[lane] = frame.cur[lane];
  }
  const bool moved = to != Cursors{};
  if (moved) attempts_ = 0;
  // Contact is noted now and then, not with an fsync at every ping.
  const bool noted = to_unix_ms(clock_->now()) - held.contact_at < kHousekeeping.count();
  if (!moved && noted) return;
  stored(replica_->advance(to, contact()));
}

void ClientSession::on_frame(FrameErr& frame) {
  const Errc code = errc_from_name(frame.code);
  if (frame.after_ms > 0) redial_hint_ = std::min(Millis{frame.after_ms}, Millis{3'600'000});
  if (code == Errc::gap && frame.lane) return on_gap(*frame.lane, frame.want);
  if (code == Errc::forked) {
    if (stored(replica_->want_rekey())) close(1000);
    attempts_ = 0;
    return;
  }
  if (code == Errc::conflict && is_live()) note_conflict();
  if (code == Errc::revoked && stored(replica_->wipe_rows())) changes_.all = notify_ = true;
  if (frame.fatal && is_final(code)) return refuse(code);
  if (frame.fatal) close(1000, Error{code, frame.msg});
}

void ClientSession::on_frame(FrameDrain& frame) {
  redial_hint_ = std::min(Millis{std::max<std::int64_t>(0, frame.after_ms)}, Millis{3'600'000});
  attempts_ = 0;
}

void ClientSession::on_frame(FrameUnknown& /*frame*/) {}

Contact ClientSession::contact() const {
  return {.at = to_unix_ms(clock_->now()),
          .clock_off = estimate_.off_ms(clock_->now(), clock_->mono()),
          .clock_unc = estimate_.unc_ms()};
}

// --- Closing ------------------------------------------------------------------------------------

void ClientSession::close(std::uint16_t code, std::optional<Error> why) {
  if (state_ == State::closing || state_ == State::offline || state_ == State::halted) return;
  if (why) trouble_ = std::move(why);
  state_ = State::closing;
  actions_.emplace_back(CloseSocket{code});
  notify_ = true;
}

void ClientSession::refuse(Errc code) {
  if (state_ == State::halted) return;
  trouble_ = Error{code, std::string(errc_sentence(code))};
  if (state_ != State::offline && state_ != State::closing)
    actions_.emplace_back(CloseSocket{1000});
  state_ = State::halted;
  notify_ = true;
  finish();
}

void ClientSession::on_closed(std::uint16_t code) {
  if (state_ == State::live || state_ == State::closing) spill_fills();
  const bool was_open = state_ != State::offline && state_ != State::halted;
  // A goodbye of ours is no lost contact.
  if (!stopped_) stored(replica_->note_no_contact());
  if (state_ != State::halted) state_ = State::offline;
  if (const auto final_code = final_code_of(code); final_code && was_open) refuse(*final_code);
  reset_socket_state();
  notify_ = true;
  if (state_ == State::offline && !stopped_) {
    const Millis jittered = reconnect_delay(attempts_++, *rng_);
    actions_.emplace_back(Redial{std::exchange(redial_hint_, Millis{0}) + jittered});
  }
  finish();
}

void ClientSession::stop() {
  stopped_ = true;
  const bool was_trying = state_ != State::offline && state_ != State::halted;
  if (was_trying && !is_caught_up()) stored(replica_->note_no_contact());
  if (is_live()) {
    flush_results();
    spill_fills();
    send(FrameBye{});
  }
  close(1000);
  finish();
}

// --- Time ---------------------------------------------------------------------------------------

void ClientSession::on_local_write() {
  changes_.pending = notify_ = true;
  if (is_live()) push();
  finish();
}

Millis ClientSession::ping_after() const {
  const bool is_waiting =
      std::ranges::any_of(up_, [](const UpState& up) { return !up.in_flight.empty(); });
  return is_waiting ? kImpatientPing : limits::kPingInterval;
}

void ClientSession::send_ping() {
  const std::int64_t t0 = to_unix_ms(clock_->now());
  if (pings_.size() >= 8) pings_.erase(pings_.begin());
  pings_[t0] = clock_->mono();
  if (!pinged_) pinged_ = clock_->mono();
  send(FramePing{.t0 = t0});
}

void ClientSession::check_deadlines() {
  const MonoTime now = clock_->mono();
  if (state_ == State::awaiting_nonce || state_ == State::awaiting_welcome) {
    if (now - opened_ >= kOpeningDeadline) close(4408, Error{Errc::timed_out, "opening"});
    return;
  }
  if (!is_live()) return;
  if (pinged_ && now - *pinged_ >= kPongDeadline) {
    return close(4408, Error{Errc::timed_out, "no answer to a ping"});
  }
  if (!is_caught_up() && now - polled_ >= kCatchUpPoll) {
    polled_ = now;
    send_ping();
  } else if (!pinged_ && (now - heard_ >= ping_after() || now - said_ >= limits::kPingInterval)) {
    send_ping();
  }
  if (!fills_.empty() && now - spilled_ >= kSpillInterval) spill_fills();
  check_results_overdue();
  send_refills();
  push();
}

void ClientSession::housekeeping() {
  const MonoTime now = clock_->mono();
  if (now - housekept_ < kHousekeeping) return;
  const Millis passed = now - std::exchange(housekept_, now);
  if (!is_live()) stored(replica_->count_offline(passed, clock_->now()));
  const Instant before = clock_->now() - limits::kJournalRetention;
  stored(replica_->prune_journal(std::chrono::time_point_cast<Millis>(before)));
}

void ClientSession::on_timer() {
  armed_.reset();
  check_deadlines();
  housekeeping();
  finish();
}

void ClientSession::rearm() {
  MonoTime at = housekept_ + kHousekeeping;
  const auto sooner = [&](MonoTime other) { at = std::min(at, other); };
  if (state_ == State::awaiting_nonce || state_ == State::awaiting_welcome) {
    sooner(opened_ + kOpeningDeadline);
  } else if (is_live()) {
    sooner(pinged_ ? *pinged_ + kPongDeadline
                   : std::min(heard_ + ping_after(), said_ + limits::kPingInterval));
    if (!is_caught_up()) sooner(polled_ + kCatchUpPoll);
    if (!fills_.empty()) sooner(spilled_ + kSpillInterval);
    for (const auto& [id, refill] : refills_)
      if (refill.due) sooner(*refill.due);
    for (const UpState& up : up_) {
      if (up.paused_until > clock_->mono()) sooner(up.paused_until);
      if (!up.in_flight.empty()) sooner(up.moved + kResultDeadline);
    }
  }
  if (armed_ == at) return;
  armed_ = at;
  actions_.emplace_back(ArmTimer{at});
}

// --- Out ----------------------------------------------------------------------------------------

void ClientSession::send(const ClientFrame& frame) {
  SendMessage message;
  encode(config_.encoding, frame, message.bytes);
  said_ = clock_->mono();
  actions_.emplace_back(std::move(message));
}

bool ClientSession::stored(const Result<Changes>& result) {
  if (!stored<Changes>(result)) return false;
  changes_.merge(*result);
  notify_ = notify_ || result->all || result->pending || !result->tables.empty();
  if (!result->mismatched.empty()) on_mismatch(result->mismatched);
  return true;
}

void ClientSession::finish() {
  if (std::exchange(notify_, false)) {
    actions_.emplace_back(Notify{std::exchange(changes_, Changes{})});
  }
  rearm();
}

std::vector<ClientAction> ClientSession::take_actions() { return std::exchange(actions_, {}); }

}  // namespace linli::sync
