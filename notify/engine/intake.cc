// SPDX-License-Identifier: Apache-2.0
// What the community tells: rows of its outbox (decision B6).
#include <algorithm>
#include <charconv>
#include <map>

#include "base/log.h"
#include "notify/engine/gateway.h"

namespace linli::notify {
namespace {

/// A page of deliveries to be told of a change.
constexpr std::size_t kHandedPage = 500;

/// A test that could not go out within this tells enough.
constexpr Millis kTestExpiry{10 * 60'000};

Lane lane_of(const std::string& severity, bool is_urgent, bool needs_ack) {
  if (severity == "red") return Lane::red;
  if (severity == "orange" || is_urgent) return Lane::orange;
  return needs_ack ? Lane::personal : Lane::bulk;
}

void read_text(const Json& data, Message& message) {
  const auto take = [&](const char* member, std::string& into) {
    if (data.contains(member)) into = json_text(data, member);
  };
  take("category", message.category);
  take("severity", message.severity);
  take("title", message.title);
  take("action_line", message.action_line);
  take("body", message.body);
  take("issuer", message.issuer);
  take("community", message.community);
  message.rev = json_int(data, "rev", message.rev);
  message.needs_ack = json_bool(data, "needs_ack", message.needs_ack);
  message.drill = json_bool(data, "drill", message.drill);
}

/// `zones`: [{area, medium, address}], as one recipient an area.
std::vector<Recipient> zones_of(const Json& data) {
  std::map<std::string, Recipient> by_area;
  const auto zones = data.find("zones");
  if (zones == data.end() || !zones->is_array()) return {};
  for (const Json& zone : *zones) {
    auto to = endpoint_of(zone);
    const std::string area = json_text(zone, "area");
    if (!to || area.empty() || !is_of_place(to->medium)) continue;
    Recipient& who = by_area[area];
    who.person = zone_key(area);
    who.endpoints.push_back(std::move(*to));
  }
  std::vector<Recipient> out;
  for (auto& [area, who] : by_area) out.push_back(std::move(who));
  return out;
}

Instant expires_of(const Json& data, Instant sent_at) {
  const std::int64_t to = json_int(data, "valid_to");
  return to == 0 ? sent_at + kRoutineExpiry : from_unix_ms(to);
}

}  // namespace

void Gateway::accept(std::span<const OutboxItem> rows) {
  for (const OutboxItem& row : rows) {
    if (row.id <= state_.cursor()) continue;
    take(row);
    state_.set_cursor(row.id);
  }
}

void Gateway::take(const OutboxItem& row) {
  if (row.kind == "notice_sent") return notice_sent(row);
  if (row.kind == "notice_changed") return notice_changed(row);
  if (row.kind == "notice_ended") return notice_ended(row);
  if (row.kind == "person_acked")
    return ladder_.acked(json_text(row.data, "notice"), json_text(row.data, "person"));
  if (row.kind == "endpoint_changed") {
    for (PlanKey& key : state_.plans_of_person(json_text(row.data, "person")))
      turn_.persons.push_back(std::move(key));
    return;
  }
  if (row.kind == "notice_reminded") {
    if (Notice* notice = state_.notice(json_text(row.data, "notice")); notice != nullptr)
      ladder_.remind(*notice, clock_.now());
    return;
  }
  if (row.kind == "notice_stopped") {
    const std::string id = json_text(row.data, "notice");
    Notice* notice = state_.notice(id);
    if (notice == nullptr) return;
    ladder_.end_notice(*notice, NoticeRecord::State::stopped, "stopped by the office");
    return silence_zones(id);
  }
  if (row.kind == "gateway_order") return take_order(row.data);
  // A newer community may tell more than this gateway understands.
  log_event(LogLevel::warn, "notify.outbox_kind", {{"kind", row.kind}});
}

void Gateway::take_order(const Json& data) {
  const std::string what = json_text(data, "what");
  const std::string channel = json_text(data, "channel");
  if (what == "pause") return pause(channel, json_text(data, "why"));
  if (what == "resume") return resume(channel);
  if (what == "replay") {
    std::uint64_t id = 0;
    const std::string text = json_text(data, "delivery");
    std::from_chars(text.data(), text.data() + text.size(), id);
    if (auto done = replay(DeliveryId{id}); !done)
      log_event(LogLevel::warn, "notify.replay_refused", {{"code", errc_name(done.error().code)}});
    return;
  }
  if (what == "test") return test(channel, json_text(data, "address"), json_text(data, "text"));
  log_event(LogLevel::warn, "notify.order", {{"what", what}});
}

/// A message of its own that belongs to no notice and no person's ladder. Only to addresses that
/// the operator set aside for training.
void Gateway::test(const std::string& channel, const std::string& address,
                   const std::string& text) {
  const auto setup = std::ranges::find(settings_.channels, channel, &ChannelSetup::name);
  const bool is_allowed =
      setup != settings_.channels.end() &&
      std::ranges::find(setup->test_addresses, address) != setup->test_addresses.end();
  if (!is_allowed) return alarm("test_refused", channel, "测试地址不在通道的 test_addresses 里");
  DeliveryRecord out = state_.new_delivery(clock_.now());
  out.purpose = Purpose::test;
  out.to = {setup->adapter->capabilities().medium, address, {}};
  Message message;
  message.purpose = Purpose::test;
  message.title = text;
  message.drill = true;
  out.says = std::move(message);
  out.lane = Lane::personal;
  out.ready_at = clock_.now();
  out.expires = clock_.now() + kTestExpiry;
  state_.put_delivery(std::move(out));
}

void Gateway::notice_sent(const OutboxItem& row) {
  const Json& data = row.data;
  NoticeRecord record;
  record.id = json_text(data, "notice");
  if (state_.notice(record.id) != nullptr) return;
  record.outbox_id = row.id;
  record.ask = json_int(data, "ask");
  record.message.notice = record.id;
  read_text(data, record.message);
  const std::string& severity = record.message.severity;
  const bool is_urgent = json_bool(data, "urgent");
  record.policy = settings_.policies.for_notice(severity, is_urgent, record.message.needs_ack).name;
  record.lane = lane_of(severity, is_urgent, record.message.needs_ack);
  record.sent_at = row.at;
  record.expires = expires_of(data, row.at);
  record.cost_cap = json_int(data, "cost_cap");
  // A restored or long-stopped gateway never sends what is over (notify.md §5 trap 23).
  if (record.expires <= clock_.now()) return;
  const bool is_drill = record.message.drill;
  Notice& notice = state_.add_notice(std::move(record));
  // A drill is between those who take part; a whole street must not hear it (RAIN-2).
  if (!is_drill) ladder_.plan_zones(notice, zones_of(data), clock_.now());
}

void Gateway::notice_changed(const OutboxItem& row) {
  Notice* notice = state_.notice(json_text(row.data, "notice"));
  if (notice == nullptr) return;
  if (json_text(row.data, "what") == "audience") return audience_changed(*notice, row.data);
  NoticeRecord& record = notice->record;
  record.outbox_id = row.id;
  read_text(row.data, record.message);
  if (row.data.contains("valid_to")) {
    record.expires = expires_of(row.data, record.sent_at);
    move_expiry(record);
  }
  const std::int64_t ask = json_int(row.data, "ask", record.ask);
  const bool is_worse = ask > record.ask;
  record.ask = ask;
  const std::string& severity = record.message.severity;
  const bool is_urgent = json_bool(row.data, "urgent", record.lane <= Lane::orange);
  record.policy = settings_.policies.for_notice(severity, is_urgent, record.message.needs_ack).name;
  record.lane = lane_of(severity, is_urgent, record.message.needs_ack);
  state_.touch_notice(record.id);
  const std::vector<Recipient> zones = zones_of(row.data);
  if (is_worse) {
    ladder_.leave_zones(*notice, zones);
    ladder_.restart(*notice, clock_.now());
    if (!record.message.drill) ladder_.plan_zones(*notice, zones, clock_.now());
    return;
  }
  zones_changed(*notice, zones);
  Message message = record.message;
  message.purpose = Purpose::correction;
  if (is_urgent) tell_handed(*notice, message);
}

bool Gateway::knows_zone(const PlanKey& key) {
  if (state_.plan(key) != nullptr) return true;
  const auto look = [&]() -> Result<bool> {
    LINLI_TRY(const auto stored, store_.plan(key.first, key.second));
    if (!stored || stored->state != PlanRecord::State::ended) return stored.has_value();
    // One that was left may have heard nothing yet.
    LINLI_TRY(const auto said, store_.deliveries({.notice = key.first, .person = key.second}));
    return std::ranges::any_of(said, [](const DeliveryRecord& d) { return d.attempts > 0; });
  };
  const auto known = look();
  if (known) return *known;
  // Rather silent than the same twice from a loudspeaker.
  log_event(LogLevel::error, "notify.store", {{"code", errc_name(known.error().code)}});
  return true;
}

void Gateway::zones_changed(Notice& notice, const std::vector<Recipient>& zones) {
  const NoticeRecord& record = notice.record;
  if (record.state != NoticeRecord::State::live || record.message.drill) return;
  ladder_.leave_zones(notice, zones);
  std::vector<Recipient> fresh;
  for (const Recipient& zone : zones)
    if (!knows_zone({record.id, zone.person})) fresh.push_back(zone);
  ladder_.plan_zones(notice, fresh, clock_.now());
}

void Gateway::move_expiry(const NoticeRecord& record) {
  for (const DeliveryId id : state_.deliveries_of_notice(record.id)) {
    DeliveryRecord d = *state_.delivery(id);
    if (!is_waiting(d.state) || d.says || d.expires == record.expires) continue;
    d.expires = record.expires;
    state_.put_delivery(std::move(d));
  }
}

void Gateway::notice_ended(const OutboxItem& row) {
  Notice* notice = state_.notice(json_text(row.data, "notice"));
  if (notice == nullptr) return;
  const std::string why = json_text(row.data, "why");
  // Its own time has come: the next turn drops what waits, with the reason, and ends it.
  if (why == "expired" && notice->record.expires <= clock_.now()) return;
  const bool is_withdrawn = why == "withdrawn";
  ladder_.end_notice(*notice, NoticeRecord::State::ended, "ended");
  if (!is_withdrawn || !is_pressing(notice->record.lane)) return;
  Message& message = notice->record.message;
  message.purpose = Purpose::all_clear;
  message.action_line.clear();
  message.body.clear();
  message.needs_ack = false;
  tell_handed(*notice, message);
}

void Gateway::silence_zones(const std::string& notice) {
  DeliveryId after{};
  for (bool more = true; more;) {
    const auto page = store_.handed(notice, after, kHandedPage);
    if (!page) {
      log_event(LogLevel::error, "notify.store", {{"code", errc_name(page.error().code)}});
      return;
    }
    more = page->size() == kHandedPage;
    for (const DeliveryRecord& d : *page) {
      after = d.id;
      if (is_zone(d.person)) turn_.cancels.emplace_back(d.channel, d.id);
    }
  }
}

/// Another audience: new persons are planned, those who are not in it any more are left alone.
void Gateway::audience_changed(Notice& notice, const Json& data) {
  if (json_int(data, "snap") <= 1 || notice.record.state != NoticeRecord::State::live) return;
  notice.record.fan_after.clear();
  notice.record.fan_done = false;
  state_.touch_notice(notice.record.id);
  // Areas came with the correction.
  for (const PlanKey& key : state_.plans_of_notice(notice.record.id))
    if (!is_zone(key.second)) turn_.persons.push_back(key);
}

void Gateway::tell_handed(const Notice& notice, const Message& message) {
  std::set<std::pair<std::string, std::string>> told;
  DeliveryId after{};
  for (bool more = true; more;) {
    auto page = store_.handed(notice.record.id, after, kHandedPage);
    if (!page) {
      log_event(LogLevel::error, "notify.store", {{"code", errc_name(page.error().code)}});
      return;
    }
    more = page->size() == kHandedPage;
    for (const DeliveryRecord& earlier : *page) {
      after = earlier.id;
      if (!told.insert({earlier.person, earlier.to.address}).second) continue;
      ladder_.tell(earlier, message, clock_.now());
    }
  }
}

}  // namespace linli::notify
