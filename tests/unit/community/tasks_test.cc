// SPDX-License-Identifier: Apache-2.0
// Goal:   whom no message reached is told at the door, somebody always owns that, and it counts.
// Method: facts as the gateway tells them, the real modules, a small town of four people.
#include <gtest/gtest.h>

#include "tests/support/test_community.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

struct Storm : SmallTown {
  Storm() {
    wang = enrol("p-wang", 1);
    id = send(notice("n1", kEverybody, "red"));
  }
  /// The gateway asks for a knock at p-wang's door.
  std::string knock() {
    const Json opened = must("", "reach.open_task",
                             {{"notice", id}, {"person", "p-wang"}, {"ask", 0}, {"why", "ladder"}});
    return opened.at("id").get<std::string>();
  }
  std::int64_t count(const char* state) {
    return ask(approver, "notice.reach", {{"id", id}})->at("total").at(state).get<std::int64_t>();
  }
  std::string wang;
  std::string id;
};

TEST(RAIN_11, AVisitToldAtTheDoorIsAnAcknowledgementWithWhoAndWhen) {
  Storm town;
  const std::string task = town.knock();
  EXPECT_TRUE(town.holds(town.grid1, "task", task)) << "on the grid worker's phone";
  EXPECT_EQ(town.row("task", task).at("door"), town.row("person", "p-wang").at("door"));
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "told"}, {"note", "已告知"}});
  const Json ack = town.row("ack", town.id + ":p-wang");
  EXPECT_EQ(ack.at("state"), "in_person");
  EXPECT_EQ(ack.at("by"), town.grid1);
  EXPECT_EQ(town.count("in_person"), 1);
  EXPECT_EQ(town.row("task", task).at("state"), "done");
  EXPECT_EQ(town.outbox("person_acked").size(), 1U) << "the ladder stops";
}

TEST(RAIN_11, TwoPeopleAtOneDoorAreOneVisitWithBothNames) {
  Storm town;
  const std::string task = town.knock();
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "told"}});
  town.must(town.window, "task.visit", {{"id", task}, {"outcome", "no_answer"}});
  const Json row = town.row("task", task);
  EXPECT_EQ(row.at("outcomes").size(), 2U);
  EXPECT_EQ(row.at("state"), "done") << "what was told stays told";
  EXPECT_EQ(town.count("in_person"), 1);
}

TEST(RAIN_12, NobodyAtHomeTwiceHandsOverToTheLead) {
  Storm town;
  const std::string task = town.knock();
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "no_answer"}});
  EXPECT_EQ(town.row("task", task).at("owner"), "grid");
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "no_answer"}});
  EXPECT_EQ(town.row("task", task).at("owner"), "lead");
  EXPECT_GT(town.row("task", task).at("next_at"), to_unix_ms(town.clock().now()));
}

TEST(RAIN_12, ATaskThatNobodyMovesGoesToTheNextOwnerAndComesUpAgain) {
  Storm town;
  const std::string task = town.knock();
  for (const char* owner : {"lead", "desk", "desk"}) {
    town.clock().advance(16min);
    town.settle();
    EXPECT_EQ(town.row("task", task).at("owner"), owner);
    EXPECT_GT(town.row("task", task).at("next_at"), to_unix_ms(town.clock().now()));
  }
}

TEST(RAIN_12, AnAnswerByAnotherWayEndsTheKnock) {
  Storm town;
  const std::string task = town.knock();
  town.must(town.wang, "notice.acknowledge",
            {{"notice", town.id}, {"person", "p-wang"}, {"choice", "ok"}});
  town.settle();
  EXPECT_EQ(town.row("task", task).at("state"), "done");
  EXPECT_EQ(town.row("task", task).at("result"), "answered");
}

TEST(RAIN_10, RescueAtTheDoorIsACallForHelp) {
  Storm town;
  const std::string task = town.knock();
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "rescue"}});
  EXPECT_EQ(town.count("help"), 1);
  EXPECT_TRUE(town.holds(town.grid1, "ack", town.id + ":p-wang")) << "up on the desk";
  const Json row = town.row("task", task);
  EXPECT_EQ(row.at("owner"), "desk") << "it does not end with having been seen";
  EXPECT_EQ(row.at("state"), "handed_on");
  town.must(town.window, "task.visit", {{"id", task}, {"outcome", "moved"}, {"note", "已送医"}});
  EXPECT_EQ(town.row("task", task).at("state"), "done");
  EXPECT_EQ(town.count("help"), 0);
}

