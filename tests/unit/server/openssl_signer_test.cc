// SPDX-License-Identifier: Apache-2.0
// Goal: the OpenSSL side of the Signer port agrees with published vectors and refuses bad keys.
#include "server/net/openssl_signer.h"

#include <string>

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "base/bytes.h"

namespace linli::net {
namespace {

std::string unhex(std::string_view hex) { return from_hex(hex).value(); }
std::string unb64(std::string_view text) { return from_base64url(text).value(); }

template <std::size_t size>
std::span<const std::uint8_t, size> fixed(const std::string& text) {
  return std::span<const std::uint8_t, size>(as_bytes(text).data(), size);
}

// RFC 8291 appendix A: the sender's and the receiver's key.
constexpr std::string_view kSender = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
constexpr std::string_view kSenderPub =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
constexpr std::string_view kReceiver = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
constexpr std::string_view kReceiverPub =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
constexpr std::string_view kAgreed = "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs";

TEST(OpensslSigner, AgreesAsRfc8291SaysInBothDirections) {
  const OpensslSigner signer;
  const auto sender = signer.load_p256(as_bytes(kSender)).value();
  const auto receiver = signer.load_p256(as_bytes(unb64(kReceiver))).value();
  EXPECT_EQ(to_base64url(sender->pub()), kSenderPub);
  EXPECT_EQ(to_base64url(receiver->pub()), kReceiverPub);
  EXPECT_EQ(to_base64url(sender->agree(receiver->pub()).value().view()), kAgreed);
  EXPECT_EQ(to_base64url(receiver->agree(sender->pub()).value().view()), kAgreed);
}

TEST(OpensslSigner, AnAgreementMadeOnceIsAnotherEachTimeAndTheReceiverFindsIt) {
  const OpensslSigner signer;
  const auto receiver = signer.load_p256(as_bytes(kReceiver)).value();
  const P256Share one = signer.agree_once(receiver->pub()).value();
  const P256Share two = signer.agree_once(receiver->pub()).value();
  EXPECT_NE(one.pub, two.pub);
  EXPECT_TRUE(constant_time_equal(receiver->agree(one.pub).value().view(), one.secret.view()));
  EXPECT_TRUE(constant_time_equal(receiver->agree(two.pub).value().view(), two.secret.view()));
}

TEST(OpensslSigner, RefusesWhatIsNoPointOfTheCurve) {
  const OpensslSigner signer;
  const std::string good = unb64(kReceiverPub);
  std::string off_curve = good;
  off_curve[64] = static_cast<char>(off_curve[64] ^ 1);
  std::string compressed = "\x02" + good.substr(1, 32);
  std::string zero(65, '\0');
  zero[0] = 4;
  for (const std::string& bad :
       {std::string(), std::string(1, '\0'), good.substr(0, 64), off_curve, compressed, zero}) {
    const auto share = signer.agree_once(as_bytes(bad));
    ASSERT_FALSE(share.has_value());
    EXPECT_EQ(share.error().code, Errc::malformed);
  }
}

TEST(OpensslSigner, LoadsPemOfBothFormsAndRefusesOtherKeys) {
  const OpensslSigner signer;
  // openssl ecparam -name prime256v1 -genkey; openssl pkcs8 -topk8 -nocrypt: the same key.
  constexpr std::string_view kSec1 = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIN/CYMQTcYZKz6uvIxpJpzC4lnq3Dnpd0ogDGZAvuLFqoAoGCCqGSM49
AwEHoUQDQgAEPMvEnpJJOyB21WwhtmQik/TeXs2f/NkyC9H7Z9zh0BCsqfkV+y0Q
mZosFnZi/pXCy9hYLyUIGE2y2Htwz/NX7g==
-----END EC PRIVATE KEY-----
)";
  constexpr std::string_view kPkcs8 = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg38JgxBNxhkrPq68j
GkmnMLiWercOel3SiAMZkC+4sWqhRANCAAQ8y8Sekkk7IHbVbCG2ZCKT9N5ezZ/8
2TIL0ftn3OHQEKyp+RX7LRCZmiwWdmL+lcLL2FgvJQgYTbLYe3DP81fu
-----END PRIVATE KEY-----
)";
  constexpr std::string_view kP384 = R"(-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDGsKz7ppi8hMUascjq
rOu9NKf8y2ezHvNI+Ul6jGyaIj7zcEN7mwDMfVfdiDcSAdmhZANiAASJZar3KhXk
Y39yD+E06dk3BzDhUEi20MfJyboogucwAg6P4YgKpvWId3Jn1g4EGdwt+ZlW2oTE
dFnvyYXkNsEZ2R7rVr41zhvgLZbhuC6Q7JSX0y2rTi43WapWvtXoPj8=
-----END PRIVATE KEY-----
)";
  const auto sec1 = signer.load_p256(as_bytes(kSec1));
  const auto pkcs8 = signer.load_p256(as_bytes(kPkcs8));
  ASSERT_TRUE(sec1.has_value() && pkcs8.has_value());
  EXPECT_EQ((*sec1)->pub(), (*pkcs8)->pub());
  const std::string order =
      unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  for (const std::string& bad :
       {std::string(kP384), std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n"), std::string(),
        std::string(32, '\0'), order, std::string("not a key"), std::string(31, 'x')}) {
    const auto key = signer.load_p256(as_bytes(bad));
    ASSERT_FALSE(key.has_value()) << bad;
    EXPECT_EQ(key.error().code, Errc::malformed);
  }
  EXPECT_FALSE(signer.load_rsa(as_bytes(kPkcs8)).has_value());
}

