// SPDX-License-Identifier: Apache-2.0
// What:  Web Push messages that one core encrypts in a second: cold (a fresh sender key and key
//        agreement each), and with the key agreement prepared while nothing was sent (goal G11).
// Shape: 10,000 subscriptions, one 300-byte payload each, a new salt each; no VAPID signature, as
//        tokens are cached, and no HTTP.
// Limit: the same OpenSSL operations alone in the same run, through EVP: key generation, key
//        agreement and AES-128-GCM for cold, AES-128-GCM and four HMAC-SHA-256 for prepared. Ratios
//        do not depend on the machine. Rounds alternate, so that a busy neighbour slows all alike;
//        times are of the thread's CPU.
#include <ctime>
#include <vector>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"
#include "base/crypto.h"
#include "notify/channels/webpush/encryption.h"
#include "server/net/openssl_signer.h"
#include "tests/bench/support/report.h"

namespace linli {
namespace {

using namespace notify::webpush;

constexpr std::size_t kPayloadBytes = 300;
constexpr std::size_t kSubscriptions = 10'000;
constexpr std::size_t kRounds = 7;

double cpu_seconds() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + 1e-9 * static_cast<double>(at.tv_nsec);
}

/// Operations per second of CPU.
template <class Work>
double rate_of(std::size_t count, Work work) {
  const double from = cpu_seconds();
  for (std::size_t i = 0; i < count; ++i) work(i);
  return static_cast<double>(count) / (cpu_seconds() - from);
}

/// Raw AES-128-GCM with a reused context, as a program would that does nothing else.
class RawGcm {
 public:
  void seal(const std::string& plain, std::string& out) {
    int size = 0;
    static constexpr unsigned char key[16] = {1};
    static constexpr unsigned char nonce[12] = {2};
    LINLI_ASSERT(EVP_EncryptInit_ex(context_, EVP_aes_128_gcm(), nullptr, key, nonce) == 1);
    EVP_EncryptUpdate(context_, bytes(out), &size, bytes(plain), static_cast<int>(plain.size()));
    EVP_EncryptFinal_ex(context_, bytes(out) + size, &size);
    EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, 16, bytes(out) + plain.size());
  }
  ~RawGcm() { EVP_CIPHER_CTX_free(context_); }

 private:
  static unsigned char* bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
  }
  static const unsigned char* bytes(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }
  EVP_CIPHER_CTX* context_ = EVP_CIPHER_CTX_new();
};

/// Key generation and agreement through EVP with a peer that is already loaded.
void raw_agree(EVP_PKEY* peer) {
  EVP_PKEY* const mine = EVP_EC_gen("P-256");
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new(mine, nullptr);
  unsigned char secret[32];
  std::size_t size = sizeof secret;
  LINLI_ASSERT(EVP_PKEY_derive_init(context) == 1 &&
               EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
               EVP_PKEY_derive(context, secret, &size) == 1);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(mine);
}

void raw_hash() {
  static constexpr unsigned char key[32] = {3};
  unsigned char out[32];
  for (int i = 0; i < 4; ++i) HMAC(EVP_sha256(), key, sizeof key, key, sizeof key, out, nullptr);
}

int run(const bench::Options& options) {
  LINLI_ASSERT(crypto_init().has_value());
  const std::size_t n = options.n != 0 ? options.n : options.quick ? 500 : kSubscriptions;
  const std::size_t rounds = options.rounds != 0 ? options.rounds : options.quick ? 3 : kRounds;
  const net::OpensslSigner signer;
  std::vector<Subscription> to(n);
  for (Subscription& one : to) {
    // Any point of the curve is a browser's key; its private half is not needed.
    const P256Point base = signer.load_p256(as_bytes(std::string(32, 'k'))).value()->pub();
    one.key = signer.agree_once(base).value().pub;
    one.auth.fill(7);
  }
  const std::string plain(kPayloadBytes, 'x');
  std::string sealed(kPayloadBytes + 16, '\0');
  EVP_PKEY* const peer = EVP_EC_gen("P-256");
  RawGcm gcm;
  bench::Samples cold, prepared, prepare, raw_cold, raw_prepared;
  const auto salt_of = [](std::size_t i) {
    Salt salt{};
    for (std::size_t b = 0; b < 8; ++b) salt[b] = static_cast<std::uint8_t>(i >> (8 * b));
    return salt;
  };
  for (std::size_t round = 0; round < rounds; ++round) {
    raw_cold.add(rate_of(n, [&](std::size_t) {
      raw_agree(peer);
      raw_hash();
      gcm.seal(plain, sealed);
    }));
    cold.add(rate_of(n, [&](std::size_t i) {
      const OneTimeKey key = make_one_time_key(signer, to[i]).value();
      LINLI_ASSERT(encrypt(signer, key, salt_of(i), plain).has_value());
    }));
    std::vector<OneTimeKey> keys(n);
    prepare.add(
        rate_of(n, [&](std::size_t i) { keys[i] = make_one_time_key(signer, to[i]).value(); }));
    // Ten times as often, as one round of it would be over in a few milliseconds.
    raw_prepared.add(rate_of(10 * n, [&](std::size_t) {
      raw_hash();
      gcm.seal(plain, sealed);
    }));
    prepared.add(rate_of(n, [&](std::size_t i) {
      LINLI_ASSERT(encrypt(signer, keys[i], salt_of(i), plain).has_value());
    }));
  }
  EVP_PKEY_free(peer);
  using bench::Wanted;
  bench::Report report("Web Push encryption, " + std::to_string(n) + " subscriptions, one core");
  report.add({.what = "cold: fresh key, agreement, encryption",
              .value = cold.median(),
              .unit = "messages/s",
              .limit = raw_cold.median(),
              .ratio = cold.median() / raw_cold.median(),
              .goal = bench::Figure::Goal{Wanted::at_least, 11'000}});
  report.add({.what = "prepared: encryption only",
              .value = prepared.median(),
              .unit = "messages/s",
              .limit = raw_prepared.median(),
              .ratio = prepared.median() / raw_prepared.median(),
              .goal = bench::Figure::Goal{Wanted::at_least, 100'000}});
  report.add({.what = "preparing while idle", .value = prepare.median(), .unit = "keys/s"});
  report.note("rates are per second of CPU; limit = the same OpenSSL operations alone through EVP");
  report.require_calm("cold limit", raw_cold);
  report.require_calm("prepared limit", raw_prepared);
  return report.finish();
}

}  // namespace
}  // namespace linli

int main(int argc, char** argv) { return linli::run(linli::bench::parse_options(argc, argv)); }
