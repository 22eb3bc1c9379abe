// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.h"

#include <algorithm>
#include <new>

#include <sodium.h>

#include "base/assert.h"

namespace linli {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

static_assert(crypto_hash_sha256_BYTES == std::tuple_size_v<Sha256>);
static_assert(crypto_sign_SEEDBYTES == kKeyBytes && crypto_sign_SECRETKEYBYTES == 64);
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == kKeyBytes);

/// An empty view may be null, which libsodium's password functions do not take.
const char* not_null(std::string_view text) { return text.empty() ? "" : text.data(); }

std::uint8_t* writable(std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); }

template <std::size_t Size>
crypto_hash_sha256_state* sha256_state(std::array<std::uint8_t, Size>& raw) {
  static_assert(sizeof(crypto_hash_sha256_state) <= Size);
  static_assert(alignof(crypto_hash_sha256_state) <= 8);
  return std::launder(reinterpret_cast<crypto_hash_sha256_state*>(raw.data()));
}

}  // namespace

Result<void> crypto_init() {
  if (sodium_init() < 0) return fail(Errc::internal, "libsodium does not start");
  return {};
}

Sha256 sha256(ByteView data) {
  Sha256 out;
  crypto_hash_sha256(out.data(), data.data(), data.size());
  return out;
}

Sha256Stream::Sha256Stream() {
  crypto_hash_sha256_init(new (state_.data()) crypto_hash_sha256_state);
}

Sha256Stream& Sha256Stream::add(ByteView data) {
  crypto_hash_sha256_update(sha256_state(state_), data.data(), data.size());
  return *this;
}

Sha256 Sha256Stream::finish() {
  Sha256 out;
  crypto_hash_sha256_final(sha256_state(state_), out.data());
  return out;
}

Sha256 hmac_sha256(ByteView key, ByteView data) {
  static_assert(crypto_auth_hmacsha256_BYTES == std::tuple_size_v<Sha256>);
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  crypto_auth_hmacsha256_update(&state, data.data(), data.size());
  Sha256 out;
  crypto_auth_hmacsha256_final(&state, out.data());
  return out;
}

Secret::~Secret() {
  // The whole buffer: a moved-from short string keeps its bytes beyond its size.
  bytes_.resize(bytes_.capacity());
  sodium_memzero(bytes_.data(), bytes_.size());
}

KeyPair KeyPair::generate(Rng& rng) {
  std::string seed(kKeyBytes, '\0');
  rng.fill({writable(seed), seed.size()});
  const Secret wiped(std::move(seed));
  return std::move(*from_seed(wiped.view()));
}

Result<KeyPair> KeyPair::from_seed(ByteView seed) {
  if (seed.size() != kKeyBytes) return fail(Errc::malformed, "ed25519: a seed has 32 bytes");
  KeyPair pair;
  std::string secret(crypto_sign_SECRETKEYBYTES, '\0');
  crypto_sign_seed_keypair(pair.pub_.data(), writable(secret), seed.data());
  pair.secret_ = Secret(std::move(secret));
  return pair;
}

Secret KeyPair::seed() const {
  // libsodium's secret key is the seed followed by the public key.
  return Secret(std::string(as_text(secret_.view().first(kKeyBytes))));
}

Signature KeyPair::sign(ByteView message) const {
  Signature out;
  crypto_sign_detached(out.data(), nullptr, message.data(), message.size(), secret_.view().data());
  return out;
}

bool verify(const PublicKey& pub, ByteView message, ByteView signature) {
  if (signature.size() != std::tuple_size_v<Signature>) return false;
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     pub.data()) == 0;
}

Id128 client_id_of(const PublicKey& pub) {
  const Sha256 hash = sha256(pub);
  return Id128::of(ByteView(hash).first(16));
}

std::array<std::uint8_t, 32> keyed_hash(const Secret& key, ByteView message) {
  LINLI_ASSERT(key.view().size() == kKeyBytes);
  std::array<std::uint8_t, 32> out;
  crypto_generichash(out.data(), out.size(), message.data(), message.size(), key.view().data(),
                     kKeyBytes);
  return out;
}

bool constant_time_equal(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<std::string> hash_passphrase(std::string_view passphrase) {
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_str_alg(out.data(), not_null(passphrase), passphrase.size(),
                            crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(Errc::internal, "argon2id: not enough memory");
  }
  return std::string(out.data());
}

bool verify_passphrase(const std::string& hash, std::string_view passphrase) {
  // libsodium may read its full fixed-size buffer.
  std::array<char, crypto_pwhash_STRBYTES> stored{};
  if (hash.size() >= stored.size()) return false;
  std::copy(hash.begin(), hash.end(), stored.begin());
  return crypto_pwhash_str_verify(stored.data(), not_null(passphrase), passphrase.size()) == 0;
}

std::string seal(const Secret& key, ByteView plain, Rng& rng) {
  LINLI_ASSERT(key.view().size() == kKeyBytes);
  std::string out(kNonceBytes + plain.size() + kTagBytes, '\0');
  std::uint8_t* const nonce = writable(out);
  rng.fill({nonce, kNonceBytes});
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + kNonceBytes, nullptr, plain.data(),
                                             plain.size(), nullptr, 0, nullptr, nonce,
                                             key.view().data());
  return out;
}

Result<std::string> open_sealed(const Secret& key, ByteView sealed) {
  LINLI_ASSERT(key.view().size() == kKeyBytes);
  if (sealed.size() < kNonceBytes + kTagBytes) {
    return fail(Errc::bad_signature, "sealed bytes are too short");
  }
  const ByteView body = sealed.subspan(kNonceBytes);
  std::string out(body.size() - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(writable(out), nullptr, nullptr, body.data(),
                                                 body.size(), nullptr, 0, sealed.data(),
                                                 key.view().data()) != 0) {
    return fail(Errc::bad_signature, "sealed bytes do not open");
  }
  return out;
}

std::string uuid_v7(std::int64_t unix_ms, Rng& rng) {
  std::array<std::uint8_t, 16> raw;
  rng.fill(raw);
  for (std::size_t i = 0; i < 6; ++i) raw[i] = static_cast<std::uint8_t>(unix_ms >> (40 - 8 * i));
  raw[6] = static_cast<std::uint8_t>(0x70 | (raw[6] & 0x0f));
  raw[8] = static_cast<std::uint8_t>(0x80 | (raw[8] & 0x3f));
  return to_hex(raw);
}

}  // namespace linli
