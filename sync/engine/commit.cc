// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/commit.h"

#include "sync/engine/server_session.h"
#include "sync/protocol/codec.h"

namespace linli::sync {

std::vector<SharedFrame> encode_bucket(Encoding encoding, BucketId bucket, Seq to,
                                       const std::vector<Op>& ops, const Digest* digest,
                                       std::size_t part_bytes) {
  std::vector<SharedFrame> frames;
  std::size_t next = 0;
  do {
    FrameB part{.b = bucket, .to = to, .ops = {}, .digest = std::nullopt};
    std::size_t bytes = 0;
    while (next < ops.size() && (part.ops.empty() || bytes < part_bytes)) {
      bytes += 96 + (ops[next].data ? ops[next].data->size() : 0);
      part.ops.push_back(ops[next++]);
    }
    const bool last = next == ops.size();
    // A part that is not the last is complete only up to before its own tail.
    if (!last) part.to = Seq{part.ops.back().ver.raw() - 1};
    if (last && digest != nullptr) part.digest = *digest;
    auto bytes_out = std::make_shared<std::string>();
    bytes_out->reserve(bytes + 64);
    encode(encoding, ServerFrame{std::move(part)}, *bytes_out);
    frames.push_back(std::move(bytes_out));
  } while (next < ops.size());
  return frames;
}

SharedChunk encode_chunk(const BucketChunk& chunk, BucketId bucket, Encoding encoding) {
  auto out = std::make_shared<EncodedChunk>();
  out->to = chunk.to;
  out->complete = chunk.complete;
  out->read_head = chunk.read_head;
  out->digest = chunk.digest;
  out->rows = chunk.ops.size();
  if (!chunk.ops.empty()) {
    // Only a complete page has a digest; one that is not may end anywhere below the head.
    out->frames = encode_bucket(encoding, bucket, chunk.to, chunk.ops,
                                chunk.complete ? &chunk.digest : nullptr, limits::kNormalPartBytes);
  }
  for (const SharedFrame& frame : out->frames) out->bytes += frame->size();
  return out;
}

const EncodedCommit& Commit::encoded(Encoding encoding) const {
  const auto i = static_cast<std::size_t>(encoding);
  std::call_once(once_[i], [&] {
    ++encodes_;
    EncodedCommit out;
    std::array<bool, kLanes> touched{};
    for (const BucketDelta& delta : deltas) {
      const Lane lane = delta.info.spec.lane;
      touched[index(lane)] = true;
      out.buckets.push_back(encode_bucket(
          encoding, delta.info.id, to, delta.ops, &delta.info.digest,
          lane == Lane::urgent ? limits::kUrgentPartBytes : limits::kNormalPartBytes));
    }
    for (Lane lane : {Lane::urgent, Lane::normal}) {
      auto frame = std::make_shared<std::string>();
      encode(encoding,
             ServerFrame{FrameC{.lane = lane, .bucket = {}, .seq = to, .digest = std::nullopt}},
             *frame);
      out.reveal[index(lane)] = std::move(frame);
    }
    encoded_[i] = std::move(out);
  });
  return encoded_[i];
}

}  // namespace linli::sync