TEST(RAIN_16, TheReportSaysWhatCameOfAWarningAndHowTheLastOneWasReached) {
  Storm town;
  const std::string task = town.knock();
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "no_answer"}});
  town.clock().advance(5min);
  town.must(town.wang, "notice.acknowledge",
            {{"notice", town.id}, {"person", "p-wang"}, {"choice", "help"}});
  town.settle();
  town.clock().advance(5min);
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "told"}});
  const auto report = [&](const std::string& who) {
    return *town.ask(who, "notice.report", {{"id", town.id}});
  };
  const Json out = report(town.approver);
  EXPECT_EQ(out.at("warned").at("knocks"), 1);
  EXPECT_EQ(out.at("warned").at("told"), 1);
  EXPECT_EQ(out.at("missed").at("second"), 1);
  EXPECT_EQ(out.at("missed").at("open"), 0);
  EXPECT_EQ(out.at("cared").at("calls"), 1);
  EXPECT_NEAR(out.at("cared").at("longest_ms"), Millis(5min).count(), 10);
  EXPECT_EQ(out.at("back").at("visits"), 0);
  const Json& last = out.at("last");
  EXPECT_EQ(last.at("name"), "王桂芝");
  std::vector<std::string> steps;
  for (const Json& step : last.at("trail")) steps.push_back(step.at("what").get<std::string>());
  EXPECT_EQ(steps,
            (std::vector<std::string>{"sent", "task", "visit", "called", "visit", "answered"}));
  EXPECT_FALSE(report(town.editor).at("last").contains("name")) << "no role at that door";
  EXPECT_FALSE(report(town.editor).at("last").dump().contains(town.grid1)) << "nor who went";
  EXPECT_FALSE(town.ask(town.wang, "notice.report", {{"id", town.id}}));
  town.must(town.approver, "notice.withdraw", {{"id", town.id}, {"reason", "解除"}});
  town.clock().advance(1h);
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "told"}});
  EXPECT_EQ(report(town.approver).at("back").at("visits"), 1);
}

struct Help : Storm {
  std::string call(const char* choice = "help") {
    must(wang, "notice.acknowledge", {{"notice", id}, {"person", "p-wang"}, {"choice", choice}});
    settle();
    return id + ":p-wang";
  }
  Json request(const std::string& task) { return row("request", task); }
};

TEST(RAIN_10, ACallForHelpIsATaskWithAnOwnerThatComesUpUntilSomebodySaysWhatCameOfIt) {
  Help town;
  const std::string task = town.call();
  Json row = town.row("task", task);
  EXPECT_EQ(row.at("why"), "help");
  EXPECT_EQ(row.at("owner"), "grid");
  EXPECT_EQ(row.at("door"), town.row("person", "p-wang").at("door"));
  EXPECT_TRUE(town.holds(town.grid1, "task", task));
  for (const char* owner : {"lead", "desk", "desk"}) {
    town.clock().advance(16min);
    town.settle();
    EXPECT_EQ(town.row("task", task).at("owner"), owner);
  }
  town.must(town.window, "task.visit", {{"id", task}, {"outcome", "told"}});
  EXPECT_EQ(town.row("task", task).at("state"), "done");
  EXPECT_EQ(town.count("help"), 0);
}

TEST(RAIN_10, ACallForHelpDoesNotEndTheKnockThatWasOnItsWay) {
  Help town;
  const std::string task = town.knock();
  town.must(town.grid1, "task.assign", {{"id", task}, {"account", town.window}});
  EXPECT_EQ(town.call(), task) << "one door, one visit";
  const Json row = town.row("task", task);
  EXPECT_EQ(row.at("state"), "open");
  EXPECT_EQ(row.at("why"), "help");
  EXPECT_EQ(row.at("assignee"), town.window) << "who goes there already goes on";
  town.knock();
  EXPECT_EQ(town.row("task", task).at("why"), "help") << "the ladder does not overwrite it";
}

