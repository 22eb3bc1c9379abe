// SPDX-License-Identifier: Apache-2.0
// Goal:   a mail has exactly one, truthful end; `sent` says whether the message itself left.
// Method: a scripted SMTP server on loopback that refuses or dies at each step of RFC 5321.
// A failure here means that a resident gets a mail twice, or that a refusal is taken for silence.
#include <chrono>
#include <future>

#include <gtest/gtest.h>

#include "base/assert.h"
#include "server/net/http_client.h"
#include "tests/net/scripted_peer.h"

namespace linli::net {
namespace {

using namespace std::chrono_literals;
using test::PeerConnection;
using test::ScriptedPeer;

CallReply perform(HttpClient& client, MailCall call) {
  auto promise = std::make_shared<std::promise<CallReply>>();
  client.start(std::move(call),
               [promise](CallReply reply) { promise->set_value(std::move(reply)); });
  auto reply = promise->get_future();
  LINLI_ASSERT(reply.wait_for(30s) == std::future_status::ready);
  return reply.get();
}

/// Answers of the server; an empty one closes the connection instead.
struct Answers {
  std::string ehlo = "250-peer\r\n250 SIZE 1000000\r\n";
  std::string mail = "250 2.1.0 ok\r\n";
  std::string rcpt = "250 2.1.5 ok\r\n";
  std::string data = "354 go on\r\n";
  std::string end = "250 2.0.0 queued as 77\r\n";
};

class MailPeer {
 public:
  explicit MailPeer(Answers answers = {})
      : answers_(std::move(answers)), peer_([this](PeerConnection& at) { serve(at); }) {}

  [[nodiscard]] MailCall call() const {
    MailCall call;
    call.url = peer_.at("smtp");
    call.from = "office@community.example";
    call.to = "wang@mail.example";
    call.data = "Subject: x\r\n\r\nhello\r\n";
    call.require_tls = false;
    return call;
  }
  /// All commands, one a line, then the message as it came.
  [[nodiscard]] std::string seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  [[nodiscard]] int accepted() const { return peer_.accepted(); }

 private:
  void note(const std::string& text) {
    const std::lock_guard lock(mutex_);
    seen_ += text;
  }
  void serve(PeerConnection& at) {
    at.write("220 peer ready\r\n");
    while (true) {
      const std::string line = at.read_until("\r\n");
      if (line.empty()) return;
      note(line);
      std::string answer = "250 ok\r\n";
      if (line.starts_with("EHLO")) answer = answers_.ehlo;
      if (line.starts_with("AUTH")) {
        at.write("334 \r\n");
        note(at.read_until("\r\n"));
        answer = "235 2.7.0 welcome\r\n";
      }
      if (line.starts_with("MAIL")) answer = answers_.mail;
      if (line.starts_with("RCPT")) answer = answers_.rcpt;
      if (line.starts_with("DATA")) answer = answers_.data;
      if (line.starts_with("QUIT")) answer = "";
      if (answer.empty()) return;
      at.write(answer);
      if (!answer.starts_with("354")) continue;
      note(at.read_until("\r\n.\r\n"));
      if (answers_.end.empty()) return;
      at.write(answers_.end);
    }
  }

