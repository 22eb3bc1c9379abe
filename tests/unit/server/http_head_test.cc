// SPDX-License-Identifier: Apache-2.0
// Goal:   a request head has one reading or none.
// Method: table by section of RFC 9112; each case names the rule it breaks.
// A failure here means that a proxy and linlid may disagree where a request ends.
#include "server/net/http_head.h"

#include <gtest/gtest.h>

namespace linli::net {
namespace {

struct Bad {
  const char* name;
  std::string head;
  Errc code = Errc::malformed;
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n";

class RefusedHead : public testing::TestWithParam<Bad> {};

TEST_P(RefusedHead, IsRefused) {
  HttpRequest request;
  const auto facts = parse_head(GetParam().head, request);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, GetParam().code) << facts.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9112, RefusedHead,
    testing::Values(
        Bad{"bare_lf_at_the_end", "GET / HTTP/1.1\nHost: a\n\n"},
        Bad{"bare_lf_in_the_middle", "GET / HTTP/1.1\r\nX: a\nHost: a\r\n\r\n"},
        Bad{"bare_cr", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"},
        Bad{"folded_line", kGet + "X: a\r\n b\r\n\r\n"},
        Bad{"folded_first_line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
        Bad{"blank_before_colon", kGet + "X : a\r\n\r\n"}, Bad{"empty_name", kGet + ": a\r\n\r\n"},
        Bad{"no_colon", kGet + "X\r\n\r\n"},
        Bad{"nul_in_value", kGet + std::string("X: a\0b", 6) + "\r\n\r\n"},
        Bad{"no_host", "GET / HTTP/1.1\r\n\r\n"}, Bad{"two_hosts", kGet + "host: b\r\n\r\n"},
        Bad{"two_lengths", kGet + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
        Bad{"length_list", kGet + "Content-Length: 1, 1\r\n\r\n"},
        Bad{"signed_length", kGet + "Content-Length: +1\r\n\r\n"},
        Bad{"hex_length", kGet + "Content-Length: 0x1\r\n\r\n"},
        Bad{"huge_length", kGet + "Content-Length: 99999999999999999999\r\n\r\n"},
        Bad{"empty_length", kGet + "Content-Length:\r\n\r\n"},
        Bad{"length_and_coding", kGet + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Bad{"two_codings", kGet + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"},
        Bad{"coding_list", kGet + "Transfer-Encoding: gzip, chunked\r\n\r\n",
            Errc::unsupported_media},
        Bad{"coding_in_1_0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Bad{"no_version", "GET /\r\nHost: a\r\n\r\n"},
        Bad{"http_2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", Errc::unsupported_version},
        Bad{"lower_case_version", "GET / http/1.1\r\nHost: a\r\n\r\n"},
        Bad{"bad_method", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"},
        Bad{"absolute_target", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        Bad{"two_targets", "GET / /x HTTP/1.1\r\nHost: a\r\n\r\n"},
        Bad{"dot_dot", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", Errc::invalid_argument},
        Bad{"escaped_dot_dot", "GET /%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", Errc::invalid_argument},
        Bad{"escaped_slash_dot_dot", "GET /a%2f..%2fb HTTP/1.1\r\nHost: a\r\n\r\n",
            Errc::invalid_argument},
        Bad{"nul_in_path", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", Errc::invalid_argument},
        Bad{"half_escape", "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n"},
        Bad{"not_utf8", "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", Errc::invalid_argument},
        Bad{"fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Head, GoodHeadsAreRead) {
  HttpRequest request;
  const auto facts = parse_head(
      "POST /c/huainan/%E9%80%9A?a=1&b=x+y%26&c HTTP/1.1\r\nHost: a\r\nX: 1\r\nx:  2 \r\n"
      "Content-Length: 7\r\nExpect: 100-Continue\r\nConnection: close\r\n\r\n",
      request);
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_EQ(request.path, "/c/huainan/通");
  EXPECT_EQ(request.query_value("b"), "x y&");
  EXPECT_EQ(request.query.size(), 3U);
  EXPECT_EQ(request.header("x"), "1, 2");
  EXPECT_EQ(facts->content_length, 7U);
  EXPECT_TRUE(facts->expect_continue);
  EXPECT_FALSE(facts->keep_alive);
}

TEST(Head, UpgradesAreRecognised) {
  HttpRequest request;
  const auto facts =
      parse_head(kGet + "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n", request);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->upgrade);
}

TEST(Head, ItsEndIsFoundByPieces) {
  const std::string whole = kGet + "\r\n";
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(head_size(std::string_view(whole).substr(0, n))) << n;
  EXPECT_EQ(head_size(whole + "rest"), whole.size());
}

TEST(Head, AnswersCannotBeSplitByAHeaderValue) {
  HttpResponse response;
  response.headers.emplace_back("X", "a\r\nSet-Cookie: b");
  const std::string head = response_head(response, "0123", true, true);
  EXPECT_EQ(head.find("\r\nSet-Cookie"), std::string::npos);
  EXPECT_NE(head.find("Strict-Transport-Security"), std::string::npos);
}

TEST(Head, AHandlersOwnPolicyReplacesTheDefault) {
  HttpResponse response;
  response.headers.emplace_back("content-security-policy", "default-src 'self'");
  const std::string head = response_head(response, "0123", true, false);
  EXPECT_EQ(head.find("default-src 'none'"), std::string::npos);
}

}  // namespace
}  // namespace linli::net
