// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkin/log.h"
#include "server/community/teams/teams.h"

/// Records of the community's log: rows `attendance`, written once (PROTOCOL.md section 12).
namespace linli::community::teams {

/// Records of one person and shift, countersigns included; a shift with 20 pauses fits.
inline constexpr std::size_t kSubjectRecordsMax = 200;

/// Places of the log have ten digits, so that keys are in order.
std::string pos_key(std::uint64_t pos);
checkin::Head head_of(ReadContext& ctx);
/// The head after record `pos`, of the stored log row; nothing when that is missing.
std::optional<checkin::Head> head_at(ReadContext& ctx, std::uint64_t pos);

/// Writes `row` as the next record under `key`, which must be new.
void append_record(MutatorContext& ctx, const std::string& key, Json row);
/// A decision of a person on hours: its id.
std::string append_decision(MutatorContext& ctx, const char* kind, const Json& hours, Json row);

struct Record {
  std::string key;
  Row row;
};
/// By place in the log; refused ones too.
std::vector<Record> records_of(ReadContext& ctx, const std::string& shift,
                               const std::string& person);

/// Due kind, key = "day": the day's head is laid down for signing, once a day.
inline constexpr std::string_view kDailyHead = "attendance.head";

}  // namespace linli::community::teams
