// SPDX-License-Identifier: Apache-2.0
#include "server/http/session.h"

#include <algorithm>

#include "server/http/problem.h"

namespace linli::http {
namespace {

const char* kTokenSchema = R"({"type":"object","additionalProperties":false,
  "required":["cid","nonce","origin","sig"],
  "properties":{"cid":{"type":"string","pattern":"^[0-9a-f]{32}$"},
    "nonce":{"type":"string","maxLength":64},
    "origin":{"type":"string","maxLength":200},
    "sig":{"type":"string","minLength":86,"maxLength":86},
    "cert":{"type":"string","maxLength":1024}}})";

}  // namespace

void Sessions::add_to(EndpointTable& table) {
  Endpoint ask;
  ask.method = "POST";
  ask.path = "/api/v1/token/challenge";
  ask.access = Access::open;
  ask.id = "token.challenge";
  ask.tag = "token";
  ask.summary = "A nonce to sign for a token.";
  ask.schema = JsonSchema(Json{{"type", "object"}});
  ask.run = [this](const Call& call, const Respond& done) { challenge(call, done); };
  table.add(std::move(ask));
  Endpoint get;
  get.method = "POST";
  get.path = "/api/v1/token";
  get.access = Access::open;
  get.id = "token.issue";
  get.tag = "token";
  get.summary = "A bearer token of 10 minutes for a signature of the device key.";
  get.schema = JsonSchema(parse_json(kTokenSchema).value());
  get.run = [this](const Call& call, Respond done) { token(call, std::move(done)); };
  table.add(std::move(get));
}

void Sessions::challenge(const Call& call, const Respond& done) {
  const MonoTime now = parts_.clock.mono();
  if (!remotes_.take(call.request.remote, now))
    return done(problem_later({Errc::rate_limited, "tokens for one address"},
                              call.request.request_id, remotes_.wait(call.request.remote, now)));
  const std::string nonce = nonces_.add(true, now, parts_.rng);
  done(json_response({{"nonce", to_base64url(as_bytes(nonce))},
                      {"server_id", to_base64url(parts_.keys.server_id().bytes)}}));
}

void Sessions::token(const Call& call, Respond done) {
  const std::string request_id = call.request.request_id;
  const std::string origin = json_text(call.args, "origin");
  if (std::ranges::find(parts_.origins, origin) == parts_.origins.end())
    return done(problem({Errc::bad_origin, "origin is not in the server's list"}, request_id));
  const auto nonce = from_base64url(json_text(call.args, "nonce"));
  if (!nonce || !nonces_.take(*nonce, parts_.clock.mono()))
    return done(problem({Errc::expired, "the nonce is unknown, used or too old"}, request_id));
  sync::AskAuthenticate ask;
  const auto cid = Id128::parse(json_text(call.args, "cid"));
  const auto sig = from_base64url(json_text(call.args, "sig"));
  if (!cid || !sig || sig->size() != ask.signature.size())
    return done(problem({Errc::malformed, "cid or sig"}, request_id));
  ask.cid = sync::Cid{*cid};
  std::ranges::copy(as_bytes(*sig), ask.signature.begin());
  ask.message = auth::token_message(origin, parts_.keys.server_id(), *nonce);
  ask.cert = json_text(call.args, "cert");
  authenticator_.authenticate(std::move(ask), [this, request_id, done = std::move(done)](
                                                  const Result<sync::Principal>& who) {
    if (!who) return done(problem(who.error(), request_id));
    const auth::TokenClaims claims =
        tokens_.make_claims(auth::TokenKind::device, who->account, who->cid, parts_.clock.now());
    done(json_response(
        {{"token", tokens_.encode(claims)}, {"expires_at", to_unix_ms(claims.expires)}}));
  });
}

}  // namespace linli::http
