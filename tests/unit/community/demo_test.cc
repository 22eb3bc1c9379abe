// SPDX-License-Identifier: Apache-2.0
// Goal:   the demo community is exactly the one that the reference describes, loads through the
//         mutators, and no mutation of it is larger than the writer allows.
// Method: load all of it once into the memory store and count.
#include "server/community/demo/demo.h"

#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "base/environment.h"
#include "server/community/schema.h"
#include "server/community/teams/verify.h"
#include "tests/support/row_set.h"
#include "tests/support/test_community.h"

namespace linli::test {
namespace {

namespace demo = community::demo;

struct DemoTown : TestCommunity {
  explicit DemoTown(int people = 5480, bool with_history = false)
      : TestCommunity(from_unix_ms(1'763'000'000'000) - std::chrono::days(demo::kServiceDays)) {
    demo::DemoOptions options;
    options.people = people;
    options.today = from_unix_ms(1'763'000'000'000);
    if (!with_history) clock().advance(std::chrono::days(demo::kServiceDays));
    if (with_history)
      options.move_clock = [this](Instant to) {
        while (clock().now() < to) {
          clock().advance(std::min<Millis>(std::chrono::hours(1), to - clock().now()));
          settle();
        }
      };
    const auto loaded = demo::load(options, [&](std::span<const demo::DemoCall> calls) {
      std::vector<Result<Json>> out;
      for (const demo::DemoCall& one : calls)
        out.push_back(one.captured == 0
                          ? call(one.account, one.name, one.args)
                          : push(from_unix_ms(one.captured), one.account, one.name, one.args));
      return out;
    });
    EXPECT_TRUE(loaded) << loaded.error().detail;
    settle();
  }
};

DemoTown& town() {
  static DemoTown shared;
  return shared;
}

/// With the 90 days of attendance.
DemoTown& service_town() {
  static DemoTown shared(5480, true);
  return shared;
}

TEST(Demo, HasThePeopleOfTheReference) {
  const Json counts = *town().ask(demo::account_id(1), "people.counts", Json::object());
  EXPECT_EQ(counts.at("persons"), 5480);
  EXPECT_EQ(counts.at("aged_65"), 812);
  EXPECT_EQ(counts.at("living_alone"), 137);
  EXPECT_EQ(counts.at("no_phone"), 402);
  EXPECT_EQ(counts.at("wheelchair"), 31);
}

TEST(Demo, HasTheTreeOfTheReference) {
  const Json tree = *town().ask(demo::account_id(1), "area.tree", Json::object());
  std::map<std::string, int> kinds;
  for (const Json& area : tree.at("areas")) ++kinds[area.at("kind")];
  EXPECT_EQ(kinds["grid"], 6);
  EXPECT_EQ(kinds["courtyard"], 12);
  EXPECT_EQ(kinds["building"], 38);
  EXPECT_EQ(kinds["entrance"], 96);
}

TEST(Demo, WangGuizhiLivesWhereTheStoryNeedsHer) {
  const Json wang = town().row("person", "p-wang");
  EXPECT_EQ(wang.at("door"), "3网格6号院2号楼3门栋501");
  EXPECT_EQ(wang.at("living_alone"), true);
  EXPECT_EQ(wang.at("grid"), "g3");
  EXPECT_EQ(town().row("proxy", "x-limin").at("state"), "active");
}

TEST(Demo, HasTwentyFourNoticesOfAllFates) {
  std::map<std::string, int> states;
  std::map<std::string, int> categories;
  int voices = 0;
  for (int i = 1; i <= 24; ++i) {
    const Json admin = town().row("notice_admin", "demo-" + std::to_string(i));
    ++states[admin.at("state")];
    ++categories[admin.at("content").at("category")];
    voices += admin.at("content").contains("voice") ? 1 : 0;
  }
  EXPECT_EQ(states["corrected"], 1);
  EXPECT_EQ(states["withdrawn"], 1);
  EXPECT_EQ(states["rejected"], 1);
  EXPECT_EQ(states["sent"], 21);
  EXPECT_EQ(voices, 4);
  EXPECT_EQ(categories.size(), 8U);
}

TEST(Demo, EveryNoticeCountsExactlyItsPersons) {
  for (int i = 1; i <= 24; ++i) {
    const std::string id = "demo-" + std::to_string(i);
    const Json reach = *town().ask(demo::account_id(1), "notice.reach", {{"id", id}});
    const Json& total = reach.at("total");
    std::int64_t sum = 0;
    for (const auto& [state, n] : total.items())
      if (state != "audience") sum += n.get<std::int64_t>();
    EXPECT_EQ(total.at("audience"), sum) << id;
  }
  const Json elders = *town().ask(demo::account_id(1), "notice.reach", {{"id", "demo-10"}});
  EXPECT_EQ(elders.at("total").at("audience"), 812);
}

TEST(Demo, HasTheTeamsAndNinetyDaysOfTheReference) {
  RowSet rows(service_town().registry(), service_town().store(), service_town().clock().now());
  std::map<std::string, int> members;
  for (const auto& [key, row] : rows.rows("team_member")) ++members[json_text(*row, "team")];
  EXPECT_EQ(members["leifeng"], 68);
  EXPECT_EQ(members["chorus"], 42);
  EXPECT_EQ(members["city"], 76);
  EXPECT_EQ(rows.rows("team").size(), 8U) << "three teams and five stations";
  std::map<std::string, int> grades;
  std::map<std::string, int> flags;
  std::map<std::string, int> states;
  for (const auto& [key, row] : rows.rows("hours")) {
    ++grades[json_text(*row, "grade")];
    ++states[json_text(*row, "state")];
    for (const auto& flag : row->at("flags")) ++flags[flag.get<std::string>()];
  }
  const auto all = static_cast<double>(rows.rows("hours").size());
  EXPECT_GT(all, 500);
  for (const auto& [grade, percent] :
       {std::pair("A", 61.0), std::pair("B", 27.0), std::pair("C", 9.0), std::pair("D", 3.0)})
    EXPECT_NEAR(grades[grade] * 100 / all, percent, 0.5) << grade;
  EXPECT_EQ(flags["auto"], 7);
  EXPECT_EQ(flags["overlap"], 2);
  EXPECT_EQ(states["disputed"], 1);
  EXPECT_GT(states["final"], 300);
}

TEST(Demo, NinetyDaysOfAttendanceHoldAndAForgedEntryIsFound) {
  RowSet rows(service_town().registry(), service_town().store(), service_town().clock().now());
  const auto honest = community::teams::verify_attendance(rows, {});
  EXPECT_TRUE(honest.findings.empty()) << honest.findings.front().detail;
  EXPECT_GT(rows.rows("chain_head").size(), 80U) << "a head for every day";
  const std::string victim = std::next(rows.rows("attendance").begin(), 1000)->first;
  Json row = *rows.get("attendance", victim);
  row["device_at"] = json_int(row, "device_at") + 3'600'000;
  rows.put("attendance", victim, row);
  const auto forged = community::teams::verify_attendance(rows, {});
  ASSERT_EQ(forged.findings.size(), 1U);
  EXPECT_EQ(forged.findings.front().id, victim);
  EXPECT_EQ(forged.findings.front().what, "altered");
}

TEST(M12, NoMutationOfTheDemoTouchesMoreThanTwoHundredRows) {
  EXPECT_LE(town().rows_max, limits::kMutationRowsMax) << town().rows_max_name;
  EXPECT_LE(service_town().rows_max, limits::kMutationRowsMax) << service_town().rows_max_name;
}

TEST(Demo, IsTheSameEveryTime) {
  demo::DemoOptions options;
  options.today = from_unix_ms(1'763'000'000'000);
  const auto a = demo::population(options);
  const auto b = demo::population(options);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i].args, b[i].args) << i;
}

