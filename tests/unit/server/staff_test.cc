// SPDX-License-Identifier: Apache-2.0
// Goal:   only passphrase and authenticator together elevate, a lost one is mended by another
//         administrator, and guessing rests.
// Method: the real flow with Argon2id, once per test at most.
#include "server/http/staff.h"

#include "tests/unit/server/site_fixture.h"

namespace linli::test {
namespace {

class StaffFactors : public SiteTest {
 protected:
  std::string secret_of(const std::string& base32) {
    std::string out;
    std::uint32_t held = 0;
    int bits = 0;
    for (const char c : base32) {
      held = (held << 5U) | static_cast<std::uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26);
      if ((bits += 5) >= 8) out += static_cast<char>((held >> (bits -= 8)) & 0xFFU);
    }
    return out;
  }
  std::string totp(std::int64_t steps = 0) {
    return auth::hotp(as_bytes(secret_),
                      auth::totp_step(clock_.now()) + static_cast<std::uint64_t>(steps));
  }
  /// Sets passphrase and authenticator up; returns the last answer.
  net::HttpResponse set_up(const Phone& phone, const std::string& setup_code) {
    const auto begun =
        post("/api/v1/staff/setup",
             {{"code", setup_code}, {"passphrase", "春风又绿江南岸明月何时照"}}, token(phone));
    if (begun.status != 200) return begun;
    secret_ = secret_of(json_text(body(begun), "totp_secret"));
    return post("/api/v1/staff/setup/confirm",
                {{"ticket", body(begun).at("ticket")}, {"totp", totp()}}, token(phone));
  }
  net::HttpResponse elevate(const Phone& phone, const std::string& passphrase,
                            const std::string& digits) {
    return post("/api/v1/elevate", {{"passphrase", passphrase}, {"totp", digits}}, token(phone));
  }
  std::string first_code(const Phone& phone) {
    return http::setup_code(keys_, phone.account, 0, clock_.now());
  }
  std::string secret_;
};

TEST_F(StaffFactors, SetUpOnceThenElevateWithBothFactors) {
  const Phone admin = staff("admin");
  EXPECT_EQ(code(elevate(admin, "春风又绿江南岸明月何时照", "000000")), "wrong_state");
  const std::string setup = first_code(admin);
  ASSERT_EQ(set_up(admin, setup).status, 200);
  EXPECT_EQ(code(post("/api/v1/staff/setup", {{"code", setup}, {"passphrase", "0123456789"}},
                      token(admin))),
            "wrong_code");
  const std::string digits = totp();
  const auto done = elevate(admin, "春风又绿江南岸明月何时照", digits);
  ASSERT_EQ(done.status, 200) << done.body;
  const std::string who = staff("editor").account;
  EXPECT_EQ(post("/api/v1/accounts/" + who + "/state", {{"state", "suspended"}},
                 json_text(body(done), "token"), "k1")
                .status,
            200);
  EXPECT_EQ(code(elevate(admin, "春风又绿江南岸明月何时照", digits)), "wrong_code");
  EXPECT_EQ(elevate(admin, "春风又绿江南岸明月何时照", totp(1)).status, 200);
}

TEST_F(StaffFactors, FiveWrongTriesRest) {
  const Phone admin = staff("admin");
  ASSERT_EQ(set_up(admin, first_code(admin)).status, 200);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code(elevate(admin, "falsch", "000000")), "wrong_code");
  const auto rested = elevate(admin, "春风又绿江南岸明月何时照", totp());
  EXPECT_EQ(rested.status, 429);
  EXPECT_EQ(header(rested, "Retry-After"), "180");
}

TEST_F(StaffFactors, AnotherAdministratorMendsALoss) {
  const Phone admin = staff("admin");
  const Phone second = staff("admin");
  ASSERT_EQ(set_up(admin, first_code(admin)).status, 200);
  const std::string path = "/api/v1/staff/" + admin.account + "/reset";
  EXPECT_EQ(code(post(path, Json::object(), elevated(admin))), "same_person");
  EXPECT_EQ(code(post(path, Json::object(), token(second))), "elevation_required");
  EXPECT_EQ(code(post(path, Json::object(), elevated(staff("editor")))), "forbidden");
  clock_.advance(std::chrono::minutes(1));
  const auto reset = post(path, Json::object(), elevated(second));
  ASSERT_EQ(reset.status, 200) << reset.body;
  EXPECT_EQ(code(elevate(admin, "春风又绿江南岸明月何时照", totp())), "wrong_state");
  EXPECT_EQ(set_up(admin, json_text(body(reset), "setup_code")).status, 200);
}

TEST_F(StaffFactors, AFullPasswordPoolAsksToComeBack) {
  const Phone admin = staff("admin");
  const std::string bearer = token(admin);
  pool_full_ = true;
  const auto busy = post("/api/v1/staff/setup",
                         {{"code", first_code(admin)}, {"passphrase", "0123456789"}}, bearer);
  EXPECT_EQ(busy.status, 503);
  EXPECT_FALSE(header(busy, "Retry-After").empty());
}

}  // namespace
}  // namespace linli::test
