// SPDX-License-Identifier: Apache-2.0
// The rows' side of a client session: staging, reveals, digests, membership.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sync/protocol/client_session.h"

namespace linli::sync {
namespace {

std::size_t bytes_of(const std::vector<Op>& ops) {
  // What an op costs besides its texts.
  constexpr std::size_t kOpBytes = sizeof(Op) + 64;
  std::size_t bytes = 0;
  for (const Op& op : ops)
    bytes += kOpBytes + op.row.tbl.size() + op.row.key.size() + (op.data ? op.data->size() : 0);
  return bytes;
}

}  // namespace

void ClientSession::on_frame(FrameB& frame) {
  const auto& buckets = replica_->state().buckets;
  const auto at = buckets.find(frame.b);
  if (at == buckets.end()) return;  // Dropped while this was on the line.
  const std::size_t bytes = bytes_of(frame.ops);
  staged_bytes_ += bytes;
  if (at->second.live) {
    LaneStaging& lane = lanes_[index(at->second.grant.lane)];
    lane.digests[frame.b] = frame.digest;
    lane.bytes += bytes;
    lane.ops.push_back({frame.b, std::move(frame.ops)});
    return;
  }
  FillStaging& fill = fills_[frame.b];
  fill.to = std::max(fill.to, frame.to);
  fill.bytes += bytes;
  fill.ops.insert(fill.ops.end(), std::make_move_iterator(frame.ops.begin()),
                  std::make_move_iterator(frame.ops.end()));
}

void ClientSession::on_frame(FrameC& frame) {
  attempts_ = 0;
  reveal_unacked_ = true;
  frame.bucket ? reveal(frame) : commit(frame);
}

void ClientSession::commit(const FrameC& frame) {
  LaneStaging staged = std::exchange(lanes_[index(frame.lane)], {});
  staged_bytes_ -= staged.bytes;
  LaneCommit commit{.lane = frame.lane, .seq = frame.seq, .ops = std::move(staged.ops)};
  for (const auto& [id, digest] : staged.digests)
    if (digest) commit.expect.emplace(id, *digest);
  const bool changes_nothing = commit.ops.empty() && !staged.is_spilled && results_.empty() &&
                               frame.seq <= replica_->state().cur[index(frame.lane)];
  if (changes_nothing) return;
  commit.results = std::exchange(results_, {});
  stored(replica_->commit_lane(commit));
}

void ClientSession::reveal(const FrameC& frame) {
  const BucketId id = *frame.bucket;
  const auto& buckets = replica_->state().buckets;
  const auto at = buckets.find(id);
  if (at == buckets.end() || at->second.live) return;
  if (!frame.digest) return close(4400, Error{Errc::malformed, "C of a bucket without digest"});
  FillStaging staged;
  if (auto fill = fills_.extract(id); !fill.empty()) staged = std::move(fill.mapped());
  staged_bytes_ -= staged.bytes;
  const BucketReveal reveal{.bucket = id,
                            .expect = *frame.digest,
                            .ops = std::move(staged.ops),
                            .results = std::exchange(results_, {})};
  if (!stored(replica_->reveal_bucket(reveal))) return;
  if (buckets.at(id).live) {
    unresumable_.erase(id);
    refills_.erase(id);
  }
}

void ClientSession::forget_staging(BucketId id) {
  for (LaneStaging& lane : lanes_) {
    for (const StagedOps& staged : lane.ops) {
      if (staged.bucket != id) continue;
      const std::size_t bytes = bytes_of(staged.ops);
      lane.bytes -= bytes;
      staged_bytes_ -= bytes;
    }
    std::erase_if(lane.ops, [&](const StagedOps& staged) { return staged.bucket == id; });
    lane.digests.erase(id);
  }
  if (const auto fill = fills_.find(id); fill != fills_.end()) {
    staged_bytes_ -= fill->second.bytes;
    fills_.erase(fill);
  }
  refills_.erase(id);
  unresumable_.erase(id);
}

void ClientSession::on_frame(FrameM& frame) {
  for (const BucketId id : frame.drop) forget_staging(id);
  for (const BucketGrant& grant : frame.add) {
    const auto refill = refills_.extract(grant.b);
    forget_staging(grant.b);
    // The fill that follows is the one asked for; only its digest may forget the haste.
    if (!refill.empty()) refills_[grant.b] = {.tries = refill.mapped().tries, .due = {}};
  }
  notify_ = true;
  stored(replica_->apply_membership(frame, std::exchange(results_, {})));
}

// --- Spilling -----------------------------------------------------------------------------------

void ClientSession::spill_fills() {
  spilled_ = clock_->mono();
  for (auto& [id, fill] : fills_) {
    const Seq to = unresumable_.contains(id) ? Seq{} : fill.to;
    if (!stored(replica_->spill_fill(id, to, fill.ops))) return;
    staged_bytes_ -= fill.bytes;
    fill.bytes = 0;
    fill.ops.clear();
  }
  fills_.clear();
}

void ClientSession::spill() {
  if (staged_bytes_ <= kStagingBytesMax) return;
  spill_fills();
  if (!is_live() || staged_bytes_ <= kStagingBytesMax / 2) return;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    LaneStaging& staged = lanes_[lane];
    if (staged.ops.empty()) continue;
    if (!stored(replica_->spill_lane(static_cast<Lane>(lane), staged.ops))) return;
    staged.is_spilled = true;
    staged_bytes_ -= std::exchange(staged.bytes, 0);
    staged.ops.clear();
  }
  LINLI_ASSERT(staged_bytes_ == 0);
}

// --- Digests ------------------------------------------------------------------------------------

void ClientSession::on_mismatch(const std::vector<BucketId>& buckets) {
  for (const BucketId id : buckets) {
    const auto tries = refills_[id].tries;
    forget_staging(id);
    unresumable_.insert(id);
    const Millis delay =
        tries == 0
            ? Millis{0}
            : std::min<Millis>(kRefillDelay * (1LL << std::min(tries - 1, 10U)), kRefillDelayMax);
    refills_[id] = {.tries = tries + 1, .due = clock_->mono() + delay};
  }
}

void ClientSession::send_refills() {
  if (!is_live()) return;
  FrameRefill frame;
  for (auto& [id, refill] : refills_) {
    if (!refill.due || *refill.due > clock_->mono()) continue;
    refill.due.reset();
    frame.buckets.push_back(id);
    if (const auto fill = fills_.extract(id); !fill.empty()) {
      staged_bytes_ -= fill.mapped().bytes;
    }
  }
  if (frame.buckets.empty()) return;
  if (stored(replica_->restart_fill(frame.buckets))) send(frame);
}

void ClientSession::send_ack_if_due(bool at_reveal) {
  if (!is_live() || (!at_reveal && rx_bytes_ - rx_acked_ < kAckBytes)) return;
  rx_acked_ = rx_bytes_;
  send(FrameAck{.rx = rx_bytes_, .cur = replica_->state().cur, .res = replica_->state().res_n});
}

}  // namespace linli::sync
