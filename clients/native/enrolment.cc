// SPDX-License-Identifier: Apache-2.0
#include "clients/native/enrolment.h"

#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/json.h"

namespace linli::client {
namespace {

constexpr std::string_view kConsentVersion = "1";

Result<Json> json_of(const HttpReply& reply) {
  if (reply.status < 200 || reply.status >= 300) return std::unexpected(error_of(reply));
  if (reply.body.empty()) return Json::object();
  return parse_json(reply.body, 1024 * 1024);
}

Result<Json> post(Url url, const std::string& path, const Json& body, const TlsOptions& tls) {
  url.path = path;
  LINLI_TRY(const HttpReply reply,
            http_call({.method = "POST", .url = std::move(url), .body = dump_json(body)}, tls));
  return json_of(reply);
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

using namespace std::string_view_literals;

}  // namespace

Error error_of(const HttpReply& reply) {
  const auto body = parse_json(reply.body, 1024 * 1024);
  const std::string code = body ? json_text(*body, "code") : std::string();
  const std::string detail = body ? json_text(*body, "detail") : std::string();
  if (code.empty()) return {Errc::unavailable, "HTTP " + std::to_string(reply.status)};
  // `detail` is for people and often only the sentence of the code; `reason` says which member.
  const Errc known = errc_from_name(code);
  const std::string reason = json_text(*body, "reason");
  return {known, detail == errc_sentence(known) && !reason.empty() ? reason : detail};
}

Result<EnrolOffer> check_code(const std::string& address, const std::string& code,
                              const std::string& door, const TlsOptions& tls) {
  LINLI_TRY(Url url, parse_url(address));
  EnrolOffer offer{.url = url, .slug = slug_of(url), .nonce = {}, .household = {}, .persons = {}};
  if (offer.slug.empty()) {
    return fail(Errc::invalid_argument, "the address lacks /c/<community>");
  }
  // Slips carry .../c/<slug>/#enrol=<secret>, older ones .../c/<slug>/enrol#<secret>.
  constexpr std::string_view kName = "enrol=";
  std::string secret = url.fragment;
  if (secret.starts_with(kName)) secret.erase(0, kName.size());
  if (code.empty() && secret.empty()) return fail(Errc::invalid_argument, "the code is missing");
  Json body = {{"code", code.empty() ? secret : code}};
  if (!door.empty()) body["door"] = door;
  LINLI_TRY(const Json answer, post(url, "/c/" + offer.slug + "/enrol/check", body, tls));
  offer.nonce = json_text(answer, "nonce");
  offer.household = json_text(answer, "household");
  if (const auto persons = answer.find("persons"); persons != answer.end() && persons->is_array())
    for (const Json& person : *persons)
      offer.persons.push_back({json_text(person, "ref"), json_text(person, "name")});
  if (offer.nonce.empty() || offer.persons.empty()) {
    return fail(Errc::malformed, "the answer names no person");
  }
  return offer;
}

Result<void> confirm_enrolment(Client& client, const EnrolOffer& offer, const std::string& person,
                               const std::string& label, const std::vector<std::string>& purposes) {
  if (client.identity()) return fail(Errc::conflict, "this store is enrolled already");
  SystemRng rng;
  const KeyPair key = KeyPair::generate(rng);
  LINLI_TRY(const std::string nonce, from_base64url(offer.nonce));
  const Signature sig = key.sign(
      as_bytes(joined({"linli.enrol.1\0"sv, offer.slug, "\0"sv, nonce, as_text(key.pub())})));
  const Json body = {{"nonce", offer.nonce},
                     {"person", person},
                     {"pub", to_base64url(key.pub())},
                     {"sig", to_base64url(sig)},
                     {"label", label},
                     {"consent", {{"version", kConsentVersion}, {"purposes", purposes}}}};
  const std::string path = "/c/" + offer.slug + "/enrol/confirm";
  auto answer = post(offer.url, path, body, client.tls());
  // The slip is used up by the first success: the same offer and key are answered the same again.
  if (!answer && errc_retryable(answer.error().code)) {
    answer = post(offer.url, path, body, client.tls());
  }
  if (!answer) return std::unexpected(answer.error());
  LINLI_TRY(const Id128 cid, Id128::parse(json_text(*answer, "cid")));
  LINLI_TRY(const Id128 account, Id128::parse(json_text(*answer, "account")));
  if (cid != client_id_of(key.pub())) return fail(Errc::malformed, "the answer names another key");
  sync::Identity identity;
  identity.slug = offer.slug;
  identity.origin = offer.url.origin();
  identity.cid = sync::Cid{cid};
  identity.account = sync::AccountId{account};
  identity.person = json_text(*answer, "person");
  identity.name = json_text(*answer, "name");
  identity.community = json_text(*answer, "community");
  identity.server_pub = json_text(*answer, "server_pub");
  identity.cert = json_text(*answer, "cert");
  identity.seed = key.seed();
  return client.adopt(identity);
}

// --- Staff --------------------------------------------------------------------------------------

Result<HttpReply> StaffApi::send(const std::string& method, const std::string& path,
                                 const Json& body, const std::string& key) {
  const auto identity = client_->identity();
  LINLI_TRY(Url url, parse_url(identity->origin));
  url.path = "/c/" + identity->slug + "/api/v1" + path;
  HttpCall call{.method = method, .url = std::move(url), .body = dump_json(body)};
  if (!token_.empty()) call.headers.emplace_back("Authorization", "Bearer " + token_);
  if (!key.empty()) call.headers.emplace_back("Idempotency-Key", key);
  return http_call(call, client_->tls());
}

Result<void> StaffApi::sign_in() {
  const auto identity = client_->identity();
  if (!identity) return fail(Errc::unauthenticated, "this store is not enrolled");
  LINLI_TRY(const HttpReply asked, send("POST", "/token/challenge", Json::object(), ""));
  LINLI_TRY(const Json challenge, json_of(asked));
  LINLI_TRY(const std::string nonce, from_base64url(json_text(challenge, "nonce")));
  LINLI_TRY(const std::string server, from_base64url(json_text(challenge, "server_id")));
  LINLI_TRY(const KeyPair key, KeyPair::from_seed(identity->seed.view()));
  const Signature sig =
      key.sign(as_bytes(joined({"linli.token.1\0"sv, identity->origin, "\0"sv, server, nonce})));
  const Json body = {{"cid", identity->cid.raw().hex()},
                     {"nonce", json_text(challenge, "nonce")},
                     {"origin", identity->origin},
                     {"sig", to_base64url(sig)},
                     {"cert", identity->cert}};
  LINLI_TRY(const HttpReply answered, send("POST", "/token", body, ""));
  LINLI_TRY(const Json token, json_of(answered));
  token_ = json_text(token, "token");
  return {};
}

Result<void> StaffApi::elevate() {
  LINLI_TRY(const Factors factors, ask_());
  LINLI_TRY(
      const HttpReply reply,
      send("POST", "/elevate", {{"passphrase", factors.passphrase}, {"totp", factors.totp}}, ""));
  LINLI_TRY(const Json token, json_of(reply));
  token_ = json_text(token, "token");
  return {};
}

Result<Json> StaffApi::call(const std::string& method, const std::string& path, const Json& body) {
  if (token_.empty()) LINLI_CHECK(sign_in());
  SystemRng rng;
  const std::string key =
      method == "GET" ? std::string() : uuid_v7(to_unix_ms(SystemClock().now()), rng);
  LINLI_TRY(HttpReply reply, send(method, path, body, key));
  if (reply.status == 401 && error_of(reply).code == Errc::elevation_required) {
    LINLI_CHECK(elevate());
    LINLI_TRY(reply, send(method, path, body, key));
  }
  return json_of(reply);
}

}  // namespace linli::client
