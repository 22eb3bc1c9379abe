// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync/model/types.h"

namespace linli::sync::sqlite {

/// One entry of a row: the bucket, its ver there, live or tombstone.
struct Place {
  BucketId bucket;
  Seq ver;
  bool live = false;
  friend bool operator==(const Place&, const Place&) = default;
};

/// Column row.places: every entry of the row, ascending by bucket, 12 bytes each: u32be bucket,
/// u64be (ver << 1 | live). DISK: never change.
///
/// Why: to move an entry its old ver must be known. Kept in the row's record, which is being
/// written
/// anyway, that costs nothing; an index entry(rid, bucket) costs a page per mutation.
using Places = std::vector<Place>;

/// Throws Fault(corrupt) when `blob` is not whole.
Places parse_places(std::string_view blob);
std::string encode_places(const Places& places);
/// The place in `bucket`, or the end.
Places::iterator find_place(Places& places, BucketId bucket);
/// Adds or replaces the place in `place.bucket`.
void set_place(Places& places, const Place& place);
std::vector<BucketId> live_buckets(const Places& places);

}  // namespace linli::sync::sqlite
