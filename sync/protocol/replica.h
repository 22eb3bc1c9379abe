// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "sync/protocol/replica_port.h"

namespace linli::sync {

/// Ops of one bucket, in order.
struct StagedOps {
  BucketId bucket;
  std::vector<Op> ops;
};

/// C{lane}: everything staged for the lane becomes visible.
struct LaneCommit {
  Lane lane = Lane::normal;
  Seq seq{};
  /// After what was spilled by spill_lane().
  std::vector<StagedOps> ops{};
  /// Digest that a bucket must have afterwards.
  std::map<BucketId, Digest> expect{};
  std::vector<FrameR> results{};
};

/// C{b}: a filling bucket becomes visible and replaces what was shown.
struct BucketReveal {
  BucketId bucket{};
  Digest expect{};
  /// After what was spilled by spill_fill().
  std::vector<Op> ops{};
  std::vector<FrameR> results{};
};

/// Measured at a welcome or pong.
struct Contact {
  std::int64_t at = 0;
  std::int64_t clock_off = 0;
  std::int64_t clock_unc = 0;
};

/// What a transaction changed, for screens.
struct Changes {
  /// Any table may have changed (a fill, a purge).
  bool all = false;
  std::set<std::string> tables;
  /// The pending queue or the attention list changed.
  bool pending = false;
  /// Buckets whose digest was wrong: they fill anew and show what they have meanwhile.
  std::vector<BucketId> mismatched;

  void merge(const Changes& other);
};

/// What became of a replaced phone's work since it heard of it (ENR-10).
struct HandOver {
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  std::uint64_t waiting = 0;
};

struct WelcomeOutcome {
  Changes changes;
  /// Somebody else used this cid, or numbers that the server wants are gone: take a new key.
  bool rekey = false;
};

/// The phone's copy of its buckets, its pending queue and its journal. Every method that writes is
/// exactly one local transaction, durable on return; after an error nothing of it is stored and
/// state() is unchanged. Spec: docs/PROTOCOL.md §2-§6. Threads: one at a time.
class Replica {
 public:
  /// Errors: io, corrupt.
  static Result<std::unique_ptr<Replica>> open(ReplicaStorage& storage);

  [[nodiscard]] const ReplicaState& state() const { return state_; }

  // --- Identity ---------------------------------------------------------------------------------
  /// Ends a pending enrolment (kLocalEnrolment). Errors: conflict when the store already has one.
  Result<void> adopt_identity(const Identity& identity);
  /// A new key for the same account: everything without a result is numbered anew from 1. Attention
  /// stays; the journal of the old key ends, its numbers mean nothing under the new one.
  Result<void> replace_key(const Identity& identity);
  Result<void> want_rekey();

  // --- Rows -------------------------------------------------------------------------------------
  /// Another epoch forgets buckets and cursors; pending, attention and journal stay, and what the
  /// server no longer knows is queued again under its old number.
  Result<WelcomeOutcome> apply_welcome(const FrameWelcome& welcome, const Contact& contact);
  Result<Changes> apply_membership(const FrameM& change, const std::vector<FrameR>& results);
  Result<Changes> commit_lane(const LaneCommit& commit);
  Result<Changes> reveal_bucket(const BucketReveal& reveal);
  /// Staging of a fill that outgrew memory or whose socket closed. A null `to` keeps the bucket
  /// from resuming there.
  Result<void> spill_fill(BucketId bucket, Seq to, const std::vector<Op>& ops);
  Result<void> spill_lane(Lane lane, const std::vector<StagedOps>& ops);
  /// Drops lane staging of an earlier socket.
  Result<void> forget_lane_staging();
  /// The buckets fill again from the start and show what they have meanwhile.
  Result<void> restart_fill(const std::vector<BucketId>& buckets);
  /// Cursors only grow. Zero leaves a lane alone.
  Result<Changes> advance(const Cursors& to, const Contact& contact);
  /// Contact was lost or could not be made.
  Result<void> note_no_contact();
  /// Counts running time without contact; purges sensitive buckets past twice their lease by the
  /// wall clock *and* by counted time (decision M19).
  Result<Changes> count_offline(Millis running, Instant now);
  /// The device was revoked: all rows go, pending and attention stay (ENR-5).
  Result<void> wipe_rows();

