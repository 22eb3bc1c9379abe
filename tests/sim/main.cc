// SPDX-License-Identifier: Apache-2.0
// linli_sim: the real server core and real client cores under virtual time, loss, delay, half-open
// paths, crashes on both sides, disk faults, restored backups, cloned phones, jumping clocks and
// membership churn, against a sequential model. Every failure prints the command that replays it.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "base/crypto.h"
#include "base/log.h"
#include "tests/sim/world.h"

namespace {

using linli::sim::Options;
using linli::sim::Outcome;
using linli::sim::Plant;

int report(const Options& o, const Outcome& out, std::string_view plant) {
  for (const std::string& fault : out.faults) std::printf("  %s\n", fault.c_str());
  std::printf("replay: ./dev sim --seed %llu --phones %d --steps %d%s%s\n",
              static_cast<unsigned long long>(o.seed), o.phones, o.steps,
              plant.empty() ? "" : " --plant ", std::string(plant).c_str());
  return 1;
}

/// How many seeds it took to see the planted bug; 0 = survived.
int hunt(Plant plant, std::uint64_t first, int seeds, Options o) {
  o.plant = plant;
  for (int i = 0; i < seeds; ++i) {
    o.seed = first + static_cast<std::uint64_t>(i);
    if (!linli::sim::run(o).faults.empty()) return i + 1;
  }
  return 0;
}

int hunt_all(std::uint64_t first, int seeds, const Options& o) {
  int caught = 0;
  for (const auto& p : linli::sim::kPlants) {
    const int after = hunt(p.plant, first, seeds, o);
    caught += after > 0 ? 1 : 0;
    std::printf(
        "%-22s %s\n", std::string(p.name).c_str(),
        after > 0 ? ("caught after " + std::to_string(after) + " seeds").c_str() : "SURVIVED");
  }
  std::printf("%d of %zu planted bugs caught\n", caught, linli::sim::kPlants.size());
  return caught == static_cast<int>(linli::sim::kPlants.size()) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Simulates a community of phones against a sequential model"};
  Options o;
  int seeds = 1;
  std::string plant;
  bool plants = false;
  bool twice = false;
  app.add_option("--seed", o.seed, "first seed")->capture_default_str();
  app.add_option("--seeds", seeds, "how many seeds")->capture_default_str();
  app.add_option("--phones", o.phones, "phones per community")->capture_default_str();
  app.add_option("--steps", o.steps, "events of the storm")->capture_default_str();
  app.add_option("--plant", plant, "run with this planted bug");
  app.add_flag("--plants", plants, "hunt every planted bug over --seeds seeds each");
  app.add_flag("--twice", twice, "run each seed twice and compare");
  CLI11_PARSE(app, argc, argv);
  if (!linli::crypto_init()) return 2;
  linli::set_log_level(linli::LogLevel::off);
  if (plants) return hunt_all(o.seed, seeds, o);
  if (!plant.empty()) {
    auto known = linli::sim::plant_of(plant);
    if (!known) return std::fprintf(stderr, "no such plant: %s\n", plant.c_str()), 2;
    o.plant = *known;
  }
  std::uint64_t mutations = 0;
  std::uint64_t events = 0;
  linli::sim::Server::Rare rare;
  const std::uint64_t first = o.seed;
  for (int i = 0; i < seeds; ++i) {
    o.seed = first + static_cast<std::uint64_t>(i);
    Outcome out = linli::sim::run(o);
    if (twice && linli::sim::run(o).trace != out.trace)
      out.faults.push_back("the same seed ran differently");
    if (!out.faults.empty()) {
      std::printf("seed %llu:\n", static_cast<unsigned long long>(o.seed));
      return report(o, out, plant);
    }
    mutations += out.mutations;
    events += out.events;
    rare.add(out.rare);
  }
  std::printf("%d seeds passed: %llu mutations, %llu events, 0 faults\n", seeds,
              static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(events));
  std::printf("paths of faults: %s\n", rare.text().c_str());
  return 0;
}
