// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "sync/model/types.h"
#include "sync/store/sqlite/connection.h"

namespace linli::sync::sqlite {

/// Results of one (client, lane) are a chain from the newest one back, with a second pointer to the
/// last n that is a multiple of this. DISK: never change.
///
/// Why a chain: results are appended in one place; a tree by (cid, lane, n) would touch a page per
/// mutation, and client ids are random. Why the jumps: a phone chooses the n it repeats, and the
/// writer looks it up; 10,000 numbers back are 160 jumps and at most 63 steps.
inline constexpr std::uint64_t kResultJump = 64;

/// Ids of at most `limit` stored results with n > after, the lowest ones, ascending.
/// Throws Fault(corrupt) when the chain does not go down.
std::vector<std::int64_t> find_results(Connection& connection, const Cid& cid, UpLane lane,
                                       std::uint64_t after, std::size_t limit);

}  // namespace linli::sync::sqlite
