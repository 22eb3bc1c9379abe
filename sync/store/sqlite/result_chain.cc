// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/result_chain.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace linli::sync::sqlite {
namespace {

struct Link {
  std::int64_t id = 0;
  std::int64_t previous = 0;
  std::int64_t jump = 0;
  std::uint64_t n = 0;
};

/// Empty at the end of the chain: no such result, or pruned.
std::optional<Link> read_link(Connection& connection, std::int64_t id) {
  if (id == 0) return std::nullopt;
  Query q = connection.query("SELECT previous, jump, n FROM result WHERE id=?1", id);
  if (!q.step()) return std::nullopt;
  const Link link{id, q.i64(0), q.i64(1), q.u64(2)};
  if (link.previous >= id || link.jump >= id) throw Fault{{Errc::corrupt, "results form a ring"}};
  return link;
}

std::int64_t newest_result(Connection& connection, const Cid& cid, UpLane lane) {
  Query q = connection.query("SELECT r0, r1, r2 FROM client WHERE cid=?1", cid);
  return q.step() ? q.i64(static_cast<int>(index(lane))) : 0;
}

/// Jumps down from `link` while that stays at or above `n`.
Link jump_down(Connection& connection, Link link, std::uint64_t n) {
  for (;;) {
    const auto lower = read_link(connection, link.jump);
    if (!lower || lower->n < n) return link;
    link = *lower;
  }
}

}  // namespace

std::vector<std::int64_t> find_results(Connection& connection, const Cid& cid, UpLane lane,
                                       std::uint64_t after, std::size_t limit) {
  const auto newest = read_link(connection, newest_result(connection, cid, lane));
  if (!newest || newest->n <= after || limit == 0) return {};
  // What lies above after + limit is not asked for, as long as no number is missing. Numbers are
  // missing only at the lower end, pruned; then look again from there.
  for (;;) {
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - after;
    const std::uint64_t above = after + std::min<std::uint64_t>(limit, room);
    const Link start = jump_down(connection, *newest, above);
    std::vector<std::int64_t> ids;
    std::uint64_t lowest = start.n;
    for (std::optional<Link> at = start; at && at->n > after;
         at = read_link(connection, at->previous)) {
      ids.push_back(at->id);
      lowest = at->n;
    }
    if (ids.size() < limit && start.id != newest->id && lowest > after + 1) {
      after = lowest - 1;
      continue;
    }
    std::reverse(ids.begin(), ids.end());
    ids.resize(std::min(ids.size(), limit));
    return ids;
  }
}

}  // namespace linli::sync::sqlite
