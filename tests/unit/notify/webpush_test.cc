// SPDX-License-Identifier: Apache-2.0
// Goal: a push carries what RFC 8030 asks for, and no trouble of ours or of a push service removes
//       anybody (gate G6); only 404 and 410 do.
#include <set>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "notify/channels/webpush/adapter.h"
#include "notify/channels/webpush/payload.h"
#include "notify/channels/webpush/reply.h"
#include "tests/support/channel_parts.h"

namespace linli::notify::webpush {
namespace {

using namespace std::chrono_literals;
using test::all_of;
using test::kMorning;

constexpr std::string_view kOurKey = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
constexpr std::string_view kReceiver = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
constexpr std::string_view kPhoneKey =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
constexpr std::string_view kPhoneAuth = "BTBZMqHH6r4Tts7J_aSIgg";

Message red_warning() {
  Message out;
  out.notice = "0199a0b0c0d07e0f8111222233334444";
  out.rev = 2;
  out.severity = "red";
  out.category = "warning";
  out.title = "暴雨红色预警";
  out.action_line = "住一楼和地下室的请到二楼";
  return out;
}

CallReply answer(int status, std::string retry_after = "") {
  CallReply out;
  out.status = status;
  out.sent = true;
  if (!retry_after.empty()) out.headers["retry-after"] = std::move(retry_after);
  return out;
}

CallReply no_answer(Failure failure, bool sent = false) {
  CallReply out;
  out.failure = failure;
  out.sent = sent;
  return out;
}

/// HKDF and AES-GCM of the receiver: in counter mode encrypting the cipher text gives the plain
/// text back, and encrypting that again must give the same tag.
std::string decrypt(const Signer& signer, const std::string& body) {
  using namespace std::string_view_literals;
  const auto receiver = signer.load_p256(as_bytes(kReceiver)).value();
  const auto bytes = as_bytes(body);
  const auto sender = bytes.subspan(21, kP256PointBytes);
  std::string info = std::string("WebPush: info\0"sv) + std::string(as_text(receiver->pub())) +
                     std::string(as_text(sender)) + '\x01';
  const auto secret = receiver->agree(sender).value();
  const Sha256 ikm = hmac_sha256(
      hmac_sha256(as_bytes(from_base64url(kPhoneAuth).value()), secret.view()), as_bytes(info));
  const Sha256 prk = hmac_sha256(bytes.first(16), ikm);
  const Sha256 key = hmac_sha256(prk, as_bytes("Content-Encoding: aes128gcm\0\x01"sv));
  const Sha256 nonce = hmac_sha256(prk, as_bytes("Content-Encoding: nonce\0\x01"sv));
  const auto sealed = bytes.subspan(86);
  std::string plain;
  std::string again;
  const auto seal = [&](ByteView in, std::string& out) {
    return signer.aes128gcm_seal(std::span(key).first<16>(), std::span(nonce).first<12>(), in, out)
        .has_value();
  };
  EXPECT_TRUE(seal(sealed.first(sealed.size() - 16), plain));
  plain.resize(plain.size() - 16);
  EXPECT_TRUE(seal(as_bytes(plain), again));
  EXPECT_EQ(to_hex(as_bytes(again)), to_hex(sealed));
  EXPECT_EQ(plain.back(), '\x02');
  plain.pop_back();
  return plain;
}

class WebPush : public ::testing::Test {
 protected:
  void SetUp() override {
    parts_.secrets.files["vapid.key"] = std::string(kOurKey) + "\n";
    adapter_ = make({});
  }

  std::unique_ptr<Adapter> make(const Json& more) {
    Json settings = {{"key_file", "vapid.key"}, {"contact", "mailto:duty@huainan.example.org"}};
    if (more.is_object()) settings.update(more);
    auto made = WebPushAdapter::make(parts_.with(std::move(settings)));
    EXPECT_TRUE(made.has_value()) << made.error().detail;
    return std::move(*made);
  }

  Item item(std::string_view host = "fcm.googleapis.com") {
    Item out;
    out.id = DeliveryId{++last_};
    out.key = std::string(30, '0') + std::to_string(10 + last_ % 90);
    out.message = red_warning();
    out.collapse = out.message.notice;
    out.to = {.medium = Medium::webpush,
              .address = "https://" + std::string(host) + "/send/" + std::to_string(last_),
              .params = {{"p256dh", std::string(kPhoneKey)}, {"auth", std::string(kPhoneAuth)}}};
    out.lane = Lane::red;
    out.expires = kMorning + 6h;
    return out;
  }

