// SPDX-License-Identifier: Apache-2.0
// Goal:   both encodings carry every frame unchanged, and no message makes the codec do more than
//         the message is worth.
// Method: samples of every frame go round; every prefix of them is refused.
#include "sync/protocol/codec.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/support/sample_frames.h"

namespace linli::sync {
namespace {

constexpr Encoding kBoth[] = {Encoding::json, Encoding::cbor};

template <class Frame>
std::string encoded(Encoding encoding, const Frame& frame) {
  std::string out;
  encode(encoding, frame, out);
  return out;
}

auto decoded(Encoding e, std::string_view m, const ServerFrame*) { return decode_server(e, m); }
auto decoded(Encoding e, std::string_view m, const ClientFrame*) { return decode_client(e, m); }

template <class Frame>
void expect_round_trips(const std::vector<test::Sample<Frame>>& samples) {
  for (const auto& sample : samples) {
    for (const Encoding encoding : kBoth) {
      SCOPED_TRACE(sample.name + " in " + std::string(subprotocol(encoding)));
      const std::string once = encoded(encoding, sample.frame);
      const auto frames = decoded(encoding, once, &sample.frame);
      ASSERT_TRUE(frames.has_value()) << frames.error().detail;
      ASSERT_EQ(frames->size(), 1U);
      EXPECT_EQ(frames->front().index(), sample.frame.index());
      for (const Encoding any : kBoth) {
        EXPECT_EQ(encoded(any, frames->front()), encoded(any, sample.frame));
      }
    }
  }
}

TEST(Codec, CarriesEveryServerFrameInBothEncodings) { expect_round_trips(test::server_samples()); }
TEST(Codec, CarriesEveryClientFrameInBothEncodings) { expect_round_trips(test::client_samples()); }

TEST(Codec, CarriesEveryHelloBodyInBothEncodings) {
  for (const auto& sample : test::hello_body_samples()) {
    for (const Encoding encoding : kBoth) {
      const std::string once = encode_hello_body(encoding, sample.frame);
      const auto body = decode_hello_body(encoding, once);
      ASSERT_TRUE(body.has_value()) << sample.name << ": " << body.error().detail;
      for (const Encoding any : kBoth) {
        EXPECT_EQ(encode_hello_body(any, *body), encode_hello_body(any, sample.frame));
      }
    }
  }
}

TEST(Codec, SamplesCoverEveryAlternative) {
  std::vector<bool> server(std::variant_size_v<ServerFrame>);
  std::vector<bool> client(std::variant_size_v<ClientFrame>);
  for (const auto& sample : test::server_samples()) server[sample.frame.index()] = true;
  for (const auto& sample : test::client_samples()) client[sample.frame.index()] = true;
  EXPECT_EQ(std::count(server.begin(), server.end(), false), 0);
  EXPECT_EQ(std::count(client.begin(), client.end(), false), 0);
}

TEST(Codec, SplitsAMessageOfAllFrames) {
  for (const Encoding encoding : kBoth) {
    std::string message;
    for (const auto& sample : test::server_samples()) encode(encoding, sample.frame, message);
    const auto frames = decode_server(encoding, message);
    ASSERT_TRUE(frames.has_value()) << frames.error().detail;
    EXPECT_EQ(frames->size(), test::server_samples().size());
  }
}

TEST(Codec, RefusesEveryTruncation) {
  for (const Encoding encoding : kBoth) {
    for (const auto& sample : test::server_samples()) {
      const std::string whole = encoded(encoding, sample.frame);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_server(encoding, whole.substr(0, size))) << sample.name << size;
      }
    }
    for (const auto& sample : test::client_samples()) {
      const std::string whole = encoded(encoding, sample.frame);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_client(encoding, whole.substr(0, size))) << sample.name << size;
      }
    }
    for (const auto& sample : test::hello_body_samples()) {
      const std::string whole = encode_hello_body(encoding, sample.frame);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_hello_body(encoding, whole.substr(0, size))) << sample.name << size;
      }
    }
  }
}

TEST(Codec, RefusesTrailingGarbage) {
  for (const Encoding encoding : kBoth) {
    const std::string ping = encoded(encoding, ClientFrame(FramePing{1}));
    for (const std::string tail : {"x", "\xff", "}", " \n", "\n", "\x01"}) {
      EXPECT_FALSE(decode_client(encoding, ping + tail)) << static_cast<int>(tail[0]);
    }
    const std::string body = encode_hello_body(encoding, test::hello_body_samples()[0].frame);
    EXPECT_FALSE(decode_hello_body(encoding, body + "\n"));
    EXPECT_FALSE(decode_hello_body(encoding, body + body));
  }
}

