// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sync/engine/registry.h"

namespace linli::admin {

struct ModelFinding {
  /// Stable word for scripts: unreadable, reference, index_missing, index_orphan, placement,
  /// unknown_table.
  std::string what;
  std::string tbl;
  std::string key;
  std::string detail;
};

/// What the store itself cannot know: every row parses, its references exist, its indexes and its
/// buckets are those that the module's functions give. At most `findings_max` are told.
/// Errors: io, corrupt.
Result<std::vector<ModelFinding>> check_model(const sync::Registry& registry,
                                              sync::StoreReader& reader,
                                              const std::vector<sync::BucketInfo>& buckets,
                                              std::size_t findings_max = 1000);

}  // namespace linli::admin
