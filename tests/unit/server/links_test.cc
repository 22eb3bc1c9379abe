// SPDX-License-Identifier: Apache-2.0
// Goal:   the two ways past a sign-in open exactly what they are for: a link of a message
//         acknowledges one notice for one person (decision M21), the token that `linlid admin
//         gateway` makes with server.key orders the gateway for a minute.
// Method: the real site; the gateway behind it is a map of links that counts who asks.
#include "notify/engine/links.h"

#include <regex>
#include <set>

#include "server/http/gateway_port.h"
#include "tests/unit/server/site_fixture.h"

namespace linli::test {
namespace {

class LinkBook final : public http::GatewayPort {
 public:
  void look(Done done) override { done(Json::object()); }
  void deliveries(Json /*params*/, Done done) override { done(Json::object()); }
  void quote(Json /*message*/, Done done) override { done(Json::object()); }
  void push_key(Done done) override { done(fail(Errc::not_found, "none")); }
  void link(std::string token, Done done) override {
    ++asked;
    if (token == expired) return done(fail(Errc::expired, "link"));
    done(fail(Errc::not_found, "link"));
  }
  Result<Json> published(const std::string& /*name*/) override {
    return fail(Errc::not_found, "none");
  }
  void callback(std::string /*channel*/, net::HttpRequest /*request*/,
                std::function<void(Result<net::HttpResponse>)> done) override {
    done(fail(Errc::not_found, "none"));
  }

  int asked = 0;
  std::string expired = std::string(notify::kLinkTokenLength, 'e');
};

class Links : public SiteTest {
 protected:
  Links() {
    router.add(std::make_shared<http::Site>(http::SiteParts{runtime_,
                                                            book_,
                                                            *revoked_,
                                                            keys_,
                                                            clock_,
                                                            rng_,
                                                            inline_pool(),
                                                            inline_pool(),
                                                            {kOrigin},
                                                            "淮南社区",
                                                            &links,
                                                            nullptr,
                                                            &blobs_,
                                                            inline_pool()}));
  }
  net::HttpResponse open(const std::string& token, const std::string& remote = "192.0.2.1",
                         const std::string& choice = {}) {
    net::HttpRequest asks = request(choice.empty() ? "GET" : "POST", "/a/" + token);
    asks.remote = remote;
    asks.request_id = "0123456789abcdef";
    if (!choice.empty()) {
      asks.headers["content-type"] = "application/x-www-form-urlencoded";
      asks.body = "choice=" + choice;
    }
    net::HttpResponse out;
    router.handle(std::move(asks), [&](net::HttpResponse answer) { out = std::move(answer); });
    return out;
  }

