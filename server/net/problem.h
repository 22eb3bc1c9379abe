// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "server/net/http_message.h"

namespace linli::net {

/// For refusals below the router, in the shape that server/http gives all others.
/// Spec: RFC 9457; `code` names the row of base/errc.h, `detail` is a sentence for people, `reason`
/// the operation's own words.
HttpResponse problem(const Error& error, std::string_view request_id);
/// With Retry-After.
HttpResponse busy(Errc code, std::string_view request_id, int retry_after_s);

}  // namespace linli::net
