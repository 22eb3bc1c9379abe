// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/outgoing.h"

/// What a channel's host needs of the outside, so that tests can be the outside (decision M20).
///
/// All events come from threads of the transports, in order per link. Destroying a link ends it; an
/// event that is under way then may still come.
namespace linli::app {

struct StreamTarget {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  std::string ca_file;
};
struct StreamEvents {
  std::function<void()> on_open;
  std::function<void(std::string bytes)> on_bytes;
  /// Exactly once, also when it never opened.
  std::function<void(std::string reason)> on_closed;
};
class StreamLink {
 public:
  virtual ~StreamLink() = default;
  virtual void send(std::string bytes) = 0;
  /// Reported bytes that were dealt with; the peer is slowed down until then.
  virtual void consumed(std::size_t bytes) = 0;
};

struct ProgramEvents {
  std::function<void(std::string line)> on_line;
  /// Exactly once, also when it could not be started.
  std::function<void()> on_ended;
};
class ProgramLink {
 public:
  virtual ~ProgramLink() = default;
  /// `line` without its line end. False when the program does not read fast enough.
  virtual bool send(std::string line) = 0;
  virtual void consumed_line() = 0;
};

struct BrokerEvents {
  std::function<void(bool up)> on_state;
  std::function<void(std::string topic, std::string payload)> on_message;
};
struct Publication {
  std::string topic;
  std::string payload;
  int qos = 1;
  bool retain = false;
  /// 0 = never.
  Millis expiry{0};
};
class BrokerLink {
 public:
  virtual ~BrokerLink() = default;
  /// `done` exactly once: true when the broker took it over.
  virtual void publish(Publication what, std::function<void(bool ok)> done) = 0;
  /// Again after every reconnect.
  virtual void subscribe(std::string filter) = 0;
  virtual void consumed_message() = 0;
};

/// Of one channel.
class ChannelTransports {
 public:
  using OnReply = std::function<void(CallReply)>;

  virtual ~ChannelTransports() = default;
  /// `done` exactly once.
  virtual void call(HttpCall call, OnReply done) = 0;
  virtual void call(MailCall call, OnReply done) = 0;
  /// Never null.
  virtual std::unique_ptr<StreamLink> open(StreamTarget target, StreamEvents events) = 0;
  /// Null when the channel has no program.
  virtual std::unique_ptr<ProgramLink> run_program(ProgramEvents events) = 0;
  /// Null when the channel has no broker.
  virtual std::unique_ptr<BrokerLink> connect_broker(BrokerEvents events) = 0;
};

}  // namespace linli::app
