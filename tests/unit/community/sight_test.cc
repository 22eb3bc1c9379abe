// SPDX-License-Identifier: Apache-2.0
// Goal:   a list gives each role what the permission table says (community.md §4) and no more.
// Method: the real modules, a town of two grids, staff of each kind. A failure is a leak, or work
//         that nobody can see.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/test_community.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

/// A red warning is out; knocks at a door of each grid.
struct TwoGrids : SmallTown {
  TwoGrids() {
    staff(grid2, "赵敏", "grid", "g2");
    staff(lead, "钱队", "lead", "g1");
    staff(volunteer, "孙志", "volunteer", "hn");
    send(notice("n1", kEverybody, "red"));
    for (const char* person : {"p-wang", "p-liu"})
      must("", "reach.open_task",
           {{"notice", "n1"}, {"person", person}, {"ask", 0}, {"why", "ladder"}});
  }
  void staff(const std::string& id, const char* name, const char* role, const char* scope) {
    must("", "identity.create_account",
         {{"id", id}, {"name", name}, {"roles", {{{"role", role}, {"scope", scope}}}}});
  }
  std::vector<std::string> seen(const std::string& who, const Json& params = Json::object()) {
    std::vector<std::string> out;
    const Json list = *ask(who, "task.list", params);
    for (const Json& task : list.at("tasks")) out.push_back(task.at("person").get<std::string>());
    std::ranges::sort(out);
    return out;
  }
  std::int64_t counted(const std::string& who) {
    std::int64_t out = 0;
    const Json list = *ask(who, "task.list", Json::object());
    for (const Json& unit : list.at("counts")) out += unit.at("open").get<std::int64_t>();
    return out;
  }

  using Names = std::vector<std::string>;
  const std::string grid2 = account_id(11);
  const std::string lead = account_id(12);
  const std::string volunteer = account_id(13);
};

TEST(RAIN_11, AGridSeesItsOwnDoorsAndTheOfficeAll) {
  TwoGrids town;
  EXPECT_EQ(town.seen(town.grid1), (TwoGrids::Names{"p-wang"}));
  EXPECT_EQ(town.seen(town.grid2), (TwoGrids::Names{"p-liu"}));
  EXPECT_EQ(town.seen(town.grid2, {{"unit", "g1"}}), TwoGrids::Names{});
  for (const std::string& office : {town.window, town.approver, town.supervisor})
    EXPECT_EQ(town.seen(office), (TwoGrids::Names{"p-liu", "p-wang"}));
}

TEST(RAIN_11, AVolunteerSeesWhatIsAssignedAndALeadWhatWasHandedOver) {
  TwoGrids town;
  EXPECT_EQ(town.seen(town.volunteer), TwoGrids::Names{});
  EXPECT_EQ(town.counted(town.volunteer), 0);
  EXPECT_EQ(town.seen(town.lead), TwoGrids::Names{});
  town.must(town.grid2, "task.assign", {{"id", "n1:p-liu"}, {"account", town.volunteer}});
  EXPECT_EQ(town.seen(town.volunteer), (TwoGrids::Names{"p-liu"}));
  town.clock().advance(16min);
  town.settle();
  EXPECT_EQ(town.seen(town.lead), (TwoGrids::Names{"p-wang"}));
}

TEST(RAIN_11, TheEditorSeesCountsWithoutNames) {
  TwoGrids town;
  EXPECT_EQ(town.seen(town.editor), TwoGrids::Names{});
  EXPECT_EQ(town.counted(town.editor), 2);
  EXPECT_EQ(town.counted(town.grid1), 1);
}

TEST(RAIN_11, PhonesHoldTheDoorsThatTheirPeopleSeeAtTheDesk) {
  TwoGrids town;
  const std::string wang = town.enrol("p-wang", 1);
  town.must(wang, "notice.acknowledge",
            {{"notice", "n1"}, {"person", "p-wang"}, {"choice", "help"}});
  for (const auto& [tbl, key] : {std::pair("task", "n1:p-wang"), std::pair("ack", "n1:p-wang")}) {
    for (const std::string& may : {town.grid1, town.window, town.approver, town.supervisor})
      EXPECT_TRUE(town.holds(may, tbl, key)) << tbl << " on " << may;
    for (const std::string& other :
         {town.editor, town.grid2, town.admin, town.lead, town.volunteer})
      EXPECT_FALSE(town.holds(other, tbl, key)) << tbl << " on " << other;
  }
  for (const char* secret : {"王桂芝", "2号楼3门栋50"})
    EXPECT_EQ(town.everything_on_phone_of(town.editor).find(secret), std::string::npos) << secret;
}

