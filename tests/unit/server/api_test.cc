// SPDX-License-Identifier: Apache-2.0
// Goal:   the HTTP face runs the modules' work under the same rules as a phone, once per key, and
//         says in openapi.json exactly what it does.
// Method: the real modules behind the router, in one thread.
#include "server/http/api.h"

#include <set>

#include "server/http/openapi.h"
#include "tests/unit/server/site_fixture.h"

namespace linli::test {
namespace {

using Api = SiteTest;
using OpenApi = SiteTest;
using Routing = SiteTest;

TEST_F(Api, AWriteNeedsAnIdempotencyKeyAndSaysHow) {
  const std::string bearer = token(staff("window"));
  const auto refused = post("/api/v1/persons", {{"household", house_}, {"name", "李雷"}}, bearer);
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(json_text(body(refused), "reason").find("Idempotency-Key"), std::string::npos);
}

TEST_F(Api, ARepeatedWriteIsAnsweredAsTheFirstAndFlagged) {
  const std::string bearer = token(staff("window"));
  const Json person = {{"household", house_}, {"name", "李雷"}};
  const auto first = post("/api/v1/persons", person, bearer, "k1");
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_TRUE(header(first, "Idempotent-Replayed").empty());
  const auto again = post("/api/v1/persons", person, bearer, "k1");
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header(again, "Idempotent-Replayed"), "true");
  const auto other =
      post("/api/v1/persons", {{"household", house_}, {"name", "韩梅"}}, bearer, "k1");
  EXPECT_EQ(code(other), "idempotency_mismatch");
  EXPECT_EQ(other.status, 409);
}

TEST_F(Api, TheTokenOfAnOperatorOpensNothingButTheGateway) {
  const auth::Tokens tokens(keys_);
  const std::string local =
      tokens.encode(tokens.make_claims(auth::TokenKind::local, {}, {}, clock_.now()));
  EXPECT_EQ(code(get("/api/v1/persons/" + person_, local)), "forbidden");
  EXPECT_EQ(code(get("/api/v1/accounts", local)), "forbidden");
  const auto paused =
      post("/api/v1/gateway/pause", {{"channel", "sms"}, {"why", "维护"}}, local, "k1");
  EXPECT_EQ(paused.status, 200) << paused.body;
  clock_.advance(auth::kLocalTokenLife);
  EXPECT_EQ(code(get("/api/v1/gateway/orders", local)), "expired");
}

// GEN-9, M15: 设备丢失时有 4 条未上传.
TEST_F(Api, TheDeskReadsWhatEachPhoneLastSaidOfItself) {
  const Phone phone = staff("editor");
  const sync::Cid cid{Id128::parse(phone.cid).value()};
  const auto list = [&](const std::string& bearer, const char* path) {
    return get(path, bearer, {{"account", phone.account}});
  };
  const std::string admin = token(staff("admin"));
  EXPECT_FALSE(body(list(admin, "/api/v1/devices")).at("devices").at(0).contains("last_contact"));
  runtime_.note_cursors({cid, {sync::Seq{3}, sync::Seq{4}}, 77, 4, "linli-web/1.0"});
  const Json device = body(list(admin, "/api/v1/devices")).at("devices").at(0);
  EXPECT_EQ(device.at("last_contact"), 77);
  EXPECT_EQ(device.at("unsent"), 4);
  EXPECT_EQ(device.at("app"), "linli-web/1.0");
  EXPECT_EQ(device.at("cursor"), (Json{{"u", 3}, {"s", 4}}));
  EXPECT_EQ(code(list(token(staff("grid")), "/api/v1/devices")), "forbidden");
  const Json all = body(get("/api/v1/device-sync", admin));
  EXPECT_EQ(std::ranges::count_if(all.at("items"),
                                  [](const Json& one) { return one.contains("unsent"); }),
            1);
  EXPECT_EQ(code(get("/api/v1/device-sync", token(phone))), "forbidden");
}

TEST_F(Api, PathAndQueryAndBodyBecomeOneObject) {
  const std::string bearer = token(staff("window"));
  const auto found = get("/api/v1/households/" + house_, bearer);
  ASSERT_EQ(found.status, 200) << found.body;
  EXPECT_EQ(body(found).at("door"), "6号院2-301");
  EXPECT_EQ(code(get("/api/v1/households/" + house_, bearer, {{"id", "other"}})),
            "invalid_argument");
}

TEST_F(Api, ArgumentsAreCheckedBeforeTheQueue) {
  const std::string bearer = token(staff("window"));
  runtime_.busy = true;
  EXPECT_EQ(code(post("/api/v1/persons", {{"name", 7}}, bearer, "k1")), "invalid_argument");
  EXPECT_EQ(code(post("/api/v1/persons", {{"household", house_}, {"name", "李雷"}}, bearer, "k1")),
            "unavailable");
}

TEST_F(Api, BodiesThatAreNotJsonObjectsAreRefused) {
  const std::string bearer = token(staff("window"));
  net::HttpRequest bad = request("POST", "/api/v1/persons", bearer, "k1");
  bad.body = "{}";
  EXPECT_EQ(code(send(bad)), "unsupported_media");
  bad.headers["content-type"] = "application/json; charset=utf-8";
  bad.body = "[1]";
  EXPECT_EQ(code(send(bad)), "malformed");
  bad.body = std::string(5000, '[');
  EXPECT_EQ(code(send(bad)), "too_deep");
}

TEST_F(Api, AListIsItemsWithALinkToTheNextPage) {
  for (int i = 0; i < 5; ++i)
    runtime_.must("household.put", {{"door", "7-" + std::to_string(i)}, {"area", area_}});
  const std::string bearer = token(staff("window"));
  std::set<std::string> doors;
  std::string cursor;
  for (int page = 0; page < 4; ++page) {
    std::vector<std::pair<std::string, std::string>> query = {{"area", area_}, {"limit", "2"}};
    if (!cursor.empty()) query.emplace_back("cursor", cursor);
    const auto answer = get("/api/v1/households", bearer, query);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const Json page_body = body(answer);
    for (const Json& item : page_body.at("items")) doors.insert(json_text(item, "door"));
    cursor = json_text(page_body, "next");
    if (cursor.empty()) break;
    EXPECT_NE(header(answer, "Link").find("cursor="), std::string::npos);
    EXPECT_NE(header(answer, "Link").find("rel=\"next\""), std::string::npos);
  }
  EXPECT_EQ(doors.size(), 6U);
}

TEST_F(Api, PermissionIsTheModules) {
  const std::string bearer = token(staff("editor"));
  const auto refused =
      post("/api/v1/persons", {{"household", house_}, {"name", "李雷"}}, bearer, "k1");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.content_type, "application/problem+json; charset=utf-8");
}

