// SPDX-License-Identifier: Apache-2.0
#include "server/ws/shard.h"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <pthread.h>

#include "base/log.h"
#include "server/net/problem.h"
#include "server/ws/upgrade.h"

namespace linli::ws {
namespace {

namespace asio = net::asio;

constexpr int kRetryAfterSeconds = 5;
/// Phones come back spread over this time after a restart.
constexpr std::int64_t kDrainMinMs = 1000;
constexpr std::uint64_t kDrainSpreadMs = 10'000;
/// For answers under way and closing handshakes when a shard stops.
constexpr std::chrono::milliseconds kStopDeadline{1000};
constexpr std::chrono::milliseconds kStopPoll{5};

}  // namespace

std::string_view sync_slug(std::string_view path) {
  constexpr std::string_view before = "/c/";
  constexpr std::string_view after = "/sync";
  if (!path.starts_with(before) || !path.ends_with(after) ||
      path.size() <= before.size() + after.size())
    return {};
  path = path.substr(before.size(), path.size() - before.size() - after.size());
  return path.contains('/') ? std::string_view{} : path;
}

std::optional<sync::Encoding> choose_encoding(std::string_view offered) {
  while (!offered.empty()) {
    const auto comma = std::min(offered.find(','), offered.size());
    std::string_view name = offered.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    for (const auto encoding : {sync::Encoding::json, sync::Encoding::cbor})
      if (name == sync::subprotocol(encoding)) return encoding;
    offered.remove_prefix(std::min(comma + 1, offered.size()));
  }
  return std::nullopt;
}

Shard::Shard(std::size_t number, ShardConfig& config, const Clock& clock, Rng& rng)
    : number_(number),
      config_(config),
      clock_(clock),
      rng_(rng),
      wheel_(clock.mono()),
      work_(context_.get_executor()),
      ticker_(context_) {}

Shard::~Shard() { stop(); }

void Shard::add(sync::RuntimePort& runtime, Authenticator& auth, const sync::SessionConfig& config,
                const sync::StoreState& state) {
  communities_[runtime.slug()] = std::make_unique<LocalCommunity>(runtime, auth, config, state);
}

void Shard::start(const net::HttpService& service) {
  service_ = service;
  service_.upgrades = this;
  tick();
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), ("shard" + std::to_string(number_)).c_str());
}

void Shard::run() {
  while (true) {
    try {
      context_.run();
      return;
    } catch (const std::exception& e) {
      // A handler of ours threw: its connection is lost, the others go on.
      log_event(LogLevel::error, "ws.shard.threw", {{"shard", number_}, {"what", e.what()}});
    }
  }
}

void Shard::begin_stop() {
  if (!thread_.joinable() || std::exchange(stop_begun_, true)) return;
  asio::post(context_, [this] {
    ticker_.cancel();
    tasks_.cancel();
    for (SyncConnection* connection : std::vector(connections_.begin(), connections_.end()))
      connection->abort();
    await_empty(clock_.mono() + kStopDeadline);
  });
}

void Shard::await_empty(MonoTime until) {
  if ((connections_.empty() && tasks_.size() == 0) || clock_.mono() > until) return context_.stop();
  ticker_.expires_after(kStopPoll);
  ticker_.async_wait([this, until](net::error_code) { await_empty(until); });
}

void Shard::stop() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

void Shard::take_connection(net::Stream stream) {
  tasks_.spawn(context_.get_executor(), net::serve_http(std::move(stream), service_));
}

std::optional<net::HttpResponse> Shard::refuse(const net::HttpRequest& request) {
  const auto no = [&](Errc code, std::string detail) {
    stats_.refused.fetch_add(1, std::memory_order_relaxed);
    return net::problem(Error{code, std::move(detail)}, request.request_id);
  };
  const std::string_view slug = sync_slug(request.path);
  if (slug.empty() || !communities_.contains(slug)) return no(Errc::not_found, "community");
  const std::string origin = request.header("origin");
  if (!origin.empty() && std::ranges::find(config_.origins, origin) == config_.origins.end())
    return no(Errc::bad_origin, {});
  if (!choose_encoding(request.header("sec-websocket-protocol")))
    return no(Errc::invalid_argument, "subprotocol linli.v1.json or linli.v1.cbor is required");
  if (auto refusal = refuse_handshake(request)) {
    stats_.refused.fetch_add(1, std::memory_order_relaxed);
    return refusal;
  }
  if (config_.draining) return net::busy(Errc::draining, request.request_id, kRetryAfterSeconds);
  if (config_.connections >= config_.connections_max)
    return net::busy(Errc::unavailable, request.request_id, kRetryAfterSeconds);
  return std::nullopt;
}

