// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/phone.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "tests/bench/support/process.h"
#include "tests/bench/support/wire.h"

namespace linli::bench {
namespace {

/// docs/PROTOCOL.md §4: an ack at each C and whenever this much more came.
constexpr std::uint64_t kAckBytes = 8 * 1024;

std::int64_t unix_ms() {
  return to_unix_ms(std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()));
}

const std::vector<sync::ServerFrame>& decode(sync::Encoding encoding, std::string_view message) {
  struct Last {
    std::string message;
    std::vector<sync::ServerFrame> frames;
  };
  static std::array<Last, sync::kEncodings> cache;
  Last& last = cache[static_cast<std::size_t>(encoding)];
  if (last.message == message) return last.frames;
  auto frames = sync::decode_server(encoding, message);
  if (!frames) die("the server sent what is no message: " + frames.error().detail);
  last.message = message;
  last.frames = std::move(*frames);
  return last.frames;
}

}  // namespace

KeyPair device_key(std::size_t index) {
  const std::string text = "linli.bench.device " + std::to_string(index);
  return *KeyPair::from_seed(sha256(as_bytes(text)));
}

void Phone::on_open() {
  rx_ = rx_acked_ = 0;
  lanes_seen_ = 0;
  caught_up_ = false;
}

void Phone::on_closed(PhoneConfig& config) {
  if (caught_up_) --config.totals.caught_up;
  caught_up_ = false;
}

void Phone::on_message(PhoneConfig& config, std::string_view message, std::string& out) {
  ++config.totals.messages;
  config.totals.bytes += message.size();
  rx_ += message.size();
  bool revealed = false;
  for (const sync::ServerFrame& frame : decode(config.encoding, message)) {
    if (config.on_frame) config.on_frame(index_, frame);
    apply(config, frame, out);
    revealed = revealed || std::holds_alternative<sync::FrameC>(frame);
  }
  if (!caught_up_ && lanes_seen_ == 3 && filling_ == 0) {
    caught_up_ = true;
    ++config.totals.caught_up;
  }
  if (revealed || rx_ - rx_acked_ >= kAckBytes) acknowledge(config, out);
}

void Phone::apply(PhoneConfig& config, const sync::ServerFrame& frame, std::string& out) {
  PhoneConfig::Totals& totals = config.totals;
  if (const auto* b = std::get_if<sync::FrameB>(&frame)) {
    totals.rows += b->ops.size();
  } else if (const auto* c = std::get_if<sync::FrameC>(&frame)) {
    totals.reveals += c->bucket ? 0 : 1;
    reveal(*c);
  } else if (const auto* r = std::get_if<sync::FrameR>(&frame)) {
    ++(r->status == sync::MutationStatus::ok ? totals.results_ok : totals.results_bad);
    if (r->status != sync::MutationStatus::ok) totals.last_error = r->code + " " + r->info;
    res_[sync::index(r->lane)] = std::max(res_[sync::index(r->lane)], r->n);
    if (config.on_result) config.on_result(index_, *r);
  } else if (const auto* k = std::get_if<sync::FrameK>(&frame)) {
    hello(config, *k, out);
  } else if (const auto* w = std::get_if<sync::FrameWelcome>(&frame)) {
    welcome(config, *w, out);
  } else if (const auto* m = std::get_if<sync::FrameM>(&frame)) {
    membership(*m);
  } else if (const auto* e = std::get_if<sync::FrameErr>(&frame)) {
    ++totals.errors;
    totals.last_error = e->code + ": " + e->msg;
  }
}

void Phone::hello(PhoneConfig& config, const sync::FrameK& k, std::string& out) {
  const KeyPair key = device_key(index_);
  sync::HelloBody body;
  body.cid = sync::Cid{client_id_of(key.pub())};
  body.origin = config.origin;
  body.app = "linli-bench";
  body.t0 = unix_ms();
  sent_set_hash_ = known_ && std::ranges::any_of(held_, &Held::live);
  if (known_) {
    body.epoch = epoch_;
    body.cur = cur_;
    body.res_n = res_;
    body.last_n = last_;
  }
  if (sent_set_hash_) {
    std::vector<sync::HeldBucket> held;
    for (const Held& one : held_) held.push_back({one.b, one.gen});
    body.set_hash = sync::bucket_set_hash(held);
  }
  sync::FrameHello frame;
  frame.body = sync::encode_hello_body(config.encoding, body);
  const std::string message =
      sync::hello_message(config.origin, config.encoding, k.server_id, k.nonce, frame.body);
  frame.sig = key.sign(as_bytes(message));
  send(config, frame, out);
}

void Phone::welcome(PhoneConfig& config, const sync::FrameWelcome& frame, std::string& out) {
  if (!known_) cur_ = frame.head;
  if (!known_) last_ = frame.last_n;
  known_ = true;
  epoch_ = frame.epoch;
  account_ = frame.account;
  if (frame.buckets) {
    std::vector<Held> next;
    sync::FrameHave have;
    for (const sync::BucketGrant& grant : *frame.buckets) {
      const bool kept = std::ranges::any_of(held_, [&](const Held& one) {
        return one.live && one.b == grant.b && one.gen == grant.gen;
      });
      next.push_back({grant.b, grant.gen, kept});
      if (kept) have.live.push_back({grant.b, grant.gen});
    }
    held_ = std::move(next);
    std::ranges::sort(held_, {}, &Held::b);
    if (sent_set_hash_) send(config, have, out);
  }
  filling_ = static_cast<std::size_t>(std::ranges::count(held_, false, &Held::live));
}

void Phone::reveal(const sync::FrameC& frame) {
  if (!frame.bucket) {
    cur_[sync::index(frame.lane)] = frame.seq;
    lanes_seen_ |= static_cast<std::uint8_t>(1U << sync::index(frame.lane));
    return;
  }
  const auto found = std::ranges::find(held_, *frame.bucket, &Held::b);
  if (found == held_.end() || found->live) return;
  found->live = true;
  --filling_;
}

void Phone::membership(const sync::FrameM& frame) {
  std::erase_if(held_, [&](const Held& one) { return std::ranges::count(frame.drop, one.b) > 0; });
  for (const sync::BucketGrant& grant : frame.add) {
    std::erase_if(held_, [&](const Held& one) { return one.b == grant.b; });
    held_.push_back({grant.b, grant.gen, false});
  }
  std::ranges::sort(held_, {}, &Held::b);
  filling_ = static_cast<std::size_t>(std::ranges::count(held_, false, &Held::live));
}

void Phone::acknowledge(PhoneConfig& config, std::string& out) {
  rx_acked_ = rx_;
  send(config, sync::FrameAck{rx_, cur_, res_}, out);
}

void Phone::push(PhoneConfig& config, sync::UpLane lane, std::string_view name,
                 const std::vector<std::string>& args, std::string& out) {
  sync::FramePush frame{lane, {}};
  for (const std::string& one : args)
    frame.muts.push_back({.n = ++last_[sync::index(lane)],
                          .name = std::string(name),
                          .args = one,
                          .wall = unix_ms()});
  send(config, frame, out);
}

void Phone::ping(PhoneConfig& config, std::string& out) const {
  send(config, sync::FramePing{unix_ms()}, out);
}

void Phone::send(PhoneConfig& config, const sync::ClientFrame& frame, std::string& out) const {
  std::string payload;
  sync::encode(config.encoding, frame, payload);
  append_message(out, payload, config.encoding == sync::Encoding::json);
}

}  // namespace linli::bench
