// SPDX-License-Identifier: Apache-2.0
#include "base/json_schema.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace linli {
namespace {

JsonSchema repair_schema() {
  return Json{{"type", "object"},
              {"additionalProperties", false},
              {"required", {"text", "place"}},
              {"properties",
               {{"text", {{"type", "string"}, {"minLength", 1}, {"maxLength", 20}}},
                {"place", {{"type", "string"}, {"pattern", "^[A-Z][0-9]{1,3}$"}}},
                {"kind", {{"enum", {"light", "water"}}}},
                {"persons", {{"type", "integer"}, {"minimum", 0}, {"maximum", 99}}},
                {"photos", {{"type", "array"}, {"items", {{"type", "string"}}}, {"maxItems", 2}}},
                {"pattern", {{"type", "integer"}}}}}};
}

struct SchemaCase {
  std::string name;
  Json value;
  /// Of the detail; empty = accepted.
  std::string refusal;
};

class JsonSchemaCheck : public testing::TestWithParam<SchemaCase> {};

TEST_P(JsonSchemaCheck, AnswersAsTheSchemaSays) {
  const auto result = repair_schema().check(GetParam().value);
  if (GetParam().refusal.empty()) {
    EXPECT_TRUE(result.has_value()) << result.error().detail;
    return;
  }
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Errc::invalid_argument);
  EXPECT_NE(result.error().detail.find(GetParam().refusal), std::string::npos)
      << result.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Repair, JsonSchemaCheck,
    testing::Values(
        SchemaCase{
            "whole", {{"text", "灯坏了"}, {"place", "B12"}, {"kind", "light"}, {"persons", 2}}, ""},
        SchemaCase{"counts_characters_not_bytes",
                   {{"text", "一二三四五六七八九十一二三四五六七八九十"}, {"place", "B1"}},
                   ""},
        SchemaCase{"member_called_pattern", {{"text", "a"}, {"place", "B1"}, {"pattern", 7}}, ""},
        SchemaCase{"member_missing", {{"text", "a"}}, "Missing required property 'place'"},
        SchemaCase{
            "member_unknown", {{"text", "a"}, {"place", "B1"}, {"x", 1}}, "Member is not known"},
        SchemaCase{
            "number_as_text", {{"text", "a"}, {"place", "B1"}, {"persons", "2"}}, "persons: "},
        SchemaCase{
            "number_with_fraction", {{"text", "a"}, {"place", "B1"}, {"persons", 2.5}}, "persons"},
        SchemaCase{
            "number_too_big", {{"text", "a"}, {"place", "B1"}, {"persons", 100}}, "persons: "},
        SchemaCase{
            "text_too_long", {{"text", std::string(21, 'x')}, {"place", "B1"}}, "text: String"},
        SchemaCase{"enum_foreign", {{"text", "a"}, {"place", "B1"}, {"kind", "gas"}}, "kind: "},
        SchemaCase{"pattern_missed", {{"text", "a"}, {"place", "12"}}, "place: "},
        SchemaCase{
            "item_of_array", {{"text", "a"}, {"place", "B1"}, {"photos", {"a", 1}}}, "photos/1"},
        SchemaCase{"not_an_object", Json::array(), "the whole: "}),
    [](const auto& tested) { return tested.param.name; });

TEST(JsonSchema, AcceptsEverythingByDefault) {
  EXPECT_TRUE(JsonSchema().check(Json::array({1, "a"})).has_value());
  EXPECT_EQ(JsonSchema().json(), Json::object());
}

TEST(JsonSchema, KeepsTheSchemaAsWritten) {
  EXPECT_EQ(repair_schema().json()["properties"]["place"]["pattern"], "^[A-Z][0-9]{1,3}$");
}

TEST(JsonSchema, RefusesLongTextBeforeTheRegexRecursesOnIt) {
  const JsonSchema schema(Json{{"type", "string"}, {"pattern", "^(a|b)*$"}});
  EXPECT_TRUE(schema.check(Json(std::string(256, 'a'))).has_value());
  EXPECT_FALSE(schema.check(Json(std::string(1024 * 1024, 'a'))).has_value());
}

TEST(JsonSchema, NeverNamesTheValue) {
  const Json secret = {{"text", "secret-secret-secret-secret"},
                       {"place", "secret"},
                       {"kind", "secret"},
                       {"persons", 1234567},
                       {"photos", {"secret"}},
                       {"secret", 1}};
  for (const auto& [name, value] : secret.items()) {
    const Json args = name == "text" ? Json{{"place", "B1"}, {name, value}}
                                     : Json{{"text", "a"}, {"place", "B1"}, {name, value}};
    const auto result = repair_schema().check(args);
    if (result) continue;
    EXPECT_EQ(result.error().detail.find("secret"), std::string::npos) << result.error().detail;
    EXPECT_EQ(result.error().detail.find("1234567"), std::string::npos) << result.error().detail;
  }
}

TEST(JsonSchema, CopiesShareTheCompiledFormAcrossThreads) {
  const JsonSchema schema = repair_schema();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([schema, i] {
      for (int round = 0; round < 50; ++round) {
        const Json args = {{"text", "a"}, {"place", "B" + std::to_string(i)}};
        EXPECT_TRUE(schema.check(args).has_value());
      }
    });
  }
}

TEST(JsonSchemaDeathTest, AssertsOnASchemaThatIsNone) {
  EXPECT_DEATH(JsonSchema(Json("text")), "");
  EXPECT_DEATH(JsonSchema(Json{{"type", 7}}), "");
}

}  // namespace
}  // namespace linli
