// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_phone.h"

#include <algorithm>

namespace linli::test {

using namespace sync;

namespace {
const Instant kNow = from_unix_ms(1'700'000'000'000);
}

TestPhone::TestPhone(Cid cid, AccountId account, Encoding encoding)
    : cid_(cid), account_(account), encoding_(encoding) {}

void TestPhone::connect(Hub& hub, StoreReader& reader, const SessionConfig& config) {
  hub_ = &hub;
  reader_ = &reader;
  rx_ = 0;
  closed.reset();
  session_ = std::make_unique<ServerSession>(config, hub.view(), encoding_);
  session_->start(Nonce{}, kNow, MonoTime{0});
  hub.changed(*session_);
  run();
}

void TestPhone::disconnect() {
  if (session_ == nullptr) return;
  hub_->detach(*session_);
  session_.reset();
  held_asks_.clear();
  for (auto& [id, b] : buckets_)
    if (!b.filling) b.staged.clear(), b.staged_digest.reset();
}

void TestPhone::send(const ClientFrame& frame) {
  std::string bytes;
  encode(encoding_, frame, bytes);
  session_->on_message(bytes, kNow, mono);
  hub_->changed(*session_);
}

void TestPhone::run(int messages) {
  for (int i = 0; i < messages && session_ != nullptr; ++i) {
    std::vector<SharedFrame> out;
    session_->take_output(out, mono);
    perform_asks();
    if (out.empty()) {
      std::vector<SharedFrame> again;
      session_->take_output(again, mono);
      if (again.empty()) return;
      out = std::move(again);
      perform_asks();
    }
    std::string message;
    for (const SharedFrame& f : out) message += *f;
    if (message.size() > limits::kServerMessageBytesMax) faults.push_back("message too large");
    rx_ += message.size();
    auto frames = decode_server(encoding_, message);
    if (!frames) {
      faults.push_back("does not decode: " + frames.error().detail);
      return;
    }
    for (const ServerFrame& frame : *frames) {
      if (const auto* k = std::get_if<FrameK>(&frame)) hello(*k);
      if (const auto* w = std::get_if<FrameWelcome>(&frame)) on(*w);
      if (const auto* b = std::get_if<FrameB>(&frame)) on(*b);
      if (const auto* c = std::get_if<FrameC>(&frame)) on(*c);
      if (const auto* m = std::get_if<FrameM>(&frame)) on(*m);
      if (const auto* r = std::get_if<FrameR>(&frame)) {
        trace.push_back("R");
        results.push_back(*r);
        if (r->status != MutationStatus::retry)
          res_n_[index(r->lane)] = std::max(res_n_[index(r->lane)], r->n);
      }
      if (const auto* e = std::get_if<FrameErr>(&frame)) errors.push_back(*e);
    }
    if (acknowledges && session_ != nullptr && session_->state() == ServerSession::State::live)
      send(FrameAck{.rx = rx_, .cur = cur_, .res = res_n_});
  }
}

void TestPhone::perform_asks() {
  std::vector<Ask> asks = session_->take_asks();
  for (Ask& ask : asks) {
    if (const auto* a = std::get_if<AskAuthenticate>(&ask))
      session_->on_authenticated(Principal{account_, a->cid, replaced_at}, kNow, mono);
    if (const auto* a = std::get_if<AskResults>(&ask)) {
      std::vector<StoredResult> all;
      for (UpLane lane : {UpLane::alert, UpLane::interactive, UpLane::bulk}) {
        auto stored = reader_->results(a->cid, lane, a->after[index(lane)], 1000);
        std::ranges::move(*stored, std::back_inserter(all));
      }
      session_->on_results(all);
    }
    if (auto* a = std::get_if<AskMutate>(&ask)) pushed.push_back(std::move(*a));
    if (const auto* a = std::get_if<AskClose>(&ask)) closed = a->code;
    if (const auto* a = std::get_if<AskChunk>(&ask)) held_asks_.push_back(*a);
  }
  if (!answers_pages) return;
  for (const AskChunk& ask : std::exchange(held_asks_, {})) {
    auto chunk = reader_->chunk(ask.bucket, ask.after, ask.after.raw() > 0, limits::kPageRowsMax,
                                limits::kPageBytesMax);
    session_->on_chunk(encode_chunk(*chunk, ask.bucket, ask.encoding));
  }
  hub_->changed(*session_);
}

void TestPhone::hello(const FrameK& k) {
  HelloBody body;
  body.cid = cid_;
  body.origin = "http://test";
  body.app = "test";
  std::vector<HeldBucket> held;
  for (const auto& [id, b] : buckets_) {
    held.push_back({id, b.grant.gen});
    if (b.filling) body.part.push_back({id, b.grant.gen, b.cur});
  }
  sent_hash_ = known_;
  if (known_) {
    body.epoch = epoch_;
    body.set_hash = bucket_set_hash(held);
    body.cur = cur_;
  }
  body.res_n = res_n_;
  (void)k;
  send(FrameHello{.body = encode_hello_body(encoding_, body), .sig = {}});
}

void TestPhone::grant(const BucketGrant& g) {
  auto& b = buckets_[g.b];
  b.grant = g;
  b.filling = true;
  b.cur = {};
  b.staged.clear();
  b.staged_digest.reset();
}

void TestPhone::on(const FrameWelcome& w) {
  hand_over = w.hand_over;
  const bool fresh = !known_ || epoch_ != w.epoch;
  if (fresh) buckets_.clear(), cur_ = w.head;
  known_ = true;
  epoch_ = w.epoch;
  if (!w.buckets) return;
  std::map<BucketId, BucketGrant> listed;
  for (const BucketGrant& g : *w.buckets) listed[g.b] = g;
  std::erase_if(buckets_, [&](const auto& entry) {
    return !listed.contains(entry.first) || listed[entry.first].gen != entry.second.grant.gen;
  });
  FrameHave have;
  for (const auto& [id, g] : listed) {
    auto it = buckets_.find(id);
    if (it == buckets_.end()) {
      grant(g);
    } else if (it->second.filling) {
      have.part.push_back({id, g.gen, it->second.cur});
    } else {
      have.live.push_back({id, g.gen});
    }
  }
  if (sent_hash_) send(have);
}

void TestPhone::on(const FrameM& m) {
  trace.push_back("M");
  for (BucketId id : m.drop)
    if (buckets_.erase(id) == 0) faults.push_back("dropped a bucket it did not hold");
  for (const BucketGrant& g : m.add) grant(g);
}

void TestPhone::on(const FrameB& b) {
  trace.push_back("B" + std::to_string(b.b.raw()));
  auto it = buckets_.find(b.b);
  if (it == buckets_.end()) {
    faults.push_back("rows of a bucket it is not a member of");
    return;
  }
  rows_received += b.ops.size();
  for (const Op& op : b.ops) {
    auto [at, fresh] = it->second.staged.try_emplace(op.row, op);
    if (!fresh && op.ver >= at->second.ver) at->second = op;
  }
  it->second.staged_digest = b.digest;
  if (it->second.filling) it->second.cur = std::max(it->second.cur, b.to);
}

void TestPhone::check(Bucket& bucket, const Digest& digest, const std::string& what) {
  Digest sum;
  for (const auto& [key, op] : bucket.live)
    if (op.data) sum.add(row_hash(key.tbl, key.key, op.ver, *op.data));
  if (!(sum == digest)) faults.push_back("digest of bucket " + what + " differs");
}

void TestPhone::on(const FrameC& c) {
  if (c.bucket) {
    trace.push_back("C:" + std::to_string(c.bucket->raw()));
    auto it = buckets_.find(*c.bucket);
    if (it == buckets_.end() || !it->second.filling) {
      faults.push_back("reveal of a bucket that is not filling");
      return;
    }
    Bucket& b = it->second;
    b.live = std::exchange(b.staged, {});
    b.staged_digest.reset();
    b.filling = false;
    check(b, *c.digest, std::to_string(c.bucket->raw()));
    return;
  }
  trace.push_back(std::string("C") + std::string(lane_name(c.lane)));
  for (auto& [id, b] : buckets_) {
    if (b.filling || b.grant.lane != c.lane) continue;
    for (auto& [key, op] : std::exchange(b.staged, {})) {
      auto [at, fresh] = b.live.try_emplace(key, op);
      if (!fresh && op.ver >= at->second.ver) at->second = op;
    }
    if (auto digest = std::exchange(b.staged_digest, std::nullopt))
      check(b, *digest, std::to_string(id.raw()));
  }
  cur_[index(c.lane)] = std::max(cur_[index(c.lane)], c.seq);
}

std::map<std::string, std::string> TestPhone::shown() const {
  std::map<RowKey, Op> rows;
  for (const auto& [id, b] : buckets_) {
    for (const auto& [key, op] : b.live) {
      if (!op.data) continue;
      auto [at, fresh] = rows.try_emplace(key, op);
      if (!fresh && op.ver > at->second.ver) at->second = op;
    }
  }
  std::map<std::string, std::string> out;
  for (const auto& [key, op] : rows) out[key.tbl + "/" + key.key] = *op.data;
  return out;
}

}  // namespace linli::test
