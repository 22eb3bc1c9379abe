// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

/// Time-based one-time passwords. Spec: RFC 6238 with HMAC-SHA-1, 30 s steps, 6 digits: what every
/// authenticator app speaks.
namespace linli::auth {

inline constexpr std::size_t kTotpSecretBytes = 20;

/// Spec: RFC 4226 §5.3. `digits` 6..8.
std::string hotp(ByteView secret, std::uint64_t counter, int digits = 6);
/// 30-second step of a time after 1970.
std::uint64_t totp_step(Instant at);

/// The step that `code` belongs to: now, one before or one after, and newer than `last_step`.
/// Returns: nothing when the code is wrong, or right but of a step that was used.
std::optional<std::uint64_t> totp_match(ByteView secret, std::string_view code, Instant now,
                                        std::uint64_t last_step);

/// Spec: RFC 4648 §6 without padding; for typing a secret into an app.
std::string to_base32(ByteView bytes);
/// The link behind the QR code that authenticator apps read.
std::string totp_uri(std::string_view issuer, std::string_view account, ByteView secret);

}  // namespace linli::auth
