// SPDX-License-Identifier: Apache-2.0
// Goal: one outcome for every item, whatever the provider does; nothing sent that must not be.
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crypto.h"
#include "notify/channels/http/adapter.h"
#include "notify/channels/http/example.h"
#include "notify/channels/http/hook.h"

namespace linli::notify {
namespace {

/// Files of the source tree, and those of a test.
class Files final : public SecretReader {
 public:
  std::map<std::string, std::string> own;
  [[nodiscard]] Result<std::string> read(const std::string& path) const override {
    if (const auto found = own.find(path); found != own.end()) return found->second;
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(Errc::io, "cannot be read: " + path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
};

const Json kWechat = {
    {"kind", "http"},
    {"profile", "config/providers/wechat_template.json"},
    {"app_id", "wx1"},
    {"app_secret", "s3cret"},
    {"hook_secret", "hook-7"},
    {"templates",
     {{{"id", "T1"},
       {"categories", {"weather"}},
       {"text", "{{thing1.DATA}}"},
       {"variables", {{{"name", "thing1"}, {"value", "{{mark}}{{title}}"}, {"max", 20}}}}}}}};

const Json kTencent = {{"profile", "config/providers/tencent_sms.json"},
                       {"secret_id", "id"},
                       {"secret_key_file", "key"},
                       {"sdk_app_id", "14"},
                       {"sign_name", "社区"},
                       {"hook_secret", "hook-7"},
                       {"templates",
                        {{{"id", "1"},
                          {"categories", {"weather"}},
                          {"text", "{1}"},
                          {"variables", {{{"name", "t"}, {"value", "{{title}}"}}}}}}}};

class HttpChannel : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(crypto_init());
    files.own["key"] = "secret-key\n";
  }

  std::unique_ptr<Adapter> make(const Json& settings) {
    auto made = make_http_channel({"sms", settings, &rng, &clock, &files});
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().detail);
    return made ? std::move(*made) : nullptr;
  }
  std::string fault(const Json& settings) {
    const auto made = make_http_channel({"sms", settings, &rng, &clock, &files});
    return made ? "made" : made.error().detail;
  }
  Item item(std::uint64_t id, const std::string& to, const Json& message = Json::object()) {
    Json spec = {{"delivery", id}, {"to", to}, {"message", message}};
    return http::parse_item(spec, medium, clock.now()).value();
  }
  /// Submits and takes what came of it apart.
  void submit(Adapter& channel, std::vector<Item> items) {
    Actions out;
    channel.submit(items, clock.mono(), out);
    sort(std::move(out));
  }
  void answer(Adapter& channel, CallId id, const Json& body, int status = 200) {
    Actions out;
    CallReply reply;
    reply.status = status;
    reply.body = dump_json(body);
    reply.sent = true;
    channel.on_reply(id, reply, clock.mono(), out);
    sort(std::move(out));
  }
  void sort(Actions out) {
    for (Action& action : out) {
      if (auto* http = std::get_if<action::Http>(&action)) calls.push_back(std::move(*http));
      if (auto* end = std::get_if<action::Done>(&action))
        done.emplace(end->id.raw(), std::move(end->outcome));
      if (auto* heard = std::get_if<action::Heard>(&action)) receipts.push_back(heard->receipt);
    }
  }

