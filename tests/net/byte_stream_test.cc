// SPDX-License-Identifier: Apache-2.0
// Goal:   a stream opens or says why not, keeps order, slows a fast peer down, cuts a deaf one off
//         and reports its end exactly once.
// Method: scripted peers on loopback.
#include "server/net/byte_stream.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

#include <gtest/gtest.h>

#include "tests/net/scripted_peer.h"

namespace linli::net {
namespace {

using namespace std::chrono_literals;
using test::PeerConnection;
using test::ScriptedPeer;
using test::test_certificate;
using test::test_tls;

/// What a stream reported.
class StreamLog {
 public:
  ByteStreamEvents events() {
    return {.on_open = [this] { change([&] { ++opened; }); },
            .on_bytes =
                [this](std::string bytes) {
                  change([&] {
                    received += bytes;
                    cost += std::max(bytes.size(), ByteStream::kReportCostMin);
                  });
                },
            .on_closed =
                [this](std::string why) {
                  change([&] {
                    ++closed;
                    reason = std::move(why);
                  });
                }};
  }
  template <class Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, predicate);
  }
  bool wait_closed() {
    return wait([&] { return closed > 0; });
  }

  int opened = 0;
  int closed = 0;
  std::string received;
  /// Of the reports, as the stream counts them.
  std::size_t cost = 0;
  std::string reason;

