// SPDX-License-Identifier: Apache-2.0
#include "server/net/byte_stream.h"

#include <algorithm>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>

#include "server/net/tls.h"

namespace linli::net {
namespace {

/// One read; a TLS record.
constexpr std::size_t kStreamReadBytes = 16 * 1024;
/// What was queued before close() gets this long to leave.
constexpr Millis kDrainMax{1'000};
constexpr const char* kClosedByUs = "closed by us";

}  // namespace

LoopThread::LoopThread(const char* name) : work_(asio::make_work_guard(io_)) {
  thread_ = std::thread([this] { io_.run(); });
  pthread_setname_np(thread_.native_handle(), name);
}

LoopThread::~LoopThread() { stop(); }

void LoopThread::stop() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

ByteStream::ByteStream(asio::io_context& io, Target target, ByteStreamEvents events)
    : io_(io),
      target_(std::move(target)),
      events_(std::move(events)),
      resolver_(io),
      socket_(io),
      deadline_(io) {}

ByteStream::~ByteStream() = default;

std::shared_ptr<ByteStream> ByteStream::open(asio::io_context& io, Target target,
                                             ByteStreamEvents events) {
  std::shared_ptr<ByteStream> made(new ByteStream(io, std::move(target), std::move(events)));
  asio::post(io, [made] { made->begin(); });
  return made;
}

std::string ByteStream::reason_of(const char* step, const error_code& error) {
  // The name of the category and number: a message may quote a host or certificate.
  return std::string(step) + ": " + error.category().name() + " " + std::to_string(error.value());
}

void ByteStream::begin() {
  if (is_finished_) return;
  deadline_.expires_after(target_.connect_max);
  // A lookup cannot be interrupted: its late answer is ignored.
  deadline_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && !self->is_open_) self->finish("connect: took too long");
  });
  resolver_.async_resolve(target_.host, std::to_string(target_.port),
                          tcp::resolver::numeric_service,
                          [self = shared_from_this()](const error_code& error,
                                                      const tcp::resolver::results_type& found) {
                            if (self->is_finished_) return;
                            if (error) return self->finish(reason_of("resolve", error));
                            self->connect(found);
                          });
}

void ByteStream::connect(const tcp::resolver::results_type& found) {
  asio::async_connect(
      socket_, found,
      [self = shared_from_this()](const error_code& error, const tcp::endpoint& /*at*/) {
        if (self->is_finished_) return;
        if (error) return self->finish(reason_of("connect", error));
        self->handshake();
      });
}

void ByteStream::handshake() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  socket_.non_blocking(true, ignored);
  if (!target_.tls) {
    stream_.emplace(std::move(socket_));
    return opened();
  }
  auto ssl = connect_tls(static_cast<int>(socket_.native_handle()), target_.host, target_.ca_file);
  if (!ssl) return finish("tls: " + ssl.error().detail);
  stream_.emplace(std::move(socket_), std::move(*ssl));
  stream_->async_handshake([self = shared_from_this()](const error_code& error) {
    if (self->is_finished_) return;
    if (error) return self->finish(reason_of("tls", error));
    self->opened();
  });
}

void ByteStream::opened() {
  is_open_ = true;
  deadline_.cancel();
  if (events_.on_open) events_.on_open();
  write();
  read();
}

void ByteStream::send(std::string bytes) {
  if (bytes.empty()) return;
  const std::size_t size = bytes.size();
  const bool is_full = backlog_.fetch_add(size) + size > kBacklogBytesMax;
  asio::post(io_, [self = shared_from_this(), bytes = std::move(bytes), is_full]() mutable {
    if (self->is_finished_) return;
    if (is_full) return self->finish("send: the peer reads too slowly");
    self->queue_.push_back(std::move(bytes));
    self->write();
  });
}

void ByteStream::write() {
  if (!is_open_ || is_writing_ || is_finished_ || queue_.empty()) return;
  is_writing_ = true;
  const std::string& front = queue_.front();
  stream_->async_write_some(
      asio::buffer(front.data() + written_, front.size() - written_),
      [self = shared_from_this()](const error_code& error, std::size_t bytes) {
        self->is_writing_ = false;
        if (self->is_finished_) return;
        if (error) return self->finish(reason_of("send", error));
        self->written_ += bytes;
        self->backlog_ -= bytes;
        if (self->written_ == self->queue_.front().size()) {
          self->queue_.pop_front();
          self->written_ = 0;
        }
        if (self->is_closing_ && self->queue_.empty()) return self->finish(kClosedByUs);
        self->write();
      });
}

void ByteStream::consumed(std::size_t bytes) {
  asio::post(io_, [self = shared_from_this(), bytes] {
    self->unconsumed_ -= std::min(std::max(bytes, kReportCostMin), self->unconsumed_);
    self->read();
  });
}

void ByteStream::read() {
  if (!is_open_ || is_reading_ || is_finished_ || unconsumed_ >= kUnconsumedBytesMax) return;
  is_reading_ = true;
  inbox_.resize(kStreamReadBytes);
  stream_->async_read_some(asio::buffer(inbox_),
                           [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                             self->is_reading_ = false;
                             if (self->is_finished_) return;
                             if (error == asio::error::eof)
                               return self->finish("the peer closed the connection");
                             if (error) return self->finish(reason_of("receive", error));
                             self->unconsumed_ += std::max(bytes, kReportCostMin);
                             if (self->events_.on_bytes)
                               self->events_.on_bytes(self->inbox_.substr(0, bytes));
                             self->read();
                           });
}

void ByteStream::close() {
  asio::post(io_, [self = shared_from_this()] {
    if (self->is_finished_ || self->is_closing_) return;
    if (!self->is_open_ || self->queue_.empty()) return self->finish(kClosedByUs);
    self->is_closing_ = true;
    self->deadline_.expires_after(kDrainMax);
    self->deadline_.async_wait([self](const error_code& error) {
      if (!error) self->finish(kClosedByUs);
    });
  });
}

void ByteStream::finish(std::string reason) {
  if (is_finished_) return;
  is_finished_ = true;
  deadline_.cancel();
  resolver_.cancel();
  error_code ignored;
  if (stream_) stream_->close();
  socket_.close(ignored);
  // The queue stays: a write that is being cancelled still points into it.
  // The handlers may own this stream.
  const ByteStreamEvents last = std::exchange(events_, {});
  if (last.on_closed) last.on_closed(std::move(reason));
}

}  // namespace linli::net
