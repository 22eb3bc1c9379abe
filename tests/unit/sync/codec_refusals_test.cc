// SPDX-License-Identifier: Apache-2.0
// Goal:   what PROTOCOL.md forbids is refused with the code it names; what it allows is not.
// Method: labelled messages; CBOR ones are written in hexadecimal.
#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "sync/protocol/codec.h"

namespace linli::sync {
namespace {

constexpr Errc kFine{};

struct Case {
  std::string name;
  std::string message;
  Errc code;
};

std::string label(const testing::TestParamInfo<Case>& tested) { return tested.param.name; }

std::string repeat(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out.append(part);
  return out;
}

template <class Frames>
void expect_answer(const Result<Frames>& frames, Errc code) {
  if (code == kFine) {
    EXPECT_TRUE(frames.has_value()) << frames.error().detail;
  } else {
    ASSERT_FALSE(frames.has_value());
    EXPECT_EQ(frames.error().code, code) << frames.error().detail;
  }
}

// --- JSON -------------------------------------------------------------------------------------
class JsonPing : public testing::TestWithParam<Case> {};

TEST_P(JsonPing, IsAnsweredByTheBook) {
  expect_answer(decode_client(Encoding::json, GetParam().message), GetParam().code);
}

/// A ping with the member `x`, which nobody knows.
std::string with_x(std::string_view x) {
  return "{\"t\":\"ping\",\"x\":" + std::string(x) + ",\"t0\":1}\n";
}
/// A ping at the time `t0`.
std::string at_t0(std::string_view t0) {
  return "{\"t\":\"ping\",\"t0\":" + std::string(t0) + "}\n";
}

INSTANTIATE_TEST_SUITE_P(
    Form, JsonPing,
    testing::Values(
        Case{"plain", at_t0("1"), kFine},
        Case{"blanks_between", "{ \"t\"\t:\"ping\" ,\r\"t0\" : 1 } \r\n", kFine},
        Case{"members_in_any_order", "{\"t0\":1,\"t\":\"ping\"}\n", kFine},
        Case{"escaped_name", "{\"\\u0074\":\"p\\u0069ng\",\"t0\":1}\n", kFine},
        Case{"no_line_feed", "{\"t\":\"ping\",\"t0\":1}", Errc::malformed},
        Case{"line_feed_inside", "{\"t\":\"ping\",\n\"t0\":1}\n", Errc::malformed},
        Case{"empty_line", "\n" + at_t0("1"), Errc::malformed},
        Case{"two_frames_on_a_line", "{\"t\":\"bye\"}{\"t\":\"bye\"}\n", Errc::malformed},
        Case{"byte_order_mark", "\xef\xbb\xbf" + at_t0("1"), Errc::malformed},
        Case{"not_a_map", "[1]\n", Errc::malformed}, Case{"number", "1\n", Errc::malformed},
        Case{"trailing_comma", "{\"t\":\"ping\",\"t0\":1,}\n", Errc::malformed},
        Case{"leading_comma", "{,\"t\":\"ping\",\"t0\":1}\n", Errc::malformed},
        Case{"missing_comma", "{\"t\":\"ping\" \"t0\":1}\n", Errc::malformed},
        Case{"missing_colon", "{\"t\" \"ping\"}\n", Errc::malformed},
        Case{"single_quotes", "{'t':'ping','t0':1}\n", Errc::malformed},
        Case{"comment", "{\"t\":\"ping\",/**/\"t0\":1}\n", Errc::malformed},
        Case{"wrong_bracket", "{\"t\":\"ping\",\"t0\":1]\n", Errc::malformed},
        Case{"no_name", "{\"t0\":1}\n", Errc::malformed},
        Case{"empty_name", "{\"t\":\"\"}\n", Errc::malformed},
        Case{"long_name", "{\"t\":\"" + std::string(33, 'x') + "\"}\n", Errc::malformed},
        Case{"name_twice", "{\"t\":\"ping\",\"t\":\"ping\",\"t0\":1}\n", Errc::malformed},
        Case{"name_twice_in_bye", "{\"t\":\"bye\",\"t\":\"ping\"}\n", Errc::malformed},
        Case{"member_twice", "{\"t\":\"ping\",\"t0\":1,\"t0\":1}\n", Errc::malformed},
        Case{"member_missing", "{\"t\":\"ping\"}\n", Errc::malformed},
        Case{"unknown_frame", "{\"t\":\"later\",\"a\":[{}]}\n", kFine},
        Case{"unknown_frame_that_must_not", "{\"t\":\"later\",\"must\":false}\n", kFine},
        Case{"unknown_frame_that_must", "{\"t\":\"later\",\"must\":true}\n",
             Errc::unsupported_version},
        Case{"must_before_the_name", "{\"must\":true,\"t\":\"later\"}\n",
             Errc::unsupported_version},
        Case{"must_of_another_type", "{\"t\":\"later\",\"must\":1}\n", Errc::malformed},
        Case{"known_frame_that_must", "{\"t\":\"ping\",\"must\":true,\"t0\":1}\n", kFine}),
    label);

INSTANTIATE_TEST_SUITE_P(
    UnknownMember, JsonPing,
    testing::Values(Case{"map", with_x(R"({"y":[1,-2,"z",true,false,null,{}],"y":0})"), kFine},
                    Case{"depth_16", with_x(repeat("[", 15) + repeat("]", 15)), kFine},
                    Case{"depth_17", with_x(repeat("[", 16) + repeat("]", 16)), Errc::too_deep},
                    Case{"depth_17_of_maps", with_x(repeat("{\"a\":", 16) + "1" + repeat("}", 16)),
                         Errc::too_deep},
                    Case{"fraction", with_x("1.5"), Errc::malformed},
                    Case{"exponent", with_x("1e3"), Errc::malformed},
                    Case{"leading_zero", with_x("01"), Errc::malformed},
                    Case{"plus_sign", with_x("+1"), Errc::malformed},
                    Case{"lone_minus", with_x("-"), Errc::malformed},
                    Case{"not_a_number", with_x("NaN"), Errc::malformed},
                    Case{"almost_true", with_x("tru"), Errc::malformed},
                    Case{"more_than_true", with_x("truex"), Errc::malformed},
                    Case{"missing_value", with_x(""), Errc::malformed},
                    Case{"all_escapes", with_x(R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00")"), kFine},
                    Case{"unknown_escape", with_x(R"("\x41")"), Errc::malformed},
                    Case{"short_u_escape", with_x(R"("\u12")"), Errc::malformed},
                    Case{"u_escape_not_hex", with_x(R"("\u12g4")"), Errc::malformed},
                    Case{"lone_high_surrogate", with_x(R"("\ud83d")"), Errc::malformed},
                    Case{"lone_low_surrogate", with_x(R"("\ude00")"), Errc::malformed},
                    Case{"high_before_no_low", with_x(R"("\ud83d\u0041")"), Errc::malformed},
                    Case{"control_character", with_x("\"a\tb\""), Errc::malformed},
                    Case{"overlong_utf8", with_x("\"\xc0\x80\""), Errc::invalid_utf8},
                    Case{"surrogate_in_utf8", with_x("\"\xed\xa0\x80\""), Errc::invalid_utf8},
                    Case{"half_a_character", with_x("\"\xe9\x82\""), Errc::invalid_utf8}),
    label);

INSTANTIATE_TEST_SUITE_P(
    Time, JsonPing,
    testing::Values(Case{"before_1970", at_t0("-5"), kFine},
                    Case{"greatest", at_t0("9007199254740991"), kFine},
                    Case{"too_great", at_t0("9007199254740992"), Errc::malformed},
                    Case{"least", at_t0("-9007199254740991"), kFine},
                    Case{"too_small", at_t0("-9007199254740992"), Errc::malformed},
                    Case{"hundred_digits", at_t0(repeat("9", 100)), Errc::malformed},
                    Case{"as_text", at_t0("\"1\""), Errc::malformed},
                    Case{"as_null", at_t0("null"), Errc::malformed},
                    Case{"as_array", at_t0("[1]"), Errc::malformed},
                    Case{"as_boolean", at_t0("true"), Errc::malformed}),
    label);

// --- CBOR -------------------------------------------------------------------------------------
class CborPing : public testing::TestWithParam<Case> {};

TEST_P(CborPing, IsAnsweredByTheBook) {
  expect_answer(decode_client(Encoding::cbor, from_hex(GetParam().message).value()),
                GetParam().code);
}

// a3 "t":"ping" "t0":1, and "x": whatever follows.
const std::string kPing =
    "a2"
    "6174"
    "6470696e67"
    "627430"
    "01";
const std::string kPingX =
    "a3"
    "6174"
    "6470696e67"
    "627430"
    "01"
    "6178";
const std::string kPingT0 =
    "a2"
    "6174"
    "6470696e67"
    "627430";

INSTANTIATE_TEST_SUITE_P(
    Form, CborPing,
    testing::Values(Case{"plain", kPing, kFine}, Case{"two", kPing + kPing, kFine},
                    Case{"lengths_not_shortest",
                         "b80278017478"
                         "0470696e67"
                         "62743019000a",
                         kFine},
                    Case{"integer_in_nine_bytes", kPingT0 + "1b0000000000000001", kFine},
                    Case{"greatest", kPingT0 + "1b001fffffffffffff", kFine},
                    Case{"too_great", kPingT0 + "1b0020000000000000", Errc::malformed},
                    Case{"way_too_great", kPingT0 + "1bffffffffffffffff", Errc::malformed},
                    Case{"least", kPingT0 + "3b001ffffffffffffe", kFine},
                    Case{"too_small", kPingT0 + "3b001fffffffffffff", Errc::malformed},
                    Case{"way_too_small", kPingT0 + "3bffffffffffffffff", Errc::malformed},
                    Case{"text_for_integer", kPingT0 + "6131", Errc::malformed},
                    Case{"null_for_integer", kPingT0 + "f6", Errc::malformed},
                    Case{"array_item", "820102", Errc::malformed},
                    Case{"name_as_bytes",
                         "a2"
                         "6174"
                         "4470696e67"
                         "627430"
                         "01",
                         Errc::malformed},
                    Case{"key_as_bytes",
                         "a2"
                         "4174"
                         "6470696e67"
                         "627430"
                         "01",
                         Errc::malformed},
                    Case{"key_as_integer",
                         "a2"
                         "01"
                         "6470696e67"
                         "627430"
                         "01",
                         Errc::malformed},
                    Case{"member_twice",
                         "a3"
                         "6174"
                         "6470696e67"
                         "627430"
                         "01"
                         "627430"
                         "01",
                         Errc::malformed},
                    Case{"one_member_too_few",
                         "a1"
                         "6174"
                         "6470696e67",
                         Errc::malformed},
                    Case{"one_member_too_many", "a4" + kPingX.substr(2) + "00", Errc::malformed},
                    Case{"map_without_end",
                         "bf"
                         "6174"
                         "6470696e67"
                         "627430"
                         "01"
                         "ff",
                         Errc::malformed},
                    Case{"break", "ff", Errc::malformed},
                    Case{"tagged_map", "d9d9f7" + kPing, Errc::malformed},
                    Case{"unknown_frame_that_must",
                         "a2"
                         "6174"
                         "656c61746572"
                         "646d757374"
                         "f5",
                         Errc::unsupported_version},
                    Case{"unknown_frame_that_must_not",
                         "a2"
                         "6174"
                         "656c61746572"
                         "646d757374"
                         "f4",
                         kFine},
                    Case{"must_of_another_type",
                         "a2"
                         "6174"
                         "656c61746572"
                         "646d757374"
                         "f6",
                         Errc::malformed}),
    label);

// Not parameters: those are built at every start of the program.
TEST(UnknownMember, HalfAMillionLevelsAreTooDeep) {
  expect_answer(decode_client(Encoding::json, with_x(repeat("[", 500'000))), Errc::too_deep);
  expect_answer(decode_client(Encoding::cbor, from_hex(kPingX + repeat("81", 500'000)).value()),
                Errc::too_deep);
}

INSTANTIATE_TEST_SUITE_P(
    UnknownMember, CborPing,
    testing::Values(Case{"map",
                         kPingX + "a2"
                                  "6179"
                                  "8501206161f4f6"
                                  "627979"
                                  "a0",
                         kFine},
                    Case{"bytes_that_are_no_text", kPingX + "42ffff", kFine},
                    Case{"depth_16", kPingX + repeat("81", 15) + "00", kFine},
                    Case{"depth_17", kPingX + repeat("81", 16) + "00", Errc::too_deep},
                    Case{"depth_17_of_maps", kPingX + repeat("a16161", 16) + "00", Errc::too_deep},
                    Case{"map_key_not_text",
                         kPingX + "a1"
                                  "01"
                                  "01",
                         Errc::malformed},
                    Case{"tag", kPingX + "c001", Errc::malformed},
                    Case{"half_float", kPingX + "f93c00", Errc::malformed},
                    Case{"float", kPingX + "fa3f800000", Errc::malformed},
                    Case{"double", kPingX + "fb3ff0000000000000", Errc::malformed},
                    Case{"undefined", kPingX + "f7", Errc::malformed},
                    Case{"simple_in_two_bytes", kPingX + "f8ff", Errc::malformed},
                    Case{"reserved_length", kPingX + "1c", Errc::malformed},
                    Case{"text_without_end", kPingX + "7f6161ff", Errc::malformed},
                    Case{"array_without_end", kPingX + "9f01ff", Errc::malformed},
                    Case{"text_not_utf8", kPingX + "62c080", Errc::invalid_utf8},
                    Case{"claims_100_mb_of_bytes", kPingX + "5a06400000", Errc::malformed},
                    Case{"claims_100_mb_of_text", kPingX + "7a06400000", Errc::malformed},
                    Case{"claims_100_m_elements", kPingX + "9a06400000", Errc::malformed},
                    Case{"claims_100_m_members", kPingX + "ba06400000", Errc::malformed},
                    Case{"claims_all_of_the_address_space", kPingX + "5bffffffffffffffff",
                         Errc::malformed},
                    Case{"claims_a_wrapping_map", kPingX + "bb8000000000000000", Errc::malformed}),
    label);

// --- Members ----------------------------------------------------------------------------------
class JsonServerFrame : public testing::TestWithParam<Case> {};

TEST_P(JsonServerFrame, IsAnsweredByTheBook) {
  expect_answer(decode_server(Encoding::json, "{" + GetParam().message + "}\n"), GetParam().code);
}

std::string b_with(std::string_view op) {
  return R"("t":"B","b":1,"to":9,"ops":[)" + std::string(op) + "]";
}

INSTANTIATE_TEST_SUITE_P(
    Ops, JsonServerFrame,
    testing::Values(Case{"put", b_with(R"([1,"t","k",9,"{}"])"), kFine},
                    Case{"erase", b_with(R"([0,"t","k",9])"), kFine},
                    Case{"put_without_data", b_with(R"([1,"t","k",9])"), Errc::malformed},
                    Case{"erase_with_data", b_with(R"([0,"t","k",9,"{}"])"), Errc::malformed},
                    Case{"op_of_another_kind", b_with(R"([2,"t","k",9,"{}"])"), Errc::malformed},
                    Case{"empty_op", b_with("[]"), Errc::malformed},
                    Case{"op_is_a_map", b_with("{}"), Errc::malformed},
                    Case{"data_is_json", b_with(R"([1,"t","k",9,{}])"), Errc::malformed},
                    Case{"table_name", b_with(R"([0,"T","k",9])"), Errc::malformed},
                    Case{"row_key", b_with(R"([0,"t","k/k",9])"), Errc::malformed},
                    Case{"ver_zero", b_with(R"([0,"t","k",0])"), Errc::malformed},
                    Case{"ver_too_great", b_with(R"([0,"t","k",9007199254740992])"),
                         Errc::malformed}),
    label);

INSTANTIATE_TEST_SUITE_P(
    Members, JsonServerFrame,
    testing::Values(
        Case{"bucket_beyond_u32", R"("t":"B","b":4294967296,"to":9,"ops":[])", Errc::malformed},
        Case{"digest", R"("t":"B","b":1,"to":9,"ops":[],"d":[1,"00000000000000ff"])", kFine},
        Case{"digest_upper_case", R"("t":"B","b":1,"to":9,"ops":[],"d":[1,"00000000000000FF"])",
             Errc::malformed},
        Case{"digest_short", R"("t":"B","b":1,"to":9,"ops":[],"d":[1,"00ff"])", Errc::malformed},
        Case{"digest_not_hex", R"("t":"B","b":1,"to":9,"ops":[],"d":[1,"zz000000000000ff"])",
             Errc::malformed},
        Case{"digest_of_three", R"("t":"B","b":1,"to":9,"ops":[],"d":[1,"00000000000000ff",1])",
             Errc::malformed},
        Case{"c_of_a_lane", R"("t":"C","lane":"u","seq":1)", kFine},
        Case{"c_of_nothing", R"("t":"C","seq":1)", Errc::malformed},
        Case{"c_of_both", R"("t":"C","lane":"u","b":1,"seq":1,"d":[0,"0000000000000000"])",
             Errc::malformed},
        Case{"c_of_a_bucket_without_digest", R"("t":"C","b":1,"seq":1)", Errc::malformed},
        Case{"c_of_a_lane_with_digest", R"("t":"C","lane":"u","seq":1,"d":[0,"0000000000000000"])",
             Errc::malformed},
        Case{"c_of_an_unknown_lane", R"("t":"C","lane":"x","seq":1)", Errc::malformed},
        Case{"grant", R"("t":"M","at":1,"add":[[1,1,"s",9,1]])", kFine},
        Case{"grant_pri_10", R"("t":"M","at":1,"add":[[1,1,"s",10,1]])", Errc::malformed},
        Case{"grant_class_2", R"("t":"M","at":1,"add":[[1,1,"s",9,2]])", Errc::malformed},
        Case{"grant_of_four", R"("t":"M","at":1,"add":[[1,1,"s",9]])", Errc::malformed},
        Case{"result", R"("t":"R","lane":2,"n":1,"st":"ok","seq":1,"lanes":["u","s"])", kFine},
        Case{"result_up_lane_3", R"("t":"R","lane":3,"n":1,"st":"ok")", Errc::malformed},
        Case{"result_n_zero", R"("t":"R","lane":2,"n":0,"st":"ok")", Errc::malformed},
        Case{"result_status", R"("t":"R","lane":2,"n":1,"st":"OK")", Errc::malformed},
        Case{"result_of_three_lanes", R"("t":"R","lane":2,"n":1,"st":"ok","lanes":["u","s","u"])",
             Errc::too_large},
        Case{"drain_into_the_past", R"("t":"drain","after":-1)", Errc::malformed},
        Case{"cid_with_31_digits", R"("t":"rekeyed","cert":"","cid":")" + repeat("a", 31) + "\"",
             Errc::malformed},
        Case{"cid_not_hex", R"("t":"rekeyed","cert":"","cid":")" + repeat("g", 32) + "\"",
             Errc::malformed}),
    label);

class JsonClientFrame : public testing::TestWithParam<Case> {};

TEST_P(JsonClientFrame, IsAnsweredByTheBook) {
  expect_answer(decode_client(Encoding::json, "{" + GetParam().message + "}\n"), GetParam().code);
}

std::string push_with(std::string_view members) {
  return R"("t":"push","lane":1,"muts":[{)" + std::string(members) + "}]";
}
std::string rekey_with(std::string_view pub) {
  return R"("t":"rekey","cert":"","sig":")" + repeat("A", 86) + R"(","pub":")" + std::string(pub) +
         "\"";
}

INSTANTIATE_TEST_SUITE_P(
    Members, JsonClientFrame,
    testing::Values(
        Case{"mutation", push_with(R"("n":1,"name":"a.b","args":"{}","wall":0)"), kFine},
        Case{"mutation_n_zero", push_with(R"("n":0,"name":"a.b","args":"{}","wall":0)"),
             Errc::malformed},
        Case{"mutation_fixes_zero",
             push_with(R"("n":1,"name":"a.b","args":"{}","wall":0,"fixes":0)"), Errc::malformed},
        Case{"mutation_without_name", push_with(R"("n":1,"args":"{}","wall":0)"), Errc::malformed},
        Case{"mutation_name_with_a_zero_byte",
             push_with(R"("n":1,"name":"a\u0000b","args":"{}","wall":0)"), Errc::malformed},
        Case{"mutation_name_of_65_bytes",
             push_with(R"("n":1,"args":"{}","wall":0,"name":")" + repeat("a", 65) + "\""),
             Errc::malformed},
        Case{"args_as_json", push_with(R"("n":1,"name":"a.b","args":{},"wall":0)"),
             Errc::malformed},
        Case{"uncertainty_below_zero",
             push_with(R"("n":1,"name":"a.b","args":"{}","wall":0,"unc":-1)"), Errc::malformed},
        Case{"results_of_two_lanes", R"("t":"ack","rx":0,"u":0,"s":0,"res":[0,0])",
             Errc::malformed},
        Case{"results_of_four_lanes", R"("t":"ack","rx":0,"u":0,"s":0,"res":[0,0,0,0])",
             Errc::malformed},
        Case{"cursor_below_zero", R"("t":"ack","rx":0,"u":-1,"s":0,"res":[0,0,0])",
             Errc::malformed},
        Case{"public_key", rekey_with(repeat("A", 43)), kFine},
        Case{"public_key_padded", rekey_with(repeat("A", 43) + "="), Errc::malformed},
        Case{"public_key_short", rekey_with(repeat("A", 42)), Errc::malformed},
        Case{"public_key_with_trailing_bits", rekey_with(repeat("A", 42) + "B"), Errc::malformed},
        Case{"public_key_in_plain_base64", rekey_with(repeat("A", 42) + "+"), Errc::malformed},
        Case{"refill_of_1001", R"("t":"refill","b":[1)" + repeat(",1", 1000) + "]",
             Errc::too_large}),
    label);

TEST(HelloBodyText, RefusesWhatTheBookForbids) {
  const std::string head = R"({"cid":")" + repeat("a", 32) + R"(","origin":"https://a","app":"b",)";
  const std::string tail = R"("cur":{"u":0,"s":0},"up":[[0,0],[0,0],[0,0]],"pending":0,"t0":1})";
  const auto decode = [&](std::string_view middle) {
    return decode_hello_body(Encoding::json, head + std::string(middle) + tail);
  };
  EXPECT_TRUE(decode(R"("proto":[1,1],)").has_value());
  EXPECT_FALSE(decode("").has_value());
  EXPECT_FALSE(decode(R"("proto":[2,1],)").has_value());
  EXPECT_FALSE(decode(R"("proto":[1],)").has_value());
  EXPECT_FALSE(decode(R"("proto":[1,1],"epoch":"",)").has_value());
  EXPECT_FALSE(decode(R"("proto":[1,1],"set_hash":"AAAA",)").has_value());
  EXPECT_FALSE(decode(R"("proto":[1,1],"pending":0,)").has_value());
  EXPECT_FALSE(decode(R"("proto":[1,1],"part":[[1,2]],)").has_value());
}

}  // namespace
}  // namespace linli::sync
