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

/// Rows of one page: a page holds a reader for as long as it takes, 0.1 s where a mark with its
/// signature, hashes and hours takes 0.5 ms.
inline constexpr std::size_t kVerifyPageRows = 200;
struct VerifyOptions {
  /// Of the community's server key; without it signed heads are only compared.
  std::optional<PublicKey> server;
  std::string slug;
  std::size_t page_rows = kVerifyPageRows;
};

/// Where a walk stands between two pages, which may see different states of the store. The log is
/// only ever appended to, so the walk judges the log up to its head at the first page; what came
/// later is looked at as far as it says whether somebody put it in between.
struct VerifyCursor {
  enum class Phase : std::uint8_t { log, rows, heads, devices, hours, over };

  Phase phase = Phase::log;
  /// Last key, or last hit of an index as cursor_text() has it, of the phase.
  std::string after;
  /// The log's head at the first page.
  std::optional<checkin::Head> said;
  /// The last place that was walked, as it is stored.
  checkin::Head head;
  /// Whether the place before is as it was, so that this one's link has to follow from its: what
  /// comes after a place that is gone or was swapped is not accused for it.
  bool is_before_right = true;
  /// Of the device chain: whose, the newest number, and the hashes of the entries that have it.
  std::string cid;
  std::uint32_t dseq = 0;
  std::vector<std::string> newest;
  /// Rows of this phase so far.
  std::uint64_t looked = 0;
  Verdict verdict;
};
/// As carried by whoever calls the query `attendance.verify`, and back; a text of another shape
/// starts anew.
Json to_json(const VerifyCursor& cursor);
VerifyCursor verify_cursor(const Json& json);
Json list_of(const std::vector<Finding>& findings);

/// What one walk lists of each kind; the first ones are what counts.
inline constexpr std::size_t kVerifyFindingsMax = 200;

/// Moves `cursor` over at most `page_rows` rows; over when its phase says so.
/// Cost: one signature check a mark, about 50 us; run it on a reader or a copy, never the writer.
void verify_page(ReadContext& ctx, const VerifyOptions& options, VerifyCursor& cursor);
/// All pages at once.
Verdict verify_attendance(ReadContext& ctx, const VerifyOptions& options);

}  // namespace linli::community::teams