TEST(Demo, ScalesWithTheNumberOfPeopleWithinWhatTheMutatorsTake) {
  TestCommunity empty;
  for (const int people : {1, 2, 20, 300, 10'000, 400'000}) {
    demo::DemoOptions options;
    options.people = people;
    options.today = from_unix_ms(1'763'000'000'000);
    int persons = 0;
    std::size_t calls = 0;
    for (const demo::DemoCall& one : demo::population(options)) {
      persons += one.name == "person.put" ? 1 : 0;
      // Every call of a small one, and samples of a large one: the check takes its time.
      if (calls++ % (people > 300 ? 997 : 1) != 0) continue;
      const auto fits = empty.registry().mutator(one.name)->args_schema.check(one.args);
      ASSERT_TRUE(fits) << one.name << " of " << people << ": " << fits.error().detail;
    }
    EXPECT_EQ(persons, people);
  }
}

TEST(Demo, SmallestLoadsCompletely) {
  DemoTown small(20);
  EXPECT_EQ(small.row("notice_admin", "demo-24").at("state"), "sent");
}

TEST(Demo, HoldsOnlyNumbersThatNobodyHas) {
  demo::DemoOptions options;
  options.today = from_unix_ms(1'763'000'000'000);
  for (const demo::DemoCall& one : demo::population(options))
    for (const char* member : {"phone", "landline"})
      if (one.args.contains(member)) {
        const std::string number = one.args.at(member).get<std::string>();
        ASSERT_TRUE(number.starts_with("1200000") && number.size() == 11) << number;
      }
}

// After a change of mutators: LINLI_WRITE_GOLDEN=1 unit_community --gtest_filter=Schema.*
TEST(Schema, CommittedMutatorsAreThoseOfTheRegistry) {
  TestCommunity empty;
  const std::string now = community::describe_mutators(empty.registry()).dump(1) + "\n";
  const std::string path = "schema/mutators.json";
  if (environment("LINLI_WRITE_GOLDEN")) std::ofstream(path) << now;
  std::ifstream file(path);
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(committed.str(), now);
}

TEST(Schema, EveryRouteHasItsTargetAndItsPathParameters) {
  TestCommunity empty;
  for (const sync::RouteDef& route : empty.registry().routes()) {
    const sync::MutatorDef* mutator = empty.registry().mutator(route.target);
    const sync::QueryDef* query = empty.registry().query(route.target);
    ASSERT_TRUE(mutator != nullptr || query != nullptr) << route.path;
    EXPECT_TRUE(mutator == nullptr || route.method != "GET") << route.path;
    const Json& schema = mutator ? mutator->args_schema.json() : query->params_schema.json();
    for (std::size_t at = route.path.find('{'); at != std::string::npos;
         at = route.path.find('{', at + 1)) {
      const std::string name = route.path.substr(at + 1, route.path.find('}', at) - at - 1);
      EXPECT_TRUE(schema.at("properties").contains(name)) << route.path;
    }
  }
}

}  // namespace
}  // namespace linli::test
