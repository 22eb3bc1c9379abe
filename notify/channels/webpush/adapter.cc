// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/webpush/adapter.h"

#include <algorithm>

#include "base/assert.h"
#include "notify/channels/webpush/payload.h"
#include "notify/channels/webpush/reply.h"
#include "notify/settings.h"

namespace linli::notify::webpush {
namespace {

/// Chrome, Firefox, Safari, Edge.
const std::vector<std::string> kKnownServices = {"fcm.googleapis.com",
                                                 "*.push.services.mozilla.com", "*.push.apple.com",
                                                 "*.notify.windows.com"};

/// Items per submit(): one event loop turn of cold encryptions takes 3 ms.
constexpr std::size_t kBatchMax = 32;
constexpr std::int64_t kWindowMax = 1024;
/// Smaller ones would not hold a title.
constexpr std::int64_t kPlainBytesMin = 512;
/// Answers are a line or nothing.
constexpr std::size_t kReplyBytesMax = 16 * 1024;
/// Push services keep a message for at most 4 weeks (FCM, Mozilla).
constexpr std::chrono::seconds kTtlMax = std::chrono::weeks(4);
/// Origins of listed services with a history; a listed "*.name" could have many.
constexpr std::size_t kServicesMax = 64;

/// Keys are prepared after this much silence, a few at a time: each takes 0.1 ms.
constexpr Millis kIdle{2'000};
constexpr Millis kPrepareEvery{20};
constexpr std::size_t kPrepareCount = 16;
constexpr std::uint32_t kPrepareTimer = 1;

/// A service that took a message before knows our key: a 403 is then about one subscription, which
/// was made with another key. More of them one after another are about us after all (our clock).
constexpr int kRefusedInARowMax = 3;
/// A service that never took anything yet: one refusal may be about one endpoint (made with another
/// key, or by a stranger), so many different ones are about our key.
constexpr std::size_t kRefusedFirstMax = 3;
/// A service that throttles so many different messages one after another means all of us.
constexpr int kThrottledInARowMax = 3;

/// Spec: RFC 8030 §5.3.
std::string_view urgency_of(Lane lane) {
  switch (lane) {
    case Lane::red:
    case Lane::orange: return "high";
    case Lane::personal: return "normal";
    case Lane::bulk: return "low";
  }
  return "normal";
}

Outcome content_fault(std::string reason) {
  return {.kind = OutcomeKind::permanent_content, .reason = std::move(reason)};
}

Outcome outcome_of(const Error& error) {
  switch (error.code) {
    // No browser could read what is encrypted for it; nobody but the subscription is to blame.
    case Errc::malformed:
      return {.kind = OutcomeKind::invalid_endpoint, .is_certain = true, .reason = error.detail};
    case Errc::too_large: return content_fault(error.detail);
    default: return {.kind = OutcomeKind::retry_after, .reason = error.detail};
  }
}

Settings read_settings(SettingsReader& from) {
  Settings out;
  out.services = from.texts("services", kKnownServices);
  out.listed_only = from.flag("listed_services_only", false);
  out.plain_bytes_max = static_cast<std::size_t>(
      from.integer("plaintext_bytes_max", kPlainBytesMax, {kPlainBytesMin, kPlainBytesMax}));
  out.correction_sounds = from.flag("correction_sounds", false);
  out.window = static_cast<std::size_t>(from.integer("window", 64, {1, kWindowMax}));
  out.deadline = Millis{from.integer("deadline_ms", 15'000, {100, 60'000})};
  out.ca_file = from.text("ca_file");
  return out;
}

Capabilities capabilities_of(const Settings& settings) {
  Capabilities out;
  out.medium = Medium::webpush;
  out.batch_max = std::min(kBatchMax, settings.window);
  out.window_max = settings.window;
  // By Topic at the service and by the notification's tag on the screen.
  out.is_idempotent = true;
  out.after_unknown = Capabilities::AfterUnknown::resend;
  return out;
}

}  // namespace

Result<std::unique_ptr<Adapter>> WebPushAdapter::make(const AdapterParts& parts) {
  LINLI_ASSERT(parts.rng && parts.clock && parts.secrets && parts.signer);
  SettingsReader from(parts.settings);
  const std::string key_file = from.required_text("key_file");
  const std::string contact = from.required_text("contact");
  if (!contact.empty() && !is_contact(contact))
    from.refuse("contact", "must be mailto: or https: with a public name; Apple refuses others");
  Settings settings = read_settings(from);
  LINLI_CHECK(from.finish());
  LINLI_TRY(std::string text, parts.secrets->read(key_file));
  const Secret key_text(std::move(text));
  auto key = parts.signer->load_p256(key_text.view());
  if (!key) return fail(Errc::invalid_argument, "key_file: " + key.error().detail);
  return std::unique_ptr<Adapter>(
      new WebPushAdapter(parts, std::move(settings), Vapid(std::move(*key), contact)));
}

WebPushAdapter::WebPushAdapter(const AdapterParts& parts, Settings settings, Vapid vapid)
    : settings_(std::move(settings)),
      capabilities_(capabilities_of(settings_)),
      signer_(*parts.signer),
      clock_(*parts.clock),
      rng_(*parts.rng),
      vapid_(std::move(vapid)) {}

Result<Adapter::Preview> WebPushAdapter::preview(const Endpoint& to, const Message& message) const {
  if (const auto read = parse_subscription(to); !read)
    return fail(Errc::invalid_argument, read.error().detail);
  LINLI_TRY(const std::string payload,
            write_payload(message, message.notice,
                          {settings_.plain_bytes_max, settings_.correction_sounds}));
  LINLI_TRY(const Json shown, parse_json(payload));
  const std::string line = json_text(shown, "line");
  return Preview{.text = json_text(shown, "title") + (line.empty() ? "" : "\n" + line), .parts = 1};
}

void WebPushAdapter::submit(std::span<const Item> items, MonoTime now, Actions& out) {
  last_submit_ = now;
  for (const Item& item : items) submit_one(item, out);
  if (!is_armed_ && !keys_.is_complete()) arm(now + kIdle, out);
}

void WebPushAdapter::submit_one(const Item& item, Actions& out) {
  const auto done = [&](Outcome outcome) {
    out.emplace_back(action::Done{item.id, std::move(outcome)});
  };
  if (is_stopped_) return done({.kind = OutcomeKind::retry_after, .reason = "stopped"});
  if (item.expires <= clock_.now()) return done(content_fault("expired"));
  const auto to = parse_subscription(item.to);
  if (!to) return done(outcome_of(to.error()));
  const bool listed = is_listed(to->host, settings_.services);
  if (!listed && settings_.listed_only)
    return done(content_fault("the push service is not in the list"));
  auto call = make_call(item, *to);
  if (!call) return done(outcome_of(call.error()));
  const CallId id{++last_call_};
  pending_.emplace(
      id, Pending{item.id, to->origin, listed, *to, std::hash<std::string>{}(item.to.address)});
  out.emplace_back(action::Http{id, std::move(*call)});
}

Result<HttpCall> WebPushAdapter::make_call(const Item& item, const Subscription& to) {
  const std::string& collapse = item.collapse.empty() ? item.key : item.collapse;
  LINLI_TRY(const std::string plain,
            write_payload(item.message, collapse,
                          {settings_.plain_bytes_max, settings_.correction_sounds}));
  const Instant now = clock_.now();
  LINLI_TRY(std::string authorization, vapid_.authorization(to.origin, now));
  // Rounded up: a message of the last second still gets a TTL, as 0 means "now or never".
  const auto ttl = std::min(std::chrono::ceil<std::chrono::seconds>(item.expires - now), kTtlMax);
  HttpCall call;
  LINLI_TRY(call.body, encrypt_for(to, plain));
  call.url = item.to.address;
  call.headers = {{"Content-Type", "application/octet-stream"},
                  {"Content-Encoding", "aes128gcm"},
                  {"TTL", std::to_string(ttl.count())},
                  {"Urgency", std::string(urgency_of(item.lane))},
                  {"Topic", topic_of(collapse)},
                  {"Authorization", std::move(authorization)}};
  call.deadline = settings_.deadline;
  call.reply_bytes_max = kReplyBytesMax;
  call.trust = AddressTrust::client_told;
  call.ca_file = settings_.ca_file;
  return call;
}

Result<std::string> WebPushAdapter::encrypt_for(const Subscription& to, std::string_view plain) {
  std::optional<OneTimeKey> key = keys_.take(to);
  if (!key) {
    auto fresh = make_one_time_key(signer_, to);
    if (!fresh) {
      keys_.forget(to);
      return std::unexpected(std::move(fresh).error());
    }
    key = std::move(*fresh);
  }
  Salt salt;
  rng_.fill(salt);
  return encrypt(signer_, *key, salt, plain);
}

void WebPushAdapter::on_reply(CallId id, const CallReply& reply, MonoTime, Actions& out) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  Outcome outcome = webpush::outcome_of(reply, found->second.is_listed, clock_.now());
  weigh(found->second, outcome);
  if (outcome.kind == OutcomeKind::invalid_endpoint) keys_.forget(found->second.to);
  out.emplace_back(action::Done{found->second.delivery, std::move(outcome)});
  pending_.erase(found);
}

