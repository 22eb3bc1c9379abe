// SPDX-License-Identifier: Apache-2.0
// Goal:   a slip that was scanned without a connection becomes exactly one enrolment, whatever is
//         lost or killed on the way (ENR-3).
// Method: a model of the server's rules (PROTOCOL.md §7) answers what the steps ask; before each
//         step the slip may be read back from what was stored. A failure here means that a resident
//         stands at the office again for a new slip.
#include "clients/native/slip.h"

#include <set>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace linli::client {
namespace {

using Stage = SlipEnrolment::Stage;
using Step = SlipEnrolment::Step;

constexpr const char* kAddress = "https://example.org/c/huainan/#enrol=SECRET";

HttpReply reply(int status, const Json& body) { return {status, dump_json(body)}; }
HttpReply refusal(Errc code) {
  return reply(errc_http_status(code), {{"code", errc_name(code)}, {"detail", "nein"}});
}

/// One slip, single use, for a household of `persons`.
class Office {
 public:
  explicit Office(std::vector<std::string> persons = {"王*英"}) : persons_(std::move(persons)) {}

  Result<HttpReply> answer(const HttpCall& call) {
    ++calls;
    asked.push_back(call.url.path);
    const auto body = parse_json(call.body).value_or(Json::object());
    Result<HttpReply> out = handle(call, body);
    if (lose.contains(calls)) return fail(Errc::unavailable, "answer: lost");
    return out;
  }

  std::set<int> lose;
  int calls = 0;
  std::vector<std::string> asked;
  /// Nonces of before are void, as after a restart or 15 minutes.
  void forget_offers() { nonce_.clear(); }
  [[nodiscard]] std::size_t devices() const { return devices_.size(); }
  bool rests = false;

 private:
  Result<HttpReply> handle(const HttpCall& call, const Json& body) {
    if (rests) return refusal(Errc::rate_limited);
    if (call.url.path.ends_with("/enrol/check")) return check(body);
    if (call.url.path.ends_with("/enrol/confirm")) return confirm(body);
    if (call.url.path.ends_with("/challenge")) {
      return reply(200, {{"nonce", to_base64url(as_bytes("n"))}, {"server_id", "AA"}});
    }
    if (call.url.path.ends_with("/token")) {
      if (!devices_.contains(json_text(body, "cid"))) return refusal(Errc::unauthenticated);
      return reply(200, {{"token", json_text(body, "cid")}});
    }
    EXPECT_EQ(call.method, "GET");
    return enrolled(call.headers.at(0).second.substr(7));
  }
  HttpReply check(const Json& body) {
    if (json_text(body, "code") != "SECRET" || !devices_.empty()) return refusal(Errc::wrong_code);
    nonce_ = to_base64url(as_bytes("nonce" + std::to_string(calls)));
    Json persons = Json::array();
    for (std::size_t i = 0; i < persons_.size(); ++i)
      persons.push_back({{"ref", std::to_string(i + 1)}, {"name", persons_[i]}});
    return reply(200, {{"nonce", nonce_}, {"household", "2-301"}, {"persons", persons}});
  }
  HttpReply confirm(const Json& body) {
    if (json_text(body, "nonce") != nonce_) return refusal(Errc::expired);
    const std::string pub = from_base64url(json_text(body, "pub")).value();
    PublicKey key{};
    std::ranges::copy(as_bytes(pub), key.begin());
    const std::string cid = client_id_of(key).hex();
    if (!devices_.empty() && !devices_.contains(cid)) return refusal(Errc::already_used);
    devices_.insert(cid);
    person = json_text(body, "person");
    return enrolled(cid);
  }
  static HttpReply enrolled(const std::string& cid) {
    return reply(200, {{"cid", cid},
                       {"account", std::string(32, 'a')},
                       {"name", "王秀英"},
                       {"community", "淮南社区"},
                       {"cert", "p.s"}});
  }

  std::vector<std::string> persons_;
  std::string nonce_;
  std::set<std::string> devices_;

 public:
  std::string person;
};

class ENR_3 : public testing::Test {
 protected:
  SlipEnrolment slip(const std::string& person = {}) {
    return SlipEnrolment::make({.address = kAddress, .person = person}, rng_).value();
  }
  /// Goes on until nothing more can be done, or `waits` answers did not come.
  Step run(SlipEnrolment& slip, Office& office, int waits = 0) {
    for (;;) {
      const auto call = slip.next();
      if (!call) return slip.stage() == Stage::choosing ? Step::choose : Step::refused;
      const Step step = slip.on_reply(office.answer(*call));
      if (step == Step::enrolled) return step;
      if (step == Step::wait && waits-- == 0) return step;
      // Killed: read back. The three requests of a recovery are one step, begun anew after a kill.
      if (slip.stage() != Stage::recovering) slip = SlipEnrolment::parse(slip.text()).value();
    }
  }

