// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "notify/engine/gateway.h"
#include "notify/store/sqlite/gateway_store.h"

/// The gateway over its real store, with scripted channels and a directory in memory.
namespace linli::test {

/// A channel whose answers a test writes. Sans-IO as every adapter; it answers nothing by itself.
class ScriptedAdapter final : public notify::Adapter {
 public:
  explicit ScriptedAdapter(notify::Medium medium) { can.medium = medium; }
  const notify::Capabilities& capabilities() const override { return can; }
  Result<Preview> preview(const notify::Endpoint& to,
                          const notify::Message& message) const override;
  void submit(std::span<const notify::Item> items, MonoTime now, notify::Actions& out) override {
    (void)items, (void)now, (void)out;
  }

  notify::Capabilities can;
  std::uint32_t parts = 1;
  /// Texts longer than this are refused by preview().
  std::size_t title_max = 1000;
};

/// One thing that a channel was given.
struct Sent {
  std::string channel;
  notify::Item item;
  Instant at{};
};

class GatewayWorld {
 public:
  using Answer = std::function<std::optional<notify::Outcome>(const Sent&)>;

  explicit GatewayWorld(std::uint64_t seed = 1);
  ~GatewayWorld();
  GatewayWorld(const GatewayWorld&) = delete;
  GatewayWorld& operator=(const GatewayWorld&) = delete;

  ScriptedAdapter& channel(const std::string& name, notify::Medium medium);
  notify::ChannelSetup& setup(const std::string& name);
  /// Opens the gateway, or kills the running one and opens the next on the same file.
  void open();
  /// The gateway is gone with all it had not stored; the clock goes on.
  void kill() { gateway.reset(); }

  /// `count` persons p1.. in households of two, each with these endpoints.
  void people(int count, std::initializer_list<notify::Medium> media);
  notify::Recipient& person(const std::string& id) { return directory.at(id); }

  /// A row of the community's outbox; told with the next run().
  void tell(const std::string& kind, Json data);
  void send(const std::string& notice, const std::string& severity, Json more = Json::object());
  void ack(const std::string& notice, const std::string& person);

  /// Turns until nothing is due now. Submissions go to `sent` and are answered by `answer`.
  void run();
  /// Moves the clock to whatever the engine says is due next, running in between, for `by`.
  void pass(Millis by);
  void hear(const std::string& channel, const std::string& provider_id,
            notify::ReceiptState state = notify::ReceiptState::delivered);

  [[nodiscard]] std::vector<Sent> sent_to(const std::string& person) const;
  [[nodiscard]] std::vector<Sent> sent_over(const std::string& channel) const;
  /// Facts of one name, in order.
  [[nodiscard]] std::vector<Json> facts(const std::string& name);
  [[nodiscard]] std::vector<notify::DeliveryRecord> deliveries(const std::string& notice);
  /// State word of the only delivery of a person.
  [[nodiscard]] std::string state_of(const std::string& notice, const std::string& person);

  ManualClock clock;
  SeededRng rng;
  std::map<std::string, notify::Recipient> directory;
  /// Persons of one page.
  std::size_t page = 100;
  std::vector<Sent> sent;
  /// (channel, delivery) that the engine wants back.
  std::vector<std::pair<std::string, notify::DeliveryId>> cancelled;
  Answer answer;
  notify::GatewaySettings settings;
  std::unique_ptr<notify::SqliteGatewayStore> store;
  std::unique_ptr<notify::Gateway> gateway;
  /// Called between the store's commit and the submissions of a turn; for crash tests.
  std::function<bool()> dies_before_submit = [] { return false; };

 private:
  void feed();
  bool turn();
  void serve_page(const std::string& notice, const std::string& after);

  std::filesystem::path folder_;
  std::map<std::string, std::unique_ptr<ScriptedAdapter>> adapters_;
  std::vector<notify::OutboxItem> outbox_;
  /// When the last turn wants the next one.
  std::optional<Instant> due_;
  std::optional<MonoTime> wake_;
  std::map<std::string, std::set<std::string>> acked_;
};

notify::Outcome accepted(std::vector<std::string> provider_ids = {});
notify::Outcome outcome(notify::OutcomeKind kind, Millis wait = Millis{0});

}  // namespace linli::test
