// SPDX-License-Identifier: Apache-2.0
#include "server/app/server.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/blob_limits.h"
#include "base/log.h"
#include "server/app/metrics.h"
#include "server/net/problem.h"

namespace linli::app {
namespace {

constexpr std::chrono::milliseconds kDrainPoll{20};

std::size_t loop_count(const Config& config) {
  if (config.server.loops > 0) return static_cast<std::size_t>(config.server.loops);
  return std::max(1U, std::thread::hardware_concurrency());
}

net::HttpResponse text(int status, std::string body) {
  net::HttpResponse out;
  out.status = status;
  out.content_type = "text/plain; charset=utf-8";
  out.body = std::move(body);
  return out;
}

}  // namespace

Server::Server(Config config) : config_(std::move(config)), fds_(net::raise_fd_limit()) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto allowed = static_cast<std::int64_t>(fds_.connections());
  const std::int64_t wanted = config_.server.connections_max;
  if (wanted > allowed)
    log_event(LogLevel::warn, "app.connections_max.lowered",
              {{"wanted", wanted}, {"allowed", allowed}});
  shard_config_.connections_max = wanted > 0 ? std::min(wanted, allowed) : allowed;
  shard_config_.origins = config_.server.origins;
  shards_ = std::make_unique<ws::Shards>(loop_count(config_), shard_config_, clock_, rng_);
  handler_ = [](const net::HttpRequest& request,
                const std::function<void(net::HttpResponse)>& done) {
    done(net::problem(Error{Errc::not_found, request.path}, request.request_id));
  };
}

Server::~Server() {
  for (auto& listener : listeners_) listener->close();
  for (auto& [slug, community] : communities_)
    if (community.stopping) community.stopping();
  for (auto& [slug, community] : communities_) community.runtime->stop();
  shards_->stop();
}

void Server::add(Community community) {
  const std::string slug = community.runtime->slug();
  community.session.origins = config_.server.origins;
  community.session.window = static_cast<std::uint32_t>(config_.sync.window_bytes);
  communities_.emplace(slug, std::move(community));
}

Result<void> Server::open() {
  service_.handler = [this](net::HttpRequest request, auto done) {
    handle(std::move(request), done);
  };
  service_.draining = [this] { return shard_config_.draining.load(); };
  service_.limits.body_bytes = static_cast<std::size_t>(config_.server.body_bytes_max);
  service_.body_max = [usual = service_.limits.body_bytes](std::string_view path) {
    const bool is_upload = path.starts_with("/c/") && path.contains("/blobs");
    return is_upload ? std::max(usual, limits::kBlobImageBytesMax) : usual;
  };
  service_.rng = &rng_;
  service_.stats = &http_stats_;
  for (auto& [slug, community] : communities_) {
    CommunityRuntime& runtime = *community.runtime;
    shards_->add(runtime, *community.authenticator, community.session, runtime.state());
    runtime.observe([this, &runtime](const sync::SharedCommit& commit) {
      shards_->publish(runtime.slug(), commit);
    });
    runtime.start();
    if (community.started) community.started();
  }
  shards_->start(service_);
  return open_listeners();
}

Result<void> Server::open_listeners() {
  std::vector<net::ListenTarget> targets;
  for (auto& shard : shards_->all())
    targets.push_back({&shard->loop(), [s = shard.get()](net::Stream stream) {
                         s->take_connection(std::move(stream));
                       }});
  const auto room = [this] {
    return http_stats_.open + shard_config_.connections <
           static_cast<std::int64_t>(fds_.connections());
  };
  const auto open_one = [&](const std::string& text, bool tls) -> Result<void> {
    LINLI_TRY(const auto address, net::ListenAddress::parse(text));
    auto listener = std::make_unique<net::Listener>(control_, tls ? tls_ : nullptr, targets, room);
    LINLI_CHECK(listener->open(address));
    log_event(LogLevel::info, "app.listening", {{"port", listener->port()}, {"tls", tls ? 1 : 0}});
    listeners_.push_back(std::move(listener));
    return {};
  };
  for (const std::string& text : config_.server.listen) LINLI_CHECK(open_one(text, false));
  if (config_.server.listen_tls.empty()) return {};
  tls_ = std::make_shared<net::TlsContext>();
  LINLI_CHECK(tls_->load({config_.tls.certificate, config_.tls.key}));
  for (const std::string& text : config_.server.listen_tls) LINLI_CHECK(open_one(text, true));
  return {};
}

