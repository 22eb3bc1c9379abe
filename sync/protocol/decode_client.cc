// SPDX-License-Identifier: Apache-2.0
// Frames that a phone sends, as the server reads them.
#include "sync/protocol/cbor_reader.h"
#include "sync/protocol/codec.h"
#include "sync/protocol/decode_map.h"
#include "sync/protocol/json_reader.h"

namespace linli::sync {
namespace {

using wire::Kind;
using wire::Member;
using wire::Need;

template <class R>
HeldBucket read_held(R& in) {
  HeldBucket out;
  wire::read_tuple(in, 2, [&](std::size_t i) {
    if (i == 0) {
      out.b = wire::read_bucket(in);
    } else {
      out.gen = wire::read_seq(in);
    }
  });
  return out;
}

/// Same letters as a row key, so the zero byte between name and args in `mhash` is not ambiguous.
template <class R>
std::string read_mutator_name(R& in) {
  static_assert(limits::kMutatorNameBytesMax == limits::kKeyBytesMax);
  std::string name(in.text());
  if (in.ok() && !is_row_key(name)) in.fail(Errc::malformed, "not a mutator name");
  return name;
}

template <class R>
PushedMutation read_mutation(R& in) {
  using T = PushedMutation;
  static constexpr Member<R, T> kMembers[] = {
      {"n", Need::required, [](R& r, T& m) { m.n = wire::read_number(r); }},
      {"name", Need::required, [](R& r, T& m) { m.name = read_mutator_name(r); }},
      {"args", Need::required, [](R& r, T& m) { m.args = r.carried(); }},
      {"wall", Need::required, [](R& r, T& m) { m.wall = r.signed_integer(); }},
      {"off", Need::optional, [](R& r, T& m) { m.off = r.signed_integer(); }},
      {"unc", Need::optional, [](R& r, T& m) { m.unc = wire::read_duration(r); }},
      {"fixes", Need::optional, [](R& r, T& m) { m.fixes = wire::read_number(r); }},
  };
  T mutation;
  wire::read_map(in, kMembers, mutation);
  if (mutation.name.size() + mutation.args.size() > limits::kMutationBytesMax) {
    in.fail(Errc::too_large, "mutation too large");
  }
  return mutation;
}

template <class R>
ClientFrame read_hello(R& in) {
  static constexpr Member<R, FrameHello> kMembers[] = {
      {"body", Need::required, [](R& r, FrameHello& f) { f.body = r.bytes(); }},
      {"sig", Need::required, [](R& r, FrameHello& f) { r.bytes(f.sig); }},
  };
  FrameHello frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
void read_parts(R& in, std::vector<PartBucket>& out) {
  wire::read_list(in, out, limits::kAccountBucketsMax, &wire::read_part<R>);
}

template <class R>
ClientFrame read_have(R& in) {
  static constexpr Member<R, FrameHave> kMembers[] = {
      {"live", Need::required,
       [](R& r, FrameHave& f) {
         wire::read_list(r, f.live, limits::kAccountBucketsMax, &read_held<R>);
       }},
      {"part", Need::required, [](R& r, FrameHave& f) { read_parts(r, f.part); }},
  };
  FrameHave frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ClientFrame read_push(R& in) {
  static constexpr Member<R, FramePush> kMembers[] = {
      {"lane", Need::required, [](R& r, FramePush& f) { f.lane = wire::read_up_lane(r); }},
      {"muts", Need::required,
       [](R& r, FramePush& f) {
         wire::read_list(r, f.muts, limits::kPushMutationsMax, &read_mutation<R>);
       }},
  };
  FramePush frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ClientFrame read_ack(R& in) {
  using F = FrameAck;
  static constexpr Member<R, F> kMembers[] = {
      {"rx", Need::required, [](R& r, F& f) { f.rx = r.integer(); }},
      {"u", Need::required, [](R& r, F& f) { f.cur[index(Lane::urgent)] = wire::read_seq(r); }},
      {"s", Need::required, [](R& r, F& f) { f.cur[index(Lane::normal)] = wire::read_seq(r); }},
      {"res", Need::required, [](R& r, F& f) { f.res = wire::read_up_numbers(r); }},
  };
  F frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ClientFrame read_ping(R& in) {
  static constexpr Member<R, FramePing> kMembers[] = {
      {"t0", Need::required, [](R& r, FramePing& f) { f.t0 = r.signed_integer(); }},
  };
  FramePing frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ClientFrame read_refill(R& in) {
  static constexpr Member<R, FrameRefill> kMembers[] = {
      {"b", Need::required,
       [](R& r, FrameRefill& f) {
         wire::read_list(r, f.buckets, limits::kAccountBucketsMax, &wire::read_bucket<R>);
       }},
  };
  FrameRefill frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ClientFrame read_rekey(R& in) {
  using F = FrameRekey;
  static constexpr Member<R, F> kMembers[] = {
      {"cert", Need::required,
       [](R& r, F& f) { f.cert = wire::read_text(r, wire::kCertBytesMax); }},
      {"pub", Need::required, [](R& r, F& f) { r.bytes(f.pub); }},
      {"sig", Need::required, [](R& r, F& f) { r.bytes(f.sig); }},
  };
  F frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
ClientFrame read_bye(R& in) {
  static constexpr Member<R, FrameBye> kMembers[] = {
      {"must", Need::optional, [](R& r, FrameBye&) { r.skip(); }},
  };
  FrameBye frame;
  wire::read_map(in, kMembers, frame);
  return frame;
}

template <class R>
constexpr Kind<R, ClientFrame> kClientKinds[] = {
    {"push", &read_push<R>},   {"ack", &read_ack<R>},   {"ping", &read_ping<R>},
    {"hello", &read_hello<R>}, {"have", &read_have<R>}, {"refill", &read_refill<R>},
    {"rekey", &read_rekey<R>}, {"bye", &read_bye<R>},
};

/// `up`: `[[res_n,last_n] x 3]`.
template <class R>
void read_up(R& in, HelloBody& body) {
  wire::read_tuple(in, kUpLanes, [&](std::size_t lane) {
    wire::read_tuple(
        in, 2, [&](std::size_t i) { (i == 0 ? body.res_n : body.last_n)[lane] = in.integer(); });
  });
}

template <class R>
HelloBody read_hello_body(R& in) {
  using T = HelloBody;
  static constexpr Member<R, T> kMembers[] = {
      {"cid", Need::required, [](R& r, T& b) { b.cid = Cid{wire::read_id(r)}; }},
      {"origin", Need::required,
       [](R& r, T& b) { b.origin = wire::read_text(r, wire::kOriginBytesMax); }},
      {"proto", Need::required, [](R& r, T& b) { wire::read_proto(r, b.proto_min, b.proto_max); }},
      {"app", Need::required, [](R& r, T& b) { b.app = wire::read_text(r, wire::kAppBytesMax); }},
      {"epoch", Need::optional, [](R& r, T& b) { b.epoch = Epoch{wire::read_id(r)}; }},
      {"cur", Need::required, [](R& r, T& b) { b.cur = wire::read_cursors(r); }},
      {"set_hash", Need::optional, [](R& r, T& b) { r.bytes(b.set_hash.emplace()); }},
      {"part", Need::optional, [](R& r, T& b) { read_parts(r, b.part); }},
      {"up", Need::required, [](R& r, T& b) { read_up(r, b); }},
      {"pending", Need::required, [](R& r, T& b) { b.pending = r.integer(); }},
      {"cert", Need::optional,
       [](R& r, T& b) { b.cert = wire::read_text(r, wire::kCertBytesMax); }},
      {"t0", Need::required, [](R& r, T& b) { b.t0 = r.signed_integer(); }},
  };
  T body;
  wire::read_map(in, kMembers, body);
  return body;
}

template <class R>
Result<HelloBody> read_whole_body(std::string_view bytes) {
  if (bytes.size() > limits::kClientMessageBytesMax) return fail(Errc::too_large, "hello body");
  R in(bytes);
  HelloBody body = read_hello_body(in);
  if (in.ok() && !in.at_end()) in.fail(Errc::malformed, "more after the hello body");
  if (!in.ok()) return std::unexpected(in.error());
  return body;
}

}  // namespace

Result<std::vector<ClientFrame>> decode_client(Encoding encoding, std::string_view message) {
  if (encoding == Encoding::json) {
    return wire::read_message(message, limits::kClientMessageBytesMax, kClientKinds<JsonReader>);
  }
  return wire::read_message(message, limits::kClientMessageBytesMax, kClientKinds<CborReader>);
}

Result<HelloBody> decode_hello_body(Encoding encoding, std::string_view body) {
  if (encoding == Encoding::json) return read_whole_body<JsonReader>(body);
  return read_whole_body<CborReader>(body);
}

}  // namespace linli::sync
