// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/committer.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "base/log.h"
#include "sync/engine/batch_builder.h"
#include "sync/engine/mutation.h"

namespace linli::sync {
namespace {

/// Long enough not to fill the log, short enough for a warning that is half out.
constexpr std::chrono::minutes kDueRetry{1};

constexpr std::size_t kDueRowsPerTick = 64;

std::vector<Lane> lanes_of(std::uint8_t bits) {
  std::vector<Lane> out;
  for (Lane lane : {Lane::urgent, Lane::normal})
    if ((bits & (1U << index(lane))) != 0) out.push_back(lane);
  return out;
}

FrameR frame_of(const StoredResult& r) {
  return {.lane = r.lane,
          .n = r.n,
          .status = r.status,
          .seq = r.seq,
          .lanes = lanes_of(r.lanes),
          .code = r.code,
          .msg = r.msg,
          .info = r.info,
          .after_ms = 0,
          .mhash = r.mhash};
}

Actor system_actor() {
  return {.account = {}, .cid = {}, .via = Via::system, .elevated = true, .scopes = {}};
}

Result<void> may_run(const MutatorDef& def, const Actor& actor) {
  if (def.internal && actor.via != Via::system)
    return fail(Errc::unknown_mutator, "internal mutator");
  if (def.online_only && actor.via == Via::device)
    return fail(Errc::forbidden, "this step needs a connection and a second look: use the desk");
  if (def.needs_elevation && actor.via != Via::system && !actor.elevated)
    return fail(Errc::elevation_required, def.name);
  return {};
}

}  // namespace

FrameR to_frame(const StoredResult& result) { return frame_of(result); }

struct Committer::Impl {
  Impl(const Registry& r, Store& s, const Clock& c, Rng& g)
      : registry(r), clock(c), rng(g), base(r, s) {}

  struct Done {
    Result<Json> result;
    Seq seq;
    std::uint8_t lanes = 0;
  };

  /// Runs one mutator; its effects are in `batch` when it succeeded.
  Done execute(const Submission& s) {
    const MutatorDef* def = registry.mutator(s.name);
    if (def == nullptr) return {fail(Errc::unknown_mutator, s.name), {}, 0};
    if (s.refused) return {std::unexpected(*s.refused), {}, 0};
    if (auto allowed = may_run(*def, s.actor); !allowed)
      return {std::unexpected(allowed.error()), {}, 0};
    const Seq seq{head.raw() + 1};
    Mutation mutation({base, batch, rng, now, seq}, s.actor, s.captured_at);
    try {
      if (def->permit)
        if (auto ok = def->permit(mutation, *s.args); !ok)
          return {std::unexpected(ok.error()), {}, 0};
      MutatorResult result = def->run(mutation, *s.args);
      if (!result) return {std::move(result), {}, 0};
      mutation.fold_into_batch();
      head = seq;
      return {std::move(result), seq, mutation.lanes()};
    } catch (const MutationLimit& limit) {
      return {fail(Errc::too_large, limit.what), {}, 0};
    } catch (const std::exception& e) {
      // A poison mutation must not wedge the phone's queue: it is rejected and quarantined.
      log_event(LogLevel::error, "sync.mutator.threw", {{"name", s.name}, {"what", e.what()}});
      return {fail(Errc::internal, s.name), {}, 0};
    }
  }

  void run_numbered(const Submission& s) {
    UpNumbers& last = numbers(s.actor.cid);
    const std::uint64_t before = last[index(s.lane)];
    if (s.n <= before) return repeat(s);
    if (s.n > before + 1) return gap(s, before + 1);
    const Done done = execute(s);
    last[index(s.lane)] = s.n;
    StoredResult r{.cid = s.actor.cid,
                   .lane = s.lane,
                   .n = s.n,
                   .mhash = s.mhash,
                   .status = done.result ? MutationStatus::ok : MutationStatus::rejected,
                   .seq = done.seq,
                   .lanes = done.lanes,
                   .code = {},
                   .msg = {},
                   .info = {},
                   .at = to_unix_ms(now)};
    if (done.result) {
      if (!done.result->is_null()) r.info = dump_json(*done.result);
    } else {
      const Error& e = done.result.error();
      r.code = errc_name(e.code);
      r.msg = errc_sentence(e.code);
      if (!e.detail.empty()) r.info = dump_json(Json{{"detail", e.detail}});
      quarantine.push_back(
          {s.actor.cid, s.actor.account, s.lane, s.n, s.name, s.args_text, r.code, r.at});
    }
    outs.push_back({s.actor.cid, frame_of(r)});
    results.push_back(std::move(r));
    if (s.token != 0) answers.push_back({s.token, done.result, done.seq, false});
  }

