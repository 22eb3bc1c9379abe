// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "sync/store/sqlite/connection.h"

namespace linli::sync::sqlite {

struct CheckpointOptions {
  /// WAL length that wakes the thread: 8 MiB. Smaller copies the same hot pages more often, larger
  /// makes one pass and the start after a crash longer.
  int pages = 2000;
  /// A quiet community still gets its WAL copied this often.
  std::chrono::milliseconds interval{30'000};
  /// WAL length at which the writer itself copies the rest.
  /// Why: under constant load the thread never finds the end of the WAL standing still, so the file
  /// would never start over; the rest the writer has to copy is only what came since the last pass.
  int pages_hard = 8000;
};

/// Copies the WAL into the database away from the writer.
///
/// Why: a checkpoint inside a commit is what makes the slowest acknowledgement (performance.md §6).
/// Owns: a thread and a connection. Threads: poke() from any; destruction joins.
class Checkpointer {
 public:
  /// Throws when the connection cannot be opened.
  Checkpointer(const std::string& path, const CheckpointOptions& options);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  /// Asks for a pass soon; returns at once.
  void poke();

  /// A pass by the caller over its own connection, after the one that may be running: SQLite would
  /// refuse a second one, and a slow thread would leave the WAL without a bound.
  void pass(Connection& connection);

 private:
  void loop(const std::stop_token& stop);

  // Constant after construction.
  const CheckpointOptions options_;
  // Owned by the thread.
  Connection connection_;
  /// Held by whoever copies; never together with mutex_.
  std::mutex pass_;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool wanted_ = false;
  // Last, so that it starts after and stops before the rest.
  std::jthread thread_;
};

}  // namespace linli::sync::sqlite
