// SPDX-License-Identifier: Apache-2.0
#include "server/http/staff.h"

#include "server/auth/totp.h"
#include "server/http/api.h"
#include "server/http/problem.h"
#include "server/http/setup_code.h"

namespace linli::http {
namespace {

constexpr std::string_view kTotpSeal = "linli.staff.totp.1";
constexpr std::string_view kTicketSeal = "linli.staff.ticket.1";
constexpr std::string_view kWrongFactors = "口令或动态码不对，请再试一次。";
constexpr std::string_view kNotSetUp = "还没有设置口令。请用管理员给的设置码先设置。";

Json text_schema(int chars_min, int chars_max) {
  return {{"type", "string"}, {"minLength", chars_min}, {"maxLength", chars_max}};
}

JsonSchema object_schema(std::initializer_list<std::pair<std::string, Json>> members) {
  Json out = {{"type", "object"},
              {"additionalProperties", false},
              {"properties", Json::object()},
              {"required", Json::array()}};
  for (const auto& [name, schema] : members) {
    out["properties"][name] = schema;
    out["required"].push_back(name);
  }
  return JsonSchema(out);
}

std::string account_of(const Call& call) { return call.caller->actor.account.raw().hex(); }

Error device_only() { return {Errc::forbidden, "only a person's device can do this"}; }

}  // namespace

void Staff::add_to(EndpointTable& table) {
  const auto add = [&](std::string id, std::string path, Access access, std::string summary,
                       JsonSchema schema, void (Staff::*run)(Call, Respond)) {
    Endpoint out;
    out.method = "POST";
    out.path = std::move(path);
    out.access = access;
    out.id = std::move(id);
    out.tag = "staff";
    out.summary = std::move(summary);
    out.schema = std::move(schema);
    out.run = [this, run](Call call, Respond done) {
      if (!call.caller->claims) return done(problem(device_only(), call.request.request_id));
      (this->*run)(std::move(call), std::move(done));
    };
    table.add(std::move(out));
  };
  const Json code = {{"type", "string"}, {"pattern", "^[0-9]{6}$"}};
  add("staff.elevate", "/api/v1/elevate", Access::signed_in,
      "Passphrase and TOTP for an elevated token: 15 minutes idle, 8 hours at most.",
      object_schema({{"passphrase", text_schema(1, 200)}, {"totp", code}}), &Staff::elevate);
  add("staff.setup", "/api/v1/staff/setup", Access::signed_in,
      "Begins to set passphrase and authenticator with a one-time setup code.",
      object_schema(
          {{"code", text_schema(16, 40)}, {"passphrase", text_schema(kPassphraseCharsMin, 200)}}),
      &Staff::begin_setup);
  add("staff.setup_confirm", "/api/v1/staff/setup/confirm", Access::signed_in,
      "Stores them once the authenticator shows a right code.",
      object_schema({{"ticket", text_schema(1, 1000)}, {"totp", code}}), &Staff::finish_setup);
  add("staff.reset", "/api/v1/staff/{account}/reset", Access::elevated,
      "After a loss: ends an account's passphrase and gives a new setup code.",
      object_schema({{"account", {{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}}}}),
      &Staff::reset);
}

std::string Staff::sealed(std::string_view purpose, std::string_view plain) const {
  return to_base64url(as_bytes(seal(parts_.keys.derive(purpose), as_bytes(plain), parts_.rng)));
}

Result<std::string> Staff::opened(std::string_view purpose, const std::string& text) const {
  LINLI_TRY(const std::string raw, from_base64url(text));
  return open_sealed(parts_.keys.derive(purpose), as_bytes(raw));
}

bool Staff::may_try(const Call& call, const Respond& done) {
  const MonoTime now = parts_.clock.mono();
  const std::string account = account_of(call);
  if (tries_.take(account, now)) return true;
  done(problem_later({Errc::rate_limited, "too many wrong passphrases or codes"},
                     call.request.request_id, tries_.wait(account, now)));
  return false;
}

void Staff::submit(std::string name, Json args, std::function<void(Result<Json>)> done) const {
  auto shared = std::make_shared<std::function<void(Result<Json>)>>(std::move(done));
  const bool queued = parts_.runtime.submit(
      auth::system_submission(std::move(name), std::move(args), parts_.clock.now()),
      [shared](sync::Answer answer) { (*shared)(std::move(answer.result)); });
  if (!queued) (*shared)(fail(Errc::unavailable, "writer queue is full"));
}

void Staff::elevate(Call call, Respond done) {
  if (!may_try(call, done)) return;
  auto shared = std::make_shared<const Call>(std::move(call));
  read_for(
      parts_, sync::Actor{}, shared->request.request_id, done,
      [this, shared, done](sync::ReadContext& ctx) {
        const std::string& request_id = shared->request.request_id;
        const auto row = ctx.get("credential", account_of(*shared));
        if (row == nullptr || json_text(*row, "pass_hash").empty())
          return done(problem({Errc::wrong_state, "no passphrase is set"}, request_id, kNotSetUp));
        const bool taken = parts_.password_pool(
            [this, shared, credential = *row, done] { check_factors(shared, credential, done); });
        if (!taken) done(problem({Errc::unavailable, "password pool"}, request_id));
      });
}

void Staff::check_factors(const Shared& call, const Json& credential, const Respond& done) {
  const std::string& request_id = call->request.request_id;
  const auto secret = opened(kTotpSeal, json_text(credential, "totp_sealed"));
  if (!secret) return done(problem({Errc::corrupt, "sealed TOTP secret"}, request_id));
  const auto last = static_cast<std::uint64_t>(json_int(credential, "totp_step"));
  const bool passphrase_right =
      verify_passphrase(json_text(credential, "pass_hash"), json_text(call->args, "passphrase"));
  const auto step =
      auth::totp_match(as_bytes(*secret), json_text(call->args, "totp"), parts_.clock.now(), last);
  if (!passphrase_right || !step)
    return done(problem({Errc::wrong_code, "passphrase or TOTP"}, request_id, kWrongFactors));
  use_step(call, *step, done);
}

void Staff::use_step(const Shared& call, std::uint64_t step, const Respond& done) {
  Json args = {{"account", account_of(*call)}, {"step", step}};
  submit("identity.note_totp", std::move(args), [this, call, done](const Result<Json>& result) {
    if (!result) {
      // Two requests with the same code: the writer lets one through.
      const bool replay = result.error().code == Errc::already_used;
      const Error error = replay ? Error{Errc::wrong_code, "TOTP was used"} : result.error();
      return done(problem(error, call->request.request_id, replay ? kWrongFactors : ""));
    }
    tries_.give_back(account_of(*call), parts_.clock.mono());
    const auto& actor = call->caller->actor;
    const auth::TokenClaims claims = tokens_.make_claims(auth::TokenKind::elevated, actor.account,
                                                         actor.cid, parts_.clock.now());
    done(json_response({{"token", tokens_.encode(claims)},
                        {"expires_at", to_unix_ms(claims.expires)},
                        {"ends_at", to_unix_ms(claims.since + auth::kElevatedLife)}}));
  });
}

void Staff::begin_setup(Call call, Respond done) {
  if (!may_try(call, done)) return;
  auto shared = std::make_shared<const Call>(std::move(call));
  read_for(parts_, sync::Actor{}, shared->request.request_id, done,
           [this, shared, done](sync::ReadContext& ctx) {
             const std::string& request_id = shared->request.request_id;
             const std::string account = account_of(*shared);
             if (!is_setup_code(parts_.keys, account, credential_at(ctx, account),
                                parts_.clock.now(), json_text(shared->args, "code")))
               return done(problem({Errc::wrong_code, "setup code is wrong, used or too old"},
                                   request_id, "设置码不对或已过期，请向管理员要一个新的。"));
             tries_.give_back(account, parts_.clock.mono());
             const bool taken =
                 parts_.password_pool([this, shared, done] { make_ticket(shared, done); });
             if (!taken) done(problem({Errc::unavailable, "password pool"}, request_id));
           });
}

void Staff::make_ticket(const Shared& call, const Respond& done) {
  const auto hash = hash_passphrase(json_text(call->args, "passphrase"));
  if (!hash) return done(problem(hash.error(), call->request.request_id));
  std::string secret(auth::kTotpSecretBytes, '\0');
  parts_.rng.fill({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
  // All that must be remembered until the first code travels sealed; a restart loses nothing.
  const Json ticket = {{"account", account_of(*call)},
                       {"code", json_text(call->args, "code")},
                       {"pass_hash", *hash},
                       {"totp", to_hex(as_bytes(secret))},
                       {"until", to_unix_ms(parts_.clock.now() + kTicketLife)}};
  done(json_response(
      {{"ticket", sealed(kTicketSeal, dump_json(ticket))},
       {"totp_secret", auth::to_base32(as_bytes(secret))},
       {"totp_uri", auth::totp_uri(parts_.name, account_of(*call).substr(0, 8), as_bytes(secret))},
       {"expires_at", ticket.at("until")}}));
}

void Staff::finish_setup(Call call, Respond done) {
  if (!may_try(call, done)) return;
  const std::string request_id = call.request.request_id;
  const auto plain = opened(kTicketSeal, json_text(call.args, "ticket"));
  const auto ticket = plain ? parse_json(*plain) : Result<Json>(std::unexpected(plain.error()));
  const std::string account = account_of(call);
  if (!ticket || json_text(*ticket, "account") != account)
    return done(problem({Errc::bad_signature, "setup ticket"}, request_id));
  if (json_int(*ticket, "until") < to_unix_ms(parts_.clock.now()))
    return done(problem({Errc::expired, "setup ticket"}, request_id));
  const std::string secret = from_hex(json_text(*ticket, "totp")).value_or("");
  const auto step =
      auth::totp_match(as_bytes(secret), json_text(call.args, "totp"), parts_.clock.now(), 0);
  if (!step) return done(problem({Errc::wrong_code, "TOTP"}, request_id, kWrongFactors));
  tries_.give_back(account, parts_.clock.mono());
  read_for(parts_, sync::Actor{}, request_id, done,
           [this, account, secret, request_id, done, ticket = *ticket](sync::ReadContext& ctx) {
             if (!is_setup_code(parts_.keys, account, credential_at(ctx, account),
                                parts_.clock.now(), json_text(ticket, "code")))
               return done(problem({Errc::already_used, "setup code"}, request_id,
                                   "设置码已经用过，请向管理员要一个新的。"));
             Json args = {{"account", account},
                          {"pass_hash", json_text(ticket, "pass_hash")},
                          {"totp_sealed", sealed(kTotpSeal, secret)}};
             submit("identity.set_credential", std::move(args),
                    [request_id, done](const Result<Json>& result) {
                      done(result ? json_response(*result) : problem(result.error(), request_id));
                    });
           });
}

void Staff::reset(Call call, Respond done) {
  const std::string request_id = call.request.request_id;
  const std::string account = json_text(call.args, "account");
  if (!parts_.book.has_role(call.caller->actor.account, "admin"))
    return done(problem({Errc::forbidden, "needs the role admin"}, request_id));
  if (account == account_of(call))
    return done(problem({Errc::same_person, "another administrator resets yours"}, request_id,
                        "自己的口令要由另一位管理员重置。"));
  // An empty hash matches nothing, and the new `at` ends every earlier setup code.
  Json args = {{"account", account}, {"pass_hash", ""}, {"totp_sealed", ""}};
  submit("identity.set_credential", std::move(args),
         [this, account, request_id, done](const Result<Json>& result) {
           if (!result) return done(problem(result.error(), request_id));
           read_for(
               parts_, sync::Actor{}, request_id, done,
               [this, account, done](sync::ReadContext& ctx) {
                 const Instant now = parts_.clock.now();
                 done(json_response(
                     {{"account", account},
                      {"setup_code",
                       setup_code(parts_.keys, account, credential_at(ctx, account), now)},
                      {"expires_at", to_unix_ms(now + std::chrono::days(kSetupCodeDays - 1))}}));
               });
         });
}

}  // namespace linli::http
