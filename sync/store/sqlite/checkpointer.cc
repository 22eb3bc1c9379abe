// SPDX-License-Identifier: Apache-2.0
#include "sync/store/sqlite/checkpointer.h"

#include "base/log.h"

namespace linli::sync::sqlite {

Checkpointer::Checkpointer(const std::string& path, const CheckpointOptions& options)
    : options_(options),
      connection_({.path = path, .cache_kib = 1024}),
      thread_([this](const std::stop_token& stop) { loop(stop); }) {}

Checkpointer::~Checkpointer() = default;

void Checkpointer::poke() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  wake_.notify_one();
}

void Checkpointer::pass(Connection& connection) {
  const std::lock_guard lock(pass_);
  connection.checkpoint_passive();
}

void Checkpointer::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, options_.interval, [this] { return wanted_; });
      wanted_ = false;
    }
    if (stop.stop_requested()) return;
    const auto done = guarded("checkpoint", [this] { pass(connection_); });
    if (!done)
      log_event(LogLevel::error, "store.checkpoint.failed", {{"why", done.error().detail}});
  }
}

}  // namespace linli::sync::sqlite
