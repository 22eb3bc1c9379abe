// SPDX-License-Identifier: Apache-2.0
// Goal:   a wrong setting is found at start and named, and no secret is in what is said about it.
// Method: the sample_settings of the README, then one fault at a time.
#include "notify/channels/smpp/settings.h"

#include <gtest/gtest.h>

#include "notify/channels/smpp/adapter.h"

namespace linli::notify::smpp {
namespace {

class OneSecret final : public SecretReader {
 public:
  explicit OneSecret(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] Result<std::string> read(const std::string& path) const override {
    if (path != "smpp.password") return fail(Errc::io, "no such file");
    return text_;
  }

 private:
  std::string text_;
};

Json sample_settings() {
  return {{"host", "smsc.example"},
          {"port", 2775},
          {"system_id", "linli"},
          {"password_file", "smpp.password"}};
}

Result<Settings> parse(const Json& settings, const std::string& password = "secret\n") {
  const OneSecret secrets(password);
  return parse_settings(
      {.name = "sms", .settings = settings, .rng = nullptr, .clock = nullptr, .secrets = &secrets});
}

TEST(SmppSettings, FourKeysAreEnough) {
  const auto settings = parse(sample_settings());
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->password, "secret");
  EXPECT_EQ(settings->window, 10U);
  EXPECT_TRUE(settings->receipts);
  EXPECT_FALSE(settings->is_split);
  EXPECT_EQ(settings->opt_out_words.front(), "R");
}

TEST(SmppSettings, EveryKeyIsRead) {
  Json json = sample_settings();
  json.update({{"bind", "tx_rx"},
               {"response_id", "hex"},
               {"receipt_id", "decimal"},
               {"statuses", {{"0x00000400", "opted_out"}, {"1403", "permanent_content"}}},
               {"receipt_errors", {{"001", "invalid_endpoint"}}},
               {"opt_out_words", {"ｔｄ"}},
               {"signature", "淮南社区"},
               {"alphabet", "ucs2"},
               {"validity_hours", 0},
               {"receipt_zone_minutes", -60}});
  const auto settings = parse(json);
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_TRUE(settings->is_split);
  EXPECT_EQ(settings->response_id, IdForm::hex);
  EXPECT_EQ(settings->receipt_id, IdForm::decimal);
  EXPECT_EQ(settings->statuses.at(0x400), OutcomeKind::opted_out);
  EXPECT_EQ(settings->statuses.at(0x1403), OutcomeKind::permanent_content);
  EXPECT_EQ(settings->receipt_errors.at("001"), OutcomeKind::invalid_endpoint);
  EXPECT_EQ(settings->opt_out_words, std::vector<std::string>{"TD"});
  EXPECT_TRUE(settings->form.ucs2_only);
  EXPECT_EQ(settings->validity_max, Millis{0});
  EXPECT_EQ(settings->receipt_zone, std::chrono::minutes(-60));
}

TEST(SmppSettings, AFaultIsNamedByItsKey) {
  const std::vector<std::pair<const char*, Json>> faults = {
      {"port", 0},
      {"port", "2775"},
      {"system_id", "sixteen letters!"},
      {"bind", "both"},
      {"window", 0},
      {"country_code", "+86"},
      {"statuses", {{"zz", "opted_out"}}},
      {"statuses", {{"0", "opted_out"}}},
      {"statuses", {{"0x400", "gone"}}},
      {"receipt_errors", {{"001", 7}}},
      {"response_id", "octal"},
      {"parts_max", 256},
      {"password", "secret"},
      {"hots", "smsc.example"},
  };
  for (const auto& [key, value] : faults) {
    Json json = sample_settings();
    json[key] = value;
    const auto settings = parse(json);
    ASSERT_FALSE(settings) << key;
    EXPECT_EQ(settings.error().code, Errc::invalid_argument);
    EXPECT_NE(settings.error().detail.find(key), std::string::npos) << settings.error().detail;
  }
  for (const char* key : {"host", "port", "system_id", "password_file"}) {
    Json json = sample_settings();
    json.erase(key);
    EXPECT_FALSE(parse(json)) << key;
  }
}

TEST(SmppSettings, APasswordThatSmppCannotCarryIsRefusedUnsaid) {
  const auto settings = parse(sample_settings(), "much too long");
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().detail.find("much"), std::string::npos);
  Json elsewhere = sample_settings();
  elsewhere["password_file"] = "elsewhere";
  EXPECT_EQ(parse(elsewhere).error().code, Errc::io);
}

TEST(SmppSettings, TheRegistryMakesTheChannel) {
  AdapterRegistry registry;
  registry.add("smpp", &make_smpp);
  SeededRng rng(1);
  const SystemClock clock;
  const OneSecret secrets("secret");
  const auto adapter = registry.make("smpp", {.name = "sms",
                                              .settings = sample_settings(),
                                              .rng = &rng,
                                              .clock = &clock,
                                              .secrets = &secrets});
  ASSERT_TRUE(adapter) << adapter.error().detail;
  EXPECT_EQ((*adapter)->capabilities().medium, Medium::sms);
}

}  // namespace
}  // namespace linli::notify::smpp