TEST(RAIN_10, NeitherALaterTapNorTheEndOfTheWarningEndsACallForHelp) {
  Help town;
  const std::string task = town.call();
  town.clock().advance(1min);
  town.call("ok");
  EXPECT_EQ(town.row("task", task).at("state"), "open");
  EXPECT_TRUE(town.row("task", task).contains("recalled_at")) << "said to those who go";
  town.must(town.approver, "notice.withdraw", {{"id", town.id}, {"reason", "解除"}});
  town.clock().advance(16min);
  town.settle();
  EXPECT_EQ(town.row("task", task).at("state"), "handed_on");
}

TEST(RAIN_10, WhoCallsAgainAfterTheVisitIsVisitedAgain) {
  Help town;
  const std::string task = town.call();
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "told"}});
  town.clock().advance(1min);
  town.call();
  const Json row = town.row("task", task);
  EXPECT_EQ(row.at("state"), "open");
  EXPECT_FALSE(row.contains("result"));
  EXPECT_EQ(row.at("outcomes").size(), 1U) << "the visit before is kept";
}

TEST(Requests, TheOneWhoAskedSeesHowItStandsAndNothingOfWhoGoes) {
  Help town;
  const std::string task = town.call();
  EXPECT_TRUE(town.holds(town.wang, "request", task));
  EXPECT_FALSE(town.holds(town.grid1, "request", task));
  EXPECT_EQ(town.request(task).at("state"), "open");
  town.must(town.grid1, "task.assign", {{"id", task}, {"account", town.window}});
  EXPECT_EQ(town.request(task).at("state"), "taken");
  town.must(town.window, "task.visit", {{"id", task}, {"outcome", "no_answer"}, {"note", "没人"}});
  EXPECT_EQ(town.request(task).at("state"), "no_answer");
  town.must(town.window, "task.visit", {{"id", task}, {"outcome", "told"}, {"note", "屋里乱"}});
  const Json row = town.request(task);
  EXPECT_EQ(row.at("state"), "done");
  EXPECT_EQ(row.dump().find(town.window), std::string::npos);
  EXPECT_EQ(row.dump().find("屋里乱"), std::string::npos) << "the visitor's note stays inside";
}

TEST(Requests, AnErasureIsOneWithItsAnswer) {
  Help town;
  const Json asked = town.must(town.wang, "erasure.request", {{"person", "p-wang"}});
  const auto task = asked.at("task").get<std::string>();
  EXPECT_EQ(town.request(task).at("due_at"), asked.at("due_at"));
  town.must(town.window, "erasure.answer",
            {{"task", task}, {"outcome", "refused"}, {"note", "预警要用"}});
  EXPECT_EQ(town.request(task).at("note"), "预警要用");
  EXPECT_EQ(town.request(task).at("result"), "refused");
}

TEST(RAIN_12, AVolunteerGetsTheTaskOnTheOwnPhoneAndStrangersDoNot) {
  Storm town;
  const std::string liu = town.enrol("p-liu", 2);
  const std::string task = town.knock();
  EXPECT_FALSE(town.holds(liu, "task", task));
  const auto refused = town.call(liu, "task.visit", {{"id", task}, {"outcome", "told"}});
  EXPECT_EQ(refused.error().code, Errc::forbidden);
  town.must(town.grid1, "task.assign", {{"id", task}, {"account", liu}});
  EXPECT_TRUE(town.holds(liu, "task", task));
  town.must(liu, "task.visit", {{"id", task}, {"outcome", "told"}});
  EXPECT_EQ(town.count("in_person"), 1);
}

TEST(RAIN_13, FactsOfTheGatewayMoveTheCountsAndNeverBackwards) {
  Storm town;
  const auto tell = [&](const char* state) {
    town.must(
        "", "reach.record",
        {{"notice", town.id},
         {"ask", 0},
         {"records", {{{"person", "p-liu"}, {"state", state}, {"medium", "sms"}, {"at", 1}}}}});
  };
  tell("handed");
  EXPECT_EQ(town.count("handed"), 1);
  tell("delivered");
  tell("failed");
  tell("handed");
  EXPECT_EQ(town.count("delivered"), 1);
  EXPECT_EQ(town.count("handed") + town.count("failed"), 0);
  const Json total = town.ask(town.approver, "notice.reach", {{"id", town.id}})->at("total");
  std::int64_t sum = 0;
  for (const auto& [state, persons] : total.items())
    if (state != "audience") sum += persons.get<std::int64_t>();
  EXPECT_EQ(sum, total.at("audience").get<std::int64_t>());
}