 private:
  template <class Change>
  void change(Change what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

ByteStream::Target target(const ScriptedPeer& peer, bool tls) {
  return {.host = "localhost",
          .port = peer.port(),
          .tls = tls,
          .ca_file = test_certificate().certificate,
          .connect_max = 8s};
}

TEST(ByteStream, CarriesBytesBothWaysInOrderPlainAndByTls) {
  for (const bool tls : {false, true}) {
    ScriptedPeer peer(
        [](PeerConnection& at) {
          const std::string got = at.read_bytes(200'002);
          at.write(got.substr(0, 2) + got.substr(got.size() - 2));
        },
        tls ? &test_tls() : nullptr);
    StreamLog log;
    LoopThread loop("test");
    const auto stream = ByteStream::open(loop.io(), target(peer, tls), log.events());
    stream->send("ab");  // before it is open
    for (int i = 0; i < 100; ++i) stream->send(std::string(2'000, 'x'));
    ASSERT_TRUE(log.wait_closed());
    EXPECT_EQ(log.opened, 1);
    EXPECT_EQ(log.received, "abxx");
    EXPECT_EQ(log.reason, "the peer closed the connection");
    EXPECT_EQ(log.closed, 1);
  }
}

TEST(ByteStream, ARefusedPortAndAnUnknownNameAreReported) {
  std::uint16_t port = 0;
  {
    port = ScriptedPeer([](PeerConnection&) {}).port();
  }
  LoopThread loop("test");
  StreamLog refused;
  const auto one = ByteStream::open(loop.io(), {.host = "127.0.0.1", .port = port, .ca_file = {}},
                                    refused.events());
  ASSERT_TRUE(refused.wait_closed());
  EXPECT_TRUE(refused.reason.starts_with("connect: system")) << refused.reason;
  EXPECT_EQ(refused.opened, 0);
  StreamLog nameless;
  const auto two = ByteStream::open(
      loop.io(), {.host = "no-such-host.invalid", .port = port, .ca_file = {}}, nameless.events());
  ASSERT_TRUE(nameless.wait_closed());
  EXPECT_TRUE(nameless.reason.starts_with("resolve: ")) << nameless.reason;
}

TEST(ByteStream, APeerThatNeverShakesHandsRunsIntoTheDeadline) {
  ScriptedPeer peer([](PeerConnection& at) { at.read_until("never"); });
  LoopThread loop("test");
  StreamLog log;
  auto slow = target(peer, true);
  slow.connect_max = 100ms;
  const auto stream = ByteStream::open(loop.io(), slow, log.events());
  ASSERT_TRUE(log.wait_closed());
  EXPECT_EQ(log.reason, "connect: took too long");
}

TEST(ByteStream, AForeignCertificateOrNameIsRefused) {
  ScriptedPeer peer([](PeerConnection& at) { at.write("hello"); }, &test_tls());
  LoopThread loop("test");
  StreamLog untrusted;
  auto where = target(peer, true);
  where.ca_file = test_certificate().other;
  const auto one = ByteStream::open(loop.io(), where, untrusted.events());
  ASSERT_TRUE(untrusted.wait_closed());
  EXPECT_TRUE(untrusted.reason.starts_with("tls: ")) << untrusted.reason;
  EXPECT_EQ(untrusted.opened, 0);
  StreamLog misnamed;
  where.ca_file = test_certificate().certificate;
  where.host = "localhost.localdomain";  // resolves by the same file, is not in the certificate
  const auto two = ByteStream::open(loop.io(), where, misnamed.events());
  ASSERT_TRUE(misnamed.wait_closed());
  EXPECT_EQ(misnamed.opened, 0);
}

TEST(ByteStream, APeerThatReadsNothingIsCutOff) {
  std::promise<void> release;
  auto gate = release.get_future().share();
  ScriptedPeer peer([gate](PeerConnection&) { gate.wait(); });
  LoopThread loop("test");
  StreamLog log;
  const auto stream = ByteStream::open(loop.io(), target(peer, false), log.events());
  // More than the backlog and all socket buffers hold.
  for (int i = 0; i < 32; ++i) stream->send(std::string(1024 * 1024, 'x'));
  ASSERT_TRUE(log.wait_closed());
  EXPECT_EQ(log.reason, "send: the peer reads too slowly");
  release.set_value();
}

TEST(ByteStream, AFastPeerIsSlowedDownUntilItsBytesAreConsumed) {
  ScriptedPeer peer([](PeerConnection& at) { at.write(std::string(4 * 1024 * 1024, 'x')); });
  LoopThread loop("test");
  StreamLog log;
  const auto stream = ByteStream::open(loop.io(), target(peer, false), log.events());
  constexpr std::size_t kPause = ByteStream::kUnconsumedBytesMax;
  ASSERT_TRUE(log.wait([&] { return log.cost >= kPause; }));
  EXPECT_LE(log.cost, kPause + 16 * 1024);
  EXPECT_EQ(log.closed, 0);
  stream->consumed(kPause);
  ASSERT_TRUE(log.wait([&] { return log.cost >= 2 * kPause; }));
  stream->close();
  ASSERT_TRUE(log.wait_closed());
}

TEST(ByteStream, WhatWasSentBeforeCloseStillLeaves) {
  std::promise<std::string> seen;
  ScriptedPeer peer([&](PeerConnection& at) { seen.set_value(at.read_until("never")); });
  LoopThread loop("test");
  StreamLog log;
  const auto stream = ByteStream::open(loop.io(), target(peer, false), log.events());
  ASSERT_TRUE(log.wait([&] { return log.opened > 0; }));
  for (const char* part : {"one ", "two ", "three"}) stream->send(part);
  stream->close();
  EXPECT_EQ(seen.get_future().get(), "one two three");
}

TEST(ByteStream, CloseIsReportedOnceAndNothingAfter) {
  ScriptedPeer peer([](PeerConnection& at) { at.read_until("never"); });
  LoopThread loop("test");
  StreamLog log;
  const auto stream = ByteStream::open(loop.io(), target(peer, false), log.events());
  ASSERT_TRUE(log.wait([&] { return log.opened > 0; }));
  stream->close();
  stream->close();
  stream->send("late");
  ASSERT_TRUE(log.wait_closed());
  EXPECT_EQ(log.reason, "closed by us");
  loop.stop();
  EXPECT_EQ(log.closed, 1);
}

}  // namespace
}  // namespace linli::net
