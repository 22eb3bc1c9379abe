// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "sync/engine/committer.h"
#include "sync/engine/registry.h"
#include "sync/engine/server_session.h"

namespace linli::sync {

/// When and how a push came.
struct Received {
  Instant at;
  /// AskMutate::clock_off.
  std::int64_t clock_off = 0;
};

/// Whether make_submission() of one of these checks signatures: then call it on the crypto pool.
bool is_verified(const Registry& registry, std::span<const PushedMutation> muts);

/// Turns a pushed mutation into work for the writer: hash, parsed and schema-checked
/// arguments, time
/// of the act. What does not parse comes back with `refused` set: it still consumes its number.
/// What a replaced phone made after its revocation comes back refused as `revoked` (ENR-10).
/// Spec:    captured_at = min(wall + off, received + unc); `unc` counts up to one day.
/// Threads: pure; costs a JSON parse and what MutatorDef::verify costs, so it runs before the
///          writer's queue.
Submission make_submission(const Registry& registry, const Principal& who, UpLane lane,
                           PushedMutation pushed, Received received);

/// The same check of what a part of this server hands in: a fault of ours is refused where somebody
/// reads of it, before a mutator looks for members that are not there.
/// Threads: pure; before the writer's queue.
void refuse_unfit(const Registry& registry, Submission& own);

}  // namespace linli::sync
