// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/server.h"

#include <algorithm>

#include "base/assert.h"
#include "tests/sim/spoiled_store.h"
#include "tests/support/note_module.h"

namespace linli::sim {

using namespace sync;

Server::Server(Schedule& schedule, ManualClock& clock, Rng& rng, Plant plant)
    : schedule_(schedule), clock_(clock), rng_(rng), plant_(plant) {
  test::declare_notes(registry_);
  config_.origins = {"http://sim"};
  // So small that a slow phone falls into lag mode.
  config_.queue_bytes = 4096;
  config_.queue_frames = 12;
  store_ = std::make_unique<SpoiledStore>(disk_, plant);
}

Server::~Server() = default;

void Server::start() {
  LINLI_ASSERT(!up_);
  ++life_;
  committer_ = std::make_unique<Committer>(registry_, *store_, clock_, rng_);
  const StoreState state = *committer_->open();
  epoch_ = state.epoch;
  for (Shard& shard : shards_) shard.hub = std::make_unique<Hub>(state);
  pages_.clear();
  up_ = true;
  schedule_.after(Millis{1000}, [this, life = life_] {
    if (life == life_) tick();
  });
}

void Server::crash() {
  if (!up_) return;
  up_ = false;
  ++life_;
  for (auto& [id, c] : conns_) {
    shards_[c.shard].hub->detach(*c.session);
    c.link->open = false;
    schedule_.after(jitter(200), [link = c.link] {
      if (!link->swallow) link->phone_closed(1006);
    });
  }
  conns_.clear();
  queue_.clear();
  writing_ = false;
  for (Shard& shard : shards_) shard.hub.reset();
  committer_.reset();
  if (plant_ == Plant::ack_before_fsync && before_last_) disk_.restore(*before_last_);
}

void Server::backup() {
  if (!up_ || writing_) return;
  backup_ = disk_.snapshot();
  backup_model_ = model_;
}

void Server::restore() {
  LINLI_ASSERT(backup_.has_value());
  crash();
  disk_.restore(*backup_);
  ++restores_;
  heads_.clear();
  before_last_.reset();
  model_ = backup_model_;
  if (plant_ == Plant::restore_keeps_epoch) return;
  Id128 fresh;
  rng_.fill(fresh.bytes);
  LINLI_ASSERT(disk_.set_epoch(sync::Epoch{fresh}).has_value());
}

std::string Server::bucket_name(BucketId id) const {
  if (committer_ == nullptr) return {};
  const StoreState state = *const_cast<sync::MemoryStore&>(disk_).load();
  for (const BucketInfo& info : state.buckets)
    if (info.id == id) return info.spec.name;
  return {};
}

void Server::perform(Conn& c, Ask ask) {
  const std::uint64_t id = c.link->id;
  const auto later = [this, id](Millis delay, auto body) {
    schedule_.after(delay, [this, id, life = life_, body] {
      Conn* again = life == life_ ? conn(id) : nullptr;
      if (again == nullptr) return;
      body(*again);
      shards_[again->shard].hub->changed(*again->session);
      flush_dirty(again->shard);
    });
  };
  if (auto* a = std::get_if<AskAuthenticate>(&ask)) {
    later(jitter(20), [this, a = *a](Conn& to) {
      auto it = devices_.find(a.cid);
      const bool ok =
          it != devices_.end() && verify(it->second.pub, as_bytes(a.message), a.signature);
      to.session->on_authenticated(
          ok ? Result<Principal>(Principal{it->second.account, a.cid}) : fail(Errc::bad_signature),
          clock_.now(), clock_.mono());
    });
  } else if (auto* r = std::get_if<AskResults>(&ask)) {
    later(jitter(20), [this, r = *r](Conn& to) {
      std::vector<StoredResult> all;
      for (UpLane lane : {UpLane::alert, UpLane::interactive, UpLane::bulk}) {
        auto stored = store_->results(r.cid, lane, r.after[index(lane)], 10000);
        std::ranges::move(*stored, std::back_inserter(all));
      }
      to.session->on_results(all);
    });
  } else if (auto* k = std::get_if<AskChunk>(&ask)) {
    schedule_.after(jitter(15), [this, id, k = *k, life = life_] {
      if (life == life_) answer_chunk(id, k);
    });
  } else if (auto* m = std::get_if<AskMutate>(&ask)) {
    enqueue(c, std::move(*m));
  } else if (auto* y = std::get_if<AskRekey>(&ask)) {
    later(jitter(20), [this, frame = y->frame](Conn& to) {
      const Cid cid{client_id_of(frame.pub)};
      devices_[cid] = {to.session->principal()->account, frame.pub};
      to.session->on_rekeyed(FrameRekeyed{cid, "cert"});
    });
  } else if (auto* x = std::get_if<AskClose>(&ask)) {
    close(id, x->code);
  }
}

void Server::answer_chunk(std::uint64_t link, AskChunk ask) {
  Conn* c = conn(link);
  if (c == nullptr) return;
  auto cached = pages_.find({ask.bucket, ask.after});
  const bool usable =
      cached != pages_.end() &&
      (!cached->second.complete || cached->second.to >= ask.want || plant_ == Plant::stale_page);
  if (!usable) {
    auto chunk = store_->chunk(ask.bucket, ask.after, ask.after.raw() > 0, 3, 4000);
    LINLI_ASSERT(chunk.has_value());
    cached = pages_.insert_or_assign({ask.bucket, ask.after}, std::move(*chunk)).first;
  }
  BucketChunk page = cached->second;
  if (plant_ == Plant::stale_page && page.complete) page.to = std::max(page.to, ask.want);
  c->session->on_chunk(encode_chunk(page, ask.bucket, ask.encoding));
  shards_[c->shard].hub->changed(*c->session);
  flush_dirty(c->shard);
}

void Server::enqueue(Conn& c, AskMutate ask) {
  if (std::exchange(refuses_, false)) {
    ++rare_.refusals;
    c.session->on_mutate_refused(ask, 300);
    return flush(c);
  }
  const Principal& who = *c.session->principal();
  for (PushedMutation& m : ask.muts) {
    Submission s;
    s.actor = {.account = who.account,
               .cid = who.cid,
               .via = Via::device,
               .elevated = false,
               .scopes = {}};
    s.lane = ask.lane;
    s.n = m.n;
    if (plant_ != Plant::clone_accepted) s.mhash = mutation_hash(m.name, m.args);
    s.name = m.name;
    s.args = std::make_shared<const Json>(*parse_json(m.args));
    s.args_text = m.args;
    queue_.push_back(std::move(s));
  }
  wake_writer();
}

void Server::system(std::string name, Json args) {
  if (!up_) return;
  Submission s;
  s.name = std::move(name);
  s.args = std::make_shared<const Json>(std::move(args));
  queue_.push_back(std::move(s));
  wake_writer();
}

void Server::fail_next_commit(bool durable) {
  disk_.fail_apply({.nth = 1, .code = Errc::io, .durable = durable});
  fails_durably_ = durable;
}

void Server::collect_garbage() {
  if (!up_) return;
  // No socket is half a year behind. Here none is two minutes behind: its stall deadline ends it.
  constexpr Millis kOld{120'000};
  Seq floor;
  for (const auto& [at, head] : heads_)
    if (at + kOld < clock_.mono()) floor = head;
  store_->garbage_floor = floor;
  auto raised = committer_->collect_garbage(0);
  LINLI_ASSERT(raised.has_value());
  pages_.clear();
  rare_.floors += (*raised)->new_buckets.size();
  if (plant_ != Plant::floor_not_told) post(*raised);
}

void Server::wake_writer() {
  if (writing_ || !up_) return;
  writing_ = true;
  schedule_.after(jitter(10), [this, life = life_] {
    if (life == life_) write();
  });
}

void Server::write() {
  writing_ = false;
  std::vector<Submission> batch;
  const std::size_t size = 1 + rng_.below(8);
  while (!queue_.empty() && batch.size() < size) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  if (plant_ == Plant::ack_before_fsync) before_last_ = disk_.snapshot();
  auto result = committer_->run(batch);
  if (result) {
    observe(batch, *result->commit, result->answers);
    if (std::exchange(dies_after_commit_, false)) {
      ++rare_.unpublished;
      return crash();
    }
    post(result->commit);
  } else {
    if (fails_durably_)
      for (const Submission& s : batch) model_.run(s);
    // What a runtime does: everybody is told to send again.
    auto again = std::make_shared<Commit>();
    again->from = again->to = Seq{};
    for (const Submission& s : batch) {
      if (s.n == 0) {
        if (!fails_durably_) queue_.push_back(s);
        continue;
      }
      again->results.push_back({s.actor.cid, FrameR{.lane = s.lane,
                                                    .n = s.n,
                                                    .status = MutationStatus::retry,
                                                    .seq = {},
                                                    .lanes = {},
                                                    .code = "unavailable",
                                                    .msg = {},
                                                    .info = {},
                                                    .after_ms = 50}});
    }
    post_results(again);
  }
  if (!queue_.empty()) wake_writer();
}

void Server::tick() {
  if (auto result = committer_->tick()) post(result->commit);
  for (std::size_t shard = 0; shard < 2; ++shard) {
    shards_[shard].hub->for_each([&](ServerSession& s) {
      s.on_timer(clock_.mono());
      shards_[shard].hub->changed(s);
    });
    flush_dirty(shard);
  }
  schedule_.after(Millis{1000}, [this, life = life_] {
    if (life == life_) tick();
  });
}

void Server::observe(const std::vector<Submission>& batch, const Commit& commit,
                     const std::vector<Answer>&) {
  std::map<std::tuple<Cid, UpLane, std::uint64_t>, const FrameR*> got;
  for (const ResultOut& out : commit.results)
    if (const auto* r = std::get_if<FrameR>(&out.frame)) got[{out.cid, r->lane, r->n}] = r;
  for (const Submission& s : batch) {
    const auto expected = model_.run(s);
    if (!expected || s.n == 0) continue;
    auto it = got.find({s.actor.cid, s.lane, s.n});
    if (it == got.end()) {
      faults.push_back("mutation without a result");
    } else if ((it->second->status == MutationStatus::rejected) != expected->rejected ||
               it->second->seq != expected->seq) {
      faults.push_back("mutation " + s.name + " ended differently from the model");
    }
  }
  if (commit.to != model_.head()) faults.push_back("log head differs from the model");
  heads_.emplace_back(clock_.mono(), commit.to);
}

void Server::post(const SharedCommit& commit) {
  const auto& c = *commit;
  if (c.from == c.to && c.results.empty() && !c.reload && c.new_buckets.empty()) return;
  for (std::size_t i = 0; i < 2; ++i) {
    Shard& shard = shards_[i];
    shard.last_post = std::max(shard.last_post, clock_.mono() + jitter(25));
    schedule_.after(shard.last_post - clock_.mono(), [this, i, commit, life = life_] {
      if (life != life_) return;
      shards_[i].hub->on_commit(commit);
      flush_dirty(i);
    });
  }
}

void Server::post_results(const std::shared_ptr<Commit>& commit) {
  for (std::size_t i = 0; i < 2; ++i) {
    shards_[i].last_post = std::max(shards_[i].last_post, clock_.mono());
    schedule_.after(shards_[i].last_post - clock_.mono(), [this, i, commit, life = life_] {
      if (life != life_) return;
      auto here = std::make_shared<Commit>();
      here->from = here->to = shards_[i].hub->view().head();
      here->results = commit->results;
      shards_[i].hub->on_commit(here);
      flush_dirty(i);
    });
  }
}

}  // namespace linli::sim
