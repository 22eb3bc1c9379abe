// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "notify/channels/http/profile.h"

namespace linli::notify::http {

/// A web hook request of a provider, e.g. a burst of receipts.
inline constexpr std::size_t kCallbackBytesMax = 1024 * 1024;

struct HookAnswer {
  CallbackReply reply;
  /// And what people wrote back.
  std::vector<Receipt> receipts;
};

/// Authenticates first (constant time), reads afterwards. `values` holds `settings`. Saying the
/// same twice gives the same receipts, and receipts are facts that only grow: a replay within the
/// window changes nothing.
/// Errors: unauthenticated (also when the operator has set no secret), method_not_allowed,
/// malformed, too_large.
Result<HookAnswer> read_callback(const HookSpec& spec, const Json& values, const Callback& request,
                                 Instant now);

}  // namespace linli::notify::http
