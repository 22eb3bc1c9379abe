// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/places.h"

#include <algorithm>

#include "base/bytes.h"
#include "sync/store/sqlite/connection.h"

namespace linli::sync::sqlite {
namespace {

constexpr std::size_t kPlaceBytes = 12;

Places::iterator lower_place(Places& places, BucketId bucket) {
  return std::lower_bound(places.begin(), places.end(), bucket,
                          [](const Place& place, BucketId b) { return place.bucket < b; });
}

std::uint32_t read_u32be(ByteView in) {
  return static_cast<std::uint32_t>(in[0]) << 24 | static_cast<std::uint32_t>(in[1]) << 16 |
         static_cast<std::uint32_t>(in[2]) << 8 | in[3];
}

}  // namespace

Places parse_places(std::string_view blob) {
  if (blob.size() % kPlaceBytes != 0) throw Fault{{Errc::corrupt, "a row's places are not whole"}};
  Places places;
  places.reserve(blob.size() / kPlaceBytes);
  for (; !blob.empty(); blob.remove_prefix(kPlaceBytes)) {
    const ByteView bytes = as_bytes(blob);
    const std::uint64_t packed = read_u64be(bytes.subspan(4));
    places.push_back({BucketId{read_u32be(bytes)}, Seq{packed >> 1}, (packed & 1) != 0});
  }
  return places;
}

std::string encode_places(const Places& places) {
  std::string blob;
  blob.reserve(places.size() * kPlaceBytes);
  for (const Place& place : places) {
    append_u32be(blob, place.bucket.raw());
    append_u64be(blob, place.ver.raw() << 1 | static_cast<std::uint64_t>(place.live));
  }
  return blob;
}

Places::iterator find_place(Places& places, BucketId bucket) {
  const auto at = lower_place(places, bucket);
  return at != places.end() && at->bucket == bucket ? at : places.end();
}

void set_place(Places& places, const Place& place) {
  const auto at = lower_place(places, place.bucket);
  if (at != places.end() && at->bucket == place.bucket) {
    *at = place;
  } else {
    places.insert(at, place);
  }
}

std::vector<BucketId> live_buckets(const Places& places) {
  std::vector<BucketId> buckets;
  for (const Place& place : places)
    if (place.live) buckets.push_back(place.bucket);
  return buckets;
}

}  // namespace linli::sync::sqlite
