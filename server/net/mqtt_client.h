// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"

struct mosquitto;

namespace linli::net {

/// One connection to an MQTT broker, kept up: MQTT 5 (or 3.1.1) by libmosquitto, clean sessions.
///
/// Every connection is a fresh session of the library, so nothing that was published before it is
/// sent again by itself: what has no answer when the connection ends is reported as not taken over.
/// Waits with poll() on a thread of its own: the library's own loop uses select(), which fails in a
/// process with more than 1,024 descriptors.
/// Threads: the public functions from any. Events come on the client's thread.
class MqttClient {
 public:
  struct Options {
    std::string host;
    std::uint16_t port = 1883;
    bool tls = false;
    /// PEM file of the only authority to trust; empty = those of the system.
    std::string ca_file;
    /// Empty = none.
    std::string user;
    std::string password;
    /// Must be this client's own at the broker; empty = random.
    std::string client_id;
    /// 5, or 4 for MQTT 3.1.1, whose brokers say yes also to what they then refuse.
    int protocol = 5;
    /// Waits between attempts grow from the one to the other.
    Millis retry_min{1'000};
    Millis retry_max{60'000};
  };
  struct Events {
    /// Changes only.
    std::function<void(bool up)> on_state;
    std::function<void(std::string topic, std::string payload)> on_message;
  };
  struct Publish {
    std::string topic;
    std::string payload;
    int qos = 1;
    bool retain = false;
    /// The broker forgets it after that (MQTT 5); 0 = never.
    Millis expiry{0};
    /// Exactly once. True when the broker took it over (QoS 0: when it was written).
    std::function<void(bool ok)> done;
  };
  /// Published and not yet answered.
  static constexpr std::size_t kInFlightMax = 1000;
  /// Reported and not yet consumed_message(); more are dropped and counted.
  static constexpr std::size_t kUnconsumedMax = 1000;
  /// Of a message, either way. A notice's text has 20 KiB.
  static constexpr std::size_t kPayloadBytesMax = 64 * 1024;

  MqttClient(Options options, Events events);
  /// As stop().
  ~MqttClient();
  MqttClient(const MqttClient&) = delete;
  MqttClient& operator=(const MqttClient&) = delete;

  /// Not taken over when there is no connection: it waits for none.
  void publish(Publish what);
  /// Now and after every reconnect, with QoS 1.
  void subscribe(std::string filter);
  void consumed_message() { --unconsumed_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  /// Says goodbye and ends the thread. A name lookup that hangs is waited for (the resolver's own
  /// limits).
  void stop();

 private:
  struct Free {
    void operator()(mosquitto* session) const;
  };
  enum class State { down, connecting, up };
  void run();
  void turn();
  void take_orders();
  void connect();
  bool configure();
  void drive();
  void went_up();
  void went_down(const char* why, int code);
  void publish_now(Publish what);
  void subscribe_now(const std::string& filter);
  void say_goodbye();
  int wait_ms() const;
  static void on_connect(mosquitto*, void* self, int code);
  static void on_disconnect(mosquitto*, void* self, int code);
  static void on_published(mosquitto*, void* self, int id, int reason, const void*);
  void heard(const char* topic, const void* payload, std::size_t bytes);

  // Constant after construction.
  const Options options_;
  const Events events_;
  const int wake_;
  // Owned by the thread.
  std::unique_ptr<mosquitto, Free> session_;
  State state_ = State::down;
  MonoTime next_at_{0};
  Millis retry_{0};
  int end_code_ = 0;
  std::vector<std::string> filters_;
  std::map<int, std::function<void(bool)>> in_flight_;
  // Any thread.
  std::atomic<std::size_t> unconsumed_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::deque<Publish> publishes_;
  std::deque<std::string> subscribes_;
  std::size_t open_publishes_ = 0;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace linli::net
