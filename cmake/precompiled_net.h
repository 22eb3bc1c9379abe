// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the server and the clients read besides. Apart, as each unit that reads Asio refers to
/// objects of its library.

#include <CLI/CLI.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cmake/precompiled.h"