  // --- Mutations --------------------------------------------------------------------------------
  /// `now_sendable` gives the number in the same transaction.
  /// Errors: too_large (one mutation, or kPendingMax unsent), invalid_argument (name, args).
  Result<LocalMutation> append(LocalMutation mutation, bool now_sendable);
  /// The same, and put_local(key, value), in one transaction.
  Result<LocalMutation> append_with(LocalMutation mutation, bool now_sendable, std::string_view key,
                                    std::string_view value);
  /// Changes or withdraws what was never sent (GEN-1). Errors: not_found, wrong_state.
  Result<void> edit(std::uint64_t id, std::string args);
  Result<void> withdraw(std::uint64_t id);
  /// Next mutations of a lane with n > after_n, in order; gives numbers where missing.
  Result<std::vector<PushedMutation>> pushable(UpLane lane, std::uint64_t after_n,
                                               std::size_t count_max, std::size_t bytes_max);
  /// Number of the oldest mutation of a lane without a result; 0 = none, or none given yet.
  Result<std::uint64_t> oldest_queued_n(UpLane lane);
  Result<Changes> store_results(const std::vector<FrameR>& results);
  /// The server wants number `want` again although it answered it before. False = it is gone.
  Result<bool> requeue(UpLane lane, std::uint64_t want);
  /// Marks as done. Errors: not_found.
  Result<void> dismiss(std::uint64_t id);
  /// Replaces a rejected mutation by a new one with `args`. Errors: not_found.
  Result<LocalMutation> mend(std::uint64_t id, std::string args, LocalMutation stamp,
                             bool now_sendable);
  /// Journal entries answered before go; open attention stays.
  Result<void> prune_journal(Instant before);

  // --- Reads ------------------------------------------------------------------------------------
  /// Base rows, without the overlay; locked buckets (past their lease at `now`) are left out.
  Result<std::vector<ReplicaRow>> rows(std::string_view tbl, const RowRange& range, Instant now);
  Result<std::optional<ReplicaRow>> row(std::string_view tbl, std::string_view key, Instant now);
  /// Newest ver of a row, deleted or not, in what `rows` reads; Seq{} = never seen.
  Result<Seq> newest_ver(std::string_view tbl, std::string_view key, Instant now);
  /// What the overlay is made of: queued and confirmed, in order.
  Result<std::vector<LocalMutation>> overlay();
  Result<std::vector<LocalMutation>> pending();
  Result<std::vector<LocalMutation>> attention();
  /// Nothing unless this phone was replaced.
  Result<std::optional<HandOver>> hand_over();
  [[nodiscard]] bool is_locked(const ReplicaBucket& bucket, Instant now) const;

  Result<std::optional<std::string>> local(std::string_view key) { return storage_->local(key); }
  Result<void> put_local(std::string_view key, std::string_view value);
  Result<void> remove_local(std::string_view key);

 private:
  explicit Replica(ReplicaStorage& storage) : storage_(&storage) {}

  template <class Body>
  auto transact(Body&& body) -> decltype(body(std::declval<ReplicaState&>()));
  Result<void> clear_bucket(ReplicaBucket& bucket);
  Result<void> restart(ReplicaBucket& bucket);
  Result<void> apply_ops(std::uint64_t slot, const std::vector<Op>& ops, Digest& digest,
                         Changes& changes);
  Result<void> apply_grants(ReplicaState& next, const std::vector<BucketGrant>& listed,
                            Changes& changes);
  Result<void> check_digests(ReplicaState& next, const LaneCommit& commit, Changes& changes);
  Result<bool> requeue_above(ReplicaState& next, UpLane lane, std::uint64_t last_n);
  Result<void> add_results(ReplicaState& next, const std::vector<FrameR>& results,
                           Changes& changes);
  Result<void> settle(ReplicaState& next, Changes& changes);
  Result<void> begin_hand_over(std::int64_t at);
  Result<LocalMutation> add(ReplicaState& next, LocalMutation mutation, bool now_sendable);
  Result<LocalMutation> one(std::uint64_t id);
  [[nodiscard]] std::int64_t lease_ms(BucketClass cls) const;
  [[nodiscard]] std::vector<std::uint64_t> shown_slots(Instant now) const;

  ReplicaStorage* storage_;
  ReplicaState state_;
};

}  // namespace linli::sync
