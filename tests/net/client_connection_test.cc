// SPDX-License-Identifier: Apache-2.0
// Goal:   the client's HTTP calls and WebSockets do the same plain and by TLS, and say at which
//         step they failed and why.
// Method: scripted peers on loopback; the loop runs in the test's thread.
#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "base/assert.h"
#include "clients/native/connection.h"
#include "server/ws/upgrade.h"
#include "tests/net/scripted_peer.h"

namespace linli::client {
namespace {

using namespace std::chrono_literals;
using test::PeerConnection;
using test::ScriptedPeer;
using test::test_certificate;
using test::test_tls;

const net::TlsContext* tls_if(bool tls) { return tls ? &test_tls() : nullptr; }

Url url_of(const ScriptedPeer& peer, bool tls, const std::string& host = "localhost") {
  return {.tls = tls, .host = host, .port = std::to_string(peer.port()), .path = "/at?q=1"};
}

TlsOptions trusting() { return {.ca_file = test_certificate().certificate}; }

// --- HTTP ---------------------------------------------------------------------------------------

TEST(ClientHttp, CallsPlainAndByTls) {
  const std::string big(900'000, 'b');
  for (const bool tls : {false, true}) {
    std::string request;
    std::optional<ScriptedPeer> peer;
    peer.emplace(
        [&](PeerConnection& at) {
          request = at.read_request();
          at.answer(big, "X-Linli: yes\r\n");
        },
        tls_if(tls));
    const auto reply = http_call({.method = "PATCH",
                                  .url = url_of(*peer, tls),
                                  .body = std::string(100'000, 'a'),
                                  .headers = {{"X-Ours", "1"}}},
                                 trusting());
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, big);
    const std::pair<std::string, std::string> theirs{"X-Linli", "yes"};
    EXPECT_EQ(std::ranges::count(reply->headers, theirs), 1);
    peer.reset();  // its thread is done with `request`
    EXPECT_TRUE(request.starts_with("PATCH /at?q=1 HTTP/1.1\r\n")) << request.substr(0, 100);
    EXPECT_NE(request.find("X-Ours: 1\r\n"), std::string::npos);
    EXPECT_TRUE(request.ends_with("\r\n\r\n" + std::string(100'000, 'a')));
  }
}

TEST(ClientHttp, SaysAtWhichStepItFailedAndWhy) {
  const auto error_of = [](const Url& url, const TlsOptions& tls, Millis deadline = 15s) {
    const auto reply = http_call({.method = "GET", .url = url, .deadline = deadline}, tls);
    return reply ? Error{Errc::internal, "answered"} : reply.error();
  };
  const auto expect = [](const Error& error, Errc code, std::string_view step) {
    EXPECT_EQ(error.code, code) << error.detail;
    EXPECT_TRUE(error.detail.starts_with(step)) << error.detail;
  };
  const ScriptedPeer secure([](PeerConnection& at) { at.answer("x"); }, &test_tls());
  expect(error_of(url_of(secure, true), {.ca_file = test_certificate().other}), Errc::bad_signature,
         "TLS: ");
  // The system takes it for 127.0.0.1; the certificate names no such host.
  expect(error_of(url_of(secure, true, "127.1"), trusting()), Errc::bad_signature, "TLS: ");
  expect(error_of(url_of(secure, true), {.ca_file = "/no/such/file"}), Errc::invalid_argument,
         "certificates: ");
  expect(error_of(url_of(secure, true, "no-such-host.invalid"), trusting()), Errc::unavailable,
         "name: ");
  Url gone;
  {
    gone = url_of(ScriptedPeer([](PeerConnection&) {}), false);
  }
  expect(error_of(gone, {}), Errc::unavailable, "connection: ");
  const ScriptedPeer silent([](PeerConnection& at) { at.read_until("never"); });
  expect(error_of(url_of(silent, false), {}, 100ms), Errc::timed_out, "deadline: ");
  expect(error_of(url_of(silent, true), trusting(), 100ms), Errc::timed_out, "deadline: ");
  for (const bool tls : {false, true}) {
    const ScriptedPeer cutting(
        [](PeerConnection& at) {
          at.read_request();
          at.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        },
        tls_if(tls));
    expect(error_of(url_of(cutting, tls), trusting()), Errc::unavailable, "answer: ");
  }
}

TEST(ClientHttp, AnAbandonedRequestSaysNothing) {
  for (const bool tls : {false, true}) {
    const ScriptedPeer peer([](PeerConnection& at) { at.answer("x"); }, tls_if(tls));
    Loop loop;
    int done = 0;
    const auto request = HttpRequest::send(loop, {.method = "GET", .url = url_of(peer, tls)},
                                           trusting(), [&](const Result<HttpReply>&) { ++done; });
    request->abandon();
    loop.call_after(Loop::Timer::app, 50ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(done, 0);
  }
}

// --- WebSocket ----------------------------------------------------------------------------------

constexpr char kBinary = '\x02';
constexpr char kText = '\x01';
constexpr char kClose = '\x08';

/// A frame of the server (RFC 6455 section 5.2).
std::string frame(char opcode, std::string_view payload, bool is_last = true) {
  std::string out{static_cast<char>(is_last ? 0x80 | opcode : opcode)};
  const bool is_long = payload.size() > 65'535;
  LINLI_ASSERT(is_long || payload.size() < 126);
  out.push_back(static_cast<char>(is_long ? 127 : payload.size()));
  for (int shift = is_long ? 56 : -8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(payload.size() >> shift));
  return out.append(payload);
}

/// The payload of the client's next frame, which is masked and shorter than 126 bytes.
std::string read_frame(PeerConnection& at, char opcode) {
  const std::string head = at.read_bytes(6);
  if (head.size() < 6 || head[0] != static_cast<char>(0x80 | opcode)) return "no such frame";
  std::string payload = at.read_bytes(static_cast<std::size_t>(head[1] & 0x7f));
  for (std::size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ head[2 + i % 4]);
  return payload;
}

void upgrade(PeerConnection& at, std::string_view subprotocol = "linli.test") {
  const std::string request = at.read_request();
  constexpr std::string_view kKey = "Sec-WebSocket-Key: ";
  const auto key = request.find(kKey);
  if (key == std::string::npos) return;
  const auto begin = key + kKey.size();
  at.write(
      ws::upgrade_answer(request.substr(begin, request.find('\r', begin) - begin), subprotocol));
}

/// One dialled socket and what it reported; run() returns when it has closed.
struct Dialled {
  Dialled(const ScriptedPeer& peer, bool tls) : url(url_of(peer, tls)) {}

  void run() {
    socket = Socket::dial(loop,
                          {.url = url,
                           .subprotocol = "linli.test",
                           .is_binary = true,
                           .tls = trusting(),
                           .agent = "test/1"},
                          {.on_open =
                               [this] {
                                 ++opened;
                                 if (on_open) on_open();
                               },
                           .on_message = [this](std::string_view m) { messages.emplace_back(m); },
                           .on_progress = [this] { ++progress; },
                           .on_closed =
                               [this](std::uint16_t c, const std::string& w) {
                                 ++closed;
                                 code = c;
                                 why = w;
                                 // What is queued still runs: nothing may be reported after this.
                                 loop.post([this] { loop.stop(); });
                               }});
    if (socket) socket->send("before open");
    loop.run();
  }

  Loop loop;
  Url url;
  std::function<void()> on_open;
  std::shared_ptr<Socket> socket;
  int opened = 0;
  int closed = 0;
  int progress = 0;
  std::vector<std::string> messages;
  std::uint16_t code = 0;
  std::string why;
};

TEST(ClientSocket, CarriesMessagesAndTheCodeOfTheEndPlainAndByTls) {
  const std::string big(200'000, 'b');
  for (const bool tls : {false, true}) {
    const ScriptedPeer peer(
        [&](PeerConnection& at) {
          upgrade(at);
          const std::string first = read_frame(at, kBinary);
          at.write(frame(kBinary, first + "/" + read_frame(at, kBinary)));
          at.write(frame(kBinary, big, false));
          at.write(frame('\0', big));
          at.write(frame(kClose, "\x11\x31no more"));
          read_frame(at, kClose);
        },
        tls_if(tls));
    Dialled phone(peer, tls);
    phone.on_open = [&] { phone.socket->send("after open"); };
    phone.run();
    EXPECT_EQ(phone.opened, 1);
    EXPECT_EQ(phone.closed, 1);
    EXPECT_EQ(phone.code, 0x1131) << phone.why;
    ASSERT_EQ(phone.messages.size(), 2u);
    EXPECT_EQ(phone.messages[0], "before open/after open");
    EXPECT_EQ(phone.messages[1], big + big);
    EXPECT_GT(phone.progress, 1);
  }
}

TEST(ClientSocket, ClosesWithItsCodeAfterWhatIsQueued) {
  for (const bool tls : {false, true}) {
    std::string got;
    std::optional<ScriptedPeer> peer;
    peer.emplace(
        [&](PeerConnection& at) {
          upgrade(at);
          got = read_frame(at, kBinary);
          got += read_frame(at, kClose);
          at.write(frame(kClose, "\x0f\xa0"));
        },
        tls_if(tls));
    Dialled phone(*peer, tls);
    phone.on_open = [&] { phone.socket->close(4000); };
    phone.run();
    EXPECT_EQ(phone.code, 4000);
    EXPECT_EQ(phone.why, "closed");
    EXPECT_EQ(phone.closed, 1);
    peer.reset();
    EXPECT_EQ(got, "before open\x0f\xa0");
  }
}

TEST(ClientSocket, SaysWhyItDidNotOpenOrEnded) {
  struct Case {
    std::function<void(PeerConnection&)> script;
    std::uint16_t code;
    std::string_view why;
  };
  const std::vector<Case> cases{
      {[](PeerConnection& at) {
         at.read_request();
         at.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
       },
       1006, "HTTP 403"},
      {[](PeerConnection& at) { upgrade(at, "other"); }, 4426,
       "the server does not speak linli.test"},
      {[](PeerConnection& at) { at.read_request(); }, 1006, "upgrade: "},
      {[](PeerConnection& at) {
         upgrade(at);
         at.write(frame(kText, "text"));
         at.read_until("never");
       },
       4400, "wrong kind of message"},
      {[](PeerConnection& at) {
         upgrade(at);
         read_frame(at, kBinary);
       },
       1006, ""},
  };
  for (const bool tls : {false, true}) {
    for (const Case& expected : cases) {
      const ScriptedPeer peer(expected.script, tls_if(tls));
      Dialled phone(peer, tls);
      phone.run();
      EXPECT_EQ(phone.code, expected.code) << phone.why;
      EXPECT_TRUE(phone.why.starts_with(expected.why)) << phone.why;
      EXPECT_EQ(phone.closed, 1);
    }
  }
}

TEST(ClientSocket, AnAbandonedSocketSaysNothing) {
  const ScriptedPeer peer([](PeerConnection& at) { upgrade(at); });
  Dialled phone(peer, false);
  phone.loop.post([&] { phone.socket->abandon(); });
  phone.loop.call_after(Loop::Timer::app, 50ms, [&] { phone.loop.stop(); });
  phone.run();
  EXPECT_EQ(phone.opened, 0);
  EXPECT_EQ(phone.closed, 0);
}

}  // namespace
}  // namespace linli::client
