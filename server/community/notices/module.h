// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "sync/engine/registry.h"

/// Notices and warnings, from the draft to the last person who has not been reached.
///
/// Rows:
/// - `notice` key id: what phones show; no expression, no author data (decision B5). Placed by
///   `to`, which is not kept. `ask` counts how often a worse colour asked for new answers.
/// - `notice_admin` key id: draft, audience expression, approvals, history; server only: expression
///   and sensitive tags reach no replica, not even the desk's (NTC-2).
/// - `notice_version` key <notice>:<rev, 6 digits>: the texts as they were submitted, sent or
///   corrected {notice, rev, what, at, by, content}; server only, the newest kVersionsMax.
/// - `notice_desk` key id: its line on the desk, with "sending n of m"; bucket staff:<community>.
/// - `notice_job` key id: the running fan-out; server only.
/// - `audience` key <notice>:<snap>:<page>: snapshot of at most kStepPersons members with the way
///   each could be reached then: {notice, snap, unit, direct, ask, members: {person:
///   app|no_app|no_channel|excluded}}.
/// - `aud` key id: one audience bucket, with the sum of its member set for reuse.
/// - `ack` key <notice>:<person>; bucket person:<person>, and care:<unit>, care:<community> when
///   help is needed; none once the notice is archived.
/// - `seen` key <notice>:<person>: server only.
/// - `reach_count` key <notice>:<unit>; buckets staff:<unit>, staff:<community>. Its states always
///   add up to `audience`.
/// - `notice_person` key person: how far recount_person has come; server only.
/// - `reach` key <notice>:<person>: the best that any channel said {state, medium, at, ask}; server
///   only.
/// - `warning` key incident: what the weather service says, its draft or notice, and what is
/// proposed   for what is out; bucket staff:<community>.
/// - `mute` key <account>:<category>; bucket user:<account>.
namespace linli::community::notices {

void declare(sync::Registry& registry);

/// Somebody told the person at the door: an acknowledgement like any other, as of captured_at().
/// `choice`: ok or help. Errors: not_found.
Result<void> told_in_person(sync::MutatorContext& ctx, const std::string& notice,
                            const std::string& person, const std::string& choice);

/// Whether the person need not be told any more, as of the question that stands now.
bool has_answered(sync::ReadContext& ctx, const std::string& notice, const std::string& person);

/// Every row of `tbl` whose key is <notice>:<person>, in the order of persons.
void each_of_notice(sync::ReadContext& ctx, const char* tbl, const std::string& notice,
                    const std::function<void(const std::string& person, const Json& row)>& use);

}  // namespace linli::community::notices
