// SPDX-License-Identifier: Apache-2.0
// Goal:   what a channel's settings say of its program and broker is checked when the server
//         starts, not when the first warning is due.
#include "server/app/channel_net.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace linli::app {
namespace {

class NoSecrets final : public notify::SecretReader {
 public:
  Result<std::string> read(const std::string& path) const override {
    if (path == "good") return std::string("secret\n");
    return fail(Errc::io, "cannot read " + path);
  }
};

std::string fault_of(const char* settings) {
  ChannelNet shared;
  const auto made = NetTransports::make(shared, Json::parse(settings), NoSecrets());
  return made ? "" : made.error().detail;
}

TEST(ChannelSettings, GoodOnesAreTaken) {
  EXPECT_EQ(fault_of("{}"), "");
  EXPECT_EQ(fault_of(R"({"program":["/bin/cat","-u"],"broker":{"host":"b"}})"), "");
  EXPECT_EQ(fault_of(R"({"broker":{"host":"b","port":8883,"tls":true,"ca_file":"ca.pem",
             "user":"u","password_file":"good","client_id":"c","protocol":4}})"),
            "");
}

TEST(ChannelSettings, BadOnesAreNamed) {
  for (const char* text :
       {R"({"program":"/bin/cat"})", R"({"program":[]})", R"({"program":["cat"]})",
        R"({"program":["/bin/cat",1]})", R"({"program":["/bin/cat","a\u0000b"]})"})
    EXPECT_TRUE(fault_of(text).starts_with("program: ")) << text;
  for (const auto& [text, what] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"({"broker":"b"})", "broker: "},
           {R"({"broker":{}})", "broker.host: "},
           {R"({"broker":{"host":"b","port":70000}})", "broker.port: "},
           {R"({"broker":{"host":"b","protocol":3}})", "broker.protocol: "},
           {R"({"broker":{"host":"b","pasword":"x"}})", "broker.pasword: "},
           {R"({"broker":{"host":"b","password_file":"missing"}})", "cannot read missing"}})
    EXPECT_TRUE(fault_of(text).starts_with(what)) << text << ": " << fault_of(text);
}

TEST(FileSecrets, AreReadWholeAndBounded) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "channel_net_test_secret";
  const FileSecrets secrets;
  std::ofstream(path) << std::string(64 * 1024, 'x');
  EXPECT_EQ(secrets.read(path.string())->size(), 64U * 1024);
  std::ofstream(path, std::ios::app) << "x";
  EXPECT_EQ(secrets.read(path.string()).error().code, Errc::too_large);
  std::filesystem::remove(path);
  EXPECT_EQ(secrets.read(path.string()).error().code, Errc::io);
  EXPECT_EQ(secrets.read("/").error().code, Errc::io);
}

}  // namespace
}  // namespace linli::app
