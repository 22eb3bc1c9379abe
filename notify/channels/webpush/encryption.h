// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/result.h"
#include "base/signer.h"
#include "notify/channels/webpush/subscription.h"

/// Message encryption for Web Push (RFC 8291) in the content coding aes128gcm (RFC 8188).
namespace linli::notify::webpush {

/// Services take bodies up to 4096 bytes (RFC 8030 §7.2).
inline constexpr std::size_t kBodyBytesMax = 4096;
inline constexpr std::size_t kSaltBytes = 16;
/// Salt, record size, key length and the sender's key, then one delimiter and the tag.
inline constexpr std::size_t kOverheadBytes =
    kSaltBytes + 4 + 1 + kP256PointBytes + 1 + Signer::kAesTagBytes;
inline constexpr std::size_t kPlainBytesMax = kBodyBytesMax - kOverheadBytes;
static_assert(kPlainBytesMax == 3993);

using Salt = std::array<std::uint8_t, kSaltBytes>;

/// The part of one message that depends on the subscription alone: what is dear, and can be made
/// before there is a message. Never used twice.
struct OneTimeKey {
  P256Point sender{};
  /// Input keying material, 32 bytes (RFC 8291 §3.4).
  Secret ikm;
};

/// Errors: malformed (the subscription's key is no point of the curve); internal.
Result<OneTimeKey> make_one_time_key(const Signer& signer, const Subscription& to);
OneTimeKey one_time_key_of(const P256Share& share, const Subscription& to);

/// The whole body. `salt` is random and never repeats; `plain` has at most kPlainBytesMax bytes.
/// Errors: too_large; internal.
Result<std::string> encrypt(const Signer& signer, const OneTimeKey& key, const Salt& salt,
                            std::string_view plain);

}  // namespace linli::notify::webpush
