// SPDX-License-Identifier: Apache-2.0
// Goal:   everybody learns what is held about them and who looked, takes a consent back, and asks
//         for erasure, which the office answers by a date (ENR-12).
// Method: the real modules over the memory store.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/test_community.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

TEST(ENR_12, APersonReadsWhatIsHeldWithNumbersMasked) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  town.must(wang, "endpoint.put",
            {{"person", "p-wang"}, {"medium", "sms"}, {"address", "12000000077"}});
  const Json data = *town.ask(wang, "people.my_data", Json::object());
  EXPECT_EQ(data.at("record").at("name"), "王桂芝");
  EXPECT_EQ(data.at("record").at("landline"), "120***01");
  EXPECT_EQ(data.at("record").at("sensitive_tags"), Json::array({"dibao"}));
  EXPECT_EQ(data.at("household").at("persons"), 1);
  EXPECT_EQ(data.at("endpoints").at(0).at("address"), "120***77");
  EXPECT_EQ(data.at("devices").size(), 1U);
  EXPECT_EQ(data.dump().find("12000000"), std::string::npos);
}

TEST(ENR_12, OnlyWhoSpeaksForSomebodyReadsThat) {
  SmallTown town;
  const std::string li = town.enrol("p-li", 1);
  const Json of_wang = {{"person", "p-wang"}};
  for (const char* query :
       {"people.my_data", "people.my_consents", "people.my_answers", "people.my_access"}) {
    EXPECT_EQ(code_of(town.ask(li, query, of_wang)), Errc::forbidden) << query;
    EXPECT_EQ(code_of(town.ask(town.window, query, of_wang)), Errc::not_found) << query;
  }
  town.must("", "proxy.request", {{"id", "x1"}, {"proxy", "p-li"}, {"dependant", "p-wang"}});
  town.must("", "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "paper"}}}});
  const auto data = town.ask(li, "people.my_data", of_wang);
  ASSERT_TRUE(data.has_value());
  EXPECT_FALSE(data->at("record").contains("sensitive_tags")) << "not for the daughter";
}

TEST(ENR_12, WhoLookedIsARoleATimeAndAReasonWithoutAName) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  town.must(town.window, "people.request_search", {{"q", "王桂"}, {"reason", "送药上门"}});
  town.must(town.window, "people.request_search", {{"q", "刘"}, {"reason", "别人的事"}});
  const Json entries = town.ask(wang, "people.my_access", Json::object())->at("entries");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].at("role"), "window");
  EXPECT_EQ(entries[0].at("reason"), "送药上门");
  EXPECT_EQ(entries.dump().find(town.window), std::string::npos);
  EXPECT_EQ(entries.dump().find("孙浩"), std::string::npos);
}

TEST(ENR_12, NoRecordIsReadByStaffWithoutATraceThatThePersonSees) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const auto read = [&](const std::string& who, const Json& access, const char* of = "p-wang") {
    Json get = {{"id", of}};
    Json list = {{"person", of}};
    if (!access.is_null()) get["access"] = list["access"] = access;
    const Errc code = code_of(town.ask(who, "people.get", get));
    EXPECT_EQ(code_of(town.ask(who, "endpoint.list", list)), code);
    return code;
  };
  EXPECT_EQ(read(wang, nullptr), Errc{}) << "the own record";
  for (const std::string& staff : {town.window, town.grid1}) {
    EXPECT_EQ(read(staff, nullptr), Errc::forbidden);
    const Json asked = town.must(staff, "people.request_read", {{"person", "p-wang"}});
    EXPECT_EQ(read(staff, asked.at("access")), Errc{});
    EXPECT_EQ(read(staff, asked.at("access"), "p-chen"), Errc::forbidden) << "somebody else";
    EXPECT_EQ(read(town.account_id(staff == town.window ? 3 : 4), asked.at("access")),
              Errc::forbidden)
        << "a colleague's";
    town.clock().advance(11min);
    EXPECT_EQ(read(staff, asked.at("access")), Errc::expired);
  }
  EXPECT_EQ(code_of(town.call(town.grid1, "people.request_read", {{"person", "p-liu"}})),
            Errc::forbidden)
      << "another grid";
  EXPECT_EQ(code_of(town.call(town.editor, "people.request_read", {{"person", "p-wang"}})),
            Errc::forbidden);
  const Json entries = town.ask(wang, "people.my_access", Json::object())->at("entries");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].at("role"), "grid");
  EXPECT_EQ(entries[1].at("role"), "window");
  const Json log = town.ask(town.supervisor, "people.access_log", Json::object())->at("entries");
  EXPECT_EQ(log.at(0).at("by"), town.grid1);
  EXPECT_EQ(log.at(0).at("name"), "王桂芝");
  const std::string chen = town.enrol("p-chen", 2);
  EXPECT_TRUE(town.ask(chen, "people.my_access", Json::object())->at("entries").empty());
}

