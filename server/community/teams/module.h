// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "sync/engine/registry.h"

/// Service teams, shifts, attendance and hours (VOL-1..14; bytes and rules: PROTOCOL.md §12).
///
/// Rows and the buckets they are in (staff, care: of the community):
///   team          {name, kind: team|station, area, community, what?, state: active|closed,
///                 code_hash? (stations)}                                    area:<area>:s, staff
///   station_key   {station, code}: the printed code's text                  lead, staff
///   team_member   <team>:<person> {team, person, name, role: member|lead, state: requested|
///                 active|left, keys: [{cid, pub}], asked_at,
///                 joined_at?, left_at?}          team while active, person, lead, staff
///   team_minor    <team>:<person>, of members under age only {team, person, community,
///                 consent?: {by, how, at}}                                  person, lead, care
///   shift         {team, title, place?: id, place_name?, from, to, need, is_callout,
///                 has_travel, state: open|full|
///                 closed|cancelled, yes, no}                                team, staff
///   shift_key     {team, key: base64url of 32 bytes}                        lead
///   shift_answer  <shift>:<person> {shift, team, person, name, answer: yes|no|full, at} team
///   attendance    append-only, every row a record of the log: {pos, kind, shift, team, person,
///                 by, at, ...}; kind in|out|countersign|seen: entry, cid, dseq, captured?, qr?,
///                 window?, elsewhere?, target?, refused?; kind confirm|finalise|dispute|resolve|
///                 correction|approval|claim: what was decided      person, lead, staff
///   hours         <shift>:<person>, computed from the above: {shift, team, title, person, name,
///                 day, in_at, out_at, minutes, counted,
///                 grade, flags, state: open|pending|publicised|
///                 disputed|final|corrected|void, until?,
///                 ready?, ...}               person, lead, staff
///   publicity     <shift>:<person> {team, name, day, minutes, until}        team, while 公示
///   walkup        {name, last4, team, shift, claimed_by?}                   lead, staff
///   certificate   {person, name, ...}                                       person, staff
///   attendance_log  <pos> {id, hash, link}; log_head {n, link}              server only
///   chain_head    <day> {n, link, sig, server}                              area of the community
namespace linli::community::teams {

void declare(sync::Registry& registry);

/// Upgrade 1: a `team_member` as the other members may hold it, its age and consent apart.
Result<void> split_minor(sync::MutatorContext& ctx, const std::string& key);

}  // namespace linli::community::teams
