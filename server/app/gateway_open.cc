// SPDX-License-Identifier: Apache-2.0
// A GatewayRuntime out of its parts: store, channels, feeds, what it publishes, engine.
#include <algorithm>

#include "server/app/gateway_runtime.h"

namespace linli::app {

sync::Cid GatewayRuntime::client_id() {
  Id128 id{};
  constexpr std::string_view kName = "sys.gateway";
  std::copy(kName.begin(), kName.end(), id.bytes.begin());
  return sync::Cid{id};
}

Result<std::unique_ptr<GatewayRuntime>> GatewayRuntime::open(GatewayOptions options) {
  std::unique_ptr<GatewayRuntime> out(new GatewayRuntime(std::move(options)));
  LINLI_TRY(out->store_, notify::SqliteGatewayStore::open(out->options_.file));
  LINLI_CHECK(out->make_channels());
  LINLI_CHECK(out->make_watch());
  LINLI_CHECK(out->make_publish());
  out->gateway_ = std::make_unique<notify::Gateway>(out->engine_settings(), *out->store_,
                                                    *out->options_.clock, *out->options_.rng);
  const sync::StoreState& state = out->options_.community->state();
  for (const sync::ClientWrite& client : state.clients)
    if (client.cid == client_id()) out->told_ = client.last_n[static_cast<std::size_t>(kFactLane)];
  out->outbox_head_ = state.outbox_head;
  LINLI_CHECK(out->gateway_->open({.facts_told = out->told_, .outbox_head = state.outbox_head}));
  if (out->options_.is_held) out->gateway_->pause("*", "restored from a backup");
  return out;
}

Result<void> GatewayRuntime::make_channels() {
  for (const ChannelConfig& config : options_.channels) {
    if (options_.is_training && config.is_real) continue;
    const auto named = [&](const Error& error) {
      return fail(error.code, "channel " + config.name + ": " + error.detail);
    };
    notify::AdapterParts parts;
    parts.name = config.name;
    parts.settings = config.settings;
    parts.rng = options_.rng;
    parts.clock = options_.clock;
    parts.secrets = options_.secrets;
    parts.signer = options_.signer;
    auto adapter = options_.adapters->make(config.kind, parts);
    if (!adapter) return named(adapter.error());
    auto transports = NetTransports::make(*options_.net, config.settings, *options_.secrets);
    if (!transports) return named(transports.error());
    adapters_[config.name] = adapter->get();
    const std::string name = config.name;
    hosts_[name] = std::make_unique<ChannelHost>(ChannelHost::Parts{
        .name = name,
        .adapter = std::move(*adapter),
        .transports = std::move(*transports),
        .clock = options_.clock,
        .post = [this](Task task) { post(std::move(task)); },
        .on_done = [this,
                    name](const notify::action::Done& done) { gateway_->on_done(name, done); },
        .on_heard = [this,
                     name](const notify::Receipt& heard) { gateway_->on_heard(name, heard); }});
  }
  return {};
}

Result<void> GatewayRuntime::make_watch() {
  if (options_.feeds.empty()) return {};
  CapWatch::Parts parts;
  parts.community = options_.community;
  parts.net = options_.net;
  parts.secrets = options_.secrets;
  parts.clock = options_.clock;
  parts.file = options_.cap_file;
  parts.feeds = options_.feeds;
  parts.post = [this](Task task) { post(std::move(task)); };
  parts.alarm = [this](const std::string& source, const std::string& text) {
    gateway_->alarm("feed_silent", source, text);
  };
  LINLI_TRY(cap_, CapWatch::open(std::move(parts)));
  return {};
}

Result<void> GatewayRuntime::make_publish() {
  if (options_.publish.sender.empty()) return {};
  CapPublish::Parts parts;
  parts.config = options_.publish;
  parts.base_url = options_.publish_url;
  parts.title = options_.title;
  parts.file = options_.publish_file;
  parts.secrets = options_.secrets;
  parts.clock = options_.clock;
  auto made = CapPublish::open(std::move(parts));
  if (!made) return fail(made.error().code, "publish: " + made.error().detail);
  publish_ = std::move(*made);
  return {};
}

notify::GatewaySettings GatewayRuntime::engine_settings() {
  notify::GatewaySettings out;
  out.links = options_.links;
  out.policies = options_.policies;
  for (const ChannelConfig& config : options_.channels) {
    const auto adapter = adapters_.find(config.name);
    if (adapter == adapters_.end()) continue;
    notify::ChannelSetup setup;
    setup.name = config.name;
    setup.adapter = adapter->second;
    setup.rate = config.rate;
    setup.rules = config.rules;
    setup.attempts_max = config.attempts_max;
    setup.test_addresses = config.test_addresses;
    setup.operator_addresses = config.operator_addresses;
    out.channels.push_back(std::move(setup));
  }
  return out;
}

}  // namespace linli::app
