// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "sync/engine/committer.h"
#include "sync/engine/registry.h"

namespace linli::sync {

/// What upgrade() found and did.
struct UpgradeReport {
  /// Number of the newest upgrade that was done before and is done now; 0 = none.
  int from = 0;
  int to = 0;
  /// Rows looked at; one that a step left as it was counts once for each bucket of it.
  std::size_t rows = 0;
  /// Rows whose step failed: they stay as they were, `to` stays below, and the next start tries
  /// again.
  std::vector<RowKey> refused;
};

/// Brings the rows and buckets of a community to what this program declares (UpgradeDef), a batch
/// of kUpgradeRows rows at a time, each one durable mutation of the system. A phone hears of them
/// as of any other: what moved out of its buckets goes, what moved in comes. Stopped half-way it
/// begins anew, which changes nothing about what was done.
///
/// Call after Committer::open() and before anybody is served; when `from` is not `to`, or rows were
/// refused, what was loaded from the store before is stale.
/// A community without a mutation has nothing to bring up to date and is left alone.
/// Errors: those of the store; and what it already did stays. Threads: the committer's.
Result<UpgradeReport> upgrade(const Registry& registry, Store& store, Committer& committer);

/// Rows of one step: with four changes each it fills a mutation (limits::kMutationRowsMax).
inline constexpr std::size_t kUpgradeRows = 50;

}  // namespace linli::sync
