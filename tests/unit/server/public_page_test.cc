// SPDX-License-Identifier: Apache-2.0
#include "server/http/public_page.h"

#include "tests/unit/server/site_fixture.h"

namespace linli::test {
namespace {

using http::PublicNotices;

/// 2026-11-26 08:00 in Shanghai.
constexpr std::int64_t kMorning = 1'795'651'200'000;

Json notice(const char* id, const char* severity, std::int64_t sent_at, const char* title) {
  return {{"id", id},       {"category", "living"}, {"severity", severity},    {"sent_at", sent_at},
          {"title", title}, {"state", "sent"},      {"body", "第一段\n第二段"}};
}

PublicNotices some(Json notices) {
  return {"淮南社区", "huainan", "https://linli.example", std::move(notices)};
}

TEST(PublicHtml, TheWorstWarningComesFirstThenTheNewest) {
  const std::string page = http::public_html(
      some({notice("a", "none", kMorning + 2, "新的"), notice("b", "none", kMorning + 1, "旧的"),
            notice("c", "yellow", kMorning, "黄的"), notice("d", "red", kMorning - 9, "红的")}));
  std::vector<std::size_t> at;
  for (const char* title : {"红的", "黄的", "新的", "旧的"}) at.push_back(page.find(title));
  EXPECT_TRUE(std::ranges::is_sorted(at));
  EXPECT_NE(at.back(), page.npos);
  EXPECT_NE(page.find("红色预警"), page.npos) << "not only a colour";
  EXPECT_NE(page.find("2026年11月26日 08:00"), page.npos);
  EXPECT_NE(page.find("<p>第二段</p>"), page.npos);
}

TEST(PublicHtml, ForeignTextIsOnlyText) {
  Json evil = notice("x\"><b>", "none", kMorning, "<script>1</script>");
  evil["action_line"] = "<img src=x onerror=1>";
  evil["body"] = "</p><style>";
  evil["issuer"] = "&\"'";
  const PublicNotices from = some(Json::array({evil}));
  for (const std::string& text : {http::public_html(from), http::public_atom(from)}) {
    EXPECT_NE(text.find("script&gt;1"), text.npos) << "it is there";
    for (const char* markup : {"<script", "<img", "<b>", "</p><style>", "&\""})
      EXPECT_EQ(text.find(markup), text.npos) << markup;
  }
}

TEST(PublicHtml, SaysWhenThereIsNothing) {
  EXPECT_NE(http::public_html(some(Json::array())).find("目前没有"), std::string::npos);
}

TEST(PublicAtom, HasEveryNoticeNewestFirst) {
  Json corrected = notice("b", "none", kMorning, "旧的");
  corrected["corrected_at"] = kMorning + 3'600'000;
  const std::string feed =
      http::public_atom(some({notice("a", "none", kMorning + 1000, "新的"), corrected}));
  EXPECT_LT(feed.find("旧的"), feed.find("新的"));
  EXPECT_NE(feed.find("<updated>2026-11-26T09:00:00+08:00</updated>"), feed.npos);
  EXPECT_NE(feed.find("<id>https://linli.example/c/huainan/public#n-a</id>"), feed.npos);
}

class PublicPages : public SiteTest {};

TEST_F(PublicPages, NeedNoSignInAndMayBeKeptForAWhile) {
  for (const char* path : {"/public", "/public/atom.xml", "/api/v1/public/notices"}) {
    const net::HttpResponse page = get(path);
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(header(page, "Cache-Control"), "public, max-age=10");
    net::HttpRequest again = request("GET", path);
    again.headers["if-none-match"] = header(page, "ETag");
    const net::HttpResponse same = send(std::move(again));
    EXPECT_EQ(same.status, 304);
    EXPECT_TRUE(same.body.empty());
  }
}

TEST_F(PublicPages, TheOnlyCommunityIsTheFrontPage) {
  net::HttpRequest front;
  front.method = "GET";
  front.path = "/";
  EXPECT_EQ(send(front).body, get("/public").body);
}

// F9, ENR-4: the web app shows it before anybody enrols.
TEST_F(PublicPages, TheListHasWhatIsOutForEverybodyAndAsksForNoToken) {
  const Phone author = staff("editor");
  const Phone second = staff("approver");
  const auto out = [&](const char* id, Json audience) {
    const Json draft = {{"id", id},
                        {"category", "latest"},
                        {"title", id},
                        {"body", "明天停水"},
                        {"audience", std::move(audience)}};
    const auto made = post("/api/v1/notices", draft, token(author), std::string("d") + id);
    ASSERT_EQ(made.status, 200) << made.body;
    const std::string path = std::string("/api/v1/notices/") + id;
    post(path + "/submit", Json::object(), token(author), std::string("s") + id);
    const auto sent =
        post(path + "/approve", {{"fingerprint", body(made).at("fingerprint")}, {"persons", 1}},
             elevated(second), std::string("a") + id);
    ASSERT_EQ(sent.status, 200) << sent.body;
  };
  out("all", {{"areas", {area_}}});
  out("old", {{"areas", {area_}}, {"age_min", 65}});
  runtime_.tick();
  const auto list = get("/api/v1/public/notices");
  ASSERT_EQ(list.status, 200) << list.body;
  ASSERT_EQ(body(list).at("items").size(), 1U) << list.body;
  EXPECT_EQ(body(list).at("items").at(0).at("id"), "all");
}

TEST_F(PublicPages, WithoutAGatewayThereIsNoPushKey) {
  EXPECT_EQ(get("/api/v1/push-key").status, 404);
}

}  // namespace
}  // namespace linli::test
