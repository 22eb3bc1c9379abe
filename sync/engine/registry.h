// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "base/result.h"
#include "base/rng.h"
#include "sync/engine/store_port.h"

/// The extension point of the project: what a domain module declares (decisions B8, B9).
namespace linli::sync {

/// How a mutation came in.
enum class Via : std::uint8_t { device, api, system };

/// Who runs a mutation or query. Roles are the modules' business (a row of theirs).
struct Actor {
  AccountId account;
  Cid cid;
  Via via = Via::system;
  /// Passphrase and TOTP were given within 15 minutes.
  bool elevated = false;
  /// Scopes of an API key; empty for people.
  std::vector<std::string> scopes;
};

/// Read access for queries and mutators. Rows come parsed and cached.
class ReadContext {
 public:
  virtual ~ReadContext() = default;
  [[nodiscard]] virtual const Actor& actor() const = 0;
  [[nodiscard]] virtual Instant now() const = 0;
  /// Null when absent. The value stays valid until the context ends.
  [[nodiscard]] virtual std::shared_ptr<const Json> get(std::string_view tbl,
                                                        std::string_view key) = 0;
  /// Ordered by (value, key). `index` is "<table>.<name>".
  [[nodiscard]] virtual std::vector<IndexHit> scan(std::string_view index, std::string_view prefix,
                                                   const std::optional<IndexHit>& after,
                                                   std::size_t limit) = 0;
  /// Live rows of a table by key, keys > after.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::shared_ptr<const Json>>> table(
      std::string_view tbl, std::string_view after, std::size_t limit) = 0;
  /// Refused work of phones as of the last durable batch, newest first.
  [[nodiscard]] virtual std::vector<QuarantineWrite> quarantine(std::size_t limit) = 0;
  /// When a device was last here and what it said; nothing before its first sign-in. As of the last
  /// flush (5 s). Asserts outside of queries.
  [[nodiscard]] virtual std::optional<DeviceCursor> contact(const Cid& cid);
  /// The actor holds a bucket in which the row lives. Asserts outside of queries: a mutator decides
  /// by rows, which its own batch may just have changed.
  [[nodiscard]] virtual bool holds(std::string_view tbl, std::string_view key);
};

/// What a mutator may do. Effects become visible to later calls on the same context and, once the
/// batch is durable, to everybody. No clock, no I/O, no crypto; at most kMutationRowsMax rows.
class MutatorContext : public ReadContext {
 public:
  /// Seq this mutation will have if it succeeds.
  [[nodiscard]] virtual Seq seq() const = 0;
  /// Phone's own time of the act, corrected and bounded by receipt (sync.md §3.9); now() elsewhere.
  [[nodiscard]] virtual Instant captured_at() const = 0;
  /// Stores `row` and places it by the table's buckets(). Equal content and placement = no change.
  virtual void put(std::string_view tbl, std::string_view key, Json row) = 0;
  virtual void del(std::string_view tbl, std::string_view key) = 0;
  /// Makes the bucket if its name is new; the spec of an existing one is not changed.
  virtual void ensure_bucket(const BucketSpec& spec) = 0;
  /// The account's bucket set becomes exactly `names` (made by ensure_bucket before); diffs to
  /// grants and revocations.
  virtual void set_membership(const AccountId& account, std::span<const std::string> names) = 0;
  virtual void grant(const AccountId& account, std::string_view bucket) = 0;
  virtual void revoke(const AccountId& account, std::string_view bucket) = 0;
  /// Row for the gateway in the same transaction.
  virtual void outbox(std::string_view kind, const Json& data) = 0;
  /// Runs the due handler `kind` at `at`; the same (kind, key) again replaces the earlier time.
  virtual void schedule(Instant at, std::string_view kind, std::string_view key) = 0;
  virtual void cancel(std::string_view kind, std::string_view key) = 0;
  /// A new UUIDv7, 32 hex digits.
  [[nodiscard]] virtual std::string new_id() = 0;
};

/// A refusal that the author is told: code, plain sentence in `detail`.
using MutatorResult = Result<Json>;

struct IndexDef {
  std::string name;
  /// Values of one row; several or none are fine.
  std::function<std::vector<std::string>(std::string_view key, const Json& row)> values;
};

/// The table that Registry::add makes for upgrades; server-only.
inline constexpr std::string_view kUpgradeTable = "upgrade";
/// The index that Registry::add makes of TableDef::blobs.
inline constexpr std::string_view kBlobIndex = "blob";

