// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"
#include "sync/protocol/frames.h"

/// What a phone keeps, and the primitives that Replica (replica.h) asks of a local database.
namespace linli::sync {

/// DISK: local state of an enrolment that is not done yet; it ends in the transaction that adopts
/// the identity, so a store is one or the other (ENR-3).
inline constexpr std::string_view kLocalEnrolment = "enrolment";
/// DISK: when this phone first heard that it was replaced, unix ms of its clock (ENR-10).
inline constexpr std::string_view kLocalHandOver = "hand_over";

/// Who this store is: one per store and enrolment (decision M10).
struct Identity {
  std::string slug{};
  /// scheme://host[:port] as the phone dials it.
  std::string origin{};
  Cid cid{};
  AccountId account{};
  std::string person{};
  std::string name{};
  std::string community{};
  /// base64url of the server's key.
  std::string server_pub{};
  std::string cert{};
  /// 32 bytes.
  Secret seed{};
};

/// A bucket as the phone holds it. It is *live* (covered by its lane's cursor) or *filling* (own
/// cursor, own staging); a filling one may still show what it held before (decision B4).
struct ReplicaBucket {
  BucketGrant grant{};
  bool live = false;
  /// Where the shown entries are; 0 = nothing shown.
  std::uint64_t slot = 0;
  Digest digest{};
  /// Where spilled staging of a fill is; 0 = none.
  std::uint64_t fill_slot = 0;
  Digest fill_digest{};
  /// The spilled staging is complete up to here; 0 = a new connection starts over.
  Seq fill_cursor{};

  friend bool operator==(const ReplicaBucket&, const ReplicaBucket&) = default;
};

/// Everything small; kept in memory and replaced only when its transaction is durable.
struct ReplicaState {
  std::optional<Identity> identity;
  std::optional<Epoch> epoch;
  Cursors cur{};
  std::map<BucketId, ReplicaBucket> buckets;
  std::uint64_t next_slot = 1;
  /// Results stored up to, and numbers ever given, per up-lane.
  UpNumbers res_n{};
  UpNumbers last_n{};
  /// Mutations without a result, per up-lane.
  UpNumbers queued{};
  /// Accepted ones whose effects have not all come down yet.
  std::uint64_t confirmed = 0;
  std::uint64_t attention = 0;
  std::uint64_t digest_mismatches = 0;
  /// Unix ms of the phone's clock at the last welcome or pong; 0 = never.
  std::int64_t contact_at = 0;
  /// False while the last attempt to reach the server failed.
  bool contact_ok = false;
  /// How long normal buckets stay readable after a contact.
  std::int64_t lease_ms = 0;
  /// Counted running time without contact (decision M19).
  std::int64_t offline_ms = 0;
  /// Estimated server time minus phone time and its uncertainty; `unc` 0 = never measured.
  std::int64_t clock_off = 0;
  std::int64_t clock_unc = 0;
  bool rekey_wanted = false;

  [[nodiscard]] std::uint64_t unsent() const { return queued[0] + queued[1] + queued[2]; }
};

/// A phone's write, from `append` until its journal entry is pruned.
struct LocalMutation {
  enum class State : std::uint8_t {  // DISK: never renumber
    queued = 0,                      ///< no result yet
    confirmed = 1,                   ///< accepted; waits in the overlay for its lanes' cursors
    settled = 2,                     ///< in the journal
  };
  enum class Attention : std::uint8_t { none = 0, open = 1, dismissed = 2 };  // DISK

  /// Order of making on this phone.
  std::uint64_t id = 0;
  UpLane lane = UpLane::interactive;
  /// 0 until the transaction before it is first sent: until then it may be edited or withdrawn.
  std::uint64_t n = 0;
  std::string name{};
  std::string args{};
  std::int64_t wall = 0;
  std::int64_t off = 0;
  std::int64_t unc = 0;
  std::uint64_t fixes = 0;
  State state = State::queued;
  Attention attention = Attention::none;
  Seq seq{};
  /// Bit 0 urgent, bit 1 normal.
  std::uint8_t lanes = 0;
  std::string code{};
  std::string msg{};
  std::string info{};
  /// Unix ms of the result.
  std::int64_t answered_at = 0;
};

struct MutationFilter {
  std::optional<std::uint64_t> id{};
  std::optional<UpLane> lane{};
  std::optional<LocalMutation::State> state{};
  std::optional<LocalMutation::Attention> attention{};
  std::optional<std::uint64_t> n{};
  /// Only n = 0 or n > after_n.
  std::optional<std::uint64_t> after_n{};
  std::size_t limit = SIZE_MAX;
};

struct ReplicaRow {
  std::string key;
  Seq ver;
  std::string data;
};

/// Page of a table: keys > after.
struct RowRange {
  std::string after{};
  std::size_t limit = SIZE_MAX;
};

/// Primitives of a local database. Writes happen between begin() and commit(), which is durable on
/// return; after any error nothing of the transaction is stored. Threads: one at a time.
/// Errors: io, disk_full, corrupt.
class ReplicaStorage {
 public:
  virtual ~ReplicaStorage() = default;

  virtual Result<ReplicaState> load() = 0;
  virtual Result<void> begin() = 0;
  /// Also stores what differs between the two states.
  virtual Result<void> commit(const ReplicaState& before, const ReplicaState& after) = 0;
  virtual void rollback() noexcept = 0;

  /// Stores `op` in `slot` unless a newer entry is there, and keeps `digest` (of live entries) in
  /// step. `h` is row_hash of a put, ignored for a delete.
  virtual Result<void> put_entry(std::uint64_t slot, const Op& op, std::uint64_t h,
                                 Digest& digest) = 0;
  virtual Result<void> clear_slot(std::uint64_t slot) = 0;

  /// Ops of a lane that wait for their C outside of memory, in order.
  virtual Result<void> stage(Lane lane, BucketId bucket, const std::vector<Op>& ops) = 0;
  using StagedVisitor = std::function<Result<void>(BucketId, const Op&)>;
  virtual Result<void> visit_staged(Lane lane, const StagedVisitor& visit) = 0;
  virtual Result<void> clear_staged(Lane lane) = 0;
  virtual Result<void> clear_staged_of(BucketId bucket) = 0;

  virtual Result<std::uint64_t> insert_mutation(const LocalMutation& mutation) = 0;
  virtual Result<void> update_mutation(const LocalMutation& mutation) = 0;
  virtual Result<void> remove_mutation(std::uint64_t id) = 0;
  /// Ascending by id.
  virtual Result<std::vector<LocalMutation>> mutations(const MutationFilter& filter) = 0;

  /// Live rows of the given slots by key; of several entries of a row the newest.
  virtual Result<std::vector<ReplicaRow>> rows(std::string_view tbl, const RowRange& range,
                                               const std::vector<std::uint64_t>& slots) = 0;
  virtual Result<std::optional<ReplicaRow>> row(std::string_view tbl, std::string_view key,
                                                const std::vector<std::uint64_t>& slots) = 0;
  /// Highest ver of the row in the given slots, deleted or not; Seq{} without an entry.
  virtual Result<Seq> newest_ver(std::string_view tbl, std::string_view key,
                                 const std::vector<std::uint64_t>& slots) = 0;

  /// Local state that is never synced: what was seen, which alarm has sounded (decision E9).
  virtual Result<std::optional<std::string>> local(std::string_view key) = 0;
  virtual Result<void> put_local(std::string_view key, std::string_view value) = 0;
  /// A key that is not there is fine.
  virtual Result<void> remove_local(std::string_view key) = 0;
};

}  // namespace linli::sync
