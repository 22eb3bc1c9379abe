// SPDX-License-Identifier: Apache-2.0
// Goal: a wrong setting is named, a Retry-After is read as RFC 9110 says, and a text is shortened
//       without cutting what a reader takes for one character.
#include "notify/settings.h"

#include <chrono>

#include <gtest/gtest.h>

#include "notify/retry_after.h"
#include "notify/text/headline.h"
#include "notify/text/shorten.h"
#include "tests/support/channel_parts.h"

namespace linli::notify {
namespace {

using namespace std::chrono_literals;
using test::kMorning;

TEST(SettingsReader, KeepsTheFirstThingThatIsWrongAndNamesIt) {
  const Json settings = {{"url", 7}, {"window", 0}, {"kind", "smtp"}};
  SettingsReader from(settings);
  EXPECT_EQ(from.text("url", "x"), "x");
  EXPECT_EQ(from.integer("window", 3, {1, 9}), 3);
  const auto done = from.finish();
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::invalid_argument);
  EXPECT_EQ(done.error().detail, "url: must be one line of text");
}

TEST(SettingsReader, ReadsWhatIsRightAndRefusesWhatItWasNeverAskedFor) {
  const Json settings = {{"name", "mail"}, {"url", "u"},    {"n", 5},
                         {"on", true},     {"list", {"a"}}, {"sub", {{"x", 1}}}};
  SettingsReader from(settings);
  EXPECT_EQ(from.required_text("url"), "u");
  EXPECT_EQ(from.integer("n", 1, {1, 9}), 5);
  EXPECT_TRUE(from.flag("on", false));
  EXPECT_EQ(from.texts("list", {}), std::vector<std::string>{"a"});
  EXPECT_EQ(from.table("sub").size(), 1U);
  EXPECT_TRUE(from.finish().has_value());
  EXPECT_EQ(from.finish_all().error().detail, "name: is not known");
}

TEST(SettingsReader, RefusesControlCharactersAndMissingTexts) {
  const Json settings = {{"from", "a\r\nBcc: b"}};
  SettingsReader from(settings);
  from.text("from");
  EXPECT_EQ(from.finish().error().detail, "from: must be one line of text");
  SettingsReader missing(settings);
  missing.required_text("url");
  EXPECT_EQ(missing.finish().error().detail, "url: is missing");
}

TEST(RetryAfter, ReadsSecondsAndDatesAndNothingElse) {
  struct Case {
    std::string value;
    Millis wait;
  };
  for (const Case& c : {
           Case{"", 0s},
           Case{"0", 0s},
           Case{"120", 120s},
           Case{"21600", 6h},
           Case{"21601", 6h},
           Case{"99999999999999999999", 6h},
           Case{"-1", 0s},
           Case{"+1", 0s},
           Case{"1.5", 0s},
           Case{" 1", 0s},
           Case{"soon", 0s},
           Case{"Tue, 21 Jul 2026 08:00:30 GMT", 30s},
           Case{"Tue, 21 Jul 2026 07:00:00 GMT", 0s},
           Case{"Wed, 21 Jul 2027 07:00:00 GMT", 6h},
           Case{"Tue, 31 Feb 2026 08:00:30 GMT", 0s},
           Case{"Tue, 21 Jul 2026 08:00:30 CST", 0s},
           Case{"Tue, 21 Xxx 2026 08:00:30 GMT", 0s},
       }) {
    EXPECT_EQ(parse_retry_after(c.value, kMorning), c.wait) << c.value;
  }
}

TEST(Shorten, CutsOnlyBetweenWholeCharactersAndSaysThatItCut) {
  EXPECT_EQ(shorten("停水", 6), "停水");
  EXPECT_EQ(shorten("停水通知", 9), "停水…");
  EXPECT_EQ(shorten("停水通知", 11), "停水…");
  EXPECT_EQ(shorten("停水", 5), "");
  EXPECT_EQ(shorten("停水", 2), "");
  // A letter with its mark, a keycap and a flag are one character each.
  EXPECT_EQ(shorten("ae\xcc\x81xxxx", 6), "a…");
  EXPECT_EQ(shorten("1\xef\xb8\x8f\xe2\x83\xa3yyyyyyyy", 8), "");
  EXPECT_EQ(shorten("1\xef\xb8\x8f\xe2\x83\xa3yyyyyyyy", 10), "1\xef\xb8\x8f\xe2\x83\xa3…");
  EXPECT_EQ(shorten("🇨🇳🇨🇳", 12), "🇨🇳…");
}

TEST(Headline, OneLineHoldsNoControlCharactersAndOnlyUtf8) {
  EXPECT_EQ(one_line("a\r\nBcc: b"), "a Bcc: b");
  EXPECT_EQ(one_line("停\x01水"), "停 水");
  EXPECT_EQ(one_line("a\xffz\xe5\x81"), "a\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace linli::notify
