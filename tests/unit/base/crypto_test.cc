// SPDX-License-Identifier: Apache-2.0
// Goal: every primitive agrees with the vectors of its standard and refuses changed bytes.
#include "base/crypto.h"

#include <ostream>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

namespace linli {
namespace {

class CryptoEnvironment final : public ::testing::Environment {
 public:
  void SetUp() override { ASSERT_TRUE(crypto_init().has_value()); }
};
[[maybe_unused]] const auto* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new CryptoEnvironment);

std::string unhex(std::string_view hex) { return from_hex(hex).value(); }

Secret key_of(char fill) { return Secret(std::string(32, fill)); }

struct Digest {
  std::string message;
  std::string hex;
};

// FIPS 180-4 examples (NIST CSRC).
TEST(Sha256, AgreesWithFips180) {
  for (const Digest& c : {
           Digest{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
           Digest{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
           Digest{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
           Digest{std::string(1000000, 'a'),
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
       }) {
    EXPECT_EQ(to_hex(sha256(as_bytes(c.message))), c.hex);
  }
}

TEST(Sha256, StreamOfAnyPartsIsTheHashOfTheWhole) {
  const std::string text(300, 'x');
  for (std::size_t part = 1; part < 140; ++part) {
    Sha256Stream stream;
    for (std::size_t at = 0; at < text.size(); at += part) stream.add(text.substr(at, part));
    EXPECT_EQ(stream.finish(), sha256(as_bytes(text))) << part;
  }
  EXPECT_EQ(Sha256Stream().finish(), sha256({}));
}

// RFC 4231 test cases 1, 2 and 6.
TEST(HmacSha256, AgreesWithRfc4231) {
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes(std::string(20, '\x0b')), as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes(std::string(131, '\xaa')),
                               as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

struct Ed25519Case {
  const char* seed;
  const char* pub;
  const char* message;
  const char* signature;
};

// RFC 8032 §7.1, TEST 1 to 3.
constexpr Ed25519Case kRfc8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519, AgreesWithRfc8032) {
  for (const Ed25519Case& c : kRfc8032) {
    const KeyPair pair = KeyPair::from_seed(as_bytes(unhex(c.seed))).value();
    const std::string message = unhex(c.message);
    EXPECT_EQ(to_hex(pair.pub()), c.pub);
    EXPECT_EQ(to_hex(pair.seed().view()), c.seed);
    EXPECT_EQ(to_hex(pair.sign(as_bytes(message))), c.signature);
    EXPECT_TRUE(verify(pair.pub(), as_bytes(message), as_bytes(unhex(c.signature))));
  }
}

TEST(Ed25519, RefusesEveryChangedBitOfASignature) {
  SeededRng rng(1);
  const KeyPair pair = KeyPair::generate(rng);
  const ByteView message = as_bytes("notice");
  Signature signature = pair.sign(message);
  for (std::size_t bit = 0; bit < 512; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
    signature[bit / 8] ^= mask;
    EXPECT_FALSE(verify(pair.pub(), message, signature)) << bit;
    signature[bit / 8] ^= mask;
  }
  EXPECT_TRUE(verify(pair.pub(), message, signature));
  EXPECT_FALSE(verify(pair.pub(), as_bytes("Notice"), signature));
}

TEST(Ed25519, RefusesMalformedKeysAndSignaturesWithoutThrowing) {
  SeededRng rng(1);
  const KeyPair pair = KeyPair::generate(rng);
  const Signature signature = pair.sign({});
  EXPECT_FALSE(verify(PublicKey{}, {}, signature));
  EXPECT_FALSE(verify(pair.pub(), {}, {}));
  EXPECT_FALSE(verify(pair.pub(), {}, ByteView(signature).first(63)));
  EXPECT_EQ(KeyPair::from_seed(as_bytes("short")).error().code, Errc::malformed);
}

TEST(Ed25519, ClientIdIsTheFirstHalfOfTheKeysHash) {
  const KeyPair pair = KeyPair::from_seed(as_bytes(unhex(kRfc8032[0].seed))).value();
  EXPECT_EQ(client_id_of(pair.pub()).hex(), to_hex(sha256(pair.pub())).substr(0, 32));
}

TEST(KeyedHash, DependsOnKeyAndMessage) {
  EXPECT_EQ(keyed_hash(key_of('k'), as_bytes("code")), keyed_hash(key_of('k'), as_bytes("code")));
  EXPECT_NE(keyed_hash(key_of('k'), as_bytes("code")), keyed_hash(key_of('l'), as_bytes("code")));
  EXPECT_NE(keyed_hash(key_of('k'), as_bytes("code")), keyed_hash(key_of('k'), as_bytes("cod")));
  EXPECT_EQ(keyed_hash(key_of('k'), {}), keyed_hash(key_of('k'), as_bytes("")));
}

// Oracle: Python's hashlib.blake2b(b"abc", key=bytes(range(32)), digest_size=32).
TEST(KeyedHash, IsKeyedBlake2b256) {
  std::string key(32, '\0');
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(i);
  EXPECT_EQ(to_hex(keyed_hash(Secret(key), as_bytes("abc"))),
            "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
}

TEST(ConstantTimeEqual, ComparesLengthAndBytes) {
  EXPECT_TRUE(constant_time_equal(as_bytes("ab"), as_bytes("ab")));
  EXPECT_FALSE(constant_time_equal(as_bytes("ab"), as_bytes("ac")));
  EXPECT_FALSE(constant_time_equal(as_bytes("ab"), as_bytes("abc")));
  EXPECT_TRUE(constant_time_equal({}, {}));
}

TEST(Passphrase, OnlyTheRightOneVerifies) {
  const std::string hash = hash_passphrase("清河湾 42").value();
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=65536,"));
  EXPECT_TRUE(verify_passphrase(hash, "清河湾 42"));
  EXPECT_FALSE(verify_passphrase(hash, "清河湾 43"));
  EXPECT_FALSE(verify_passphrase(hash, {}));
}

TEST(Passphrase, BrokenStoredHashNeverVerifies) {
  for (const std::string& hash :
       {std::string(), std::string("$argon2id$"), std::string(4096, 'a')}) {
    EXPECT_FALSE(verify_passphrase(hash, ""));
  }
}

TEST(Seal, OpensWithItsKeyOnly) {
  SeededRng rng(1);
  const std::string sealed = seal(key_of('k'), as_bytes("13800000000"), rng);
  EXPECT_EQ(sealed.size(), 24 + 11 + 16U);
  EXPECT_EQ(open_sealed(key_of('k'), as_bytes(sealed)), "13800000000");
  EXPECT_EQ(open_sealed(key_of('l'), as_bytes(sealed)).error().code, Errc::bad_signature);
  EXPECT_NE(seal(key_of('k'), as_bytes("13800000000"), rng), sealed);
  EXPECT_EQ(open_sealed(key_of('k'), as_bytes(seal(key_of('k'), {}, rng))), "");
}

TEST(Seal, RefusesEveryTruncationAndEveryChangedByte) {
  SeededRng rng(1);
  std::string sealed = seal(key_of('k'), as_bytes("id"), rng);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    EXPECT_FALSE(open_sealed(key_of('k'), as_bytes(sealed).first(i)).has_value());
    sealed[i] = static_cast<char>(sealed[i] ^ 1);
    EXPECT_FALSE(open_sealed(key_of('k'), as_bytes(sealed)).has_value());
    sealed[i] = static_cast<char>(sealed[i] ^ 1);
  }
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);

// RFC 9562 §5.7: 48 bits of milliseconds, version 7, 12 random bits, variant 10, 62 random bits.
TEST(UuidV7, HasTimeVersionAndVariantWhereRfc9562PutsThem) {
  SeededRng rng(1);
  for (int i = 0; i < 100; ++i) {
    const std::string id = uuid_v7(0x017f22e279b0, rng);  // the time of the RFC's example A.6
    ASSERT_EQ(id.size(), 32U);
    EXPECT_EQ(id.substr(0, 12), "017f22e279b0");
    EXPECT_EQ(id[12], '7');
    EXPECT_NE(std::string_view("89ab").find(id[16]), std::string_view::npos);
  }
}

TEST(UuidV7, SortsByTimeAndDiffersWithinAMillisecond) {
  SeededRng rng(1);
  EXPECT_LT(uuid_v7(1000, rng), uuid_v7(1001, rng));
  EXPECT_NE(uuid_v7(1000, rng), uuid_v7(1000, rng));
}

}  // namespace
}  // namespace linli
