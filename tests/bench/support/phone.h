// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/protocol/codec.h"

namespace linli::bench {

/// The key of the `index`-th device; the seed of the data folder and the load agree on it.
KeyPair device_key(std::size_t index);

/// What all phones of a load share.
struct PhoneConfig {
  sync::Encoding encoding = sync::Encoding::cbor;
  std::string origin;
  /// Sum of what happened to all phones.
  struct Totals {
    std::size_t caught_up = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;
    /// C{lane}.
    std::uint64_t reveals = 0;
    std::uint64_t results_ok = 0;
    std::uint64_t results_bad = 0;
    std::uint64_t errors = 0;
    std::string last_error;
  };
  Totals totals{};
  std::function<void(std::size_t phone, const sync::FrameR&)> on_result;
  /// Hears every frame, before the phone takes it.
  std::function<void(std::size_t phone, const sync::ServerFrame&)> on_frame;
};

/// The least phone that keeps the protocol: knows its buckets and cursors, stores no row.
///
/// Broadcast bytes are the same for every phone, so a message equal to the one before, of whichever
/// phone, is not decoded again.
class Phone {
 public:
  explicit Phone(std::size_t index) : index_(index) {}

  /// A new socket: everything is said anew, what is held stays.
  void on_open();
  void on_closed(PhoneConfig& config);
  /// Appends what it answers, as WebSocket messages.
  void on_message(PhoneConfig& config, std::string_view message, std::string& out);
  /// Appends a push of `args` under the next numbers.
  void push(PhoneConfig& config, sync::UpLane lane, std::string_view name,
            const std::vector<std::string>& args, std::string& out);
  void ping(PhoneConfig& config, std::string& out) const;

  [[nodiscard]] bool is_caught_up() const { return caught_up_; }
  [[nodiscard]] const sync::AccountId& account() const { return account_; }
  [[nodiscard]] std::size_t buckets() const { return held_.size(); }

 private:
  struct Held {
    sync::BucketId b;
    sync::Seq gen;
    bool live = false;
  };

  void apply(PhoneConfig& config, const sync::ServerFrame& frame, std::string& out);
  void hello(PhoneConfig& config, const sync::FrameK& k, std::string& out);
  void welcome(PhoneConfig& config, const sync::FrameWelcome& frame, std::string& out);
  void reveal(const sync::FrameC& frame);
  void membership(const sync::FrameM& frame);
  void acknowledge(PhoneConfig& config, std::string& out);
  void send(PhoneConfig& config, const sync::ClientFrame& frame, std::string& out) const;

  std::size_t index_;
  bool known_ = false;
  bool caught_up_ = false;
  bool sent_set_hash_ = false;
  std::uint8_t lanes_seen_ = 0;
  std::size_t filling_ = 0;
  sync::Epoch epoch_;
  sync::AccountId account_;
  sync::Cursors cur_{};
  sync::UpNumbers res_{};
  sync::UpNumbers last_{};
  std::uint64_t rx_ = 0;
  std::uint64_t rx_acked_ = 0;
  std::vector<Held> held_;
};

}  // namespace linli::bench
