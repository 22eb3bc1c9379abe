// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "server/community/rows.h"

/// Shared by the files of this module.
namespace linli::community::identity {

/// Slips are valid this long unless the issuer says less (M23).
inline constexpr std::chrono::hours kInviteValid{30 * 24};
/// Wrong codes per household and in the whole community within one hour (M23).
inline constexpr int kHouseholdTriesMax = 5;
inline constexpr int kCommunityTriesMax = 100;
inline constexpr std::size_t kRolesMax = 12;
/// Reason of a revocation by the owner's own new phone: what the old one made before is still taken
/// (ENR-10). DISK: the word is stored.
inline constexpr std::string_view kReplaced = "replaced";

/// Stores a new device of `account`. Errors: conflict when the cid is known.
Result<void> add_device(MutatorContext& ctx, const std::string& account, const Json& args,
                        const char* state);
/// Refreshes what follows from an account's devices: the person's `app` count and the buckets.
Result<void> refresh_owner(MutatorContext& ctx, const std::string& account);

/// The account's new phone takes the place of `cid`. Errors: not_found, conflict (another account).
Result<void> replace_device(MutatorContext& ctx, const std::string& cid,
                            const std::string& account);

/// The owner, staff of the owner's place, or the administrator. Errors: forbidden, not_found.
Result<void> may_manage(ReadContext& ctx, const std::string& account);
/// Adds what the device last said of itself: last_contact, unsent, app, cursor {u, s}; nothing for
/// one that has never connected.
void add_contact(ReadContext& ctx, const std::string& cid, Json& item);

void declare_invites(sync::Registry& registry);
void declare_enrolment(sync::Registry& registry);
void declare_devices(sync::Registry& registry);
void declare_contacts(sync::Registry& registry);
void declare_accounts(sync::Registry& registry);
void declare_names(sync::Registry& registry);
void declare_credentials(sync::Registry& registry);

}  // namespace linli::community::identity
