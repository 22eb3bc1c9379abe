// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/result.h"

/// The cryptography of Web Push, APNs, FCM and DKIM that libsodium lacks (P-256, AES-GCM, RSA), as
/// a port; server/net implements it over OpenSSL.
namespace linli {

/// A point of P-256, uncompressed: 04 || X || Y (SEC 1 §2.3.3).
inline constexpr std::size_t kP256PointBytes = 65;
using P256Point = std::array<std::uint8_t, kP256PointBytes>;
/// ECDSA with P-256 and SHA-256 as JOSE writes it: R || S (RFC 7518 §3.4, ES256).
using Es256Signature = std::array<std::uint8_t, 64>;

/// A private key on P-256. Threads: any.
class P256Key {
 public:
  virtual ~P256Key() = default;
  [[nodiscard]] virtual const P256Point& pub() const = 0;
  /// Errors: internal.
  [[nodiscard]] virtual Result<Es256Signature> sign(ByteView message) const = 0;
  /// The X coordinate of the shared point (SEC 1 §3.3.1), 32 bytes.
  /// Errors: malformed (not an uncompressed point of the curve); internal.
  [[nodiscard]] virtual Result<Secret> agree(ByteView peer) const = 0;
};

/// A private RSA key. Threads: any.
class RsaKey {
 public:
  virtual ~RsaKey() = default;
  [[nodiscard]] virtual std::size_t bits() const = 0;
  /// DER SubjectPublicKeyInfo: what a DKIM record carries in base64 (RFC 6376 §3.6.1).
  [[nodiscard]] virtual std::string pub_der() const = 0;
  /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2): DKIM's rsa-sha256, JOSE's RS256.
  /// Errors: internal.
  [[nodiscard]] virtual Result<std::string> sign(ByteView message) const = 0;
};

/// The sender's half of one key agreement whose private key is already gone.
struct P256Share {
  P256Point pub{};
  Secret secret;
};

/// Threads: any; nothing here waits.
class Signer {
 public:
  static constexpr std::size_t kAesKeyBytes = 16;
  static constexpr std::size_t kAesNonceBytes = 12;
  static constexpr std::size_t kAesTagBytes = 16;

  virtual ~Signer() = default;
  /// `key` is PEM (PKCS #8 or SEC 1), or 32 raw bytes, or those in base64url with or without white
  /// space around it.
  /// Errors: malformed; the detail never quotes the key.
  [[nodiscard]] virtual Result<std::unique_ptr<P256Key>> load_p256(ByteView key) const = 0;
  /// Agrees with a key pair made for this call only.
  /// Errors: malformed (`peer` is not an uncompressed point of the curve); internal.
  /// Cost:   one base and one variable point multiplication, about 80 us.
  [[nodiscard]] virtual Result<P256Share> agree_once(ByteView peer) const = 0;
  /// `pem` holds PKCS #8 or PKCS #1. Errors: malformed; invalid_argument
  /// below 1024 bits, which no verifier takes (RFC 8301 §3.2).
  [[nodiscard]] virtual Result<std::unique_ptr<RsaKey>> load_rsa(ByteView pem) const = 0;
  /// Appends ciphertext || tag (NIST SP 800-38D, no associated data) to `out`. Never the same nonce
  /// twice under one key. Errors: internal.
  [[nodiscard]] virtual Result<void> aes128gcm_seal(
      std::span<const std::uint8_t, kAesKeyBytes> key,
      std::span<const std::uint8_t, kAesNonceBytes> nonce, ByteView plain,
      std::string& out) const = 0;
};

}  // namespace linli
