// SPDX-License-Identifier: Apache-2.0
#include "server/http/web_app.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "server/http/problem.h"
#include "server/http/slips.h"
#include "tests/unit/server/site_fixture.h"

namespace linli::test {
namespace {

using http::WebApp;
using http::WebFile;

constexpr WebFile kFiles[] = {
    {"assets/a-1.js", "let a = 1;", "packed"},
    {"desk.html", "<p>desk", {}},
    {"index.html", "<p>app", {}},
    {"manifest.webmanifest", "{}", {}},
    {"sw.js", "// worker", {}},
};

class WebAppTest : public testing::Test {
 protected:
  std::optional<net::HttpResponse> get(std::string_view path,
                                       std::map<std::string, std::string, std::less<>> headers = {},
                                       std::span<const WebFile> files = kFiles) {
    net::HttpRequest request;
    request.method = "GET";
    request.headers = std::move(headers);
    return WebApp(files).answer(request, "huainan", path);
  }
  static std::string header(const net::HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return {};
  }
};

TEST_F(WebAppTest, ServesAppAndDeskAndFilesByTheirPath) {
  EXPECT_EQ(get("/")->body, "<p>app");
  EXPECT_EQ(get("/desk")->body, "<p>desk");
  EXPECT_EQ(get("/desk")->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/assets/a-1.js")->body, "let a = 1;");
  EXPECT_EQ(get("/manifest.webmanifest")->content_type, "application/manifest+json");
  EXPECT_FALSE(get("/assets/a-2.js"));
  EXPECT_FALSE(get("/assets/"));
  EXPECT_FALSE(get(""));
}

TEST_F(WebAppTest, OnlyHashedNamesAreKeptForEver) {
  EXPECT_EQ(header(*get("/assets/a-1.js"), "Cache-Control"), "public, max-age=31536000, immutable");
  for (const char* path : {"/", "/desk", "/sw.js", "/manifest.webmanifest"})
    EXPECT_EQ(header(*get(path), "Cache-Control"), "no-cache") << path;
}

TEST_F(WebAppTest, TheEtagIsTheSumOfWhatIsSent) {
  const auto plain = get("/assets/a-1.js");
  const auto packed = get("/assets/a-1.js", {{"accept-encoding", "gzip, br"}});
  EXPECT_EQ(header(*plain, "ETag"), "\"" + to_hex(sha256(as_bytes("let a = 1;"))) + "\"");
  EXPECT_EQ(header(*packed, "ETag"), "\"" + to_hex(sha256(as_bytes("packed"))) + "\"");
  EXPECT_EQ(header(*packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(*plain, "Content-Encoding"), "");
  const auto again = get("/assets/a-1.js", {{"if-none-match", "\"x\", " + header(*plain, "ETag")}});
  EXPECT_EQ(again->status, 304);
  EXPECT_TRUE(again->body.empty());
  EXPECT_EQ(header(*again, "ETag"), header(*plain, "ETag"));
}

TEST_F(WebAppTest, TheWorkerMayControlItsCommunityOnly) {
  EXPECT_EQ(header(*get("/sw.js"), "Service-Worker-Allowed"), "/c/huainan/");
  EXPECT_EQ(header(*get("/"), "Service-Worker-Allowed"), "");
}

TEST_F(WebAppTest, WithoutTheAppItsPagesSaySo) {
  for (const char* path : {"/", "/desk"}) {
    const auto page = get(path, {}, {});
    EXPECT_EQ(page->status, 404);
    EXPECT_NE(page->body.find("not part of this build"), std::string::npos);
  }
  EXPECT_FALSE(get("/sw.js", {}, {}));
}

TEST_F(WebAppTest, ThePolicyHasNoHoleAndTheSocketOfTheHost) {
  const std::string policy =
      header(*get("/", {{"host", "linli.example:8443"}}), "Content-Security-Policy");
  EXPECT_NE(policy.find("connect-src 'self' ws://linli.example:8443 wss://linli.example:8443;"),
            std::string::npos);
  EXPECT_NE(policy.find("script-src 'self';"), std::string::npos);
  EXPECT_NE(policy.find("require-trusted-types-for 'script'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  for (const char* host : {"a;script-src *", "a b", "*", "", "a\"b"})
    EXPECT_EQ(http::app_security_policy(host), http::app_security_policy("")) << host;
}

TEST_F(WebAppTest, TheDeskMayPrintSlips) {
  const auto sheet = http::slip_sheet("淮南社区", kOrigin, "huainan", {});
  const std::string style = http::style_source(*sheet);
  ASSERT_NE(style, "'none'");
  EXPECT_NE(header(*get("/desk"), "Content-Security-Policy").find(style), std::string::npos);
  EXPECT_EQ(header(*get("/"), "Content-Security-Policy").find(style), std::string::npos);
}

struct Coding {
  const char* accept;
  bool takes;
};
class TakesGzip : public testing::TestWithParam<Coding> {};
TEST_P(TakesGzip, AsTheHeaderSays) {
  EXPECT_EQ(http::takes_gzip(GetParam().accept), GetParam().takes) << GetParam().accept;
}
INSTANTIATE_TEST_SUITE_P(Rfc9110, TakesGzip,
                         testing::Values(Coding{"", false}, Coding{"gzip", true},
                                         Coding{"br,gzip", true}, Coding{"br, gzip;q=0.5", true},
                                         Coding{"gzip;q=0", false}, Coding{"gzip; q=0.000", false},
                                         Coding{"gzip;q=0.001", true}, Coding{"xgzip", false},
                                         Coding{"identity", false}));

TEST(MatchesEtag, ComparesWeaklyAndTakesTheStar) {
  EXPECT_TRUE(http::matches_etag("\"a\"", "\"a\""));
  EXPECT_TRUE(http::matches_etag("\"b\" , W/\"a\"", "\"a\""));
  EXPECT_TRUE(http::matches_etag("*", "\"a\""));
  EXPECT_FALSE(http::matches_etag("\"b\"", "\"a\""));
  EXPECT_FALSE(http::matches_etag("a", "\"a\""));
  EXPECT_FALSE(http::matches_etag("", "\"a\""));
}

TEST_F(SiteTest, WithoutAWebAppTheApiIsServedAlone) {
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/desk").status, 404);
}

TEST_F(SiteTest, TheFolderWithoutItsSlashMovesToTheOneWithIt) {
  net::HttpRequest request;
  request.method = "GET";
  request.path = "/c/huainan";
  const net::HttpResponse moved = send(std::move(request));
  EXPECT_EQ(moved.status, 308);
  EXPECT_EQ(header(moved, "Location"), "/c/huainan/");
}

}  // namespace
}  // namespace linli::test
