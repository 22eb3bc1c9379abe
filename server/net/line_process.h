// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/types.h>

#include "base/clock.h"
#include "server/net/asio.h"

namespace linli::net {

/// What a LineProcess reports, on its loop. After on_ended, which comes exactly once, nothing.
struct LineProcessEvents {
  /// Without its line end.
  std::function<void(std::string line)> on_line;
  /// When set, the output is not taken for lines: pieces come as they are read, on_line never. Such
  /// a child ends by itself; whoever waits for it sets a deadline.
  std::function<void(std::string bytes)> on_bytes;
  /// `reason` is for the operator: "exit 1", "signal 9", "cannot be started: 2".
  std::function<void(std::string reason)> on_ended;
};

/// A child that speaks in lines on its standard input and output, or answers with bytes.
///
/// Started without a shell, in a process group of its own, with no descriptor of ours but the two
/// pipes, an environment of PATH and LANG only, and its standard error thrown away, because it may
/// hold what must not be logged. Whatever is left of its group is killed when it ends.
/// Threads: the public functions from any. The process ignores SIGPIPE.
class LineProcess : public std::enable_shared_from_this<LineProcess> {
 public:
  /// One line of either side: a batch of deliveries with their texts. The child is ended for more.
  static constexpr std::size_t kLineBytesMax = 1024 * 1024;
  /// Sent and not yet read by the child.
  static constexpr std::size_t kBacklogBytesMax = 4 * 1024 * 1024;
  /// Reported and not yet consumed_line(): reading pauses beyond.
  static constexpr std::size_t kUnconsumedLinesMax = 1000;
  /// From stop() to the signal that cannot be ignored.
  static constexpr Millis kTermMax{2'000};

  /// `program` is the argument vector; its first element an absolute path.
  static std::shared_ptr<LineProcess> start(asio::io_context& io, std::vector<std::string> program,
                                            LineProcessEvents events);
  ~LineProcess();

  /// False, and nothing is sent, when the child has not read enough of the earlier lines.
  [[nodiscard]] bool send(std::string line);
  void consumed_line();
  /// End of input once everything sent before is written; the child is not asked to end.
  void finish_input();
  /// End of input and SIGTERM, then SIGKILL; on_ended follows.
  void stop();

 private:
  LineProcess(asio::io_context& io, std::vector<std::string> program, LineProcessEvents events);
  void begin();
  int spawn();
  void write();
  void read();
  bool take_lines();
  void take(std::size_t bytes);
  void exited();
  void finish(std::string reason);
  void finish_if_over();
  void signal_group(int signal) const;

  // Constant after construction.
  asio::io_context& io_;
  const std::vector<std::string> program_;
  // Owned by the loop.
  LineProcessEvents events_;
  asio::posix::stream_descriptor input_;
  asio::posix::stream_descriptor output_;
  asio::posix::stream_descriptor exit_;
  asio::steady_timer deadline_;
  pid_t pid_ = -1;
  std::deque<std::string> queue_;
  std::size_t written_ = 0;
  std::string part_;
  std::string inbox_;
  std::size_t unconsumed_ = 0;
  std::string reason_;
  bool is_writing_ = false;
  bool is_input_over_ = false;
  bool is_reading_ = false;
  bool is_output_over_ = false;
  bool is_stopping_ = false;
  bool is_finished_ = false;
  // Any thread.
  std::atomic<std::size_t> backlog_{0};
};

}  // namespace linli::net
