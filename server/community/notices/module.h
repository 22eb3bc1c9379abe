// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/registry.h"

/// Notices and warnings, from the draft to the last person who has not been reached.
///
/// Rows:
/// - `notice` key id: what phones show; no expression, no author (decision B5). Placed by `to`.
/// - `notice_admin` key id: draft, audience, approvals, history; bucket staff:<community>.
/// - `notice_job` key id: the running fan-out, "sending n of m"; bucket staff:<community>.
/// - `audience` key <notice>:<snap>:<page>: snapshot of at most kStepPersons members with the way
///   each could be reached then: {notice, snap, unit, members: {person: app|no_app|no_channel}}.
/// - `aud` key id: one audience bucket, with the sum of its member set for reuse.
/// - `ack` key <notice>:<person>; buckets user:<account>, and the staff's when help is needed.
/// - `seen` key <notice>:<person>: server only.
/// - `reach_count` key <notice>:<unit>; buckets staff:<unit>, staff:<community>. Its states always
///   add up to `audience`.
namespace linli::community::notices {

void declare(sync::Registry& registry);

}  // namespace linli::community::notices
