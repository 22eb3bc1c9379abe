// SPDX-License-Identifier: Apache-2.0
#include "server/ws/transport.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "base/limits.h"
#include "server/net/channel.h"
#include "server/ws/framing.h"

namespace linli::ws {
namespace {

namespace asio = boost::asio;

/// A message of ours and its head.
constexpr std::size_t kPartsMax = limits::kMessageFramesMax + 1;
/// Answers to pings that wait behind a write; further pings go unanswered, as RFC 6455 §5.5.3
/// allows, so a peer that pings and does not read costs nothing more.
constexpr std::size_t kWaitingPartsMax = kPartsMax + 8;
/// One for all connections of a thread: holds what an idle loop finds on most of them, and at least
/// one TLS record.
constexpr std::size_t kReadBytes = 64 * 1024;

/// Reads of one connection before the others have their turn.
constexpr int kPiecesAtOnce = 4;

std::span<char> read_buffer() {
  thread_local std::array<char, kReadBytes> bytes;
  return bytes;
}

/// Parts of one gathered write.
class Parts {
 public:
  void add(std::string_view bytes) { parts_[size_++] = asio::buffer(bytes); }
  [[nodiscard]] std::size_t bytes() const { return asio::buffer_size(view()); }
  [[nodiscard]] std::span<const asio::const_buffer> view() const { return {parts_.data(), size_}; }
  /// Drops what was sent from the front.
  void consume(std::size_t bytes) {
    std::size_t spent = 0;
    while (spent < size_ && bytes >= parts_[spent].size()) bytes -= parts_[spent++].size();
    std::copy(parts_.begin() + static_cast<std::ptrdiff_t>(spent),
              parts_.begin() + static_cast<std::ptrdiff_t>(size_), parts_.begin());
    size_ -= spent;
    if (size_ > 0) parts_[0] += bytes;
  }

