// SPDX-License-Identifier: Apache-2.0
#include "server/http/gateway_desk.h"

#include <cmath>
#include <set>

#include "server/auth/authenticator.h"
#include "server/http/api.h"
#include "server/http/problem.h"

namespace linli::http {
namespace {

const char* kNothing = R"({"type":"object","additionalProperties":false})";

const char* kSearchSchema = R"({"type":"object","additionalProperties":false,
  "properties":{"notice":{"type":"string","maxLength":64},
    "person":{"type":"string","maxLength":64},
    "state":{"enum":["ready","held","intent","accepted","unknown","delivered","failed","expired",
      "cancelled","summed","dead","owed"]},
    "after":{"type":"string","pattern":"^[0-9]{1,18}$"},
    "limit":{"type":"string","pattern":"^[0-9]{1,3}$"}}})";

const char* kQuoteSchema = R"({"type":"object","additionalProperties":false,
  "properties":{"notice":{"type":"string","minLength":1,"maxLength":24},
    "category":{"type":"string","maxLength":20},
    "severity":{"enum":["none","blue","yellow","orange","red"]},
    "title":{"type":"string","minLength":1,"maxLength":60},
    "action_line":{"type":"string","maxLength":40},
    "body":{"type":"string","maxLength":8000},
    "needs_ack":{"type":"boolean"},
    "audience":{"type":"object"}}})";

using RunQuery = std::function<Result<Json>(const char* name, const Json& params)>;

/// What the text costs over each channel for so many people, and how long it takes at its rate.
Json with_audience(const Json& quotes, const Json& count) {
  Json out = quotes;
  out["audience"] = count;
  const Json none = Json::object();
  const Json& by_medium = count.contains("by_medium") ? count.at("by_medium") : none;
  for (Json& quote : out["quotes"]) {
    const std::int64_t persons = json_int(by_medium, json_text(quote, "medium"));
    const std::int64_t parts = persons * json_int(quote, "parts");
    quote["persons"] = persons;
    quote["cost"] = parts * json_int(quote, "part_price");
    const double rate = quote.value("rate", 0.0);
    if (rate > 0) quote["seconds"] = std::ceil(static_cast<double>(parts) / rate);
  }
  // Each person once over each medium, by the channel that is preferred for it.
  std::int64_t total = 0;
  std::set<std::string> media;
  for (const Json& quote : out.at("quotes"))
    if (media.insert(json_text(quote, "medium")).second) total += json_int(quote, "cost");
  out["cost"] = total;
  return out;
}

Endpoint endpoint(const char* method, const char* path, const char* id, const char* schema) {
  Endpoint out;
  out.method = method;
  out.path = path;
  out.id = id;
  out.tag = "gateway";
  out.schema = JsonSchema(parse_json(schema).value());
  return out;
}

}  // namespace

void GatewayDesk::ask_for(const Call& call, Respond done, const Ask& ask) const {
  const std::string request_id = call.request.request_id;
  if (parts_.gateway == nullptr)
    return done(problem({Errc::unavailable, "this server runs no gateway"}, request_id));
  auto shared = std::make_shared<const Call>(call);
  read_for(parts_, shared->caller->actor, request_id, done,
           [this, shared, request_id, done, ask](sync::ReadContext& ctx) {
             const auto* query = parts_.runtime.registry().query("gateway.look");
             if (auto may = query->permit(ctx, Json::object()); !may)
               return done(problem(may.error(), request_id));
             ask(*parts_.gateway, shared->args, [done, request_id](const Result<Json>& answer) {
               done(answer ? json_response(*answer) : problem(answer.error(), request_id));
             });
           });
}

void GatewayDesk::add_to(EndpointTable& table) {
  const auto add = [&](Endpoint one, const char* summary, Ask ask) {
    one.summary = summary;
    one.run = [this, ask = std::move(ask)](const Call& call, Respond done) {
      ask_for(call, std::move(done), ask);
    };
    table.add(std::move(one));
  };
  add(endpoint("GET", "/api/v1/gateway", "gateway.status", kNothing),
      "Channels with their health, notices that are being sent, and what stands still.",
      [](GatewayPort& port, const Json&, GatewayPort::Done done) { port.look(std::move(done)); });
  add(endpoint("GET", "/api/v1/gateway/deliveries", "gateway.deliveries", kSearchSchema),
      "What was tried to reach whom; addresses are masked. state=dead is the dead-letter list.",
      [](GatewayPort& port, const Json& args, GatewayPort::Done done) {
        port.deliveries(args, std::move(done));
      });
  Endpoint quote = endpoint("POST", "/api/v1/gateway/quote", "gateway.quote", kQuoteSchema);
  quote.summary =
      "How a text reads over each channel, its parts and price; with `audience` also for how many "
      "people, what all of it costs and how long it takes. With `notice` instead of a text it is "
      "the "
      "notice's, and its approval must then name the same `cost`.";
  quote.run = [this](const Call& call, Respond done) { run_quote(call, std::move(done)); };
  table.add(std::move(quote));
  Endpoint key = endpoint("GET", "/api/v1/push-key", "push.key", kNothing);
  key.access = Access::open;
  key.summary = "The key that a browser subscribes to Web Push with (RFC 8292 section 4.2).";
  key.run = [this](const Call& call, const Respond& done) { push_key(call, done); };
  table.add(std::move(key));
  for (const char* method : {"POST", "GET"}) {
    Endpoint hook = endpoint(method, "/hooks/{channel}",
                             method[0] == 'P' ? "gateway.hook" : "gateway.hook_check", kNothing);
    hook.access = Access::open;
    hook.summary = "A provider's receipts; the channel authenticates them.";
    hook.takes = "*/*";
    hook.answers = "text/plain";
    hook.schema = JsonSchema(Json{{"type", "object"}});
    hook.run = [this](const Call& call, const Respond& done) { run_hook(call, done); };
    table.add(std::move(hook));
  }
}