/// One answer alone cannot tell a wrong key from a subscription made with another one, nor a busy
/// phone from a busy service; what the service said to others can.
void WebPushAdapter::weigh(const Pending& pending, Outcome& outcome) {
  const bool is_accepted = outcome.kind == OutcomeKind::accepted;
  if (is_accepted) {
    health_ = {.state = Health::State::up, .text = ""};
  } else if (outcome.is_peer_fault && health_.state != Health::State::down) {
    health_ = {.state = Health::State::degraded, .text = outcome.reason};
  }
  if (!pending.is_listed) return;
  if (!services_.contains(pending.origin) && services_.size() >= kServicesMax) services_.clear();
  Service& service = services_[pending.origin];
  if (is_accepted) {
    service = {.has_accepted = true};
  } else if (outcome.kind == OutcomeKind::throttled) {
    if (++service.throttled_in_a_row >= kThrottledInARowMax) outcome.scope = Scope::account;
  } else if (outcome.kind == OutcomeKind::permanent_config) {
    if (service.has_accepted && ++service.refused_in_a_row <= kRefusedInARowMax) {
      outcome.kind = OutcomeKind::permanent_content;
      outcome.reason += ": the subscription was made with another key";
    } else if (!service.has_accepted && !is_refused_by_all(service, pending.endpoint)) {
      // Nobody is to blame yet: the message waits for what the service says to others.
      outcome.kind = OutcomeKind::retry_after;
    } else {
      health_ = {.state = Health::State::down,
                 .text = outcome.reason + ": the push service refuses our key"};
    }
  }
}

