// SPDX-License-Identifier: Apache-2.0
#include "server/http/api.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "server/http/problem.h"
#include "sync/engine/reader_context.h"

namespace linli::http {
namespace {

const Json* properties_of(const JsonSchema& schema) {
  const Json& json = schema.json();
  const auto found = json.find("properties");
  return found == json.end() ? nullptr : &*found;
}

bool has_property(const JsonSchema& schema, std::string_view name) {
  const Json* properties = properties_of(schema);
  return properties != nullptr && properties->contains(name);
}

/// A text of the path or query as the type that the schema asks for.
Json typed(const JsonSchema& schema, std::string_view name, const std::string& text) {
  const Json* properties = properties_of(schema);
  const auto found = properties == nullptr ? Json::const_iterator{} : properties->find(name);
  if (properties == nullptr || found == properties->end()) return text;
  const std::string type = json_text(*found, "type");
  if (type == "boolean" && (text == "true" || text == "false")) return text == "true";
  if (type == "integer") {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
  }
  if (type == "array") return Json::array({text});
  return text;
}

Result<void> put_member(Json& args, const std::string& name, Json value) {
  const auto found = args.find(name);
  if (found == args.end()) {
    args[name] = std::move(value);
    return {};
  }
  if (*found == value) return {};
  return fail(Errc::invalid_argument, "member given twice: " + name);
}

bool has_json_type(const net::HttpRequest& request) {
  const std::string type = request.header("content-type");
  return type == "application/json" || type.starts_with("application/json;");
}

Result<Json> body_of(const Endpoint& endpoint, const net::HttpRequest& request) {
  if (request.body.empty() || endpoint.takes != "application/json") return Json::object();
  if (!has_json_type(request))
    return fail(Errc::unsupported_media, "send the body as Content-Type: application/json");
  LINLI_TRY(Json body, parse_json(request.body));
  if (!body.is_object()) return fail(Errc::malformed, "the body must be a JSON object");
  return body;
}

bool is_write(std::string_view method) { return method != "GET" && method != "HEAD"; }

std::string query_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    const auto byte = static_cast<std::uint8_t>(c);
    out += plain ? std::string(1, c) : "%" + to_hex({&byte, 1});
  }
  return out;
}

void run_mutator(const SiteParts& parts, const sync::MutatorDef& def, Call call, Respond done) {
  if (def.needs_elevation && !call.caller->actor.elevated)
    return done(problem({Errc::elevation_required, def.name}, call.request.request_id));
  const std::string request_id = call.request.request_id;
  Json args = call.args;
  submit_for(parts, call, def.name, std::move(args),
             [done = std::move(done), request_id](const sync::Answer& answer) {
               done(answer_response(answer, request_id));
             });
}

void run_query(const SiteParts& parts, const sync::QueryDef& def, Call call, const Respond& done) {
  auto shared = std::make_shared<const Call>(std::move(call));
  const net::HttpRequest& request = shared->request;
  read_for(parts, shared->caller->actor, request.request_id, done,
           [&def, shared, done](sync::ReadContext& ctx) {
             const std::string& request_id = shared->request.request_id;
             const auto permitted = def.permit ? def.permit(ctx, shared->args) : Result<void>{};
             if (!permitted) return done(problem(permitted.error(), request_id));
             auto result = def.run(ctx, shared->args);
             if (!result) return done(problem(result.error(), request_id));
             if (has_property(def.params_schema, "limit"))
               return done(page_response(std::move(*result), shared->request));
             done(json_response(*result));
           });
}

Endpoint endpoint_of(const sync::RouteDef& route, const SiteParts& parts) {
  Endpoint out;
  out.method = route.method;
  out.path = "/api/v1" + route.path;
  out.id = route.target;
  out.tag = route.tag;
  out.summary = route.summary;
  const sync::Registry& registry = parts.runtime.registry();
  if (const sync::MutatorDef* def = registry.mutator(route.target); def != nullptr) {
    LINLI_ASSERT(is_write(route.method));  // no GET has an effect (decision E12)
    out.access = def->needs_elevation ? Access::elevated : Access::signed_in;
    out.needs_key = true;
    out.schema = def->args_schema;
    out.run = [&parts, def](Call call, Respond done) {
      run_mutator(parts, *def, std::move(call), std::move(done));
    };
    return out;
  }
  const sync::QueryDef* def = registry.query(route.target);
  LINLI_ASSERT(def != nullptr);
  out.schema = def->params_schema;
  out.run = [&parts, def](Call call, Respond done) {
    run_query(parts, *def, std::move(call), done);
  };
  return out;
}

using SharedAnswer = std::shared_ptr<std::function<void(sync::Answer)>>;

void queue(const SiteParts& parts, sync::Submission work, const SharedAnswer& done) {
  const bool queued = parts.runtime.submit(
      std::move(work), [done](sync::Answer answer) { (*done)(std::move(answer)); });
  if (!queued) (*done)({0, fail(Errc::unavailable, "writer queue is full"), {}, false});
}

}  // namespace