TEST_F(Api, DangerousWorkNeedsElevation) {
  const Phone admin = staff("admin");
  const std::string who = staff("editor").account;
  const Json ask = {{"state", "suspended"}};
  const std::string path = "/api/v1/accounts/" + who + "/state";
  EXPECT_EQ(code(post(path, ask, token(admin), "k1")), "elevation_required");
  EXPECT_EQ(post(path, ask, elevated(admin), "k1").status, 200);
}

TEST_F(Api, AnElevatedTokenIsRenewedWhileUsed) {
  const std::string bearer = elevated(staff("admin"));
  EXPECT_TRUE(header(get("/api/v1/me", bearer), "Linli-Token").empty());
  clock_.advance(std::chrono::minutes(10));
  const std::string next = header(get("/api/v1/me", bearer), "Linli-Token");
  ASSERT_FALSE(next.empty());
  clock_.advance(std::chrono::minutes(10));
  EXPECT_EQ(code(get("/api/v1/me", bearer)), "expired");
  EXPECT_EQ(get("/api/v1/me", next).status, 200);
}

TEST_F(Api, NobodyGetsInWithoutACredential) {
  EXPECT_EQ(get("/api/v1/me").status, 401);
  EXPECT_FALSE(header(get("/api/v1/me"), "WWW-Authenticate").empty());
  EXPECT_EQ(code(get("/api/v1/me", "garbage")), "unauthenticated");
}

