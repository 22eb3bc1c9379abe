// SPDX-License-Identifier: Apache-2.0
// Goal:   a slip lets exactly its household in, however clumsily its code is typed, and guessing
//         does not pay.
// Method: the real identity module behind the router, in one thread with a manual clock.
#include "server/http/enrol.h"

#include "server/http/slips.h"
#include "tests/unit/server/site_fixture.h"

namespace linli::test {
namespace {

class Enrolment : public SiteTest {
 protected:
  http::Slip slip(const std::string& seed = "a", int max_uses = 1) {
    http::Slip out = http::make_slip(keys_, seed);
    Json args = http::invite_args(keys_, out);
    args["household"] = house_;
    args["max_uses"] = max_uses;
    runtime_.must("identity.create_invite", std::move(args));
    return out;
  }
  net::HttpResponse check(const std::string& code, const std::string& door = {},
                          const std::string& remote = {}) {
    net::HttpRequest out = request("POST", "/enrol/check");
    out.headers["content-type"] = "application/json";
    out.remote = remote;
    Json ask = {{"code", code}};
    if (!door.empty()) ask["door"] = door;
    out.body = dump_json(ask);
    return send(std::move(out));
  }
  Json confirmation(const Json& offer, const KeyPair& key) {
    const std::string nonce = from_base64url(json_text(offer, "nonce")).value();
    const auto sig = key.sign(as_bytes(auth::enrol_message("huainan", nonce, key.pub())));
    return {{"nonce", offer.at("nonce")},
            {"person", offer.at("persons").at(0).at("ref")},
            {"pub", to_base64url(key.pub())},
            {"sig", to_base64url(sig)},
            {"label", "奶奶的手机"},
            {"consent", {{"version", "1"}, {"purposes", {"notices"}}}}};
  }
};
using ENR_1 = Enrolment;
using ENR_2 = Enrolment;
using ENR_4 = Enrolment;
using ENR_5 = Enrolment;
using ENR_10 = Enrolment;
using ENR_3 = Enrolment;

using M23 = Enrolment;

TEST_F(ENR_1, QrSecretLeadsToADevice) {
  const Json offer = body(check(slip().secret));
  EXPECT_EQ(offer.at("persons").at(0).at("name"), "王*英");
  EXPECT_EQ(offer.at("household"), "6号院2-301");
  const KeyPair key = KeyPair::generate(rng_);
  const auto response = post("/enrol/confirm", confirmation(offer, key));
  ASSERT_EQ(response.status, 200) << response.body;
  const Json done = body(response);
  EXPECT_EQ(done.at("cid"), client_id_of(key.pub()).hex());
  EXPECT_EQ(done.at("name"), "王秀英");
  EXPECT_EQ(done.at("person"), person_);
  EXPECT_EQ(done.at("community"), "淮南社区");
  const auto cert = auth::check_certificate(keys_, json_text(done, "cert"));
  ASSERT_TRUE(cert.has_value());
  EXPECT_EQ(cert->account.raw().hex(), json_text(done, "account"));
  const Phone phone{key, done.at("account"), done.at("cid"), {}};
  EXPECT_EQ(ask_token(phone).status, 200);
}

TEST_F(ENR_2, FullWidthDigitsWork) {
  const http::Slip paper = slip();
  std::string typed;
  for (const char digit : paper.code) {
    typed += "\xEF\xBC";
    typed += static_cast<char>('\x90' + (digit - '0'));
    typed += "　";
  }
  EXPECT_EQ(check(typed, "６号院２－３０１ ").status, 200);
}

TEST_F(ENR_2, BlanksAndDashesInTheCodeWork) {
  const std::string digits = slip().code;
  EXPECT_EQ(check(digits.substr(0, 4) + " - " + digits.substr(4), "6号院2-301").status, 200);
}

TEST_F(ENR_2, DigitsWithoutTheDoorAreNotEnough) {
  EXPECT_EQ(code(check(slip().code)), "invalid_argument");
}

TEST_F(ENR_2, FiveWrongCodesRestTheDoorButNotTheQrPath) {
  const http::Slip paper = slip();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(code(check("0000000" + std::to_string(i), "6号院2-301")), "wrong_code");
  EXPECT_EQ(code(check(paper.code, "6号院2-301")), "rate_limited");
  EXPECT_EQ(check(paper.secret).status, 200);
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(check(paper.code, "6号院2-301").status, 200);
}

TEST_F(ENR_2, RightCodesAreNotCounted) {
  const http::Slip paper = slip();
  for (int i = 0; i < 12; ++i) EXPECT_EQ(check(paper.code, "6号院2-301").status, 200);
}

TEST_F(ENR_2, AHundredWrongCodesRestTheTypedPathOfTheCommunity) {
  const http::Slip paper = slip();
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(code(check("00000000", "9号院" + std::to_string(i), "r" + std::to_string(i))),
              "wrong_code");
  EXPECT_EQ(code(check(paper.code, "6号院2-301")), "rate_limited");
  EXPECT_EQ(check(paper.secret).status, 200);
}

TEST_F(M23, ThePauseIsToldToTheDeskWithOneMutationAndEndsByItself) {
  const http::Slip paper = slip();
  const std::int64_t began = to_unix_ms(clock_.now());
  for (int i = 0; i < 100; ++i)
    check("00000000", "9号院" + std::to_string(i), "r" + std::to_string(i));
  int commits = 0;
  const auto observe = runtime_.on_commit;
  runtime_.on_commit = [&](const sync::Commit& commit) {
    ++commits;
    observe(commit);
  };
  const auto refused = check(paper.code, "6号院2-301");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "3600");
  for (int i = 0; i < 300; ++i)
    check("00000000", "9号院" + std::to_string(i), "s" + std::to_string(i));
  EXPECT_EQ(commits, 0) << "who types on does not make the writer busy";
  Json row = runtime_.row("desk_alarm", "typed_codes_paused");
  EXPECT_EQ(row.at("kind"), "typed_codes_paused");
  EXPECT_EQ(row.at("since"), began);
  EXPECT_EQ(row.at("until"), began + 3'600'000);
  EXPECT_EQ(row.at("count"), 1);
  EXPECT_FALSE(row.contains("cleared_at"));
  const Phone desk = staff("window");
  const Json seen = body(get("/api/v1/desk-alarms", token(desk)));
  ASSERT_EQ(seen.at("items").size(), 1U) << seen.dump();
  EXPECT_EQ(seen.at("items").at(0).at("until"), row.at("until"));

