// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/outgoing.h"
#include "notify/outcome.h"

namespace linli::notify::smtp {

/// Enhanced status code, "5.1.1" (RFC 3463).
struct EnhancedCode {
  int status_class = 0;
  int subject = 0;
  int detail = 0;
};
/// The code at the beginning of a reply's text; nothing when there is none.
std::optional<EnhancedCode> parse_enhanced(std::string_view text);

/// What the peer's answer means for one mail (RFC 5321 §4.2, RFC 3463, RFC 5248).
///
/// Only 5.1.1, 5.1.2, 5.1.3, 5.1.6 and 5.1.10 say for certain that there is no such mailbox. A mere
/// 550 may as well be about us; the second strike decides.
Outcome outcome_of(const CallReply& reply);

}  // namespace linli::notify::smtp
