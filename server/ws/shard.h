// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/net/http_session.h"
#include "server/net/task_group.h"
#include "server/ws/sync_connection.h"

namespace linli::ws {

/// What the shards of a server share. Outlives them.
struct ShardConfig {
  /// Values of the Origin header that may open a socket; a client without one (native) always may.
  std::vector<std::string> origins;
  std::int64_t connections_max = 0;
  /// Open sync sockets of all shards.
  std::atomic<std::int64_t> connections{0};
  std::atomic<bool> draining{false};
};

/// One event loop on its own thread, with a share of every community's connections and of the HTTP
/// ones.
/// Threads: constructor, add(), start() and stop() by the owner; post_*() by any; the rest its own.
class Shard final : public Loop, public net::UpgradeSink {
 public:
  Shard(std::size_t number, ShardConfig& config, const Clock& clock, Rng& rng);
  ~Shard() override;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// Before start(). `state` is the store's at the head that the first published commit follows.
  void add(sync::RuntimePort& runtime, Authenticator& auth, const sync::SessionConfig& config,
           const sync::StoreState& state);
  /// `service` outlives the shard; its `upgrades` is set to this shard in a copy.
  void start(const net::HttpService& service);
  /// Cancels HTTP and drops what is still open; does not wait.
  void begin_stop();
  /// begin_stop() if that was not called, and joins.
  void stop();

  [[nodiscard]] net::asio::io_context& loop() { return context_; }
  /// On the loop: a new connection, HTTP so far.
  void take_connection(net::Stream stream);

  void post_commit(const std::string& slug, sync::SharedCommit commit);
  /// Tells every phone to come back after a time of its own, then closes.
  void post_drain();
  void post_close_device(std::string slug, sync::Cid cid, Errc reason);

  std::optional<net::HttpResponse> refuse(const net::HttpRequest& request) override;
  void take(net::Stream stream, net::HttpRequest request) override;

  void post(std::function<void()> task) override;
  void want_flush() override;
  void left(SyncConnection& connection) override;
  std::vector<Frame>& gather() override {
    gathered_.clear();
    return gathered_;
  }
  const Clock& clock() const override { return clock_; }
  Rng& rng() override { return rng_; }
  net::TimerWheel& wheel() override { return wheel_; }
  SyncStats& stats() override { return stats_; }

 private:
  void run();
  void flush();
  void tick();
  void await_empty(MonoTime until);

  const std::size_t number_;
  ShardConfig& config_;
  const Clock& clock_;
  Rng& rng_;
  net::HttpService service_;
  SyncStats stats_;
  net::TimerWheel wheel_;
  std::map<std::string, std::unique_ptr<LocalCommunity>, std::less<>> communities_;
  net::TaskGroup tasks_{"http"};
  // Destroyed before what its handlers refer to.
  net::asio::io_context context_{1};
  net::asio::executor_work_guard<net::asio::io_context::executor_type> work_;
  net::asio::steady_timer ticker_;
  net::Poller poller_{context_};
  std::vector<Frame> gathered_;
  std::unordered_set<SyncConnection*> connections_;
  bool flush_posted_ = false;
  bool stop_begun_ = false;
  std::thread thread_;
};

/// All shards of a server. Threads: as Shard.
class Shards final : public SessionControl {
 public:
  Shards(std::size_t count, ShardConfig& config, const Clock& clock, Rng& rng);

  void add(sync::RuntimePort& runtime, Authenticator& auth, const sync::SessionConfig& config,
           const sync::StoreState& state);
  void start(const net::HttpService& service);
  void stop();
  /// In commit order, from one thread per community.
  void publish(const std::string& slug, const sync::SharedCommit& commit);
  void drain();
  void close_device(std::string_view slug, const sync::Cid& cid, Errc reason) override;
  [[nodiscard]] std::vector<std::unique_ptr<Shard>>& all() { return shards_; }

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
};

/// `slug` of "/c/<slug>/sync", or empty.
std::string_view sync_slug(std::string_view path);
/// First subprotocol of ours in a Sec-WebSocket-Protocol list.
std::optional<sync::Encoding> choose_encoding(std::string_view offered);

}  // namespace linli::ws