  clock_.advance(std::chrono::hours(1));
  runtime_.tick();
  row = runtime_.row("desk_alarm", "typed_codes_paused");
  EXPECT_EQ(row.at("cleared_at"), to_unix_ms(clock_.now()));
  EXPECT_EQ(check(paper.code, "6号院2-301").status, 200);
}

TEST_F(M23, AfterARestartThePauseGoesOnToItsEnd) {
  const http::Slip paper = slip();
  for (int i = 0; i < 100; ++i) runtime_.must("identity.count_attempt", Json::object());
  const std::int64_t until = to_unix_ms(clock_.now()) + 3'600'000;
  clock_.advance(std::chrono::minutes(20));
  EXPECT_EQ(code(check(paper.code, "6号院2-301")), "rate_limited");
  EXPECT_EQ(runtime_.row("desk_alarm", "typed_codes_paused").at("until"), until);
  clock_.advance(std::chrono::minutes(40));
  EXPECT_EQ(check(paper.code, "6号院2-301").status, 200);
}

TEST_F(M23, ADeskThatCouldNotBeToldIsToldLater) {
  for (int i = 0; i < 99; ++i) runtime_.must("identity.count_attempt", Json::object());
  // The hundredth is counted, then nothing more gets through.
  const auto observe = runtime_.on_commit;
  runtime_.on_commit = [&](const sync::Commit& commit) {
    observe(commit);
    runtime_.busy = true;
  };
  check("00000000", "9号院1");
  runtime_.on_commit = observe;
  runtime_.busy = false;
  EXPECT_TRUE(runtime_.row("desk_alarm", "typed_codes_paused").is_null());
  EXPECT_EQ(code(check("00000000", "9号院2")), "rate_limited");
  EXPECT_TRUE(runtime_.row("desk_alarm", "typed_codes_paused").is_null()) << "not at once";
  clock_.advance(http::kTellAgain);
  EXPECT_EQ(code(check("00000000", "9号院2")), "rate_limited");
  EXPECT_EQ(runtime_.row("desk_alarm", "typed_codes_paused").at("count"), 1);
}

TEST_F(M23, ResidentsDoNotSeeTheDesk) {
  const Json offer = body(check(slip().secret));
  const KeyPair key = KeyPair::generate(rng_);
  const Json done = body(post("/enrol/confirm", confirmation(offer, key)));
  const Phone resident{key, done.at("account"), done.at("cid"), {}};
  EXPECT_EQ(code(get("/api/v1/desk-alarms", token(resident))), "forbidden");
}

TEST_F(ENR_3, ADeviceWhoseAnswerWasLostFetchesItWithItsKey) {
  const Json offer = body(check(slip().secret));
  const KeyPair key = KeyPair::generate(rng_);
  const Json first = body(post("/enrol/confirm", confirmation(offer, key)));
  clock_.advance(std::chrono::hours(5));
  EXPECT_EQ(code(post("/enrol/confirm", confirmation(offer, key))), "expired");
  const Phone phone{key, first.at("account"), first.at("cid"), {}};
  const Json again = body(get("/api/v1/enrolment", token(phone)));
  EXPECT_EQ(again, first);
}

TEST_F(ENR_3, AKeyThatNeverArrivedIsUnknown) {
  Phone phone{KeyPair::generate(rng_), {}, {}, {}};
  phone.cid = client_id_of(phone.key.pub()).hex();
  EXPECT_EQ(code(ask_token(phone)), "unauthenticated");
}

TEST_F(ENR_2, ASlipIsUsedOnce) {
  const http::Slip paper = slip();
  const Json first = body(check(paper.secret));
  const Json second = body(check(paper.secret));
  const KeyPair key = KeyPair::generate(rng_);
  ASSERT_EQ(post("/enrol/confirm", confirmation(first, key)).status, 200);
  EXPECT_EQ(code(post("/enrol/confirm", confirmation(second, KeyPair::generate(rng_)))),
            "already_used");
  EXPECT_EQ(code(check(paper.secret)), "wrong_code");
}

TEST_F(ENR_2, ALostAnswerIsRepeatedForTheSameKeyOnly) {
  const Json offer = body(check(slip().secret));
  const KeyPair key = KeyPair::generate(rng_);
  const auto first = post("/enrol/confirm", confirmation(offer, key));
  const auto again = post("/enrol/confirm", confirmation(offer, key));
  EXPECT_EQ(first.body, again.body);
  EXPECT_EQ(code(post("/enrol/confirm", confirmation(offer, KeyPair::generate(rng_)))),
            "already_used");
}

TEST_F(ENR_2, SlipsExpireAndCanBeRevoked) {
  const http::Slip old = slip("old");
  const http::Slip taken = slip("taken");
  runtime_.must("identity.revoke_invite", {{"id", taken.id}});
  EXPECT_EQ(code(check(taken.secret)), "wrong_code");
  clock_.advance(std::chrono::days(31));
  EXPECT_EQ(code(check(old.secret)), "expired");
}

TEST_F(ENR_4, ConsentIsStoredWithPurposeAndVersion) {
  const Json offer = body(check(slip().secret));
  ASSERT_EQ(post("/enrol/confirm", confirmation(offer, KeyPair::generate(rng_))).status, 200);
  const auto rows = runtime_.store().table("consent", "", 10).value();
  ASSERT_EQ(rows.size(), 1U);
  const Json consent = parse_json(*rows.front().second.data).value();
  EXPECT_EQ(consent.at("purpose"), "notices");
  EXPECT_EQ(consent.at("version"), "1");
}

TEST_F(ENR_5, ADetachedDeviceIsRefusedAtOnce) {
  const Phone phone = staff("window");
  const std::string bearer = token(phone);
  ASSERT_EQ(get("/api/v1/me", bearer).status, 200);
  runtime_.must("identity.detach_device", {{"cid", phone.cid}});
  EXPECT_EQ(code(get("/api/v1/me", bearer)), "revoked");
  EXPECT_EQ(code(ask_token(phone)), "revoked");
}

TEST_F(ENR_10, ARestoredServerTakesACertifiedPhoneBackButNotARevokedOne) {
  const Phone known = staff("window");
  Phone phone{KeyPair::generate(rng_), known.account, {}, {}};
  phone.cid = client_id_of(phone.key.pub()).hex();
  EXPECT_EQ(code(ask_token(phone)), "unauthenticated");
  phone.cert = auth::make_certificate(
      keys_, {"huainan", sync::AccountId{Id128::parse(known.account).value()}, phone.key.pub(),
              clock_.now()});
  EXPECT_EQ(ask_token(phone).status, 200);
  EXPECT_EQ(runtime_.row("device", phone.cid).at("state"), "recovered");

  Phone lost{KeyPair::generate(rng_), known.account, {}, {}};
  lost.cid = client_id_of(lost.key.pub()).hex();
  lost.cert = auth::make_certificate(
      keys_, {"huainan", sync::AccountId{Id128::parse(known.account).value()}, lost.key.pub(),
              clock_.now()});
  ASSERT_TRUE(revoked_->add(sync::Cid{client_id_of(lost.key.pub())}, {clock_.now()}));
  EXPECT_EQ(code(ask_token(lost)), "revoked");
}

/// The sign-in of a sync session.
Result<sync::Principal> sign_in(const http::Site& site, const KeyPair& key, bool may_hand_over) {
  sync::AskAuthenticate ask;
  ask.cid = sync::Cid{client_id_of(key.pub())};
  ask.message = "hello";
  ask.signature = key.sign(as_bytes(ask.message));
  ask.may_hand_over = may_hand_over;
  Result<sync::Principal> out = fail(Errc::internal);
  site.authenticator().authenticate(ask, [&](Result<sync::Principal> who) { out = who; });
  return out;
}

TEST_F(ENR_10, ASlipForTheNewPhoneRevokesTheOldOneInTheSameMutation) {
  const KeyPair old = KeyPair::generate(rng_);
  const KeyPair fresh = KeyPair::generate(rng_);
  const Json first = body(post("/enrol/confirm", confirmation(body(check(slip("a").secret)), old)));
  const http::Slip paper = http::make_slip(keys_, "b");
  Json args = http::invite_args(keys_, paper);
  args["household"] = house_;
  args["replaces"] = first.at("cid");
  runtime_.must("identity.create_invite", std::move(args));
  EXPECT_TRUE(sign_in(*site_, old, true)) << "not before the slip is used";
  int commits = 0;
  const auto observe = runtime_.on_commit;
  runtime_.on_commit = [&](const sync::Commit& commit) {
    ++commits;
    observe(commit);
  };
  const Json offer = body(check(paper.secret));
  ASSERT_EQ(post("/enrol/confirm", confirmation(offer, fresh)).status, 200);
  EXPECT_EQ(commits, 1);
  const Json row = runtime_.row("device", json_text(first, "cid"));
  EXPECT_EQ(row.at("state"), "revoked");
  EXPECT_EQ(row.at("reason"), "replaced");
  EXPECT_TRUE(sign_in(*site_, fresh, true));
}

TEST_F(ENR_10, AReplacedPhoneSignsInForHandOverOnlyAndForAMonth) {
  const Phone phone = staff("window");
  const std::string bearer = token(phone);
  runtime_.must("identity.revoke_device", {{"cid", phone.cid}, {"reason", "replaced"}});
  const auto who = sign_in(*site_, phone.key, true);
  ASSERT_TRUE(who) << who.error().detail;
  EXPECT_EQ(who->replaced_at, clock_.now());
  EXPECT_EQ(sign_in(*site_, phone.key, false).error().code, Errc::revoked);
  EXPECT_EQ(code(ask_token(phone)), "revoked");
  EXPECT_EQ(code(get("/api/v1/me", bearer)), "revoked");
  clock_.advance(auth::kHandOver - std::chrono::seconds(1));
  EXPECT_TRUE(sign_in(*site_, phone.key, true));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(sign_in(*site_, phone.key, true).error().code, Errc::revoked);
}

TEST_F(ENR_10, ALostPhoneHandsNothingOverAndAReplacedOneThatIsLostNoMore) {
  const Phone lost = staff("window");
  runtime_.must("identity.revoke_device", {{"cid", lost.cid}, {"reason", "lost"}});
  EXPECT_EQ(sign_in(*site_, lost.key, true).error().code, Errc::revoked);
  runtime_.must("identity.revoke_device", {{"cid", lost.cid}, {"reason", "replaced"}});
  EXPECT_EQ(sign_in(*site_, lost.key, true).error().code, Errc::revoked) << "never weaker";

  const Phone replaced = staff("window");
  runtime_.must("identity.revoke_device", {{"cid", replaced.cid}, {"reason", "replaced"}});
  clock_.advance(std::chrono::hours(1));
  runtime_.must("identity.revoke_device", {{"cid", replaced.cid}, {"reason", "lost"}});
  EXPECT_EQ(sign_in(*site_, replaced.key, true).error().code, Errc::revoked);

  const Phone logged = staff("window");
  runtime_.must("identity.revoke_device", {{"cid", logged.cid}, {"reason", "replaced"}});
  ASSERT_TRUE(revoked_->add(sync::Cid{Id128::parse(logged.cid).value()}, {clock_.now()}));
  EXPECT_EQ(sign_in(*site_, logged.key, true).error().code, Errc::revoked)
      << "the log outlives a restore that knows less";
}

TEST_F(ENR_10, ASlipCannotReplaceThePhoneOfSomebodyElse) {
  const Phone other = staff("window");
  const http::Slip paper = http::make_slip(keys_, "c");
  Json args = http::invite_args(keys_, paper);
  args["household"] = house_;
  args["replaces"] = other.cid;
  sync::Submission work =
      auth::system_submission("identity.create_invite", std::move(args), clock_.now());
  Errc code{};
  runtime_.submit(std::move(work), [&](const sync::Answer& answer) {
    ASSERT_FALSE(answer.result);
    code = answer.result.error().code;
  });
  EXPECT_EQ(code, Errc::conflict);
}

TEST_F(Enrolment, TheOfferIsBoundToTheKeyThatSigned) {
  const Json offer = body(check(slip().secret));
  Json forged = confirmation(offer, KeyPair::generate(rng_));
  forged["pub"] = to_base64url(KeyPair::generate(rng_).pub());
  EXPECT_EQ(code(post("/enrol/confirm", forged)), "bad_signature");
}

TEST_F(Enrolment, AnOldOfferIsRefused) {
  const Json offer = body(check(slip().secret));
  const Json ask = confirmation(offer, KeyPair::generate(rng_));
  clock_.advance(std::chrono::minutes(15));
  EXPECT_EQ(code(post("/enrol/confirm", ask)), "expired");
}

TEST_F(Enrolment, GetHasNoEffect) {
  EXPECT_EQ(get("/enrol/check").status, 405);
  EXPECT_EQ(header(get("/enrol/confirm"), "Allow"), "POST");
}

TEST_F(Enrolment, OneAddressCannotFloodIt) {
  for (int i = 0; i < 60; ++i) check("AAAAAAAAAAAAAAAAAAAAAA");
  const auto refused = check("AAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(refused.status, 429);
  EXPECT_FALSE(header(refused, "Retry-After").empty());
  EXPECT_EQ(code(check("AAAAAAAAAAAAAAAAAAAAAA", "", "198.51.100.7")), "wrong_code");
}

TEST(MaskedName, NeverShowsTheWholeName) {
  EXPECT_EQ(http::masked_name("王秀英"), "王*英");
  EXPECT_EQ(http::masked_name("王英"), "王*");
  EXPECT_EQ(http::masked_name("王"), "王*");
  EXPECT_EQ(http::masked_name("欧阳秀英"), "欧**英");
  EXPECT_EQ(http::masked_name(""), "*");
}

}  // namespace
}  // namespace linli::test
