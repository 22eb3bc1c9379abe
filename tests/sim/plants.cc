// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/plants.h"

namespace linli::sim {

std::optional<Plant> plant_of(std::string_view name) {
  for (const PlantName& p : kPlants)
    if (p.name == name) return p.plant;
  return std::nullopt;
}

sync::WriteBatch spoil(Plant plant, sync::WriteBatch batch) {
  if (plant == Plant::lose_client_numbers) batch.clients.clear();
  if (plant == Plant::members_not_stored) batch.members.clear();
  if (plant == Plant::entry_lost && batch.entries.size() > 1) batch.entries.pop_back();
  if (plant == Plant::results_not_stored) batch.results.clear();
  if (plant == Plant::bulk_numbers_lost)
    for (sync::ClientWrite& client : batch.clients) client.last_n[index(sync::UpLane::bulk)] = 0;
  return batch;
}

}  // namespace linli::sim
