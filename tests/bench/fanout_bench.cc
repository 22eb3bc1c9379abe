// SPDX-License-Identifier: Apache-2.0
// What:   one 600-byte row, and bursts of 10, 40 and 100, to N connected replicas that hold its
//         bucket: from the push of the writing phone to the last receipt. Server CPU includes the
//         mutation, its commit, every ack frame that comes back and the turn that reads it.
// Limit:  a bare process that sends the very same bytes with one send() per socket and message, to
//         the same client, in turn with ours (A-B-A-B). It neither writes to disk nor hears an ack.
// Read:   the ratios of CPU; loopback send() runs the receiver's half of TCP too, so the absolute
//         figures say more about the kernel than about us.
// Usage:  fanout_bench [--quick] [--n N] [--rounds N] [--linlid PATH]
#include <cstdio>

#include "tests/bench/support/linlid.h"
#include "tests/bench/support/raw_crowd.h"
#include "tests/bench/support/seed.h"
#include "tests/bench/support/wire.h"

namespace linli::bench {
namespace {

constexpr double kRoundSecondsMax = 60;
/// Time for acks that are still on their way after the last receipt.
constexpr double kSettleSeconds = 0.3;

struct Cost {
  Samples cpu;
  Samples ms;
};

class Fanout {
 public:
  Fanout(Linlid& server, Load& phones, RawCrowd& bare, std::size_t n)
      : server_(server), phones_(phones), bare_(bare), n_(n) {}

  void round(std::size_t burst, Cost& ours, Cost& limit) {
    linlid_once(burst, ours);
    raw_once(burst, limit);
  }
  void warm_up() {
    Cost ignored;
    linlid_once(1, ignored);
    bytes_ = server_message(phones_.last_message(), false);
    raw_once(1, ignored);
  }
  [[nodiscard]] std::size_t message_bytes() const { return bytes_.size(); }

 private:
  void linlid_once(std::size_t burst, Cost& out) {
    std::vector<std::string> args;
    for (std::size_t i = 0; i < burst; ++i) args.push_back(dump_json(draft_args(next_++)));
    const std::uint64_t goal = phones_.totals().rows + burst * n_;
    const double cpu = server_.process().cpu_seconds();
    const double begin = wall_seconds();
    phones_.push(0, sync::UpLane::interactive, "notice.draft", args);
    phones_.run_until([&] { return phones_.totals().rows >= goal; }, kRoundSecondsMax, "rows");
    out.ms.add(1e3 * (wall_seconds() - begin));
    phones_.run_for(kSettleSeconds);
    out.cpu.add(server_.process().cpu_seconds() - cpu);
  }

  void raw_once(std::size_t burst, Cost& out) {
    const RawCrowd::Cost cost =
        bare_.deliver(bytes_, static_cast<std::uint32_t>(burst), kSettleSeconds);
    out.ms.add(cost.ms);
    out.cpu.add(cost.cpu_seconds);
  }

  Linlid& server_;
  Load& phones_;
  RawCrowd& bare_;
  std::size_t n_;
  std::size_t next_ = 1;
  std::string bytes_;
};

void measure(Fanout& fanout, std::size_t n, std::size_t burst, std::size_t rounds, Report& report) {
  Cost ours;
  Cost limit;
  for (std::size_t i = 0; i < rounds; ++i) fanout.round(burst, ours, limit);
  const double deliveries = static_cast<double>(n * burst);
  Samples ratios;
  const double per_million = 1e6 / deliveries;
  const std::string what = "burst of " + std::to_string(burst) + " to " + std::to_string(n);
  Figure cpu{.what = what + ", CPU",
             .value = ours.cpu.median() * per_million,
             .unit = "CPU-s/M",
             .limit = limit.cpu.median() * per_million,
             .ratio = ours.cpu.median() / limit.cpu.median(),
             .cpu_seconds = ours.cpu.median()};
  if (burst == 1) cpu.goal = {Wanted::at_most, 1.5, true};
  if (burst >= 10) cpu.goal = {Wanted::at_most, 0.3, true};
  report.add(cpu);
  report.add({.what = what + ", last receipt",
              .value = ours.ms.median(),
              .unit = "ms",
              .limit = limit.ms.median(),
              .ratio = ours.ms.median() / limit.ms.median()});
  report.require_calm("raw send, burst of " + std::to_string(burst), limit.cpu);
}

int run(const Options& options) {
  const std::size_t n = options.n != 0 ? options.n : options.quick ? 1000 : 10'000;
  const std::size_t rounds = options.rounds != 0 ? options.rounds : 5;
  const RawServer raw(send_each);
  RawCrowd bare(raw, n);
  const WorkFolder folder("fanout");
  make_community({.folder = folder.path(), .devices = n, .editors = true});
  pin_self(load_cpu());
  Linlid server({.program = options.linlid, .folder = folder.path()});
  Load phones(server.load_config());
  phones.connect(0, n);
  Fanout fanout(server, phones, bare, n);
  fanout.warm_up();
  Report report("fanout_bench: " + std::to_string(n) + " phones, message of " +
                std::to_string(fanout.message_bytes()) + " bytes, " + std::to_string(rounds) +
                " rounds in turn");
  for (const std::size_t burst : {1U, 10U, 40U, 100U}) {
    // A bare loop needs seconds for the large ones, and they scatter less.
    measure(fanout, n, burst, burst > 10 ? (rounds + 1) / 2 : rounds, report);
    phones.ping_all();
  }
  report.add({.what = "page encodes on the way",
              .value = server.metric("linli_page_misses_total"),
              .unit = "pages"});
  return report.finish();
}

}  // namespace
}  // namespace linli::bench

int main(int argc, char** argv) {
  return linli::bench::run(linli::bench::parse_options(argc, argv));
}