TEST(Codec, RefusesTheEmptyMessage) {
  for (const Encoding encoding : kBoth) {
    EXPECT_EQ(decode_client(encoding, "").error().code, Errc::malformed);
    EXPECT_EQ(decode_server(encoding, "").error().code, Errc::malformed);
    EXPECT_EQ(decode_hello_body(encoding, "").error().code, Errc::malformed);
  }
}

TEST(Codec, RefusesMessagesBeyondTheLimitOfTheirDirection) {
  const std::string large(limits::kServerMessageBytesMax + 1, ' ');
  const std::string larger(limits::kClientMessageBytesMax + 1, ' ');
  for (const Encoding encoding : kBoth) {
    EXPECT_EQ(decode_server(encoding, large).error().code, Errc::too_large);
    EXPECT_EQ(decode_client(encoding, large).error().code, Errc::malformed);
    EXPECT_EQ(decode_client(encoding, larger).error().code, Errc::too_large);
    EXPECT_EQ(decode_hello_body(encoding, larger).error().code, Errc::too_large);
  }
}

TEST(Codec, RefusesMoreFramesThanAMessageMayCarry) {
  for (const Encoding encoding : kBoth) {
    std::string message;
    for (int i = 0; i < 1024; ++i) encode(encoding, ClientFrame(FrameBye{}), message);
    EXPECT_TRUE(decode_client(encoding, message).has_value());
    encode(encoding, ClientFrame(FrameBye{}), message);
    EXPECT_EQ(decode_client(encoding, message).error().code, Errc::too_large);
  }
}

TEST(Codec, CountsMutationsInAPush) {
  for (const Encoding encoding : kBoth) {
    FramePush push;
    push.muts.resize(limits::kPushMutationsMax, {1, "a.b", "{}", 0, 0, 0, 0});
    EXPECT_TRUE(decode_client(encoding, encoded(encoding, ClientFrame(push))).has_value());
    push.muts.push_back(push.muts[0]);
    EXPECT_EQ(decode_client(encoding, encoded(encoding, ClientFrame(push))).error().code,
              Errc::too_large);
  }
}

TEST(Codec, WeighsNameAndArgsOfAMutationTogether) {
  for (const Encoding encoding : kBoth) {
    FramePush push;
    push.muts.push_back({1, "a.b", std::string(limits::kMutationBytesMax - 3, ' '), 0, 0, 0, 0});
    EXPECT_TRUE(decode_client(encoding, encoded(encoding, ClientFrame(push))).has_value());
    push.muts[0].args.push_back(' ');
    EXPECT_EQ(decode_client(encoding, encoded(encoding, ClientFrame(push))).error().code,
              Errc::too_large);
  }
}

TEST(Codec, RefusesARowBeyondItsCap) {
  for (const Encoding encoding : kBoth) {
    for (const std::size_t over : {0U, 1U}) {
      const auto data =
          std::make_shared<const std::string>(std::string(limits::kRowBytesMax + over, 'x'));
      const FrameB frame{BucketId{1}, Seq{1}, {{{"t", "k"}, Seq{1}, data}}, std::nullopt};
      EXPECT_EQ(decode_server(encoding, encoded(encoding, ServerFrame(frame))).has_value(),
                over == 0);
    }
  }
}

TEST(Codec, KeepsRowDataByteForByte) {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all.push_back(static_cast<char>(c));
  all += "里\xc2\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf";
  for (const Encoding encoding : kBoth) {
    const FrameB frame{BucketId{1},
                       Seq{1},
                       {{{"t", "k"}, Seq{1}, std::make_shared<const std::string>(all)}},
                       std::nullopt};
    const auto frames = decode_server(encoding, encoded(encoding, ServerFrame(frame)));
    ASSERT_TRUE(frames.has_value()) << frames.error().detail;
    EXPECT_EQ(*std::get<FrameB>(frames->front()).ops[0].data, all);
  }
}

TEST(Codec, AppendsAndNeverRewrites) {
  for (const Encoding encoding : kBoth) {
    std::string out = "before";
    for (const auto& sample : test::server_samples()) {
      const std::string before = out;
      encode(encoding, sample.frame, out);
      EXPECT_TRUE(out.starts_with(before));
    }
  }
}

TEST(Codec, HandsOverUnknownFramesByName) {
  const auto json = decode_client(Encoding::json, "{\"t\":\"later\",\"x\":{\"y\":[1,null]}}\n");
  ASSERT_TRUE(json.has_value()) << json.error().detail;
  EXPECT_EQ(std::get<FrameUnknown>(json->front()).name, "later");
  const auto server = decode_client(Encoding::json, "{\"must\":false,\"t\":\"B\",\"b\":\"?\"}\n");
  ASSERT_TRUE(server.has_value()) << server.error().detail;
  EXPECT_EQ(std::get<FrameUnknown>(server->front()).name, "B");
}

}  // namespace
}  // namespace linli::sync