namespace {

/// What a quote is asked for: the text given, or the notice named with its audience.
Result<Json> subject_of(const RunQuery& run, const Json& args) {
  if (!args.contains("notice")) {
    if (!args.contains("title"))
      return fail(Errc::invalid_argument, "title or notice: what is to be quoted?");
    return args;
  }
  LINLI_TRY(const Json notice, run("notice.get", {{"id", args.at("notice")}}));
  if (!notice.contains("audience")) return fail(Errc::forbidden, "its audience is not for you");
  Json out = notice.at("content");
  out["notice"] = args.at("notice");
  out["audience"] = notice.at("audience");
  out["fingerprint"] = notice.at("fingerprint");
  return out;
}

}  // namespace

void GatewayDesk::run_quote(const Call& call, Respond done) const {
  const std::string request_id = call.request.request_id;
  if (parts_.gateway == nullptr)
    return done(problem({Errc::unavailable, "this server runs no gateway"}, request_id));
  auto shared = std::make_shared<const Call>(call);
  read_for(parts_, shared->caller->actor, request_id, done,
           [this, shared, request_id, done](sync::ReadContext& ctx) {
             const auto& registry = parts_.runtime.registry();
             const auto run = [&](const char* name, const Json& params) -> Result<Json> {
               const sync::QueryDef* query = registry.query(name);
               LINLI_CHECK(query->params_schema.check(params));
               LINLI_CHECK(query->permit(ctx, params));
               return query->run(ctx, params);
             };
             Result<Json> count = run("gateway.look", Json::object());
             Result<Json> subject = count ? subject_of(run, shared->args) : count;
             if (subject && subject->contains("audience"))
               count = run("notice.audience_count", {{"audience", subject->at("audience")}});
             if (!subject || !count)
               return done(problem(subject ? count.error() : subject.error(), request_id));
             finish_quote(std::move(*subject), std::move(*count), request_id, done);
           });
}

void GatewayDesk::push_key(const Call& call, const Respond& done) const {
  const std::string request_id = call.request.request_id;
  if (parts_.gateway == nullptr)
    return done(problem({Errc::not_found, "no channel of Web Push"}, request_id));
  parts_.gateway->push_key([done, request_id](const Result<Json>& answer) {
    done(answer ? json_response(*answer) : problem(answer.error(), request_id));
  });
}

void GatewayDesk::finish_quote(Json subject, Json count, const std::string& request_id,
                               const Respond& done) const {
  Json message = subject;
  for (const char* member : {"audience", "fingerprint", "notice"}) message.erase(member);
  parts_.gateway->quote(
      std::move(message), [this, subject = std::move(subject), count = std::move(count), request_id,
                           done](const Result<Json>& quotes) {
        if (!quotes) return done(problem(quotes.error(), request_id));
        if (!subject.contains("audience")) return done(json_response(*quotes));
        Json out = with_audience(*quotes, count);
        if (!subject.contains("fingerprint")) return done(json_response(out));
        out["fingerprint"] = subject.at("fingerprint");
        Json args = {{"id", subject.at("notice")},
                     {"fingerprint", subject.at("fingerprint")},
                     {"persons", json_int(count, "persons")},
                     {"cost", out.at("cost")}};
        const bool is_queued = parts_.runtime.submit(
            auth::system_submission("notice.quoted", std::move(args), parts_.clock.now()),
            [done, request_id, out](const sync::Answer& answer) {
              done(answer.result ? json_response(out) : problem(answer.result.error(), request_id));
            });
        if (!is_queued) done(problem({Errc::unavailable, "writer queue is full"}, request_id));
      });
}

void GatewayDesk::run_hook(const Call& call, const Respond& done) const {
  const std::string request_id = call.request.request_id;
  const auto refuse = [&](Errc code, const char* what) { done(problem({code, what}, request_id)); };
  if (parts_.gateway == nullptr) return refuse(Errc::not_found, "no gateway");
  if (call.request.body.size() > kHookBytesMax) return refuse(Errc::too_large, "web hook");
  parts_.gateway->callback(
      call.path.at("channel"), call.request, [done, request_id](Result<net::HttpResponse> answer) {
        done(answer ? std::move(*answer) : problem(answer.error(), request_id));
      });
}

}  // namespace linli::http
