// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/rng.h"

/// RAII over libsodium. Threads: any, after crypto_init().
namespace linli {

/// Call once at start, before any other function here. Errors: internal.
Result<void> crypto_init();

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(ByteView data);

/// Incremental SHA-256, for hashing parts without joining them.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream& add(ByteView data);
  Sha256Stream& add(std::string_view data) { return add(as_bytes(data)); }
  Sha256 finish();

 private:
  alignas(8) std::array<std::uint8_t, 128> state_;
};

/// Spec: RFC 2104 with SHA-256 (FIPS 198-1); `key` of any length.
Sha256 hmac_sha256(ByteView key, ByteView data);

/// Bytes that are wiped on destruction and never printed (no stream operator, no comparison but
/// constant-time).
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) noexcept = default;
  ~Secret();
  [[nodiscard]] ByteView view() const { return as_bytes(bytes_); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  std::string bytes_;
};

/// Spec: RFC 8032 Ed25519.
using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

class KeyPair {
 public:
  static KeyPair generate(Rng& rng);
  /// `seed` is 32 bytes.
  static Result<KeyPair> from_seed(ByteView seed);

  [[nodiscard]] const PublicKey& pub() const { return pub_; }
  /// The 32-byte seed; store it sealed or with mode 0600.
  [[nodiscard]] Secret seed() const;
  [[nodiscard]] Signature sign(ByteView message) const;

 private:
  KeyPair() = default;
  PublicKey pub_{};
  Secret secret_;
};

/// False for any malformed key or signature; never throws. Cost: about 50 us.
bool verify(const PublicKey& pub, ByteView message, ByteView signature);

/// First 16 bytes of SHA-256(pub): the client id of a device key (decision M10).
Id128 client_id_of(const PublicKey& pub);

/// Keyed BLAKE2b-256 (libsodium generichash): storing codes and tokens, stateless tokens.
/// `key` is 32 bytes.
std::array<std::uint8_t, 32> keyed_hash(const Secret& key, ByteView message);
bool constant_time_equal(ByteView a, ByteView b);

/// Argon2id (RFC 9106) with libsodium's "interactive" cost (64 MiB). Cost: about 60 ms and 64 MiB,
/// so only on the password pool (decision E8). Errors: internal when memory is short.
Result<std::string> hash_passphrase(std::string_view passphrase);
bool verify_passphrase(const std::string& hash, std::string_view passphrase);

/// XChaCha20-Poly1305; output = 24-byte nonce + ciphertext. `key` is 32 bytes.
std::string seal(const Secret& key, ByteView plain, Rng& rng);
/// Errors: bad_signature when the key is wrong or bytes were changed.
Result<std::string> open_sealed(const Secret& key, ByteView sealed);

/// RFC 9562 UUIDv7 as 32 lower-case hex digits without dashes; `unix_ms` is its time part.
std::string uuid_v7(std::int64_t unix_ms, Rng& rng);

}  // namespace linli