TEST(ENR_12, ALoggedSearchOpensTheRecordsThatItFound) {
  SmallTown town;
  const Json asked =
      town.must(town.window, "people.request_search", {{"q", "王桂"}, {"reason", "送药上门"}});
  const Json& access = asked.at("access");
  EXPECT_EQ(code_of(town.ask(town.window, "people.get", {{"id", "p-wang"}, {"access", access}})),
            Errc{});
  EXPECT_EQ(code_of(town.ask(town.window, "people.get", {{"id", "p-liu"}, {"access", access}})),
            Errc::forbidden);
}

TEST(ENR_12, AnswersThatAreHeldAreListed) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  town.send(SmallTown::notice("n1", kEverybody));
  town.must(wang, "notice.acknowledge", {{"notice", "n1"}, {"person", "p-wang"}, {"choice", "ok"}});
  const Json answers = town.ask(wang, "people.my_answers", Json::object())->at("answers");
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].at("notice"), "n1");
  EXPECT_EQ(answers[0].at("choice"), "ok");
}

TEST(ENR_12, AConsentTakenBackEndsTheProxyThatRestedOnIt) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const std::string li = town.enrol("p-li", 2);
  town.must(li, "proxy.request", {{"id", "x1"}, {"proxy", "p-li"}, {"dependant", "p-wang"}});
  town.must(wang, "proxy.confirm", {{"id", "x1"}, {"evidence", {{"how", "tap"}}}});
  std::string id;
  const Json mine = *town.ask(wang, "people.my_consents", Json::object());
  for (const Json& one : mine.at("consents"))
    if (json_text(one, "purpose") == "proxy") id = json_text(one, "id");
  ASSERT_FALSE(id.empty());
  const std::string liu = town.enrol("p-liu", 3);
  EXPECT_EQ(code_of(town.call(liu, "consent.withdraw", {{"id", id}})), Errc::forbidden);
  town.must(wang, "consent.withdraw", {{"id", id}});
  EXPECT_EQ(town.row("consent", id).at("state"), "withdrawn");
  EXPECT_EQ(town.row("proxy", "x1").at("state"), "ended");
  EXPECT_EQ(std::ranges::count(town.buckets_of(li), "person:p-wang"), 0);
}

TEST(ENR_12, ErasureIsATaskOfTheOfficeWithADateAndDeletesNothing) {
  SmallTown town;
  const std::string wang = town.enrol("p-wang", 1);
  const Json person = town.row("person", "p-wang");
  const Json asked = town.must(wang, "erasure.request", {{"person", "p-wang"}});
  const std::string task = json_text(asked, "task");
  EXPECT_EQ(asked.at("due_at"), to_unix_ms(town.clock().now() + 15 * 24h));
  EXPECT_TRUE(town.must(wang, "erasure.request", {{"person", "p-wang"}}).contains("known"));
  EXPECT_TRUE(town.holds(town.window, "task", task));
  EXPECT_FALSE(town.holds(town.grid1, "task", task)) << "with the office, not the grid";
  EXPECT_EQ(town.row("person", "p-wang"), person);
  town.clock().advance(15 * 24h + 1s);
  town.settle();
  EXPECT_EQ(town.row("task", task).at("state"), "handed_on") << "it comes up at its date";
  EXPECT_EQ(code_of(town.call(town.window, "task.visit", {{"id", task}, {"outcome", "told"}})),
            Errc::invalid_argument);
  const Json answer = {{"task", task}, {"outcome", "refused"}, {"note", "法律要求保存三年"}};
  EXPECT_EQ(code_of(town.call(town.grid1, "erasure.answer", answer)), Errc::forbidden);
  town.must(town.window, "erasure.answer", answer);
  const Json mine = town.ask(wang, "people.my_data", Json::object())->at("erasure");
  EXPECT_EQ(mine.at("outcome"), "refused");
  EXPECT_EQ(mine.at("note"), "法律要求保存三年");
  EXPECT_EQ(town.row("task", task).at("state"), "done");
}

}  // namespace
}  // namespace linli::test