TEST(B6, TheGatewayReadsItsRecipientsPageByPage) {
  Storm town;
  std::map<std::string, Json> found;
  std::string after;
  for (bool done = false; !done;) {
    const Json page = *town.ask("", "notice.recipients", {{"id", town.id}, {"after", after}});
    for (const Json& one : page.at("recipients")) found[one.at("person")] = one;
    after = page.at("next");
    done = page.at("done");
  }
  EXPECT_EQ(found.size(), 4U);
  EXPECT_TRUE(found.at("p-wang").at("needs_knock")) << "82 and alone";
  EXPECT_EQ(found.at("p-wang").at("endpoints")[0].at("medium"), "app");
  EXPECT_FALSE(town.ask(town.approver, "notice.recipients", {{"id", town.id}})) << "nobody else";
}

TEST(Endpoint, ARefusedNumberIsNotTriedAgainUntilItChanges) {
  SmallTown town;
  town.must(town.grid1, "person.put", {{"id", "p-chen"}, {"phone", "12000000042"}});
  const std::string id = town.send(SmallTown::notice("n1", kEverybody, "red"));
  const auto media = [&] {
    std::string out;
    const Json one = *town.ask("", "notice.recipients", {{"id", id}, {"person", "p-chen"}});
    for (const Json& endpoint : one.at("recipients")[0].at("endpoints"))
      out += endpoint.at("medium").get<std::string>() + " ";
    return out;
  };
  EXPECT_EQ(media(), "sms voice ");
  town.must("", "endpoint.invalid",
            {{"person", "p-chen"},
             {"medium", "sms"},
             {"address", "12000000042"},
             {"why", "invalid_endpoint"}});
  EXPECT_EQ(media(), "voice ");
  town.must(town.grid1, "person.put", {{"id", "p-chen"}, {"phone", "12000000043"}});
  EXPECT_EQ(media(), "sms voice ");
}

struct Flood : Storm {
  Flood() {
    must(grid1, "shelter.open",
         {{"id", "hall"},
          {"notice", id},
          {"name", "服务中心二楼"},
          {"area", "g1"},
          {"capacity", 60}});
  }
  Json of(const std::string& person, Json more = Json::object()) const {
    more["notice"] = id;
    more["person"] = person;
    return more;
  }
  Json heads() { return ask(window, "shelter.count", {{"notice", id}})->at("shelters").at(0); }
};

TEST(RAIN_15, ATransferSaysWhoByWhomWhenWhereToAndWhatCareFollows) {
  Flood town;
  const std::string task = town.knock();
  town.must(town.grid1, "task.visit", {{"id", task}, {"outcome", "moved"}});
  town.must(
      town.grid1, "transfer.record",
      town.of("p-wang", {{"shelter", "hall"}, {"organiser", "周倩"}, {"care", "每天量血压"}}));
  const Json row = town.row("transfer", town.id + ":p-wang");
  EXPECT_EQ(row.at("name"), town.row("person", "p-wang").at("name"));
  EXPECT_EQ(row.at("organiser"), "周倩");
  EXPECT_EQ(row.at("shelter"), "hall");
  EXPECT_EQ(row.at("care"), "每天量血压");
  EXPECT_EQ(row.at("moved_by"), town.grid1);
  EXPECT_GT(row.at("moved_at"), 0);
  EXPECT_TRUE(town.holds(town.grid1, "transfer", town.id + ":p-wang")) << "counted without a net";
  EXPECT_TRUE(town.holds(town.grid1, "shelter", "hall"));
  EXPECT_EQ(town.count("in_person"), 1) << "who is brought away was told";
}