  void repeat(const Submission& s) {
    const StoredResult* found = nullptr;
    std::vector<StoredResult> stored;
    for (const StoredResult& r : results)
      if (r.cid == s.actor.cid && r.lane == s.lane && r.n == s.n) found = &r;
    if (found == nullptr) {
      auto read = base.store().results(s.actor.cid, s.lane, s.n - 1, 1);
      if (!read) throw StoreFailure{read.error()};
      stored = std::move(*read);
      if (!stored.empty() && stored.front().n == s.n) found = &stored.front();
    }
    if (found != nullptr && found->mhash != s.mhash) {
      answer_failure(s, Errc::forked);
      outs.push_back({s.actor.cid, FrameErr{.code = std::string(errc_name(Errc::forked)),
                                            .msg = std::string(errc_sentence(Errc::forked)),
                                            .fatal = true,
                                            .lane = s.lane,
                                            .want = 0,
                                            .after_ms = 0}});
    } else if (found != nullptr) {
      outs.push_back({s.actor.cid, frame_of(*found)});
      if (found->status == MutationStatus::ok)
        answer_again(s, found->seq);
      else
        answer_failure(s, errc_from_name(found->code));
    } else {
      answer_again(s, {});
      // Older than the 180-day retention: it ran, its result text is gone.
      outs.push_back({s.actor.cid, FrameR{.lane = s.lane,
                                          .n = s.n,
                                          .status = MutationStatus::ok,
                                          .seq = {},
                                          .lanes = {},
                                          .code = {},
                                          .msg = {},
                                          .info = {},
                                          .after_ms = 0}});
    }
  }

  /// Whoever waits for a numbered mutation hears what became of it, also when it did not run now:
  /// a caller without an answer would wait for ever.
  void answer_again(const Submission& s, Seq seq) {
    if (s.token != 0) answers.push_back({s.token, Result<Json>(Json()), seq, true});
  }
  void answer_failure(const Submission& s, Errc code) {
    if (s.token != 0) answers.push_back({s.token, fail(code, s.name), {}, false});
  }

  void gap(const Submission& s, std::uint64_t want) {
    answer_failure(s, Errc::gap);
    if (!gaps.insert({s.actor.cid, s.lane}).second) return;
    outs.push_back({s.actor.cid, FrameErr{.code = std::string(errc_name(Errc::gap)),
                                          .msg = std::string(errc_sentence(Errc::gap)),
                                          .fatal = false,
                                          .lane = s.lane,
                                          .want = want,
                                          .after_ms = 0}});
  }

  void run_unnumbered(const Submission& s) {
    if (s.idempotency) {
      if (auto earlier = earlier_answer(s)) {
        answers.push_back(std::move(*earlier));
        return;
      }
    }
    const Done done = execute(s);
    if (s.idempotency) remember_answer(s, done);
    if (s.token != 0) answers.push_back({s.token, done.result, done.seq, false});
  }

  std::optional<Answer> earlier_answer(const Submission& s) {
    const IdempotencyRecord* found = nullptr;
    std::optional<IdempotencyRecord> stored;
    for (const IdempotencyRecord& r : idempotency)
      if (r.actor == s.actor.account && r.key == s.idempotency->key) found = &r;
    if (found == nullptr) {
      auto read = base.store().idempotency(s.actor.account, s.idempotency->key);
      if (!read) throw StoreFailure{read.error()};
      stored = std::move(*read);
      if (stored) found = &*stored;
    }
    if (found == nullptr) return std::nullopt;
    if (found->request_hash != s.idempotency->request_hash)
      return Answer{s.token, fail(Errc::idempotency_mismatch, "Idempotency-Key"), {}, false};
    auto json = parse_json(found->response, limits::kRowBytesMax);
    if (!json) throw StoreFailure{{Errc::corrupt, "stored answer"}};
    if (found->status == 200) return Answer{s.token, std::move(*json), {}, true};
    return Answer{s.token,
                  fail(errc_from_name(json_text(*json, "code")), json_text(*json, "detail")),
                  {},
                  true};
  }

