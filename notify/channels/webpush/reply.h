// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/outgoing.h"
#include "notify/outcome.h"

namespace linli::notify::webpush {

/// What a push service's answer means for one message (RFC 8030 §5, §8.4; RFC 8292 §4.2).
///
/// Only 404 and 410 say that the subscription is gone. Everything else is ours (400, 401, 403, 413)
/// or the service's, and removes nobody.
/// `is_listed`: the service is one that the operator knows. What any other server answers says
/// nothing about our account: a resident may name a server of their own.
Outcome outcome_of(const CallReply& reply, bool is_listed, Instant now);

}  // namespace linli::notify::webpush
