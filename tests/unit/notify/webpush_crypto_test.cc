// SPDX-License-Identifier: Apache-2.0
// Goal: what leaves for a browser is encrypted as RFC 8291 says, with each key used once, and
//       signed as RFC 8292 says, without a signature per message.
#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/json.h"
#include "notify/channels/webpush/encryption.h"
#include "notify/channels/webpush/key_cache.h"
#include "notify/channels/webpush/vapid.h"
#include "tests/support/channel_parts.h"

namespace linli::notify::webpush {
namespace {

using namespace std::chrono_literals;
using test::kMorning;

std::string unb64(std::string_view text) { return from_base64url(text).value(); }

// RFC 8291 appendix A.
constexpr std::string_view kSender = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
constexpr std::string_view kReceiverPub =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
constexpr std::string_view kAuth = "BTBZMqHH6r4Tts7J_aSIgg";
constexpr std::string_view kSalt = "DGv6ra1nlYgDCS1FRnbzlw";
constexpr std::string_view kText = "When I grow up, I want to be a watermelon";
constexpr std::string_view kBody =
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
    "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
    "a-fN";

Subscription rfc_subscription() {
  return parse_subscription(
             {.medium = Medium::webpush,
              .address = "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4"
                         "rJUsV",
              .params = {{"p256dh", std::string(kReceiverPub)}, {"auth", std::string(kAuth)}}})
      .value();
}

Subscription some_subscription(std::uint8_t number) {
  Subscription out = rfc_subscription();
  out.auth[0] = number;
  return out;
}

Salt salt_of(std::string_view raw) {
  Salt out;
  std::ranges::copy(as_bytes(raw), out.begin());
  return out;
}

TEST(WebPushEncryption, AgreesWithRfc8291AppendixA) {
  const net::OpensslSigner signer;
  const auto sender = signer.load_p256(as_bytes(kSender)).value();
  const Subscription to = rfc_subscription();
  const P256Share share{sender->pub(), sender->agree(to.key).value()};
  const auto body =
      encrypt(signer, one_time_key_of(share, to), salt_of(unb64(kSalt)), kText).value();
  EXPECT_EQ(to_base64url(as_bytes(body)), kBody);
}

TEST(WebPushEncryption, TheLongestPlainTextMakesABodyOf4096BytesAndNoneIsEverCut) {
  const net::OpensslSigner signer;
  const Subscription to = rfc_subscription();
  const OneTimeKey key = make_one_time_key(signer, to).value();
  EXPECT_EQ(encrypt(signer, key, Salt{}, std::string(3993, 'x')).value().size(), 4096U);
  const auto over = encrypt(signer, key, Salt{}, std::string(3994, 'x'));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, Errc::too_large);
}

TEST(WebPushEncryption, EveryMessageHasItsOwnSenderKey) {
  const net::OpensslSigner signer;
  const Subscription to = rfc_subscription();
  EXPECT_NE(make_one_time_key(signer, to)->sender, make_one_time_key(signer, to)->sender);
}

TEST(WebPushKeyCache, GivesAPreparedKeyOnceAndNotAgainUntilAnotherIsPrepared) {
  const net::OpensslSigner signer;
  const Subscription to = rfc_subscription();
  KeyCache cache;
  EXPECT_FALSE(cache.take(to).has_value());
  EXPECT_FALSE(cache.is_complete());
  cache.prepare(signer, 10);
  EXPECT_TRUE(cache.is_complete());
  const auto first = cache.take(to);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(cache.take(to).has_value());
  cache.prepare(signer, 10);
  const auto second = cache.take(to);
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(first->sender, second->sender);
}

TEST(WebPushKeyCache, KeepsNoMoreThanItsBoundAndForgetsWhoWasSentToLongestAgo) {
  const net::OpensslSigner signer;
  KeyCache cache(3);
  for (std::uint8_t i = 0; i < 10; ++i) EXPECT_FALSE(cache.take(some_subscription(i)).has_value());
  EXPECT_EQ(cache.size(), 3U);
  cache.prepare(signer, 100);
  EXPECT_TRUE(cache.is_complete());
  EXPECT_TRUE(cache.take(some_subscription(7)).has_value());
  EXPECT_TRUE(cache.take(some_subscription(9)).has_value());
  EXPECT_FALSE(cache.take(some_subscription(0)).has_value());
  cache.forget(some_subscription(9));
  EXPECT_EQ(cache.size(), 2U);
  cache.prepare(signer, 100);
  EXPECT_FALSE(cache.take(some_subscription(9)).has_value());
}

TEST(WebPushKeyCache, PreparesAFewAtATime) {
  const net::OpensslSigner signer;
  KeyCache cache;
  for (std::uint8_t i = 0; i < 5; ++i) EXPECT_FALSE(cache.take(some_subscription(i)).has_value());
  cache.prepare(signer, 4);
  EXPECT_FALSE(cache.is_complete());
  EXPECT_TRUE(cache.take(some_subscription(3)).has_value());
  EXPECT_FALSE(cache.take(some_subscription(4)).has_value());
}

Vapid make_vapid() {
  const net::OpensslSigner signer;
  return {signer.load_p256(as_bytes(kSender)).value(), "mailto:duty@huainan.example.org"};
}

Json claims_of(const std::string& authorization) {
  const std::size_t from = authorization.find('.') + 1;
  const std::string part = authorization.substr(from, authorization.find('.', from) - from);
  return parse_json(unb64(part)).value();
}

TEST(WebPushVapid, ATokenIsForTheOriginAndServesElevenHours) {
  Vapid vapid = make_vapid();
  const std::string origin = "https://push.example.net:8443";
  const std::string first = vapid.authorization(origin, kMorning).value();
  EXPECT_TRUE(first.starts_with("vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9."));
  EXPECT_TRUE(first.ends_with(", k=" + vapid.public_key()));
  EXPECT_EQ(json_text(claims_of(first), "aud"), origin);
  EXPECT_EQ(json_text(claims_of(first), "sub"), "mailto:duty@huainan.example.org");
  const auto lifetime = json_int(claims_of(first), "exp") - to_unix_ms(kMorning) / 1000;
  EXPECT_EQ(lifetime, 12 * 3600);
  // Signatures are random, so equal texts are the same token.
  EXPECT_EQ(vapid.authorization(origin, kMorning + 11h).value(), first);
  EXPECT_NE(vapid.authorization(origin, kMorning + 11h + 1s).value(), first);
  EXPECT_NE(vapid.authorization("https://push.example.net", kMorning).value(), first);
}

TEST(WebPushVapid, AClockThatIsSetBackLeavesNoTokenOfMoreThanADay) {
  Vapid vapid = make_vapid();
  const std::string origin = "https://push.example.net";
  EXPECT_TRUE(vapid.authorization(origin, kMorning + 48h).has_value());
  const std::string after = vapid.authorization(origin, kMorning).value();
  EXPECT_LE(json_int(claims_of(after), "exp"), to_unix_ms(kMorning + 24h) / 1000);
}

TEST(WebPushVapid, ManyInventedOriginsDoNotGrowItAndDoNotDriveOutAUsedOne) {
  Vapid vapid = make_vapid();
  const std::string real = "https://fcm.googleapis.com";
  const std::string token = vapid.authorization(real, kMorning).value();
  for (std::size_t i = 0; i < 2 * Vapid::kOriginsMax; ++i) {
    EXPECT_TRUE(vapid.authorization("https://x" + std::to_string(i), kMorning).has_value());
    EXPECT_EQ(vapid.authorization(real, kMorning).value(), token);
  }
}

TEST(WebPushVapid, TakesOnlyContactsThatAppleTakes) {
  for (const char* good :
       {"mailto:duty@example.org", "https://example.org", "https://example.org/contact?x=1"}) {
    EXPECT_TRUE(is_contact(good)) << good;
  }
  for (const char* bad :
       {"", "duty@example.org", "mailto:", "mailto:duty", "mailto:@example.org",
        "mailto:duty@localhost", "mailto: duty@example.org", "mailto:<duty@example.org>",
        "mailto:duty@example.", "http://example.org", "https://localhost", "https://127.0.0.1",
        "https://", "mailto:duty@127.0.0.1", "mailto:a\n@example.org"}) {
    EXPECT_FALSE(is_contact(bad)) << bad;
  }
}

struct UrlCase {
  std::string url;
  std::string origin;
};

TEST(WebPushSubscription, OriginIsAsRfc6454WritesIt) {
  for (const UrlCase& c : {
           UrlCase{"https://push.example.net/a", "https://push.example.net"},
           UrlCase{"HTTPS://Push.Example.NET:443/a", "https://push.example.net"},
           UrlCase{"https://push.example.net:8443/a?b=c", "https://push.example.net:8443"},
           UrlCase{"https://push.example.net", "https://push.example.net"},
           UrlCase{"https://push.example.net?x", "https://push.example.net"},
           UrlCase{"https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443"},
       }) {
    const auto read = parse_subscription({.medium = Medium::webpush,
                                          .address = c.url,
                                          .params = {{"p256dh", std::string(kReceiverPub) + "="},
                                                     {"auth", std::string(kAuth) + "=="}}});
    ASSERT_TRUE(read.has_value()) << c.url;
    EXPECT_EQ(read->origin, c.origin);
  }
}

TEST(WebPushSubscription, RefusesWhatCannotBeOne) {
  for (const std::string& bad :
       {std::string(), std::string("http://push.example.net/a"), std::string("https:///a"),
        std::string("https://user@push.example.net/"), std::string("https://a:b@c/"),
        std::string("https://push.example.net:0/"), std::string("https://push.example.net:65536/"),
        std::string("https://push.example.net:/"), std::string("https://push.example.net:8x/"),
        std::string("https://push.example.net/a b"),
        std::string("https://push.example.net/a\r\nX: y"),
        std::string("https://push.example.net\\@inner/"), std::string("https://a#b"),
        std::string("https://推送.cn/"), "https://a/" + std::string(2048, 'x')}) {
    const auto read = parse_subscription(
        {.medium = Medium::webpush,
         .address = bad,
         .params = {{"p256dh", std::string(kReceiverPub)}, {"auth", std::string(kAuth)}}});
    ASSERT_FALSE(read.has_value()) << bad;
    EXPECT_EQ(read.error().code, Errc::malformed);
  }
  for (const auto& [key, auth] : std::vector<std::pair<std::string, std::string>>{
           {"", std::string(kAuth)},
           {std::string(kReceiverPub).substr(4), std::string(kAuth)},
           {std::string(kReceiverPub), "BTBZ"},
           {std::string(kReceiverPub), "!"}}) {
    EXPECT_FALSE(parse_subscription({.medium = Medium::webpush,
                                     .address = "https://push.example.net/a",
                                     .params = {{"p256dh", key}, {"auth", auth}}})
                     .has_value());
  }
}

TEST(WebPushSubscription, AListedServiceIsAnExactNameOrBelowAStarredOne) {
  const std::vector<std::string> list = {"fcm.googleapis.com", "*.push.apple.com"};
  EXPECT_TRUE(is_listed("fcm.googleapis.com", list));
  EXPECT_TRUE(is_listed("web.push.apple.com", list));
  EXPECT_FALSE(is_listed("push.apple.com", list));
  EXPECT_FALSE(is_listed("evilpush.apple.com.example.org", list));
  EXPECT_FALSE(is_listed("xpush.apple.com", list));
  EXPECT_FALSE(is_listed("a.fcm.googleapis.com", list));
}

}  // namespace
}  // namespace linli::notify::webpush