void Server::handle(net::HttpRequest request, const std::function<void(net::HttpResponse)>& done) {
  const std::string& path = request.path;
  const bool own = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (own && request.method != "GET")
    return done(net::problem(Error{Errc::method_not_allowed, "GET only"}, request.request_id));
  if (path == "/healthz") return done(text(200, "ok\n"));
  if (path == "/readyz") return done(ready());
  if (path == "/metrics") return done(metrics(request));
  handler_(std::move(request), done);
}

net::HttpResponse Server::ready() const {
  std::string body;
  bool ready = !shard_config_.draining;
  if (!ready) body += "draining\n";
  for (const auto& [slug, community] : communities_) {
    const bool writable = community.runtime->stats().writable;
    ready = ready && writable;
    body += slug + (writable ? " ok\n" : " store not writable\n");
  }
  return text(ready ? 200 : 503, body.empty() ? "ok\n" : body);
}

net::HttpResponse Server::metrics(const net::HttpRequest& request) const {
  const auto& allow = config_.metrics.allow;
  if (std::ranges::find(allow, "*") == allow.end() &&
      std::ranges::find(allow, request.remote) == allow.end())
    return net::problem(Error{Errc::forbidden, "metrics.allow"}, request.request_id);
  MetricSources from;
  from.version = LINLI_VERSION;
  from.http = &http_stats_;
  for (const auto& shard : shards_->all()) from.shards.push_back(&shard->stats());
  for (const auto& [slug, community] : communities_)
    from.communities.push_back(community.runtime.get());
  for (const auto& [slug, community] : communities_)
    if (community.gateway != nullptr) from.gateways.emplace_back(slug, community.gateway);
  from.connections_max = static_cast<std::uint64_t>(shard_config_.connections_max);
  for (const auto& listener : listeners_) from.refused_sockets += listener->refused();
  from.certificate_not_after = tls_ ? tls_->not_after() : 0;
  from.draining = shard_config_.draining;
  net::HttpResponse out = text(200, metrics_text(from));
  out.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return out;
}

void Server::run() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  await_signal();
  control_.run();
  for (auto& [slug, community] : communities_)
    if (community.stopping) community.stopping();
  for (auto& [slug, community] : communities_) community.runtime->stop();
  shards_->stop();
  log_event(LogLevel::info, "app.stopped");
}

void Server::await_signal() {
  signals_.async_wait([this](net::error_code ec, int number) {
    if (ec) return;
    if (number == SIGHUP) {
      if (tls_) {
        const auto reloaded = tls_->reload();
        log_event(reloaded ? LogLevel::info : LogLevel::error, "app.tls.reload",
                  {{"result", reloaded ? "ok" : reloaded.error().detail}});
      }
    } else if (!shard_config_.draining) {
      drain();
    }
    await_signal();
  });
}

void Server::drain() {
  log_event(LogLevel::info, "app.draining", {{"connections", shard_config_.connections.load()}});
  // The listeners stay for the moment: whoever asks hears "draining" instead of nothing.
  shard_config_.draining = true;
  shards_->drain();
  drain_until_ = clock_.mono() + std::chrono::seconds(config_.server.drain_seconds);
  await_drained();
}

void Server::await_drained() {
  drain_poll_.expires_after(kDrainPoll);
  drain_poll_.async_wait([this](net::error_code) {
    if (shard_config_.connections > 0 && clock_.mono() < drain_until_) return await_drained();
    for (auto& listener : listeners_) listener->close();
    signals_.cancel();
    control_.stop();
  });
}

}  // namespace linli::app
