// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <list>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "base/log.h"
#include "server/net/asio.h"

namespace linli::net {

/// Owns the coroutines of one loop: logs what they throw, cancels them at shutdown and knows when
/// the last one ended. Nothing of ours is ever spawned `detached`.
/// Threads: the loop's. Outlives its coroutines: stop the loop before destroying the group.
class TaskGroup {
 public:
  explicit TaskGroup(const char* name) : name_(name) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  template <class Executor>
  void spawn(const Executor& executor, asio::awaitable<void> task) {
    auto at = signals_.emplace(signals_.end());
    asio::co_spawn(executor, std::move(task),
                   asio::bind_cancellation_slot(at->slot(), [this, at](std::exception_ptr failed) {
                     report(failed);
                     signals_.erase(at);
                   }));
  }

  /// Asks every coroutine to end.
  void cancel() {
    for (auto at = signals_.begin(); at != signals_.end();) {
      auto next = std::next(at);  // a coroutine that ends at once erases its signal
      at->emit(asio::cancellation_type::all);
      at = next;
    }
  }
  [[nodiscard]] std::size_t size() const { return signals_.size(); }

 private:
  void report(const std::exception_ptr& failed) const {
    if (!failed) return;
    try {
      std::rethrow_exception(failed);
    } catch (const std::exception& e) {
      log_event(LogLevel::debug, "net.task.ended", {{"group", name_}, {"what", e.what()}});
    }
  }

  const char* const name_;
  std::list<asio::cancellation_signal> signals_;
};

}  // namespace linli::net
