// SPDX-License-Identifier: Apache-2.0
// Goal:   every mistake in a settings file is named with its line, and the shipped file is the
//         printed default.
// A failure here means that an operator's typing error is ignored or blamed on the wrong line.
#include "server/app/config.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace linli::app {
namespace {

std::string faults(std::string_view text) {
  const auto parsed = parse_config(text, "f");
  return parsed ? "" : parsed.error().detail;
}

TEST(Config, AnEmptyFileIsAllDefaults) {
  const auto parsed = parse_config("", "f");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->server.listen, std::vector<std::string>{"127.0.0.1:8080"});
  EXPECT_EQ(parsed->data.folder, "/var/lib/linli");
  EXPECT_EQ(parsed->sync.window_bytes, 256 * 1024);
}

TEST(Config, ThePrintedDefaultParsesBackToItself) {
  const auto parsed = parse_config(print_default_config(), "f");
  ASSERT_TRUE(parsed) << parsed.error().detail;
  EXPECT_EQ(parsed->server.origins, default_config().server.origins);
  EXPECT_EQ(parsed->log.level, default_config().log.level);
}

TEST(Config, AProgramByItsPathMustBeThere) {
  EXPECT_TRUE(parse_config("[certificates]\npdf_command = [\"no-such-program\", \"-\"]\n", "f"));
  EXPECT_TRUE(parse_config("[certificates]\npdf_command = []\n", "f"));
  for (const char* wrong : {"/nonexistent", "bin/cat", "/etc/passwd"})
    EXPECT_EQ(faults("[certificates]\npdf_command = [\"" + std::string(wrong) + "\"]\n"),
              "f:2: certificates.pdf_command: '" + std::string(wrong) +
                  "' is no absolute path of a program");
}

// Mend with: linlid --print-default-config > config/linlid.toml
TEST(Config, TheShippedFileIsThePrintedDefault) {
  std::ifstream in("config/linlid.toml");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), print_default_config());
}

TEST(Config, UnknownKeysAndSectionsAreNamedWithTheirLine) {
  EXPECT_EQ(faults("[server]\n\nloop = 3\n"), "f:3: server.loop: unknown key");
  EXPECT_EQ(faults("\n[sever]\nloops = 3\n"), "f:2: sever: unknown section");
  EXPECT_EQ(faults("loops = 3\n"), "f:1: loops: unknown key");
}

TEST(Config, BadValuesSayWhatIsAllowed) {
  EXPECT_EQ(faults("[server]\nloops = 65\n"), "f:2: server.loops: must be 0 to 64 threads");
  EXPECT_EQ(faults("[server]\nloops = \"2\"\n"), "f:2: server.loops: must be a whole number");
  EXPECT_EQ(faults("[server]\nloops = 2.0\n"), "f:2: server.loops: must be a whole number");
  EXPECT_EQ(faults("[log]\nlevel = \"loud\"\n"),
            "f:2: log.level: must be one of debug, info, warn, error");
  EXPECT_EQ(faults("[data]\nfolder = 1\n"), "f:2: data.folder: must be a text in quotes");
  EXPECT_EQ(faults("[server]\nlisten = \":80\"\n"), "f:2: server.listen: must be a list of texts");
  EXPECT_EQ(faults("[server]\nlisten = [\n  \":80\",\n  \"nowhere\",\n]\n"),
            "f:4: server.listen: 'nowhere' is not host:port");
  EXPECT_EQ(faults("[server]\norigins = [\"https://a.cn/\"]\n"),
            "f:2: server.origins: 'https://a.cn/' is not scheme://host[:port]");
}

TEST(Config, AllFaultsAreReportedInOrder) {
  EXPECT_EQ(faults("[server]\nloops = -1\nx = 1\n[log]\nlevel = 3\n"),
            "f:2: server.loops: must be 0 to 64 threads\n"
            "f:3: server.x: unknown key\n"
            "f:5: log.level: must be a text in quotes");
}

TEST(Config, BrokenTomlIsNamedWithItsLine) {
  const std::string half = faults("[server]\nloops = \n");
  EXPECT_TRUE(half.starts_with("f:2: ")) << half;
}

TEST(Config, HttpsWithoutACertificateIsRefused) {
  EXPECT_EQ(faults("[server]\nlisten_tls = [\":443\"]\n"),
            "f:2: server.listen_tls: needs tls.certificate and tls.key");
}

TEST(Config, AServerNobodyCanReachIsRefused) {
  EXPECT_TRUE(faults("[server]\nlisten = []\n").starts_with("f:2: server.listen"));
}

TEST(Config, AFileThatIsMissingIsAnIoError) {
  EXPECT_EQ(load_config("/nowhere/linlid.toml").error().code, Errc::io);
}

}  // namespace
}  // namespace linli::app
