// SPDX-License-Identifier: Apache-2.0
#include "clients/native/enrolment.h"

#include "base/crypto.h"
#include "base/json.h"

namespace linli::client {

Result<void> look_up(SlipEnrolment& slip, const TlsOptions& tls) {
  slip.set_attended();
  while (const auto call = slip.next()) {
    switch (slip.on_reply(http_call(*call, tls))) {
      case SlipEnrolment::Step::choose: return {};
      case SlipEnrolment::Step::again: break;
      case SlipEnrolment::Step::wait:
      case SlipEnrolment::Step::refused: return std::unexpected(*slip.problem());
      case SlipEnrolment::Step::enrolled: return fail(Errc::internal, "nobody was chosen");
    }
  }
  return {};
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
  LINLI_TRY(const KeyPair key, KeyPair::from_seed(identity->seed.view()));
  LINLI_TRY(Json body, token_request(key, identity->origin, challenge));
  body["cert"] = identity->cert;
  LINLI_TRY(const HttpReply answered, send("POST", "/token", body, ""));
  LINLI_TRY(const Json token, json_of(answered));
  token_ = json_text(token, "token");
  return {};
}

Result<std::string> StaffApi::token() {
  if (token_.empty()) LINLI_CHECK(sign_in());
  return token_;
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
