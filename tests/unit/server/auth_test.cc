// SPDX-License-Identifier: Apache-2.0
// Goal:   nobody passes for somebody else: keys, tokens, certificates, one-time codes and limits.
// Method: RFC vectors, and one changed bit or one passed second at a time.
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/auth/certificates.h"
#include "server/auth/files.h"
#include "server/auth/rate_limiter.h"
#include "server/auth/revocation_log.h"
#include "server/auth/tokens.h"
#include "server/auth/totp.h"
#include "server/http/setup_code.h"

namespace linli::auth {
namespace {

using namespace std::chrono_literals;

const Instant kNow = from_unix_ms(1'795'000'000'000);

class Folder : public testing::Test {
 protected:
  Folder() { std::filesystem::create_directories(path_); }
  ~Folder() override { std::filesystem::remove_all(path_); }
  const std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("linli_auth_" + std::to_string(::getpid()));
  SeededRng rng_{1};
};
using ServerKeyFile = Folder;
using Revocations = Folder;

// Spec: RFC 4226 appendix D.
TEST(Rfc4226, HotpVectors) {
  const char* const want[] = {"755224", "287082", "359152", "969429", "338314",
                              "254676", "287922", "162583", "399871", "520489"};
  for (std::uint64_t i = 0; i < 10; ++i)
    EXPECT_EQ(hotp(as_bytes("12345678901234567890"), i), want[i]);
}

// Spec: RFC 6238 appendix B, SHA-1.
TEST(Rfc6238, TotpVectors) {
  const std::pair<std::int64_t, const char*> want[] = {
      {59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
      {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (const auto& [second, code] : want)
    EXPECT_EQ(hotp(as_bytes("12345678901234567890"), totp_step(from_unix_ms(second * 1000)), 8),
              code);
}

// Spec: RFC 4648 section 10.
TEST(Rfc4648, Base32Vectors) {
  EXPECT_EQ(to_base32(as_bytes("")), "");
  EXPECT_EQ(to_base32(as_bytes("f")), "MY");
  EXPECT_EQ(to_base32(as_bytes("foobar")), "MZXW6YTBOI");
}

TEST(Totp, TakesOneStepBeforeAndAfterButNeverTwice) {
  const ByteView secret = as_bytes("12345678901234567890");
  const std::uint64_t step = totp_step(kNow);
  for (const std::uint64_t near : {step - 1, step, step + 1})
    EXPECT_EQ(totp_match(secret, hotp(secret, near), kNow, 0), near);
  EXPECT_EQ(totp_match(secret, hotp(secret, step - 2), kNow, 0), std::nullopt);
  EXPECT_EQ(totp_match(secret, hotp(secret, step + 2), kNow, 0), std::nullopt);
  EXPECT_EQ(totp_match(secret, hotp(secret, step), kNow, step), std::nullopt);
  EXPECT_EQ(totp_match(secret, "12345", kNow, 0), std::nullopt);
}

TEST_F(ServerKeyFile, IsMadeOnceWithMode0600AndReadBack) {
  const auto file = path_ / "server.key";
  const auto made = ServerKeys::load_or_create(file, rng_);
  ASSERT_TRUE(made.has_value());
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const auto read = ServerKeys::load_or_create(file, rng_);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->server_id(), made->server_id());
  EXPECT_EQ(read->hash_of("a", "b"), made->hash_of("a", "b"));
  EXPECT_NE(read->hash_of("a", "b"), read->hash_of("b", "b"));
}

TEST_F(ServerKeyFile, IsRefusedWhenOthersMayReadIt) {
  const auto file = path_ / "server.key";
  ASSERT_TRUE(ServerKeys::load_or_create(file, rng_).has_value());
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  const auto read = ServerKeys::load_or_create(file, rng_);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Errc::forbidden);
}

TEST_F(ServerKeyFile, IsNeverReplacedWhenDamaged) {
  const auto file = path_ / "server.key";
  ASSERT_TRUE(create_private_file(file, "linli-server-key 1\ngarbage\n"));
  const auto read = ServerKeys::load_or_create(file, rng_);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Errc::corrupt);
}

TEST_F(Revocations, SurviveAReopenAndATornLine) {
  const auto file = path_ / "revoked.log";
  const sync::Cid a{Id128{{1}}};
  const sync::Cid b{Id128{{2}}};
  {
    const auto log = RevocationLog::open(file).value();
    ASSERT_TRUE(log->add(a, {kNow}));
    ASSERT_TRUE(log->add(a, {kNow}));
  }
  ASSERT_TRUE(append_durably(file, "1795000000000 0200"));
  {
    const auto log = RevocationLog::open(file).value();
    EXPECT_TRUE(log->contains(a));
    EXPECT_FALSE(log->contains(b));
    ASSERT_TRUE(log->add(b, {kNow}));
  }
  EXPECT_EQ(RevocationLog::open(file).value()->all().size(), 2U);
}

TEST_F(Revocations, ENR_10_TheReasonIsKeptAndOldLinesWithoutOneStayReadable) {
  const auto file = path_ / "revoked.log";
  const sync::Cid old{Id128{{1}}};
  const sync::Cid replaced{Id128{{2}}};
  ASSERT_TRUE(append_durably(file, "1795000000000 " + old.raw().hex() + "\n"));
  {
    const auto log = RevocationLog::open(file).value();
    EXPECT_FALSE(log->find(old)->replaced);
    EXPECT_EQ(log->find(old)->at, kNow);
    ASSERT_TRUE(log->add(replaced, {kNow + 5s, true}));
    ASSERT_TRUE(log->add(old, {kNow + 5s, true}));
  }
  const auto log = RevocationLog::open(file).value();
  EXPECT_FALSE(log->find(old)->replaced) << "what was refused for good stays refused";
  ASSERT_TRUE(log->find(replaced)->replaced);
  EXPECT_EQ(log->find(replaced)->at, kNow + 5s);
}

TEST_F(Revocations, ENR_10_AReplacedPhoneThatTurnsOutLostIsLostForGood) {
  const auto file = path_ / "revoked.log";
  const sync::Cid phone{Id128{{2}}};
  {
    const auto log = RevocationLog::open(file).value();
    ASSERT_TRUE(log->add(phone, {kNow, true}));
    ASSERT_TRUE(log->add(phone, {kNow + 1min}));
    ASSERT_TRUE(log->add(phone, {kNow + 2min, true}));
  }
  const auto log = RevocationLog::open(file).value();
  EXPECT_FALSE(log->find(phone)->replaced);
  EXPECT_EQ(log->find(phone)->at, kNow) << "since the first time";
}

class TokenTest : public testing::Test {
 protected:
  SeededRng rng_{3};
  const ServerKeys keys_ = ServerKeys::generate(rng_);
  const Tokens tokens_{keys_};
  const sync::AccountId account_{Id128{{7}}};
  const sync::Cid cid_{Id128{{9}}};
};

TEST_F(TokenTest, LivesTenMinutes) {
  const std::string text =
      tokens_.encode(tokens_.make_claims(TokenKind::device, account_, cid_, kNow));
  const auto claims = tokens_.decode(text, kNow + 10min - 1ms);
  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->account, account_);
  EXPECT_EQ(claims->cid, cid_);
  EXPECT_EQ(tokens_.decode(text, kNow + 10min).error().code, Errc::expired);
}

TEST_F(TokenTest, NoBitOfItCanBeChanged) {
  const std::string raw =
      from_base64url(tokens_.encode(tokens_.make_claims(TokenKind::device, account_, cid_, kNow)))
          .value();
  for (std::size_t bit = 0; bit < raw.size() * 8; ++bit) {
    std::string forged = raw;
    forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(tokens_.decode(to_base64url(as_bytes(forged)), kNow).has_value()) << bit;
  }
  const ServerKeys others = ServerKeys::generate(rng_);
  EXPECT_FALSE(Tokens(others).decode(to_base64url(as_bytes(raw)), kNow).has_value());
}

TEST_F(TokenTest, AnElevatedOneSlidesWhileUsedAndEndsAfterEightHours) {
  TokenClaims claims = tokens_.make_claims(TokenKind::elevated, account_, cid_, kNow);
  EXPECT_EQ(tokens_.renewed(claims, kNow + 1min), std::nullopt);
  Instant at = kNow;
  while (at < kNow + 9h) {
    at += 10min;
    if (at >= claims.expires) break;
    if (const auto next = tokens_.renewed(claims, at)) claims = *next;
  }
  EXPECT_EQ(claims.expires, kNow + 8h);
}

TEST_F(TokenTest, ACertificateIsBoundToItsServer) {
  const KeyPair device = KeyPair::generate(rng_);
  const std::string text =
      make_certificate(keys_, {"huainan", account_, device.pub(), kNow, "p-chen"});
  const auto read = check_certificate(keys_, text);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->slug, "huainan");
  EXPECT_EQ(read->account, account_);
  EXPECT_EQ(read->pub, device.pub());
  EXPECT_EQ(read->at, kNow);
  EXPECT_EQ(read->person, "p-chen");
  const ServerKeys others = ServerKeys::generate(rng_);
  EXPECT_EQ(check_certificate(others, text).error().code, Errc::bad_signature);
  EXPECT_FALSE(check_certificate(keys_, "abc").has_value());
  EXPECT_FALSE(check_certificate(keys_, "." + text).has_value());
}

