// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_server.h"

#include "base/assert.h"

namespace linli::test {

using sync::BucketId;
using sync::FrameB;
using sync::FrameC;
using sync::FrameR;
using sync::Lane;
using sync::Op;
using sync::Seq;
using sync::ServerFrame;
using sync::UpLane;

ScriptedPhone::ScriptedPhone(sync::Encoding encoding, std::uint64_t seed)
    : ScriptedPhone(std::make_unique<MemoryStorage>(), encoding, seed) {
  LINLI_ASSERT(crypto_init().has_value());
  LINLI_ASSERT(store_->adopt_identity(make_identity(rng_)).has_value());
}

ScriptedPhone::ScriptedPhone(std::unique_ptr<MemoryStorage> storage, sync::Encoding encoding,
                             std::uint64_t seed)
    : encoding_(encoding), rng_(seed), store_(std::move(storage)) {
  session_.emplace(*store_, clock_, rng_, sync::ClientConfig{encoding_, "test"});
}

void ScriptedPhone::kill() {
  store_.restart();
  session_.emplace(*store_, clock_, rng_, sync::ClientConfig{encoding_, "test"});
  sent_.clear();
  closes_.clear();
  timer_.reset();
}

std::unique_ptr<ScriptedPhone> ScriptedPhone::clone(std::uint64_t seed) const {
  auto& self = const_cast<ScriptedPhone&>(*this);
  return std::unique_ptr<ScriptedPhone>(
      new ScriptedPhone(self.store_.storage().clone(), encoding_, seed));
}

void ScriptedPhone::perform() {
  for (sync::ClientAction& action : session_->take_actions()) {
    if (auto* message = std::get_if<sync::SendMessage>(&action)) {
      auto frames = decode_client(encoding_, message->bytes);
      LINLI_ASSERT(frames.has_value());
      for (auto& frame : *frames) {
        if (auto* hello = std::get_if<sync::FrameHello>(&frame)) hello_ = *hello;
        sent_.push_back(std::move(frame));
      }
    }
    if (auto* close = std::get_if<sync::CloseSocket>(&action)) closes_.push_back(close->code);
    if (auto* timer = std::get_if<sync::ArmTimer>(&action)) timer_ = timer->at;
    if (auto* dial = std::get_if<sync::Redial>(&action)) redial_ = dial->after;
  }
}

void ScriptedPhone::open() {
  session_->on_open();
  perform();
}

void ScriptedPhone::receive(std::initializer_list<ServerFrame> frames) {
  std::string message;
  for (const ServerFrame& frame : frames) encode(encoding_, frame, message);
  session_->on_message(message);
  perform();
}

void ScriptedPhone::close(std::uint16_t code) {
  session_->on_closed(code);
  perform();
}

void ScriptedPhone::connect(sync::FrameWelcome welcome) {
  open();
  receive(sync::FrameK{.nonce = {}, .server_id = {}, .epoch = epoch, .now = 0});
  welcome.epoch = epoch;
  welcome.account = store_->state().identity->account;
  welcome.window = 65536;
  if (welcome.t1 == 0) welcome.t1 = to_unix_ms(clock_.now());
  if (welcome.lease_until == 0) welcome.lease_until = welcome.t1 + 30LL * 24 * 3'600'000;
  receive(welcome);
}

void ScriptedPhone::advance(Millis by) {
  const MonoTime until = clock_.mono() + by;
  while (clock_.mono() < until) {
    clock_.advance(std::min<Millis>(Millis{1000}, until - clock_.mono()));
    if (!timer_ || *timer_ > clock_.mono()) continue;
    timer_.reset();
    session_->on_timer();
    perform();
  }
}

std::vector<sync::ClientFrame> ScriptedPhone::sent() { return std::exchange(sent_, {}); }

sync::HelloBody ScriptedPhone::last_hello() {
  LINLI_ASSERT(hello_.has_value());
  auto body = decode_hello_body(encoding_, hello_->body);
  LINLI_ASSERT(body.has_value());
  return *body;
}

sync::LocalMutation ScriptedPhone::write(std::string name, std::string args, UpLane lane) {
  sync::LocalMutation mutation;
  mutation.lane = lane;
  mutation.name = std::move(name);
  mutation.args = std::move(args);
  mutation.wall = to_unix_ms(clock_.now());
  auto made = store_->append(std::move(mutation), session_->may_send());
  LINLI_ASSERT(made.has_value());
  session_->on_local_write();
  perform();
  return *made;
}

std::string ScriptedPhone::row(std::string_view tbl, std::string_view key) {
  auto found = store_->row(tbl, key, clock_.now());
  LINLI_ASSERT(found.has_value());
  return *found ? (*found)->data : std::string();
}

Op put(std::string key, std::uint64_t ver, std::string data, std::string tbl) {
  return {{std::move(tbl), std::move(key)},
          Seq{ver},
          std::make_shared<const std::string>(std::move(data))};
}

Op tombstone(std::string key, std::uint64_t ver, std::string tbl) {
  return {{std::move(tbl), std::move(key)}, Seq{ver}, nullptr};
}

sync::Digest digest_of(const std::vector<Op>& ops) {
  sync::Digest out;
  for (const Op& op : ops)
    if (op.data) out.add(row_hash(op.row.tbl, op.row.key, op.ver, *op.data));
  return out;
}

sync::BucketGrant grant(std::uint32_t b, Lane lane, std::uint64_t gen) {
  return {.b = BucketId{b}, .gen = Seq{gen}, .lane = lane};
}

FrameB b_frame(std::uint32_t b, std::uint64_t to, std::vector<Op> ops,
               std::optional<sync::Digest> digest) {
  return {.b = BucketId{b}, .to = Seq{to}, .ops = std::move(ops), .digest = digest};
}

FrameC c_lane(Lane lane, std::uint64_t seq) {
  return {.lane = lane, .bucket = std::nullopt, .seq = Seq{seq}, .digest = std::nullopt};
}

FrameC c_bucket(std::uint32_t b, std::uint64_t seq, const std::vector<Op>& rows) {
  return {.lane = Lane::normal, .bucket = BucketId{b}, .seq = Seq{seq}, .digest = digest_of(rows)};
}

FrameR ok(UpLane lane, std::uint64_t n, std::uint64_t seq, std::vector<Lane> lanes) {
  FrameR out;
  out.lane = lane;
  out.n = n;
  out.seq = Seq{seq};
  out.lanes = std::move(lanes);
  return out;
}

FrameR rejected(UpLane lane, std::uint64_t n, std::uint64_t seq, std::string code) {
  FrameR out;
  out.lane = lane;
  out.n = n;
  out.status = sync::MutationStatus::rejected;
  out.seq = Seq{seq};
  out.code = std::move(code);
  out.msg = "refused";
  return out;
}

}  // namespace linli::test
