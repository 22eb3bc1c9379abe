// SPDX-License-Identifier: Apache-2.0
// Goal:   people, their devices and their roles change hands without anybody seeing too much.
// Method: the real modules, committer and memory store; a small town of four people.
#include <gtest/gtest.h>

#include "tests/support/test_community.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

Json slip(const std::string& id, const std::string& household, const char digit = 'a') {
  return {{"id", id},
          {"household", household},
          {"code_hash", std::string(64, digit)},
          {"secret_hash", std::string(64, digit)}};
}

Json enrolment(const std::string& invite, const std::string& person, int number) {
  return {{"invite", invite},
          {"person", person},
          {"cid", SmallTown::cid(number)},
          {"pub", std::string(43, 'A')},
          {"consent", {{"version", "1"}, {"purposes", {"notices", "reach"}}}}};
}

TEST(ENR_2, SlipIsSingleUse) {
  SmallTown town;
  town.must("", "identity.create_invite", slip("s1", "h1b"));
  town.must("", "identity.enrol", enrolment("s1", "p-chen", 1));
  EXPECT_EQ(code_of(town.call("", "identity.enrol", enrolment("s1", "p-chen", 2))),
            Errc::already_used);
}

TEST(ENR_2, SlipsExpireAndCanBeTakenBack) {
  SmallTown town;
  town.must("", "identity.create_invite", slip("s1", "h1b"));
  town.must(town.grid1, "identity.revoke_invite", {{"id", "s1"}});
  EXPECT_EQ(code_of(town.call("", "identity.enrol", enrolment("s1", "p-chen", 1))), Errc::revoked);
  town.must("", "identity.create_invite", slip("s2", "h1b"));
  town.clock().advance(24h * 31);
  EXPECT_EQ(code_of(town.call("", "identity.enrol", enrolment("s2", "p-chen", 1))), Errc::expired);
}

TEST(ENR_2, FiveWrongCodesCloseTheDoorForAnHour) {
  SmallTown town;
  town.must("", "identity.create_invite", slip("s1", "h1b"));
  const Json look = {{"door", "1网格6号院2号楼3门栋50b"}, {"code_hash", std::string(64, 'a')}};
  EXPECT_EQ(town.ask("", "identity.find_invite", look)->at("found"), true);
  for (int i = 0; i < 5; ++i) town.must("", "identity.count_attempt", {{"household", "h1b"}});
  EXPECT_EQ(code_of(town.ask("", "identity.find_invite", look)), Errc::rate_limited);
  town.clock().advance(1h);
  EXPECT_EQ(town.ask("", "identity.find_invite", look)->at("found"), true);
  EXPECT_EQ(code_of(town.ask(town.window, "identity.find_invite", look)), Errc::forbidden);
}

TEST(ENR_4, ConsentKeepsPurposeVersionAndTime) {
  SmallTown town;
  town.must("", "identity.create_invite", slip("s1", "h1b"));
  const Json made = town.must("", "identity.enrol", enrolment("s1", "p-chen", 1));
  EXPECT_EQ(made.at("name"), "陈大爷");
  EXPECT_EQ(made.at("community"), "淮南社区");
}

TEST(ENR_5, SlipOfAnotherHouseholdIsRefusedAndDetachedDevicesAreRevoked) {
  SmallTown town;
  town.must("", "identity.create_invite", slip("s1", "h1b"));
  EXPECT_EQ(code_of(town.call("", "identity.enrol", enrolment("s1", "p-liu", 1))),
            Errc::not_member);
  town.must("", "identity.enrol", enrolment("s1", "p-chen", 1));
  town.must(town.grid1, "identity.detach_device", {{"cid", SmallTown::cid(1)}});
  const Json device = town.row("device", SmallTown::cid(1));
  EXPECT_EQ(device.at("state"), "revoked");
  EXPECT_EQ(device.at("reason"), "wrong_household");
  EXPECT_EQ(town.row("person", "p-chen").at("app"), 0);
}