TEST(RAIN_11, AnEditorWhoAlsoSitsAtTheWindowKeepsTheDoorsUntilThatEnds) {
  TwoGrids town;
  const Json window = {{"id", town.editor}, {"role", "window"}, {"scope", "hn"}};
  town.must("", "identity.grant_role", window);
  EXPECT_TRUE(town.holds(town.editor, "task", "n1:p-liu"));
  town.must("", "identity.revoke_role", window);
  EXPECT_FALSE(town.holds(town.editor, "task", "n1:p-liu"));
  EXPECT_TRUE(town.holds(town.editor, "reach_count", "n1:g1"));
}

TEST(RAIN_10, CallsForHelpAreListedForTheGridTheyComeFrom) {
  TwoGrids town;
  const std::string wang = town.enrol("p-wang", 1);
  const std::string liu = town.enrol("p-liu", 2);
  town.must(wang, "notice.acknowledge",
            {{"notice", "n1"}, {"person", "p-wang"}, {"choice", "help"}});
  town.must(liu, "notice.acknowledge", {{"notice", "n1"}, {"person", "p-liu"}, {"choice", "ok"}});
  const auto answers = [&](const std::string& who, Json params) {
    params["id"] = "n1";
    return town.ask(who, "notice.answers", params);
  };
  EXPECT_EQ(answers(town.window, Json::object())->at("answers").size(), 2U);
  const Json help = answers(town.window, {{"choice", "help"}})->at("answers");
  ASSERT_EQ(help.size(), 1U);
  EXPECT_EQ(help[0].at("person"), "p-wang");
  EXPECT_EQ(help[0].at("landline"), "12000000001");
  EXPECT_TRUE(help[0].at("current").get<bool>());
  EXPECT_EQ(answers(town.grid1, Json::object())->at("answers").size(), 1U);
  EXPECT_TRUE(answers(town.grid2, {{"choice", "help"}})->at("answers").empty());
  EXPECT_EQ(code_of(answers(town.editor, Json::object())), Errc::forbidden);
  EXPECT_EQ(code_of(answers(wang, Json::object())), Errc::forbidden);
}

TEST(RAIN_10, AnswersComeByPagesWithoutARepeat) {
  TwoGrids town;
  int number = 1;
  for (const char* person : {"p-wang", "p-chen", "p-liu"})
    town.must(town.enrol(person, number++), "notice.acknowledge",
              {{"notice", "n1"}, {"person", person}, {"choice", "ok"}});
  Json params = {{"id", "n1"}, {"limit", 1}};
  std::set<std::string> found;
  for (int page = 0; page < 3; ++page) {
    const Json answers = *town.ask(town.window, "notice.answers", params);
    ASSERT_EQ(answers.at("answers").size(), 1U);
    found.insert(json_text(answers.at("answers")[0], "person"));
    EXPECT_EQ(answers.contains("next"), page < 2);
    params["after"] = answers.value("next", "");
  }
  EXPECT_EQ(found.size(), 3U);
}

TEST(RAIN_12, NamesOfThoseWhoMayBeSentAreForThoseWhoSend) {
  TwoGrids town;
  const auto names = [&](const std::string& who) {
    std::set<std::string> out;
    const Json list = *town.ask(who, "identity.account_names", Json::object());
    for (const Json& one : list.at("accounts")) {
      EXPECT_EQ(one.size(), 2U) << "id and name only";
      out.insert(json_text(one, "name"));
    }
    return out;
  };
  EXPECT_EQ(names(town.grid1), (std::set<std::string>{"周倩", "孙浩", "张书记", "钱队", "孙志"}));
  EXPECT_EQ(names(town.grid2).count("钱队"), 0U) << "works in another grid";
  EXPECT_EQ(names(town.window).count("赵敏"), 1U);
  EXPECT_EQ(names(town.window).count("小冯"), 0U) << "the administrator knocks at no door";
  EXPECT_EQ(code_of(town.ask(town.volunteer, "identity.account_names", Json::object())),
            Errc::forbidden);
}