TEST_F(Api, AnApiKeyActsWithItsScopesUntilRevoked) {
  const Phone admin = staff("admin");
  const auto made = post("/api/v1/api-keys", {{"label", "import"}, {"scopes", {"window"}}},
                         elevated(admin), "k1");
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string key = json_text(body(made), "key");
  const auto again = post("/api/v1/api-keys", {{"label", "import"}, {"scopes", {"window"}}},
                          elevated(admin), "k1");
  EXPECT_EQ(json_text(body(again), "key"), key);
  EXPECT_EQ(get("/api/v1/households/" + house_, key).status, 200);
  EXPECT_EQ(get("/api/v1/api-keys", key).status, 403);
  EXPECT_EQ(code(get("/api/v1/me", key + "x")), "unauthenticated");
  runtime_.must("identity.revoke_api_key", {{"id", json_text(body(made), "id")}});
  EXPECT_EQ(code(get("/api/v1/households/" + house_, key)), "revoked");
}

TEST_F(Api, ASlipIsToldOnceAndTheSameOnARepeat) {
  const std::string bearer = token(staff("window"));
  const auto made = post("/api/v1/invites", {{"household", house_}}, bearer, "k1");
  ASSERT_EQ(made.status, 200) << made.body;
  const auto again = post("/api/v1/invites", {{"household", house_}}, bearer, "k1");
  EXPECT_EQ(json_text(body(again), "secret"), json_text(body(made), "secret"));
  const Json slip = {
      {"title", "6号院<2>"}, {"code", body(made).at("code")}, {"secret", body(made).at("secret")}};
  const auto page = post("/api/v1/invites/sheet", {{"slips", {slip}}}, bearer);
  EXPECT_EQ(page.status, 200) << page.body;
  EXPECT_NE(page.body.find("<svg"), std::string::npos);
  EXPECT_NE(page.body.find("6号院&lt;2&gt;"), std::string::npos);
  const std::string editor = token(staff("editor"));
  EXPECT_EQ(code(post("/api/v1/invites", {{"household", house_}}, editor, "k2")), "forbidden");
  EXPECT_EQ(code(post("/api/v1/invites", {{"account", std::string(32, 'a')}}, bearer, "k3")),
            "forbidden");
}

TEST_F(Api, TokensAreBoundToTheOriginAndOneNonce) {
  const Phone phone = staff("window");
  EXPECT_EQ(code(ask_token(phone, "https://evil.example")), "bad_origin");
  const Json challenge = body(post("/api/v1/token/challenge", Json::object()));
  const std::string nonce = from_base64url(json_text(challenge, "nonce")).value();
  const auto sig = phone.key.sign(as_bytes(auth::token_message(kOrigin, keys_.server_id(), nonce)));
  const Json ask = {{"cid", phone.cid},
                    {"nonce", json_text(challenge, "nonce")},
                    {"origin", kOrigin},
                    {"sig", to_base64url(sig)}};
  EXPECT_EQ(post("/api/v1/token", ask).status, 200);
  EXPECT_EQ(code(post("/api/v1/token", ask)), "expired");
}

TEST_F(Routing, UnknownPagesAreProblemsWithTheRequestId) {
  const auto missing = get("/nowhere");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(json_text(body(missing), "request_id"), "0123456789abcdef");
  net::HttpRequest other;
  other.method = "GET";
  for (const char* path : {"/x", "/c/", "/c/other", "/c/other/api/v1/me"}) {
    other.path = path;
    EXPECT_EQ(send(other).status, 404) << path;
  }
  other.path = "/";
  EXPECT_NE(send(other).body.find("淮南社区"), std::string::npos);
}

TEST_F(Routing, OtherMethodsAreNamed) {
  const auto refused = get("/api/v1/token");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(header(refused, "Allow"), "POST");
}

