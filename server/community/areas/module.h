// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/community/declare.h"

/// The tree every scope is cut from: 区 街道 社区 网格 院 楼 门栋.
///
/// Row `area`: {kind, parent, name, geocode?, path: [root .. itself], unit, grid, community,
/// state, zones?: [{medium, address}], polygon?: [[latitude, longitude], ...]}.
/// `zones`: what tells a place, as the gateway's channels name it.
/// `unit` is the node whose staff bucket looks after it: its grid, else its community, else empty.
/// Buckets per node: area:<id>:u, area:<id>:s; staff:<id> and care:<id> for communities and
/// grids (M17).
namespace linli::community::areas {

void declare(sync::Registry& registry);

inline std::string bucket(std::string_view area, sync::Lane lane) {
  return "area:" + std::string(area) + ":" + std::string(sync::lane_name(lane));
}
inline std::string staff_bucket(std::string_view node) { return "staff:" + std::string(node); }
/// Names and doors of people whom somebody has to go to or to look after: held by those who may
/// read the reach list by name (community.md §4), so never by an editor.
inline std::string care_bucket(std::string_view node) { return "care:" + std::string(node); }
/// Makes the buckets of a node that has staff; nothing for other nodes. For an area that is there.
void ensure_staff_buckets(MutatorContext& ctx, const std::string& node);

/// Loudspeakers and group robots of the nodes that lie wholly inside `areas`:
/// [{area, medium, address}], at most kZonesMax.
Json zones_within(ReadContext& ctx, const std::vector<std::string>& areas);
/// A street has some dozen loudspeakers.
inline constexpr std::size_t kZonesMax = 200;

/// 0 = city_district .. 6 = entrance; -1 for an unknown word.
int rank_of(std::string_view kind) noexcept;
inline constexpr int kCommunityRank = 2;
inline constexpr int kGridRank = 3;
/// Grids of one community: a notice counts each of them.
inline constexpr std::size_t kGridsMax = 150;

/// Copies what depends on the place alone (path, unit, grid, community) into another row.
void place(const Json& area, Json& row);

}  // namespace linli::community::areas
