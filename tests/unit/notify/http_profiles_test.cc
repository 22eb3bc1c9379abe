// SPDX-License-Identifier: Apache-2.0
// Goal: every provider profile that is shipped loads, and a profile that is wrong is refused in
// words that name the place.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "notify/channels/http/profile.h"

namespace linli::notify::http {
namespace {

const std::filesystem::path kFolder = "config/providers";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string shipped(const std::string& name) { return read_file(kFolder / (name + ".json")); }

/// The fault of a profile whose text `from` became `to`.
std::string fault_after(const std::string& name, const std::string& from, const std::string& to) {
  std::string text = shipped(name);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at == std::string::npos) return {};
  const auto loaded = load_profile(text.replace(at, from.size(), to));
  return loaded ? std::string("loaded") : loaded.error().detail;
}

TEST(HttpProfiles, EveryShippedProfilePassesItsOwnExamples) {
  ASSERT_TRUE(crypto_init());
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".json") continue;
    const auto profile = load_profile(read_file(entry.path()));
    ASSERT_TRUE(profile.has_value()) << profile.error().detail;
    EXPECT_EQ((*profile)->name, entry.path().stem().string());
    EXPECT_GE((*profile)->examples.size(), 3U) << entry.path();
    names.insert((*profile)->name);
  }
  EXPECT_EQ(names, (std::set<std::string>{"aliyun_sms", "dingtalk_robot", "feishu_robot",
                                          "hms_push", "kannel_sendsms", "tencent_sms",
                                          "wechat_template", "wecom_robot"}));
}

TEST(HttpProfiles, AnExampleThatFailsRefusesTheProfileByName) {
  const std::string fault =
      fault_after("kannel_sendsms", "\"0\": \"accepted\"", "\"0\": \"delivered\"");
  EXPECT_EQ(fault,
            "profile kannel_sendsms: example \"a red warning\": outcome 1.outcome: expected "
            "\"accepted\", got \"delivered\"");
}

TEST(HttpProfiles, EveryByteOfAnExpectedRequestCounts) {
  EXPECT_NE(fault_after("aliyun_sms", "OutId=7", "OutId=8").find("request 1.url: expected"),
            std::string::npos);
  EXPECT_NE(fault_after("tencent_sms", "\"service\": \"sms\"", "\"service\": \"cvm\"")
                .find("headers.Authorization"),
            std::string::npos);
}

TEST(HttpProfiles, AMistakeIsNamedByItsPlace) {
  EXPECT_EQ(fault_after("wecom_robot", "\"outcomes\"", "\"outcome\""),
            "profile: reply.outcome: no such key");
  EXPECT_EQ(fault_after("wecom_robot", "{{text}}", "{{txt}}"),
            "profile: request.json: json.text.content: no such name: txt");
  EXPECT_EQ(fault_after("wecom_robot", "{{text}}", "{{!text}}"),
            "profile: request.json: json.text.content: {{!...}} is for settings only");
  EXPECT_EQ(fault_after("wecom_robot", "{{text}}", "{{text"),
            "profile: request.json: json.text.content: template: {{ without }}");
  EXPECT_EQ(fault_after("wecom_robot", "\"/errcode\"", "\"errcode\""),
            "profile: reply.code: not a place in an answer: errcode");
  EXPECT_EQ(fault_after("wecom_robot", "\"invalid_endpoint\"", "\"gone\""),
            "profile: reply.outcomes.93000: no such outcome: gone");
  EXPECT_EQ(fault_after("wecom_robot", "\"medium\": \"robot\"", "\"medium\": \"pigeon\""),
            "profile: medium: no such medium: pigeon");
  EXPECT_EQ(fault_after("kannel_sendsms", "match:^([0-9]): ", "match:^([0-9"),
            "profile: reply.code: not a regular expression: ^([0-9");
  EXPECT_EQ(
      fault_after("wechat_template", "\"client_msg_id\": \"{{key}}\"", "\"client_msg_id\": \"1\""),
      "profile: limits.idempotent: no request field carries {{key}}");
  EXPECT_EQ(fault_after("aliyun_sms", "\"secret\": \"{{settings.hook_secret}}\"",
                        "\"secret\": \"fixed\""),
            "profile: webhook.auth.secret: must come from a setting");
}

TEST(HttpProfiles, NothingButOneJsonObjectIsAProfile) {
  for (const char* text : {"", "[]", "7", "{}", "{\"name\":\"x\"}", "{\"name\":\"x\",\"name\":1}"})
    EXPECT_FALSE(load_profile(text)) << text;
  EXPECT_EQ(load_profile(std::string(70'000, ' ')).error().code, Errc::too_large);
}

}  // namespace
}  // namespace linli::notify::http
