// SPDX-License-Identifier: Apache-2.0
#include <string_view>
#include <type_traits>

#include "base/assert.h"
#include "sync/protocol/cbor_writer.h"
#include "sync/protocol/codec.h"
#include "sync/protocol/json_writer.h"

namespace linli::sync {
namespace {

constexpr std::string_view status_name(MutationStatus status) {
  switch (status) {
    case MutationStatus::ok: return "ok";
    case MutationStatus::rejected: return "rejected";
    case MutationStatus::retry: return "retry";
  }
  return {};
}

/// Puts frames into words; `W` is JsonWriter or CborWriter. Absent members are counted before the
/// map begins, because CBOR announces how many follow.
template <class W>
class Encoder {
 public:
  explicit Encoder(std::string& out) : w_(out) {}

  void operator()(const FrameK& f) {
    begin("K", 5);
    bytes("nonce", f.nonce);
    bytes("server_id", f.server_id.bytes);
    id("epoch", f.epoch.raw());
    number("now", f.now);
    proto(f.proto_min, f.proto_max);
    w_.end_map();
  }

  void operator()(const FrameWelcome& f) {
    begin("welcome", 9 + (f.buckets ? 1 : 0) + (f.hand_over ? 1 : 0));
    number("proto", static_cast<std::int64_t>(f.proto));
    id("epoch", f.epoch.raw());
    id("account", f.account.raw());
    cursors("head", f.head);
    numbers("last_n", f.last_n);
    number("window", std::uint64_t{f.window});
    number("lease_until", f.lease_until);
    number("t0", f.t0);
    number("t1", f.t1);
    if (f.buckets) list("buckets", *f.buckets);
    if (f.hand_over) number("hand_over", *f.hand_over);
    w_.end_map();
  }

  void operator()(const FrameB& f) {
    begin("B", 3 + (f.digest ? 1 : 0));
    number("b", f.b);
    number("to", f.to.raw());
    list("ops", f.ops);
    if (f.digest) digest(*f.digest);
    w_.end_map();
  }

  void operator()(const FrameC& f) {
    LINLI_ASSERT(f.bucket.has_value() == f.digest.has_value());
    begin("C", f.bucket ? 3 : 2);
    if (f.bucket) {
      number("b", *f.bucket);
    } else {
      text("lane", lane_name(f.lane));
    }
    number("seq", f.seq.raw());
    if (f.digest) digest(*f.digest);
    w_.end_map();
  }

  void operator()(const FrameM& f) {
    begin("M", 1 + (f.drop.empty() ? 0 : 1) + (f.add.empty() ? 0 : 1));
    number("at", f.at.raw());
    if (!f.drop.empty()) list("drop", f.drop);
    if (!f.add.empty()) list("add", f.add);
    w_.end_map();
  }

  void operator()(const FrameR& f) {
    const std::size_t present = (f.seq == Seq{} ? 0U : 1U) + (f.lanes.empty() ? 0U : 1U) +
                                (f.code.empty() ? 0U : 1U) + (f.msg.empty() ? 0U : 1U) +
                                (f.info.empty() ? 0U : 1U) + (f.after_ms == 0 ? 0U : 1U) +
                                (f.mhash ? 1U : 0U);
    begin("R", 3 + present);
    number("lane", index(f.lane));
    number("n", f.n);
    text("st", status_name(f.status));
    if (f.mhash) bytes("h", f.mhash->bytes);
    if (f.seq != Seq{}) number("seq", f.seq.raw());
    if (!f.lanes.empty()) list("lanes", f.lanes);
    if (!f.code.empty()) text("code", f.code);
    if (!f.msg.empty()) text("msg", f.msg);
    if (!f.info.empty()) text("info", f.info);
    if (f.after_ms != 0) number("after", f.after_ms);
    w_.end_map();
  }

  void operator()(const FramePong& f) {
    begin("pong", 4);
    number("t0", f.t0);
    number("t1", f.t1);
    lanes(f.cur);
    w_.end_map();
  }