  SeededRng rng{7};
  ManualClock clock{from_unix_ms(1'784'160'000'000)};
  Files files;
  Medium medium = Medium::wechat;
  std::vector<action::Http> calls;
  std::multimap<std::uint64_t, Outcome> done;
  std::vector<Receipt> receipts;
};

// --- Token --------------------------------------------------------------------------------------

TEST_F(HttpChannel, ManyItemsWaitForOneTokenRequest) {
  const auto channel = make(kWechat);
  for (std::uint64_t id = 1; id <= 20; ++id) submit(*channel, {item(id, "o" + std::to_string(id))});
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_NE(calls[0].call.url.find("/cgi-bin/stable_token"), std::string::npos);
  answer(*channel, calls[0].id, {{"access_token", "AT"}, {"expires_in", 7200}});
  ASSERT_EQ(calls.size(), 21U);
  for (std::size_t i = 1; i < calls.size(); ++i)
    EXPECT_TRUE(calls[i].call.url.ends_with("access_token=AT")) << calls[i].call.url;
  EXPECT_TRUE(done.empty());
}

TEST_F(HttpChannel, ATokenIsRenewedBeforeItExpiresAndNotSooner) {
  const auto channel = make(kWechat);
  submit(*channel, {item(1, "o1")});
  answer(*channel, calls[0].id, {{"access_token", "AT"}, {"expires_in", 7200}});
  clock.advance(std::chrono::seconds(7200 - 301));
  submit(*channel, {item(2, "o1")});
  EXPECT_EQ(calls.size(), 3U);
  clock.advance(std::chrono::seconds(1));
  submit(*channel, {item(3, "o1")});
  ASSERT_EQ(calls.size(), 4U);
  EXPECT_NE(calls[3].call.url.find("stable_token"), std::string::npos);
}

TEST_F(HttpChannel, AFailedTokenRequestSendsNothingAndEndsAllThatWaited) {
  const auto channel = make(kWechat);
  submit(*channel, {item(1, "o1")});
  submit(*channel, {item(2, "o2")});
  answer(*channel, calls[0].id, {{"errcode", 40013}});
  EXPECT_EQ(calls.size(), 1U);
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done.find(1)->second.kind, OutcomeKind::permanent_config);
  EXPECT_EQ(channel->health().state, Health::State::down);
  submit(*channel, {item(3, "o3")});
  EXPECT_EQ(calls.size(), 2U);  // the next one asks again
}

TEST_F(HttpChannel, AStaleTokenIsTriedAgainOnlyOnceAndRenewedOnlyOnce) {
  const auto channel = make(kWechat);
  submit(*channel, {item(1, "o1")});
  answer(*channel, calls[0].id, {{"access_token", "A"}, {"expires_in", 7200}});
  submit(*channel, {item(2, "o2")});
  ASSERT_EQ(calls.size(), 3U);
  // Both were sent with the old token; both refusals ask for one new token together.
  answer(*channel, calls[1].id, {{"errcode", 42001}});
  answer(*channel, calls[2].id, {{"errcode", 42001}});
  ASSERT_EQ(calls.size(), 4U);
  answer(*channel, calls[3].id, {{"access_token", "B"}, {"expires_in", 7200}});
  ASSERT_EQ(calls.size(), 6U);
  answer(*channel, calls[4].id, {{"errcode", 0}, {"msgid", 5}});
  answer(*channel, calls[5].id, {{"errcode", 42001}});
  EXPECT_EQ(calls.size(), 6U);
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done.find(1)->second.kind, OutcomeKind::accepted);
  EXPECT_EQ(done.find(2)->second.kind, OutcomeKind::retry_after);
}

TEST_F(HttpChannel, StoppingEndsWhatWaitedAndTakesNothingNew) {
  const auto channel = make(kWechat);
  submit(*channel, {item(1, "o1")});
  Actions out;
  channel->stop(clock.mono(), out);
  sort(std::move(out));
  submit(*channel, {item(2, "o2")});
  EXPECT_EQ(done.size(), 2U);
  answer(*channel, calls[0].id, {{"access_token", "A"}, {"expires_in", 7200}});
  EXPECT_EQ(calls.size(), 1U);
  EXPECT_EQ(done.size(), 2U);
}

// --- Batches ------------------------------------------------------------------------------------

TEST_F(HttpChannel, SameWordsShareARequestAndTheSameNumberTwiceDoesNot) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  submit(*channel, {item(1, "13800000001"), item(2, "13800000002"), item(3, "13800000001"),
                    item(4, "13800000004", {{"title", "别的"}})});
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_NE(calls[0].call.body.find(R"(["+8613800000001","+8613800000002"])"), std::string::npos);
  answer(*channel, calls[0].id, {{"Response", {{"SendStatusSet", Json::array()}}}});
  EXPECT_EQ(done.count(1), 1U);
  EXPECT_EQ(done.find(1)->second.kind, OutcomeKind::unknown);
  EXPECT_EQ(done.find(2)->second.kind, OutcomeKind::unknown);
}

TEST_F(HttpChannel, AnAnswerThatComesTwiceOrIsNotOursChangesNothing) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  submit(*channel, {item(1, "13800000001")});
  const Json good = {
      {"Response",
       {{"SendStatusSet",
         {{{"PhoneNumber", "+8613800000001"}, {"Code", "Ok"}, {"SerialNo", "s"}}}}}}};
  answer(*channel, calls[0].id, good);
  answer(*channel, calls[0].id, good);
  answer(*channel, CallId(99), good);
  EXPECT_EQ(done.size(), 1U);
  EXPECT_EQ(channel->health().state, Health::State::up);
}