/// Whether `signature` is that of `message` by the key at `pub`, by OpenSSL's own verifier.
bool is_signature(const P256Point& pub, std::string_view message, const Es256Signature& signature) {
  EVP_PKEY* key = EVP_PKEY_new();
  EVP_PKEY* params = EVP_EC_gen("P-256");
  EVP_PKEY_copy_parameters(key, params);
  EVP_PKEY_set1_encoded_public_key(key, pub.data(), pub.size());
  ECDSA_SIG* pair = ECDSA_SIG_new();
  ECDSA_SIG_set0(pair, BN_bin2bn(signature.data(), 32, nullptr),
                 BN_bin2bn(signature.data() + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair, &der);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key);
  const ByteView bytes = as_bytes(message);
  const bool ok = EVP_DigestVerify(context, der, static_cast<std::size_t>(size), bytes.data(),
                                   bytes.size()) == 1;
  EVP_MD_CTX_free(context);
  OPENSSL_free(der);
  ECDSA_SIG_free(pair);
  EVP_PKEY_free(params);
  EVP_PKEY_free(key);
  return ok;
}

TEST(OpensslSigner, Es256SignaturesAreOfTheMessageAndOfFixedSize) {
  const OpensslSigner signer;
  const auto key = signer.load_p256(as_bytes(kSender)).value();
  // R or S begins with a zero byte in one of 128.
  for (int i = 0; i < 300; ++i) {
    const std::string message = "message " + std::to_string(i);
    const Es256Signature signature = key->sign(as_bytes(message)).value();
    EXPECT_TRUE(is_signature(key->pub(), message, signature));
    EXPECT_FALSE(is_signature(key->pub(), "another", signature));
  }
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 1 to 3.
TEST(OpensslSigner, SealsAsTheGcmPaperSays) {
  const OpensslSigner signer;
  struct Case {
    std::string key, nonce, plain, sealed;
  };
  for (const Case& c : {
           Case{std::string(32, '0'), std::string(24, '0'), "", "58e2fccefa7e3061367f1d57a4e7455a"},
           Case{std::string(32, '0'), std::string(24, '0'), std::string(32, '0'),
                "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
           Case{"feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
                "4d5c2af327cd64a62cf35abd2ba6fab4"},
       }) {
    const std::string key = unhex(c.key);
    const std::string nonce = unhex(c.nonce);
    std::string out = "kept";
    ASSERT_TRUE(
        signer.aes128gcm_seal(fixed<16>(key), fixed<12>(nonce), as_bytes(unhex(c.plain)), out));
    EXPECT_EQ(out.substr(0, 4), "kept");
    EXPECT_EQ(to_hex(as_bytes(out.substr(4))), c.sealed);
  }
}

}  // namespace
}  // namespace linli::net