  void remember_answer(const Submission& s, const Done& done) {
    IdempotencyRecord r{.actor = s.actor.account,
                        .key = s.idempotency->key,
                        .request_hash = s.idempotency->request_hash,
                        .status = 200,
                        .response = {},
                        .at = to_unix_ms(now)};
    if (done.result) {
      r.response = dump_json(*done.result);
    } else {
      const Error& e = done.result.error();
      // What a retry may mend is not an answer to keep.
      if (errc_retryable(e.code)) return;
      r.status = errc_http_status(e.code);
      r.response = dump_json(Json{{"code", errc_name(e.code)}, {"detail", e.detail}});
    }
    idempotency.push_back(std::move(r));
  }

  UpNumbers& numbers(const Cid& cid) {
    auto [it, fresh] = touched_clients.try_emplace(cid.raw());
    if (fresh)
      if (auto known = base.clients.find(cid.raw()); known != base.clients.end())
        it->second = known->second;
    return it->second;
  }

  void begin() {
    now = clock.now();
    head = base.head;
    batch.clear();
    results.clear();
    quarantine.clear();
    idempotency.clear();
    outs.clear();
    answers.clear();
    gaps.clear();
    touched_clients.clear();
    due_removes.clear();
  }

  Result<BatchResult> finish() {
    BatchBuilder builder(base, batch);
    WriteBatch write = builder.write(base.head, head, to_unix_ms(now));
    write.results = std::move(results);
    write.quarantine = std::move(quarantine);
    write.idempotency = std::move(idempotency);
    for (const auto& [cid, last] : touched_clients) write.clients.push_back({Cid{cid}, last});
    std::ranges::sort(write.clients, {}, [](const ClientWrite& c) { return c.cid; });
    std::ranges::move(due_removes, std::back_inserter(write.due_removes));
    const bool nothing = write.from == write.to && write.results.empty() &&
                         write.idempotency.empty() && write.due_removes.empty();
    if (!nothing) LINLI_CHECK(base.store().apply(write));
    base.store().release();
    BatchResult out;
    std::shared_ptr<Commit> commit = builder.commit(write, std::move(outs));
    out.answers = std::move(answers);
    builder.adopt(write);
    if (reload) {
      LINLI_TRY(StoreState state, base.store().load());
      commit->reload = std::make_shared<const StoreState>(std::move(state));
      reload = false;
    }
    out.commit = std::move(commit);
    return out;
  }