TEST_F(HttpChannel, AnyBytesFromTheProviderGiveExactlyOneOutcome) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  const std::vector<std::string> bodies = {
      "",
      "null",
      "[]",
      "{",
      "\xff\xfe",
      std::string(300'000, '['),
      R"({"Response":7})",
      R"({"Response":{"SendStatusSet":{}}})",
      R"({"Response":{"SendStatusSet":[7,null,"x"]}})",
      R"({"Response":{"SendStatusSet":[{"PhoneNumber":"+8613800000001","Code":7,"Fee":"x"}]}})",
      R"({"Response":{"Error":{"Code":["Ok"]}}})",
      R"({"Response":{"Error":{"Code":"13800000001 said no"}}})"};
  std::uint64_t id = 0;
  for (const std::string& body : bodies) {
    submit(*channel, {item(++id, "13800000001")});
    Actions out;
    CallReply reply;
    reply.status = 200;
    reply.body = body;
    reply.sent = true;
    channel->on_reply(calls.back().id, reply, clock.mono(), out);
    sort(std::move(out));
    ASSERT_EQ(done.count(id), 1U) << body.substr(0, 60);
    EXPECT_EQ(done.find(id)->second.kind, OutcomeKind::unknown) << body.substr(0, 60);
    EXPECT_EQ(done.find(id)->second.reason.find("138"), std::string::npos);
  }
}

TEST_F(HttpChannel, WhatWasNotSentMayBeRepeatedAndWhatWasSentIsUnknown) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  std::uint64_t id = 0;
  for (const bool sent : {false, true}) {
    for (const Failure failure : {Failure::connect, Failure::broken, Failure::timed_out}) {
      submit(*channel, {item(++id, "13800000001")});
      CallReply reply;
      reply.failure = failure;
      reply.sent = sent;
      Actions out;
      channel->on_reply(calls.back().id, reply, clock.mono(), out);
      sort(std::move(out));
      EXPECT_EQ(done.find(id)->second.kind, sent ? OutcomeKind::unknown : OutcomeKind::retry_after);
      EXPECT_TRUE(done.find(id)->second.is_peer_fault);
    }
  }
}

TEST_F(HttpChannel, RetryAfterIsHonouredInSecondsAndAsADateUpToSixHours) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"120", 120},
      {"0", 0},
      {"-5", 0},
      {"soon", 0},
      {"999999", 21600},
      {"Thu, 16 Jul 2026 00:02:00 GMT", 120},
      {"Thu, 16 Jul 2020 00:02:00 GMT", 0},
      {"Thu, 99 Jul 2026 00:02:00 GMT", 0}};
  std::uint64_t id = 0;
  for (const auto& [header, seconds] : cases) {
    submit(*channel, {item(++id, "13800000001")});
    CallReply reply;
    reply.status = 503;
    reply.headers["retry-after"] = header;
    reply.sent = true;
    Actions out;
    channel->on_reply(calls.back().id, reply, clock.mono(), out);
    sort(std::move(out));
    EXPECT_EQ(done.find(id)->second.kind, OutcomeKind::retry_after) << header;
    EXPECT_EQ(done.find(id)->second.wait, std::chrono::seconds(seconds)) << header;
  }
}

// --- Content ------------------------------------------------------------------------------------

TEST_F(HttpChannel, Ntc8OnlyAnApprovedTemplateLeaves) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  for (const char* category : {"dangjian", "donation", "events", "", "*"}) {
    const Item refused = item(1, "13800000001", {{"category", category}});
    EXPECT_EQ(channel->preview(refused.to, refused.message).error().code, Errc::invalid_argument);
    done.clear();
    submit(*channel, {refused});
    EXPECT_EQ(done.find(1)->second.kind, OutcomeKind::permanent_content) << category;
  }
  EXPECT_TRUE(calls.empty());
  EXPECT_TRUE(channel->capabilities().templates_only);
}