void Shard::take(net::Stream stream, net::HttpRequest request) {
  LocalCommunity& community = *communities_.find(sync_slug(request.path))->second;
  const auto encoding = *choose_encoding(request.header("sec-websocket-protocol"));
  auto transport = make_transport(
      poller_, std::move(stream),
      upgrade_answer(request.header("sec-websocket-key"), sync::subprotocol(encoding)),
      encoding == sync::Encoding::json);
  auto connection =
      std::make_shared<SyncConnection>(*this, community, std::move(transport), encoding);
  connections_.insert(connection.get());
  ++config_.connections;
  connection->open();
}

void Shard::left(SyncConnection& connection) {
  if (connections_.erase(&connection) > 0) --config_.connections;
}

void Shard::post(std::function<void()> task) { asio::post(context_, std::move(task)); }

void Shard::want_flush() {
  if (std::exchange(flush_posted_, true)) return;
  // Behind everything that is ready now, so that a burst becomes one write per phone.
  asio::post(context_, [this] {
    flush_posted_ = false;
    flush();
  });
}

void Shard::flush() {
  for (const auto& [slug, community] : communities_)
    for (sync::ServerSession* session : community->hub.take_dirty())
      SyncConnection::of(*session).pump();
}

void Shard::tick() {
  ticker_.expires_after(net::TimerWheel::kTick);
  ticker_.async_wait([this](net::error_code ec) {
    if (ec) return;
    wheel_.advance(clock_.mono(),
                   [](net::TimerWheel::Entry& entry) { SyncConnection::of(entry).on_timer(); });
    tick();
  });
}

void Shard::post_commit(const std::string& slug, sync::SharedCommit commit) {
  asio::post(context_, [this, &slug, commit = std::move(commit)] {
    communities_.find(slug)->second->hub.on_commit(commit);
    want_flush();
  });
}

void Shard::post_drain() {
  asio::post(context_, [this] {
    for (SyncConnection* connection : connections_)
      connection->drain(kDrainMinMs + static_cast<std::int64_t>(rng_.below(kDrainSpreadMs)));
  });
}

void Shard::post_close_device(std::string slug, sync::Cid cid, Errc reason) {
  asio::post(context_, [this, slug = std::move(slug), cid, reason] {
    const auto at = communities_.find(slug);
    if (at == communities_.end()) return;
    if (sync::ServerSession* session = at->second->hub.find(cid))
      SyncConnection::of(*session).close(reason);
  });
}

Shards::Shards(std::size_t count, ShardConfig& config, const Clock& clock, Rng& rng) {
  for (std::size_t i = 0; i < count; ++i)
    shards_.push_back(std::make_unique<Shard>(i, config, clock, rng));
}

void Shards::add(sync::RuntimePort& runtime, Authenticator& auth, const sync::SessionConfig& config,
                 const sync::StoreState& state) {
  for (auto& shard : shards_) shard->add(runtime, auth, config, state);
}

void Shards::start(const net::HttpService& service) {
  for (auto& shard : shards_) shard->start(service);
}

void Shards::stop() {
  for (auto& shard : shards_) shard->begin_stop();
  for (auto& shard : shards_) shard->stop();
}

void Shards::publish(const std::string& slug, const sync::SharedCommit& commit) {
  for (auto& shard : shards_) shard->post_commit(slug, commit);
}

void Shards::drain() {
  for (auto& shard : shards_) shard->post_drain();
}

void Shards::close_device(std::string_view slug, const sync::Cid& cid, Errc reason) {
  for (auto& shard : shards_) shard->post_close_device(std::string(slug), cid, reason);
}

}  // namespace linli::ws
