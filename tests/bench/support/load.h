// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/support/phone.h"
#include "tests/bench/support/socket.h"

namespace linli::bench {

struct LoadConfig {
  std::uint16_t port = 0;
  std::string path = "/";
  std::string origin;
  sync::Encoding encoding = sync::Encoding::cbor;
  bool tls = false;
  /// Only upgrades and counts messages: against a bare loop.
  bool raw = false;
  /// Connections that are on their way at once.
  std::size_t in_flight = 256;
};

/// Thousands of phones on one epoll loop, the same client against the server and a bare loop.
/// Threads: one.
class Load {
 public:
  explicit Load(LoadConfig config);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  using Totals = PhoneConfig::Totals;
  [[nodiscard]] const Totals& totals() const { return phones_.totals; }
  /// Hears every result frame.
  void on_result(std::function<void(std::size_t, const sync::FrameR&)> hear) {
    phones_.on_result = std::move(hear);
  }
  /// Hears every frame of every phone.
  void on_frame(std::function<void(std::size_t, const sync::ServerFrame&)> hear) {
    phones_.on_frame = std::move(hear);
  }
  /// Bytes of the last message of more than a few bytes, for a bare loop to send the same.
  [[nodiscard]] const std::string& last_message() const { return last_message_; }

  /// Phones `first` .. `first + count` exist and connect; returns when all are caught up (raw:
  /// open).
  void connect(std::size_t first, std::size_t count, double seconds_max = 120);
  /// Drops all sockets; phones keep what they hold.
  void disconnect();
  [[nodiscard]] Phone& phone(std::size_t index) { return links_[index].phone; }
  [[nodiscard]] std::size_t open() const { return open_; }

  void push(std::size_t index, sync::UpLane lane, std::string_view name,
            const std::vector<std::string>& args);
  /// The server closes who says nothing for 120 s.
  void ping_all();
  /// How the loop waits for its sockets. Polling keeps its core awake: what is timed then ends with
  /// the server's last byte, not with the waking of an idle core, which no phone shares with it.
  enum class Wait { sleep, poll };
  /// Runs the loop until `done()`; dies after `seconds_max` or when a socket closes.
  void run_until(const std::function<bool()>& done, double seconds_max, const char* what,
                 Wait wait = Wait::sleep);
  void run_for(double seconds);

 private:
  enum class State : std::uint8_t { closed, connecting, upgrading, open };
  struct Link {
    explicit Link(std::size_t index) : phone(index) {}
    Phone phone;
    Socket socket;
    State state = State::closed;
    bool wants_write = false;
    std::string in;
    std::string out;
  };

  void dial(std::size_t index);
  void turn(int wait_ms);
  void on_ready(std::size_t index, std::uint32_t events);
  void on_bytes(std::size_t index, std::string_view bytes);
  std::size_t consume(std::size_t index, std::string_view bytes);
  void on_upgraded(Link& link);
  void flush(std::size_t index);
  void watch(std::size_t index, bool write);
  void on_gone(std::size_t index);

  LoadConfig config_;
  PhoneConfig phones_;
  std::shared_ptr<SSL_CTX> tls_;
  int epoll_ = -1;
  std::deque<Link> links_;
  std::deque<std::size_t> to_dial_;
  std::size_t dialling_ = 0;
  std::size_t open_ = 0;
  std::size_t lost_ = 0;
  std::string upgrade_;
  std::string last_message_;
  std::vector<char> buffer_;
};

}  // namespace linli::bench
