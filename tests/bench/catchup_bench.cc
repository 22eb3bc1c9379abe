// SPDX-License-Identifier: Apache-2.0
// What:   2,000 phones come back at once and fetch the 50 rows of 600 bytes that each missed:
//         server CPU of upgrade, sign-in (one Ed25519 signature each), pages, sends and acks.
// Beside: the same phones coming back when nothing was missed; the difference is the catch-up.
// Limit:  a bare process that sends the bytes of the same messages with one send() per phone.
// Proof:  pages read and encoded in one return, for all phones together: more phones, same number.
// Usage:  catchup_bench [--quick] [--n PHONES] [--rounds N] [--linlid PATH]
#include <algorithm>
#include <cstdio>

#include "tests/bench/support/linlid.h"
#include "tests/bench/support/raw_crowd.h"
#include "tests/bench/support/seed.h"
#include "tests/bench/support/wire.h"

namespace linli::bench {
namespace {

constexpr std::size_t kMissed = 50;
constexpr double kSettleSeconds = 0.3;
constexpr double kSecondsMax = 60;

struct Cost {
  Samples cpu;
  Samples seconds;
  Samples rows;
  Samples bytes;
  Samples encodes;
  Samples pages;
};

/// Phone 0 writes and stays; the others go and come back.
class Return {
 public:
  Return(Linlid& server, Load& phones, Load& writer, std::size_t n)
      : server_(server), phones_(phones), writer_(writer), n_(n) {}

  void round(std::size_t missed, Cost& out) {
    phones_.disconnect();
    write(missed);
    writer_.run_for(kSettleSeconds);
    const double encodes = server_.metric("linli_community_page_misses_total");
    const double hits = server_.metric("linli_community_page_hits_total");
    const auto before = phones_.totals();
    const double cpu = server_.process().cpu_seconds();
    const double begin = wall_seconds();
    phones_.connect(0, n_);
    out.seconds.add(wall_seconds() - begin);
    phones_.run_for(kSettleSeconds);
    out.cpu.add(server_.process().cpu_seconds() - cpu);
    out.rows.add(static_cast<double>(phones_.totals().rows - before.rows));
    out.bytes.add(static_cast<double>(phones_.totals().bytes - before.bytes));
    const double encoded = server_.metric("linli_community_page_misses_total") - encodes;
    out.encodes.add(encoded);
    out.pages.add(encoded + server_.metric("linli_community_page_hits_total") - hits);
    if (out.rows.median() != static_cast<double>(missed * n_))
      die("a phone came back without its rows");
  }

 private:
  void write(std::size_t missed) {
    if (missed == 0) return;
    std::vector<std::string> args;
    for (std::size_t i = 0; i < missed; ++i) args.push_back(dump_json(draft_args(next_++)));
    const std::uint64_t goal = writer_.totals().results_ok + missed;
    writer_.push(n_, sync::UpLane::interactive, "notice.draft", args);
    writer_.run_until([&] { return writer_.totals().results_ok >= goal; }, kSecondsMax, "results");
  }

  Linlid& server_;
  Load& phones_;
  Load& writer_;
  std::size_t n_;
  std::size_t next_ = 1;
};

void report_rows(Report& report, std::size_t n, const Cost& idle, const Cost& full,
                 const Samples& limit) {
  const auto rows = static_cast<double>(n * kMissed);
  const double net = full.cpu.median() - idle.cpu.median();
  report.add({.what = "rows per server CPU-second, all in",
              .value = rows / full.cpu.median(),
              .unit = "/CPU-s",
              .limit = rows / limit.median(),
              .ratio = limit.median() / full.cpu.median(),
              .cpu_seconds = full.cpu.median(),
              .goal = Figure::Goal{Wanted::at_least, 300'000}});
  report.add({.what = "rows per server CPU-second, without sign-in",
              .value = rows / net,
              .unit = "/CPU-s",
              .limit = rows / limit.median(),
              .ratio = limit.median() / net,
              .cpu_seconds = net});
  report.add({.what = "return of a phone that missed nothing",
              .value = 1e6 * idle.cpu.median() / static_cast<double>(n),
              .unit = "us CPU",
              .cpu_seconds = idle.cpu.median()});
  report.add({.what = "all caught up after", .value = full.seconds.median(), .unit = "s"});
  report.add({.what = "pages sent in one return", .value = full.pages.median(), .unit = "pages"});
  report.add(
      {.what = "  of them read and encoded", .value = full.encodes.median(), .unit = "pages"});
  report.add({.what = "bytes on the wire of a row",
              .value = (full.bytes.median() - idle.bytes.median()) / rows,
              .unit = "bytes"});
}

int run(const Options& options) {
  const std::size_t n = options.n != 0 ? options.n : options.quick ? 500 : 2000;
  const std::size_t rounds = options.rounds != 0 ? options.rounds : options.quick ? 3 : 5;
  const RawServer raw(send_each);
  const RawCrowd bare(raw, n);
  const WorkFolder folder("catchup");
  make_community({.folder = folder.path(), .devices = n + 1, .editors = true});
  pin_self(load_cpu());
  Linlid server({.program = options.linlid, .folder = folder.path()});
  Load phones(server.load_config());
  Load writer(server.load_config());
  phones.connect(0, n);
  writer.connect(n, 1);
  Return back(server, phones, writer, n);
  Cost warm_up;
  back.round(kMissed, warm_up);

  Cost idle;
  Cost full;
  Samples limit;
  for (std::size_t i = 0; i < rounds; ++i) {
    back.round(0, idle);
    back.round(kMissed, full);
    const double each = (full.bytes.median() - idle.bytes.quantile(0)) / static_cast<double>(n);
    const std::string message =
        server_message(std::string(static_cast<std::size_t>(each), 'x'), false);
    limit.add(bare.deliver(message, 1, kSettleSeconds).cpu_seconds);
  }
  Report report("catchup_bench: " + std::to_string(n) + " phones at once, " +
                std::to_string(kMissed) + " rows each, " + std::to_string(rounds) +
                " rounds in turn");
  report_rows(report, n, idle, full, limit);
  report.require_calm("raw send of the same bytes", limit);
  return report.finish();
}

}  // namespace
}  // namespace linli::bench

int main(int argc, char** argv) {
  return linli::bench::run(linli::bench::parse_options(argc, argv));
}
