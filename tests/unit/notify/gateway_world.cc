// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/notify/gateway_world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/assert.h"

namespace linli::test {
namespace {

using namespace notify;

/// 2026-07-20 12:00 in Zhengzhou.
constexpr std::int64_t kNoon = 1'784'520'000'000;
/// A turn that goes on for ever is a fault of the engine, not of the test.
constexpr int kTurnsMax = 10'000;

}  // namespace

Result<Adapter::Preview> ScriptedAdapter::preview(const Endpoint&, const Message& message) const {
  if (message.title.size() > title_max) return fail(Errc::too_large, "text too long");
  return Preview{message.title, parts};
}

GatewayWorld::GatewayWorld(std::uint64_t seed) : clock(from_unix_ms(kNoon)), rng(seed) {
  static int number = 0;
  // In memory where there is such a place: what is tested is what was committed, not the disk.
  const std::filesystem::path memory = "/dev/shm";
  const auto base =
      std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
  folder_ = base / ("linli-gateway-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
  std::filesystem::create_directories(folder_);
  answer = [](const Sent& one) { return accepted({one.item.key}); };
}

GatewayWorld::~GatewayWorld() {
  gateway.reset();
  store.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

ScriptedAdapter& GatewayWorld::channel(const std::string& name, Medium medium) {
  auto& adapter = adapters_[name] = std::make_unique<ScriptedAdapter>(medium);
  adapter->can.window_max = 1000;
  adapter->can.batch_max = 100;
  ChannelSetup setup;
  setup.name = name;
  setup.adapter = adapter.get();
  setup.rate = {1000, 1000};
  settings.channels.push_back(setup);
  return *adapter;
}

ChannelSetup& GatewayWorld::setup(const std::string& name) {
  for (ChannelSetup& setup : settings.channels)
    if (setup.name == name) return setup;
  LINLI_ASSERT(false);
  return settings.channels.front();
}

void GatewayWorld::open() {
  gateway.reset();
  store.reset();
  auto opened = SqliteGatewayStore::open((folder_ / "gateway.db").string());
  ASSERT_TRUE(opened.has_value()) << opened.error().detail;
  store = std::move(*opened);
  gateway = std::make_unique<Gateway>(settings, *store, clock, rng);
  const auto ready = gateway->open({.facts_told = 0, .outbox_head = outbox_.size()});
  ASSERT_TRUE(ready.has_value()) << ready.error().detail;
}

void GatewayWorld::people(int count, std::initializer_list<Medium> media) {
  for (int n = 1; n <= count; ++n) {
    Recipient who;
    who.person = "p" + std::to_string(n);
    who.household = "h" + std::to_string((n + 1) / 2);
    who.unit = "g1";
    for (const Medium medium : media)
      who.endpoints.push_back({medium, std::string(medium_name(medium)) + "-" + who.person, {}});
    directory[who.person] = std::move(who);
  }
}

void GatewayWorld::tell(const std::string& kind, Json data) {
  outbox_.push_back({outbox_.size() + 1, kind, std::move(data), clock.now()});
}

void GatewayWorld::send(const std::string& notice, const std::string& severity, Json more) {
  Json data = {{"notice", notice},
               {"rev", 1},
               {"severity", severity},
               {"title", "标题" + notice},
               {"category", severity == "none" ? "latest" : "weather"},
               {"urgent", severity != "none"}};
  data.update(more);
  tell("notice_sent", std::move(data));
}

void GatewayWorld::ack(const std::string& notice, const std::string& person) {
  acked_[notice].insert(person);
  tell("person_acked", {{"notice", notice}, {"person", person}});
}

void GatewayWorld::feed() {
  std::vector<OutboxItem> rows;
  for (const OutboxItem& row : outbox_)
    if (row.id > gateway->cursor()) rows.push_back(row);
  gateway->accept(rows);
}

void GatewayWorld::serve_page(const std::string& notice, const std::string& after) {
  RecipientPage out;
  auto at = after.empty() ? directory.begin() : directory.upper_bound(after);
  for (; at != directory.end() && out.recipients.size() < page; ++at) {
    out.recipients.push_back(at->second);
    out.recipients.back().has_acked = acked_[notice].contains(at->first);
    out.next = at->first;
  }
  out.done = at == directory.end();
  gateway->on_page(notice, out);
}

bool GatewayWorld::turn() {
  auto done = gateway->turn();
  EXPECT_TRUE(done.has_value()) << done.error().detail;
  if (!done || dies_before_submit()) return false;
  due_ = done->due;
  wake_ = done->wake;
  cancelled.insert(cancelled.end(), done->cancels.begin(), done->cancels.end());
  for (const auto& [notice, after] : done->pages) serve_page(notice, after);
  for (const auto& [notice, person] : done->persons) {
    const auto found = directory.find(person);
    std::optional<Recipient> who;
    if (found != directory.end()) who = found->second;
    gateway->on_person(notice, person, who);
  }
  for (const Submit& submit : done->submits)
    for (const Item& item : submit.items) {
      const Sent one{submit.channel, item, clock.now()};
      sent.push_back(one);
      if (const auto said = answer(one))
        if (gateway) gateway->on_done(submit.channel, {item.id, *said});
      if (!gateway) return false;
    }
  const bool is_due = done->due && *done->due <= clock.now();
  const bool wakes = done->wake && *done->wake <= clock.mono();
  return is_due || wakes || !done->pages.empty() || !done->persons.empty() ||
         !done->submits.empty();
}

void GatewayWorld::run() {
  feed();
  for (int n = 0; gateway && turn(); ++n) ASSERT_LT(n, kTurnsMax) << "the gateway never rests";
}

void GatewayWorld::pass(Millis by) {
  const Instant end = clock.now() + by;
  run();
  while (gateway && clock.now() < end) {
    Millis step = end - clock.now();
    if (due_) step = std::min(step, *due_ - clock.now());
    if (wake_) step = std::min(step, *wake_ - clock.mono());
    clock.advance(std::max(step, Millis{1}));
    run();
  }
}

void GatewayWorld::hear(const std::string& name, const std::string& provider_id,
                        ReceiptState state) {
  Receipt receipt;
  receipt.provider_id = provider_id;
  receipt.state = state;
  gateway->on_heard(name, receipt);
  run();
}

std::vector<Sent> GatewayWorld::sent_to(const std::string& person) const {
  std::vector<Sent> out;
  for (const Sent& one : sent)
    if (one.item.to.address.ends_with("-" + person)) out.push_back(one);
  return out;
}

std::vector<Sent> GatewayWorld::sent_over(const std::string& name) const {
  std::vector<Sent> out;
  for (const Sent& one : sent)
    if (one.channel == name) out.push_back(one);
  return out;
}

std::vector<Json> GatewayWorld::facts(const std::string& name) {
  std::vector<Json> out;
  const auto all = store->facts(0, 100'000);
  EXPECT_TRUE(all.has_value());
  for (const FactRecord& fact : *all)
    if (fact.name == name) out.push_back(fact.args);
  return out;
}

std::vector<DeliveryRecord> GatewayWorld::deliveries(const std::string& notice) {
  auto found = store->deliveries({.notice = notice, .limit = 100'000});
  EXPECT_TRUE(found.has_value());
  return found ? *found : std::vector<DeliveryRecord>{};
}

std::string GatewayWorld::state_of(const std::string& notice, const std::string& person) {
  for (const DeliveryRecord& delivery : deliveries(notice))
    if (delivery.person == person)
      return std::string(kDeliveryStates[static_cast<std::size_t>(delivery.state)]);
  return "none";
}

Outcome accepted(std::vector<std::string> provider_ids) {
  Outcome out;
  out.kind = OutcomeKind::accepted;
  out.parts = static_cast<std::uint32_t>(provider_ids.size());
  out.provider_ids = std::move(provider_ids);
  return out;
}

Outcome outcome(OutcomeKind kind, Millis wait) {
  Outcome out;
  out.kind = kind;
  out.wait = wait;
  out.reason = std::string(outcome_name(kind));
  return out;
}

}  // namespace linli::test