TEST(ENR_8, GridWorkerRegistersAnElderWithoutAPhone) {
  SmallTown town;
  town.must(town.grid1, "person.register",
            {{"id", "0190aaaa0000700080000000000000aa"},
             {"household", "h1a"},
             {"name", "赵奶奶"},
             {"birth_year", 1940},
             {"no_phone", true},
             {"landline", "12000000009"},
             {"neighbour", "王桂芝"},
             {"keyholder", "居委会"},
             {"mobility", "stick"}});
  EXPECT_TRUE(town.holds(town.grid1, "person_card", "0190aaaa0000700080000000000000aa"));
  EXPECT_EQ(code_of(town.call(town.grid1, "person.put", {{"household", "h2a"}, {"name", "某"}})),
            Errc::forbidden);
}

struct TwoEditors : SmallTown {
  Json edits() {
    const Json access = must(window, "people.request_read", {{"person", "p-wang"}});
    return ask(window, "people.edits", {{"id", "p-wang"}, {"access", access.at("access")}})
        ->at("lost");
  }
};

TEST(GEN_5, OfTwoValuesTheLaterWrittenIsShownAndTheOtherKeptWithWhoAndWhen) {
  using namespace std::chrono_literals;
  TwoEditors town;
  const Instant morning = town.clock().now();
  town.clock().advance(1h);
  town.must(town.window, "person.put", {{"id", "p-wang"}, {"neighbour", "赵师傅"}});
  town.clock().advance(1h);
  // Written in the morning without a net, sent only now.
  ASSERT_TRUE(town.call_late(morning + 1min, town.grid1, "person.put",
                             {{"id", "p-wang"}, {"neighbour", "钱阿姨"}, {"mobility", "stick"}}));
  const Json row = town.row("person", "p-wang");
  EXPECT_EQ(row.at("neighbour"), "赵师傅") << "what was written later stands";
  EXPECT_EQ(row.at("mobility"), "stick") << "another member is nobody's loss";
  const Json kept = town.edits();
  const auto at =
      std::ranges::find(kept, Json("钱阿姨"), [](const Json& e) { return e.at("value"); });
  ASSERT_NE(at, kept.end()) << kept;
  EXPECT_EQ(at->at("by"), town.grid1);
  EXPECT_EQ(at->at("kept_by"), town.window);
  EXPECT_LT(at->at("at"), at->at("kept_at"));
}

TEST(GEN_5, WhatGivesWayToALaterCorrectionIsKeptToo) {
  using namespace std::chrono_literals;
  TwoEditors town;
  town.must(town.window, "person.put", {{"id", "p-wang"}, {"keyholder", "赵师傅"}});
  town.clock().advance(1h);
  town.must(town.grid1, "person.put", {{"id", "p-wang"}, {"keyholder", "居委会"}});
  EXPECT_EQ(town.row("person", "p-wang").at("keyholder"), "居委会");
  const Json kept = town.edits().at(0);
  EXPECT_EQ(kept.at("value"), "赵师傅");
  EXPECT_EQ(kept.at("by"), town.window);
  EXPECT_FALSE(town.ask(town.grid1, "people.edits", {{"id", "p-wang"}}))
      << "a read is logged first";
  EXPECT_FALSE(town.ask(town.editor, "people.edits", {{"id", "p-wang"}}));
}

TEST(B6, TheGatewayHearsOfEveryNewNumberAndPlace) {
  SmallTown town;
  const auto changes = [&] { return town.outbox("endpoint_changed").size(); };
  const std::size_t before = changes();
  town.must(town.grid1, "person.put", {{"id", "p-wang"}, {"mobility", "stick"}});
  EXPECT_EQ(changes(), before) << "nothing that calls or writes goes by";
  town.must(town.grid1, "person.put", {{"id", "p-wang"}, {"landline", "12000000099"}});
  EXPECT_EQ(town.outbox("endpoint_changed").back().at("why"), "number");
  town.must(town.window, "household.put",
            {{"id", "h1a"}, {"door", "1网格6号院2号楼3门栋50a"}, {"area", "b1"}});
  EXPECT_EQ(changes(), before + 2);
  EXPECT_EQ(town.outbox("endpoint_changed").back().at("why"), "moved");
}

