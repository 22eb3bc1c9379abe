// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "checkin/codes.h"
#include "checkin/entry.h"
#include "clients/native/cli/context.h"

/// What a volunteer's and a lead's commands share: looking up keys in the synced rows, offline.
namespace linli::cli {

void add_checkin(CLI::App& app, Context& context);
void add_lead(CLI::App& app, Context& context);

/// This device's clock, unix ms.
std::int64_t now_ms();
/// Whether `key` belongs to an active lead of `team`, by this device's rows.
bool is_known_lead(client::Client& client, const std::string& team, const PublicKey& key);
/// Arguments of attendance.record for a signed entry.
Json record_args(const checkin::Entry& entry);
/// Tries to send what was recorded and says so; `result` is printed with --json.
void send_recorded(Context& context, client::Client& client, std::uint64_t mutation,
                   const std::string& text, Json result);
/// Of somebody without an account: the same name and digits in one shift are one walk-up (VOL-5).
std::string walk_up_id(std::string_view shift, std::string_view name, std::string_view last4);
/// 32 bytes; empty when this device is no lead of the shift's team.
std::string shift_key_of(client::Client& client, const std::string& shift);

}  // namespace linli::cli
