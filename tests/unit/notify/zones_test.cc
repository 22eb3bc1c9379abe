// SPDX-License-Identifier: Apache-2.0
// Goal:   loudspeakers and group robots of an area say a notice once for each step, whoever
//         answers, nobody counts as reached by them, and what is halted falls silent. Links
//         acknowledge for exactly one person.
// Method: the engine on its real store, scripted channels.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/notify/gateway_world.h"

namespace linli::test {
namespace {

using namespace notify;
using namespace std::chrono_literals;

const Json kZones = Json::array({{{"area", "g1"}, {"medium", "loudspeaker"}, {"address", "gate"}},
                                 {{"area", "g1"}, {"medium", "robot"}, {"address", "grid1"}},
                                 {{"area", "g2"}, {"medium", "loudspeaker"}, {"address", "yard"}}});

struct Street : GatewayWorld {
  Street() {
    channel("sms", Medium::sms);
    channel("horn", Medium::loudspeaker).can.can_cancel = true;
    channel("group", Medium::robot);
    people(2, {Medium::sms});
    open();
  }
};

TEST(Zones, EachAreaIsToldOnceAStepAndNobodyIsReachedByIt) {
  Street street;
  street.send("n1", "red", {{"zones", kZones}, {"needs_ack", true}});
  street.run();
  EXPECT_EQ(street.sent_over("horn").size(), 2U);
  EXPECT_EQ(street.sent_over("group").size(), 1U);
  EXPECT_EQ(street.sent_over("horn")[0].item.lane, Lane::red) << "so that it pre-empts";
  EXPECT_FALSE(street.sent_over("horn")[0].item.message.needs_ack);
  EXPECT_EQ(street.facts("reach.zone").size(), 3U);
  for (const Json& fact : street.facts("reach.record"))
    for (const Json& record : fact.at("records"))
      EXPECT_EQ(record.at("person").get<std::string>()[0], 'p');
  street.ack("n1", "p1");
  street.ack("n1", "p2");
  street.pass(11min);
  EXPECT_EQ(street.sent_over("horn").size(), 4U) << "an answer of people ends no loudspeaker";
  EXPECT_EQ(street.sent_over("horn").back().item.message.purpose, Purpose::reminder);
  street.pass(1h);
  EXPECT_EQ(street.sent_over("horn").size(), 4U);
}

TEST(Zones, ARestartRepeatsNothing) {
  Street street;
  street.send("n1", "red", {{"zones", kZones}});
  street.run();
  street.open();
  street.run();
  EXPECT_EQ(street.sent_over("horn").size(), 2U);
}

Json area_with(const char* area, const char* address) {
  return {{"area", area}, {"medium", "loudspeaker"}, {"address", address}};
}

/// A correction of a red notice that is for these areas from now on.
void correct(Street& street, Json zones, const Json& more = Json::object()) {
  Json row = {{"notice", "n1"},           {"what", "correction"}, {"rev", 2},
              {"severity", "red"},        {"urgent", true},       {"title", "更正"},
              {"zones", std::move(zones)}};
  row.update(more);
  street.tell("notice_changed", std::move(row));
  // As the community does it: another snapshot of persons follows.
  street.tell("notice_changed", {{"notice", "n1"}, {"what", "audience"}, {"snap", 2}});
  street.run();
}

std::vector<std::string> heard_at(const Street& street, const std::string& address) {
  std::vector<std::string> out;
  for (const Sent& one : street.sent_over("horn"))
    if (one.item.to.address == address)
      out.push_back(std::string(purpose_name(one.item.message.purpose)) + " " +
                    one.item.message.title);
  return out;
}

TEST(Zones, ACorrectionTellsTheAreasThatAreNewInIt) {
  Street street;
  const Json old_area = area_with("g1", "gate");
  const Json new_area = area_with("g3", "school");
  street.send("n1", "red", {{"zones", Json::array({old_area})}});
  street.pass(15min);  // its ladder is over and forgotten
  ASSERT_EQ(street.sent_over("horn").size(), 2U);
  correct(street, Json::array({old_area, new_area}));
  EXPECT_EQ(heard_at(street, "school"), std::vector<std::string>{"notice 更正"});
  EXPECT_EQ(heard_at(street, "gate").back(), "correction 更正") << "who heard it hears the change";
  ASSERT_EQ(heard_at(street, "gate").size(), 3U);
  street.open();
  street.pass(1h);
  EXPECT_EQ(heard_at(street, "school"), (std::vector<std::string>{"notice 更正", "reminder 更正"}));
  EXPECT_EQ(heard_at(street, "gate").size(), 3U) << "and nothing twice";
  correct(street, Json::array({old_area, new_area}));
  street.pass(1h);
  EXPECT_EQ(heard_at(street, "school").size(), 3U) << "the second correction, as everybody";
}

TEST(Zones, AnAreaThatIsNotInItAnyMoreIsNotRemindedAndOthersAre) {
  Street street;
  const Json both = Json::array({area_with("g1", "gate"), area_with("g2", "yard")});
  street.send("n1", "red", {{"zones", both}});
  street.run();
  correct(street, Json::array({area_with("g1", "gate")}));
  street.pass(1h);
  EXPECT_EQ(heard_at(street, "gate").back(), "reminder 更正") << "another audience ends no ladder";
  EXPECT_EQ(heard_at(street, "yard").back(), "correction 更正");
}

TEST(Zones, AnAreaThatWasLeftBeforeItWasToldIsNewWhenItComesBack) {
  Street street;
  const Json zones = Json::array({area_with("g1", "gate")});
  const Json orange = {{"severity", "orange"}};
  street.send("n1", "orange", {{"zones", zones}});
  street.pass(1min);  // loudspeakers speak after five
  correct(street, Json::array(), orange);
  street.pass(10min);
  EXPECT_TRUE(street.sent_over("horn").empty());
  correct(street, zones, orange);
  street.pass(10min);
  EXPECT_EQ(heard_at(street, "gate"), std::vector<std::string>{"notice 更正"});
}

TEST(RAIN_2, ACorrectedDrillIsNotForAStreetEither) {
  Street street;
  street.send("n1", "red", {{"drill", true}});
  street.run();
  correct(street, kZones, {{"drill", true}});
  EXPECT_TRUE(street.sent_over("horn").empty());
}

TEST(F6, ACorrectionOfAHaltedNoticeTellsNoArea) {
  Street street;
  street.send("n1", "red");
  street.run();
  street.tell("notice_stopped", {{"notice", "n1"}});
  correct(street, kZones);
  EXPECT_TRUE(street.sent_over("horn").empty());
}

TEST(F6, AHaltedNoticeFallsSilentAlsoWhereItPlays) {
  Street street;
  street.send("n1", "red", {{"zones", kZones}});
  street.run();
  street.tell("notice_stopped", {{"notice", "n1"}});
  street.run();
  EXPECT_EQ(street.cancelled.size(), 3U) << "what was handed over is taken back";
  const std::size_t before = street.sent.size();
  street.pass(1h);
  EXPECT_EQ(street.sent.size(), before);
}

TEST(RAIN_4, ACancelReachesTheLoudspeakerAsAnAllClearOnly) {
  Street street;
  street.send("n1", "red", {{"zones", kZones}});
  street.run();
  street.tell("notice_ended", {{"notice", "n1"}, {"why", "withdrawn"}});
  street.run();
  const auto heard = street.sent_over("horn");
  ASSERT_EQ(heard.size(), 4U);
  EXPECT_EQ(heard.back().item.message.purpose, Purpose::all_clear);
}

TEST(RAIN_2, ADrillIsNotForAStreet) {
  Street street;
  street.send("n1", "red", {{"zones", kZones}, {"drill", true}});
  street.run();
  EXPECT_TRUE(street.sent_over("horn").empty());
  EXPECT_TRUE(street.sent_over("group").empty());
  EXPECT_EQ(street.sent_over("sms").size(), 2U);
}

TEST(Zones, ALadderOfPersonsTakesNoLoudspeaker) {
  Json json = parse_json(R"({"policies": {"red": {"rungs": [
    {"after_min": 0, "media": ["loudspeaker"]}]}}})")
                  .value();
  EXPECT_EQ(Policies::parse(json).error().detail,
            "policies.red: media: loudspeaker and robot stand under `zone`");
  json = parse_json(R"({"policies": {"red": {"rungs": [{"after_min": 0, "media": ["sms"]}],
    "zone": [{"after_min": 0, "media": ["sms"]}]}}})")
             .value();
  EXPECT_EQ(Policies::parse(json).error().detail,
            "policies.red: zone: media: loudspeaker and robot belong to places");
}