TEST(ENR_9, MergeKeepsBothHistoriesAndUndoWorksThirtyDays) {
  SmallTown town;
  town.must(
      "", "person.put",
      {{"id", "p-dup"}, {"household", "h1b"}, {"name", "陈大爷"}, {"landline", "12000000077"}});
  const std::string account = town.enrol("p-dup", 1);
  const Json before = town.row("person", "p-chen");
  const Json merged =
      town.must(town.window, "person.merge", {{"id", "p-chen"}, {"duplicate", "p-dup"}});
  EXPECT_EQ(town.row("person", "p-dup").at("state"), "merged");
  EXPECT_EQ(town.row("person", "p-chen").at("landline"), "12000000077");
  EXPECT_EQ(town.row("account", account).at("person"), "p-chen");
  EXPECT_EQ(town.row("person", "p-chen").at("app"), 1);
  town.clock().advance(24h * 29);
  town.must(town.window, "person.undo", {{"undo", merged.at("undo")}});
  EXPECT_EQ(town.row("account", account).at("person"), "p-dup");
  EXPECT_FALSE(town.row("person", "p-chen").contains("landline"));
  EXPECT_EQ(town.row("person", "p-dup").at("app"), 1);
}

TEST(ENR_9, UndoIsGoneAfterThirtyDays) {
  SmallTown town;
  const Json moved =
      town.must(town.window, "person.move", {{"id", "p-chen"}, {"household", "h2a"}});
  town.clock().advance(24h * 31);
  EXPECT_EQ(code_of(town.call(town.window, "person.undo", {{"undo", moved.at("undo")}})),
            Errc::expired);
  town.settle();
  EXPECT_TRUE(town.row("undo", moved.at("undo").get<std::string>()).is_null());
}

TEST(ENR_10, OldPhoneIsRevokedAndTheNewOneStays) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  EXPECT_EQ(town.enrol("p-chen", 2), chen);
  town.must(chen, "identity.revoke_device", {{"cid", SmallTown::cid(1)}});
  EXPECT_EQ(town.row("device", SmallTown::cid(1)).at("state"), "revoked");
  EXPECT_EQ(town.row("person", "p-chen").at("app"), 1);
}

TEST(GEN_10, AMovedPersonsPhoneLeavesTheOldAreas) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.must(town.window, "person.move", {{"id", "p-chen"}, {"household", "h2a"}});
  const auto held = town.buckets_of(chen);
  EXPECT_EQ(std::ranges::count(held, "area:g1:s"), 0);
  EXPECT_EQ(std::ranges::count(held, "area:e2:u"), 1);
  EXPECT_FALSE(town.holds(town.grid1, "person_card", "p-chen"));
}

TEST(GEN_10, AWorkersNewGridTakesTheOldCardsAway) {
  SmallTown town;
  EXPECT_TRUE(town.holds(town.grid1, "person_card", "p-wang"));
  town.must("", "identity.grant_role", {{"id", town.grid1}, {"role", "grid"}, {"scope", "g2"}});
  town.must("", "identity.revoke_role", {{"id", town.grid1}, {"role", "grid"}, {"scope", "g1"}});
  EXPECT_FALSE(town.holds(town.grid1, "person_card", "p-wang"));
  EXPECT_TRUE(town.holds(town.grid1, "person_card", "p-liu"));
  EXPECT_EQ(code_of(town.call(town.grid1, "person.put", {{"id", "p-wang"}, {"mobility", "bed"}})),
            Errc::forbidden);
}