TEST(ENR_7, AListOfProxiesNamesBothButTellsNoNameToWhoOnlyAsks) {
  TwoGrids town;
  const std::string li = town.enrol("p-li", 1);
  town.must(li, "proxy.request", {{"id", "x1"}, {"proxy", "p-li"}, {"dependant", "p-wang"}});
  const auto first = [&](const std::string& who, const char* person) {
    return town.ask(who, "proxy.list", {{"person", person}})->at("proxies").at(0);
  };
  EXPECT_EQ(first(town.grid1, "p-wang").at("proxy_name"), "李敏");
  EXPECT_EQ(first(town.grid1, "p-wang").at("dependant_name"), "王桂芝");
  EXPECT_EQ(first(li, "p-li").at("proxy_name"), "李敏");
  EXPECT_FALSE(first(li, "p-li").contains("dependant_name"));
  town.must(town.grid1, "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "paper"}}}});
  EXPECT_EQ(first(li, "p-li").at("dependant_name"), "王桂芝");
}

TEST(RAIN_11, StaffOfTheGridOpenAKnockByHand) {
  TwoGrids town;
  const Json args = {{"kind", "knock"}, {"person", "p-chen"}, {"reason", "电话没人接"}};
  EXPECT_EQ(code_of(town.call(town.grid2, "task.open", args)), Errc::forbidden);
  EXPECT_EQ(code_of(town.call(town.volunteer, "task.open", args)), Errc::forbidden);
  const std::string id = json_text(town.must(town.grid1, "task.open", args), "id");
  EXPECT_EQ(town.row("task", id).at("why"), "by_hand");
  town.clock().advance(61min);
  town.settle();
  EXPECT_EQ(town.row("task", id).at("state"), "handed_on") << "without a notice it stays open";
  town.must(town.grid1, "task.visit", {{"id", id}, {"outcome", "told"}});
  EXPECT_EQ(town.row("task", id).at("state"), "done");
  EXPECT_TRUE(town.row("ack", "n1:p-chen").is_null());
}

TEST(RAIN_11, AKnockByHandForANoticeIsTheGatewaysOwn) {
  TwoGrids town;
  const Json args = {
      {"kind", "knock"}, {"person", "p-chen"}, {"notice", "n1"}, {"reason", "电话没人接"}};
  EXPECT_EQ(town.must(town.grid1, "task.open", args).at("id"), "n1:p-chen");
  EXPECT_TRUE(town.must("", "reach.open_task",
                        {{"notice", "n1"}, {"person", "p-chen"}, {"ask", 0}, {"why", "ladder"}})
                  .contains("known"));
  town.must(town.grid1, "task.visit", {{"id", "n1:p-chen"}, {"outcome", "told"}});
  EXPECT_EQ(town.row("ack", "n1:p-chen").at("state"), "in_person");
}

TEST(RAIN_13, ASheetInTheStairwellReachesAPlaceAndNobodyByName) {
  TwoGrids town;
  const Json before = town.ask(town.approver, "notice.reach", {{"id", "n1"}})->at("total");
  const Json args = {
      {"kind", "post"}, {"area", "e1"}, {"notice", "n1"}, {"reason", "楼道里没有信号"}};
  const std::string id = json_text(town.must(town.grid1, "task.open", args), "id");
  EXPECT_EQ(town.must(town.window, "task.open", args).at("id"), id) << "one sheet, not two";
  EXPECT_EQ(town.row("task", id).at("door"), "6号院2号楼3门栋");
  EXPECT_EQ(code_of(town.call(town.grid1, "task.visit", {{"id", id}, {"outcome", "told"}})),
            Errc::invalid_argument);
  EXPECT_EQ(code_of(town.call(town.grid1, "task.visit", {{"id", id}, {"outcome", "posted"}})),
            Errc::invalid_argument);
  town.must(town.grid1, "task.visit", {{"id", id}, {"outcome", "posted"}, {"place", "一楼信箱旁"}});
  EXPECT_EQ(town.row("task", id).at("state"), "done");
  EXPECT_EQ(town.row("task", id).at("place"), "一楼信箱旁");
  EXPECT_EQ(town.ask(town.approver, "notice.reach", {{"id", "n1"}})->at("total"), before);
}

TEST(NTC_4, WhatWasSentBeforeStaysForComparison) {
  TwoGrids town;
  const std::string was = json_text(town.row("notice", "n1"), "body");
  town.must(town.editor, "notice.correct", {{"id", "n1"}, {"body", "改到后天。"}});
  const Json versions = town.ask(town.approver, "notice.versions", {{"id", "n1"}})->at("versions");
  ASSERT_EQ(versions.size(), 2U);
  EXPECT_EQ(versions[0].at("what"), "corrected");
  EXPECT_EQ(versions[0].at("content").at("body"), "改到后天。");
  EXPECT_EQ(versions[1].at("what"), "sent");
  EXPECT_EQ(json_text(versions[1].at("content"), "body"), was);
  EXPECT_FALSE(versions[1].contains("audience"));
  const std::string wang = town.enrol("p-wang", 1);
  EXPECT_EQ(code_of(town.ask(wang, "notice.versions", {{"id", "n1"}})), Errc::forbidden);
}

}  // namespace
}  // namespace linli::test
