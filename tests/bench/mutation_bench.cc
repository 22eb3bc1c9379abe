// SPDX-License-Identifier: Apache-2.0
// What:   durable mutations through the whole server: `notice.acknowledge` from phone to result,
//         with sockets, decoding, permission, the mutator's five rows or so, SQLite with
//         synchronous=FULL, and the commit back to the phone.
//         Grouped: many phones, each with a few on the way. Single: one phone that waits, once
//         polling (the server's time alone) and once asleep (with the waking of the load's core).
// Limit:  a bare 4 KiB write + fdatasync on the same file system, one per mutation, in turn.
// Read:   ratios; a virtual disk may acknowledge from its host's cache. The server has one core,
//         the load the other.
// Usage:  mutation_bench [--quick] [--n PHONES] [--rounds N] [--linlid PATH]
#include <fcntl.h>
#include <unistd.h>

#include "tests/bench/support/linlid.h"
#include "tests/bench/support/seed.h"

namespace linli::bench {
namespace {

constexpr std::size_t kNoticesPerRound = 10;
/// On the way from one phone; all together stay below the writer's queue.
constexpr std::size_t kAhead = 4;
constexpr std::size_t kSyncsPerRound = 100;
constexpr double kSecondsMax = 60;

class BareFile {
 public:
  explicit BareFile(const std::string& path)
      : fd_(open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600)) {}
  ~BareFile() { close(fd_); }
  BareFile(const BareFile&) = delete;
  BareFile& operator=(const BareFile&) = delete;

  void sync_once(Samples& seconds) const {
    const double begin = wall_seconds();
    if (write(fd_, page_.data(), page_.size()) < 0 || fdatasync(fd_) != 0) die("bare file");
    seconds.add(wall_seconds() - begin);
  }

 private:
  int fd_;
  std::string page_ = std::string(4096, 'x');
};

class Acknowledging {
 public:
  Acknowledging(Load& load, std::size_t phones) : load_(load), said_(phones), heard_(phones) {
    load_.on_result([this](std::size_t phone, const sync::FrameR&) { ++heard_[phone]; });
  }

  /// Every phone acknowledges the next `notices` notices.
  void together(std::size_t notices) {
    const std::size_t goal = said_.front() + notices;
    load_.run_until(
        [&] {
          std::size_t done = 0;
          for (std::size_t i = 0; i < said_.size(); ++i) {
            while (said_[i] < goal && said_[i] - heard_[i] < kAhead) say(i);
            done += heard_[i] == goal ? 1 : 0;
          }
          return done == said_.size();
        },
        kSecondsMax, "results");
    check();
  }

  void alone(std::size_t phone, Load::Wait wait, Samples& seconds) {
    const double begin = wall_seconds();
    say(phone);
    load_.run_until([&] { return heard_[phone] == said_[phone]; }, kSecondsMax, "a result", wait);
    seconds.add(wall_seconds() - begin);
    check();
  }

 private:
  void say(std::size_t phone) {
    const Json args = {
        {"notice", notice_id(said_[phone]++)}, {"person", person_id(phone)}, {"choice", "ok"}};
    load_.push(phone, sync::UpLane::alert, "notice.acknowledge", {dump_json(args)});
  }
  void check() const {
    if (load_.totals().results_bad > 0) die("refused: " + load_.totals().last_error);
  }

  Load& load_;
  std::vector<std::size_t> said_;
  std::vector<std::size_t> heard_;
};

struct Grouped {
  Samples rate;
  Samples cpu;
};

int run(const Options& options) {
  const std::size_t n = options.n != 0 ? options.n : options.quick ? 200 : 1000;
  const std::size_t rounds = options.rounds != 0 ? options.rounds : options.quick ? 3 : 5;
  const WorkFolder folder("mutation");
  make_community(
      {.folder = folder.path(), .devices = n, .notices = (rounds + 1) * kNoticesPerRound + 2});
  pin_self(load_cpu());
  Linlid server({.program = options.linlid, .folder = folder.path()});
  Load load(server.load_config());
  load.connect(0, n);
  Acknowledging phones(load, n);
  const BareFile file(folder.path() + "/bare");
  phones.together(kNoticesPerRound);  // warm-up

  Grouped grouped;
  Samples syncs;
  const double each = static_cast<double>(n * kNoticesPerRound);
  const double batches = server.metric("linli_community_batches_total");
  for (std::size_t round = 0; round < rounds; ++round) {
    const double cpu = server.process().cpu_seconds();
    const double begin = wall_seconds();
    phones.together(kNoticesPerRound);
    grouped.rate.add(each / (wall_seconds() - begin));
    grouped.cpu.add(server.process().cpu_seconds() - cpu);
    for (std::size_t i = 0; i < kSyncsPerRound; ++i) file.sync_once(syncs);
  }
  const double groups = server.metric("linli_community_batches_total") - batches;
  Samples singles;
  Samples asleep;
  Samples between;
  const double alone_batches = server.metric("linli_community_batches_total");
  const double alone_seconds = server.metric("linli_community_batch_seconds_total");
  for (std::size_t i = 0; i < std::min<std::size_t>(n, 500); ++i) {
    phones.alone(i, Load::Wait::poll, singles);
    file.sync_once(between);
    phones.alone(i, Load::Wait::sleep, asleep);
  }
  const double in_writer = (server.metric("linli_community_batch_seconds_total") - alone_seconds) /
                           (server.metric("linli_community_batches_total") - alone_batches);

  Report report("mutation_bench: notice.acknowledge by " + std::to_string(n) + " phones, " +
                std::to_string(rounds) + " rounds of " + std::to_string(n * kNoticesPerRound));
  report.add({.what = "durable mutations, " + std::to_string(kAhead) + " on the way per phone",
              .value = grouped.rate.median(),
              .unit = "/s",
              .limit = 1 / syncs.median(),
              .ratio = grouped.rate.median() * syncs.median(),
              .cpu_seconds = grouped.cpu.median(),
              .goal = Figure::Goal{Wanted::at_least, 10'000}});
  report.add(
      {.what = "server CPU of one", .value = 1e6 * grouped.cpu.median() / each, .unit = "us"});
  report.add({.what = "mutations in one transaction",
              .value = each * static_cast<double>(rounds) / groups,
              .unit = "mean"});
  report.add({.what = "single acknowledgement, p50",
              .value = 1e3 * singles.median(),
              .unit = "ms",
              .limit = 1e3 * between.median(),
              .ratio = singles.median() / between.median(),
              .goal = Figure::Goal{Wanted::at_most, 2.5, true}});
  report.add({.what = "single acknowledgement, p99",
              .value = 1e3 * singles.quantile(0.99),
              .unit = "ms",
              .limit = 1e3 * between.quantile(0.99)});
  report.add({.what = "the same when the load sleeps meanwhile, p50",
              .value = 1e3 * asleep.median(),
              .unit = "ms",
              .limit = 1e3 * between.median(),
              .ratio = asleep.median() / between.median()});
  report.add({.what = "  of it in the writer: mutator and commit",
              .value = 1e3 * in_writer,
              .unit = "ms, mean",
              .limit = 1e3 * between.median(),
              .ratio = in_writer / between.median()});
  report.require_quiet();
  report.require_calm("bare write + fdatasync", between);
  return report.finish();
}

}  // namespace
}  // namespace linli::bench

int main(int argc, char** argv) {
  return linli::bench::run(linli::bench::parse_options(argc, argv));
}