TEST(F8, EndingAPersonEndsAccessAndProxiesAndCanBeUndone) {
  SmallTown town;
  const std::string li = town.enrol("p-li", 1);
  const std::string wang = town.enrol("p-wang", 2);
  town.must("", "proxy.request", {{"id", "x1"}, {"proxy", "p-li"}, {"dependant", "p-wang"}});
  town.must(wang, "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "tap"}}}});
  EXPECT_EQ(std::ranges::count(town.buckets_of(li), "area:e1:u"), 1);
  const Json ended =
      town.must(town.grid1, "person.end", {{"id", "p-wang"}, {"reason", "deceased"}});
  EXPECT_EQ(std::ranges::count(town.buckets_of(li), "area:e1:u"), 0);
  EXPECT_EQ(std::ranges::count(town.buckets_of(wang), "area:e1:u"), 0);
  EXPECT_EQ(town.row("proxy", "x1").at("state"), "ended");
  town.must(town.window, "person.undo", {{"undo", ended.at("undo")}});
  EXPECT_EQ(std::ranges::count(town.buckets_of(li), "area:e1:u"), 1);
  EXPECT_EQ(std::ranges::count(town.buckets_of(wang), "area:e1:u"), 1);
}

TEST(F3, OnePhoneSpeaksForTheCouple) {
  SmallTown town;
  town.must("", "person.put", {{"id", "p-spouse"}, {"household", "h1b"}, {"name", "陈奶奶"}});
  const std::string chen = town.enrol("p-chen", 1);
  town.must(
      chen, "proxy.request",
      {{"id", "x1"}, {"proxy", "p-chen"}, {"dependant", "p-spouse"}, {"kind", "same_device"}});
  town.must(chen, "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "tap"}}}});
  EXPECT_EQ(town.row("me", chen).at("persons").size(), 2U);
  EXPECT_EQ(
      code_of(town.call(chen, "proxy.request",
                        {{"proxy", "p-chen"}, {"dependant", "p-liu"}, {"kind", "same_device"}})),
      Errc{});
}

TEST(F2, ReimportUpdatesByDoorAndUndoRestores) {
  SmallTown town;
  const Json line = {
      {"batch", "b1"},
      {"line", 1},
      {"door", "1网格6号院2号楼3门栋601"},
      {"area_path", {"1网格", "6号院", "2号楼", "3门栋"}},
      {"persons", {{{"name", "何小明"}, {"birth_year", 2001}}, {{"name", "何大明"}}}}};
  Json dry = line;
  dry["dry_run"] = true;
  EXPECT_EQ(town.must(town.window, "people.import_row", dry).at("added"), 2);
  const Json first = town.must(town.window, "people.import_row", line);
  EXPECT_EQ(first.at("new_household"), true);
  Json again = line;
  again["batch"] = "b2";
  again["persons"] = {{{"name", "何小明"}, {"birth_year", 2001}, {"phone", "12000000088"}}};
  dry["persons"] = again.at("persons");
  EXPECT_EQ(town.must(town.window, "people.import_row", dry).at("changed"), 1);
  dry["persons"] = line.at("persons");
  EXPECT_EQ(town.must(town.window, "people.import_row", dry).at("changed"), 0)
      << "the same again changes nothing";
  dry["area_path"] = {"1网格"};
  EXPECT_EQ(code_of(town.call(town.window, "people.import_row", dry)), Errc::conflict)
      << "a dry run refuses what the line would";
  const Json second = town.must(town.window, "people.import_row", again);
  EXPECT_EQ(second.at("household"), first.at("household"));
  EXPECT_EQ(second.at("added"), 0);
  EXPECT_EQ(second.at("changed"), 1);
  EXPECT_EQ(town.must(town.window, "people.undo_import", {{"batch", "b2"}}).at("more"), false);
  EXPECT_EQ(town.must(town.window, "people.undo_import", {{"batch", "b1"}}).at("more"), false);
  EXPECT_TRUE(town.row("household", first.at("household").get<std::string>()).is_null());
  EXPECT_EQ(town.ask(town.editor, "people.counts", Json::object())->at("persons"), 4);
}

TEST(Roles, AdministratorReadsNoPersonalRecord) {
  SmallTown town;
  EXPECT_EQ(code_of(town.ask(town.admin, "people.get", {{"id", "p-wang"}})), Errc::forbidden);
  EXPECT_EQ(code_of(town.ask(town.admin, "people.search", {{"q", "王"}})), Errc::forbidden);
  EXPECT_EQ(town.everything_on_phone_of(town.admin).find("王桂芝"), std::string::npos);
  EXPECT_EQ(code_of(town.call("", "identity.grant_role",
                              {{"id", town.admin}, {"role", "window"}, {"scope", "hn"}})),
            Errc::conflict);
}

TEST(Roles, NobodyChangesTheirOwn) {
  SmallTown town;
  EXPECT_EQ(code_of(town.call(town.admin, "identity.grant_role",
                              {{"id", town.admin}, {"role", "editor"}, {"scope", "hn"}})),
            Errc::same_person);
}

TEST(Roles, CommunityWideSearchLeavesATraceFirst) {
  SmallTown town;
  EXPECT_EQ(code_of(town.ask(town.window, "people.search", {{"q", "王"}})), Errc::forbidden);
  const Json access =
      town.must(town.window, "people.request_search", {{"q", "王"}, {"reason", "来电求助"}});
  const Json found = *town.ask(town.window, "people.search", {{"access", access.at("access")}});
  EXPECT_EQ(found.at("persons").size(), 1U);
  const Json log = *town.ask(town.supervisor, "people.access_log", Json::object());
  EXPECT_EQ(log.at("entries").at(0).at("reason"), "来电求助");
  EXPECT_EQ(town.ask(town.grid1, "people.search", {{"q", "刘"}})->at("persons").size(), 0U);
}

TEST(M11, RecoveredDevicesAreListed) {
  SmallTown town;
  const std::string chen = town.enrol("p-chen", 1);
  town.must("", "identity.recover_device",
            {{"account", chen}, {"cid", SmallTown::cid(9)}, {"pub", std::string(43, 'B')}});
  EXPECT_EQ(
      town.ask(town.window, "identity.recovered_devices", Json::object())->at("devices").size(),
      1U);
}

TEST(M11, AFirstPhoneBringsItsAccountBackButNoRolesAndOnlyForAPersonWhoLivesHere) {
  SmallTown town;
  const std::string lost = std::string(31, '0') + "7";
  const auto recover = [&](const std::string& person) {
    return town.call("", "identity.recover_device",
                     {{"account", lost},
                      {"person", person},
                      {"cid", SmallTown::cid(9)},
                      {"pub", std::string(43, 'B')}});
  };
  EXPECT_EQ(code_of(recover("p-nobody")), Errc::not_found);
  ASSERT_TRUE(recover("p-chen"));
  const Json account = town.row("account", lost);
  EXPECT_EQ(account.at("person"), "p-chen");
  EXPECT_EQ(account.at("roles"), Json::array());
  EXPECT_TRUE(town.holds(lost, "area", "hn"));
}

TEST(Areas, TreeKeepsItsOrderAndClosesOnlyWhenEmpty) {
  SmallTown town;
  EXPECT_EQ(code_of(town.call(town.admin, "area.create",
                              {{"kind", "grid"}, {"parent", "e1"}, {"name", "九网格"}})),
            Errc::invalid_argument);
  EXPECT_EQ(code_of(town.call(town.admin, "area.close", {{"id", "e1"}})), Errc::wrong_state);
  EXPECT_EQ(town.ask(town.editor, "area.tree", {{"root", "g1"}})->at("areas").size(), 4U);
  EXPECT_TRUE(town.holds(town.enrol("p-chen", 1), "area", "hn"));
}

}  // namespace
}  // namespace linli::test
