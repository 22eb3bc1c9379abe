// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sync/engine/store_port.h"

namespace linli::sim {

/// Bugs that the simulator must find: each breaks one promise from outside the engine.
enum class Plant : std::uint8_t {
  none,
  lose_client_numbers,  ///< mutation numbers are not in the transaction of the effects
  ack_before_fsync,     ///< a crash takes the last acknowledged batch
  omit_tombstones,      ///< catch-up pages carry live entries only
  skip_row,             ///< a page starts one too late
  stale_page,           ///< the page cache answers with an old complete page
  drop_live_rows,       ///< a doorbell is missed: a commit's rows do not go out
  result_after_reveal,  ///< R comes after its C
  drop_revocation,      ///< M{drop} is lost
  clone_accepted,       ///< the mutation hash is not compared
  digest_not_updated,   ///< a digest is that of before the batch
  restore_keeps_epoch,  ///< a restored backup pretends to be the same history
  members_not_stored,   ///< a membership change is only in memory
  entry_lost,           ///< half of a batch's placements are stored
  results_not_stored,   ///< a result lives only in its commit
  bulk_numbers_lost,    ///< one up-lane's numbers are not stored
  lag_skips_rows,       ///< lag mode resumes behind the last queued instead of the last sent
  floor_not_told,       ///< tombstones go without a word to the shards
  refill_ignored,       ///< a phone that found a wrong digest is not heard
};

struct PlantName {
  Plant plant;
  std::string_view name;
};
inline constexpr std::array kPlants{
    PlantName{Plant::lose_client_numbers, "lose_client_numbers"},
    PlantName{Plant::ack_before_fsync, "ack_before_fsync"},
    PlantName{Plant::omit_tombstones, "omit_tombstones"},
    PlantName{Plant::skip_row, "skip_row"},
    PlantName{Plant::stale_page, "stale_page"},
    PlantName{Plant::drop_live_rows, "drop_live_rows"},
    PlantName{Plant::result_after_reveal, "result_after_reveal"},
    PlantName{Plant::drop_revocation, "drop_revocation"},
    PlantName{Plant::clone_accepted, "clone_accepted"},
    PlantName{Plant::digest_not_updated, "digest_not_updated"},
    PlantName{Plant::restore_keeps_epoch, "restore_keeps_epoch"},
    PlantName{Plant::members_not_stored, "members_not_stored"},
    PlantName{Plant::entry_lost, "entry_lost"},
    PlantName{Plant::results_not_stored, "results_not_stored"},
    PlantName{Plant::bulk_numbers_lost, "bulk_numbers_lost"},
    PlantName{Plant::lag_skips_rows, "lag_skips_rows"},
    PlantName{Plant::floor_not_told, "floor_not_told"},
    PlantName{Plant::refill_ignored, "refill_ignored"},
};

std::optional<Plant> plant_of(std::string_view name);
/// What a buggy store would write instead of `batch`.
sync::WriteBatch spoil(Plant plant, sync::WriteBatch batch);

}  // namespace linli::sim
