// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "server/community/notices/notice.h"
#include "server/community/teams/teams.h"

/// The reminder to check out (VOL-8), by the gateway and once a person and shift.
namespace linli::community::teams {

/// Of the ids under which the gateway knows reminders; server/app asks `shift.recipients` for them.
inline constexpr std::string_view kReminderPrefix = notices::kReservedIds;
/// Not one of a notice, so nobody muted it by muting a notice's.
inline constexpr const char* kReminderCategory = "volunteer";

/// With the shift that ends at `to` (unix ms).
void schedule_reminder(MutatorContext& ctx, const std::string& shift, std::int64_t to);
/// The person has checked out: a reminder that was given out goes no further.
void end_reminder(MutatorContext& ctx, const std::string& shift, const std::string& person);

}  // namespace linli::community::teams
