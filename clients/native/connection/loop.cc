// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include "clients/native/connection.h"
#include "clients/native/connection/loop_impl.h"

namespace linli::client {

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;
void Loop::run() {
  impl_->io.restart();
  impl_->io.run();
}
void Loop::stop() { impl_->io.stop(); }
void Loop::post(std::function<void()> task) { boost::asio::post(impl_->io, std::move(task)); }

void Loop::call_after(Timer timer, Millis after, std::function<void()> task) {
  auto& clock = impl_->timers.at(static_cast<std::size_t>(timer));
  clock.expires_after(std::max(after, Millis{0}));
  clock.async_wait([task = std::move(task)](boost::system::error_code ec) {
    if (!ec) task();
  });
}

void Loop::cancel(Timer timer) { impl_->timers.at(static_cast<std::size_t>(timer)).cancel(); }

}  // namespace linli::client