TEST_F(HttpChannel, ADrillThatWouldNotSaySoIsNotSent) {
  medium = Medium::sms;
  const auto channel = make(kTencent);  // its template has no place for the mark
  submit(*channel, {item(1, "13800000001", {{"drill", true}})});
  EXPECT_EQ(done.find(1)->second.kind, OutcomeKind::permanent_content);
  EXPECT_TRUE(calls.empty());
}

TEST_F(HttpChannel, APreviewCountsThePartsWithTheSignature) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  const auto parts = [&](int characters) {
    std::string title;
    for (int i = 0; i < characters; ++i) title += "雨";
    const Item one = item(1, "13800000001", {{"title", title}});
    return channel->preview(one.to, one.message)->parts;
  };
  EXPECT_EQ(parts(66), 1U);  // 【社区】 is 4 of the 70
  EXPECT_EQ(parts(67), 2U);
  EXPECT_EQ(parts(130), 2U);
  EXPECT_EQ(parts(131), 3U);
}

// --- Settings -----------------------------------------------------------------------------------

TEST_F(HttpChannel, MistakesInTheSettingsAreNamed) {
  Json wrong = kTencent;
  wrong["sdk_app_idd"] = "1";
  EXPECT_EQ(fault(wrong), "channel sms: sdk_app_idd: no such key");
  wrong = kTencent;
  wrong.erase("secret_key_file");
  EXPECT_EQ(fault(wrong), "channel sms: secret_key: missing");
  wrong = kTencent;
  wrong["endpoint"] = "ftp://x";
  EXPECT_EQ(fault(wrong), "channel sms: endpoint: is not an http or https URL");
  wrong = kTencent;
  wrong["templates"][0]["categories"] = {"*"};
  EXPECT_EQ(fault(wrong),
            "channel sms: templates.categories: are named one by one, so that none slips through");
  wrong = kTencent;
  wrong["templates"][0]["text"] = "{1}{2}";
  EXPECT_EQ(fault(wrong), "channel sms: templates.text: has a placeholder without variable");
  wrong = kTencent;
  wrong["profile"] = "config/providers/none.json";
  EXPECT_EQ(fault(wrong), "channel sms: cannot be read: config/providers/none.json");
}

// --- Web hooks ----------------------------------------------------------------------------------

TEST_F(HttpChannel, HostileWebHooksAreRefusedAndHearNothing) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  const auto code = [&](Callback request) {
    Actions out;
    const auto reply = channel->on_callback(request, clock.now(), out);
    sort(std::move(out));
    return reply ? Errc::internal : reply.error().code;
  };
  const std::string good = R"([{"sid":"s","report_status":"SUCCESS"}])";
  EXPECT_EQ(code({"POST", "", {}, {}, good}), Errc::unauthenticated);
  EXPECT_EQ(code({"POST", "", {{"key", "hook-8"}}, {}, good}), Errc::unauthenticated);
  EXPECT_EQ(code({"POST", "", {{"key", ""}}, {}, good}), Errc::unauthenticated);
  EXPECT_EQ(code({"GET", "", {{"key", "hook-7"}}, {}, ""}), Errc::method_not_allowed);
  EXPECT_EQ(code({"POST", "", {{"key", "hook-7"}}, {}, "{"}), Errc::malformed);
  EXPECT_EQ(code({"POST", "", {{"key", "hook-7"}}, {}, "{}"}), Errc::malformed);
  EXPECT_EQ(code({"POST", "", {{"key", "hook-7"}}, {}, std::string(20, '[')}), Errc::too_deep);
  EXPECT_EQ(
      code({"POST", "", {{"key", "hook-7"}}, {}, std::string(http::kCallbackBytesMax + 1, ' ')}),
      Errc::too_large);
  Json many = Json::array();
  for (int i = 0; i < 2001; ++i) many.push_back({{"sid", "s"}, {"report_status", "SUCCESS"}});
  EXPECT_EQ(code({"POST", "", {{"key", "hook-7"}}, {}, dump_json(many)}), Errc::too_large);
  EXPECT_TRUE(receipts.empty());
}

