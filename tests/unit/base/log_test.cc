// SPDX-License-Identifier: Apache-2.0
// Goal: one event is one line, whatever a peer put into its values.
#include "base/log.h"

#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace linli {
namespace {

std::string logged(LogLevel level, std::initializer_list<LogField> fields) {
  ::testing::internal::CaptureStderr();
  log_event(level, "sync.session.live", fields);
  return ::testing::internal::GetCapturedStderr();
}

/// What follows `v=` when `value` is logged.
std::string logged_value(const std::string& value) {
  const std::string line = logged(LogLevel::warn, {{"v", value}});
  const std::size_t at = line.find(" v=");
  EXPECT_NE(at, std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  return line.substr(at + 3, line.size() - at - 4);
}

TEST(Log, WritesTimeLevelEventAndFieldsInOrder) {
  const std::string line =
      logged(LogLevel::info, {{"sid", "7f3a"}, {"rows", 500}, {"late", true}, {"by", -2L}});
  EXPECT_TRUE(
      std::regex_match(line, std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z info "
                                        "sync\\.session\\.live sid=7f3a rows=500 late=1 by=-2\n")))
      << line;
}

struct Case {
  std::string value;
  std::string shown;
};

TEST(Log, QuotesAndEscapesValuesThatCouldForgeALine) {
  for (const Case& c : {
           Case{"plain-7", "plain-7"},
           Case{"邻里", "邻里"},
           Case{"", R"("")"},
           Case{"a b", R"("a b")"},
           Case{"a=b", R"("a=b")"},
           Case{"say \"hi\"", R"("say \"hi\"")"},
           Case{R"(back\slash)", R"("back\\slash")"},
           Case{"x\n2026-01-01T00:00:00.000Z error forged",
                R"("x\n2026-01-01T00:00:00.000Z error forged")"},
           Case{"\r\t\x1b[31m", R"("\x0d\x09\x1b[31m")"},
           Case{std::string("a\0b", 3), R"("a\x00b")"},
           Case{"\x7f", R"("\x7f")"},
           Case{"\xc2\x85", R"("\xc2\x85")"},
           Case{"\xe2\x80\xa8", R"("\xe2\x80\xa8")"},
           Case{"\xe2\x80\xae"
                "gpj",
                R"("\xe2\x80\xaegpj")"},
           Case{"\xe2\x81\xa6", R"("\xe2\x81\xa6")"},
           Case{"ok\xff", R"("ok\xff")"},
           Case{"{} %v %s", R"("{} %v %s")"},
       }) {
    EXPECT_EQ(logged_value(c.value), c.shown);
  }
}

TEST(Log, CutsLongValuesBetweenCharacters) {
  std::string value;
  while (value.size() < 5000) value += "邻";
  const std::string shown = logged_value(value);
  EXPECT_LT(shown.size(), 1100U);
  EXPECT_TRUE(shown.ends_with("邻...\"")) << shown.substr(shown.size() - 20);
  EXPECT_EQ(logged_value(std::string(5000, '\x80')), "\"...\"");
}

TEST(Log, LinesBelowTheLevelAreDropped) {
  EXPECT_EQ(logged(LogLevel::debug, {}), "");
  set_log_level(LogLevel::error);
  EXPECT_EQ(logged(LogLevel::warn, {}), "");
  EXPECT_NE(logged(LogLevel::error, {}), "");
  set_log_level(LogLevel::debug);
  EXPECT_NE(logged(LogLevel::debug, {}), "");
  set_log_level(LogLevel::info);
}

}  // namespace
}  // namespace linli