  struct Held {
    explicit Held(Store& store) : of(store) {}
    ~Held() { of.release(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    Store& of;
  };

  /// Runs `body` between begin() and finish(); on a store failure memory is read again.
  template <class Body>
  Result<BatchResult> guarded(Body body) {
    if (broken) {
      LINLI_CHECK(base.open());
      broken = false;
    }
    begin();
    const Held held(base.store());
    try {
      if (auto ok = base.store().hold(); !ok) return recover(ok.error());
      body();
      auto result = finish();
      if (result) return result;
      return recover(result.error());
    } catch (const StoreFailure& failure) {
      return recover(failure.error);
    }
  }

  std::unexpected<Error> recover(Error error) {
    log_event(LogLevel::error, "sync.store.failed",
              {{"code", errc_name(error.code)}, {"detail", error.detail}});
    broken = reload = true;
    return std::unexpected(std::move(error));
  }

  const Registry& registry;
  const Clock& clock;
  Rng& rng;
  BaseState base;

  /// The store failed: memory must be read again before the next batch ...
  bool broken = false;
  /// ... and the shards must be told to forget what they know.
  bool reload = false;

  // State of the running batch.
  Instant now;
  Seq head;
  Overlay batch;
  std::vector<StoredResult> results;
  std::vector<QuarantineWrite> quarantine;
  std::vector<IdempotencyRecord> idempotency;
  std::vector<ResultOut> outs;
  std::vector<Answer> answers;
  std::vector<DueRow> due_removes;
  std::set<std::pair<Cid, UpLane>> gaps;
  std::unordered_map<Id128, UpNumbers> touched_clients;
};

Committer::Committer(const Registry& registry, Store& store, const Clock& clock, Rng& rng)
    : impl_(std::make_unique<Impl>(registry, store, clock, rng)) {}

Committer::~Committer() = default;

Result<StoreState> Committer::open() { return impl_->base.open(); }

Seq Committer::head() const { return impl_->base.head; }

Result<BatchResult> Committer::run(std::span<Submission> batch) {
  LINLI_ASSERT(batch.size() <= limits::kBatchMutationsMax);
  return impl_->guarded([&] {
    for (const Submission& s : batch) {
      if (s.n > 0) {
        impl_->run_numbered(s);
      } else {
        impl_->run_unnumbered(s);
      }
    }
  });
}

Result<BatchResult> Committer::tick() {
  return impl_->guarded([&] {
    Impl& i = *impl_;
    auto due = i.base.store().due(to_unix_ms(i.now), kDueRowsPerTick);
    if (!due) throw StoreFailure{due.error()};
    for (const DueRow& row : *due) {
      i.due_removes.push_back(row);
      const DueDef* def = i.registry.due(row.kind);
      if (def == nullptr) {
        log_event(LogLevel::error, "sync.due.unknown_kind", {{"kind", row.kind}});
        continue;
      }
      // A handler that ran earlier in this batch may have cancelled or moved this one.
      if (i.batch.due.contains({row.kind, row.key})) continue;
      const Seq seq{i.head.raw() + 1};
      Mutation mutation({i.base, i.batch, i.rng, i.now, seq}, system_actor(), i.now);
      const bool missed = i.now - from_unix_ms(row.at) > def->grace;
      try {
        def->run(mutation, row.key, missed);
        mutation.fold_into_batch();
        i.head = seq;
        continue;
      } catch (const MutationLimit& limit) {
        log_event(LogLevel::error, "sync.due.too_large",
                  {{"kind", row.kind}, {"what", limit.what}});
      } catch (const std::exception& e) {
        log_event(LogLevel::error, "sync.due.threw", {{"kind", row.kind}, {"what", e.what()}});
      }
      // Its effects are dropped, the work is not: half a sending must not stop for good.
      i.batch.due[{row.kind, row.key}] = to_unix_ms(i.now + kDueRetry);
    }
  });
}

Result<BatchResult> Committer::run_as_system(const std::function<void(MutatorContext&)>& body) {
  Impl& i = *impl_;
  std::optional<Error> refused;
  LINLI_TRY(BatchResult done, i.guarded([&] {
    Mutation mutation({i.base, i.batch, i.rng, i.now, Seq{i.head.raw() + 1}}, system_actor(),
                      i.now);
    try {
      body(mutation);
      if (!mutation.changes_anything()) return;
      mutation.fold_into_batch();
      i.head = mutation.seq();
    } catch (const MutationLimit& limit) {
      refused = Error{Errc::too_large, limit.what};
    } catch (const std::exception& e) {
      refused = Error{Errc::internal, e.what()};
    }
  }));
  if (refused) return std::unexpected(std::move(*refused));
  return done;
}

namespace {

/// Last outbox row, at most `consumed`, that is older than its retention: until then a restored
/// gateway may ask for it again (decision M11). A page a call; the next hour goes on.
Result<std::uint64_t> outbox_to_drop(Store& store, Instant now, std::uint64_t consumed) {
  constexpr std::size_t kPage = 5000;
  LINLI_TRY(const auto rows, store.outbox(0, kPage));
  std::uint64_t last = 0;
  for (const OutboxRow& row : rows)
    if (row.id <= consumed && from_unix_ms(row.at) < now - limits::kOutboxRetention) last = row.id;
  return last;
}

}  // namespace

Result<SharedCommit> Committer::collect_garbage(std::uint64_t outbox_consumed) {
  BaseState& base = impl_->base;
  auto commit = std::make_shared<Commit>();
  commit->from = commit->to = base.head;
  // After a failure memory may be older than the store; the next batch reads it anew.
  if (impl_->broken) return commit;
  Store& store = base.store();
  const Instant now = impl_->clock.now();
  LINLI_TRY(const Seq floor, store.seq_at(to_unix_ms(now - limits::kTombstoneRetention)));
  for (auto& [id, info] : base.buckets) {
    const Seq to = std::min(floor, info.head);
    if (to <= info.floor) continue;
    LINLI_CHECK(store.raise_floor(info.id, to));
    info.floor = to;
    commit->new_buckets.push_back(info);
  }
  LINLI_TRY(const std::uint64_t drop, outbox_to_drop(store, now, outbox_consumed));
  LINLI_CHECK(store.prune(to_unix_ms(now - limits::kResultRetention), drop));
  return commit;
}

}  // namespace linli::sync