bool WebPushAdapter::is_refused_by_all(Service& service, std::size_t endpoint) {
  if (service.refused_first.size() < kRefusedFirstMax) service.refused_first.insert(endpoint);
  return service.refused_first.size() == kRefusedFirstMax;
}

void WebPushAdapter::arm(MonoTime at, Actions& out) {
  is_armed_ = true;
  out.emplace_back(action::Timer{kPrepareTimer, at});
}

void WebPushAdapter::on_timer(std::uint32_t number, MonoTime now, Actions& out) {
  if (number != kPrepareTimer) return;
  is_armed_ = false;
  if (is_stopped_) return;
  const MonoTime idle_from = last_submit_ + kIdle;
  const bool is_idle = now >= idle_from && pending_.empty();
  if (is_idle) keys_.prepare(signer_, kPrepareCount);
  if (!keys_.is_complete())
    arm(is_idle ? now + kPrepareEvery : std::max(idle_from, now + kIdle), out);
}

void WebPushAdapter::stop(MonoTime, Actions&) { is_stopped_ = true; }

Result<CallbackReply> WebPushAdapter::on_callback(const Callback& request, Instant, Actions&) {
  if (request.path != "/key") return fail(Errc::not_found, "web push: no such path");
  if (request.method != "GET") return fail(Errc::method_not_allowed, "web push: only GET");
  return CallbackReply{.status = 200,
                       .content_type = "application/json",
                       .body = dump_json(Json{{"key", vapid_.public_key()}})};
}

}  // namespace linli::notify::webpush
