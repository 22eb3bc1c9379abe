// SPDX-License-Identifier: Apache-2.0
#include "server/net/openssl_signer.h"

#include <cstring>
#include <limits>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/assert.h"

namespace linli::net {
namespace {

constexpr std::size_t kScalarBytes = 32;
constexpr int kRsaBitsMin = 1024;

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  // Cleared: scalars and shared coordinates.
  void operator()(BIGNUM* p) const { BN_clear_free(p); }
  void operator()(BN_CTX* p) const { BN_CTX_free(p); }
  void operator()(EC_POINT* p) const { EC_POINT_clear_free(p); }
  void operator()(EC_GROUP* p) const { EC_GROUP_free(p); }
  void operator()(ECDSA_SIG* p) const { ECDSA_SIG_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(EVP_CIPHER* p) const { EVP_CIPHER_free(p); }
  void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }
  void operator()(OSSL_PARAM* p) const { OSSL_PARAM_free(p); }
  void operator()(OSSL_PARAM_BLD* p) const { OSSL_PARAM_BLD_free(p); }
};
template <class T>
using Ptr = std::unique_ptr<T, Free>;

std::uint8_t* writable(std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); }

/// Errors of OpenSSL say nothing that an operator could use and may quote input.
std::unexpected<Error> broken(const char* what) {
  ERR_clear_error();
  return fail(Errc::internal, std::string("openssl: ") + what);
}
std::unexpected<Error> malformed(const char* what) {
  ERR_clear_error();
  return fail(Errc::malformed, what);
}

/// The curve, immutable and shared.
const EC_GROUP* p256() {
  static const Ptr<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  LINLI_ASSERT(group != nullptr);
  return group.get();
}

/// What one calculation needs; made once per thread, as allocation would cost as much as a hash.
struct Scratch {
  Ptr<BN_CTX> bn{BN_CTX_secure_new()};
  Ptr<EC_POINT> point{EC_POINT_new(p256())};
  Ptr<EC_POINT> peer{EC_POINT_new(p256())};
  Ptr<BIGNUM> x{BN_secure_new()};
  Ptr<BIGNUM> scalar{BN_secure_new()};
  Ptr<EVP_CIPHER> aes{EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)};
  Ptr<EVP_CIPHER_CTX> cipher{EVP_CIPHER_CTX_new()};
};
Scratch& scratch() {
  thread_local Scratch mine;
  LINLI_ASSERT(mine.bn && mine.point && mine.peer && mine.x && mine.scalar && mine.aes &&
               mine.cipher);
  return mine;
}

Result<P256Point> public_point(const BIGNUM* scalar) {
  Scratch& s = scratch();
  P256Point out{};
  if (EC_POINT_mul(p256(), s.point.get(), scalar, nullptr, nullptr, s.bn.get()) != 1 ||
      EC_POINT_point2oct(p256(), s.point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(),
                         out.size(), s.bn.get()) != out.size())
    return broken("point multiplication");
  return out;
}

/// Spec: SEC 1 §3.3.1; P-256 has cofactor 1, so a point of the curve is a point of the group.
Result<Secret> shared_secret(const BIGNUM* scalar, ByteView peer) {
  Scratch& s = scratch();
  if (peer.size() != kP256PointBytes || peer[0] != POINT_CONVERSION_UNCOMPRESSED)
    return malformed("p256: not an uncompressed point");
  // Checks that the point is on the curve.
  if (EC_POINT_oct2point(p256(), s.peer.get(), peer.data(), peer.size(), s.bn.get()) != 1)
    return malformed("p256: not a point of the curve");
  std::string out(kScalarBytes, '\0');
  if (EC_POINT_mul(p256(), s.point.get(), nullptr, s.peer.get(), scalar, s.bn.get()) != 1 ||
      EC_POINT_get_affine_coordinates(p256(), s.point.get(), s.x.get(), nullptr, s.bn.get()) != 1 ||
      BN_bn2binpad(s.x.get(), writable(out), kScalarBytes) != kScalarBytes)
    return broken("key agreement");
  return Secret(std::move(out));
}

Result<Ptr<EVP_PKEY>> make_pkey(const BIGNUM* scalar, const P256Point& pub) {
  const Ptr<OSSL_PARAM_BLD> build(OSSL_PARAM_BLD_new());
  if (!build ||
      OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1,
                                      0) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, pub.data(),
                                       pub.size()) != 1)
    return broken("parameters");
  const Ptr<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(build.get()));
  const Ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1)
    return broken("key");
  return Ptr<EVP_PKEY>(key);
}

Result<std::string> digest_sign(EVP_PKEY* key, ByteView message) {
  const Ptr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) != 1)
    return broken("signature");
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), writable(out), &size, message.data(), message.size()) != 1)
    return broken("signature");
  out.resize(size);
  return out;
}

class OpensslP256Key final : public P256Key {
 public:
  static Result<std::unique_ptr<P256Key>> make(Ptr<BIGNUM> scalar) {
    BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
    if (BN_is_zero(scalar.get()) || BN_is_negative(scalar.get()) ||
        BN_cmp(scalar.get(), EC_GROUP_get0_order(p256())) >= 0)
      return malformed("p256: the private key is out of range");
    LINLI_TRY(const P256Point pub, public_point(scalar.get()));
    LINLI_TRY(Ptr<EVP_PKEY> key, make_pkey(scalar.get(), pub));
    return std::unique_ptr<P256Key>(new OpensslP256Key(std::move(scalar), std::move(key), pub));
  }

  [[nodiscard]] const P256Point& pub() const override { return pub_; }

