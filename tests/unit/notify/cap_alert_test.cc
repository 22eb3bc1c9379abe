// SPDX-License-Identifier: Apache-2.0
// Goal: what live feeds get wrong is read all the same, and never as less than it is.
#include <gtest/gtest.h>

#include "tests/unit/notify/cap_samples.h"

namespace linli::notify::cap::test {
namespace {

Alert alert_of(const Sample& sample) {
  const auto alert = read_alert(document_of(sample.xml()).alert);
  EXPECT_TRUE(alert.has_value());
  return alert ? *alert : Alert{};
}

std::string time_text(std::string_view text) {
  const auto at = parse_cap_time(text, std::chrono::minutes{8 * 60});
  return at ? cap_time(*at, std::chrono::minutes{8 * 60}) : "none";
}

TEST(CapAlert, ReadsTheFormOfChinaAndOfEverybody_RAIN1) {
  const auto alert = read_alert(document_of(golden("china_red.xml")).alert);
  ASSERT_TRUE(alert.has_value());
  EXPECT_EQ(alert->key.identifier, "41010341600000_20260720160000_0");
  EXPECT_EQ(alert->infos.at(0).areas.at(0).geocodes.at(0).second, "410103000000");
  EXPECT_EQ(colour_of(alert->infos.at(0)).colour, Colour::red);
  EXPECT_FALSE(colour_of(alert->infos.at(0)).disagrees);
  EXPECT_TRUE(alert->warnings.empty());
  const auto id = parse_china_identifier(alert->key.identifier);
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->area, "410103");
  EXPECT_EQ(id->at, alert->key.sent);
  EXPECT_FALSE(parse_china_identifier("2.49.0.1.156.0.2026072016000000").has_value());
  EXPECT_FALSE(parse_china_identifier("41010341600000_20261320160000_0").has_value());