void add_registry_routes(EndpointTable& table, const SiteParts& parts) {
  for (const sync::RouteDef& route : parts.runtime.registry().routes())
    table.add(endpoint_of(route, parts));
}

Result<Json> merged_arguments(const Endpoint& endpoint, const Call& call) {
  LINLI_TRY(Json args, body_of(endpoint, call.request));
  const JsonSchema& schema = endpoint.schema;
  for (const auto& [name, value] : call.path)
    LINLI_CHECK(put_member(args, name, typed(schema, name, value)));
  for (const auto& [given, value] : call.request.query) {
    const bool renamed =
        given == "cursor" && !has_property(schema, "cursor") && has_property(schema, "after");
    const std::string name = renamed ? "after" : given;
    const auto held = args.find(name);
    if (held != args.end() && held->is_array()) {
      held->push_back(value);  // ?tag=a&tag=b
    } else {
      LINLI_CHECK(put_member(args, name, typed(schema, name, value)));
    }
  }
  return args;
}

Result<std::string> idempotency_key(const net::HttpRequest& request) {
  std::string key = request.header("idempotency-key");
  const bool printable = std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
  if (key.empty() || key.size() > kIdempotencyKeyBytesMax || !printable)
    return fail(Errc::invalid_argument,
                "send a header Idempotency-Key with a new UUID for each operation and the same one "
                "when you repeat it");
  return key;
}

Id128 request_hash(const net::HttpRequest& request) {
  Sha256Stream hash;
  const std::string_view zero("\0", 1);
  hash.add(request.method).add(zero).add(request.path).add(zero);
  for (const auto& [name, value] : request.query) hash.add(name).add(zero).add(value).add(zero);
  const Sha256 sum = hash.add(request.body).finish();
  return Id128::of(ByteView(sum).first(16));
}

void submit_for(const SiteParts& parts, const Call& call, std::string name, Json args,
                std::function<void(sync::Answer)> done) {
  sync::Submission work;
  work.actor = call.caller->actor;
  work.name = std::move(name);
  const auto* def = parts.runtime.registry().mutator(work.name);
  if (def != nullptr) {
    work.lane = def->lane;
    if (auto checked = def->args_schema.check(args); !checked)
      return done({0, std::unexpected(checked.error()), {}, false});
  }
  work.args_text = dump_json(args);
  work.args = std::make_shared<const Json>(std::move(args));
  work.captured_at = parts.clock.now();
  if (auto key = idempotency_key(call.request); key)
    work.idempotency = sync::Idempotency{*key, request_hash(call.request)};
  work.token = 1;
  auto shared = std::make_shared<std::function<void(sync::Answer)>>(std::move(done));
  if (def == nullptr || !def->verify) return queue(parts, std::move(work), shared);
  const bool taken = parts.crypto_pool([&parts, work, def, shared] {
    if (auto genuine = def->verify(*work.args); !genuine)
      return (*shared)({0, std::unexpected(genuine.error()), {}, false});
    queue(parts, work, shared);
  });
  if (!taken) (*shared)({0, fail(Errc::unavailable, "crypto pool is full"), {}, false});
}

void read_for(const SiteParts& parts, const sync::Actor& actor, std::string_view request_id,
              const Respond& done, std::function<void(sync::ReadContext&)> use) {
  const std::string id(request_id);
  const bool queued =
      parts.runtime.read(actor, [id, done, use = std::move(use)](sync::ReadContext& ctx) {
        try {
          use(ctx);
        } catch (const sync::ReadFailure& failure) {
          done(problem(failure.error, id));
        }
      });
  if (!queued) done(problem({Errc::unavailable, "readers"}, id));
}

net::HttpResponse answer_response(const sync::Answer& answer, std::string_view request_id) {
  net::HttpResponse out =
      answer.result ? json_response(*answer.result) : problem(answer.result.error(), request_id);
  // A repeated answer's seq was not kept.
  if (answer.result && !answer.replayed)
    out.headers.emplace_back("Linli-Seq", std::to_string(answer.seq.raw()));
  if (answer.replayed) out.headers.emplace_back("Idempotent-Replayed", "true");
  return out;
}

net::HttpResponse page_response(Json result, const net::HttpRequest& request) {
  // Modules name their list; outside every list is `items`.
  if (result.is_object() && !result.contains("items")) {
    for (auto member = result.begin(); member != result.end(); ++member) {
      if (!member->is_array()) continue;
      Json items = std::move(*member);
      result.erase(member);
      result["items"] = std::move(items);
      break;
    }
  }
  const std::string next = json_text(result, "next");
  net::HttpResponse out = json_response(result);
  if (next.empty()) return out;
  std::string query;
  for (const auto& [name, value] : request.query) {
    if (name == "cursor" || name == "after") continue;
    query += query_encoded(name) + "=" + query_encoded(value) + "&";
  }
  out.headers.emplace_back("Link", "<" + request.path + "?" + query +
                                       "cursor=" + query_encoded(next) + ">; rel=\"next\"");
  return out;
}

}  // namespace linli::http
