// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sync/engine/registry.h"

/// A domain module small enough to predict, for tests, the simulator and benches.
///
/// Tables: `note` {text, buckets[]} placed where it says; `count` {n} in bucket "all".
/// Mutators: note.put {id,text,buckets[]}, note.del {id}, note.fail {} (always refused:
/// wrong_state),
///           note.throw {} (poison), note.inc {id} (adds one to count/id), note.later {id, at}
///           (schedules a due row that puts note `id`), member.set {account, buckets[]} (also makes
///           the buckets; a name ending in ":u" is urgent), note.desk {} (needs elevation).
/// Query:    note.get {id}.
namespace linli::test {

void declare_notes(sync::Registry& registry);

/// Spec of a bucket by name: urgent when it ends in ":u".
sync::BucketSpec note_bucket(std::string name);

}  // namespace linli::test