  void operator()(const FrameErr& f) {
    begin("err", 3 + (f.lane ? 1U : 0U) + (f.want != 0 ? 1U : 0U) + (f.after_ms != 0 ? 1U : 0U));
    text("code", f.code);
    text("msg", f.msg);
    w_.key("fatal");
    w_.boolean(f.fatal);
    if (f.lane) number("lane", index(*f.lane));
    if (f.want != 0) number("want", f.want);
    if (f.after_ms != 0) number("after", f.after_ms);
    w_.end_map();
  }

  void operator()(const FrameDrain& f) {
    begin("drain", 1);
    number("after", f.after_ms);
    w_.end_map();
  }

  void operator()(const FrameRekeyed& f) {
    begin("rekeyed", 2);
    id("cid", f.cid.raw());
    text("cert", f.cert);
    w_.end_map();
  }

  void operator()(const FrameUnknown& f) {
    begin(f.name, 0);
    w_.end_map();
  }

  void operator()(const FrameHello& f) {
    begin("hello", 2);
    bytes("body", as_bytes(f.body));
    bytes("sig", f.sig);
    w_.end_map();
  }

  void operator()(const FrameHave& f) {
    begin("have", 2);
    list("live", f.live);
    list("part", f.part);
    w_.end_map();
  }

  void operator()(const FramePush& f) {
    begin("push", 2);
    number("lane", index(f.lane));
    list("muts", f.muts);
    w_.end_map();
  }

  void operator()(const FrameAck& f) {
    begin("ack", 4);
    number("rx", f.rx);
    lanes(f.cur);
    numbers("res", f.res);
    w_.end_map();
  }

  void operator()(const FramePing& f) {
    begin("ping", 1);
    number("t0", f.t0);
    w_.end_map();
  }

  void operator()(const FrameRefill& f) {
    begin("refill", 1);
    list("b", f.buckets);
    w_.end_map();
  }

  void operator()(const FrameRekey& f) {
    begin("rekey", 3);
    text("cert", f.cert);
    bytes("pub", f.pub);
    bytes("sig", f.sig);
    w_.end_map();
  }

  void operator()(const FrameBye&) {
    begin("bye", 0);
    w_.end_map();
  }

  void hello_body(const HelloBody& b) {
    w_.begin_map(8 + (b.epoch ? 1U : 0U) + (b.set_hash ? 1U : 0U) + (b.part.empty() ? 0U : 1U) +
                 (b.cert.empty() ? 0U : 1U));
    id("cid", b.cid.raw());
    text("origin", b.origin);
    proto(b.proto_min, b.proto_max);
    text("app", b.app);
    if (b.epoch) id("epoch", b.epoch->raw());
    cursors("cur", b.cur);
    if (b.set_hash) bytes("set_hash", *b.set_hash);
    if (!b.part.empty()) list("part", b.part);
    w_.key("up");
    w_.begin_array(kUpLanes);
    for (std::size_t lane = 0; lane < kUpLanes; ++lane) {
      w_.begin_array(2);
      w_.integer(b.res_n[lane]);
      w_.integer(b.last_n[lane]);
      w_.end_array();
    }
    w_.end_array();
    number("pending", b.pending);
    if (!b.cert.empty()) text("cert", b.cert);
    number("t0", b.t0);
    w_.end_map();
  }

