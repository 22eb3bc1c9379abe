// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/crypto.h"
#include "base/errc.h"
#include "sync/model/row.h"
#include "sync/model/types.h"

/// Every frame of docs/PROTOCOL.md as a value. Times are unix milliseconds.
namespace linli::sync {

enum class Encoding : std::uint8_t { json = 0, cbor = 1 };
inline constexpr std::size_t kEncodings = 2;
constexpr std::string_view subprotocol(Encoding e) {
  return e == Encoding::json ? "linli.v1.json" : "linli.v1.cbor";
}
inline constexpr int kProtoMin = 1;
inline constexpr int kProtoMax = 1;

using Nonce = std::array<std::uint8_t, 32>;

struct BucketGrant {
  BucketId b;
  Seq gen;
  Lane lane = Lane::normal;
  std::uint8_t pri = 5;
  BucketClass cls = BucketClass::normal;
  friend bool operator==(const BucketGrant&, const BucketGrant&) = default;
};
struct HeldBucket {
  BucketId b;
  Seq gen;
  friend bool operator==(const HeldBucket&, const HeldBucket&) = default;
};
struct PartBucket {
  BucketId b;
  Seq gen;
  Seq cur;
  friend bool operator==(const PartBucket&, const PartBucket&) = default;
};
using Cursors = std::array<Seq, kLanes>;
using UpNumbers = std::array<std::uint64_t, kUpLanes>;

// --- Server to client -------------------------------------------------------------------------
struct FrameK {
  Nonce nonce{};
  Id128 server_id;
  Epoch epoch;
  std::int64_t now = 0;
  int proto_min = kProtoMin;
  int proto_max = kProtoMax;
};
struct FrameWelcome {
  int proto = kProtoMax;
  Epoch epoch;
  AccountId account;
  Cursors head{};
  UpNumbers last_n{};
  std::uint32_t window = 0;
  std::int64_t lease_until = 0;
  std::int64_t t0 = 0;
  std::int64_t t1 = 0;
  std::optional<std::vector<BucketGrant>> buckets;
  /// Unix ms of the revocation: this phone was replaced, gets no rows, and may hand over what it
  /// made until then (ENR-10).
  std::optional<std::int64_t> hand_over{};
};
struct FrameB {
  BucketId b;
  Seq to;
  std::vector<Op> ops;
  std::optional<Digest> digest;
};
/// Reveals a lane (`bucket` empty) or a filling bucket (`bucket` and `digest` set).
struct FrameC {
  Lane lane = Lane::normal;
  std::optional<BucketId> bucket;
  Seq seq;
  std::optional<Digest> digest;
};
struct FrameM {
  Seq at;
  std::vector<BucketId> drop;
  std::vector<BucketGrant> add;
};
enum class MutationStatus : std::uint8_t { ok = 0, rejected = 1, retry = 2 };  // DISK: no renumber
struct FrameR {
  UpLane lane = UpLane::interactive;
  std::uint64_t n = 0;
  MutationStatus status = MutationStatus::ok;
  Seq seq;
  /// Lanes whose cursor must reach `seq` before the overlay lets go; empty when rejected.
  std::vector<Lane> lanes;
  /// Set unless ok.
  std::string code;
  std::string msg;
  /// JSON text or empty.
  std::string info;
  /// Only for retry.
  std::int64_t after_ms = 0;
  /// Of the mutation that took this number (not with retry): a clone's answer is not ours.
  std::optional<Id128> mhash{};
};
struct FramePong {
  std::int64_t t0 = 0;
  std::int64_t t1 = 0;
  Cursors cur{};
};
struct FrameErr {
  std::string code;
  std::string msg;
  bool fatal = true;
  std::optional<UpLane> lane;
  std::uint64_t want = 0;
  std::int64_t after_ms = 0;
};
struct FrameDrain {
  std::int64_t after_ms = 0;
};
struct FrameRekeyed {
  Cid cid;
  std::string cert;
};
/// A frame this version does not know and may ignore.
struct FrameUnknown {
  std::string name;
};

// --- Client to server -------------------------------------------------------------------------
struct FrameHello {
  /// Encoded HelloBody, signed as it is.
  std::string body;
  Signature sig{};
};
struct HelloBody {
  Cid cid;
  std::string origin;
  int proto_min = kProtoMin;
  int proto_max = kProtoMax;
  std::string app;
  std::optional<Epoch> epoch;
  Cursors cur{};
  std::optional<Sha256> set_hash;
  std::vector<PartBucket> part;
  UpNumbers res_n{};
  UpNumbers last_n{};
  std::uint64_t pending = 0;
  std::string cert;
  std::int64_t t0 = 0;
};
struct FrameHave {
  std::vector<HeldBucket> live;
  std::vector<PartBucket> part;
};
struct PushedMutation {
  std::uint64_t n = 0;
  std::string name;
  /// JSON text exactly as the phone made it.
  std::string args;
  std::int64_t wall = 0;
  std::int64_t off = 0;
  std::int64_t unc = 0;
  /// Number of the rejected mutation this one mends; 0 = none.
  std::uint64_t fixes = 0;
};
struct FramePush {
  UpLane lane = UpLane::interactive;
  std::vector<PushedMutation> muts;
};
struct FrameAck {
  std::uint64_t rx = 0;
  Cursors cur{};
  UpNumbers res{};
};
struct FramePing {
  std::int64_t t0 = 0;
};
struct FrameRefill {
  std::vector<BucketId> buckets;
};
struct FrameRekey {
  std::string cert;
  PublicKey pub{};
  Signature sig{};
};
struct FrameBye {};

using ServerFrame = std::variant<FrameK, FrameWelcome, FrameB, FrameC, FrameM, FrameR, FramePong,
                                 FrameErr, FrameDrain, FrameRekeyed, FrameUnknown>;
using ClientFrame = std::variant<FrameHello, FrameHave, FramePush, FrameAck, FramePing, FrameRefill,
                                 FrameRekey, FrameBye, FrameUnknown>;

/// First 16 bytes of SHA-256(name || 00 || args) (decision M9).
Id128 mutation_hash(std::string_view name, std::string_view args);
/// SHA-256 over u32be b, u64be gen; `held` ascending by b.
Sha256 bucket_set_hash(const std::vector<HeldBucket>& held);
/// What the device key signs to answer K. `body` is FrameHello::body.
std::string hello_message(std::string_view origin, Encoding encoding, const Id128& server_id,
                          const Nonce& nonce, std::string_view body);

}  // namespace linli::sync
