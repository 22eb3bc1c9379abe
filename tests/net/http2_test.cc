// SPDX-License-Identifier: Apache-2.0
// Goal:   HTTP/2 carries many calls on one connection, and its own ways to fail end truthfully.
// Method: Node's HTTP/2 server, which cancels, refuses or dies by path.
// A failure here means that a push is sent twice, or that one refused stream looks unsent.
#include <future>
#include <mutex>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/assert.h"
#include "server/net/byte_stream.h"
#include "server/net/http_client.h"
#include "server/net/line_process.h"
#include "tests/net/scripted_peer.h"

namespace linli::net {
namespace {

using namespace std::chrono_literals;
using test::test_certificate;

constexpr const char* kNode = "/usr/bin/node";

class Http2 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(kNode, X_OK) != 0) GTEST_SKIP() << "node is not installed";
    auto port = std::make_shared<std::promise<std::string>>();
    peer_ = LineProcess::start(
        loop_.io(),
        {kNode, "tests/net/http2_peer.mjs", test_certificate().certificate, test_certificate().key},
        {.on_line = [port](std::string line) { port->set_value(line); },
         .on_bytes = {},
         .on_ended = {}});
    auto told = port->get_future();
    ASSERT_EQ(told.wait_for(30s), std::future_status::ready);
    url_ = "https://127.0.0.1:" + told.get();
  }
  std::future<CallReply> start(const std::string& path, std::string body = "x") {
    HttpCall call;
    call.url = url_ + path;
    call.ca_file = test_certificate().certificate;
    call.body = std::move(body);
    auto promise = std::make_shared<std::promise<CallReply>>();
    client_.start(std::move(call),
                  [promise](CallReply reply) { promise->set_value(std::move(reply)); });
    return promise->get_future();
  }
  CallReply perform(const std::string& path, std::string body = "x") {
    auto reply = start(path, std::move(body));
    LINLI_ASSERT(reply.wait_for(30s) == std::future_status::ready);
    return reply.get();
  }

  LoopThread loop_{"test"};
  std::shared_ptr<LineProcess> peer_;
  std::string url_;
  HttpClient client_;
};

TEST_F(Http2, ManyCallsShareOneConnection) {
  std::vector<std::future<CallReply>> replies;
  for (int i = 0; i < 50; ++i) replies.push_back(start("/push", std::string(3'000, 'x')));
  for (auto& future : replies) {
    const CallReply reply = future.get();
    EXPECT_EQ(reply.status, 201);
    EXPECT_TRUE(reply.sent);
    EXPECT_EQ(reply.headers.at("x-sessions"), "1");
    EXPECT_EQ(reply.headers.at("x-bytes"), "3000");
  }
}

TEST_F(Http2, WhatThePeerCancelsRefusesOrDropsIsNotRepeated) {
  EXPECT_EQ(perform("/push").status, 201);  // from now on the connection is a kept one
  for (const std::string path : {"/cancel", "/refuse", "/die"}) {
    const CallReply reply = perform(path);
    EXPECT_EQ(reply.failure, Failure::broken) << path;
    EXPECT_TRUE(reply.sent) << path;
    EXPECT_EQ(perform("/seen" + path).body, "1") << path;
  }
}

}  // namespace
}  // namespace linli::net
