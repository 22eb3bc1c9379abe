// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.h"
#include "base/rng.h"
#include "server/app/community_runtime.h"
#include "server/app/config.h"
#include "server/net/fd_limit.h"
#include "server/net/listener.h"
#include "server/ws/shard.h"

namespace linli::app {

class GatewayRuntime;

/// One community with everything that stands on its runtime. Made by wiring.
struct Community {
  std::unique_ptr<CommunityRuntime> runtime;
  sync::SessionConfig session;
  ws::Authenticator* authenticator = nullptr;
  /// Called once the runtime runs, and before it stops.
  std::function<void()> started;
  std::function<void()> stopping;
  /// For its metrics; null where none runs.
  const GatewayRuntime* gateway = nullptr;
  /// Whatever the members above refer to.
  std::shared_ptr<void> keep;
};

/// The running server: loops, listeners, communities; from open() to a drained end.
/// Threads: one, the caller's, which also accepts connections and takes signals.
class Server {
 public:
  explicit Server(Config config);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Before open().
  void add(Community community);
  /// Everything but the sockets, the probes and the metrics.
  void set_handler(net::HttpHandler handler) { handler_ = std::move(handler); }
  /// For who closes sockets of revoked devices.
  [[nodiscard]] ws::SessionControl& sessions() { return *shards_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] Rng& rng() { return rng_; }

  /// Starts the communities and binds the addresses. Errors: io, invalid_argument.
  Result<void> open();
  /// Serves until SIGTERM or SIGINT, then drains. SIGHUP reads the certificates again.
  void run();
  /// The port of the first listener; for tests and `demo`.
  [[nodiscard]] std::uint16_t port() const { return listeners_.front()->port(); }

 private:
  Result<void> open_listeners();
  void handle(net::HttpRequest request, const std::function<void(net::HttpResponse)>& done);
  [[nodiscard]] net::HttpResponse ready() const;
  [[nodiscard]] net::HttpResponse metrics(const net::HttpRequest& request) const;
  void await_signal();
  void drain();
  void await_drained();

  const Config config_;
  const net::FdLimit fds_;
  const SystemClock clock_;
  SystemRng rng_;
  ws::ShardConfig shard_config_;
  net::HttpStats http_stats_;
  net::HttpService service_;
  net::HttpHandler handler_;
  std::shared_ptr<net::TlsContext> tls_;
  std::map<std::string, Community, std::less<>> communities_;
  std::unique_ptr<ws::Shards> shards_;
  net::asio::io_context control_{1};
  net::asio::signal_set signals_{control_};
  net::asio::steady_timer drain_poll_{control_};
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  MonoTime drain_until_{0};
};

}  // namespace linli::app
