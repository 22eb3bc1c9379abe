// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "server/net/http_message.h"

namespace linli::net {

/// Spec: RFC 9457. `code` names the row of base/errc.h; `sentence` is what a person can act on.
HttpResponse problem(const Error& error, std::string_view request_id);
/// With Retry-After.
HttpResponse busy(Errc code, std::string_view request_id, int retry_after_s);

}  // namespace linli::net
