// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/community/rows.h"

/// Where a person is reached besides the app: the telephone numbers of the person row, and
/// `endpoint` rows for everything that somebody gave us (Web Push, WeChat, mailboxes).
///
/// Row `endpoint`, key `<person>:<16 hex digits of the address>`, server-only:
/// {person, medium, address, params?, state: ok | invalid | opted_out, at, by}.
namespace linli::community::people {

/// Subscriptions and numbers of one person: phones of a family, not of a company.
inline constexpr std::size_t kEndpointsMax = 20;

/// [{medium, address, params?}] in the order of the ladder's preference; those that were refused
/// are left out.
Json endpoints_of(ReadContext& ctx, const std::string& person, const Json& row);

void declare_endpoints(sync::Registry& registry);

}  // namespace linli::community::people
