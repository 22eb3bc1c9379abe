// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sync/engine/registry.h"

namespace linli::community {

/// What schema/mutators.json holds: for every mutator a phone may send, its up-lane, argument
/// schema and optimistic effects (decision B9). A unit test holds the committed file to it.
Json describe_mutators(const sync::Registry& registry);

}  // namespace linli::community