  SeededRng rng_{11};
};

TEST_F(ENR_3, ASlipOfOnePersonIsCompletedByItself) {
  Office office;
  SlipEnrolment one = slip();
  ASSERT_EQ(run(one, office), Step::enrolled);
  EXPECT_EQ(office.devices(), 1U);
  EXPECT_EQ(one.identity()->slug, "huainan");
  EXPECT_EQ(one.identity()->origin, "https://example.org");
  EXPECT_EQ(one.identity()->name, "王秀英");
}

TEST_F(ENR_3, AnyLostAnswerCostsNeitherTheSlipNorASecondDevice) {
  for (int lost = 1; lost <= 6; ++lost) {
    for (const bool forgets : {false, true}) {
      Office office;
      office.lose = {lost};
      SlipEnrolment one = slip();
      Step step = run(one, office);
      if (forgets) office.forget_offers();
      if (step == Step::wait) step = run(one, office);
      EXPECT_EQ(step, Step::enrolled) << lost << forgets;
      EXPECT_EQ(office.devices(), 1U) << lost << forgets;
    }
  }
}

TEST_F(ENR_3, WhatOnlyTheLineSaysIsNeverTheLastWord) {
  SlipEnrolment one = slip();
  const auto before = one.text();
  for (const Errc code : {Errc::unavailable, Errc::timed_out, Errc::bad_signature})
    EXPECT_EQ(one.on_reply(fail(code, "TLS")), Step::wait);
  // The page of somebody's Wi-Fi.
  EXPECT_EQ(one.on_reply(HttpReply{200, "<html>login</html>"}), Step::wait);
  EXPECT_EQ(one.on_reply(HttpReply{502, "bad gateway"}), Step::wait);
  EXPECT_EQ(one.on_reply(refusal(Errc::rate_limited)), Step::wait);
  EXPECT_EQ(one.problem()->code, Errc::rate_limited);
  EXPECT_EQ(one.text(), before);
}

TEST_F(ENR_3, AWrongOrUsedCodeIsToldAndForgotten) {
  Office office;
  SlipEnrolment other = slip();
  ASSERT_EQ(run(other, office), Step::enrolled);
  SlipEnrolment late = slip();
  ASSERT_EQ(run(late, office), Step::refused);
  const SlipEnrolment kept = SlipEnrolment::parse(late.text()).value();
  EXPECT_EQ(kept.stage(), Stage::refused);
  EXPECT_EQ(kept.problem()->code, Errc::wrong_code);
  EXPECT_FALSE(kept.next());
  EXPECT_EQ(late.text().find("SECRET"), std::string::npos);
}

TEST_F(ENR_3, AmongSeveralPersonsSomebodyIsAsked) {
  Office office({"王*英", "李*"});
  SlipEnrolment one = slip();
  ASSERT_EQ(run(one, office), Step::choose);
  EXPECT_EQ(one.persons().size(), 2U);
  EXPECT_EQ(one.choose("3").error().code, Errc::invalid_argument);
  ASSERT_TRUE(one.choose("2"));
  // It took days to decide.
  office.forget_offers();
  ASSERT_EQ(run(one, office), Step::enrolled);
  EXPECT_EQ(office.person, "2");
  EXPECT_EQ(office.devices(), 1U);
}

TEST_F(ENR_3, APersonChosenOfflineIsTakenWhenThereIsOne) {
  Office office({"王*英", "李*"});
  SlipEnrolment second = slip("2");
  EXPECT_EQ(run(second, office), Step::enrolled);
  EXPECT_EQ(office.person, "2");
  Office other({"王*英", "李*"});
  SlipEnrolment ninth = slip("9");
  EXPECT_EQ(run(ninth, other), Step::choose);
}

TEST_F(ENR_3, ENR_1_SomebodyWhoLooksIsAskedEvenAboutASingleName) {
  Office office;
  SlipEnrolment one = slip();
  one.set_attended();
  ASSERT_EQ(one.on_reply(office.answer(*one.next())), Step::choose);
}

TEST_F(ENR_3, TheSameSlipGivenAgainKeepsItsKey) {
  Office office;
  SlipEnrolment one = slip();
  office.lose = {2};
  ASSERT_EQ(run(one, office), Step::wait);
  SlipEnrolment again = slip();
  again.go_on_from(one);
  EXPECT_EQ(run(again, office), Step::enrolled) << "a check of a used slip, whose key is known";
  EXPECT_EQ(office.devices(), 1U);
  SlipEnrolment stranger = slip();
  stranger.go_on_from(SlipEnrolment::make({.address = kAddress, .code = "other"}, rng_).value());
  EXPECT_EQ(run(stranger, office), Step::refused);
}

TEST_F(ENR_3, NothingGoesOnForEver) {
  Office office;
  SlipEnrolment one = slip();
  int steps = 0;
  for (; one.next() && steps < 100; ++steps) {
    const auto call = *one.next();
    const bool is_confirm = call.url.path.ends_with("/confirm");
    one.on_reply(is_confirm ? Result<HttpReply>(refusal(Errc::expired)) : office.answer(call));
  }
  EXPECT_LT(steps, 100);
  EXPECT_EQ(one.stage(), Stage::refused);
}

TEST_F(ENR_3, WhatIsNoSlipIsRefusedAtOnce) {
  EXPECT_EQ(SlipEnrolment::make({.address = "nowhere"}, rng_).error().code, Errc::invalid_argument);
  EXPECT_EQ(SlipEnrolment::make({.address = "https://example.org/c/huainan"}, rng_).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(SlipEnrolment::parse("{}").error().code, Errc::corrupt);
  EXPECT_EQ(SlipEnrolment::parse("{\"v\":1,\"seed\":\"AA\"}").error().code, Errc::corrupt);
}

}  // namespace
}  // namespace linli::client