struct TableDef {
  std::string name;
  std::vector<IndexDef> indexes;
  /// Pure: from row to bucket names (made before by ensure_bucket). Empty = server-only row.
  std::function<std::vector<std::string>(std::string_view key, const Json& row)> buckets;
  /// Foreign keys of the model for `admin verify`: member of the row -> table it must exist in.
  std::vector<std::pair<std::string, std::string>> references;
  /// Changes are handed to in-memory books (Commit::watched); for devices and accounts.
  bool watched = false;
  /// Members that only buckets() reads: put() drops them, so neither the store nor a phone gets to
  /// know where else a row lies. A later put() must bring them again.
  std::vector<std::string> place_only{};
  /// Pure: the attachments that a row refers to, 64 hex digits each (decision M27). They stay as
  /// long as a row refers to them, and whoever holds a bucket of that row may read them.
  std::function<std::vector<std::string>(std::string_view key, const Json& row)> blobs{};
  /// Who else may read the attachments of the row; null = nobody. An account of zeros is somebody
  /// without enrolment.
  std::function<bool(ReadContext&, std::string_view key)> opens_blobs{};
};

struct MutatorDef {
  std::string name;
  UpLane lane = UpLane::interactive;
  /// JSON Schema (draft 7); compiled by Registry::add, checked before the queue.
  JsonSchema args_schema;
  /// Checks signatures that the arguments carry; null = none. Pure, takes no rows; costs more than
  /// the writer has, so it runs before the queue (decision M12, ADR 0009). Errors: bad_signature,
  /// invalid_argument, malformed.
  std::function<Result<void>(const Json& args)> verify{};
  /// Decides by the actor and the rows; runs first. Errors: forbidden, not_member, ...
  std::function<Result<void>(ReadContext&, const Json& args)> permit;
  std::function<MutatorResult(MutatorContext&, const Json& args)> run;
  /// Optimistic effects on the phone (decision B9); null = none.
  Json effects;
  bool online_only = false;
  bool needs_elevation = false;
  /// Only for the system (enrolment, clock, gateway).
  bool internal = false;
  std::string summary;
};

struct QueryDef {
  std::string name;
  JsonSchema params_schema;
  std::function<Result<void>(ReadContext&, const Json& params)> permit;
  std::function<Result<Json>(ReadContext&, const Json& params)> run;
  std::string summary;
};

/// HTTP face of a mutator or query below /c/<slug>/api/v1. Path parameters `{x}` and query
/// parameters become members of args; a JSON body is merged in.
struct RouteDef {
  std::string method;
  std::string path;
  /// A mutator's name for writes, a query's for GET.
  std::string target;
  std::string tag;
  std::string summary;
};

struct DueDef {
  std::string kind;
  /// Older than this when it runs: `missed` is true (decision M8).
  std::chrono::milliseconds grace;
  std::function<void(MutatorContext&, std::string_view key, bool missed)> run;
};

/// Rows that an upgrade looks at.
struct UpgradeStep {
  std::string tbl;
  /// Puts what hangs on the row the way this program does; again without a change. Touches at most
  /// four rows, so that a batch of them stays below kMutationRowsMax. Errors: the row is left as it
  /// is, and the upgrade is tried again at the next start.
  std::function<Result<void>(MutatorContext&, const std::string& key)> run;
  /// Only rows in buckets whose names begin with one of these; empty = all rows of the table.
  std::vector<std::string> buckets{};
};

/// What a newer program changes about the rows and buckets that an older one left: each number once
/// per community, in order, before anybody is served (sync/engine/upgrade.h).
struct UpgradeDef {
  /// From 1. DISK: never renumber, never edit a released one.
  int number = 0;
  std::vector<UpgradeStep> steps;
};

/// Everything the modules of one server declare. Constant after construction.
class Registry {
 public:
  Registry& add(TableDef def);
  Registry& add(MutatorDef def);
  Registry& add(QueryDef def);
  Registry& add(RouteDef def);
  Registry& add(DueDef def);
  /// Asserts that numbers come in order.
  Registry& add(UpgradeDef def);

  [[nodiscard]] const TableDef* table(std::string_view name) const;
  [[nodiscard]] const MutatorDef* mutator(std::string_view name) const;
  [[nodiscard]] const QueryDef* query(std::string_view name) const;
  [[nodiscard]] const DueDef* due(std::string_view kind) const;
  [[nodiscard]] const std::vector<RouteDef>& routes() const { return routes_; }
  [[nodiscard]] const std::vector<UpgradeDef>& upgrades() const { return upgrades_; }
  [[nodiscard]] const std::map<std::string, MutatorDef, std::less<>>& mutators() const {
    return mutators_;
  }
  [[nodiscard]] const std::map<std::string, TableDef, std::less<>>& tables() const {
    return tables_;
  }
  [[nodiscard]] const std::map<std::string, QueryDef, std::less<>>& queries() const {
    return queries_;
  }

 private:
  std::map<std::string, TableDef, std::less<>> tables_;
  std::map<std::string, MutatorDef, std::less<>> mutators_;
  std::map<std::string, QueryDef, std::less<>> queries_;
  std::map<std::string, DueDef, std::less<>> dues_;
  std::vector<RouteDef> routes_;
  std::vector<UpgradeDef> upgrades_;
};

}  // namespace linli::sync