 private:
  std::array<asio::const_buffer, kPartsMax> parts_;
  std::size_t size_ = 0;
};

class SocketTransport final : public Transport,
                              public net::Poller::Waiter,
                              public std::enable_shared_from_this<SocketTransport> {
 public:
  SocketTransport(net::Poller& poller, net::Stream stream, std::string answer, bool text)
      : poller_(poller), channel_(std::move(stream)), text_(text) {
    reader_.allow(limits::kHelloMessageBytesMax);
    waiting_.push_back(std::make_shared<const std::string>(std::move(answer)));
  }

  void open(std::shared_ptr<TransportEvents> events) override;
  bool write(std::span<const Frame> frames) override;
  void allow(std::size_t message_bytes_max) override { reader_.allow(message_bytes_max); }
  void close(std::uint16_t code, std::string_view reason) override;
  void abort() override;
  void on_ready(net::Poller::Readiness ready) override;

 private:
  enum class Phase : std::uint8_t {
    open,
    /// We said close and read on for the peer's.
    closing,
    /// The peer said close: ours goes out, then the socket is closed.
    leaving,
    /// The peer broke the protocol: our close and FIN go out, the rest of its bytes is discarded,
    /// because closing over unread input would destroy our answer.
    draining,
    gone,
  };

  void begin();
  /// All that has come, within reason.
  void read(bool ends);
  /// One piece of it; what the socket waits for then.
  net::Want read_piece();
  void handle(const FrameEvent& event);
  void say(std::string frame);
  /// Sends from the front of `parts`; false when the connection broke.
  bool send(Parts& parts);
  void wait_with(std::span<const Frame> frames, std::size_t sent);
  void flush();
  void flushed();
  void report_gone();
  /// Asks to be told when the socket takes more.
  void want_write(bool wanted);

  net::Poller& poller_;
  net::Channel channel_;
  FrameReader reader_;
  std::shared_ptr<TransportEvents> events_;
  /// What the socket did not take yet, in order; `sent_` bytes of the first are out.
  std::vector<Frame> waiting_;
  std::size_t sent_ = 0;
  const bool text_;
  bool wants_write_ = false;
  /// on_written() is owed.
  bool writing_ = false;
  Phase phase_ = Phase::open;
};

void SocketTransport::open(std::shared_ptr<TransportEvents> events) {
  events_ = std::move(events);
  asio::post(poller_.get_executor(), [self = shared_from_this()] { self->begin(); });
}

void SocketTransport::begin() {
  if (phase_ == Phase::gone) return;
  if (!poller_.add(channel_.descriptor(), *this)) return abort();
  flush();
  if (phase_ != Phase::gone) events_->on_open();
}

bool SocketTransport::write(std::span<const Frame> frames) {
  LINLI_ASSERT(!writing_ && frames.size() <= limits::kMessageFramesMax);
  writing_ = true;
  if (phase_ != Phase::open) return false;
  std::size_t bytes = 0;
  for (const Frame& frame : frames) bytes += frame->size();
  const FrameHead head = frame_head(text_ ? Opcode::text : Opcode::binary, bytes);
  bytes += head.size;
  std::size_t sent = 0;
  if (waiting_.empty()) {
    Parts parts;
    parts.add(head.view());
    for (const Frame& frame : frames) parts.add(*frame);
    if (!send(parts)) return false;
    sent = bytes - parts.bytes();
  }
  writing_ = sent < bytes;
  if (!writing_) return true;
  const Frame kept = std::make_shared<const std::string>(head.view());
  wait_with({&kept, 1}, sent);
  wait_with(frames, sent - std::min(sent, head.size));
  return false;
}

bool SocketTransport::send(Parts& parts) {
  while (!parts.view().empty()) {
    const net::IoStep step = channel_.write(parts.view());
    if (step.error) {
      abort();
      return false;
    }
    parts.consume(step.bytes);
    if (step.want != net::Want::nothing) break;
  }
  return true;
}

/// Keeps `frames`, `sent` bytes of which are out.
void SocketTransport::wait_with(std::span<const Frame> frames, std::size_t sent) {
  if (waiting_.empty()) want_write(true);
  for (const Frame& frame : frames) {
    if (waiting_.empty() && sent >= frame->size()) {
      sent -= frame->size();
      continue;
    }
    if (waiting_.empty()) sent_ = sent;
    waiting_.push_back(frame);
  }
}

void SocketTransport::flush() {
  while (!waiting_.empty()) {
    Parts parts;
    const std::size_t count = std::min(waiting_.size(), kPartsMax);
    for (std::size_t i = 0; i < count; ++i)
      parts.add(std::string_view(*waiting_[i]).substr(i == 0 ? sent_ : 0));
    const std::size_t bytes = parts.bytes();
    if (!send(parts)) return;
    sent_ += bytes - parts.bytes();
    std::size_t done = 0;
    while (done < count && sent_ >= waiting_[done]->size()) sent_ -= waiting_[done++]->size();
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
    if (done < count) return want_write(true);
  }
  // An idle connection keeps no list.
  std::vector<Frame>().swap(waiting_);
  want_write(false);
  flushed();
}

void SocketTransport::want_write(bool wanted) {
  if (std::exchange(wants_write_, wanted) != wanted)
    poller_.want_write(channel_.descriptor(), wanted);
}

/// Nothing waits any more.
void SocketTransport::flushed() {
  if (phase_ == Phase::leaving) return abort();
  if (phase_ == Phase::draining) return channel_.shutdown_send();
  if (phase_ == Phase::open && std::exchange(writing_, false)) events_->on_written();
}

/// A control frame: behind what waits, never inside a message.
void SocketTransport::say(std::string frame) {
  const Frame kept = std::make_shared<const std::string>(std::move(frame));
  if (!waiting_.empty()) return waiting_.push_back(kept);
  Parts parts;
  parts.add(*kept);
  if (!send(parts)) return;
  if (parts.view().empty()) return flushed();
  wait_with({&kept, 1}, kept->size() - parts.bytes());
}

void SocketTransport::close(std::uint16_t code, std::string_view reason) {
  if (phase_ != Phase::open) return;
  LINLI_ASSERT(!writing_);
  phase_ = Phase::closing;
  reader_.skip_messages();
  say(close_frame(code, reason));
}

void SocketTransport::abort() {
  if (std::exchange(phase_, Phase::gone) == Phase::gone) return;
  if (channel_.descriptor() >= 0) poller_.remove(channel_.descriptor());
  channel_.close();
  asio::post(poller_.get_executor(), [self = shared_from_this()] { self->report_gone(); });
}

void SocketTransport::report_gone() {
  if (const auto events = std::exchange(events_, nullptr)) events->on_gone();
}

void SocketTransport::on_ready(net::Poller::Readiness ready) try {
  if (ready.writable) flush();
  // OpenSSL may want to write before it can read.
  if ((ready.readable || channel_.tls()) && phase_ != Phase::gone) read(ready.ends);
} catch (...) {
  abort();
  throw;
}

void SocketTransport::read(bool ends) {
  for (int pieces = 0; pieces < kPiecesAtOnce; ++pieces) {
    const net::Want want = read_piece();
    if (phase_ == Phase::gone) return;
    if (want == net::Want::writable) return want_write(true);
    // Empty for now; when the peer sends no more, the end is still behind it.
    if (want == net::Want::readable && !ends) return;
  }
  // The others have their turn; unread bytes are told again.
  poller_.want_write(channel_.descriptor(), wants_write_);
}

net::Want SocketTransport::read_piece() {
  const net::IoStep step = channel_.read(read_buffer());
  if (step.error) {
    abort();
    return net::Want::nothing;
  }
  std::span<char> input = read_buffer().first(step.bytes);
  while (phase_ != Phase::gone) {
    const FrameEvent event = reader_.next(input);
    if (event.kind == FrameEvent::Kind::nothing) break;
    handle(event);
  }
  return step.want;
}

void SocketTransport::handle(const FrameEvent& event) {
  switch (event.kind) {
    case FrameEvent::Kind::message: return events_->on_message(event.data, event.text);
    case FrameEvent::Kind::too_large: return events_->on_too_large();
    case FrameEvent::Kind::ping:
      if (phase_ == Phase::open && waiting_.size() < kWaitingPartsMax)
        say(control_frame(Opcode::pong, event.data));
      return;
    case FrameEvent::Kind::close:
      if (phase_ == Phase::closing) return abort();
      phase_ = Phase::leaving;
      return say(event.code == kCloseNoCode ? control_frame(Opcode::close, {})
                                            : close_frame(event.code, {}));
    case FrameEvent::Kind::violation:
      // Our own close went out before: no other may follow.
      if (phase_ == Phase::closing) return abort();
      phase_ = Phase::draining;
      say(close_frame(event.code, {}));
      return events_->on_violation();
    case FrameEvent::Kind::pong:
    case FrameEvent::Kind::nothing: return;
  }
}

}  // namespace

std::shared_ptr<Transport> make_transport(net::Poller& poller, net::Stream stream,
                                          std::string answer, bool text) {
  return std::make_shared<SocketTransport>(poller, std::move(stream), std::move(answer), text);
}

}  // namespace linli::ws