 private:
  /// `members` without `t`.
  void begin(std::string_view name, std::size_t members) {
    w_.begin_map(members + 1);
    text("t", name);
  }
  void text(std::string_view name, std::string_view value) {
    w_.key(name);
    w_.text(value);
  }
  void bytes(std::string_view name, ByteView value) {
    w_.key(name);
    w_.bytes(value);
  }
  void id(std::string_view name, const Id128& value) { text(name, value.hex()); }
  void number(std::string_view name, std::uint64_t value) {
    w_.key(name);
    w_.integer(value);
  }
  void number(std::string_view name, std::int64_t value) {
    w_.key(name);
    w_.integer(value);
  }
  void number(std::string_view name, BucketId value) { number(name, std::uint64_t{value.raw()}); }
  void proto(int min, int max) {
    w_.key("proto");
    w_.begin_array(2);
    w_.integer(std::int64_t{min});
    w_.integer(std::int64_t{max});
    w_.end_array();
  }
  void lanes(const Cursors& cur) {
    number("u", cur[index(Lane::urgent)].raw());
    number("s", cur[index(Lane::normal)].raw());
  }
  void cursors(std::string_view name, const Cursors& cur) {
    w_.key(name);
    w_.begin_map(kLanes);
    lanes(cur);
    w_.end_map();
  }
  void numbers(std::string_view name, const UpNumbers& values) {
    w_.key(name);
    w_.begin_array(values.size());
    for (const std::uint64_t value : values) w_.integer(value);
    w_.end_array();
  }
  void digest(const Digest& digest) {
    w_.key("d");
    w_.begin_array(2);
    w_.integer(digest.n);
    w_.sum(digest.s);
    w_.end_array();
  }
  template <class T>
  void list(std::string_view name, const std::vector<T>& values) {
    w_.key(name);
    w_.begin_array(values.size());
    for (const T& value : values) element(value);
    w_.end_array();
  }

  void element(const Op& op) {
    w_.begin_array(op.data ? 5 : 4);
    w_.integer(std::uint64_t{op.data ? 1U : 0U});
    w_.text(op.row.tbl);
    w_.text(op.row.key);
    w_.integer(op.ver.raw());
    if (op.data) w_.carried(*op.data);
    w_.end_array();
  }
  void element(const BucketGrant& grant) {
    w_.begin_array(5);
    element(grant.b);
    w_.integer(grant.gen.raw());
    element(grant.lane);
    w_.integer(std::uint64_t{grant.pri});
    w_.integer(static_cast<std::uint64_t>(grant.cls));
    w_.end_array();
  }
  void element(const HeldBucket& held) {
    w_.begin_array(2);
    element(held.b);
    w_.integer(held.gen.raw());
    w_.end_array();
  }
  void element(const PartBucket& part) {
    w_.begin_array(3);
    element(part.b);
    w_.integer(part.gen.raw());
    w_.integer(part.cur.raw());
    w_.end_array();
  }
  void element(const PushedMutation& m) {
    w_.begin_map(4 + (m.off != 0 ? 1U : 0U) + (m.unc != 0 ? 1U : 0U) + (m.fixes != 0 ? 1U : 0U));
    number("n", m.n);
    text("name", m.name);
    w_.key("args");
    w_.carried(m.args);
    number("wall", m.wall);
    if (m.off != 0) number("off", m.off);
    if (m.unc != 0) number("unc", m.unc);
    if (m.fixes != 0) number("fixes", m.fixes);
    w_.end_map();
  }
  void element(BucketId bucket) { w_.integer(std::uint64_t{bucket.raw()}); }
  void element(Lane lane) { w_.text(lane_name(lane)); }

  W w_;
};

template <class Frame>
void encode_any(Encoding encoding, const Frame& frame, std::string& out) {
  if (encoding == Encoding::cbor) return std::visit(Encoder<CborWriter>(out), frame);
  std::visit(Encoder<JsonWriter>(out), frame);
  out.push_back('\n');
}

}  // namespace

void encode(Encoding encoding, const ServerFrame& frame, std::string& out) {
  encode_any(encoding, frame, out);
}

void encode(Encoding encoding, const ClientFrame& frame, std::string& out) {
  encode_any(encoding, frame, out);
}

std::string encode_hello_body(Encoding encoding, const HelloBody& body) {
  std::string out;
  if (encoding == Encoding::cbor) {
    Encoder<CborWriter>(out).hello_body(body);
  } else {
    Encoder<JsonWriter>(out).hello_body(body);
  }
  return out;
}

}  // namespace linli::sync
