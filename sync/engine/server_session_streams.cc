// SPDX-License-Identifier: Apache-2.0
// The rows' side of a session: fills, catch-up, live frames, lag mode, window.
#include <algorithm>

#include "base/assert.h"
#include "sync/engine/server_session.h"

namespace linli::sync {
namespace {

constexpr std::array kLaneOrder{Lane::urgent, Lane::normal};

FrameQueue::Class class_of(Lane lane) {
  return lane == Lane::urgent ? FrameQueue::Class::urgent : FrameQueue::Class::normal;
}

}  // namespace

ServerSession::Held* ServerSession::held(BucketId id) {
  auto it = std::ranges::lower_bound(held_, id, {}, &Held::id);
  return it != held_.end() && it->id == id ? &*it : nullptr;
}

std::optional<Seq> ServerSession::held_gen(BucketId bucket) const {
  auto it = std::ranges::lower_bound(held_, bucket, {}, &Held::id);
  if (it == held_.end() || it->id != bucket) return std::nullopt;
  return it->gen;
}

std::vector<BucketId> ServerSession::bucket_ids() const {
  std::vector<BucketId> out;
  out.reserve(held_.size());
  for (const Held& b : held_) out.push_back(b.id);
  return out;
}

bool ServerSession::waits_for_commit() const { return read_head_ > view_->head(); }

void ServerSession::on_membership(const FrameM& change) {
  if (state_ == State::closed) return;
  for (BucketId id : change.drop) {
    queue_.purge(id);
    std::erase_if(held_, [&](const Held& b) { return b.id == id; });
    if (asked_ == id) asked_gen_ = Seq{};
  }
  all_live_ = all_live_ && change.add.empty();
  for (const BucketGrant& g : change.add) {
    Held fresh{
        .id = g.b, .lane = g.lane, .pri = g.pri, .mode = Mode::filling, .gen = g.gen, .cursor = {}};
    held_.insert(std::ranges::lower_bound(held_, g.b, {}, &Held::id), fresh);
  }
  send(change);
}

void ServerSession::on_bucket(const Commit& commit, BucketId bucket,
                              const std::vector<SharedFrame>& frames) {
  if (state_ == State::closed) return;
  Held* b = held(bucket);
  if (b == nullptr || b->mode != Mode::live) return;
  if (catching_[index(b->lane)]) {
    b->mode = Mode::catching;
    b->cursor = commit.from;
    return;
  }
  for (const SharedFrame& frame : frames)
    enqueue(b->lane, {.frame = frame, .bucket = bucket, .reveal = {}, .live = true});
  touched_lanes_ |= std::uint8_t(1U << index(b->lane));
}

void ServerSession::on_commit_end(const Commit& commit) {
  const std::uint8_t touched = std::exchange(touched_lanes_, std::uint8_t{0});
  if (state_ == State::closed) return;
  for (Lane lane : kLaneOrder) {
    if ((touched & (1U << index(lane))) == 0 || catching_[index(lane)]) continue;
    enqueue(lane, {.frame = commit.encoded(encoding_).reveal[index(lane)],
                   .bucket = {},
                   .reveal = commit.to,
                   .live = true});
    const Class cls = class_of(lane);
    if (queue_.bytes(cls) > config_->queue_bytes || queue_.frames(cls) > config_->queue_frames)
      enter_lag(lane);
  }
  pump();
}

void ServerSession::enqueue(Lane lane, FrameQueue::Item item) {
  queue_.push(class_of(lane), std::move(item));
}

void ServerSession::enter_lag(Lane lane) {
  const Seq kept = queue_.drop_live(class_of(lane));
  const Seq from = std::max(sent_c_[index(lane)], kept);
  for (Held& b : held_) {
    if (b.lane != lane || b.mode != Mode::live) continue;
    b.mode = Mode::catching;
    b.cursor = from;
  }
  catching_[index(lane)] = true;
  all_live_ = false;
  ++lags_;
}

void ServerSession::on_reload() {
  for (Lane lane : kLaneOrder) enter_lag(lane);
  if (streaming_) ask_results();
}

bool ServerSession::may_read(Lane lane) const {
  const std::size_t queued = queue_.bytes(class_of(lane));
  if (remainder_) return queued < limits::kRemainderBytesMax;
  return queued < limits::kNormalPartBytes;
}

ServerSession::Held* ServerSession::next_to_read() {
  const auto behind = [&](const Held& b) { return b.cursor < view_->bucket(b.id).head; };
  for (Lane lane : kLaneOrder) {
    if (!may_read(lane)) continue;
    Held* best = nullptr;
    for (Held& b : held_) {
      if (b.lane != lane || b.mode == Mode::live || !behind(b)) continue;
      if (b.mode == Mode::catching) return &b;
      if (b.mode == Mode::filling && (best == nullptr || b.pri < best->pri)) best = &b;
    }
    if (best != nullptr) return best;
  }
  return nullptr;
}

bool ServerSession::finish_lane(Lane lane) {
  if (!catching_[index(lane)] || waits_for_commit()) return false;
  for (const Held& b : held_)
    if (b.lane == lane && b.mode == Mode::catching && b.cursor < view_->bucket(b.id).head)
      return false;
  for (Held& b : held_)
    if (b.lane == lane && b.mode == Mode::catching) b.mode = Mode::live;
  catching_[index(lane)] = false;
  remainder_ = false;
  pages_ = 0;
  auto frame = std::make_shared<std::string>();
  encode(encoding_,
         ServerFrame{FrameC{.lane = lane, .bucket = {}, .seq = view_->head(), .digest = {}}},
         *frame);
  enqueue(lane, {.frame = std::move(frame), .bucket = {}, .reveal = view_->head(), .live = false});
  return true;
}

bool ServerSession::reveal_filled(Held& b) {
  if (b.mode != Mode::filling) return false;
  const BucketInfo& info = view_->bucket(b.id);
  if (b.cursor < info.head || waits_for_commit()) return false;
  auto frame = std::make_shared<std::string>();
  encode(encoding_,
         ServerFrame{
             FrameC{.lane = b.lane, .bucket = b.id, .seq = view_->head(), .digest = info.digest}},
         *frame);
  enqueue(b.lane, {.frame = std::move(frame), .bucket = b.id, .reveal = {}, .live = false});
  // While its lane is catching up the bucket joins it, complete up to here.
  b.mode = catching_[index(b.lane)] ? Mode::catching : Mode::live;
  b.cursor = view_->head();
  return true;
}

void ServerSession::pump() {
  if (state_ != State::live || !streaming_ || all_live_) return;
  for (Lane lane : kLaneOrder) finish_lane(lane);
  for (Held& b : held_) reveal_filled(b);
  if (chunk_asked_) return;
  Held* next = next_to_read();
  if (next == nullptr) {
    all_live_ = !catching_[0] && !catching_[1] &&
                std::ranges::all_of(held_, [](const Held& b) { return b.mode == Mode::live; });
    return;
  }
  chunk_asked_ = true;
  asked_ = next->id;
  asked_gen_ = next->gen;
  asks_.push_back(AskChunk{next->id, next->cursor, view_->bucket(next->id).head, encoding_});
}

void ServerSession::on_chunk(const Result<SharedChunk>& chunk) {
  chunk_asked_ = false;
  if (state_ == State::closed) return;
  if (!chunk) return complain(Errc::unavailable, "page", true);
  Held* b = held(asked_);
  // Dropped, granted anew or refilled while the page was read: it is not ours any more.
  if (b != nullptr && b->gen == asked_gen_ && b->mode != Mode::live) {
    for (const SharedFrame& frame : (*chunk)->frames)
      enqueue(b->lane, {.frame = frame, .bucket = b->id, .reveal = {}, .live = false});
    b->cursor = std::max(b->cursor, (*chunk)->to);
    read_head_ = std::max(read_head_, (*chunk)->read_head);
    if (b->mode == Mode::catching && ++pages_ > limits::kCatchUpPagesMax) remainder_ = true;
  }
  pump();
}

void ServerSession::adapt_window(std::uint64_t acked, MonoTime mono) {
  rate_bytes_ += acked;
  const Millis passed = mono - rate_from_;
  if (passed < Millis{500}) return;
  // Half a second of what the line carried; a line that was idle tells nothing.
  const std::uint64_t outstanding = tx_bytes_ - rx_acked_;
  if (outstanding * 2 > window_ && passed < Millis{10'000}) {
    const std::uint64_t rate = rate_bytes_ * 1000 / static_cast<std::uint64_t>(passed.count());
    window_ = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(rate / 2, limits::kWindowBytesMin, config_->window));
  }
  rate_from_ = mono;
  rate_bytes_ = 0;
}

/// Below kAckBytes the phone need not acknowledge, so a frame of any size goes.
bool ServerSession::fits_window(std::size_t gathered) const {
  const std::uint64_t outstanding = tx_bytes_ + gathered - rx_acked_;
  return outstanding < limits::kAckBytes ||
         outstanding + queue_.front(Class::normal).frame->size() <= window_;
}

bool ServerSession::has_output() const {
  if (!queue_.empty(Class::control) || !queue_.empty(Class::urgent)) return true;
  return !queue_.empty(Class::normal) && fits_window(0);
}

bool ServerSession::pop_output(std::vector<SharedFrame>& out, std::size_t& bytes) {
  Class cls = Class::control;
  if (queue_.empty(cls)) cls = Class::urgent;
  if (queue_.empty(cls)) {
    cls = Class::normal;
    if (queue_.empty(cls) || !fits_window(bytes)) return false;
  }
  if (!out.empty() && bytes + queue_.front(cls).frame->size() > limits::kMessageBytesMax)
    return false;
  FrameQueue::Item item = queue_.pop(cls);
  bytes += item.frame->size();
  if (cls != Class::control) {
    if (item.reveal.raw() > 0) {
      const Lane lane = cls == Class::urgent ? Lane::urgent : Lane::normal;
      sent_c_[index(lane)] = std::max(sent_c_[index(lane)], item.reveal);
    }
    // Every C is acknowledged; so are B's after 8 KiB, which the next C covers.
    if (item.reveal.raw() > 0) tx_owed_ = tx_bytes_ + bytes;
  }
  out.push_back(std::move(item.frame));
  return true;
}

void ServerSession::take_output(std::vector<SharedFrame>& out, MonoTime mono) {
  std::size_t bytes = 0;
  const bool idle = rx_acked_ >= tx_owed_;
  while (out.size() < limits::kMessageFramesMax && pop_output(out, bytes)) {
  }
  if (idle && tx_owed_ > rx_acked_) last_progress_ = mono;
  tx_bytes_ += bytes;
  pump();
}

}  // namespace linli::sync
