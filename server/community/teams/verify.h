// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "server/community/teams/hours.h"

/// Walks every chain of attendance and names what does not hold (VOL-6).
namespace linli::community::teams {

struct Finding {
  /// altered, removed, inserted, reordered, signature, head, rewritten, hours; or, in `flagged`,
  /// fork, chain, gap, refused.
  std::string what;
  /// Place in the log; 0 = none.
  std::uint64_t pos = 0;
  /// Key of the row: an entry, hours, or a day.
  std::string id;
  std::string detail;
};

struct Verdict {
  std::uint64_t records = 0;
  /// History was changed on the server; by place in the log, the first first.
  std::vector<Finding> findings;
  /// What phones did that is not in order; kept, and told with the hours.
  std::vector<Finding> flagged;
};

struct VerifyOptions {
  /// Of the community's server key; without it signed heads are only compared.
  std::optional<PublicKey> server;
  std::string slug;
};

/// Cost: one signature check a mark, about 50 us; run it on a reader or a copy, never the writer.
Verdict verify_attendance(ReadContext& ctx, const VerifyOptions& options);

}  // namespace linli::community::teams
