// SPDX-License-Identifier: Apache-2.0
#include "server/net/mqtt_client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/rng.h"

namespace linli::net {
namespace {

/// TCP, TLS and CONNACK together.
constexpr Millis kConnectMax{8'000};
/// A half-open connection is noticed after one and a half of it.
constexpr int kKeepAliveSeconds = 20;
/// The library's own clocks (keep-alive) want a turn that often.
constexpr int kTurnMs = 1'000;
/// Time for the last bytes to leave at stop().
constexpr Millis kGoodbyeMax{500};
constexpr int kPacketsPerTurn = 100;
/// MQTT 5 reason codes from here on are refusals.
constexpr int kRefusal = 0x80;

MonoTime mono_now() {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string random_id() {
  std::array<std::uint8_t, 8> bytes{};
  SystemRng().fill(bytes);
  return "linli-" + to_hex(bytes);
}

void initialize_library() {
  static const bool is_ready = mosquitto_lib_init() == MOSQ_ERR_SUCCESS;
  LINLI_ASSERT(is_ready);
}

}  // namespace

void MqttClient::Free::operator()(mosquitto* session) const { mosquitto_destroy(session); }

MqttClient::MqttClient(Options options, Events events)
    : options_(std::move(options)),
      events_(std::move(events)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  LINLI_ASSERT(wake_ >= 0);
  initialize_library();
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "mqtt");
}

MqttClient::~MqttClient() {
  stop();
  ::close(wake_);
}

void MqttClient::publish(Publish what) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_stopping_ && open_publishes_ < kInFlightMax &&
        what.payload.size() <= kPayloadBytesMax) {
      ++open_publishes_;
      what.done = [this, done = std::move(what.done)](bool ok) {
        {
          const std::lock_guard inner(mutex_);
          --open_publishes_;
        }
        done(ok);
      };
      publishes_.push_back(std::move(what));
      const std::uint64_t one = 1;
      ignore(::write(wake_, &one, sizeof one), "a full counter wakes as well");
      return;
    }
  }
  what.done(false);
}

void MqttClient::subscribe(std::string filter) {
  const std::lock_guard lock(mutex_);
  subscribes_.push_back(std::move(filter));
  const std::uint64_t one = 1;
  ignore(::write(wake_, &one, sizeof one), "a full counter wakes as well");
}

void MqttClient::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    const std::uint64_t one = 1;
    ignore(::write(wake_, &one, sizeof one), "a full counter wakes as well");
  }
  if (thread_.joinable()) thread_.join();
}

void MqttClient::run() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (is_stopping_) break;
    }
    take_orders();
    turn();
  }
  take_orders();
  say_goodbye();
  went_down("stopped", 0);
}

void MqttClient::take_orders() {
  std::deque<Publish> publishes;
  std::deque<std::string> subscribes;
  {
    const std::lock_guard lock(mutex_);
    publishes.swap(publishes_);
    subscribes.swap(subscribes_);
  }
  for (std::string& filter : subscribes) {
    if (std::ranges::find(filters_, filter) != filters_.end()) continue;
    if (state_ == State::up) subscribe_now(filter);
    filters_.push_back(std::move(filter));
  }
  for (Publish& what : publishes) publish_now(std::move(what));
}

int MqttClient::wait_ms() const {
  if (session_ && state_ == State::up) return kTurnMs;
  const Millis left = std::clamp(next_at_ - mono_now(), Millis{0}, Millis{kTurnMs});
  return static_cast<int>(left.count());
}

void MqttClient::turn() {
  if (!session_ && mono_now() >= next_at_) connect();
  std::array<pollfd, 2> on{{{wake_, POLLIN, 0}, {-1, POLLIN, 0}}};
  if (session_) {
    on[1].fd = mosquitto_socket(session_.get());
    if (mosquitto_want_write(session_.get())) on[1].events |= POLLOUT;
  }
  ::poll(on.data(), on.size(), wait_ms());
  std::uint64_t count = 0;
  if (on[0].revents != 0) ignore(::read(wake_, &count, sizeof count), "only resets the counter");
  // The library takes a refused TCP connection under TLS for one that is still pending.
  const bool is_broken = (on[1].revents & (POLLERR | POLLHUP)) != 0;
  if (session_ && state_ == State::connecting && is_broken) went_down("connect", MOSQ_ERR_ERRNO);
  if (session_) drive();
  if (session_ && state_ == State::connecting && mono_now() >= next_at_)
    went_down("connect took too long", 0);
}

/// Reads, writes and keeps alive; the callbacks run inside.
void MqttClient::drive() {
  mosquitto* const session = session_.get();
  int code = mosquitto_loop_read(session, kPacketsPerTurn);
  if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_write(session, kPacketsPerTurn);
  if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_misc(session);
  if (code == MOSQ_ERR_SUCCESS && end_code_ != 0) code = end_code_;
  if (code == MOSQ_ERR_SUCCESS && mosquitto_socket(session) < 0) code = MOSQ_ERR_CONN_LOST;
  if (code != MOSQ_ERR_SUCCESS) went_down("connection ended", code);
}

