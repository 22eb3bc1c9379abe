// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/strong.h"

namespace linli::sync {

/// Position in a community's log: +1 per mutation, gapless, < 2^53. Zero = before everything.
using Seq = Strong<struct SeqTag, std::uint64_t>;
using BucketId = Strong<struct BucketIdTag, std::uint32_t>;
/// A device store: first 16 bytes of SHA-256 of its public key (decision M10).
using Cid = Strong<struct CidTag, Id128>;
/// Who acts: a person's or staff member's login, an API key, or the system.
using AccountId = Strong<struct AccountIdTag, Id128>;
/// Changes with every restore from a backup.
using Epoch = Strong<struct EpochTag, Id128>;

/// Down-lane of a bucket; fixed when the bucket is made. WIRE, DISK: never renumber.
enum class Lane : std::uint8_t { urgent = 0, normal = 1 };
inline constexpr std::size_t kLanes = 2;
/// Up-lane of a mutator. WIRE, DISK: never renumber.
enum class UpLane : std::uint8_t { alert = 0, interactive = 1, bulk = 2 };
inline constexpr std::size_t kUpLanes = 3;
/// DISK: never renumber. Sensitive buckets lock after 72 h without contact (decision M19).
enum class BucketClass : std::uint8_t { normal = 0, sensitive = 1 };

constexpr std::size_t index(Lane lane) { return static_cast<std::size_t>(lane); }
constexpr std::size_t index(UpLane lane) { return static_cast<std::size_t>(lane); }
constexpr std::string_view lane_name(Lane lane) { return lane == Lane::urgent ? "u" : "s"; }

/// Count and sum (mod 2^64) of the row hashes of a bucket's live entries (decision B1).
struct Digest {
  std::uint64_t n = 0;
  std::uint64_t s = 0;

  void add(std::uint64_t h) { ++n, s += h; }
  void remove(std::uint64_t h) { --n, s -= h; }
  friend bool operator==(const Digest&, const Digest&) = default;
};

/// What is fixed when a bucket is made.
struct BucketSpec {
  /// Server-only name, e.g. "area:3:u"; phones see the number only.
  std::string name;
  Lane lane = Lane::normal;
  /// 0..9, lower is filled first.
  std::uint8_t pri = 5;
  BucketClass cls = BucketClass::normal;
};

struct BucketInfo {
  BucketId id;
  BucketSpec spec;
  /// Last seq whose commit touched an entry of this bucket.
  Seq head;
  /// Bumped to force every phone to fill anew.
  Seq reset_seq;
  /// Tombstones at or below are gone; a phone whose cursor is below must fill anew.
  Seq floor;
  Digest digest;
};

}  // namespace linli::sync
