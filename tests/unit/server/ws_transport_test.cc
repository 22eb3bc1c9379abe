// SPDX-License-Identifier: Apache-2.0
// Goal:   the transport keeps its contract on a real socket: order of bytes under short writes,
//         answers to control frames, closing from both ends, one last call.
// Method: one end of a socketpair is the transport on its loop, the other one is read and written
//         by hand; the loop runs only while it has something ready, so nothing waits.
// A failure here means that phones see mixed messages, or that connections leak.
#include <array>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/ws/framing.h"
#include "server/ws/transport.h"
#include "server/ws/upgrade.h"

namespace linli::ws {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 101 Hi\r\n\r\n";

/// Writes down what it hears.
struct Heard : TransportEvents {
  std::vector<std::string> calls;

  void on_open() override { calls.emplace_back("open"); }
  void on_message(std::string_view message, bool text) override {
    calls.push_back((text ? "text " : "binary ") + std::string(message));
  }
  void on_too_large() override { calls.emplace_back("too_large"); }
  void on_violation() override { calls.emplace_back("violation"); }
  void on_written() override { calls.emplace_back("written"); }
  void on_gone() override { calls.emplace_back("gone"); }
};

class WsTransport : public testing::Test {
 protected:
  WsTransport() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer_ = ends[1];
    net::tcp::socket socket(loop_);
    socket.assign(net::tcp::v4(), ends[0]);
    transport_ =
        make_transport(poller_, net::Stream(std::move(socket)), std::string(kAnswer), true);
    heard_ = std::make_shared<Heard>();
    transport_->open(heard_);
    EXPECT_TRUE(heard_->calls.empty()) << "never from inside a call";
    turn();
  }
  ~WsTransport() override {
    if (transport_) transport_->abort();
    hang_up();
    turn();
  }

