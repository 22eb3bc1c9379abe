// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/replica.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "sync/protocol/replica_transact.h"

namespace linli::sync {

void Changes::merge(const Changes& other) {
  all = all || other.all;
  tables.insert(other.tables.begin(), other.tables.end());
  pending = pending || other.pending;
  mismatched.insert(mismatched.end(), other.mismatched.begin(), other.mismatched.end());
}

Result<std::unique_ptr<Replica>> Replica::open(ReplicaStorage& storage) {
  std::unique_ptr<Replica> replica(new Replica(storage));
  LINLI_TRY(replica->state_, storage.load());
  return replica;
}

Result<void> Replica::adopt_identity(const Identity& identity) {
  if (state_.identity) return fail(Errc::conflict, "this store is enrolled already");
  return transact([&](ReplicaState& next) -> Result<void> {
    next.identity = identity;
    return storage_->remove_local(kLocalEnrolment);
  });
}

// --- Buckets ------------------------------------------------------------------------------------

Result<void> Replica::clear_bucket(ReplicaBucket& bucket) {
  LINLI_CHECK(storage_->clear_staged_of(bucket.grant.b));
  if (bucket.slot != 0) LINLI_CHECK(storage_->clear_slot(bucket.slot));
  if (bucket.fill_slot != 0) LINLI_CHECK(storage_->clear_slot(bucket.fill_slot));
  return {};
}

Result<void> Replica::restart(ReplicaBucket& bucket) {
  LINLI_CHECK(storage_->clear_staged_of(bucket.grant.b));
  if (bucket.fill_slot != 0) LINLI_CHECK(storage_->clear_slot(bucket.fill_slot));
  bucket.live = false;
  bucket.fill_slot = 0;
  bucket.fill_digest = {};
  bucket.fill_cursor = {};
  return {};
}

Result<void> Replica::apply_ops(std::uint64_t slot, const std::vector<Op>& ops, Digest& digest,
                                Changes& changes) {
  LINLI_ASSERT(slot != 0);
  for (const Op& op : ops) {
    const std::uint64_t h =
        op.data ? row_hash(op.row.tbl, op.row.key, op.ver, *op.data) : std::uint64_t{0};
    LINLI_CHECK(storage_->put_entry(slot, op, h, digest));
    if (!changes.tables.contains(op.row.tbl)) changes.tables.insert(op.row.tbl);
  }
  return {};
}

Result<void> Replica::apply_grants(ReplicaState& next, const std::vector<BucketGrant>& listed,
                                   Changes& changes) {
  std::map<BucketId, BucketGrant> wanted;
  for (const BucketGrant& grant : listed) wanted.emplace(grant.b, grant);
  for (auto at = next.buckets.begin(); at != next.buckets.end();) {
    const auto grant = wanted.find(at->first);
    if (grant != wanted.end() && grant->second.gen == at->second.grant.gen) {
      at->second.grant = grant->second;
      ++at;
      continue;
    }
    LINLI_CHECK(clear_bucket(at->second));
    changes.all = changes.all || at->second.slot != 0;
    at = next.buckets.erase(at);
  }
  for (const auto& [id, grant] : wanted)
    if (!next.buckets.contains(id)) next.buckets.emplace(id, ReplicaBucket{.grant = grant});
  return {};
}

Result<WelcomeOutcome> Replica::apply_welcome(const FrameWelcome& welcome, const Contact& contact) {
  return transact([&](ReplicaState& next) -> Result<WelcomeOutcome> {
    WelcomeOutcome out;
    if (next.epoch != welcome.epoch) {
      LINLI_CHECK(apply_grants(next, {}, out.changes));
      next.epoch = welcome.epoch;
      next.cur = welcome.head;
    }
    if (welcome.buckets) LINLI_CHECK(apply_grants(next, *welcome.buckets, out.changes));
    for (auto& [id, bucket] : next.buckets)
      if (!bucket.live && bucket.fill_cursor == Seq{}) LINLI_CHECK(restart(bucket));
    for (std::size_t lane = 0; lane < kUpLanes; ++lane)
      if (welcome.last_n[lane] > next.last_n[lane]) out.rekey = true;
    for (std::size_t lane = 0; lane < kUpLanes && !out.rekey; ++lane) {
      LINLI_TRY(const bool complete,
                requeue_above(next, static_cast<UpLane>(lane), welcome.last_n[lane]));
      out.rekey = !complete;
      out.changes.pending = true;
    }
    next.rekey_wanted = next.rekey_wanted || out.rekey;
    out.rekey = next.rekey_wanted;
    next.lease_ms = std::max<std::int64_t>(0, welcome.lease_until - welcome.t1);
    next.contact_at = contact.at;
    next.contact_ok = true;
    next.offline_ms = 0;
    next.clock_off = contact.clock_off;
    next.clock_unc = contact.clock_unc;
    if (welcome.hand_over) LINLI_CHECK(begin_hand_over(contact.at));
    LINLI_CHECK(settle(next, out.changes));
    return out;
  });
}

Result<Changes> Replica::apply_membership(const FrameM& change,
                                          const std::vector<FrameR>& results) {
  return transact([&](ReplicaState& next) -> Result<Changes> {
    Changes out;
    for (const BucketId id : change.drop) {
      const auto at = next.buckets.find(id);
      if (at == next.buckets.end()) continue;
      LINLI_CHECK(clear_bucket(at->second));
      out.all = true;
      next.buckets.erase(at);
    }
    for (const BucketGrant& grant : change.add) {
      ReplicaBucket& bucket = next.buckets[grant.b];
      bucket.grant = grant;
      LINLI_CHECK(restart(bucket));
    }
    LINLI_CHECK(add_results(next, results, out));
    LINLI_CHECK(settle(next, out));
    return out;
  });
}

Result<void> Replica::check_digests(ReplicaState& next, const LaneCommit& commit,
                                    Changes& changes) {
  for (const auto& [id, digest] : commit.expect) {
    const auto at = next.buckets.find(id);
    if (at == next.buckets.end() || !at->second.live || at->second.digest == digest) continue;
    ++next.digest_mismatches;
    changes.mismatched.push_back(id);
    LINLI_CHECK(restart(at->second));
  }
  return {};
}

Result<Changes> Replica::commit_lane(const LaneCommit& commit) {
  return transact([&](ReplicaState& next) -> Result<Changes> {
    Changes out;
    const auto live = [&](BucketId id) -> ReplicaBucket* {
      const auto at = next.buckets.find(id);
      if (at == next.buckets.end() || !at->second.live) return nullptr;
      if (at->second.slot == 0) at->second.slot = next.next_slot++;
      return &at->second;
    };
    std::vector<Op> one(1);
    const auto spilled = [&](BucketId id, const Op& op) -> Result<void> {
      ReplicaBucket* bucket = live(id);
      if (bucket == nullptr) return {};
      one.front() = op;
      return apply_ops(bucket->slot, one, bucket->digest, out);
    };
    LINLI_CHECK(storage_->visit_staged(commit.lane, spilled));
    LINLI_CHECK(storage_->clear_staged(commit.lane));
    for (const StagedOps& staged : commit.ops)
      if (ReplicaBucket* bucket = live(staged.bucket); bucket != nullptr)
        LINLI_CHECK(apply_ops(bucket->slot, staged.ops, bucket->digest, out));
    Seq& cursor = next.cur[index(commit.lane)];
    cursor = std::max(cursor, commit.seq);
    LINLI_CHECK(check_digests(next, commit, out));
    LINLI_CHECK(add_results(next, commit.results, out));
    LINLI_CHECK(settle(next, out));
    return out;
  });
}

Result<Changes> Replica::reveal_bucket(const BucketReveal& reveal) {
  return transact([&](ReplicaState& next) -> Result<Changes> {
    Changes out;
    LINLI_CHECK(add_results(next, reveal.results, out));
    const auto at = next.buckets.find(reveal.bucket);
    if (at == next.buckets.end() || at->second.live) {
      LINLI_CHECK(settle(next, out));
      return out;
    }
    ReplicaBucket& bucket = at->second;
    if (bucket.fill_slot == 0) bucket.fill_slot = next.next_slot++;
    LINLI_CHECK(apply_ops(bucket.fill_slot, reveal.ops, bucket.fill_digest, out));
    const bool right = bucket.fill_digest == reveal.expect;
    if (!right) {
      ++next.digest_mismatches;
      out.mismatched.push_back(reveal.bucket);
    }
    // A wrong first fill is shown all the same: a doubtful warning is better than none.
    if (right || bucket.slot == 0) {
      if (bucket.slot != 0) LINLI_CHECK(storage_->clear_slot(bucket.slot));
      bucket.slot = std::exchange(bucket.fill_slot, 0);
      bucket.digest = bucket.fill_digest;
      out.all = true;
    }
    LINLI_CHECK(restart(bucket));
    bucket.live = right;
    LINLI_CHECK(settle(next, out));
    return out;
  });
}

Result<void> Replica::spill_fill(BucketId id, Seq to, const std::vector<Op>& ops) {
  return transact([&](ReplicaState& next) -> Result<void> {
    const auto at = next.buckets.find(id);
    if (at == next.buckets.end() || at->second.live) return {};
    ReplicaBucket& bucket = at->second;
    if (bucket.fill_slot == 0) bucket.fill_slot = next.next_slot++;
    Changes unseen;
    LINLI_CHECK(apply_ops(bucket.fill_slot, ops, bucket.fill_digest, unseen));
    bucket.fill_cursor = std::max(bucket.fill_cursor, to);
    return {};
  });
}

Result<void> Replica::spill_lane(Lane lane, const std::vector<StagedOps>& ops) {
  return transact([&](ReplicaState&) -> Result<void> {
    for (const StagedOps& staged : ops)
      LINLI_CHECK(storage_->stage(lane, staged.bucket, staged.ops));
    return {};
  });
}

Result<void> Replica::forget_lane_staging() {
  return transact([&](ReplicaState&) -> Result<void> {
    LINLI_CHECK(storage_->clear_staged(Lane::urgent));
    return storage_->clear_staged(Lane::normal);
  });
}

Result<void> Replica::restart_fill(const std::vector<BucketId>& buckets) {
  return transact([&](ReplicaState& next) -> Result<void> {
    for (const BucketId id : buckets) {
      const auto at = next.buckets.find(id);
      if (at != next.buckets.end()) LINLI_CHECK(restart(at->second));
    }
    return {};
  });
}

// --- Contact and leases -------------------------------------------------------------------------

Result<Changes> Replica::advance(const Cursors& to, const Contact& contact) {
  return transact([&](ReplicaState& next) -> Result<Changes> {
    Changes out;
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      next.cur[lane] = std::max(next.cur[lane], to[lane]);
    next.contact_at = contact.at;
    next.contact_ok = true;
    next.offline_ms = 0;
    next.clock_off = contact.clock_off;
    next.clock_unc = contact.clock_unc;
    LINLI_CHECK(settle(next, out));
    return out;
  });
}

Result<void> Replica::note_no_contact() {
  if (!state_.contact_ok) return {};
  return transact([&](ReplicaState& next) -> Result<void> {
    next.contact_ok = false;
    return {};
  });
}

Result<Changes> Replica::count_offline(Millis running, Instant now) {
  return transact([&](ReplicaState& next) -> Result<Changes> {
    Changes out;
    next.offline_ms += running.count();
    const std::int64_t limit = 2 * lease_ms(BucketClass::sensitive);
    const std::int64_t passed = to_unix_ms(now) - next.contact_at;
    if (next.contact_at == 0 || next.offline_ms < limit || passed < limit) return out;
    for (auto& [id, bucket] : next.buckets) {
      if (bucket.grant.cls != BucketClass::sensitive) continue;
      LINLI_CHECK(clear_bucket(bucket));
      bucket = ReplicaBucket{.grant = bucket.grant};
      out.all = true;
    }
    return out;
  });
}

Result<void> Replica::wipe_rows() {
  return transact([&](ReplicaState& next) -> Result<void> {
    for (auto& [id, bucket] : next.buckets) LINLI_CHECK(clear_bucket(bucket));
    next.buckets.clear();
    next.cur = {};
    next.epoch.reset();
    return {};
  });
}

std::int64_t Replica::lease_ms(BucketClass cls) const {
  constexpr auto kSensitive = std::chrono::duration_cast<Millis>(limits::kSensitiveLease).count();
  return cls == BucketClass::sensitive ? std::min(kSensitive, state_.lease_ms) : state_.lease_ms;
}

bool Replica::is_locked(const ReplicaBucket& bucket, Instant now) const {
  if (state_.contact_at == 0) return false;
  return to_unix_ms(now) - state_.contact_at > lease_ms(bucket.grant.cls);
}

// --- Reads --------------------------------------------------------------------------------------

std::vector<std::uint64_t> Replica::shown_slots(Instant now) const {
  std::vector<std::uint64_t> slots;
  for (const auto& [id, bucket] : state_.buckets)
    if (bucket.slot != 0 && !is_locked(bucket, now)) slots.push_back(bucket.slot);
  std::sort(slots.begin(), slots.end());
  return slots;
}

Result<std::vector<ReplicaRow>> Replica::rows(std::string_view tbl, const RowRange& range,
                                              Instant now) {
  return storage_->rows(tbl, range, shown_slots(now));
}

Result<std::optional<ReplicaRow>> Replica::row(std::string_view tbl, std::string_view key,
                                               Instant now) {
  return storage_->row(tbl, key, shown_slots(now));
}

Result<Seq> Replica::newest_ver(std::string_view tbl, std::string_view key, Instant now) {
  return storage_->newest_ver(tbl, key, shown_slots(now));
}

Result<void> Replica::put_local(std::string_view key, std::string_view value) {
  return transact([&](ReplicaState&) -> Result<void> { return storage_->put_local(key, value); });
}

Result<void> Replica::remove_local(std::string_view key) {
  return transact([&](ReplicaState&) -> Result<void> { return storage_->remove_local(key); });
}

}  // namespace linli::sync
