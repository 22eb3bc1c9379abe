// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/signer.h"
#include "notify/model.h"

namespace linli::notify::webpush {

/// Longest endpoint URL that is taken; those of the known services have 150 to 400 bytes.
inline constexpr std::size_t kEndpointBytesMax = 2048;
inline constexpr std::size_t kAuthBytes = 16;

/// A browser's subscription, read from what a page told us: nothing in it is trusted.
struct Subscription {
  /// scheme://host, with the port only where it is not 443 (RFC 6454 §6.2, RFC 8292 §2).
  std::string origin;
  /// Lower case, without the port.
  std::string host;
  P256Point key{};
  std::array<std::uint8_t, kAuthBytes> auth{};
};

/// Reads the address and its parameters `p256dh` and `auth` (base64url, padding allowed).
/// Errors: malformed; the detail names the member, never its value.
Result<Subscription> parse_subscription(const Endpoint& to);

/// Whether `host` is one of `services`: a name, or "*.name" for the names below it.
bool is_listed(std::string_view host, const std::vector<std::string>& services);

}  // namespace linli::notify::webpush
