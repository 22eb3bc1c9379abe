// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/registry.h"

/// What the office has to know about the system itself: a path that pauses (decision M23), later a
/// feed, a gateway, a balance or a backup that has gone silent (decision F5).
///
/// Row `desk_alarm` key <kind> or <kind>:<subject>, bucket staff:<community>: {kind, subject?,
/// text, since, until?, cleared_at?, count, community}. It is open without `cleared_at`; `count` is
/// how often it was raised since `since`; one with `until` clears itself then. A cleared one stays
/// in sight for 30 days.
/// Kinds so far: `typed_codes_paused`.
namespace linli::community::desk {

void declare(sync::Registry& registry);

}  // namespace linli::community::desk
