// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/plants.h"
#include "tests/sim/server.h"

namespace linli::sim {

struct Options {
  std::uint64_t seed = 1;
  int phones = 4;
  /// Events of the storm phase.
  int steps = 150;
  Plant plant = Plant::none;
};

struct Outcome {
  std::vector<std::string> faults;
  std::uint64_t events = 0;
  std::uint64_t mutations = 0;
  std::uint64_t seqs = 0;
  Server::Rare rare{};
  /// Over every event's time and the final state: equal seeds give equal hashes.
  std::uint64_t trace = 0;
};

/// One community for some virtual minutes of storm, then calm until everybody has settled.
Outcome run(const Options& options);

}  // namespace linli::sim
