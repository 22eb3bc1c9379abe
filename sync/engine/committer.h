// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/rng.h"
#include "sync/engine/commit.h"
#include "sync/engine/registry.h"
#include "sync/engine/store_port.h"

namespace linli::sync {

/// Names one HTTP write so that a repeat gets the first answer (decision M17).
struct Idempotency {
  std::string key;
  Id128 request_hash;
};

/// One mutation on its way to the writer. Arguments are parsed and schema-checked before the queue.
struct Submission {
  Actor actor;
  UpLane lane = UpLane::interactive;
  /// Number of a device mutation; 0 = unnumbered (HTTP, system).
  std::uint64_t n = 0;
  Id128 mhash;
  std::string name;
  std::shared_ptr<const Json> args;
  /// Raw text, kept for quarantine.
  std::string args_text;
  /// Set when parsing or the schema refused it: it still consumes its number.
  std::optional<Error> refused;
  Instant captured_at{};
  std::optional<Idempotency> idempotency;
  /// Echoed in Answer; 0 = nobody waits.
  std::uint64_t token = 0;
};

/// A stored result as the frame its phone gets.
FrameR to_frame(const StoredResult& result);

/// What happened to a submission that somebody waits for.
struct Answer {
  std::uint64_t token = 0;
  Result<Json> result;
  Seq seq;
  /// The answer of an earlier request with the same Idempotency-Key.
  bool replayed = false;
};

struct BatchResult {
  SharedCommit commit;
  std::vector<Answer> answers;
};

/// Runs mutations in order, one durable batch at a time: the heart of exactly-once.
///
/// A batch is executed against an in-memory overlay of the store; each mutation sees the effects of
/// those before it, a rejected one leaves none. Then everything (rows, entries, digests, numbers,
/// results, outbox, due rows) is one Store::apply().
/// Errors: run() fails only when the store does; then nothing happened, memory is reloaded and
/// every
///         submission may be sent again.
/// Threads: one (the community's writer).
class Committer {
 public:
  Committer(const Registry& registry, Store& store, const Clock& clock, Rng& rng);
  ~Committer();

  /// Loads the store's state. Call once before run().
  Result<StoreState> open();
  /// At most kBatchMutationsMax submissions.
  Result<BatchResult> run(std::span<Submission> batch);
  /// Runs due rows whose time has come, as system mutations (decision M8); an empty commit
  /// when none.
  Result<BatchResult> tick();
  /// One mutation of the system that is no mutator: a step of an upgrade. Takes a seq only when it
  /// changes something. Errors: too_large, internal (it threw); those of run().
  Result<BatchResult> run_as_system(const std::function<void(MutatorContext&)>& body);
  /// Retention: tombstones below the 180-day floor, old results. Cheap; call once an hour. Publish
  /// the commit, which tells the shards of the floors: a phone from below one must fill anew.
  Result<SharedCommit> collect_garbage(std::uint64_t outbox_consumed);

  [[nodiscard]] Seq head() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace linli::sync