bool MqttClient::configure() {
  mosquitto* const session = session_.get();
  const bool is_v5 = options_.protocol >= 5;
  bool ok = mosquitto_int_option(session, MOSQ_OPT_PROTOCOL_VERSION,
                                 is_v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311) == 0;
  if (!options_.user.empty())
    ok = ok &&
         mosquitto_username_pw_set(session, options_.user.c_str(), options_.password.c_str()) == 0;
  if (options_.tls) {
    // The library verifies the chain and the name, TLS >= 1.2.
    ok = ok && (options_.ca_file.empty()
                    ? mosquitto_int_option(session, MOSQ_OPT_TLS_USE_OS_CERTS, 1) == 0
                    : mosquitto_tls_set(session, options_.ca_file.c_str(), nullptr, nullptr,
                                        nullptr, nullptr) == 0);
  }
  mosquitto_max_inflight_messages_set(session, 20);
  mosquitto_connect_callback_set(session, &MqttClient::on_connect);
  mosquitto_disconnect_callback_set(session, &MqttClient::on_disconnect);
  mosquitto_publish_v5_callback_set(
      session, [](mosquitto* from, void* self, int id, int reason, const mosquitto_property* more) {
        on_published(from, self, id, reason, more);
      });
  mosquitto_message_callback_set(
      session, [](mosquitto*, void* self, const mosquitto_message* message) {
        static_cast<MqttClient*>(self)->heard(message->topic, message->payload,
                                              static_cast<std::size_t>(message->payloadlen));
      });
  return ok;
}

void MqttClient::connect() {
  const std::string id = options_.client_id.empty() ? random_id() : options_.client_id;
  session_.reset(mosquitto_new(id.c_str(), true, this));
  LINLI_ASSERT(session_ != nullptr);
  end_code_ = 0;
  state_ = State::connecting;
  next_at_ = mono_now() + kConnectMax;
  if (!configure()) return went_down("bad settings", 0);
  const int code = mosquitto_connect_async(session_.get(), options_.host.c_str(), options_.port,
                                           kKeepAliveSeconds);
  // A pending TCP connection is negative.
  if (code > 0 || mosquitto_socket(session_.get()) < 0) went_down("connect", code);
}

void MqttClient::on_connect(mosquitto*, void* self, int code) {
  auto& client = *static_cast<MqttClient*>(self);
  if (code == 0) return client.went_up();
  client.end_code_ = MOSQ_ERR_CONN_REFUSED;
  log_event(LogLevel::warn, "net.mqtt.refused", {{"code", code}});
}

void MqttClient::on_disconnect(mosquitto*, void* self, int code) {
  static_cast<MqttClient*>(self)->end_code_ = code == 0 ? MOSQ_ERR_CONN_LOST : code;
}

void MqttClient::went_up() {
  state_ = State::up;
  retry_ = Millis{0};
  for (const std::string& filter : filters_) subscribe_now(filter);
  if (events_.on_state) events_.on_state(true);
}

void MqttClient::went_down(const char* why, int code) {
  const bool was_up = std::exchange(state_, State::down) == State::up;
  session_.reset();
  for (auto& [id, done] : std::exchange(in_flight_, {})) done(false);
  retry_ = std::clamp(retry_ * 2, options_.retry_min, options_.retry_max);
  // Many channels of one broker that restarts do not come back in one moment.
  const auto spread = static_cast<std::uint64_t>(retry_.count()) / 4 + 1;
  next_at_ = mono_now() + retry_ + Millis{static_cast<std::int64_t>(SystemRng().below(spread))};
  log_event(was_up ? LogLevel::warn : LogLevel::info, "net.mqtt.down",
            {{"why", why}, {"code", code}});
  if (was_up && events_.on_state) events_.on_state(false);
}

void MqttClient::subscribe_now(const std::string& filter) {
  if (const int code = mosquitto_subscribe(session_.get(), nullptr, filter.c_str(), 1); code != 0)
    log_event(LogLevel::error, "net.mqtt.subscribe", {{"code", code}});
}

void MqttClient::publish_now(Publish what) {
  if (state_ != State::up) return what.done(false);
  mosquitto_property* properties = nullptr;
  if (options_.protocol >= 5 && what.expiry.count() > 0) {
    const auto seconds = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>((what.expiry.count() + 999) / 1000, 1, UINT32_MAX));
    mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, seconds);
  }
  int id = 0;
  const int code = mosquitto_publish_v5(session_.get(), &id, what.topic.c_str(),
                                        static_cast<int>(what.payload.size()), what.payload.data(),
                                        what.qos, what.retain, properties);
  mosquitto_property_free_all(&properties);
  if (code != MOSQ_ERR_SUCCESS || what.qos == 0) return what.done(code == MOSQ_ERR_SUCCESS);
  in_flight_.emplace(id, std::move(what.done));
}

void MqttClient::on_published(mosquitto*, void* self, int id, int reason, const void*) {
  auto& client = *static_cast<MqttClient*>(self);
  const auto found = client.in_flight_.extract(id);
  if (!found.empty()) found.mapped()(reason < kRefusal);
}

void MqttClient::heard(const char* topic, const void* payload, std::size_t bytes) {
  if (unconsumed_ >= kUnconsumedMax || bytes > kPayloadBytesMax) {
    if (dropped_++ == 0) log_event(LogLevel::error, "net.mqtt.dropped");
    return;
  }
  if (!events_.on_message) return;
  ++unconsumed_;
  events_.on_message(topic, std::string(static_cast<const char*>(payload), bytes));
}

void MqttClient::say_goodbye() {
  if (!session_ || state_ != State::up) return;
  const MonoTime until = mono_now() + kGoodbyeMax;
  mosquitto_disconnect(session_.get());
  while (mosquitto_socket(session_.get()) >= 0 && mosquitto_want_write(session_.get()) &&
         mono_now() < until) {
    pollfd on{mosquitto_socket(session_.get()), POLLOUT, 0};
    ::poll(&on, 1, 50);
    if (mosquitto_loop_write(session_.get(), kPacketsPerTurn) != MOSQ_ERR_SUCCESS) return;
  }
}

}  // namespace linli::net