TEST_F(HttpChannel, RowsThatSayTooLittleAreLeftOutAndARepeatSaysTheSame) {
  medium = Medium::sms;
  const auto channel = make(kTencent);
  const Callback request{"POST",
                         "",
                         {{"key", "hook-7"}},
                         {},
                         R"([{"sid":"s","report_status":"SUCCESS","user_receive_time":"x"},7,null,
                             {"report_status":"SUCCESS"},{"sid":"t","report_status":"?"},
                             {"sid":"a\u0000b","report_status":"FAIL"}])"};
  for (int i = 0; i < 2; ++i) {
    Actions out;
    EXPECT_EQ(channel->on_callback(request, clock.now(), out)->status, 200);
    sort(std::move(out));
  }
  ASSERT_EQ(receipts.size(), 2U);
  EXPECT_EQ(receipts[0].provider_id, "s");
  EXPECT_EQ(receipts[1].provider_id, "s");
  EXPECT_FALSE(receipts[0].at.has_value());
}

// --- G8 -----------------------------------------------------------------------------------------

constexpr char kNewProvider[] = R"json({
  "name": "acme_sms", "title": "Acme", "medium": "sms", "documents": ["https://acme.example/api"],
  "settings": [{"name": "token", "secret": true, "required": true, "help": "API token"},
               {"name": "hook", "secret": true, "default": "", "help": "Signs receipts"}],
  "length": {"unit": "utf16", "parts": "ucs2", "max": 300},
  "limits": {"idempotent": true, "after_unknown": "resend"},
  "sign": {"recipe": "bearer", "with": {"token": "{{settings.token}}"}},
  "request": {"method": "POST", "url": "https://acme.example/v1/messages",
    "headers": {"Idempotency-Key": "{{key}}"},
    "form": {"to": "{{to|e164}}", "text": "{{text}}"}},
  "reply": {"code": "status", "outcomes": {"201": "accepted", "422": "permanent_content"},
            "ids": ["/id"]},
  "webhook": {"auth": {"kind": "hmac_sha256", "name": "x-acme-signature", "window_s": 300,
                       "time_header": "x-acme-time", "secret": "{{settings.hook}}"},
    "receipts": {"id": "/id", "state": "/state", "states": {"ok": "delivered"}}},
  "examples": [{"name": "plain", "settings": {"token": "t"},
    "requests": [{"url": "https://acme.example/v1/messages",
      "headers": {"Authorization": "Bearer t",
                  "Idempotency-Key": "00112233445566778899aabbccddeeff"}}],
    "replies": [{"status": 201, "body": {"id": "m-1"}}],
    "outcomes": [{"outcome": "accepted", "ids": ["m-1"]}]}]
})json";

TEST_F(HttpChannel, G8ANewProviderIsOneFile) {
  medium = Medium::sms;
  files.own["acme.json"] = kNewProvider;
  const auto channel = make({{"profile", "acme.json"}, {"token", "T 1"}, {"hook", "h"}});
  ASSERT_NE(channel, nullptr);
  EXPECT_TRUE(channel->capabilities().is_idempotent);
  submit(*channel, {item(1, "13800000001", {{"title", "a&b=c"}, {"body", ""}})});
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].call.body, "text=a%26b%3Dc&to=%2B8613800000001");
  answer(*channel, calls[0].id, {{"id", "m-9"}}, 201);
  EXPECT_EQ(done.find(1)->second.provider_ids, std::vector<std::string>{"m-9"});
}

TEST_F(HttpChannel, ASignedWebHookIsGoodOnlyInItsWindowAndUnchanged) {
  files.own["acme.json"] = kNewProvider;
  const auto channel = make({{"profile", "acme.json"}, {"token", "t"}, {"hook", "h"}});
  const auto hear = [&](Millis age, const std::string& body, const std::string& signed_body) {
    const std::string time = std::to_string(to_unix_ms(clock.now() - age) / 1000);
    const std::string code = to_hex(hmac_sha256(as_bytes("h"), as_bytes(time + "." + signed_body)));
    Actions out;
    const auto reply = channel->on_callback(
        {"POST", "", {}, {{"x-acme-time", time}, {"x-acme-signature", code}}, body}, clock.now(),
        out);
    return reply.has_value();
  };
  const std::string body = R"({"id":"m-1","state":"ok"})";
  EXPECT_TRUE(hear(std::chrono::seconds(0), body, body));
  EXPECT_TRUE(hear(std::chrono::seconds(299), body, body));
  EXPECT_FALSE(hear(std::chrono::seconds(301), body, body));
  EXPECT_FALSE(hear(std::chrono::seconds(-301), body, body));
  EXPECT_FALSE(hear(std::chrono::seconds(0), body + " ", body));
}

}  // namespace
}  // namespace linli::notify