TEST(M21, ALinkIsOnePersonsAndOneNoticesAndStoredAsAHash) {
  GatewayWorld world;
  world.channel("sms", Medium::sms).can.has_links = true;
  world.channel("mute", Medium::voice);
  world.people(2, {Medium::sms, Medium::voice});
  world.person("p1").helpers = {{Medium::sms, "sms-daughter", {}}};
  world.settings.links = {"https://linli.example/c/huainan/a/", Secret(std::string(32, 'k'))};
  world.open();
  world.send("n1", "red", {{"needs_ack", true}});
  world.pass(11min);
  std::map<std::string, std::set<std::string>> links;
  for (const Sent& one : world.sent_over("sms")) {
    const std::string& link = one.item.message.link;
    if (one.item.to.address == "sms-daughter") {
      EXPECT_TRUE(link.empty()) << "family cannot say that the person knows";
      continue;
    }
    ASSERT_TRUE(link.starts_with("https://linli.example/c/huainan/a/"));
    links[one.item.to.address].insert(link);
  }
  ASSERT_EQ(links.size(), 2U);
  for (const Sent& one : world.sent_over("mute")) EXPECT_TRUE(one.item.message.link.empty());
  std::set<std::string> all;
  for (const auto& [address, of] : links) {
    EXPECT_EQ(of.size(), 1U) << "the same over every rung";
    all.insert(of.begin(), of.end());
  }
  EXPECT_EQ(all.size(), 2U);
  const std::string token = all.begin()->substr(all.begin()->rfind('/') + 1);
  EXPECT_EQ(token.size(), kLinkTokenLength);
  const auto stored = world.store->link(link_hash(token));
  ASSERT_TRUE(stored.has_value() && stored->has_value());
  EXPECT_EQ((*stored)->notice, "n1");
  EXPECT_FALSE(world.store->link(token)->has_value()) << "the token itself is nowhere";
}

}  // namespace
}  // namespace linli::test
