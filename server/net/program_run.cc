// SPDX-License-Identifier: Apache-2.0
#include "server/net/program_run.h"

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "server/net/line_process.h"

namespace linli::net {
namespace {

/// Owned by the loop.
struct Running {
  Running(asio::io_context& io, std::size_t most, std::function<void(Result<std::string>)> d)
      : output_bytes_max(most), done(std::move(d)), deadline(io) {}

  void take(const std::string& bytes) {
    if (failure) return;
    if (output.size() + bytes.size() > output_bytes_max) return end({Errc::too_large, "output"});
    output += bytes;
  }
  void end(Error why) {
    failure = std::move(why);
    process->stop();
  }
  void ended(const std::string& reason) {
    deadline.cancel();
    process = nullptr;
    const auto tell = std::exchange(done, {});
    if (failure) return tell(std::unexpected(*failure));
    if (reason != "exit 0") return tell(fail(Errc::internal, reason));
    tell(std::move(output));
  }

  const std::size_t output_bytes_max;
  std::function<void(Result<std::string>)> done;
  asio::steady_timer deadline;
  std::shared_ptr<LineProcess> process;
  std::string output;
  std::optional<Error> failure;
};

bool is_program(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

void run_program(asio::io_context& io, ProgramRun run,
                 std::function<void(Result<std::string>)> done) {
  auto running = std::make_shared<Running>(io, run.output_bytes_max, std::move(done));
  asio::post(io, [&io, running, run = std::move(run)]() mutable {
    running->process = LineProcess::start(
        io, std::move(run.program),
        {.on_line = {},
         .on_bytes = [running](const std::string& bytes) { running->take(bytes); },
         .on_ended = [running](const std::string& reason) { running->ended(reason); }});
    if (!running->process->send(std::move(run.input)))
      return running->end({Errc::too_large, "input"});
    running->process->finish_input();
    running->deadline.expires_after(run.deadline);
    running->deadline.async_wait([running](const error_code& error) {
      if (!error && running->process) running->end({Errc::timed_out, "the program"});
    });
  });
}

std::string find_program(std::string_view name) {
  if (name.starts_with('/')) return is_program(std::string(name)) ? std::string(name) : "";
  if (name.empty() || name.contains('/')) return {};
  for (const char* folder : {"/usr/local/bin/", "/usr/bin/", "/bin/"})
    if (std::string path = folder + std::string(name); is_program(path)) return path;
  return {};
}

}  // namespace linli::net
