// SPDX-License-Identifier: Apache-2.0
#include "sync/protocol/frames.h"

#include <string>

#include <gtest/gtest.h>

namespace linli::sync {
namespace {

TEST(Frames, HelloMessageJoinsItsPartsWithZeroBytes) {
  const Id128 server_id = Id128::of(as_bytes("0123456789abcdef"));
  Nonce nonce{};
  nonce.fill('n');
  const std::string expected = std::string("linli.hello.1") + '\0' + "https://a.example" + '\0' +
                               "linli.v1.cbor" + '\0' + "0123456789abcdef" + std::string(32, 'n') +
                               std::string(as_text(sha256(as_bytes("body"))));
  EXPECT_EQ(hello_message("https://a.example", Encoding::cbor, server_id, nonce, "body"), expected);
}

TEST(Frames, MutationHashPutsAZeroByteBetweenNameAndArgs) {
  const Sha256 full = sha256(as_bytes(std::string("a.b") + '\0' + "{}"));
  EXPECT_EQ(mutation_hash("a.b", "{}"), Id128::of(ByteView(full).first(16)));
}

TEST(Frames, SetHashOfNothingIsTheShaOfNothing) {
  EXPECT_EQ(bucket_set_hash({}), sha256({}));
  EXPECT_NE(bucket_set_hash({{BucketId{1}, Seq{2}}}), bucket_set_hash({{BucketId{2}, Seq{1}}}));
}

}  // namespace
}  // namespace linli::sync