  LinkBook links;
  http::Router router{"test"};
};

TEST_F(Links, M21_AWrongOneIsAnsweredAlikeWhateverIsWrongWithIt) {
  const std::string unknown(notify::kLinkTokenLength, 'x');
  const net::HttpResponse answer = open(unknown);
  EXPECT_EQ(answer.status, 404);
  for (const std::string& other :
       {std::string("x"), std::string(400, 'x'), std::string(notify::kLinkTokenLength, '-'),
        unknown.substr(1), unknown + "x"}) {
    EXPECT_EQ(open(other).status, 404) << other;
    EXPECT_EQ(open(other).body, answer.body) << other;
    EXPECT_EQ(open(other, "192.0.2.1", "ok").body, answer.body) << other;
  }
  EXPECT_EQ(open(links.expired).status, 410) << "the link itself was right";
  EXPECT_EQ(header(answer, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header(answer, "Cache-Control"), "no-store");
}

TEST_F(Links, M21_SomebodyWhoTriesManyIsStoppedBeforeTheGatewayIsAsked) {
  const std::string unknown(notify::kLinkTokenLength, 'x');
  const int burst = static_cast<int>(auth::kRemoteLink.burst);
  for (int n = 0; n < burst; ++n) EXPECT_EQ(open(unknown).status, 404);
  ASSERT_EQ(links.asked, burst);
  EXPECT_EQ(open(unknown).status, 429);
  EXPECT_EQ(open(unknown, "192.0.2.1", "ok").status, 429);
  EXPECT_EQ(open(links.expired).status, 429) << "a right one is not told from a wrong one";
  EXPECT_EQ(links.asked, burst);
  EXPECT_EQ(open(unknown, "192.0.2.2").status, 404) << "others go on";
}

TEST_F(Links, M21_WithoutTheServersKeyNobodyComputesOne) {
  const notify::LinkMaker ours{"", keys_.derive("linli.ack_link.1")};
  const std::string token = notify::link_token(ours, "n1", person_);
  EXPECT_EQ(from_base64url(token).value().size(), 16U) << "128 bits";
  EXPECT_EQ(notify::link_token(ours, "n1", person_), token);
  const notify::LinkMaker theirs{"", auth::ServerKeys::generate(rng_).derive("linli.ack_link.1")};
  EXPECT_NE(notify::link_token(theirs, "n1", person_), token);
  const notify::LinkMaker other_use{"", keys_.derive("linli.token.mac.1")};
  EXPECT_NE(notify::link_token(other_use, "n1", person_), token);
  EXPECT_NE(notify::link_token(ours, "n", "1" + person_), token);
  std::set<std::string> made;
  for (int n = 0; n < 1000; ++n)
    made.insert(notify::link_token(ours, "n1", "p" + std::to_string(n)));
  EXPECT_EQ(made.size(), 1000U);
}

TEST_F(Links, TheOperatorsTokenIsRefusedByEveryEndpointButThoseOfTheGateway) {
  const auth::Tokens tokens(keys_);
  const std::string local =
      tokens.encode(tokens.make_claims(auth::TokenKind::local, {}, {}, clock_.now()));
  const std::regex place("\\{[^}]*\\}");
  int refused = 0;
  for (const http::Endpoint& endpoint : site_->endpoints().all()) {
    if (endpoint.access == http::Access::open || endpoint.tag == "gateway") continue;
    const std::string path = std::regex_replace(std::string(endpoint.path), place, "x1");
    const net::HttpResponse answer = send(request(endpoint.method, path, local, "k1"));
    EXPECT_EQ(answer.status, 403) << endpoint.method << " " << endpoint.path;
    ++refused;
  }
  EXPECT_GT(refused, 50);
}

TEST_F(Links, TheOperatorsTokenIsMadeFromTheServersKeyAndLastsAMinute) {
  const auto local_of = [&](const auth::ServerKeys& keys) {
    const auth::Tokens tokens(keys);
    return tokens.encode(tokens.make_claims(auth::TokenKind::local, {}, {}, clock_.now()));
  };
  const std::string forged = local_of(auth::ServerKeys::generate(rng_));
  EXPECT_EQ(code(get("/api/v1/gateway/orders", forged)), "unauthenticated");
  // A device's token is not made an operator's by changing its first byte.
  const std::string device = token(staff("window"));
  std::string raw = from_base64url(device).value();
  raw[0] = static_cast<char>(auth::TokenKind::local);
  const std::string bent = to_base64url(as_bytes(raw));
  EXPECT_EQ(code(get("/api/v1/gateway/orders", bent)), "unauthenticated");
  const std::string local = local_of(keys_);
  EXPECT_EQ(auth::kLocalTokenLife, std::chrono::minutes(1));
  clock_.advance(auth::kLocalTokenLife - Millis{1});
  const net::HttpResponse last = get("/api/v1/gateway/orders", local);
  EXPECT_EQ(last.status, 200) << last.body;
  EXPECT_TRUE(header(last, "Linli-Token").empty()) << "it does not slide";
  clock_.advance(Millis{1});
  EXPECT_EQ(code(get("/api/v1/gateway/orders", local)), "expired");
}

}  // namespace
}  // namespace linli::test
