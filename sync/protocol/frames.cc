// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/frames.h"

#include <algorithm>

#include "base/assert.h"

namespace linli::sync {
namespace {

constexpr std::string_view kZero{"\0", 1};

}  // namespace

Id128 mutation_hash(std::string_view name, std::string_view args) {
  const Sha256 full = Sha256Stream().add(name).add(kZero).add(args).finish();
  return Id128::of(ByteView(full).first(16));
}

Sha256 bucket_set_hash(const std::vector<HeldBucket>& held) {
  LINLI_ASSERT(std::is_sorted(held.begin(), held.end(),
                              [](const auto& x, const auto& y) { return x.b < y.b; }));
  std::string joined;
  joined.reserve(held.size() * 12);
  for (const HeldBucket& bucket : held) {
    append_u32be(joined, bucket.b.raw());
    append_u64be(joined, bucket.gen.raw());
  }
  return sha256(as_bytes(joined));
}

std::string hello_message(std::string_view origin, Encoding encoding, const Id128& server_id,
                          const Nonce& nonce, std::string_view body) {
  std::string out = "linli.hello.1";
  out.append(kZero).append(origin).append(kZero).append(subprotocol(encoding)).append(kZero);
  out.append(as_text(server_id.bytes)).append(as_text(nonce));
  return out.append(as_text(sha256(as_bytes(body))));
}

}  // namespace linli::sync
