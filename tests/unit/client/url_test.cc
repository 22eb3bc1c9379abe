// SPDX-License-Identifier: Apache-2.0
#include "clients/native/url.h"

#include <gtest/gtest.h>

namespace linli::client {
namespace {

TEST(Url, SlipAddressNamesCommunityAndSecret) {
  const auto url = parse_url("https://Example.org:8443/c/huainan/enrol#S3cret_-");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->path, "/c/huainan/enrol");
  EXPECT_EQ(url->fragment, "S3cret_-");
  EXPECT_EQ(slug_of(*url), "huainan");
  EXPECT_EQ(url->origin(), "https://Example.org:8443");
}

TEST(Url, DefaultPortsAreLeftOutOfTheOrigin) {
  EXPECT_EQ(parse_url("http://a:80/c/x")->origin(), "http://a");
  EXPECT_EQ(parse_url("wss://a")->origin(), "https://a");
  EXPECT_EQ(parse_url("http://[::1]:8080/")->origin(), "http://[::1]:8080");
  EXPECT_EQ(parse_url("http://[::1]:8080/")->host, "::1");
  EXPECT_EQ(slug_of(*parse_url("http://a/c/x")), "x");
  EXPECT_EQ(slug_of(*parse_url("http://a/other")), "");
}

TEST(Url, BadAddressesAreRefused) {
  for (const char* bad :
       {"", "huainan", "ftp://a/", "http://", "http://a:99999/", "http://a:x/", "http://user@a/",
        "http://a b/", "http://a\n/", "http://[::1/", "http://a;b/"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

}  // namespace
}  // namespace linli::client