  Actions submit(const Item& what) {
    Actions out;
    adapter_->submit(std::span(&what, 1), parts_.clock.mono(), out);
    return out;
  }

  HttpCall call_of(const Item& what) {
    const auto calls = all_of<action::Http>(submit(what));
    EXPECT_EQ(calls.size(), 1U);
    return calls.at(0).call;
  }

  Outcome outcome(const Item& what, const CallReply& reply) {
    const auto calls = all_of<action::Http>(submit(what));
    EXPECT_EQ(calls.size(), 1U);
    Actions out;
    adapter_->on_reply(calls.at(0).id, reply, parts_.clock.mono(), out);
    const auto done = all_of<action::Done>(out);
    EXPECT_EQ(done.size(), 1U);
    EXPECT_EQ(done.at(0).id, what.id);
    return done.at(0).outcome;
  }

  static std::string header(const HttpCall& call, std::string_view name) {
    for (const auto& [key, value] : call.headers)
      if (key == name) return value;
    return "(absent)";
  }

  test::ChannelParts parts_;
  std::unique_ptr<Adapter> adapter_;
  std::uint64_t last_ = 0;
};

TEST_F(WebPush, AMessageCarriesWhatRfc8030AsksFor) {
  const Item what = item();
  const HttpCall call = call_of(what);
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.url, what.to.address);
  EXPECT_EQ(call.trust, AddressTrust::client_told);
  EXPECT_EQ(header(call, "TTL"), "21600");
  EXPECT_EQ(header(call, "Urgency"), "high");
  EXPECT_EQ(header(call, "Content-Encoding"), "aes128gcm");
  EXPECT_EQ(header(call, "Topic"), topic_of(what.collapse));
  EXPECT_TRUE(header(call, "Authorization").starts_with("vapid t="));
  const Json payload = parse_json(decrypt(parts_.signer, call.body)).value();
  EXPECT_EQ(json_text(payload, "id"), what.message.notice);
  EXPECT_EQ(json_int(payload, "rev"), 2);
  EXPECT_EQ(json_text(payload, "title"), "暴雨红色预警");
  EXPECT_EQ(json_text(payload, "line"), "住一楼和地下室的请到二楼");
  EXPECT_EQ(json_text(payload, "sev"), "red");
  EXPECT_EQ(json_text(payload, "tag"), what.collapse);
  EXPECT_FALSE(json_bool(payload, "silent", true));
}

TEST_F(WebPush, TtlIsNeverMissingNeverZeroAndAtMostFourWeeks) {
  Item what = item();
  what.expires = kMorning + 1ms;
  EXPECT_EQ(header(call_of(what), "TTL"), "1");
  what.expires = kMorning + 24h * 365;
  EXPECT_EQ(header(call_of(what), "TTL"), "2419200");
}

TEST_F(WebPush, UrgencyFollowsTheLane) {
  Item what = item();
  for (const auto& [lane, urgency] :
       std::vector<std::pair<Lane, std::string>>{{Lane::red, "high"},
                                                 {Lane::orange, "high"},
                                                 {Lane::personal, "normal"},
                                                 {Lane::bulk, "low"}}) {
    what.lane = lane;
    EXPECT_EQ(header(call_of(what), "Urgency"), urgency);
  }
}

TEST_F(WebPush, TwoNoticesNeverShareATopicAndRevisionsOfOneDo) {
  std::set<std::string> topics;
  for (int i = 0; i < 1000; ++i) {
    const std::string topic = topic_of("notice-" + std::to_string(i));
    EXPECT_EQ(topic.size(), 32U);
    EXPECT_EQ(topic.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_"),
              std::string::npos);
    topics.insert(topic);
  }
  EXPECT_EQ(topics.size(), 1000U);
  Item one = item();
  Item other = item();
  other.message.rev = 3;
  EXPECT_EQ(header(call_of(one), "Topic"), header(call_of(other), "Topic"));
  other.collapse = "another notice";
  EXPECT_NE(header(call_of(one), "Topic"), header(call_of(other), "Topic"));
}

TEST_F(WebPush, AnExpiredMessageIsNotSent) {
  Item what = item();
  what.expires = kMorning;
  const Actions out = submit(what);
  EXPECT_TRUE(all_of<action::Http>(out).empty());
  EXPECT_EQ(all_of<action::Done>(out).at(0).outcome.kind, OutcomeKind::permanent_content);
}

TEST_F(WebPush, ASubscriptionThatNobodyCouldReadIsRemovedWithoutACall) {
  Item broken = item();
  broken.to.params["auth"] = "short";
  Item off_curve = item();
  off_curve.to.params["p256dh"].back() = 'A';
  Item inward = item();
  inward.to.address = "http://10.0.0.1/";
  for (const Item& what : {broken, off_curve, inward}) {
    const Actions out = submit(what);
    EXPECT_TRUE(all_of<action::Http>(out).empty());
    const Outcome got = all_of<action::Done>(out).at(0).outcome;
    EXPECT_EQ(got.kind, OutcomeKind::invalid_endpoint);
    EXPECT_TRUE(got.is_certain);
  }
}

// Trap 1: only the push service's own "gone" removes somebody.
TEST_F(WebPush, AnswersMeanWhatTheStandardSays) {
  struct Case {
    int status;
    OutcomeKind kind;
    bool is_peer_fault;
  };
  for (const Case& c : {
           Case{200, OutcomeKind::accepted, false},
           Case{201, OutcomeKind::accepted, false},
           Case{202, OutcomeKind::accepted, false},
           Case{301, OutcomeKind::retry_after, true},
           Case{400, OutcomeKind::permanent_content, true},
           Case{401, OutcomeKind::permanent_config, true},
           Case{403, OutcomeKind::permanent_config, true},
           Case{404, OutcomeKind::invalid_endpoint, false},
           Case{405, OutcomeKind::permanent_content, true},
           Case{408, OutcomeKind::retry_after, true},
           Case{410, OutcomeKind::invalid_endpoint, false},
           Case{413, OutcomeKind::permanent_content, false},
           Case{429, OutcomeKind::throttled, false},
           Case{500, OutcomeKind::retry_after, true},
           Case{502, OutcomeKind::retry_after, true},
           Case{503, OutcomeKind::retry_after, true},
           Case{507, OutcomeKind::retry_after, true},
       }) {
    const Outcome got = outcome_of(answer(c.status), true, kMorning);
    EXPECT_EQ(got.kind, c.kind) << c.status;
    EXPECT_EQ(got.is_peer_fault, c.is_peer_fault) << c.status;
    EXPECT_EQ(got.is_certain, c.status == 404 || c.status == 410) << c.status;
    EXPECT_EQ(got.reason, "http " + std::to_string(c.status));
  }
}

TEST_F(WebPush, WaitsAsLongAsTheServiceAsks) {
  EXPECT_EQ(outcome_of(answer(429, "120"), true, kMorning).wait, 120s);
  EXPECT_EQ(outcome_of(answer(503, "7"), true, kMorning).wait, 7s);
  EXPECT_EQ(outcome_of(answer(503, "Tue, 21 Jul 2026 08:01:00 GMT"), true, kMorning).wait, 60s);
  EXPECT_EQ(outcome_of(answer(503), true, kMorning).wait, 0s);
}

// Gate G6.
TEST_F(WebPush, AWrongVapidKeyAStormOf500AndADnsOutageRemoveNoEndpoint) {
  std::vector<CallReply> storm = {answer(401), answer(403), answer(400), answer(500),
                                  answer(502), answer(503), answer(504), answer(429, "5")};
  for (const Failure failure :
       {Failure::resolve, Failure::connect, Failure::tls, Failure::forbidden, Failure::timed_out,
        Failure::broken, Failure::too_large, Failure::overload, Failure::local}) {
    storm.push_back(no_answer(failure));
    storm.push_back(no_answer(failure, true));
  }
  for (int round = 0; round < 50; ++round)
    for (const CallReply& reply : storm)
      for (const char* host : {"fcm.googleapis.com", "web.push.apple.com", "push.example.net"}) {
        const Outcome got = outcome(item(host), reply);
        EXPECT_NE(got.kind, OutcomeKind::invalid_endpoint) << got.reason;
        EXPECT_FALSE(got.is_certain);
        EXPECT_NE(got.kind, OutcomeKind::opted_out);
      }
}

TEST_F(WebPush, TroubleOfAListedServiceCountsForTheBreakerAndOneOfAnInventedServerDoesNot) {
  EXPECT_TRUE(outcome(item(), answer(500)).is_peer_fault);
  EXPECT_TRUE(outcome(item(), no_answer(Failure::resolve)).is_peer_fault);
  EXPECT_FALSE(outcome(item("evil.example.net"), answer(500)).is_peer_fault);
  EXPECT_FALSE(outcome(item("evil.example.net"), no_answer(Failure::resolve)).is_peer_fault);
  const Outcome refused = outcome(item("evil.example.net"), answer(403));
  EXPECT_EQ(refused.kind, OutcomeKind::permanent_content);
  EXPECT_FALSE(refused.is_peer_fault);
  EXPECT_NE(adapter_->health().state, Health::State::down);
}

// Before anything was taken one endpoint's answer may be about that endpoint alone.
TEST_F(WebPush, TheFirstRefusalOfOneEndpointStopsNothing) {
  const Item stale = item();
  for (int i = 0; i < 5; ++i) {
    const Outcome got = outcome(stale, answer(401));
    EXPECT_EQ(got.kind, OutcomeKind::retry_after) << "the same endpoint again is no new witness";
    EXPECT_TRUE(got.is_peer_fault);
  }
  EXPECT_NE(adapter_->health().state, Health::State::down);
  EXPECT_EQ(outcome(item(), answer(201)).kind, OutcomeKind::accepted);
  EXPECT_EQ(outcome(stale, answer(401)).kind, OutcomeKind::permanent_content);
}

TEST_F(WebPush, ARefusedKeyStopsTheChannelUnlessTheServiceJustTookIt) {
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(outcome(item(), answer(403)).kind, OutcomeKind::retry_after);
  EXPECT_EQ(outcome(item(), answer(403)).kind, OutcomeKind::permanent_config);
  EXPECT_EQ(adapter_->health().state, Health::State::down);
  EXPECT_EQ(outcome(item(), answer(201)).kind, OutcomeKind::accepted);
  EXPECT_EQ(adapter_->health().state, Health::State::up);
  // One stale subscription among many must not silence all.
  EXPECT_EQ(outcome(item(), answer(403)).kind, OutcomeKind::permanent_content);
  EXPECT_EQ(outcome(item("web.push.apple.com"), answer(403)).kind, OutcomeKind::retry_after);
  EXPECT_EQ(outcome(item(), answer(403)).kind, OutcomeKind::permanent_content);
  EXPECT_EQ(outcome(item(), answer(201)).kind, OutcomeKind::accepted);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(outcome(item(), answer(401)).kind, OutcomeKind::permanent_content);
  EXPECT_EQ(outcome(item(), answer(403)).kind, OutcomeKind::permanent_config);
}

TEST_F(WebPush, TheThirdThrottlingInARowIsAboutAllOfUs) {
  EXPECT_EQ(outcome(item(), answer(429, "9")).scope, Scope::recipient);
  EXPECT_EQ(outcome(item(), answer(429)).scope, Scope::recipient);
  EXPECT_EQ(outcome(item(), answer(429)).scope, Scope::account);
  EXPECT_EQ(outcome(item(), answer(201)).kind, OutcomeKind::accepted);
  EXPECT_EQ(outcome(item(), answer(429)).scope, Scope::recipient);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(outcome(item("evil.example.net"), answer(429)).scope, Scope::recipient);
}

TEST_F(WebPush, OnlyListedServicesWhenTheOperatorSaysSo) {
  adapter_ = make({{"listed_services_only", true}});
  const Actions out = submit(item("push.example.net"));
  EXPECT_TRUE(all_of<action::Http>(out).empty());
  EXPECT_EQ(all_of<action::Done>(out).at(0).outcome.kind, OutcomeKind::permanent_content);
  EXPECT_EQ(all_of<action::Http>(submit(item())).size(), 1U);
}

TEST_F(WebPush, KeysArePreparedWhileIdleAndAPreparedMessageStillOpens) {
  const auto armed = all_of<action::Timer>(submit(item()));
  ASSERT_EQ(armed.size(), 1U);
  EXPECT_EQ(armed[0].at, parts_.clock.mono() + 2s);
  // A pending call means that the burst is not over.
  Actions out;
  parts_.clock.advance(2s);
  adapter_->on_timer(armed[0].number, parts_.clock.mono(), out);
  ASSERT_EQ(all_of<action::Timer>(out).size(), 1U);
  EXPECT_EQ(outcome(item(), answer(201)).kind, OutcomeKind::accepted);
  adapter_->on_reply(CallId{1}, answer(201), parts_.clock.mono(), out);
  out.clear();
  parts_.clock.advance(10s);
  adapter_->on_timer(armed[0].number, parts_.clock.mono(), out);
  EXPECT_TRUE(all_of<action::Timer>(out).empty());
  const Item what = item();
  EXPECT_EQ(json_text(parse_json(decrypt(parts_.signer, call_of(what).body)).value(), "id"),
            what.message.notice);
}

TEST_F(WebPush, AnUnknownOrSecondReplyChangesNothing) {
  const auto calls = all_of<action::Http>(submit(item()));
  Actions out;
  adapter_->on_reply(CallId{99}, answer(201), MonoTime{0}, out);
  EXPECT_TRUE(out.empty());
  adapter_->on_reply(calls.at(0).id, answer(201), MonoTime{0}, out);
  adapter_->on_reply(calls.at(0).id, answer(410), MonoTime{0}, out);
  EXPECT_EQ(all_of<action::Done>(out).size(), 1U);
}

TEST_F(WebPush, RefusesBadSettingsByName) {
  const auto error_of = [&](const Json& more) {
    Json settings = {{"key_file", "vapid.key"}, {"contact", "mailto:duty@huainan.example.org"}};
    if (more.is_object()) settings.update(more);
    const auto made = WebPushAdapter::make(parts_.with(settings));
    return made ? std::string("(made)") : made.error().detail;
  };
  EXPECT_TRUE(error_of({{"contact", "mailto:root@localhost"}}).starts_with("contact: "));
  EXPECT_TRUE(error_of({{"plaintext_bytes_max", 4000}}).starts_with("plaintext_bytes_max: "));
  EXPECT_TRUE(error_of({{"window", "many"}}).starts_with("window: "));
  EXPECT_TRUE(error_of({{"services", "all"}}).starts_with("services: "));
  parts_.secrets.files["vapid.key"] = "secret nonsense";
  const std::string error = error_of({});
  EXPECT_TRUE(error.starts_with("key_file: ")) << error;
  EXPECT_EQ(error.find("nonsense"), std::string::npos);
}

TEST_F(WebPush, TellsPagesTheKeyToSubscribeWith) {
  Actions out;
  Callback request;
  request.method = "GET";
  request.path = "/key";
  const auto reply = adapter_->on_callback(request, kMorning, out);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(
      json_text(parse_json(reply->body).value(), "key"),
      "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
  request.method = "POST";
  EXPECT_FALSE(adapter_->on_callback(request, kMorning, out).has_value());
}

Json payload_of(const Message& message, std::size_t bytes_max) {
  const auto text = write_payload(message, "tag", {.bytes_max = bytes_max});
  EXPECT_TRUE(text.has_value());
  EXPECT_LE(text->size(), bytes_max);
  EXPECT_TRUE(is_valid_utf8(*text));
  return parse_json(*text).value();
}

TEST(WebPushPayload, AnAllClearAndACorrectionNeverSoundRain4) {
  Message message = red_warning();
  message.purpose = Purpose::all_clear;
  Json payload = payload_of(message, 3993);
  EXPECT_TRUE(json_bool(payload, "silent"));
  EXPECT_EQ(json_text(payload, "title"), "解除：暴雨红色预警");
  message.purpose = Purpose::correction;
  payload = payload_of(message, 3993);
  EXPECT_TRUE(json_bool(payload, "silent"));
  EXPECT_EQ(json_text(payload, "kind"), "correction");
  const auto loud =
      write_payload(message, "tag", {.bytes_max = 3993, .correction_sounds = true}).value();
  EXPECT_FALSE(json_bool(parse_json(loud).value(), "silent", true));
  message.purpose = Purpose::notice;
  message.drill = true;
  payload = payload_of(message, 3993);
  EXPECT_FALSE(json_bool(payload, "silent", true));
  EXPECT_EQ(json_text(payload, "title"), "【演练】暴雨红色预警");
}

TEST(WebPushPayload, ATextThatDoesNotFitIsCutBetweenWholeCharacters) {
  Message message = red_warning();
  const std::string family = "👨‍👩‍👧‍👦";
  for (std::size_t lead = 0; lead < family.size() + 2; ++lead) {
    message.title = std::string(lead, 'x');
    for (int i = 0; i < 40; ++i) message.title += family;
    const Json payload = payload_of(message, 600);
    std::string title = json_text(payload, "title");
    ASSERT_TRUE(title.ends_with("…"));
    title.resize(title.size() - std::string("…").size());
    title.erase(0, lead);
    EXPECT_EQ(title.size() % family.size(), 0U) << lead;
    EXPECT_EQ(json_text(payload, "line"), message.action_line);
  }
}

TEST(WebPushPayload, EscapesCountAndControlCharactersBecomeBlanks) {
  Message message = red_warning();
  message.title = std::string(3000, '"');
  message.action_line = "a\nb\tc";
  const Json payload = payload_of(message, 2744);
  EXPECT_EQ(json_text(payload, "line"), "a b c");
  EXPECT_GT(json_text(payload, "title").size(), 1000U);
}

TEST(WebPushPayload, WhatDoesNotFitAtAllIsRefusedNotCut) {
  Message message = red_warning();
  message.notice = std::string(600, 'x');
  const auto text = write_payload(message, "tag", {.bytes_max = 512});
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, Errc::too_large);
}

}  // namespace
}  // namespace linli::notify::webpush
