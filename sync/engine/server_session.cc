// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/server_session.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "sync/engine/committer.h"

namespace linli::sync {
namespace {

/// Shortest pause of a phone that pushes too fast: the next piece is worth a round trip.
constexpr Millis kHoldBackMin{1000};

double units_of(const PushedMutation& mutation) {
  const std::size_t more = (mutation.name.size() + mutation.args.size()) / kPushUnitBytes;
  return 1.0 + static_cast<double>(more);
}

std::uint16_t close_code(Errc reason) {
  switch (reason) {
    case Errc::draining: return 1001;
    case Errc::unavailable: return 1013;
    case Errc::forked: return 4409;
    case Errc::timed_out: return 4408;
    case Errc::unsupported_version: return 4426;
    case Errc::rate_limited: return 4429;
    case Errc::too_large: return 4413;
    case Errc::conflict: return 4409;
    default: break;
  }
  return static_cast<std::uint16_t>(4000 + errc_http_status(reason));
}

}  // namespace

ServerSession::ServerSession(const SessionConfig& config, const CommunityView& view,
                             Encoding encoding)
    : config_(&config),
      view_(&view),
      encoding_(encoding),
      window_(std::min(config.window, limits::kWindowBytesMin)) {}

void ServerSession::start(const Nonce& nonce, Instant now, MonoTime mono) {
  nonce_ = nonce;
  opened_ = last_heard_ = last_progress_ = mono;
  send(FrameK{.nonce = nonce,
              .server_id = config_->server_id,
              .epoch = view_->epoch(),
              .now = to_unix_ms(now),
              .proto_min = kProtoMin,
              .proto_max = kProtoMax});
}

void ServerSession::send(const ServerFrame& frame) {
  auto bytes = std::make_shared<std::string>();
  encode(encoding_, frame, *bytes);
  queue_.push(Class::control,
              {.frame = std::move(bytes), .bucket = {}, .reveal = {}, .live = false});
}

void ServerSession::complain(Errc code, std::string_view detail, bool fatal) {
  FrameErr err{.code = std::string(errc_name(code)),
               .msg = std::string(errc_sentence(code)),
               .fatal = fatal,
               .lane = {},
               .want = 0,
               .after_ms = 0};
  if (!detail.empty()) err.msg += " (" + std::string(detail) + ")";
  send(err);
  if (!fatal) return;
  state_ = State::closed;
  asks_.push_back(AskClose{close_code(code), code});
}

void ServerSession::close(Errc reason, std::string_view detail) {
  if (state_ != State::closed) complain(reason, detail, true);
}

void ServerSession::drain(std::int64_t after_ms) {
  if (state_ == State::closed) return;
  send(FrameDrain{after_ms});
  state_ = State::closed;
  asks_.push_back(AskClose{1001, Errc::draining});
}

const Principal* ServerSession::principal() const {
  const bool known = state_ == State::live || state_ == State::awaiting_have || attached_;
  return known ? &principal_ : nullptr;
}

void ServerSession::on_message(std::string_view message, Instant now, MonoTime mono) {
  if (state_ == State::closed) return;
  last_heard_ = mono;
  if (queue_.bytes(FrameQueue::Class::control) > control_bytes_max_)
    return complain(Errc::rate_limited, "answers are not read", true);
  auto frames = decode_client(encoding_, message);
  if (!frames) return complain(frames.error().code, frames.error().detail, true);
  for (ClientFrame& frame : *frames) {
    if (state_ == State::closed) return;
    if (std::holds_alternative<FrameUnknown>(frame)) continue;
    if (std::holds_alternative<FrameBye>(frame)) {
      state_ = State::closed;
      asks_.push_back(AskClose{1000, Errc::gone});
      return;
    }
    if (auto* hello = std::get_if<FrameHello>(&frame)) {
      on_frame(*hello);
      continue;
    }
    if (state_ != State::live && state_ != State::awaiting_have)
      return complain(Errc::unauthenticated, "hello comes first", true);
    if (auto* have = std::get_if<FrameHave>(&frame)) on_frame(*have);
    if (auto* push = std::get_if<FramePush>(&frame)) on_frame(*push, mono);
    if (auto* ack = std::get_if<FrameAck>(&frame)) on_frame(*ack, mono);
    if (auto* ping = std::get_if<FramePing>(&frame)) on_frame(*ping, now);
    if (auto* refill = std::get_if<FrameRefill>(&frame)) on_frame(*refill);
    if (auto* rekey = std::get_if<FrameRekey>(&frame)) asks_.push_back(AskRekey{std::move(*rekey)});
  }
  pump();
}

void ServerSession::on_frame(FrameHello& frame) {
  if (state_ != State::awaiting_hello) return complain(Errc::malformed, "a second hello", true);
  auto body = decode_hello_body(encoding_, frame.body);
  if (!body) return complain(body.error().code, body.error().detail, true);
  if (body->proto_min > kProtoMax || body->proto_max < kProtoMin)
    return complain(Errc::unsupported_version, "", true);
  if (std::ranges::find(config_->origins, body->origin) == config_->origins.end())
    return complain(Errc::bad_origin, "", true);
  asks_.push_back(AskAuthenticate{
      .cid = body->cid,
      .message = hello_message(body->origin, encoding_, config_->server_id, nonce_, frame.body),
      .signature = frame.sig,
      .cert = body->cert,
      .may_hand_over = true});
  hello_ = std::make_unique<HelloBody>(std::move(*body));
  state_ = State::authenticating;
}

void ServerSession::on_authenticated(const Result<Principal>& who, Instant now, MonoTime mono) {
  if (state_ != State::authenticating) return;
  if (!who) return complain(who.error().code, who.error().detail, true);
  principal_ = *who;
  last_heard_ = mono;
  welcome(now);
}

void ServerSession::welcome(Instant now) {
  const HelloBody& hello = *hello_;
  const std::vector<BucketGrant> grants =
      is_handing_over() ? std::vector<BucketGrant>{} : view_->grants(principal_.account);
  clock_off_ = to_unix_ms(now) - hello.t0;
  std::vector<HeldBucket> set;
  for (const BucketGrant& g : grants) {
    set.push_back({g.b, g.gen});
    held_.push_back({.id = g.b,
                     .lane = g.lane,
                     .pri = g.pri,
                     .mode = Mode::filling,
                     .gen = g.gen,
                     .cursor = {}});
  }
  const bool same_epoch = hello.epoch == view_->epoch();
  const bool same_set = same_epoch && hello.set_hash == bucket_set_hash(set);
  next_n_ = view_->last_n(principal_.cid);
  FrameWelcome w{.proto = std::min(hello.proto_max, kProtoMax),
                 .epoch = view_->epoch(),
                 .account = principal_.account,
                 .head = {view_->head(), view_->head()},
                 .last_n = next_n_,
                 .window = config_->window,
                 .lease_until = to_unix_ms(now + limits::kLease),
                 .t0 = hello.t0,
                 .t1 = to_unix_ms(now),
                 .buckets = std::nullopt};
  if (!same_set) w.buckets = grants;
  if (is_handing_over()) w.hand_over = to_unix_ms(*principal_.replaced_at);
  send(w);
  sent_c_ = same_epoch ? hello.cur : Cursors{view_->head(), view_->head()};
  durable_ = same_epoch ? hello.cur : Cursors{};
  pending_reported_ = hello.pending;
  first_n_ = next_n_;
  app_ = hello.app;
  if (same_set) {
    hold_all(set, hello.part);
  } else if (hello.set_hash) {
    state_ = State::awaiting_have;
  }
  // After a restore the phone has results that this history does not know.
  for (std::size_t lane = 0; lane < kUpLanes; ++lane)
    answered_n_[lane] = std::min(hello.res_n[lane], next_n_[lane]);
  if (state_ != State::awaiting_have) state_ = State::live;
  ask_results();
}

std::uint64_t ServerSession::unsent() const {
  std::uint64_t rest = pending_reported_;
  for (std::size_t lane = 0; lane < kUpLanes; ++lane)
    rest -= std::min(rest, next_n_[lane] - std::min(next_n_[lane], first_n_[lane]));
  return rest;
}

void ServerSession::ask_results() {
  bool missing = false;
  const UpNumbers stored = view_->last_n(principal_.cid);
  for (std::size_t lane = 0; lane < kUpLanes; ++lane) missing |= answered_n_[lane] < stored[lane];
  if (!missing) return begin_streams();
  streaming_ = false;
  results_upto_ = stored;
  asks_.push_back(AskResults{principal_.cid, answered_n_, stored});
}

void ServerSession::hold_all(const std::vector<HeldBucket>& live,
                             const std::vector<PartBucket>& part) {
  all_live_ = false;
  FrameM again{.at = view_->head(), .drop = {}, .add = {}};
  const auto too_old = [&](const Held& b) {
    const BucketInfo& info = view_->bucket(b.id);
    return b.cursor < info.floor && b.cursor < info.head;
  };
  for (const HeldBucket& l : live) {
    Held* b = held(l.b);
    if (b == nullptr || b->gen != l.gen) continue;
    b->mode = Mode::catching;
    b->cursor = sent_c_[index(b->lane)];
  }
  for (const PartBucket& p : part) {
    Held* b = held(p.b);
    if (b == nullptr || b->gen != p.gen) continue;
    b->mode = Mode::filling;
    b->cursor = p.cur;
  }
  for (Held& b : held_) {
    if (b.cursor.raw() == 0 || !too_old(b)) continue;
    // Its tombstones were collected: only a whole new fill is exact.
    b.mode = Mode::filling;
    b.cursor = {};
    again.add.push_back(*view_->grant(principal_.account, b.id));
  }
  if (!again.add.empty()) send(again);
}

void ServerSession::on_frame(FrameHave& frame) {
  if (state_ != State::awaiting_have) return complain(Errc::malformed, "have without need", true);
  hold_all(frame.live, frame.part);
  state_ = State::live;
  if (hello_) return;  // Stored results are still being read.
  pump();
}

void ServerSession::begin_streams() {
  hello_.reset();
  streaming_ = true;
  control_bytes_max_ = limits::kControlBytesMax + queue_.bytes(FrameQueue::Class::control);
  pump();
}

void ServerSession::note_answered(UpLane lane, std::uint64_t n) {
  answered_n_[index(lane)] = std::max(answered_n_[index(lane)], n);
  // After a `retry` whose mutation had been stored all the same, the phone goes on behind it.
  next_n_[index(lane)] = std::max(next_n_[index(lane)], n);
}

void ServerSession::on_results(const Result<std::vector<StoredResult>>& results) {
  if (state_ == State::closed) return;
  if (!results) return complain(Errc::unavailable, "stored results", true);
  for (const StoredResult& r : *results) {
    send(to_frame(r));
    note_answered(r.lane, r.n);
  }
  // What retention took is not waited for.
  for (const UpLane lane : {UpLane::alert, UpLane::interactive, UpLane::bulk})
    note_answered(lane, results_upto_[index(lane)]);
  ask_results();
}

void ServerSession::on_frame(FramePush& frame, MonoTime mono) {
  std::uint64_t& last = next_n_[index(frame.lane)];
  if (frame.muts.empty()) return;
  for (std::size_t i = 1; i < frame.muts.size(); ++i)
    if (frame.muts[i].n != frame.muts[i - 1].n + 1)
      return complain(Errc::malformed, "numbers in a push are consecutive", true);
  if (frame.muts.front().n > last + 1) {
    send(FrameErr{.code = std::string(errc_name(Errc::gap)),
                  .msg = std::string(errc_sentence(Errc::gap)),
                  .fatal = false,
                  .lane = frame.lane,
                  .want = last + 1,
                  .after_ms = 0});
    return;
  }
  hold_back(frame.lane, frame.muts, mono);
  if (frame.muts.empty()) return;
  last = std::max(last, frame.muts.back().n);
  asks_.push_back(AskMutate{frame.lane, std::move(frame.muts), clock_off_});
}

void ServerSession::hold_back(UpLane lane, std::vector<PushedMutation>& muts, MonoTime mono) {
  const auto first = std::ranges::find_if(muts, [&](const PushedMutation& mutation) {
    return !pushes_.take(units_of(mutation), mono);
  });
  if (first == muts.end()) return;
  double rest = 0;
  for (auto at = first; at != muts.end(); ++at) rest += units_of(*at);
  const Millis after = std::max(pushes_.wait(rest, mono), kHoldBackMin);
  send_retry(lane, first->n, Errc::rate_limited, after.count());
  muts.erase(first, muts.end());
}

void ServerSession::on_mutate_refused(const AskMutate& ask, std::int64_t after_ms) {
  if (state_ == State::closed) return;
  next_n_[index(ask.lane)] = std::min(next_n_[index(ask.lane)], ask.muts.front().n - 1);
  send_retry(ask.lane, ask.muts.front().n, Errc::unavailable, after_ms);
}

void ServerSession::send_retry(UpLane lane, std::uint64_t n, Errc why, std::int64_t after_ms) {
  send(FrameR{.lane = lane,
              .n = n,
              .status = MutationStatus::retry,
              .seq = {},
              .lanes = {},
              .code = std::string(errc_name(why)),
              .msg = std::string(errc_sentence(why)),
              .info = {},
              .after_ms = after_ms});
}

void ServerSession::on_result(const ResultOut& out) {
  if (state_ == State::closed) return;
  if (const auto* r = std::get_if<FrameR>(&out.frame)) {
    const bool skips = r->n > answered_n_[index(r->lane)] + 1;
    if (skips && r->status != MutationStatus::retry) {
      // After a failure, numbers before it were stored unseen. The phone counts results as stored
      // up to the highest, so this one waits for its turn among the stored ones.
      if (streaming_) on_reload();
      return;
    }
    send(*r);
    if (r->status == MutationStatus::retry) {
      next_n_[index(r->lane)] = std::min(next_n_[index(r->lane)], r->n - 1);
    } else {
      note_answered(r->lane, r->n);
    }
    for (Lane lane : r->lanes) touched_lanes_ |= std::uint8_t(1U << index(lane));
    return;
  }
  const auto& err = std::get<FrameErr>(out.frame);
  if (err.fatal) return complain(errc_from_name(err.code), "", true);
  if (err.lane) next_n_[index(*err.lane)] = std::min(next_n_[index(*err.lane)], err.want - 1);
  send(err);
}

void ServerSession::on_rekeyed(const Result<FrameRekeyed>& rekeyed) {
  if (state_ == State::closed) return;
  if (!rekeyed) return complain(rekeyed.error().code, "rekey", true);
  send(*rekeyed);
  state_ = State::closed;
  asks_.push_back(AskClose{1000, Errc::gone});
}

void ServerSession::on_frame(const FrameAck& frame, MonoTime mono) {
  if (frame.rx > tx_bytes_ || frame.rx < rx_acked_)
    return complain(Errc::malformed, "ack.rx is not what was sent", true);
  if (frame.rx > rx_acked_) {
    adapt_window(frame.rx - rx_acked_, mono);
    last_progress_ = mono;
  }
  rx_acked_ = frame.rx;
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    durable_[lane] = std::max(durable_[lane], std::min(frame.cur[lane], view_->head()));
}

void ServerSession::on_frame(const FramePing& frame, Instant now) {
  FramePong pong{.t0 = frame.t0, .t1 = to_unix_ms(now), .cur = {}};
  for (Lane lane : {Lane::urgent, Lane::normal}) {
    const Class cls = lane == Lane::urgent ? Class::urgent : Class::normal;
    if (!catching_[index(lane)] && queue_.empty(cls)) pong.cur[index(lane)] = view_->head();
  }
  send(pong);
}

void ServerSession::on_frame(const FrameRefill& frame) {
  FrameM again{.at = view_->head(), .drop = {}, .add = {}};
  for (BucketId id : frame.buckets) {
    Held* b = held(id);
    const std::optional<BucketGrant> grant = view_->grant(principal_.account, id);
    if (b == nullptr || !grant) continue;
    log_event(LogLevel::warn, "sync.session.refill", {{"bucket", id.raw()}});
    queue_.purge(id);
    all_live_ = false;
    b->mode = Mode::filling;
    b->cursor = {};
    if (asked_ == id) asked_gen_ = Seq{};
    again.add.push_back(*grant);
  }
  // Parts the frames on the line from the new fill.
  if (!again.add.empty()) send(again);
}

void ServerSession::on_timer(MonoTime mono) {
  if (state_ == State::closed) return;
  if (state_ == State::awaiting_hello || state_ == State::authenticating) {
    if (mono - opened_ > limits::kHelloDeadline) complain(Errc::timed_out, "hello", true);
    return;
  }
  if (mono - last_heard_ > limits::kIdleDeadline) return complain(Errc::timed_out, "idle", true);
  if (rx_acked_ < tx_owed_ && mono - last_progress_ > limits::kStallDeadline)
    complain(Errc::timed_out, "no acknowledgement", true);
}

std::vector<Ask> ServerSession::take_asks() { return std::exchange(asks_, {}); }

}  // namespace linli::sync