  const Answers answers_;
  std::mutex mutex_;
  std::string seen_;
  ScriptedPeer peer_;
};

TEST(Mail, TheMessageArrivesWithDotsStuffedAndTheReplyComesBack) {
  MailPeer peer;
  HttpClient client;
  MailCall call = peer.call();
  call.data = ".first\r\n..second\r\nthird\r\n.\r\nlast\r\n";
  const CallReply reply = perform(client, call);
  EXPECT_EQ(reply.status, 250);
  EXPECT_EQ(reply.body, "2.0.0 queued as 77");
  EXPECT_FALSE(reply.failure);
  EXPECT_TRUE(reply.sent);
  const std::string seen = peer.seen();
  EXPECT_NE(seen.find("MAIL FROM:<office@community.example>"), std::string::npos) << seen;
  EXPECT_NE(seen.find("RCPT TO:<wang@mail.example>"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("DATA\r\n..first\r\n...second\r\nthird\r\n..\r\nlast\r\n.\r\n"))
      << seen;
}

TEST(Mail, OneConnectionCarriesManyMessages) {
  MailPeer peer;
  HttpClient client;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(perform(client, peer.call()).status, 250);
  EXPECT_EQ(peer.accepted(), 1);
}

TEST(Mail, ARefusalIsAnAnswerAndNothingWasSent) {
  struct Case {
    Answers answers;
    int status;
  };
  const Case cases[] = {{{.mail = "451 4.3.0 later\r\n"}, 451},
                        {{.rcpt = "550 5.1.1 no such user\r\n"}, 550},
                        {{.rcpt = "550-5.1.1 no such\r\n550 5.1.1 user\r\n"}, 550},
                        {{.data = "554 5.7.1 no\r\n"}, 554}};
  for (const Case& one : cases) {
    MailPeer peer(one.answers);
    HttpClient client;
    const CallReply reply = perform(client, peer.call());
    EXPECT_EQ(reply.status, one.status);
    EXPECT_FALSE(reply.failure);
    EXPECT_FALSE(reply.sent) << one.status;
    EXPECT_TRUE(reply.body.starts_with(one.status / 100 == 4 ? "4." : "5.")) << reply.body;
  }
}

TEST(Mail, ARefusalOfTheWholeMessageIsAnAnswer) {
  MailPeer peer({.end = "552 5.3.4 too big\r\n"});
  HttpClient client;
  const CallReply reply = perform(client, peer.call());
  EXPECT_EQ(reply.status, 552);
  EXPECT_EQ(reply.body, "5.3.4 too big");
  EXPECT_FALSE(reply.failure);
  EXPECT_TRUE(reply.sent);
}

TEST(Mail, APeerThatDiesAfterTheMessageLeavesItsEndUnknown) {
  MailPeer peer({.end = ""});
  HttpClient client;
  const CallReply reply = perform(client, peer.call());
  EXPECT_EQ(reply.failure, Failure::broken);
  EXPECT_TRUE(reply.sent);
}

TEST(Mail, APeerThatDiesBeforeTheMessageGotNothing) {
  const Answers cases[] = {{.ehlo = ""}, {.mail = ""}, {.rcpt = ""}, {.data = ""}};
  for (const Answers& answers : cases) {
    MailPeer peer(answers);
    HttpClient client;
    const CallReply reply = perform(client, peer.call());
    EXPECT_EQ(reply.failure, Failure::broken);
    EXPECT_FALSE(reply.sent);
  }
}

TEST(Mail, WithoutStarttlsNothingIsSaidInTheClear) {
  MailPeer peer;
  HttpClient client;
  MailCall call = peer.call();
  call.require_tls = true;
  call.user = "office";
  call.password = "secret";
  const CallReply reply = perform(client, call);
  EXPECT_EQ(reply.failure, Failure::tls);
  EXPECT_FALSE(reply.sent);
  EXPECT_EQ(peer.seen().find("MAIL"), std::string::npos);
  EXPECT_EQ(peer.seen().find("AUTH"), std::string::npos);
}

TEST(Mail, SignsInWhenAsked) {
  MailPeer peer({.ehlo = "250-peer\r\n250 AUTH PLAIN\r\n"});
  HttpClient client;
  MailCall call = peer.call();
  call.user = "office";
  call.password = "secret";
  EXPECT_EQ(perform(client, call).status, 250);
  EXPECT_NE(peer.seen().find("AUTH PLAIN"), std::string::npos) << peer.seen();
}

TEST(Mail, AnAddressThatWouldBeACommandIsRefused) {
  MailPeer peer;
  HttpClient client;
  for (const char* to : {"a@b>\r\nDATA", "a@b> SIZE=1", "", "a b@c"}) {
    MailCall call = peer.call();
    call.to = to;
    EXPECT_EQ(perform(client, call).failure, Failure::local) << to;
  }
  EXPECT_EQ(peer.accepted(), 0);
}

}  // namespace
}  // namespace linli::net
