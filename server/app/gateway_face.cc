// SPDX-License-Identifier: Apache-2.0
#include "server/app/gateway_face.h"

#include <algorithm>
#include <array>

namespace linli::app {
namespace {

constexpr std::array<std::string_view, 4> kHealth = {"idle", "up", "degraded", "down"};
constexpr std::int64_t kPageMax = 500;

Json to_json(const GatewayRuntime::Quote& quote) {
  Json out = {{"channel", quote.channel}, {"medium", quote.medium}};
  if (!quote.preview) {
    out["refused"] = quote.preview.error().detail;
    return out;
  }
  out["text"] = quote.preview->text;
  out["parts"] = quote.preview->parts;
  out["part_price"] = quote.part_price;
  out["rate"] = quote.rate;
  return out;
}

}  // namespace

Result<notify::GatewayStore::Search> search_of(const Json& params) {
  notify::GatewayStore::Search out;
  out.notice = json_text(params, "notice");
  out.person = json_text(params, "person");
  if (const std::string state = json_text(params, "state"); !state.empty()) {
    const auto found = std::ranges::find(notify::kDeliveryStates, state);
    if (found == notify::kDeliveryStates.end()) return fail(Errc::invalid_argument, "state");
    out.state = static_cast<notify::DeliveryRecord::State>(found - notify::kDeliveryStates.begin());
  }
  const std::string after = json_text(params, "after");
  if (!after.empty()) out.after = notify::DeliveryId{std::stoull(after)};
  const std::string limit = json_text(params, "limit");
  out.limit = static_cast<std::size_t>(
      std::clamp<std::int64_t>(limit.empty() ? 100 : std::stoll(limit), 1, kPageMax));
  return out;
}

Json to_json(const GatewayLook& look) {
  Json out = {{"channels", Json::array()},
              {"notices", Json::array()},
              {"paused", look.paused},
              {"rows_behind", look.rows_behind},
              {"facts_behind", look.facts_behind}};
  for (const GatewayLook::Channel& channel : look.channels) {
    Json item = {{"name", channel.sender.name},
                 {"medium", channel.medium},
                 {"state", kHealth[static_cast<std::size_t>(channel.health.state)]},
                 {"text", channel.health.text},
                 {"open", channel.sender.is_open},
                 {"in_flight", channel.sender.in_flight},
                 {"rate", channel.sender.rate},
                 {"handed", channel.sender.handed},
                 {"failed", channel.sender.failed},
                 {"queued", channel.sender.queued},
                 {"owed", channel.sender.owed},
                 {"attempts", channel.sender.counts.attempts},
                 {"cost", channel.sender.counts.cost}};
    if (const auto& oldest = channel.sender.oldest)
      item["oldest_s"] = std::chrono::floor<std::chrono::seconds>(*oldest).count();
    if (!channel.sender.paused.empty()) item["paused"] = channel.sender.paused;
    if (channel.health.balance) item["balance"] = *channel.health.balance;
    out["channels"].push_back(std::move(item));
  }
  for (const notify::Gateway::NoticeLook& notice : look.notices)
    out["notices"].push_back({{"id", notice.id},
                              {"state", notice.state},
                              {"waiting", notice.waiting},
                              {"cost", notice.cost},
                              {"expanding", notice.is_expanding}});
  return out;
}

Json to_json(const notify::DeliveryRecord& delivery) {
  Json out = {{"id", std::to_string(delivery.id.raw())},
              {"notice", delivery.notice},
              {"person", delivery.person},
              {"purpose", notify::purpose_name(delivery.purpose)},
              {"medium", notify::medium_name(delivery.to.medium)},
              {"to", notify::redact(delivery.to.medium, delivery.to.address)},
              {"state", notify::kDeliveryStates[static_cast<std::size_t>(delivery.state)]},
              {"channel", delivery.channel},
              {"attempts", delivery.attempts},
              {"parts", delivery.parts},
              {"reason", delivery.reason}};
  if (delivery.handed_at != Instant{}) out["handed_at"] = to_unix_ms(delivery.handed_at);
  return out;
}

Json to_json(const std::vector<notify::DeliveryRecord>& page, std::size_t limit) {
  Json out = {{"deliveries", Json::array()}};
  for (const notify::DeliveryRecord& delivery : page)
    out["deliveries"].push_back(to_json(delivery));
  if (page.size() == limit) out["next"] = std::to_string(page.back().id.raw());
  return out;
}

void GatewayFace::look(Done done) {
  runtime_.look([done = std::move(done)](const GatewayLook& look) { done(to_json(look)); });
}

void GatewayFace::deliveries(Json params, Done done) {
  const auto search = search_of(params);
  if (!search) return done(std::unexpected(search.error()));
  runtime_.with_gateway(
      [search = *search, done = std::move(done)](notify::Gateway&, notify::GatewayStore& store) {
        const auto found = store.deliveries(search);
        if (!found) return done(std::unexpected(found.error()));
        done(to_json(*found, search.limit));
      });
}

void GatewayFace::quote(Json message, Done done) {
  auto parsed = notify::message_of(message);
  if (!parsed) return done(std::unexpected(parsed.error()));
  runtime_.quote(std::move(*parsed),
                 [done = std::move(done)](const std::vector<GatewayRuntime::Quote>& quotes) {
                   Json out = {{"quotes", Json::array()}};
                   for (const auto& quote : quotes) out["quotes"].push_back(to_json(quote));
                   done(std::move(out));
                 });
}

void GatewayFace::push_key(Done done) {
  const std::string channel = runtime_.channel_of_kind("webpush");
  if (channel.empty()) return done(fail(Errc::not_found, "no channel of Web Push"));
  notify::Callback ask;
  ask.method = "GET";
  ask.path = "/key";
  runtime_.callback(channel, std::move(ask),
                    [done = std::move(done)](const Result<notify::CallbackReply>& reply) {
                      done(reply ? parse_json(reply->body) : std::unexpected(reply.error()));
                    });
}

void GatewayFace::link(std::string token, Done done) {
  runtime_.with_gateway([hash = notify::link_hash(token), now = runtime_.now(),
                         done = std::move(done)](notify::Gateway&, notify::GatewayStore& store) {
    const auto found = store.link(hash);
    if (!found) return done(std::unexpected(found.error()));
    if (!*found) return done(fail(Errc::not_found, "link"));
    if ((*found)->expires <= now) return done(fail(Errc::expired, "link"));
    done(Json{{"notice", (*found)->notice}, {"person", (*found)->person}});
  });
}

Result<Json> GatewayFace::published(const std::string& name) {
  LINLI_TRY(CapPublish::File file, runtime_.published(name));
  return Json{{"type", std::move(file.type)}, {"body", std::move(file.body)}};
}

void GatewayFace::callback(std::string channel, net::HttpRequest request,
                           std::function<void(Result<net::HttpResponse>)> done) {
  notify::Callback hook;
  hook.method = std::move(request.method);
  hook.query = std::move(request.query);
  hook.headers = std::move(request.headers);
  hook.body = std::move(request.body);
  runtime_.callback(channel, std::move(hook),
                    [done = std::move(done)](Result<notify::CallbackReply> reply) {
                      if (!reply) return done(std::unexpected(reply.error()));
                      net::HttpResponse out;
                      out.status = reply->status;
                      out.content_type = reply->content_type;
                      out.body = std::move(reply->body);
                      done(std::move(out));
                    });
}

}  // namespace linli::app
