// SPDX-License-Identifier: Apache-2.0
// The writing side of a client session: pipelined pushes, results, gaps, new keys.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sync/protocol/client_session.h"

namespace linli::sync {

void ClientSession::begin_push(const FrameWelcome& welcome) {
  for (std::size_t lane = 0; lane < kUpLanes; ++lane) {
    // What the server knows already is answered without being sent again.
    up_[lane].sent = welcome.last_n[lane];
    up_[lane].moved = clock_->mono();
  }
  push_again_upto_ = welcome.last_n;
  push();
}

void ClientSession::push_unanswered() {
  if (!push_again_upto_ || rekey_ || rekey_goal_) return;
  const UpNumbers upto = *std::exchange(push_again_upto_, std::nullopt);
  for (const UpLane lane : {UpLane::alert, UpLane::interactive, UpLane::bulk}) {
    if (replica_->state().queued[index(lane)] == 0) continue;
    const auto oldest = replica_->oldest_queued_n(lane);
    if (!stored(oldest)) return;
    if (*oldest != 0 && *oldest <= upto[index(lane)]) rewind(lane, *oldest);
  }
}

void ClientSession::push() {
  if (!is_live() || rekey_ || rekey_goal_) return;
  for (const UpLane lane : {UpLane::alert, UpLane::interactive, UpLane::bulk})
    while (push_lane(lane)) {
    }
}

bool ClientSession::push_lane(UpLane lane) {
  UpState& up = up_[index(lane)];
  if (!is_live() || replica_->state().queued[index(lane)] == 0) return false;
  if (clock_->mono() < up.paused_until) return false;
  const std::size_t bytes_max = kInFlightBytes[index(lane)];
  if (up.bytes >= bytes_max || up.in_flight.size() >= kInFlightMutations) return false;
  const std::size_t count =
      std::min(limits::kPushMutationsMax, kInFlightMutations - up.in_flight.size());
  auto next =
      replica_->pushable(lane, up.sent, count, std::min(bytes_max - up.bytes, kPushBytesMax));
  if (!stored(next) || next->empty()) return false;
  FramePush frame{.lane = lane, .muts = std::move(*next)};
  for (const PushedMutation& mutation : frame.muts) {
    const std::size_t bytes = mutation.name.size() + mutation.args.size();
    up.in_flight.push_back({mutation.n, bytes});
    up.bytes += bytes;
    up.sent = mutation.n;
  }
  up.moved = clock_->mono();
  send(frame);
  return true;
}

void ClientSession::rewind(UpLane lane, std::uint64_t next_n) {
  UpState& up = up_[index(lane)];
  up.sent = next_n - 1;
  while (!up.in_flight.empty() && up.in_flight.back().n >= next_n) {
    up.bytes -= up.in_flight.back().bytes;
    up.in_flight.pop_back();
  }
}

void ClientSession::on_frame(FrameR& frame) {
  UpState& up = up_[index(frame.lane)];
  up.seen = std::max(up.seen, frame.n);
  if (rekey_ || frame.n == 0) return;
  if (frame.n > replica_->state().last_n[index(frame.lane)]) {
    // A clone took a number that this store has not given yet. Giving it now would make two
    // mutations of one number, and the server answers each number once: leave the key to the clone.
    const bool taken = frame.status != MutationStatus::retry;
    if (taken && !replica_->state().rekey_wanted) stored(replica_->want_rekey());
    return;
  }
  up.moved = clock_->mono();
  if (frame.status == MutationStatus::retry) {
    if (frame.n > up.sent) return;
    const Millis after{std::clamp<std::int64_t>(frame.after_ms, 200, 600'000)};
    up.paused_until = clock_->mono() + after;
    return rewind(frame.lane, frame.n);
  }
  while (!up.in_flight.empty() && up.in_flight.front().n <= frame.n) {
    up.bytes -= up.in_flight.front().bytes;
    up.in_flight.pop_front();
  }
  up.sent = std::max(up.sent, frame.n);
  results_.push_back(std::move(frame));
}

void ClientSession::flush_results() {
  if (!results_.empty() && is_live()) stored(replica_->store_results(std::exchange(results_, {})));
  if (!is_live() || rekey_) return;
  if (rekey_goal_) return rekey_if_known();
  // A clone used one of our numbers: sign in again to learn what else it did.
  if (replica_->state().rekey_wanted) close(1000);
}

void ClientSession::end_hand_over_if_done() {
  if (!is_live() || !hand_over_) return;
  const ReplicaState& held = replica_->state();
  if (held.unsent() > 0 || held.confirmed > 0) return;
  send(FrameBye{});
  refuse(Errc::revoked);
}

void ClientSession::rekey_if_known() {
  for (std::size_t lane = 0; lane < kUpLanes; ++lane)
    if (up_[lane].seen < (*rekey_goal_)[lane]) return;
  if (!results_.empty()) stored(replica_->store_results(std::exchange(results_, {})));
  if (!is_live()) return;
  rekey_goal_.reset();
  send_rekey();
}

void ClientSession::on_gap(UpLane lane, std::uint64_t want) {
  UpState& up = up_[index(lane)];
  if (!is_live() || rekey_ || want == 0) return;
  // Every push that was in flight behind the gap is answered with the same wish: obey once.
  const MonoTime now = clock_->mono();
  if (up.gap_want == want && now - up.gap_at < kCatchUpPoll) return;
  up.gap_want = want;
  up.gap_at = now;
  if (want > up.sent) return;
  flush_results();
  if (!is_live()) return;
  if (want <= replica_->state().res_n[index(lane)]) {
    const auto complete = replica_->requeue(lane, want);
    if (!stored(complete)) return;
    changes_.pending = notify_ = true;
    if (!*complete) return send_rekey();
  }
  rewind(lane, want);
}

void ClientSession::check_results_overdue() {
  for (std::size_t lane = 0; lane < kUpLanes; ++lane) {
    UpState& up = up_[lane];
    if (up.in_flight.empty() || clock_->mono() - up.moved < kResultDeadline) continue;
    up.moved = clock_->mono();
    rewind(static_cast<UpLane>(lane), up.in_flight.front().n);
  }
}

// --- New key ------------------------------------------------------------------------------------

void ClientSession::note_conflict() {
  const MonoTime now = clock_->mono();
  if (now - conflict_at_ > kConflictSpan) conflicts_ = 0;
  conflict_at_ = now;
  if (++conflicts_ < kConflictsMin || rng_->below(kConflictOdds) != 0) return;
  conflicts_ = 0;
  stored(replica_->want_rekey());
}

void ClientSession::send_rekey() {
  const Identity& identity = *replica_->state().identity;
  const auto old_key = KeyPair::from_seed(identity.seed.view());
  if (!old_key) return refuse(Errc::corrupt);
  rekey_ = true;
  new_key_ = KeyPair::generate(*rng_);
  std::string message = "linli.rekey.1";
  message += '\0';
  message += identity.slug;
  message += '\0';
  message += as_text(new_key_->pub());
  send(FrameRekey{
      .cert = identity.cert, .pub = new_key_->pub(), .sig = old_key->sign(as_bytes(message))});
}

void ClientSession::on_frame(FrameRekeyed& frame) {
  if (!rekey_ || !new_key_) return;
  if (frame.cid.raw() != client_id_of(new_key_->pub())) {
    return close(4400, Error{Errc::malformed, "rekeyed names another key"});
  }
  Identity identity = *replica_->state().identity;
  identity.cid = frame.cid;
  identity.cert = frame.cert;
  identity.seed = new_key_->seed();
  if (!stored(replica_->replace_key(identity))) return;
  changes_.pending = notify_ = true;
  attempts_ = 0;
  close(1000);
}

}  // namespace linli::sync
