// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/net/asio.h"

namespace linli::net {

/// A program that reads its input to the end, answers and ends.
struct ProgramRun {
  /// Argument vector; its first element an absolute path.
  std::vector<std::string> program;
  /// At most LineProcess::kLineBytesMax - 1 bytes; a line end is added.
  std::string input;
  /// More output ends the child.
  std::size_t output_bytes_max = 0;
  /// From the start to the end of the child.
  Millis deadline{0};
};

/// Runs it once as a LineProcess and gives its output when it ended with 0. `done` is called once,
/// on the loop, unless the loop ends before. Threads: any.
/// Errors: too_large (input or output), timed_out, internal (detail: "exit 1", "signal 11").
void run_program(asio::io_context& io, ProgramRun run,
                 std::function<void(Result<std::string>)> done);

/// `name` as an absolute path if it is one of a program that may be run, or stands in the PATH that
/// children get; otherwise empty.
std::string find_program(std::string_view name);

}  // namespace linli::net