  const auto flood = read_alert(document_of(golden("flood_many_languages.xml")).alert);
  ASSERT_TRUE(flood.has_value());
  EXPECT_EQ(flood->infos.size(), 4U);
  EXPECT_EQ(flood->references.size(), 1U);
  EXPECT_EQ(flood->infos[0].parameters.at(0).first, "alert_color");
}

TEST(CapAlert, RefusesWhatCannotBeKeyed_RAIN1) {
  const auto broken = [](Sample sample) {
    return !read_alert(document_of(sample.xml()).alert).has_value();
  };
  EXPECT_TRUE(broken({.sender = ""}));
  EXPECT_TRUE(broken({.status = "Real"}));
  EXPECT_TRUE(broken({.type = "Notice"}));
  EXPECT_FALSE(broken({.status = " actual "}));
}

TEST(CapAlert, TimesOfRealFeedsAreRead_Trap26) {
  EXPECT_EQ(time_text("2026-07-20T16:00:00+08:00"), "2026-07-20T16:00:00+08:00");
  EXPECT_EQ(time_text("2026-07-20T08:00:00Z"), "2026-07-20T16:00:00+08:00");
  EXPECT_EQ(time_text("2026-07-20T08:00:00-00:00"), "2026-07-20T16:00:00+08:00");
  EXPECT_EQ(time_text("2026-07-20 16:00"), "2026-07-20T16:00:00+08:00");
  EXPECT_EQ(time_text("2026/7/20 下午 4:00:00"), "2026-07-20T16:00:00+08:00");
  EXPECT_EQ(time_text("2026/7/20 上午12:30:00"), "2026-07-20T00:30:00+08:00");
  EXPECT_EQ(time_text("2026-07-20T16:00:00.123+0800"), "2026-07-20T16:00:00+08:00");
  EXPECT_EQ(time_text("2026-07-20T24:00:00+08:00"), "2026-07-21T00:00:00+08:00");
  for (const char* bad :
       {"", "now", "2026-02-30T00:00:00Z", "2026-07-20T25:00:00Z", "2026-07-20T16:00:00+99:00",
        "2026-07-20T16:00:00Zx", "20260720160000", "0000-00-00T00:00:00Z"})
    EXPECT_EQ(time_text(bad), "none") << bad;
}

TEST(CapAlert, ColourOfAHeadlineIsTheOneThatItWasChangedTo_Trap31) {
  EXPECT_EQ(colour_in_headline("发布暴雨橙色预警信号"), Colour::orange);
  EXPECT_EQ(colour_in_headline("暴雨黄色预警更新为橙色"), Colour::orange);
  EXPECT_EQ(colour_in_headline("暴雨橙色预警更新为黄色预警"), Colour::yellow);
  EXPECT_EQ(colour_in_headline("黄色更新为橙色，又更新为红色"), Colour::red);
  EXPECT_EQ(colour_in_headline("橙色升级为红色"), Colour::red);
  EXPECT_EQ(colour_in_headline("水庫放水紅色警戒"), Colour::red);
  EXPECT_EQ(colour_in_headline("黄色和蓝色预警"), Colour::yellow);
  EXPECT_EQ(colour_in_headline("暴雨预警"), Colour::none);
  EXPECT_TRUE(is_headline_update("暴雨黄色预警更新为橙色"));
  EXPECT_FALSE(is_headline_update("发布暴雨橙色预警信号，预案更新为二级"));
}

TEST(CapAlert, ADisagreementIsSaidAndNeverLowersTheColour_Trap31) {
  Sample sample;
  sample.severity = "Moderate";
  const ColourReading reading = colour_of(alert_of(sample).infos[0]);
  EXPECT_EQ(reading.colour, Colour::red);
  EXPECT_TRUE(reading.disagrees);
  sample.headline = "发布暴雨黄色预警信号";
  EXPECT_EQ(colour_of(alert_of(sample).infos[0]).colour, Colour::yellow);
  EXPECT_FALSE(colour_of(alert_of(sample).infos[0]).disagrees);
  Info info;
  info.severity = "Severe";
  info.parameters = {{"awareness_level", "4; red; Extreme"}, {"river", "Blue River"}};
  EXPECT_EQ(colour_of(info).colour, Colour::red);
  EXPECT_TRUE(colour_of(info).disagrees);
  EXPECT_EQ(colour_of(Info{}).colour, Colour::none);
}

TEST(CapAlert, ALiftIsNotAWarning_Trap26) {
  Info info;
  info.headline = "解除暴雨红色预警信号";
  EXPECT_TRUE(is_lift(info));
  info.headline = "解除暴雨红色预警，发布暴雨黄色预警";
  EXPECT_FALSE(is_lift(info));
  info.headline = "暴雨";
  EXPECT_FALSE(is_lift(info));
  info.response_types = {"AllClear"};
  EXPECT_TRUE(is_lift(info));
}

TEST(CapAlert, LanguageIsChosenByFallbackNotByOrder_Trap26) {
  const auto alert = read_alert(document_of(golden("flood_many_languages.xml")).alert);
  ASSERT_TRUE(alert.has_value());
  const auto chosen = [&](std::vector<std::string> wanted) {
    return infos_for(*alert, wanted).at(0)->language;
  };
  EXPECT_EQ(chosen({"zh-CN"}), "zh-CN");
  EXPECT_EQ(chosen({"zh-Hans-CN", "zh"}), "zh-CN");
  EXPECT_EQ(chosen({"zh-HK"}), "zh-mo");
  EXPECT_EQ(chosen({"en-GB"}), "en");
  EXPECT_EQ(chosen({"fr", "en"}), "en");
  EXPECT_EQ(chosen({"fr"}), "zh-mo");
  EXPECT_TRUE(infos_for(Alert{}, std::vector<std::string>{"zh"}).empty());
}

TEST(CapAlert, ReferencesToItselfAndToLaterOnesAreDropped_Trap26) {
  Sample sample;
  sample.type = "Update";
  sample.references = {sample.key(), later(sample, 5).key(), later(sample, -5).key(),
                       later(sample, -5).key()};
  const Alert alert = alert_of(sample);
  ASSERT_EQ(alert.references.size(), 1U);
  EXPECT_EQ(alert.references[0].sent, later(sample, -5).sent);
  EXPECT_EQ(alert.warnings,
            (std::vector<std::string>{"refers to itself", "refers to a later message"}));
}

TEST(CapAlert, EventsAreTheSameWithAndWithoutCeremony) {
  EXPECT_EQ(plain_event("暴雨红色预警信号"), "暴雨");
  EXPECT_EQ(plain_event(" 暴雨 "), "暴雨");
  EXPECT_EQ(plain_event("Red Flood Warning"), "flood");
  EXPECT_EQ(plain_event("道路结冰黄色预警"), "道路结冰");
}

}  // namespace
}  // namespace linli::notify::cap::test
