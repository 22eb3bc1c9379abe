// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>

#include "base/result.h"
#include "clients/native/connection.h"
#include "clients/native/url.h"

namespace linli::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

/// Longest wait for each step of opening: name, connection, TLS; the WebSocket's upgrade as well.
inline constexpr std::chrono::seconds kStepDeadline{10};

/// Errors: timed_out, bad_signature (the certificate is not trusted), otherwise unavailable; the
///         detail begins with `step`.
Error error_at(std::string_view step, const error_code& ec);

/// Up to eight buffers of a sequence, whatever its type. Those beyond are left out: a read or write
/// of "some" bytes may do so, and what Beast hands down has three to six.
template <class Buffer>
class BufferList {
 public:
  using value_type = Buffer;
  using const_iterator = const Buffer*;

  template <class Buffers>
  explicit BufferList(const Buffers& buffers) {
    const auto end = asio::buffer_sequence_end(buffers);
    for (auto at = asio::buffer_sequence_begin(buffers); at != end && count_ < all_.size(); ++at) {
      const Buffer part = *at;
      if (part.size() > 0) all_[count_++] = part;
    }
  }
  [[nodiscard]] const_iterator begin() const { return all_.data(); }
  [[nodiscard]] const_iterator end() const { return all_.data() + count_; }

 private:
  std::array<Buffer, 8> all_{};
  std::size_t count_ = 0;
};

/// Whether an executor is that of an io_context; the bits say whether it counts outstanding work.
template <class Executor>
inline constexpr bool kIsOfLoop = false;
template <class Allocator, auto kBits>
inline constexpr bool kIsOfLoop<asio::io_context::basic_executor_type<Allocator, kBits>> = true;

class Transport;

/// A connection, plain or TLS: one type, so that the WebSocket and HTTP are compiled once and know
/// nothing of TLS. What Beast passes on is hidden in one type of function; reading and writing work
/// on the caller's buffers. Models Asio's AsyncStream for handlers (no other completion tokens),
/// without cancellation of single operations: close() ends them all.
/// Threads: inside the loop; one read and one write at a time.
/// Why:     operations do not keep the stream alive; their handlers do, by what they hold.
class AnyStream {
 public:
  using executor_type = asio::io_context::executor_type;
  using Opened = std::function<void(Result<void>)>;
  using Transferred = std::move_only_function<void(error_code, std::size_t bytes)>;
  using TornDown = std::move_only_function<void(error_code)>;

  AnyStream(asio::io_context& io, const Url& url, const TlsOptions& tls);

  /// Looks the name up, connects and, for TLS, shakes hands. `done` is called once, after open()
  /// has returned, unless close() comes first.
  /// Errors: invalid_argument when the authorities cannot be read, otherwise see error_at().
  void open(Opened done);
  /// What is pending ends with operation_aborted.
  void close();

  [[nodiscard]] executor_type get_executor() const noexcept;

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    check_executor<Handler>();
    read_some(BufferList<asio::mutable_buffer>(buffers), std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    check_executor<Handler>();
    write_some(BufferList<asio::const_buffer>(buffers), std::forward<Handler>(handler));
  }

  /// What Beast finds by the names of its customization points.
  friend void beast_close_socket(AnyStream& stream) { stream.close(); }
  template <class Handler>
  friend void async_teardown(beast::role_type role, AnyStream& stream, Handler&& handler) {
    check_executor<Handler>();
    stream.tear_down(role, std::forward<Handler>(handler));
  }

 private:
  /// A handler of another executor would be called on the wrong one: its type is forgotten here.
  template <class Handler>
  static void check_executor() {
    using Its = asio::associated_executor_t<std::decay_t<Handler>, executor_type>;
    static_assert(kIsOfLoop<Its>);
  }
  void read_some(const BufferList<asio::mutable_buffer>& into, Transferred done);
  void write_some(const BufferList<asio::const_buffer>& from, Transferred done);
  void tear_down(beast::role_type role, TornDown done);

  asio::io_context* io_;
  std::shared_ptr<Transport> transport_;
};

}  // namespace linli::client
