// SPDX-License-Identifier: Apache-2.0
// Goal:   a call to somebody else's server has exactly one, truthful end: answered, certainly not
//         sent, or unknown.
// Method: real sockets on loopback; the peer is a script that answers, dies or stays silent.
// A failure here means that residents get a message twice or never, or that a phone can make the
// server talk to its own network.
#include "server/net/http_client.h"

#include <atomic>
#include <cstdlib>
#include <future>

#include <gtest/gtest.h>

#include "base/assert.h"
#include "tests/net/scripted_peer.h"

namespace linli::net {
namespace {

using namespace std::chrono_literals;
using test::PeerConnection;
using test::ScriptedPeer;
using test::test_certificate;
using test::test_tls;

template <class Call>
std::future<CallReply> start(HttpClient& client, Call call) {
  auto promise = std::make_shared<std::promise<CallReply>>();
  client.start(std::move(call),
               [promise](CallReply reply) { promise->set_value(std::move(reply)); });
  return promise->get_future();
}

template <class Call>
CallReply perform(HttpClient& client, Call call) {
  auto reply = start(client, std::move(call));
  LINLI_ASSERT(reply.wait_for(30s) == std::future_status::ready);
  return reply.get();
}

HttpCall call_to(std::string url) {
  HttpCall call;
  call.url = std::move(url);
  call.ca_file = test_certificate().certificate;
  return call;
}

HttpCall told(std::string url) {
  HttpCall call = call_to(std::move(url));
  call.trust = AddressTrust::client_told;
  return call;
}

void answer_all(PeerConnection& peer) {
  while (!peer.read_request().empty()) peer.answer("ok");
}

TEST(HttpClient, SendsWhatTheCallSaysAndNothingOfItsOwn) {
  std::promise<std::string> seen;
  ScriptedPeer peer([&](PeerConnection& connection) {
    seen.set_value(connection.read_request());
    connection.answer("{\"ok\":1}", "X-Id: 1\r\nX-Id: 2\r\n");
    connection.read_request();
  });
  HttpClient client;
  HttpCall call = call_to(peer.at("http") + "/send?to=1");
  call.method = "PUT";
  call.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  call.body = std::string(300'000, 'x');
  const CallReply reply = perform(client, call);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{\"ok\":1}");
  EXPECT_EQ(reply.headers.at("x-id"), "1, 2");
  EXPECT_FALSE(reply.failure);
  EXPECT_TRUE(reply.sent);
  const std::string request = seen.get_future().get();
  EXPECT_TRUE(request.starts_with("PUT /send?to=1 HTTP/1.1\r\n")) << request.substr(0, 400);
  EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(request.find("\r\nX-Empty:"), std::string::npos);
  EXPECT_EQ(request.find("Expect"), std::string::npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\n" + call.body));
}

TEST(HttpClient, GetHasNoBodyAndNoContentType) {
  std::promise<std::string> seen;
  ScriptedPeer peer([&](PeerConnection& connection) {
    seen.set_value(connection.read_request());
    connection.answer("");
  });
  HttpClient client;
  HttpCall call = call_to(peer.at("http"));
  call.method = "GET";
  EXPECT_EQ(perform(client, call).status, 200);
  const std::string request = seen.get_future().get();
  EXPECT_TRUE(request.starts_with("GET / HTTP/1.1\r\n"));
  EXPECT_EQ(request.find("Content-"), std::string::npos);
}

TEST(HttpClient, OneConnectionServesManyCalls) {
  ScriptedPeer peer(answer_all, &test_tls());
  HttpClient client;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(perform(client, call_to(peer.at("https"))).status, 200);
  EXPECT_EQ(peer.accepted(), 1);
}

// What libcurl would do by itself: send the request again on a fresh connection.
TEST(HttpClient, ARequestWhoseKeptConnectionDiesIsNotRepeated) {
  std::atomic<int> requests = 0;
  ScriptedPeer peer([&](PeerConnection& connection) {
    while (!connection.read_request().empty()) {
      if (++requests == 2) return;  // taken, and gone without an answer
      connection.answer("ok");
    }
  });
  for (const char* method : {"POST", "GET"}) {
    requests = 0;
    HttpClient client;
    HttpCall call = call_to(peer.at("http"));
    call.method = method;
    if (call.method == "POST") call.body = "to=1";
    EXPECT_EQ(perform(client, call).status, 200);
    const CallReply reply = perform(client, call);
    EXPECT_EQ(reply.failure, Failure::broken) << method;
    EXPECT_TRUE(reply.sent) << method;
    EXPECT_EQ(requests, 2) << method;
  }
}

TEST(HttpClient, WhatCannotBeReachedWasNotSent) {
  std::string closed;
  {
    closed = ScriptedPeer(answer_all).at("http");
  }
  HttpClient client;
  const CallReply refused = perform(client, call_to(closed));
  EXPECT_EQ(refused.failure, Failure::connect);
  EXPECT_FALSE(refused.sent);
  const CallReply nameless = perform(client, call_to("http://no-such-host.invalid"));
  EXPECT_EQ(nameless.failure, Failure::resolve);
  EXPECT_FALSE(nameless.sent);
}

TEST(HttpClient, ABadCallIsALocalFailure) {
  HttpClient client;
  EXPECT_EQ(perform(client, call_to("ftp://127.0.0.1/x")).failure, Failure::local);
  EXPECT_EQ(perform(client, call_to("http://user:secret@127.0.0.1/")).failure, Failure::local);
  EXPECT_EQ(perform(client, call_to("nonsense")).failure, Failure::local);
  HttpCall split = call_to("http://127.0.0.1:1/");
  split.headers = {{"X-A", "1\r\nX-B: 2"}};
  EXPECT_EQ(perform(client, split).failure, Failure::local);
  HttpCall method = call_to("http://127.0.0.1:1/");
  method.method = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(perform(client, method).failure, Failure::local);
  HttpCall roots = call_to("https://127.0.0.1:1/");
  roots.headers = {{"Host", "other"}};
  EXPECT_EQ(perform(client, roots).failure, Failure::local);
}

TEST(HttpClient, RedirectsAreAnswersAndNotFollowed) {
  ScriptedPeer peer([](PeerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(connection.read_request(), "");
  });
  HttpClient client;
  const CallReply reply = perform(client, call_to(peer.at("http")));
  EXPECT_EQ(reply.status, 302);
  EXPECT_FALSE(reply.failure);
}

TEST(HttpClient, ALongAnswerEndsTheCall) {
  ScriptedPeer peer([](PeerConnection& connection) {
    connection.read_request();
    connection.answer(std::string(100'000, 'x'));
  });
  HttpClient client;
  HttpCall call = call_to(peer.at("http"));
  call.reply_bytes_max = 99'999;
  const CallReply reply = perform(client, call);
  EXPECT_EQ(reply.failure, Failure::too_large);
  EXPECT_TRUE(reply.sent);
  call.reply_bytes_max = 100'000;
  EXPECT_EQ(perform(client, call).status, 200);
}

TEST(HttpClient, ASilentPeerRunsIntoTheDeadline) {
  ScriptedPeer peer([](PeerConnection& connection) {
    connection.read_request();
    connection.read_request();
  });
  HttpClient client;
  HttpCall call = call_to(peer.at("http"));
  call.deadline = 100ms;
  const CallReply reply = perform(client, call);
  EXPECT_EQ(reply.failure, Failure::timed_out);
  EXPECT_TRUE(reply.sent);
}

TEST(HttpClient, AFullQueueRefusesAtOnceAndWaitingCallsExpireUnsent) {
  ScriptedPeer peer([](PeerConnection& connection) { connection.read_until("never"); });
  HttpClient client({.limits = {.active_max = 1, .queued_max = 2}});
  HttpCall call = call_to(peer.at("http"));
  call.deadline = 500ms;
  auto active = start(client, call);
  while (peer.accepted() == 0) std::this_thread::yield();
  call.deadline = 50ms;
  auto waiting = start(client, call);
  auto waiting_too = start(client, call);
  EXPECT_EQ(start(client, call).get().failure, Failure::overload);
  const CallReply expired = waiting.get();
  EXPECT_EQ(expired.failure, Failure::timed_out);
  EXPECT_FALSE(expired.sent);
  EXPECT_EQ(waiting_too.get().failure, Failure::timed_out);
  EXPECT_EQ(active.wait_for(0s), std::future_status::timeout);
  EXPECT_EQ(active.get().failure, Failure::timed_out);
}

TEST(HttpClient, StopEndsEveryCallAtOnce) {
  ScriptedPeer peer([](PeerConnection& connection) { connection.read_until("never"); });
  HttpClient client({.limits = {.active_max = 1}});
  auto active = start(client, call_to(peer.at("http")));
  while (peer.accepted() == 0) std::this_thread::yield();
  auto waiting = start(client, call_to(peer.at("http")));
  client.stop();
  EXPECT_EQ(active.get().failure, Failure::broken);
  EXPECT_EQ(waiting.get().failure, Failure::local);
  EXPECT_EQ(start(client, call_to(peer.at("http"))).get().failure, Failure::overload);
}

TEST(HttpClient, AnUntrustedCertificateOrNameIsRefusedBeforeAnythingIsSent) {
  ScriptedPeer peer(answer_all, &test_tls());
  HttpClient client;
  HttpCall call = call_to(peer.at("https"));
  call.ca_file = test_certificate().other;
  const CallReply untrusted = perform(client, call);
  EXPECT_EQ(untrusted.failure, Failure::tls);
  EXPECT_FALSE(untrusted.sent);
  EXPECT_EQ(perform(client, call_to(peer.at("https", "127.0.0.2"))).failure, Failure::connect);
  EXPECT_EQ(perform(client, call_to(peer.at("https", "ip6-localhost"))).status, 0);
  call.ca_file = "/nonexistent.pem";
  EXPECT_EQ(perform(client, call).failure, Failure::local);
}

TEST(HttpClient, WhatAPhoneNamedMayNotPointInwards) {
  ScriptedPeer peer(answer_all, &test_tls());
  HttpClient client;
  const std::string port = ":" + std::to_string(peer.port());
  for (const char* host : {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0x7f000001",
                           "2130706433", "0.0.0.0", "10.0.0.1", "169.254.169.254"}) {
    const CallReply reply = perform(client, told("https://" + std::string(host) + port));
    EXPECT_EQ(reply.failure, Failure::forbidden) << host;
    EXPECT_FALSE(reply.sent);
  }
  EXPECT_EQ(perform(client, told("http://example.invalid/")).failure, Failure::forbidden);
  EXPECT_EQ(perform(client, told("https://a:b@example.invalid/")).failure, Failure::forbidden);
  EXPECT_EQ(peer.accepted(), 0);
}

TEST(HttpClient, AKeptConnectionOfTheOperatorIsNotLentToWhatAPhoneNamed) {
  ScriptedPeer peer(answer_all, &test_tls());
  HttpClient client;
  EXPECT_EQ(perform(client, call_to(peer.at("https"))).status, 200);
  const CallReply reply = perform(client, told(peer.at("https")));
  EXPECT_EQ(reply.failure, Failure::forbidden);
  EXPECT_FALSE(reply.sent);
}

TEST(HttpClient, TestsMayAllowPrivateTargetsButNeverPlainHttp) {
  ScriptedPeer peer(answer_all, &test_tls());
  HttpClient client({.allow_private_targets = true});
  EXPECT_EQ(perform(client, told(peer.at("https"))).status, 200);
  EXPECT_EQ(perform(client, told(peer.at("http"))).failure, Failure::forbidden);
}

TEST(HttpClient, TheProxyOfTheEnvironmentIsNotUsed) {
  ScriptedPeer proxy(answer_all);
  ScriptedPeer peer(answer_all);
  // NOLINTBEGIN(concurrency-mt-unsafe): no other thread of this test reads the environment
  ::setenv("http_proxy", proxy.at("http").c_str(), 1);
  ::setenv("all_proxy", proxy.at("http").c_str(), 1);
  {
    HttpClient client;
    EXPECT_EQ(perform(client, call_to(peer.at("http"))).status, 200);
  }
  ::unsetenv("http_proxy");
  ::unsetenv("all_proxy");
  // NOLINTEND(concurrency-mt-unsafe)
  EXPECT_EQ(proxy.accepted(), 0);
}

}  // namespace
}  // namespace linli::net
