// SPDX-License-Identifier: Apache-2.0
// What:   the first sync of the native client: 10,000 rows of 600 bytes from the real server over
//         a socket into its SQLite store, digest checked, alone and 20 at once. From start() until
//         the client says that it has everything.
// Limit:  a bare process that reads the same bytes from a file and sends them, to a client that
//         only counts them.
// Read:   the server has one core, all clients together the other; what is behind the socket of
//         one client is client_apply_bench.
// Usage:  firstsync_bench [--quick] [--n ROWS] [--rounds N] [--linlid PATH]
#include <fstream>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "clients/native/client.h"
#include "tests/bench/support/linlid.h"
#include "tests/bench/support/phone.h"
#include "tests/bench/support/raw_crowd.h"
#include "tests/bench/support/seed.h"
#include "tests/bench/support/wire.h"

namespace linli::bench {
namespace {

constexpr std::size_t kAtOnce = 20;
constexpr std::size_t kMessageBytes = 64 * 1024;
constexpr Millis kSyncDeadline{60'000};

double own_cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

struct Cost {
  Samples seconds;
  Samples client_cpu;
  Samples server_cpu;
  Samples bytes;
  std::size_t row_bytes = 0;
};

std::unique_ptr<client::Client> enrolled(const std::string& store, const std::string& origin,
                                         std::size_t index) {
  auto opened = client::Client::open({.store = store});
  if (!opened) die("client: " + opened.error().detail);
  const KeyPair key = device_key(index);
  sync::Identity who;
  who.slug = kSlug;
  who.origin = origin;
  who.cid = sync::Cid{client_id_of(key.pub())};
  who.account = sync::AccountId{*Id128::parse(account_id(index))};
  who.person = person_id(index);
  who.seed = key.seed();
  if (auto done = (*opened)->adopt(who); !done) die("client: " + done.error().detail);
  return std::move(*opened);
}

/// Bytes of a row.
std::size_t check(client::Client& one, std::size_t rows) {
  const client::Status status = one.status();
  if (status.trouble) die("client: " + status.trouble->detail);
  if (status.digest_mismatches > 0 || status.filling > 0) die("a digest does not match");
  const auto found = one.rows("notice_desk");
  if (!found || found->size() != rows) die("the client does not have all rows");
  return dump_json(found->front().value).size();
}

/// `count` new clients fetch everything at the same time.
void fetch(const Linlid& server, const std::string& folder, std::size_t count, std::size_t rows,
           Cost& out) {
  static std::size_t stores = 0;
  std::vector<std::unique_ptr<client::Client>> clients;
  for (std::size_t i = 0; i < count; ++i)
    clients.push_back(
        enrolled(folder + "/store" + std::to_string(++stores), server.load_config().origin, i));
  const double bytes = server.metric("linli_sync_bytes_out_total");
  const double server_cpu = server.process().cpu_seconds();
  const double cpu = own_cpu_seconds();
  const double begin = wall_seconds();
  for (const auto& one : clients)
    if (auto started = one->start(); !started) die("client: " + started.error().detail);
  for (const auto& one : clients)
    if (one->wait_synced(kSyncDeadline) != client::SyncOutcome::synced) die("not synced");
  out.seconds.add(wall_seconds() - begin);
  out.client_cpu.add(own_cpu_seconds() - cpu);
  out.server_cpu.add(server.process().cpu_seconds() - server_cpu);
  out.bytes.add((server.metric("linli_sync_bytes_out_total") - bytes) / static_cast<double>(count));
  for (const auto& one : clients) out.row_bytes = check(*one, rows);
}

/// What the bare process does: reads message after message and sends each to all.
RawServer::Serve send_file(const std::string& path) {
  return [path](std::span<const int> sockets, std::string_view, std::uint32_t count) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    std::string piece(server_message(std::string(kMessageBytes, 'x'), false).size(), '\0');
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto at = static_cast<off_t>(i * piece.size());
      for (const int socket : sockets) {
        if (pread(file, piece.data(), piece.size(), at) != static_cast<ssize_t>(piece.size()))
          _exit(1);
        send_all(socket, piece);
      }
    }
    close(file);
  };
}

void add(Report& report, std::size_t count, std::size_t rows, const Cost& cost,
         const Samples& limit) {
  const auto all = static_cast<double>(count * rows);
  const std::string who = count == 1 ? "alone" : std::to_string(count) + " at once";
  report.add({.what = "rows applied, " + who,
              .value = all / cost.seconds.median(),
              .unit = "/s",
              .limit = all / limit.median(),
              .ratio = limit.median() / cost.seconds.median(),
              .cpu_seconds = cost.client_cpu.median(),
              .goal = Figure::Goal{Wanted::at_least, 50'000}});
  report.add({.what = "  rows per client CPU-second",
              .value = all / cost.client_cpu.median(),
              .unit = "/CPU-s",
              .cpu_seconds = cost.client_cpu.median()});
  report.add({.what = "  rows per server CPU-second",
              .value = all / cost.server_cpu.median(),
              .unit = "/CPU-s",
              .cpu_seconds = cost.server_cpu.median()});
}

int run(const Options& options) {
  set_log_level(LogLevel::warn);
  const std::size_t rows = options.n != 0 ? options.n : options.quick ? 2000 : 10'000;
  const std::size_t rounds = options.rounds != 0 ? options.rounds : options.quick ? 3 : 5;
  const WorkFolder folder("firstsync");
  const std::string stored = folder.path() + "/bytes";
  const RawServer raw_one(send_file(stored));
  const RawServer raw_many(send_file(stored));
  const RawCrowd one(raw_one, 1);
  const RawCrowd many(raw_many, kAtOnce);
  make_community({.folder = folder.path(), .devices = kAtOnce, .editors = true, .drafts = rows});
  pin_self(load_cpu());
  const Linlid server({.program = options.linlid, .folder = folder.path()});
  Cost warm_up;
  fetch(server, folder.path(), 1, rows, warm_up);
  const auto messages =
      static_cast<std::uint32_t>((warm_up.bytes.median() + kMessageBytes - 1) / kMessageBytes);
  {
    std::ofstream out(stored, std::ios::binary);
    for (std::uint32_t i = 0; i < messages; ++i)
      out << server_message(std::string(kMessageBytes, 'x'), false);
  }

  Cost alone;
  Cost crowd;
  Samples limit_alone;
  Samples limit_crowd;
  for (std::size_t i = 0; i < rounds; ++i) {
    fetch(server, folder.path(), 1, rows, alone);
    limit_alone.add(1e-3 * one.deliver({}, messages, 0.1).ms);
    fetch(server, folder.path(), kAtOnce, rows, crowd);
    limit_crowd.add(1e-3 * many.deliver({}, messages, 0.1).ms);
  }
  Report report("firstsync_bench: " + std::to_string(rows) + " rows of " +
                std::to_string(alone.row_bytes) + " bytes into the native client, " +
                std::to_string(rounds) + " rounds in turn; every digest verified");
  add(report, 1, rows, alone, limit_alone);
  add(report, kAtOnce, rows, crowd, limit_crowd);
  report.add({.what = "bytes on the wire of a row",
              .value = alone.bytes.median() / static_cast<double>(rows),
              .unit = "bytes"});
  report.add({.what = "pages read and encoded, all rounds",
              .value = server.metric("linli_community_page_misses_total"),
              .unit = "pages"});
  report.require_calm("bare read and send, 20 at once", limit_crowd);
  return report.finish();
}

}  // namespace
}  // namespace linli::bench

int main(int argc, char** argv) {
  return linli::bench::run(linli::bench::parse_options(argc, argv));
}
