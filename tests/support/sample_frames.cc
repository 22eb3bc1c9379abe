// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sample_frames.h"

#include <memory>

namespace linli::test {
namespace {

using namespace sync;  // NOLINT: the whole file is about its frames

constexpr std::uint64_t kBiggest = (std::uint64_t{1} << 53) - 1;

template <std::size_t N>
std::array<std::uint8_t, N> counting(std::uint8_t from) {
  std::array<std::uint8_t, N> out{};
  for (std::uint8_t& byte : out) byte = from++;
  return out;
}

Id128 id(std::uint8_t from) { return Id128{counting<16>(from)}; }

Op put(std::string tbl, std::string key, std::uint64_t ver, std::string data) {
  return {{std::move(tbl), std::move(key)},
          Seq{ver},
          std::make_shared<const std::string>(std::move(data))};
}

Op erase(std::string tbl, std::string key, std::uint64_t ver) {
  return {{std::move(tbl), std::move(key)}, Seq{ver}, nullptr};
}

BucketGrant grant(std::uint32_t b, std::uint64_t gen, Lane lane, std::uint8_t pri,
                  BucketClass cls) {
  return {BucketId{b}, Seq{gen}, lane, pri, cls};
}

FrameWelcome welcome() {
  return {.proto = 1,
          .epoch = Epoch{id(0x10)},
          .account = AccountId{id(0x20)},
          .head = {Seq{4711}, Seq{4720}},
          .last_n = {0, 17, 3},
          .window = 262144,
          .lease_until = 1795000000000,
          .t0 = 1790000000000,
          .t1 = 1790000000123,
          .buckets = std::nullopt};
}

FrameWelcome welcome_with_buckets() {
  FrameWelcome out = welcome();
  out.buckets = {grant(1, 1, Lane::urgent, 0, BucketClass::normal),
                 grant(0xffff'ffff, kBiggest, Lane::normal, 9, BucketClass::sensitive)};
  return out;
}

FrameB rows() {
  return {.b = BucketId{7},
          .to = Seq{4720},
          .ops = {put("notice", "n-1", 4712, R"({"title":"停水通知","n":1})"),
                  put("notice", "n-2", 4713, "{\"text\":\"a\\\"b\\\\c\\n\\u0001\t/\x7f😀\"}"),
                  erase("alert_ack", "a:1.B_c-9", kBiggest), put("t", "k", 1, "")},
          .digest = Digest{3, 0xfedc'ba98'7654'3210}};
}

}  // namespace

std::vector<Sample<ServerFrame>> server_samples() {
  return {
      {"K", FrameK{counting<32>(0xe0), id(0xa0), Epoch{id(0x10)}, 1790000000000, 1, 1}},
      {"welcome", welcome()},
      {"welcome with buckets", welcome_with_buckets()},
      {"welcome with no bucket at all",
       [] {
         FrameWelcome out = welcome();
         out.buckets.emplace();
         return out;
       }()},
      {"welcome of a replaced phone",
       [] {
         FrameWelcome out = welcome();
         out.buckets.emplace();
         out.hand_over = 1789000000000;
         return out;
       }()},
      {"B with puts, a delete and a digest", rows()},
      {"B without ops", FrameB{BucketId{0}, Seq{0}, {}, std::nullopt}},
      {"C of the urgent lane", FrameC{Lane::urgent, std::nullopt, Seq{4720}, std::nullopt}},
      {"C of the normal lane", FrameC{Lane::normal, std::nullopt, Seq{24}, std::nullopt}},
      {"C of a filling bucket", FrameC{Lane::normal, BucketId{7}, Seq{4720}, Digest{0, 0}}},
      {"M that drops and adds", FrameM{Seq{4721},
                                       {BucketId{3}, BucketId{70000}},
                                       {grant(8, 4721, Lane::normal, 5, BucketClass::sensitive)}}},
      {"M with nothing", FrameM{Seq{4722}, {}, {}}},
      {"R ok", FrameR{UpLane::interactive,
                      18,
                      MutationStatus::ok,
                      Seq{4721},
                      {Lane::urgent, Lane::normal},
                      "",
                      "",
                      "",
                      0,
                      mutation_hash("notice.seen", "{}")}},
      {"R rejected", FrameR{UpLane::alert,
                            1,
                            MutationStatus::rejected,
                            Seq{},
                            {},
                            "wrong_state",
                            "现在的状态不能做这一步。",
                            R"({"state":"closed"})",
                            0}},
      {"R retry", FrameR{UpLane::bulk,
                         kBiggest,
                         MutationStatus::retry,
                         Seq{},
                         {},
                         "unavailable",
                         "服务器正忙，请稍后再试。",
                         "",
                         2500}},
      {"pong", FramePong{1790000000000, 1790000000040, {Seq{4721}, Seq{4720}}}},
      {"err",
       FrameErr{"bad_signature", "身份校验没有通过，请重新登记本机。", true, std::nullopt, 0, 0}},
      {"err gap", FrameErr{"gap", "前面还有没送到的操作。", false, UpLane::alert, 18, 1000}},
      {"drain", FrameDrain{3000}},
      {"rekeyed", FrameRekeyed{Cid{id(0x30)}, "eyJ2IjoxfQ.c2ln"}},
      {"an unknown frame", FrameUnknown{"later"}},
  };
}

std::vector<Sample<ClientFrame>> client_samples() {
  const PushedMutation plain{1, "repair.create", R"({"text":"楼道灯坏了"})", 1790000000000, 0, 0,
                             0};
  const PushedMutation full{kBiggest, "poll_vote", "{\"a\":\"\\\"\"}", -1, -86400000, 250, 7};
  return {
      {"hello", FrameHello{std::string("\x00\xff not read here", 16), counting<64>(0x80)}},
      {"have", FrameHave{{{BucketId{1}, Seq{1}}, {BucketId{24}, Seq{255}}},
                         {{BucketId{7}, Seq{4000}, Seq{4100}}}}},
      {"have nothing", FrameHave{}},
      {"push", FramePush{UpLane::interactive, {plain, full}}},
      {"push of nothing", FramePush{UpLane::bulk, {}}},
      {"ack", FrameAck{65536, {Seq{4721}, Seq{4294967296}}, {0, 18, 3}}},
      {"ping", FramePing{1790000000000}},
      {"refill", FrameRefill{{BucketId{7}, BucketId{256}}}},
      {"rekey", FrameRekey{"eyJ2IjoxfQ.c2ln", counting<32>(1), counting<64>(2)}},
      {"bye", FrameBye{}},
      {"an unknown frame", FrameUnknown{"later"}},
  };
}

std::vector<Sample<HelloBody>> hello_body_samples() {
  HelloBody first;
  first.cid = Cid{id(0x30)};
  first.origin = "https://linli.example";
  first.app = "linli-web 1.0";
  first.t0 = 1790000000000;
  HelloBody again = first;
  again.epoch = Epoch{id(0x10)};
  again.cur = {Seq{4711}, Seq{4700}};
  again.set_hash = bucket_set_hash({{BucketId{1}, Seq{1}}, {BucketId{7}, Seq{4000}}});
  again.part = {{BucketId{7}, Seq{4000}, Seq{4100}}};
  again.res_n = {0, 16, 3};
  again.last_n = {0, 18, 3};
  again.pending = 2;
  again.cert = "eyJ2IjoxfQ.c2ln";
  return {{"first contact", first}, {"a phone that comes back", again}};
}

}  // namespace linli::test
