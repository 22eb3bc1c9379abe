// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/mqtt/adapter.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/json_schema.h"
#include "base/limits.h"
#include "notify/channels/mqtt/spoken.h"

namespace linli::notify::mqtt {
namespace {

/// Version of the payloads.
constexpr int kVersion = 1;
/// A device's report.
constexpr std::size_t kReportBytesMax = 4 * 1024;
/// How long a stop is worth being sent again when the text's end is not known.
constexpr Millis kStopKept{6 * 60 * 60 * 1000};
constexpr std::size_t kKeyDigits = 32;

const JsonSchema& schema() {
  static const JsonSchema kSchema(Json::parse(R"({
    "type": "object", "required": ["broker", "zones"],
    "properties": {
      "broker": {"type": "object"},
      "prefix": {"type": "string", "pattern": "^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"},
      "zones": {"type": "object", "minProperties": 1, "maxProperties": 1000,
                "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 40}},
      "repeats": {"type": "object", "additionalProperties": false, "properties": {
        "red": {"type": "integer", "minimum": 1, "maximum": 10},
        "orange": {"type": "integer", "minimum": 1, "maximum": 10},
        "personal": {"type": "integer", "minimum": 1, "maximum": 10},
        "bulk": {"type": "integer", "minimum": 1, "maximum": 10}}}
    }})"));
  return kSchema;
}

/// One level of a topic, without wildcards.
bool is_zone(std::string_view text) {
  constexpr std::size_t kZoneBytesMax = 64;
  return !text.empty() && text.size() <= kZoneBytesMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

bool is_key(std::string_view text) {
  return text.size() == kKeyDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

action::Done done(DeliveryId id, OutcomeKind kind, std::string reason) {
  action::Done out{id, {}};
  out.outcome.kind = kind;
  out.outcome.reason = std::move(reason);
  return out;
}

action::Done no_broker(DeliveryId id) {
  action::Done out = done(id, OutcomeKind::retry_after, "no connection to the broker");
  out.outcome.is_peer_fault = true;
  return out;
}

std::optional<ReceiptState> receipt_state(std::string_view name) {
  if (name == "playing") return ReceiptState::accepted;
  if (name == "played") return ReceiptState::delivered;
  if (name == "failed" || name == "stopped" || name == "expired") return ReceiptState::failed;
  return std::nullopt;
}

}  // namespace

LoudspeakerAdapter::LoudspeakerAdapter(Settings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock) {
  capabilities_.medium = Medium::loudspeaker;
  capabilities_.batch_max = 16;
  capabilities_.window_max = 64;
  capabilities_.has_receipts = true;
  // A text heard twice alarms, one not heard may cost a life: a person decides.
  capabilities_.after_unknown = Capabilities::AfterUnknown::ask;
  capabilities_.can_cancel = true;
}

Result<std::unique_ptr<Adapter>> LoudspeakerAdapter::make(const AdapterParts& parts) {
  if (const auto checked = schema().check(parts.settings); !checked)
    return fail(Errc::invalid_argument, "mqtt: " + checked.error().detail);
  Settings out;
  if (const std::string prefix = json_text(parts.settings, "prefix"); !prefix.empty())
    out.prefix = prefix;
  for (const auto& [zone, place] : parts.settings.at("zones").items()) {
    if (!is_zone(zone))
      return fail(Errc::invalid_argument, "mqtt: zones: a zone is up to 64 of A-Z a-z 0-9 _ - .");
    out.zones.emplace(zone, place.get<std::string>());
  }
  const Json repeats = parts.settings.value("repeats", Json::object());
  for (std::size_t lane = 0; lane < kLaneNames.size(); ++lane)
    out.repeats[lane] = static_cast<int>(json_int(repeats, kLaneNames[lane], out.repeats[lane]));
  return std::make_unique<LoudspeakerAdapter>(std::move(out), *parts.clock);
}

std::string LoudspeakerAdapter::topic(std::string_view zone, std::string_view leaf) const {
  return settings_.prefix + "/" + std::string(zone) + "/" + std::string(leaf);
}

Result<std::string> LoudspeakerAdapter::text_for(const Endpoint& to, const Message& message) const {
  const auto zone = settings_.zones.find(to.address);
  if (zone == settings_.zones.end()) return fail(Errc::not_found, "mqtt: no such zone");
  std::string text = spoken_text(zone->second, message);
  if (!is_valid_utf8(text)) return fail(Errc::invalid_utf8, "mqtt: the text is not UTF-8");
  if (utf8_length(text) > kSpokenMax)
    return fail(Errc::too_large, "mqtt: over 1,000 characters to say");
  return text;
}

Result<Adapter::Preview> LoudspeakerAdapter::preview(const Endpoint& to,
                                                     const Message& message) const {
  LINLI_TRY(std::string text, text_for(to, message));
  return Preview{.text = std::move(text), .parts = 1};
}

void LoudspeakerAdapter::start(MonoTime, Actions& out) {
  out.emplace_back(action::Subscribe{topic("+", "state")});
}

void LoudspeakerAdapter::submit(std::span<const Item> items, MonoTime, Actions& out) {
  forget_expired();
  for (const Item& item : items) submit_one(item, out);
}

void LoudspeakerAdapter::submit_one(const Item& item, Actions& out) {
  auto text = text_for(item.to, item.message);
  const bool is_silent = item.message.purpose == Purpose::all_clear;
  if (!text && text.error().code == Errc::not_found) {
    out.emplace_back(done(item.id, OutcomeKind::invalid_endpoint, "no such zone"));
  } else if (is_silent && item.collapse.empty()) {
    out.emplace_back(done(item.id, OutcomeKind::accepted, "nothing is said"));
  } else if (!text && !is_silent) {
    out.emplace_back(
        done(item.id, OutcomeKind::permanent_content, std::string(errc_name(text.error().code))));
  } else if (item.expires <= clock_.now()) {
    out.emplace_back(done(item.id, OutcomeKind::permanent_content, "expired"));
  } else if (!is_up_) {
    out.emplace_back(no_broker(item.id));
  } else if (is_silent) {
    // It never sounds (RAIN-4): it ends what plays of its notice, also what was sent before a
    // restart.
    send_stop({item.to.address, {}, item.collapse, clock_.now() + kStopKept, item.id}, out);
  } else {
    make_way(item, out);
    play(item, std::move(*text), out);
  }
}

/// Stops what an item replaces: an earlier revision of its notice, and for red everything that is
/// not red.
void LoudspeakerAdapter::make_way(const Item& item, Actions& out) {
  std::vector<Stop> stops;
  std::erase_if(plays_, [&](const Play& play) {
    const bool is_replaced = !item.collapse.empty() && play.notice == item.collapse;
    const bool is_preempted = item.lane == Lane::red && play.lane != Lane::red;
    if (play.zone != item.to.address || !(is_replaced || is_preempted)) return false;
    // The same text again is for the device to recognise.
    if (play.key != item.key)
      stops.push_back({play.zone, play.key, {}, play.expires, std::nullopt});
    return true;
  });
  for (Stop& stop : stops) send_stop(std::move(stop), out);
}

void LoudspeakerAdapter::play(const Item& item, std::string text, Actions& out) {
  const Json payload = {{"v", kVersion},
                        {"id", item.key},
                        {"notice", item.collapse},
                        {"lane", std::string(kLaneNames[static_cast<std::size_t>(item.lane)])},
                        {"preempt", item.lane == Lane::red},
                        {"text", std::move(text)},
                        {"repeat", settings_.repeats[static_cast<std::size_t>(item.lane)]},
                        {"drill", item.message.drill},
                        {"expires_ms", to_unix_ms(item.expires)}};
  const CallId call(++last_call_);
  publishing_.emplace(call, Publishing{item.id, item.key});
  if (plays_.size() >= kPlaysMax) plays_.pop_front();
  plays_.push_back({item.id, item.key, item.to.address, item.collapse, item.lane, item.expires});
  action::Publish publish{call, topic(item.to.address, "play"), dump_json(payload)};
  // Never retained: a device that starts again must not say yesterday's warning.
  publish.retain = false;
  publish.expiry = item.expires - clock_.now();
  out.emplace_back(std::move(publish));
}

void LoudspeakerAdapter::send_stop(Stop stop, Actions& out) {
  Json payload = {{"v", kVersion}};
  if (stop.key.empty()) {
    payload["notice"] = stop.notice;
  } else {
    payload["id"] = stop.key;
  }
  const CallId call(++last_call_);
  action::Publish publish{call, topic(stop.zone, "stop"), dump_json(payload)};
  publish.expiry = std::max(stop.until - clock_.now(), Millis{1});
  stopping_.emplace(call, std::move(stop));
  out.emplace_back(std::move(publish));
}

void LoudspeakerAdapter::cancel(DeliveryId id, MonoTime, Actions& out) {
  const auto found = std::ranges::find(plays_, id, &Play::delivery);
  if (found == plays_.end()) return;
  Stop stop{found->zone, found->key, {}, found->expires, std::nullopt};
  plays_.erase(found);
  send_stop(std::move(stop), out);
}

void LoudspeakerAdapter::on_published(CallId id, bool ok, MonoTime, Actions& out) {
  if (auto played = publishing_.extract(id); !played.empty()) {
    const Publishing& what = played.mapped();
    auto end = ok ? done(what.delivery, OutcomeKind::accepted, {})
                  : done(what.delivery, OutcomeKind::unknown, "the broker did not confirm");
    end.outcome.provider_ids = {what.key};
    end.outcome.parts = ok ? 1 : 0;
    end.outcome.is_peer_fault = !ok;
    out.emplace_back(std::move(end));
  } else if (auto stopped = stopping_.extract(id); !stopped.empty()) {
    stop_answered(std::move(stopped.mapped()), ok, out);
  }
}

void LoudspeakerAdapter::stop_answered(Stop stop, bool ok, Actions& out) {
  if (stop.delivery && !ok) {
    // Nothing sounds by it, so it may simply be sent again.
    out.emplace_back(no_broker(*stop.delivery));
  } else if (stop.delivery) {
    out.emplace_back(done(*stop.delivery, OutcomeKind::accepted, "nothing is said"));
  } else if (!ok) {
    if (unsent_stops_.size() >= kStopsMax) unsent_stops_.pop_front();
    unsent_stops_.push_back(std::move(stop));
  }
}

void LoudspeakerAdapter::on_broker(bool up, MonoTime, Actions& out) {
  is_up_ = up;
  if (!up) return;
  for (Stop& stop : std::exchange(unsent_stops_, {}))
    if (stop.until > clock_.now()) send_stop(std::move(stop), out);
}

/// `<prefix>/<zone>/state`: {"id", "state": playing | played | failed | stopped | expired,
/// "at_ms"?, "reason"?}. What a device says is never trusted further than that.
void LoudspeakerAdapter::on_message(std::string_view topic_name, std::string_view payload, MonoTime,
                                    Actions& out) {
  const std::string head = settings_.prefix + "/";
  if (!topic_name.starts_with(head) || !topic_name.ends_with("/state")) return;
  const auto report = parse_json(payload, kReportBytesMax, 4);
  if (!report || !report->is_object()) return;
  const std::string key = json_text(*report, "id");
  const std::string name = json_text(*report, "state");
  const auto state = receipt_state(name);
  if (!is_key(key) || !state) return;
  Receipt receipt;
  receipt.provider_id = key;
  receipt.state = *state;
  if (const auto at = json_int(*report, "at_ms"); at > 0) receipt.at = from_unix_ms(at);
  // The device's own words stay out: they may quote the text.
  if (*state == ReceiptState::failed) receipt.reason = "device: " + name;
  const auto play = std::ranges::find(plays_, key, &Play::key);
  if (play != plays_.end()) {
    if (topic_name != topic(play->zone, "state")) return;  // not its loudspeaker
    receipt.delivery = play->delivery;
    if (*state != ReceiptState::accepted) plays_.erase(play);
  }
  out.emplace_back(action::Heard{std::move(receipt)});
}

void LoudspeakerAdapter::forget_expired() {
  std::erase_if(plays_, [now = clock_.now()](const Play& play) { return play.expires <= now; });
}

Health LoudspeakerAdapter::health() const {
  Health out;
  out.state = is_up_ ? Health::State::up : Health::State::down;
  if (!is_up_) out.text = "no connection to the broker";
  return out;
}

}  // namespace linli::notify::mqtt
