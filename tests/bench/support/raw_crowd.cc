// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support/raw_crowd.h"

#include <array>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/support/load.h"

namespace linli::bench {
namespace {

constexpr double kDeliverSecondsMax = 60;

struct Command {
  std::uint32_t count = 0;
  std::uint32_t size = 0;
  double settle = 0;
};

RawCrowd::Cost deliver_once(const RawServer& server, Load& load, std::size_t sockets,
                            const Command& command, std::string_view message) {
  const std::uint64_t goal = load.totals().messages + command.count * sockets;
  const double cpu = server.process().cpu_seconds();
  const double begin = wall_seconds();
  server.trigger(message, command.count);
  load.run_until([&] { return load.totals().messages >= goal; }, kDeliverSecondsMax, "messages");
  RawCrowd::Cost out{.ms = 1e3 * (wall_seconds() - begin)};
  load.run_for(command.settle);
  out.cpu_seconds = server.process().cpu_seconds() - cpu;
  return out;
}

void run_crowd(const RawServer& server, std::size_t sockets, int control) {
  Load load({.port = server.port(), .origin = {}, .raw = true});
  load.connect(0, sockets);
  const RawCrowd::Cost ready;
  send_all(control, {reinterpret_cast<const char*>(&ready), sizeof ready});
  for (Command command; read_exactly(control, &command, sizeof command);) {
    std::string message(command.size, '\0');
    if (!read_exactly(control, message.data(), message.size())) return;
    const RawCrowd::Cost cost = deliver_once(server, load, sockets, command, message);
    send_all(control, {reinterpret_cast<const char*>(&cost), sizeof cost});
  }
}

RawCrowd::Cost hear(int control) {
  RawCrowd::Cost out;
  if (!read_exactly(control, &out, sizeof out)) die("the bare receivers are gone");
  return out;
}

}  // namespace

RawCrowd::RawCrowd(const RawServer& server, std::size_t sockets) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) die("socketpair");
  control_ = pair[0];
  child_ = Child::fork(load_cpu(), [&] {
    close(pair[0]);
    run_crowd(server, sockets, pair[1]);
  });
  close(pair[1]);
  hear(control_);
}

RawCrowd::~RawCrowd() { close(control_); }

RawCrowd::Cost RawCrowd::deliver(std::string_view message, std::uint32_t count,
                                 double settle) const {
  const Command command{count, static_cast<std::uint32_t>(message.size()), settle};
  std::string out(reinterpret_cast<const char*>(&command), sizeof command);
  out.append(message);
  send_all(control_, out);
  return hear(control_);
}

}  // namespace linli::bench
