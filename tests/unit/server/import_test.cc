// SPDX-License-Identifier: Apache-2.0
// Goal:   a clerk's table goes in as it is, says what is wrong line by line, and comes out again.
// Method: tables as Excel writes them, then the whole import over HTTP.
#include "server/http/csv.h"
#include "server/http/import_plan.h"
#include "tests/unit/server/site_fixture.h"

namespace linli::test {
namespace {

using http::parse_csv;
using http::plan_import;

std::vector<std::vector<std::string>> fields(std::string_view text) {
  std::vector<std::vector<std::string>> out;
  const auto records = parse_csv(text, 100);
  EXPECT_TRUE(records.has_value());
  if (!records) return out;
  for (const auto& record : *records) out.push_back(record.fields);
  return out;
}
using Table = std::vector<std::vector<std::string>>;

TEST(Rfc4180, QuotesCommasAndLineBreaks) {
  EXPECT_EQ(fields("a,b\r\n\"1,2\",\"x\"\"y\"\r\n"), (Table{{"a", "b"}, {"1,2", "x\"y"}}));
  EXPECT_EQ(fields("a\n\"two\nlines\",z"), (Table{{"a"}, {"two\nlines", "z"}}));
  EXPECT_EQ(fields("a,,c,\n"), (Table{{"a", "", "c", ""}}));
}

TEST(Csv, EmptyLinesGoAndLineNumbersStay) {
  const auto records = parse_csv("a\r\n\r\n,,\r\n\"x\ny\"\r\nlast", 100);
  ASSERT_TRUE(records.has_value());
  ASSERT_EQ(records->size(), 3U);
  EXPECT_EQ(records->at(1).line, 4U);
  EXPECT_EQ(records->at(2).line, 6U);
}

TEST(Csv, SemicolonsAndTabsSeparateToo) {
  EXPECT_EQ(fields("a;b\n1;2"), (Table{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(fields("a\tb\n1\t2"), (Table{{"a", "b"}, {"1", "2"}}));
}

TEST(Csv, AnOpenQuoteNamesItsLine) {
  const auto broken = parse_csv("a\n\"never", 100);
  ASSERT_FALSE(broken.has_value());
  EXPECT_NE(broken.error().detail.find("line 2"), std::string::npos);
  EXPECT_FALSE(parse_csv("a\nb\nc\n", 2).has_value());
}

TEST(Csv, EncodingsOfExcelAreRead) {
  const std::string gb18030 = "\xC3\xC5\xC5\xC6";  // 门牌
  EXPECT_EQ(http::to_utf8(gb18030).value_or(""), "门牌");
  EXPECT_EQ(http::to_utf8("\xEF\xBB\xBF门牌").value_or(""), "门牌");
  EXPECT_EQ(http::to_utf8("门牌").value_or(""), "门牌");
  EXPECT_EQ(http::to_utf8(std::string("\xFF\xFE\xE8\x95", 4)).value_or(""), "门");
  EXPECT_FALSE(http::to_utf8("\xFF\xFF\xFF").has_value());
}

TEST(ImportPlan, RowsOfOneDoorAreOneHousehold) {
  const auto plan = plan_import(
      "门牌,姓名,出生年,电话,标签,独居\n"
      "６号院2-301,王秀英,1950年,138-0000-0000,高血压、党员,是\n"
      "6号院2-301,李大山,1948-03-02,,,\n"
      "6号院2-302,,,,,\n");
  ASSERT_TRUE(plan.has_value());
  EXPECT_TRUE(plan->faults.empty());
  ASSERT_EQ(plan->lines.size(), 2U);
  EXPECT_EQ(plan->persons, 2U);
  const Json& persons = plan->lines[0].args.at("persons");
  EXPECT_EQ(persons.at(0).at("birth_year"), 1950);
  EXPECT_EQ(persons.at(0).at("tags"), Json({"高血压", "党员"}));
  EXPECT_EQ(persons.at(0).at("living_alone"), true);
  EXPECT_EQ(persons.at(1).at("birth_year"), 1948);
}

TEST(ImportPlan, EachFaultNamesItsLineInPlainWords) {
  const auto plan = plan_import(
      "门牌,姓名,出生年,电话,独居,备注\n"
      ",王秀英,,,,\n"
      "1-1,李雷,五零,,,\n"
      "1-2,韩梅,,abc,,\n"
      "1-3,赵六,,,也许,\n"
      "1-4,钱七,,,,,多\n");
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->faults.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(plan->faults[i].line, i + 2);
  EXPECT_EQ(plan->unknown_columns, std::vector<std::string>{"备注"});
  EXPECT_EQ(plan_import("姓名\n王\n").error().code, Errc::invalid_argument);
}

class Import : public SiteTest {
 protected:
  Json import(const std::string& text, bool apply, const std::string& key) {
    net::HttpRequest out = request("POST", "/api/v1/imports", bearer_, key);
    out.headers["content-type"] = "text/csv";
    out.body = text;
    if (apply) out.query.emplace_back("apply", "true");
    const auto response = send(std::move(out));
    EXPECT_EQ(response.status, 202) << response.body;
    return body(response);
  }
  std::size_t persons() { return runtime_.store().table("person", "", 100).value().size(); }
  const std::string bearer_ = token(staff("window"));
  const std::string table_ =
      "门牌,姓名,出生年\n9-101,王大,1950\n9-101,李二,1951\n9-102,张三,1960\n";
};

TEST_F(Import, ADryRunCountsAndWritesNothing) {
  const std::size_t before = persons();
  const Json job = import(table_, false, "k1");
  EXPECT_EQ(job.at("state"), "done");
  EXPECT_EQ(job.at("new_households"), 2);
  EXPECT_EQ(job.at("added"), 3);
  EXPECT_EQ(persons(), before);
}

TEST_F(Import, ApplyingTwiceUpdatesByHousehold) {
  const std::size_t before = persons();
  EXPECT_EQ(import(table_, true, "k1").at("added"), 3);
  EXPECT_EQ(import(table_, true, "k1").at("added"), 3) << "a repeat shows the first job";
  EXPECT_EQ(persons(), before + 3);
  const Json again = import(table_, true, "k2");
  EXPECT_EQ(again.at("added"), 0);
  EXPECT_EQ(again.at("new_households"), 0);
  EXPECT_EQ(persons(), before + 3);
}

TEST_F(Import, TakenBackWithin24Hours) {
  const std::size_t before = persons();
  const Json job = import(table_, true, "k1");
  const std::string path = "/api/v1/imports/" + json_text(job, "job");
  const auto undone = post(path + "/undo-all", Json::object(), bearer_, "k2");
  EXPECT_EQ(body(undone).at("state"), "undone") << undone.body;
  EXPECT_EQ(persons(), before);
  EXPECT_EQ(body(get(path, bearer_)).at("undone"), 2);
}

TEST_F(Import, WithoutTheRoleItStopsAtTheFirstLine) {
  net::HttpRequest ask = request("POST", "/api/v1/imports", token(staff("editor")), "k1");
  ask.body = table_;
  const Json job = body(send(std::move(ask)));
  EXPECT_EQ(job.at("state"), "refused");
  EXPECT_EQ(job.at("errors_total"), 1);
}

}  // namespace
}  // namespace linli::test