TEST_F(OpenApi, DescribesEveryRouteAndEveryFixedEndpointAndNothingElse) {
  net::HttpRequest ask;
  ask.method = "GET";
  ask.path = "/api/v1/openapi.json";
  const Json document = body(send(ask));
  ASSERT_EQ(document.at("openapi"), "3.1.0");
  std::set<std::string> described;
  std::set<std::string> ids;
  for (const auto& [path, item] : document.at("paths").items())
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      described.insert(method + " " + path);
      EXPECT_TRUE(ids.insert(operation.at("operationId")).second) << operation.at("operationId");
    }
  std::set<std::string> wanted;
  for (const sync::RouteDef& route : registry().routes()) {
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    wanted.insert(method + " /c/{slug}/api/v1" + route.path);
  }
  for (const char* fixed : {"post /c/{slug}/enrol/check",
                            "post /c/{slug}/enrol/confirm",
                            "post /c/{slug}/api/v1/token",
                            "post /c/{slug}/api/v1/token/challenge",
                            "post /c/{slug}/api/v1/elevate",
                            "post /c/{slug}/api/v1/staff/setup",
                            "post /c/{slug}/api/v1/staff/setup/confirm",
                            "post /c/{slug}/api/v1/staff/{account}/reset",
                            "post /c/{slug}/api/v1/invites",
                            "post /c/{slug}/api/v1/invites/sheet",
                            "post /c/{slug}/api/v1/api-keys",
                            "post /c/{slug}/api/v1/imports",
                            "get /c/{slug}/api/v1/imports/{job}",
                            "post /c/{slug}/api/v1/imports/{job}/undo-all",
                            "get /c/{slug}/api/v1/enrolment",
                            "get /c/{slug}/api/v1/gateway",
                            "get /c/{slug}/api/v1/gateway/deliveries",
                            "post /c/{slug}/api/v1/gateway/quote",
                            "get /c/{slug}/api/v1/certificates/{number}/sheet",
                            "get /c/{slug}/api/v1/certificates/{number}/sheet.pdf",
                            "get /c/{slug}/public/attendance-heads",
                            "post /c/{slug}/public/certificate-check",
                            "get /c/{slug}/api/v1/teams/{team}/hours.csv",
                            "post /c/{slug}/api/v1/attendance/verify",
                            "get /c/{slug}/api/v1/push-key",
                            "options /c/{slug}/blobs",
                            "post /c/{slug}/blobs",
                            "patch /c/{slug}/blobs/{id}",
                            "delete /c/{slug}/blobs/{id}",
                            "get /c/{slug}/blobs/{id}",
                            "get /c/{slug}/api/v1/public/notices",
                            "get /c/{slug}/public",
                            "get /c/{slug}/public/atom.xml",
                            "get /c/{slug}/public/cap/{file}",
                            "get /c/{slug}/public/events.ics",
                            "get /c/{slug}/a/{token}",
                            "post /c/{slug}/a/{token}",
                            "get /c/{slug}/hooks/{channel}",
                            "post /c/{slug}/hooks/{channel}"})
    wanted.insert(fixed);
  EXPECT_EQ(described, wanted);
}

// Decision E12: previewers and scanners open links.
TEST_F(OpenApi, NoGetRunsAMutator) {
  for (const sync::RouteDef& route : registry().routes())
    if (route.method == "GET") {
      EXPECT_NE(registry().query(route.target), nullptr) << route.target;
    }
}

TEST_F(OpenApi, PathParametersAreNotAskedForInTheBody) {
  const Json document = http::openapi_document(site_->endpoints(), "test");
  for (const auto& [path, item] : document.at("paths").items())
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      for (const Json& parameter : operation.at("parameters")) {
        if (json_text(parameter, "in") != "path" || !operation.contains("requestBody")) continue;
        const Json& content = operation.at("requestBody").at("content");
        if (!content.contains("application/json")) continue;
        EXPECT_FALSE(content.at("application/json")
                         .at("schema")
                         .value("properties", Json::object())
                         .contains(json_text(parameter, "name")))
            << method << " " << path;
      }
    }
}

}  // namespace
}  // namespace linli::test