  void turn() {
    loop_.restart();
    loop_.poll();
  }
  void hang_up() {
    if (peer_ >= 0) ::close(std::exchange(peer_, -1));
  }
  void say(std::string_view bytes) {
    ASSERT_EQ(::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    turn();
  }
  /// What the peer can read now.
  std::string hear() {
    std::string out;
    std::array<char, 4096> piece{};
    for (ssize_t n = 0; (n = ::recv(peer_, piece.data(), piece.size(), MSG_DONTWAIT)) > 0;)
      out.append(piece.data(), static_cast<std::size_t>(n));
    return out;
  }
  /// The same, until the transport has no more to say.
  std::string hear_all() {
    std::string out;
    for (std::string more = hear(); !more.empty(); more = hear()) {
      out += more;
      turn();
    }
    return out;
  }
  /// True once the other end has said that nothing more comes.
  bool at_end() {
    char byte = 0;
    return ::recv(peer_, &byte, 1, MSG_DONTWAIT) == 0;
  }
  std::vector<std::string> calls() { return std::exchange(heard_->calls, {}); }

  static Frame frame(std::string text) { return std::make_shared<const std::string>(text); }
  /// A client's frame under the mask 0, which changes nothing.
  static std::string masked(Opcode opcode, std::string_view payload) {
    std::string out(frame_head(opcode, payload.size()).view());
    out[1] = static_cast<char>(out[1] | 0x80);
    return out.append(4, '\0').append(payload);
  }
  static std::string message(std::string_view payload) {
    return std::string(frame_head(Opcode::text, payload.size()).view()).append(payload);
  }

  net::asio::io_context loop_{1};
  net::Poller poller_{loop_};
  std::shared_ptr<Transport> transport_;
  std::shared_ptr<Heard> heard_;
  int peer_ = -1;
};

using Calls = std::vector<std::string>;

TEST_F(WsTransport, AnswersTheUpgradeBeforeItIsOpen) {
  EXPECT_EQ(hear(), kAnswer);
  EXPECT_EQ(calls(), Calls{"open"});
}

TEST_F(WsTransport, CarriesMessagesBothWaysAndWritesAtOnce) {
  hear();
  calls();
  const std::array frames{frame("one\n"), frame("two\n")};
  EXPECT_TRUE(transport_->write(frames));
  EXPECT_EQ(hear(), message("one\ntwo\n"));
  say(masked(Opcode::text, "a") + masked(Opcode::binary, "b"));
  EXPECT_EQ(calls(), (Calls{"text a", "binary b"}));
}

TEST_F(WsTransport, KeepsWhatTheSocketDoesNotTakeAndSaysWhenItIsOut) {
  hear();
  calls();
  std::string sent;
  std::vector<Frame> frames;
  for (char c = 'a'; c < 'p'; ++c) frames.push_back(frame(std::string(4000, c)));
  bool at_once = true;
  while (at_once) {
    std::string all;
    for (const Frame& one : frames) all += *one;
    sent += message(all);
    at_once = transport_->write(frames);
    ASSERT_LT(sent.size(), 64U << 20) << "a socket without a bound?";
  }
  const std::weak_ptr<const std::string> kept = frames.back();
  frames.clear();
  EXPECT_FALSE(kept.expired()) << "shared, not copied";
  turn();
  EXPECT_TRUE(calls().empty());
  // A ping now: its answer may not come inside the message.
  say(masked(Opcode::ping, "p"));
  EXPECT_EQ(hear_all(), sent + control_frame(Opcode::pong, "p"));
  EXPECT_EQ(calls(), Calls{"written"});
  EXPECT_TRUE(kept.expired());
  const std::array more{frame("x")};
  EXPECT_TRUE(transport_->write(more));
  EXPECT_EQ(hear(), message("x"));
}

TEST_F(WsTransport, APeerThatPingsAndDoesNotReadCostsLittle) {
  hear();
  calls();
  const std::string payload(kControlPayloadMax, 'p');
  std::size_t pings = 0;
  const std::array big{frame(std::string(60'000, 'x'))};
  std::size_t messages = 1;
  while (transport_->write(big)) ++messages;
  for (; pings < 100; ++pings) say(masked(Opcode::ping, payload));
  const std::string all = hear_all();
  EXPECT_EQ(calls(), Calls{"written"});
  const std::string pong = control_frame(Opcode::pong, payload);
  EXPECT_TRUE(all.ends_with(pong));
  const std::size_t head = messages * message(*big[0]).size();
  EXPECT_LT((all.size() - head) / pong.size(), 30U) << "a peer that does not read gets no more";
}

TEST_F(WsTransport, AnswersAPingWithItsPayload) {
  hear();
  say(masked(Opcode::ping, "are you there"));
  EXPECT_EQ(hear(), control_frame(Opcode::pong, "are you there"));
  say(masked(Opcode::pong, "nobody asked"));
  EXPECT_EQ(hear(), "");
}

TEST_F(WsTransport, OurCloseWaitsForThePeersAndReadsOverMessages) {
  hear();
  calls();
  transport_->close(4400, "malformed");
  EXPECT_EQ(hear(), close_frame(4400, "malformed"));
  say(masked(Opcode::text, "late"));
  EXPECT_FALSE(at_end());
  say(masked(Opcode::close, "\x11\x30"));
  EXPECT_TRUE(at_end());
  EXPECT_EQ(calls(), Calls{"gone"});
}

TEST_F(WsTransport, ThePeersCloseIsAnsweredWithItsCode) {
  hear();
  calls();
  say(masked(Opcode::close, "\x03\xe9") + masked(Opcode::text, "after the end"));
  EXPECT_EQ(hear(), close_frame(1001, ""));
  EXPECT_TRUE(at_end());
  EXPECT_EQ(calls(), Calls{"gone"});
}

TEST_F(WsTransport, AViolationIsToldAndTheRestOfItsBytesIsDiscarded) {
  hear();
  calls();
  say("\x81\x01x");  // not masked
  EXPECT_EQ(hear(), close_frame(1002, ""));
  EXPECT_TRUE(at_end());
  EXPECT_EQ(calls(), Calls{"violation"});
  say(std::string(10'000, 'x'));
  EXPECT_TRUE(calls().empty()) << "still there, so that the answer is not destroyed";
  const std::array frames{frame("x")};
  EXPECT_FALSE(transport_->write(frames));
  hang_up();
  turn();
  EXPECT_EQ(calls(), Calls{"gone"});
}

TEST_F(WsTransport, TextThatIsNoUtf8ClosesWith1007) {
  hear();
  say(masked(Opcode::text, "\xc3\x28"));
  EXPECT_EQ(hear(), close_frame(1007, ""));
}

TEST_F(WsTransport, APeerThatVanishesIsGoneOnce) {
  calls();
  hang_up();
  turn();
  EXPECT_EQ(calls(), Calls{"gone"});
  const std::array frames{frame("x")};
  EXPECT_FALSE(transport_->write(frames));
  transport_->abort();
  transport_->close(1000, "");
  turn();
  EXPECT_TRUE(calls().empty());
}

TEST_F(WsTransport, AbortReportsLaterAndLetsGoOfItsListener) {
  calls();
  transport_->abort();
  EXPECT_TRUE(calls().empty()) << "never from inside a call";
  turn();
  EXPECT_EQ(calls(), Calls{"gone"});
  EXPECT_EQ(heard_.use_count(), 1);
  EXPECT_EQ(transport_.use_count(), 1);
  EXPECT_EQ(hear(), kAnswer);
  EXPECT_TRUE(at_end());
}

// -- The handshake --------------------------------------------------------------------------------

net::HttpRequest asking(std::string key, std::string version) {
  net::HttpRequest request;
  request.headers = {{"sec-websocket-key", std::move(key)},
                     {"sec-websocket-version", std::move(version)}};
  return request;
}

TEST(WsUpgrade, AnswersTheExampleOfTheRfc) {
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  EXPECT_FALSE(refuse_handshake(asking(key, "13")));
  EXPECT_EQ(upgrade_answer(key, "linli.v1.json"),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: linli.v1.json\r\n\r\n");
}

TEST(WsUpgrade, RefusesAnotherVersionAndNamesOurs) {
  for (const char* version : {"", "8", "12", "130", "13, 8"}) {
    const auto refusal = refuse_handshake(asking("dGhlIHNhbXBsZSBub25jZQ==", version));
    ASSERT_TRUE(refusal) << version;
    EXPECT_EQ(refusal->status, 426);
    EXPECT_EQ(refusal->headers.back(),
              (std::pair<std::string, std::string>{"Sec-WebSocket-Version", "13"}));
  }
}

TEST(WsUpgrade, RefusesAKeyThatIsNot16Bytes) {
  for (const char* key :
       {"", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZ\r==", "dGhlIHNhbXBsZSBub25jZQ==, x", "dGhlIHNhbXBsZSBub25jZQAA"}) {
    const auto refusal = refuse_handshake(asking(key, "13"));
    ASSERT_TRUE(refusal) << key;
    EXPECT_EQ(refusal->status, 400);
  }
}

}  // namespace
}  // namespace linli::ws