TEST(RAIN_15, HeadsAreTheSameInWhateverOrderPhonesBringThem) {
  for (const bool is_arrival_first : {true, false}) {
    Flood town;
    const auto arrive = [&] {
      town.must(town.window, "transfer.arrive", town.of("p-wang", {{"shelter", "hall"}}));
    };
    if (is_arrival_first) arrive();
    town.must(town.grid1, "transfer.record",
              town.of("p-wang", {{"shelter", "hall"}, {"organiser", "周倩"}}));
    if (!is_arrival_first) arrive();
    arrive();  // two at the door of the hall write the same name
    town.must(town.window, "transfer.arrive", town.of("p-chen", {{"shelter", "hall"}}));
    EXPECT_EQ(town.heads().at("arrived"), 2) << "one was brought, one came alone";
    EXPECT_EQ(town.heads().at("moved"), 0);
    EXPECT_EQ(town.row("transfer", town.id + ":p-wang").at("organiser"), "周倩");
    EXPECT_FALSE(town.row("transfer", town.id + ":p-chen").contains("moved_at"));
  }
}

TEST(RAIN_15, NobodyIsMarkedReturnedBeforeTheAllClear) {
  Flood town;
  town.must(town.window, "transfer.arrive", town.of("p-wang", {{"shelter", "hall"}}));
  const auto early = town.call(town.window, "transfer.return", town.of("p-wang"));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Errc::wrong_state);
  EXPECT_EQ(town.heads().at("returned"), 0);
  town.must(town.approver, "notice.withdraw", {{"id", town.id}});
  town.must(town.window, "transfer.return", town.of("p-wang", {{"care", "女儿接回"}}));
  EXPECT_EQ(town.heads().at("returned"), 1);
  EXPECT_EQ(town.heads().at("arrived"), 0);
  EXPECT_FALSE(town.call(town.window, "transfer.return", town.of("p-chen"))) << "never was away";
}

TEST(RAIN_15, AShelterOfAnotherWarningAndStrangersAreRefused) {
  Flood town;
  const std::string other = town.send(SmallTown::notice("n2", kEverybody, "red"));
  const auto call = [&](const std::string& account, const char* name, const Json& args) {
    return town.call(account, name, args);
  };
  EXPECT_FALSE(call(town.window, "transfer.arrive",
                    {{"notice", other}, {"person", "p-wang"}, {"shelter", "hall"}}));
  EXPECT_FALSE(call(town.window, "transfer.record", town.of("p-wang", {{"organiser", "周倩"}})))
      << "where to?";
  EXPECT_FALSE(call(town.wang, "transfer.arrive", town.of("p-chen", {{"shelter", "hall"}})));
  EXPECT_FALSE(call(town.wang, "shelter.open",
                    {{"id", "x"}, {"notice", town.id}, {"name", "x"}, {"area", "g1"}}));
}

TEST(F6, StoppingTellsTheGatewayOnce) {
  Storm town;
  town.must(town.approver, "notice.stop", {{"id", town.id}, {"reason", "写错了"}});
  EXPECT_EQ(town.outbox("notice_stopped").size(), 1U);
  EXPECT_FALSE(town.call(town.approver, "notice.stop", {{"id", town.id}, {"reason", "x"}}));
}

TEST(RAIN_11, KnocksAreListedByEntranceFromTheTopFloorDown) {
  SmallTown town;
  town.must("", "area.create",
            {{"id", "e9"}, {"parent", "b1"}, {"kind", "entrance"}, {"name", "2门栋"}});
  std::vector<std::string> wanted;
  for (const auto& [person, area, floor] : {std::tuple("p1", "e9", 2), std::tuple("p2", "e1", 3),
                                            std::tuple("p3", "e1", 6), std::tuple("p4", "e9", 5)}) {
    const std::string home = std::string("h-") + person;
    town.must("", "household.put",
              {{"id", home}, {"door", home}, {"area", area}, {"floor", floor}});
    town.must("", "person.put", {{"id", person}, {"household", home}, {"name", "老人"}});
  }
  const std::string id = town.send(SmallTown::notice("n1", kEverybody, "red"), 8);
  for (const char* person : {"p1", "p2", "p3", "p4"})
    town.must("", "reach.open_task",
              {{"notice", id}, {"person", person}, {"ask", 0}, {"why", "ladder"}});
  std::vector<std::string> listed;
  const Json said = town.ask(town.grid1, "task.list", Json::object()).value();
  for (const Json& task : said.at("tasks")) listed.push_back(json_text(task, "person"));
  EXPECT_EQ(listed, (std::vector<std::string>{"p3", "p2", "p4", "p1"}));
}

}  // namespace
}  // namespace linli::test