TEST_F(TokenTest, SetupCodesEndWithTheCredentialAndAfterAWeek) {
  const std::string code = http::setup_code(keys_, "acc", 5, kNow);
  EXPECT_TRUE(http::is_setup_code(keys_, "acc", 5, kNow, code));
  std::string typed;
  for (const char c : code) typed += c == '-' ? ' ' : static_cast<char>(std::tolower(c));
  EXPECT_TRUE(http::is_setup_code(keys_, "acc", 5, kNow + std::chrono::days(6), typed));
  EXPECT_FALSE(http::is_setup_code(keys_, "acc", 6, kNow, code));
  EXPECT_FALSE(http::is_setup_code(keys_, "other", 5, kNow, code));
  EXPECT_FALSE(http::is_setup_code(keys_, "acc", 5, kNow + std::chrono::days(8), code));
}

TEST(RateLimiter, RefillsEvenly) {
  RateLimiter limiter({5, 1h});
  MonoTime now{0};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.take("a", now));
  EXPECT_FALSE(limiter.take("a", now));
  EXPECT_EQ(limiter.wait("a", now), 12min);
  EXPECT_TRUE(limiter.take("b", now));
  now += 12min;
  EXPECT_TRUE(limiter.take("a", now));
  EXPECT_FALSE(limiter.take("a", now));
  limiter.give_back("a", now);
  EXPECT_TRUE(limiter.take("a", now));
}

TEST(RateLimiter, MemoryIsBoundedAndTheBusyAreRemembered) {
  RateLimiter limiter({1, 1h}, 100);
  EXPECT_TRUE(limiter.take("attacker", MonoTime{0}));
  for (int i = 0; i < 1000; ++i) {
    limiter.take("n" + std::to_string(i), MonoTime{i});
    EXPECT_FALSE(limiter.take("attacker", MonoTime{i}));
  }
  EXPECT_EQ(limiter.names(), 100U);
}

}  // namespace
}  // namespace linli::auth
