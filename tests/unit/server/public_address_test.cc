// SPDX-License-Identifier: Apache-2.0
// Goal:   an address that a phone named never leads into the server's own network (notify.md §5
//         trap 5).
#include "server/net/public_address.h"

#include <gtest/gtest.h>

namespace linli::net {
namespace {

TEST(PublicAddress, ServersOfTheInternetArePublic) {
  for (const char* text : {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255",
                           "172.32.0.0", "192.0.1.1", "223.255.255.255", "2400:3200::1",
                           "2606:4700:4700::1111", "2001:4860:4860::8888", "64:ff9b::808:808"})
    EXPECT_TRUE(is_public_address(std::string(text))) << text;
}

TEST(PublicAddress, WhatPointsInwardsIsNot) {
  for (const char* text : {"0.0.0.0",      "10.1.2.3",         "100.64.0.1",
                           "127.0.0.1",    "127.255.255.254",  "169.254.169.254",
                           "172.16.0.1",   "172.31.255.255",   "192.0.0.8",
                           "192.0.2.1",    "192.168.1.1",      "198.18.0.1",
                           "198.51.100.1", "203.0.113.1",      "224.0.0.1",
                           "240.0.0.1",    "255.255.255.255",  "::",
                           "::1",          "::ffff:127.0.0.1", "::ffff:8.8.8.8",
                           "::127.0.0.1",  "64:ff9b::7f00:1",  "64:ff9b::a00:1",
                           "64:ff9b:1::1", "100::1",           "2001::1",
                           "2001:db8::1",  "2002:7f00:1::1",   "3fff::1",
                           "fc00::1",      "fd12:3456::1",     "fe80::1",
                           "fec0::1",      "ff02::1"})
    EXPECT_FALSE(is_public_address(std::string(text))) << text;
}

TEST(PublicAddress, WhatIsNoAddressIsNot) {
  for (const char* text : {"", "localhost", "1.1.1", "1.1.1.1.1", "0x7f.1", "fe80::1%eth0", "@"})
    EXPECT_FALSE(is_public_address(std::string(text))) << text;
  sockaddr unknown{};
  unknown.sa_family = AF_UNIX;
  EXPECT_FALSE(is_public_address(unknown));
}

}  // namespace
}  // namespace linli::net
