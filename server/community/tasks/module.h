// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/registry.h"

/// Knocks: whom no message reached is told at the door, and until then somebody owns the task and
/// knows when it is due next (RAIN-11..13).
///
/// Row `task`, key <notice>:<person>: {kind: knock, notice, person, name, door, floor, area, unit,
/// community, line, why: ladder|parallel|by_hand, ask, state: open|no_answer|handed_on|done,
/// assignee?, owner: grid|assignee|lead|desk, tries, next_at,
/// outcomes: [{at, by, outcome, note?}]}.
/// One opened by hand has {reason, by}; without a notice its key is an id of its own.
/// Kind `post`, a sheet for a stairwell: {area, name, door, notice?, place?}; it reaches a place.
/// Kind `erasure`, for the office: {person, name, door, due_at}; see erasure.cc.
/// Rows `shelter` and `transfer`: who was brought away (RAIN-15); see transfers.cc.
/// Buckets: care:<unit>, care:<community>, and user:<assignee> of the volunteer who goes.
namespace linli::community::tasks {

void declare(sync::Registry& registry);

}  // namespace linli::community::tasks
