// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "clients/native/connection.h"

namespace linli::client {

struct Loop::Impl {
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  /// By Timer.
  std::array<boost::asio::steady_timer, 3> timers{
      boost::asio::steady_timer{io}, boost::asio::steady_timer{io}, boost::asio::steady_timer{io}};
};

}  // namespace linli::client
