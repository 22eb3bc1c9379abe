// SPDX-License-Identifier: Apache-2.0
// Frames that the server sends, as a phone reads them.
#include "sync/protocol/cbor_reader.h"
#include "sync/protocol/codec.h"
#include "sync/protocol/decode_map.h"
#include "sync/protocol/json_reader.h"

namespace linli::sync {
namespace {

using wire::Kind;
using wire::Member;
using wire::Need;

/// Message bounds are the only ones of these lists: the server is trusted not to ramble.
constexpr std::size_t kAnyCount = limits::kServerMessageBytesMax;
constexpr std::size_t kAnyBytes = limits::kServerMessageBytesMax;

template <class R>
Digest read_digest(R& in) {
  Digest out;
  wire::read_tuple(
      in, 2, [&](std::size_t i) { (i == 0 ? out.n : out.s) = i == 0 ? in.integer() : in.sum(); });
  return out;
}

template <class R>
BucketGrant read_grant(R& in) {
  BucketGrant out;
  wire::read_tuple(in, 5, [&](std::size_t i) {
    if (i == 0) out.b = wire::read_bucket(in);
    if (i == 1) out.gen = wire::read_seq(in);
    if (i == 2) out.lane = wire::read_lane(in);
    if (i == 3) out.pri = static_cast<std::uint8_t>(in.integer(wire::kPriMax));
    if (i == 4) out.cls = static_cast<BucketClass>(in.integer(1));
  });
  return out;
}

/// `[1,tbl,key,ver,data]` or `[0,tbl,key,ver]`.
template <class R>
Op read_op(R& in) {
  Op op;
  const auto next = [&in] {
    if (!in.next_element()) in.fail(Errc::malformed, "op too short");
    return in.ok();
  };
  if (!in.enter_array() || !next()) return op;
  const bool is_put = in.integer(1) == 1;
  if (next()) op.row.tbl = in.text();
  if (in.ok() && !is_table_name(op.row.tbl)) in.fail(Errc::malformed, "not a table name");
  if (next()) op.row.key = in.text();
  if (in.ok() && !is_row_key(op.row.key)) in.fail(Errc::malformed, "not a row key");
  if (next()) op.ver = wire::read_seq(in);
  if (in.ok() && op.ver == Seq{}) in.fail(Errc::malformed, "ver is from 1");
  if (is_put && next()) {
    const std::string_view data = in.carried();
    if (data.size() > limits::kRowBytesMax) in.fail(Errc::too_large, "row too large");
    op.data = std::make_shared<const std::string>(data);
  }
  if (in.next_element()) in.fail(Errc::malformed, "op too long");
  return op;
}

template <class R>
ServerFrame read_k(R& in) {
  static constexpr Member<R, FrameK> kMembers[] = {
      {"nonce", Need::required, [](R& r, FrameK& f) { r.bytes(f.nonce); }},
      {"server_id", Need::required, [](R& r, FrameK& f) { r.bytes(f.server_id.bytes); }},
      {"epoch", Need::required, [](R& r, FrameK& f) { f.epoch = Epoch{wire::read_id(r)}; }},
      {"now", Need::required, [](R& r, FrameK& f) { f.now = r.signed_integer(); }},
      {"proto", Need::required,
       [](R& r, FrameK& f) { wire::read_proto(r, f.proto_min, f.proto_max); }},
  };
  FrameK frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ServerFrame read_welcome(R& in) {
  using F = FrameWelcome;
  static constexpr Member<R, F> kMembers[] = {
      {"proto", Need::required,
       [](R& r, F& f) { f.proto = static_cast<int>(r.integer(wire::kMinorMax)); }},
      {"epoch", Need::required, [](R& r, F& f) { f.epoch = Epoch{wire::read_id(r)}; }},
      {"account", Need::required, [](R& r, F& f) { f.account = AccountId{wire::read_id(r)}; }},
      {"head", Need::required, [](R& r, F& f) { f.head = wire::read_cursors(r); }},
      {"last_n", Need::required, [](R& r, F& f) { f.last_n = wire::read_up_numbers(r); }},
      {"window", Need::required,
       [](R& r, F& f) { f.window = static_cast<std::uint32_t>(r.integer(0xffff'ffff)); }},
      {"lease_until", Need::required, [](R& r, F& f) { f.lease_until = r.signed_integer(); }},
      {"t0", Need::required, [](R& r, F& f) { f.t0 = r.signed_integer(); }},
      {"t1", Need::required, [](R& r, F& f) { f.t1 = r.signed_integer(); }},
      {"buckets", Need::optional,
       [](R& r, F& f) { wire::read_list(r, f.buckets.emplace(), kAnyCount, &read_grant<R>); }},
      {"hand_over", Need::optional, [](R& r, F& f) { f.hand_over = r.signed_integer(); }},
  };
  F frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ServerFrame read_b(R& in) {
  static constexpr Member<R, FrameB> kMembers[] = {
      {"b", Need::required, [](R& r, FrameB& f) { f.b = wire::read_bucket(r); }},
      {"to", Need::required, [](R& r, FrameB& f) { f.to = wire::read_seq(r); }},
      {"ops", Need::required,
       [](R& r, FrameB& f) { wire::read_list(r, f.ops, kAnyCount, &read_op<R>); }},
      {"d", Need::optional, [](R& r, FrameB& f) { f.digest = read_digest(r); }},
  };
  FrameB frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

/// What C looks like before it is known which of its two forms it is.
struct AnyC {
  FrameC frame;
  bool has_lane = false;
};

template <class R>
ServerFrame read_c(R& in) {
  static constexpr Member<R, AnyC> kMembers[] = {
      {"lane", Need::optional,
       [](R& r, AnyC& f) { f.has_lane = true, f.frame.lane = wire::read_lane(r); }},
      {"b", Need::optional, [](R& r, AnyC& f) { f.frame.bucket = wire::read_bucket(r); }},
      {"seq", Need::required, [](R& r, AnyC& f) { f.frame.seq = wire::read_seq(r); }},
      {"d", Need::optional, [](R& r, AnyC& f) { f.frame.digest = read_digest(r); }},
  };
  AnyC any;
  wire::read_map(in, kMembers, any);
  const bool has_bucket = any.frame.bucket.has_value();
  if (any.has_lane == has_bucket || has_bucket != any.frame.digest.has_value()) {
    in.fail(Errc::malformed, "C: want lane, or b with d");
  }
  return any.frame;
}

template <class R>
ServerFrame read_m(R& in) {
  static constexpr Member<R, FrameM> kMembers[] = {
      {"at", Need::required, [](R& r, FrameM& f) { f.at = wire::read_seq(r); }},
      {"drop", Need::optional,
       [](R& r, FrameM& f) { wire::read_list(r, f.drop, kAnyCount, &wire::read_bucket<R>); }},
      {"add", Need::optional,
       [](R& r, FrameM& f) { wire::read_list(r, f.add, kAnyCount, &read_grant<R>); }},
  };
  FrameM frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
MutationStatus read_status(R& in) {
  const std::string_view name = in.text();
  if (name == "ok") return MutationStatus::ok;
  if (name == "rejected") return MutationStatus::rejected;
  if (name != "retry") in.fail(Errc::malformed, "unknown status");
  return MutationStatus::retry;
}

template <class R>
ServerFrame read_r(R& in) {
  using F = FrameR;
  static constexpr Member<R, F> kMembers[] = {
      {"lane", Need::required, [](R& r, F& f) { f.lane = wire::read_up_lane(r); }},
      {"n", Need::required, [](R& r, F& f) { f.n = wire::read_number(r); }},
      {"st", Need::required, [](R& r, F& f) { f.status = read_status(r); }},
      {"seq", Need::optional, [](R& r, F& f) { f.seq = wire::read_seq(r); }},
      {"lanes", Need::optional,
       [](R& r, F& f) { wire::read_list(r, f.lanes, kLanes, &wire::read_lane<R>); }},
      {"code", Need::optional, [](R& r, F& f) { f.code = wire::read_text(r, kAnyBytes); }},
      {"msg", Need::optional, [](R& r, F& f) { f.msg = wire::read_text(r, kAnyBytes); }},
      {"h", Need::optional, [](R& r, F& f) { r.bytes(f.mhash.emplace().bytes); }},
      {"info", Need::optional, [](R& r, F& f) { f.info = wire::read_text(r, kAnyBytes); }},
      {"after", Need::optional, [](R& r, F& f) { f.after_ms = wire::read_duration(r); }},
  };
  F frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ServerFrame read_pong(R& in) {
  using F = FramePong;
  static constexpr Member<R, F> kMembers[] = {
      {"t0", Need::required, [](R& r, F& f) { f.t0 = r.signed_integer(); }},
      {"t1", Need::required, [](R& r, F& f) { f.t1 = r.signed_integer(); }},
      {"u", Need::required, [](R& r, F& f) { f.cur[index(Lane::urgent)] = wire::read_seq(r); }},
      {"s", Need::required, [](R& r, F& f) { f.cur[index(Lane::normal)] = wire::read_seq(r); }},
  };
  F frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ServerFrame read_err(R& in) {
  using F = FrameErr;
  static constexpr Member<R, F> kMembers[] = {
      {"code", Need::required, [](R& r, F& f) { f.code = wire::read_text(r, kAnyBytes); }},
      {"msg", Need::required, [](R& r, F& f) { f.msg = wire::read_text(r, kAnyBytes); }},
      {"fatal", Need::required, [](R& r, F& f) { f.fatal = r.boolean(); }},
      {"lane", Need::optional, [](R& r, F& f) { f.lane = wire::read_up_lane(r); }},
      {"want", Need::optional, [](R& r, F& f) { f.want = r.integer(); }},
      {"after", Need::optional, [](R& r, F& f) { f.after_ms = wire::read_duration(r); }},
  };
  F frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ServerFrame read_drain(R& in) {
  static constexpr Member<R, FrameDrain> kMembers[] = {
      {"after", Need::required, [](R& r, FrameDrain& f) { f.after_ms = wire::read_duration(r); }},
  };
  FrameDrain frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ServerFrame read_rekeyed(R& in) {
  using F = FrameRekeyed;
  static constexpr Member<R, F> kMembers[] = {
      {"cid", Need::required, [](R& r, F& f) { f.cid = Cid{wire::read_id(r)}; }},
      {"cert", Need::required,
       [](R& r, F& f) { f.cert = wire::read_text(r, wire::kCertBytesMax); }},
  };
  F frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
constexpr Kind<R, ServerFrame> kServerKinds[] = {
    {"B", &read_b<R>},         {"C", &read_c<R>},
    {"R", &read_r<R>},         {"M", &read_m<R>},
    {"K", &read_k<R>},         {"welcome", &read_welcome<R>},
    {"pong", &read_pong<R>},   {"err", &read_err<R>},
    {"drain", &read_drain<R>}, {"rekeyed", &read_rekeyed<R>},
};

}  // namespace

Result<std::vector<ServerFrame>> decode_server(Encoding encoding, std::string_view message) {
  if (encoding == Encoding::json) {
    return wire::read_message(message, limits::kServerMessageBytesMax, kServerKinds<JsonReader>);
  }
  return wire::read_message(message, limits::kServerMessageBytesMax, kServerKinds<CborReader>);
}

}  // namespace linli::sync
