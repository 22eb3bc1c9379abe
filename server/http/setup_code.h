// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "server/auth/server_keys.h"
#include "sync/engine/registry.h"

/// One-time codes for a staff member's first passphrase and authenticator app, or new ones after a
/// loss (decision F4). Nothing is stored: a code is a MAC over the account, the time of its
/// credential and the day of issue, so using one, or resetting again, ends all others.
namespace linli::http {

inline constexpr int kSetupCodeDays = 7;

/// `XXXX-XXXX-XXXX-XXXX`. `credential_at` is member `at` of the credential row, 0 when none.
std::string setup_code(const auth::ServerKeys& keys, std::string_view account,
                       std::int64_t credential_at, Instant now);
/// Small letters, blanks and missing dashes are fine. Constant time for each day.
bool is_setup_code(const auth::ServerKeys& keys, std::string_view account,
                   std::int64_t credential_at, Instant now, std::string_view code);
/// Member `at` of the account's credential row, 0 when none.
std::int64_t credential_at(sync::ReadContext& ctx, std::string_view account);

}  // namespace linli::http