  [[nodiscard]] Result<Es256Signature> sign(ByteView message) const override {
    LINLI_TRY(const std::string der, digest_sign(key_.get(), message));
    const auto* at = as_bytes(der).data();
    const Ptr<ECDSA_SIG> pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    Es256Signature out{};
    if (!pair ||
        BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out.data(), kScalarBytes) != kScalarBytes ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out.data() + kScalarBytes, kScalarBytes) !=
            kScalarBytes)
      return broken("signature");
    return out;
  }

  [[nodiscard]] Result<Secret> agree(ByteView peer) const override {
    return shared_secret(scalar_.get(), peer);
  }

 private:
  OpensslP256Key(Ptr<BIGNUM> scalar, Ptr<EVP_PKEY> key, const P256Point& pub)
      : scalar_(std::move(scalar)), key_(std::move(key)), pub_(pub) {}

  const Ptr<BIGNUM> scalar_;
  const Ptr<EVP_PKEY> key_;
  const P256Point pub_;
};

class OpensslRsaKey final : public RsaKey {
 public:
  explicit OpensslRsaKey(Ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  [[nodiscard]] std::size_t bits() const override {
    return static_cast<std::size_t>(EVP_PKEY_get_bits(key_.get()));
  }
  [[nodiscard]] std::string pub_der() const override {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key_.get(), &der);
    LINLI_ASSERT(size > 0);
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
  }
  [[nodiscard]] Result<std::string> sign(ByteView message) const override {
    return digest_sign(key_.get(), message);
  }

 private:
  const Ptr<EVP_PKEY> key_;
};

/// A pass phrase is never asked for.
int no_passphrase(char*, int, int, void*) { return 0; }

Ptr<EVP_PKEY> read_pem(ByteView pem) {
  if (pem.size() > std::numeric_limits<int>::max()) return nullptr;
  const Ptr<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

Result<Ptr<BIGNUM>> scalar_of_pem(ByteView pem) {
  const Ptr<EVP_PKEY> key = read_pem(pem);
  if (!key || EVP_PKEY_is_a(key.get(), "EC") != 1)
    return malformed("p256: the PEM holds no private key on a curve");
  char group[64] = {};
  if (EVP_PKEY_get_group_name(key.get(), group, sizeof group, nullptr) != 1 ||
      std::strcmp(group, SN_X9_62_prime256v1) != 0)
    return malformed("p256: the key is on another curve");
  BIGNUM* scalar = nullptr;
  if (EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, &scalar) != 1)
    return malformed("p256: the PEM holds no private key");
  return Ptr<BIGNUM>(scalar);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

}  // namespace

Result<std::unique_ptr<P256Key>> OpensslSigner::load_p256(ByteView key) const {
  if (as_text(key).find("-----BEGIN") != std::string_view::npos) {
    LINLI_TRY(Ptr<BIGNUM> scalar, scalar_of_pem(key));
    return OpensslP256Key::make(std::move(scalar));
  }
  Secret raw{std::string(as_text(key))};
  if (key.size() != kScalarBytes) {
    auto decoded = from_base64url(trimmed(as_text(key)));
    if (!decoded) return malformed("p256: neither PEM nor 32 bytes nor their base64url");
    raw = Secret(std::move(*decoded));
  }
  if (raw.view().size() != kScalarBytes) return malformed("p256: a private key has 32 bytes");
  Ptr<BIGNUM> scalar(BN_secure_new());
  if (!scalar || BN_bin2bn(raw.view().data(), kScalarBytes, scalar.get()) == nullptr)
    return broken("number");
  return OpensslP256Key::make(std::move(scalar));
}

Result<P256Share> OpensslSigner::agree_once(ByteView peer) const {
  Scratch& s = scratch();
  BIGNUM* const scalar = s.scalar.get();
  BN_set_flags(scalar, BN_FLG_CONSTTIME);
  do {
    if (BN_priv_rand_range_ex(scalar, EC_GROUP_get0_order(p256()), 0, s.bn.get()) != 1)
      return broken("randomness");
  } while (BN_is_zero(scalar));
  auto secret = shared_secret(scalar, peer);
  auto pub = secret ? public_point(scalar) : Result<P256Point>{};
  BN_clear(scalar);
  if (!secret) return std::unexpected(std::move(secret).error());
  if (!pub) return std::unexpected(std::move(pub).error());
  return P256Share{*pub, std::move(*secret)};
}

Result<std::unique_ptr<RsaKey>> OpensslSigner::load_rsa(ByteView pem) const {
  Ptr<EVP_PKEY> key = read_pem(pem);
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1)
    return malformed("rsa: the PEM holds no private RSA key");
  if (EVP_PKEY_get_bits(key.get()) < kRsaBitsMin)
    return fail(Errc::invalid_argument, "rsa: the key has fewer than 1024 bits");
  return std::make_unique<OpensslRsaKey>(std::move(key));
}

Result<void> OpensslSigner::aes128gcm_seal(std::span<const std::uint8_t, kAesKeyBytes> key,
                                           std::span<const std::uint8_t, kAesNonceBytes> nonce,
                                           ByteView plain, std::string& out) const {
  Scratch& s = scratch();
  EVP_CIPHER_CTX* const context = s.cipher.get();
  const std::size_t at = out.size();
  out.resize(at + plain.size() + kAesTagBytes);
  auto* const cipher_text = writable(out) + at;
  int size = 0;
  int rest = 0;
  const bool sealed =
      EVP_EncryptInit_ex2(context, s.aes.get(), key.data(), nonce.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(context, cipher_text, &size, plain.data(),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(context, cipher_text + size, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAesTagBytes,
                          cipher_text + plain.size()) == 1;
  if (sealed) return {};
  out.resize(at);
  return broken("aes-128-gcm");
}

}  // namespace linli::net
