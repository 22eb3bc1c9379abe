// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/committer.h"
#include "sync/engine/registry.h"
#include "sync/engine/server_session.h"

namespace linli::sync {

/// Turns a pushed mutation into work for the writer: hash, parsed and schema-checked
/// arguments, time
/// of the act. What does not parse comes back with `refused` set: it still consumes its number.
/// Spec:    captured_at = min(wall + off, received + unc); `unc` counts up to one day.
/// Threads: pure; costs a JSON parse, so it runs before the writer's queue.
Submission make_submission(const Registry& registry, const Principal& who, UpLane lane,
                           PushedMutation pushed, Instant received);

}  // namespace linli::sync
