// SPDX-License-Identifier: Apache-2.0
#include "server/http/site.h"

#include <algorithm>

#include "server/http/ack_page.h"
#include "server/http/api.h"
#include "server/http/blobs.h"
#include "server/http/enrol.h"
#include "server/http/gateway_desk.h"
#include "server/http/import.h"
#include "server/http/problem.h"
#include "server/http/public_files.h"
#include "server/http/public_page.h"
#include "server/http/service_records.h"
#include "server/http/session.h"
#include "server/http/slips.h"
#include "server/http/staff.h"

namespace linli::http {
namespace {

constexpr std::string_view kBearer = "Bearer ";

Result<std::string> bearer_of(const net::HttpRequest& request) {
  const std::string header = request.header("authorization");
  if (!header.starts_with(kBearer))
    return fail(Errc::unauthenticated, "send Authorization: Bearer <token or API key>");
  return header.substr(kBearer.size());
}

/// An elevated token slides while it is used.
Respond with_renewal(Respond done, const auth::Tokens& tokens,
                     const std::optional<auth::TokenClaims>& renewed) {
  if (!renewed) return done;
  return [done = std::move(done), token = tokens.encode(*renewed)](net::HttpResponse response) {
    response.headers.emplace_back("Linli-Token", token);
    done(std::move(response));
  };
}

/// The operator with the server's key in hand, by `linlid admin gateway`.
Result<std::optional<Caller>> local_caller(const Endpoint& endpoint) {
  if (endpoint.tag != "gateway") return fail(Errc::forbidden, "only for the gateway");
  Caller out;
  out.actor.elevated = true;
  return std::optional<Caller>{std::move(out)};
}

net::HttpResponse method_refused(const EndpointTable::Match& match,
                                 const net::HttpRequest& request) {
  net::HttpResponse out = problem({Errc::method_not_allowed, request.method}, request.request_id);
  std::string allow;
  for (const std::string& method : match.allowed) allow += (allow.empty() ? "" : ", ") + method;
  out.headers.emplace_back("Allow", allow);
  return out;
}

}  // namespace

struct Site::Services {
  Services(const SiteParts& parts, const auth::Tokens& tokens, const auth::Authenticator& signin)
      : enrolment(parts),
        sessions(parts, tokens, signin),
        staff(parts, tokens),
        slips(parts),
        imports(parts),
        gateway(parts),
        open_page(parts),
        blobs(parts),
        service(parts),
        ack_page(parts),
        public_files(parts) {}

  Enrolment enrolment;
  Sessions sessions;
  Staff staff;
  Slips slips;
  Imports imports;
  GatewayDesk gateway;
  PublicPage open_page;
  Blobs blobs;
  ServiceRecords service;
  AckPage ack_page;
  PublicFiles public_files;
};

Site::Site(SiteParts parts)
    : parts_(std::move(parts)),
      tokens_(parts_.keys),
      authenticator_({parts_.runtime, parts_.book, parts_.revoked, parts_.keys, parts_.clock,
                      parts_.crypto_pool}),
      services_(std::make_unique<Services>(parts_, tokens_, authenticator_)) {
  services_->enrolment.add_to(table_);
  services_->sessions.add_to(table_);
  services_->staff.add_to(table_);
  services_->slips.add_to(table_);
  services_->imports.add_to(table_);
  services_->gateway.add_to(table_);
  services_->open_page.add_to(table_);
  services_->blobs.add_to(table_);
  services_->service.add_to(table_);
  services_->ack_page.add_to(table_);
  services_->public_files.add_to(table_);
  add_registry_routes(table_, parts_);
}

Site::~Site() = default;

Result<std::optional<Caller>> Site::identify(const Endpoint& endpoint,
                                             const net::HttpRequest& request) {
  if (endpoint.access == Access::open) return std::optional<Caller>{};
  if (endpoint.access == Access::optional && !request.headers.contains("authorization"))
    return std::optional<Caller>{};
  LINLI_TRY(const std::string bearer, bearer_of(request));
  Caller out;
  const Instant now = parts_.clock.now();
  out.actor.via = sync::Via::api;
  if (bearer.starts_with(auth::kApiKeyPrefix)) {
    LINLI_TRY(out.actor.account, auth::check_api_key(parts_.keys, parts_.book, bearer, now));
    const auto key = parts_.book.api_key(out.actor.account);
    if (!key || key->scopes.empty()) return fail(Errc::forbidden, "the API key has no scopes");
    out.actor.scopes = key->scopes;
  } else {
    LINLI_TRY(out.claims, tokens_.decode(bearer, now));
    if (out.claims->kind == auth::TokenKind::local) return local_caller(endpoint);
    LINLI_CHECK(auth::check_still_valid(parts_.book, *out.claims));
    if (parts_.revoked.contains(out.claims->cid)) return fail(Errc::revoked, "device");
    out.actor.account = out.claims->account;
    out.actor.cid = out.claims->cid;
    out.actor.elevated = out.claims->kind == auth::TokenKind::elevated;
  }
  if (endpoint.access == Access::elevated && !out.actor.elevated)
    return fail(Errc::elevation_required, endpoint.id);
  if (!calls_.take(out.actor.account.raw().hex(), parts_.clock.mono()))
    return fail(Errc::rate_limited, "calls of one account");
  return std::optional<Caller>{std::move(out)};
}

Result<Json> Site::arguments(const Endpoint& endpoint, const Call& call) const {
  if (endpoint.needs_key) LINLI_CHECK(idempotency_key(call.request));
  LINLI_TRY(Json args, merged_arguments(endpoint, call));
  LINLI_CHECK(endpoint.schema.check(args));
  return args;
}

void Site::handle(net::HttpRequest request, Respond done) {
  const std::size_t end = request.path.find('/', 3);
  const std::string rest = end == request.path.npos ? "" : request.path.substr(end);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  EndpointTable::Match match = table_.find(method, rest);
  if (match.endpoint == nullptr) {
    auto file = parts_.web ? parts_.web->answer(request, slug(), rest) : std::nullopt;
    if (file && method == "GET") return done(std::move(*file));
    if (file) match.allowed = {"GET", "HEAD"};
    if (!match.allowed.empty()) return done(method_refused(match, request));
    return done(problem({Errc::not_found, "no such page"}, request.request_id));
  }
  auto caller = identify(*match.endpoint, request);
  if (!caller) return done(problem(caller.error(), request.request_id));
  Call call{std::move(request), std::move(match.path), Json::object(), std::move(*caller)};
  auto args = arguments(*match.endpoint, call);
  if (!args) return done(problem(args.error(), call.request.request_id));
  call.args = std::move(*args);
  if (call.caller && call.caller->claims)
    done = with_renewal(std::move(done), tokens_,
                        tokens_.renewed(*call.caller->claims, parts_.clock.now()));
  match.endpoint->run(std::move(call), std::move(done));
}

}  // namespace linli::http
