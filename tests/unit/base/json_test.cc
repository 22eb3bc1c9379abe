// SPDX-License-Identifier: Apache-2.0
// Goal: a hostile text gets a typed error that quotes nothing; a good one keeps its meaning.
#include "base/json.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace linli {
namespace {

using namespace std::string_literals;

std::string nested(int depth) {
  const auto size = static_cast<std::size_t>(depth);
  return std::string(size, '[') + std::string(size, ']');
}

TEST(Json, ReadsEveryKindOfValue) {
  const auto value = parse_json(
      R"({"b":[1,-2,2.5,true,false,null,"\u90bb\ud83d\ude00"],"a":{"":18446744073709551615}})");
  ASSERT_TRUE(value.has_value()) << value.error().detail;
  EXPECT_EQ(dump_json(*value),
            R"({"a":{"":18446744073709551615},"b":[1,-2,2.5,true,false,null,"邻😀"]})");
}

TEST(Json, ReadsTextsThatAreOneScalarWithBlanksAround) {
  EXPECT_EQ(parse_json(" \t\r\n 7 \n")->get<int>(), 7);
  EXPECT_EQ(parse_json("\"[[[[\"")->get<std::string>(), "[[[[");
  EXPECT_TRUE(parse_json("null")->is_null());
}

TEST(Json, RefusesWhatIsNotExactlyOneValue) {
  for (const std::string& text : {""s,
                                  " "s,
                                  "{"s,
                                  "}"s,
                                  "[1,]"s,
                                  "[1 2]"s,
                                  "{\"a\"}"s,
                                  "{\"a\":1,}"s,
                                  "{a:1}"s,
                                  "1 2"s,
                                  "[]]"s,
                                  "nul"s,
                                  "01"s,
                                  "+1"s,
                                  "1."s,
                                  ".5"s,
                                  "0x1"s,
                                  "NaN"s,
                                  "Infinity"s,
                                  "1e999"s,
                                  "'a'"s,
                                  "\"a"s,
                                  "\"\\x\""s,
                                  "\"\\u12\""s,
                                  "\"\\ud800\""s,
                                  "\"\\udc00\""s,
                                  "\"\\"s,
                                  "// c\n1"s,
                                  "/**/1"s}) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value.has_value()) << text;
    EXPECT_EQ(value.error().code, Errc::malformed) << text;
  }
}

TEST(Json, RefusesBytesThatTheParserWouldPassOver) {
  for (const std::string& text :
       {"\xef\xbb\xbf{}"s, "1\0garbage"s, "\0"s, "[1\f]"s, "\"a\nb\""s, "\"a\0b\""s, "\"\t\""s}) {
    EXPECT_EQ(parse_json(text).error().code, Errc::malformed) << text;
  }
}

TEST(Json, RefusesDuplicateKeys) {
  EXPECT_EQ(parse_json(R"({"a":1,"a":1})").error().code, Errc::malformed);
  EXPECT_EQ(parse_json(R"([{"x":{"k":1,"\u006b":2}}])").error().code, Errc::malformed);
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})").has_value());
}

TEST(Json, RefusesNestingBeyondTheLimitWhereverItIs) {
  EXPECT_TRUE(parse_json(nested(limits::kDepthMax)).has_value());
  EXPECT_EQ(parse_json(nested(limits::kDepthMax + 1)).error().code, Errc::too_deep);
  EXPECT_EQ(parse_json(std::string(60000, '[')).error().code, Errc::too_deep);
  EXPECT_EQ(parse_json(R"({"a":{"b":[1]}})", 100, 2).error().code, Errc::too_deep);
  EXPECT_TRUE(parse_json(R"({"a":["[[[\"[["],"b":[1]})", 100, 2).has_value());
  EXPECT_EQ(parse_json("]]]]" + nested(18)).error().code, Errc::malformed);
}

TEST(Json, RefusesTextsLongerThanTheLimit) {
  EXPECT_TRUE(parse_json("[10]", 4).has_value());
  EXPECT_EQ(parse_json("[100]", 4).error().code, Errc::too_large);
}

TEST(Json, RefusesTextsThatAreNotUtf8) {
  EXPECT_EQ(parse_json("\"\xc0\x80\"").error().code, Errc::invalid_utf8);
  EXPECT_EQ(parse_json("\"\xed\xa0\x80\"").error().code, Errc::invalid_utf8);
}

TEST(Json, ErrorsNameTheOffsetAndNeverQuoteTheText) {
  const Error error = parse_json(R"({"phone":"13800000000",})").error();
  EXPECT_NE(error.detail.find("byte 24"), std::string::npos) << error.detail;
  EXPECT_EQ(error.detail.find("138"), std::string::npos) << error.detail;
}

TEST(Json, EveryPrefixOfAGoodTextIsRefusedWithoutHarm) {
  const std::string good = R"({"a":[1,{"b":"\u00e9\\\""},[]],"c":{"d":null}})";
  ASSERT_TRUE(parse_json(good).has_value());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_json(good.substr(0, size)).has_value()) << good.substr(0, size);
  }
}

TEST(Json, DumpIsTheSameForEqualValuesAndReadsBack) {
  const Json first = *parse_json(R"({"z":1,"a":[0.1,1e300,-0.0],"m":"\u0001\n"})");
  const Json second = *parse_json(R"({"m":"\u0001\n","a":[0.1,1e300,-0.0],"z":1})");
  EXPECT_EQ(dump_json(first), dump_json(second));
  EXPECT_EQ(dump_json(*parse_json(dump_json(first))), dump_json(first));
}

TEST(Json, MembersFallBackWhenAbsentOrOfAnotherKind) {
  const Json from =
      *parse_json(R"({"t":"x","i":-7,"u":18446744073709551615,"f":3.0,"b":true,"n":null})");
  EXPECT_EQ(json_text(from, "t"), "x");
  EXPECT_EQ(json_text(from, "i"), "");
  EXPECT_EQ(json_text(Json(4), "t"), "");
  EXPECT_EQ(json_int(from, "i"), -7);
  EXPECT_EQ(json_int(from, "u", 5), 5);
  EXPECT_EQ(json_int(from, "f", 5), 5);
  EXPECT_EQ(json_int(from, "t", 5), 5);
  EXPECT_EQ(json_int(from, "none", 5), 5);
  EXPECT_EQ(json_int(Json{{"i", std::numeric_limits<std::int64_t>::max()}}, "i"),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(json_bool(from, "b"));
  EXPECT_FALSE(json_bool(from, "i"));
  EXPECT_TRUE(json_bool(from, "n", true));
}

}  // namespace
}  // namespace linli
