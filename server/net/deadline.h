// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/net/asio.h"

namespace linli::net {

template <class T>
asio::awaitable<std::optional<T>> keep_exception(asio::awaitable<T> op, std::exception_ptr& out) {
  try {
    co_return co_await std::move(op);
  } catch (...) {
    out = std::current_exception();
    co_return std::nullopt;
  }
}

/// Runs `op`; if it has not finished after `limit`, cancels it and yields nullopt.
/// Errors:  rethrows what `op` threw, at once.
/// Why:     operator|| waits for one *success*, so a bare `op || timer` turns an early throw into a
///          full-length, silent "timeout".
/// Threads: on the loop that owns op's socket. Waits for `op` to acknowledge the cancellation.
template <class T>
asio::awaitable<std::optional<T>> with_deadline(asio::awaitable<T> op,
                                                std::chrono::milliseconds limit) {
  using namespace asio::experimental::awaitable_operators;
  std::exception_ptr failed;
  asio::steady_timer timer{co_await asio::this_coro::executor, limit};
  auto first =
      co_await (keep_exception(std::move(op), failed) || timer.async_wait(asio::use_awaitable));
  if (first.index() == 1) co_return std::nullopt;
  if (failed) std::rethrow_exception(failed);
  co_return std::get<0>(std::move(first));
}

}  // namespace linli::net
