// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace linli::net {

/// Named threads behind a bounded queue, for work too dear for an event loop (signatures, Argon2).
/// A full queue refuses; it never blocks the caller.
/// Threads: post() from any.
class ThreadPool {
 public:
  /// Ed25519 checks of a reconnect storm: 20,000 a second and core.
  static constexpr std::size_t kCryptoThreads = 2;
  static constexpr std::size_t kCryptoQueueMax = 4096;
  /// Argon2 takes 60 ms and 64 MiB each; more waiting would only time out (decision E8).
  static constexpr std::size_t kPasswordThreads = 2;
  static constexpr std::size_t kPasswordQueueMax = 32;
  /// Files of attachments: each task reads or syncs at most 2 MiB, and holds as much.
  static constexpr std::size_t kBlobThreads = 2;
  static constexpr std::size_t kBlobQueueMax = 64;

  ThreadPool(std::string name, std::size_t threads, std::size_t queue_max);
  /// Runs what is queued, then joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// False when the queue is full or the pool stops; `task` was not taken. A task that throws is
  /// logged and forgotten.
  [[nodiscard]] bool post(std::function<void()> task);
  /// Refuses new tasks, runs the queued ones and joins. Not from a pool thread.
  void stop();
  [[nodiscard]] std::size_t queued() const;

 private:
  void run();

  // Constant after construction.
  const std::string name_;
  const std::size_t queue_max_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  // Touched by the owner only.
  std::vector<std::thread> threads_;
};

}  // namespace linli::net
