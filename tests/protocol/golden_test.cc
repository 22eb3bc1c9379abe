// SPDX-License-Identifier: Apache-2.0
// Goal:   the bytes of the protocol never change by accident.
// Method: build each file of vectors from the code and compare it with the committed one;
//         LINLI_REGENERATE=1 writes it instead. Then read the committed vectors back.
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/environment.h"
#include "base/json.h"
#include "sync/protocol/codec.h"
#include "tests/support/sample_frames.h"

namespace linli::sync {
namespace {

using Ordered = nlohmann::ordered_json;

/// Tests run from the root of the tree.
std::string path_of(const std::string& name) { return "tests/protocol/" + name; }

std::string read_file(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(path_of(name)).rdbuf();
  return text.str();
}

void expect_golden(const std::string& name, const Ordered& built) {
  const std::string text = built.dump(1) + "\n";
  if (environment("LINLI_REGENERATE")) std::ofstream(path_of(name)) << text;
  EXPECT_EQ(read_file(name), text) << name << ": see tests/protocol/README.md";
}

std::string hex16(std::uint64_t value) {
  std::string raw;
  append_u64be(raw, value);
  return to_hex(as_bytes(raw));
}

// --- frames.json ------------------------------------------------------------------------------

std::string written(Encoding encoding, const HelloBody& body) {
  return encode_hello_body(encoding, body);
}
template <class Frame>
std::string written(Encoding encoding, const Frame& frame) {
  std::string out;
  encode(encoding, frame, out);
  return out;
}

template <class Frame>
void append_samples(Ordered& list, const char* from, const std::vector<test::Sample<Frame>>& all) {
  for (const auto& sample : all) {
    list.push_back({{"name", sample.name},
                    {"from", from},
                    {"json", written(Encoding::json, sample.frame)},
                    {"cbor", to_hex(as_bytes(written(Encoding::cbor, sample.frame)))}});
  }
}

/// The bytes in both encodings of what `bytes` decodes to; empty when it does not.
template <class Decode>
std::string meaning(Decode decode, Encoding encoding, const std::string& bytes) {
  const auto read = decode(encoding, bytes);
  if (!read) return {};
  std::string out;
  if constexpr (requires { read->front(); }) {
    for (const auto& frame : *read) {
      out += written(Encoding::json, frame) + written(Encoding::cbor, frame);
    }
  } else {
    out = written(Encoding::json, *read) + written(Encoding::cbor, *read);
  }
  return out;
}

std::string meaning(const std::string& from, Encoding encoding, const std::string& bytes) {
  if (from == "server") return meaning(&decode_server, encoding, bytes);
  if (from == "client") return meaning(&decode_client, encoding, bytes);
  return meaning(&decode_hello_body, encoding, bytes);
}

TEST(Golden, FramesHaveTheCommittedBytes) {
  Ordered list = Ordered::array();
  append_samples(list, "server", test::server_samples());
  append_samples(list, "client", test::client_samples());
  append_samples(list, "hello_body", test::hello_body_samples());
  expect_golden("frames.json", list);
}

TEST(Golden, BothEncodingsOfAFrameMeanTheSame) {
  const Ordered list = Ordered::parse(read_file("frames.json"));
  EXPECT_GT(list.size(), 30U);
  for (const auto& entry : list) {
    const std::string from = entry["from"];
    const std::string json = meaning(from, Encoding::json, entry["json"]);
    const std::string cbor =
        meaning(from, Encoding::cbor, from_hex(std::string(entry["cbor"])).value());
    EXPECT_FALSE(json.empty()) << entry["name"];
    EXPECT_EQ(json, cbor) << entry["name"];
  }
}

// --- digest.json ------------------------------------------------------------------------------

struct SampleRow {
  std::string tbl;
  std::string key;
  std::uint64_t ver;
  std::string data;
};

/// The sum wraps at the second row.
std::vector<SampleRow> sample_rows() {
  return {{"notice", "n-1", 4712, R"({"title":"停水通知","n":1})"},
          {"notice", "n-2", 4713, R"({"title":"明天上午九点停电","floor":[1,2,3]})"},
          {"t", "k", 1, ""},
          {"alert_ack", "a:1.B_c-9", 9007199254740991, R"({"by":"王*英","ok":true})"},
          {"a23456789012345678901234567890_2", std::string(64, 'x'), 4294967296, "{}"},
          {"poll", "p1", 7, "\"quote \\\" and \\u4e2d 😀\""}};
}

TEST(Golden, DigestsHaveTheCommittedSums) {
  Ordered rows = Ordered::array();
  Digest digest;
  bool wraps = false;
  for (const SampleRow& row : sample_rows()) {
    const std::uint64_t hash = row_hash(row.tbl, row.key, Seq{row.ver}, row.data);
    const std::uint64_t before = digest.s;
    digest.add(hash);
    wraps = wraps || digest.s < before;
    rows.push_back({{"tbl", row.tbl},
                    {"key", row.key},
                    {"ver", row.ver},
                    {"data", row.data},
                    {"h", hex16(hash)},
                    {"digest", {digest.n, hex16(digest.s)}}});
  }
  EXPECT_TRUE(wraps) << "choose rows whose sum wraps";
  Ordered mutations = Ordered::array();
  for (const auto& [name, args] : {std::pair("repair.create", R"({"text":"楼道灯坏了"})"),
                                   std::pair("poll_vote", "{}"), std::pair("a", "")}) {
    mutations.push_back(
        {{"name", name}, {"args", args}, {"mhash", mutation_hash(name, args).hex()}});
  }
  Ordered sets = Ordered::array();
  for (const std::vector<HeldBucket>& held :
       {std::vector<HeldBucket>{},
        {{BucketId{1}, Seq{1}}, {BucketId{0xffff'ffff}, Seq{4294967297}}}}) {
    Ordered pairs = Ordered::array();
    for (const HeldBucket& one : held) pairs.push_back({one.b.raw(), one.gen.raw()});
    sets.push_back({{"held", pairs}, {"set_hash", to_hex(bucket_set_hash(held))}});
  }
  expect_golden("digest.json", {{"rows", rows}, {"mutations", mutations}, {"bucket_sets", sets}});
}

// --- signing.json -----------------------------------------------------------------------------

TEST(Golden, AHelloHasTheCommittedSignature) {
  ASSERT_TRUE(crypto_init().has_value());
  std::string seed;
  for (int i = 0; i < 32; ++i) seed.push_back(static_cast<char>(i));
  const auto pair = KeyPair::from_seed(as_bytes(seed)).value();
  const FrameK k = std::get<FrameK>(test::server_samples()[0].frame);
  HelloBody body = test::hello_body_samples()[0].frame;
  body.cid = Cid{client_id_of(pair.pub())};
  Ordered list = Ordered::array();
  for (const Encoding encoding : {Encoding::json, Encoding::cbor}) {
    const std::string bytes = encode_hello_body(encoding, body);
    const std::string message = hello_message(body.origin, encoding, k.server_id, k.nonce, bytes);
    const Signature sig = pair.sign(as_bytes(message));
    EXPECT_TRUE(verify(pair.pub(), as_bytes(message), sig));
    list.push_back({{"seed", to_hex(as_bytes(seed))},
                    {"pub", to_hex(pair.pub())},
                    {"cid", body.cid.raw().hex()},
                    {"origin", body.origin},
                    {"subprotocol", subprotocol(encoding)},
                    {"server_id", k.server_id.hex()},
                    {"nonce", to_hex(k.nonce)},
                    {"body", to_hex(as_bytes(bytes))},
                    {"message", to_hex(as_bytes(message))},
                    {"sig", to_hex(sig)}});
  }
  expect_golden("signing.json", list);
}

}  // namespace
}  // namespace linli::sync
