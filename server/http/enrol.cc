// SPDX-License-Identifier: Apache-2.0
#include "server/http/enrol.h"

#include <algorithm>

#include "base/log.h"
#include "server/http/api.h"
#include "server/http/problem.h"

namespace linli::http {
namespace {

constexpr std::string_view kWrongCode = "号码不对，请核对纸条上的门牌和八位数字。";
constexpr std::string_view kTypedPathRests =
    "输错的次数太多，暂时不能用数字登记。请扫纸条上的二维码，或过一小时再试。";

/// Code points of valid UTF-8.
std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<std::uint8_t>(text[end]) & 0xC0U) == 0x80U) ++end;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

/// U+FF01..U+FF5E -> '!'..'~' and U+3000 -> ' '; other characters as they are.
std::string plain_width(std::string_view character) {
  if (character == "\u3000" || character == "\u00A0") return " ";
  if (character == "\u2212" || character == "\u2013" || character == "\u2014") return "-";
  if (character.size() != 3 || character[0] != '\xEF') return std::string(character);
  const auto high = static_cast<std::uint8_t>(character[1]);
  const auto low = static_cast<std::uint8_t>(character[2]);
  const int point = ((high & 0x3F) << 6) | (low & 0x3F);  // low 12 bits of U+Fxxx
  if (point < 0xF01 || point > 0xF5E) return std::string(character);
  return {static_cast<char>(point - 0xF01 + '!')};
}

bool is_typed(std::string_view code) {
  return code.size() == kCodeDigits &&
         std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
}

const char* kCheckSchema = R"({"type":"object","additionalProperties":false,"required":["code"],
  "properties":{"code":{"type":"string","minLength":8,"maxLength":64,
    "description":"Secret of the slip's QR code, or its 8 digits together with the door."},
  "door":{"type":"string","maxLength":40}}})";

const char* kConfirmSchema = R"({"type":"object","additionalProperties":false,
  "required":["nonce","person","pub","sig","consent"],
  "properties":{"nonce":{"type":"string","maxLength":64},
    "person":{"type":"string","maxLength":8},
    "pub":{"type":"string","minLength":43,"maxLength":43},
    "sig":{"type":"string","minLength":86,"maxLength":86},
    "label":{"type":"string","maxLength":60},
    "consent":{"type":"object","additionalProperties":false,"required":["version","purposes"],
      "properties":{"version":{"type":"string","maxLength":12},
        "purposes":{"type":"array","maxItems":10,
          "items":{"type":"string","minLength":1,"maxLength":24}},
        "how":{"enum":["tap","paper","oral"]}}}}})";

}  // namespace

std::string normalised_code(std::string_view typed) {
  std::string out;
  for (std::string_view character : characters(typed)) {
    const std::string plain = plain_width(character);
    if (plain != " " && plain != "\t" && plain != "\n" && plain != "\r") out += plain;
  }
  // Dashes belong to a QR secret, never to digits.
  std::string digits = out;
  std::erase(digits, '-');
  return is_typed(digits) ? digits : out;
}

std::string normalised_door(std::string_view typed) {
  std::string out;
  for (std::string_view character : characters(typed)) out += plain_width(character);
  const std::size_t first = out.find_first_not_of(" \t\r\n");
  if (first == out.npos) return {};
  return out.substr(first, out.find_last_not_of(" \t\r\n") - first + 1);
}

std::string masked_name(std::string_view name) {
  const auto letters = characters(name);
  if (letters.empty()) return "*";
  if (letters.size() <= 2) return std::string(letters.front()) + "*";
  std::string out(letters.front());
  for (std::size_t i = 2; i < std::min<std::size_t>(letters.size(), 8); ++i) out += "*";
  return out + std::string(letters.back());
}

std::string code_hash(const auth::ServerKeys& keys, std::string_view code) {
  return keys.hash_of("linli.slip.code.1", code);
}
std::string secret_hash(const auth::ServerKeys& keys, std::string_view secret) {
  return keys.hash_of("linli.slip.secret.1", secret);
}

void Enrolment::add_to(EndpointTable& table) {
  Endpoint check_it;
  check_it.method = "POST";
  check_it.path = "/enrol/check";
  check_it.access = Access::open;
  check_it.id = "enrol.check";
  check_it.tag = "enrol";
  check_it.summary = "Looks a slip up and offers its persons with masked names.";
  check_it.schema = schema_of(kCheckSchema);
  check_it.run = [this](Call call, Respond done) { check(std::move(call), std::move(done)); };
  table.add(std::move(check_it));
  Endpoint confirm_it;
  confirm_it.method = "POST";
  confirm_it.path = "/enrol/confirm";
  confirm_it.access = Access::open;
  confirm_it.id = "enrol.confirm";
  confirm_it.tag = "enrol";
  confirm_it.summary = "Enrols a device key for the person that was picked.";
  confirm_it.schema = schema_of(kConfirmSchema);
  confirm_it.run = [this](Call call, Respond done) { confirm(std::move(call), std::move(done)); };
  table.add(std::move(confirm_it));
  Endpoint again_it;
  again_it.method = "GET";
  again_it.path = "/api/v1/enrolment";
  again_it.id = "enrol.again";
  again_it.tag = "enrol";
  again_it.summary = "What the confirmation answered, for a device that did not hear it.";
  again_it.schema = JsonSchema(Json{{"type", "object"}});
  again_it.run = [this](const Call& call, const Respond& done) { again(call, done); };
  table.add(std::move(again_it));
}

void Enrolment::check(Call call, Respond done) {
  const MonoTime now = parts_.clock.mono();
  const std::string& request_id = call.request.request_id;
  if (!remotes_.take(call.request.remote, now))
    return done(problem_later({Errc::rate_limited, "enrolments from one address"}, request_id,
                              remotes_.wait(call.request.remote, now)));
  const std::string code = normalised_code(json_text(call.args, "code"));
  const std::string door = normalised_door(json_text(call.args, "door"));
  const bool typed = is_typed(code);
  if (!typed) {
    call.args = {{"secret_hash", secret_hash(parts_.keys, code)}};
    return look_up(call, typed, std::move(done));
  }
  if (door.empty())
    return done(problem({Errc::invalid_argument, "door is missing"}, request_id,
                        "请再填一下纸条上的门牌号。"));
  if (const auto taken = typed_codes_.take(door); !taken)
    return done(typed_refused(taken.error(), request_id));
  call.args = {{"door", door}, {"code_hash", code_hash(parts_.keys, code)}};
  look_up(call, typed, std::move(done));
}

net::HttpResponse Enrolment::typed_refused(const Error& why, const std::string& request_id) {
  const Millis left = typed_codes_.rest_left();
  if (left > Millis{0}) return problem_later(why, request_id, left, kTypedPathRests);
  return problem(why, request_id, kTypedPathRests);
}

void Enrolment::look_up(const Call& call, bool typed, Respond done) {
  const std::string request_id = call.request.request_id;
  read_for(parts_, sync::Actor{}, request_id, done,
           [this, params = call.args, typed, request_id, done](sync::ReadContext& ctx) {
             const auto* query = parts_.runtime.registry().query("identity.find_invite");
             const auto slip = query->run(ctx, params);
             const bool right = slip && json_bool(*slip, "found");
             const std::int64_t until = slip ? json_int(*slip, "rests_until") : 0;
             if (typed && (right || until > 0 || (!slip && slip.error().code == Errc::expired)))
               typed_codes_.give_back(json_text(params, "door"));
             if (right) return found(*slip, done);
             if (until > 0) {
               // Counted before this process began.
               typed_codes_.rest(from_unix_ms(until));
               return done(
                   typed_refused({Errc::rate_limited, "wrong codes in the community"}, request_id));
             }
             const Errc why = slip ? Errc::wrong_code : slip.error().code;
             if (typed && why == Errc::wrong_code)
               typed_codes_.count_wrong(slip ? json_text(*slip, "household") : std::string{});
             if (why == Errc::rate_limited) return done(typed_refused(slip.error(), request_id));
             if (why == Errc::wrong_code)
               return done(problem({why, "no open slip"}, request_id, kWrongCode));
             done(problem(slip.error(), request_id));
           });
}

void Enrolment::found(const Json& slip, const Respond& done) {
  Offer offer;
  offer.invite = json_text(slip, "id");
  Json persons = Json::array();
  const auto listed = slip.find("persons");
  if (listed != slip.end()) {
    for (const Json& person : *listed) {
      const std::string name = json_text(person, "name");
      offer.persons.push_back({json_text(person, "id"), name});
      persons.push_back(
          {{"ref", std::to_string(offer.persons.size())}, {"name", masked_name(name)}});
    }
  }
  const std::string nonce = offers_.add(std::move(offer), parts_.clock.mono(), parts_.rng);
  done(json_response({{"nonce", to_base64url(as_bytes(nonce))},
                      {"household", json_text(slip, "door")},
                      {"persons", std::move(persons)},
                      {"expires_at", to_unix_ms(parts_.clock.now() + kNonceLife)}}));
}

Result<Enrolment::Confirmation> Enrolment::read_confirmation(const Call& call) {
  const Json& args = call.args;
  Confirmation out;
  LINLI_TRY(out.nonce, from_base64url(json_text(args, "nonce")));
  out.pub_text = json_text(args, "pub");
  LINLI_TRY(out.pub, auth::parse_public_key(out.pub_text));
  LINLI_TRY(out.sig, from_base64url(json_text(args, "sig")));
  Result<void> picked = fail(Errc::expired, "the offer is unknown or too old; check again");
  offers_.with(out.nonce, parts_.clock.mono(), [&](Offer& offer) {
    const std::string ref = json_text(args, "person");
    for (std::size_t i = 0; i < offer.persons.size(); ++i) {
      if (ref != std::to_string(i + 1)) continue;
      out.args = {{"invite", offer.invite},
                  {"person", offer.persons[i].person},
                  {"cid", client_id_of(out.pub).hex()},
                  {"pub", out.pub_text},
                  {"label", json_text(args, "label")},
                  {"consent", args.at("consent")},
                  {"cert_at", to_unix_ms(parts_.clock.now())}};
      picked = {};
      return;
    }
    picked = fail(Errc::invalid_argument, "person is none of those offered");
  });
  if (!picked) return std::unexpected(picked.error());
  return out;
}

void Enrolment::confirm(Call call, Respond done) {
  const std::string request_id = call.request.request_id;
  if (!remotes_.take(call.request.remote, parts_.clock.mono()))
    return done(problem({Errc::rate_limited, "enrolments from one address"}, request_id));
  auto read = read_confirmation(call);
  if (!read) return done(problem(read.error(), request_id));
  auto ask = std::make_shared<const Confirmation>(std::move(*read));
  auto respond = std::make_shared<Respond>(std::move(done));
  const bool queued = parts_.crypto_pool([this, ask, request_id, respond] {
    const std::string message = auth::enrol_message(parts_.runtime.slug(), ask->nonce, ask->pub);
    if (!verify(ask->pub, as_bytes(message), as_bytes(ask->sig)))
      return (*respond)(problem({Errc::bad_signature, "enrolment"}, request_id));
    Json repeated;
    bool busy = false;
    const bool known = offers_.with(ask->nonce, parts_.clock.mono(), [&](Offer& offer) {
      if (offer.busy && offer.pub == ask->pub_text) repeated = offer.answer;
      busy = offer.busy;
      offer.busy = true;
    });
    if (!known) return (*respond)(problem({Errc::expired, "the offer is too old"}, request_id));
    if (repeated.is_object()) return (*respond)(json_response(repeated));
    if (busy) return (*respond)(problem({Errc::already_used, "the offer was used"}, request_id));
    enrol(*ask, request_id, *respond);
  });
  if (!queued) (*respond)(problem({Errc::unavailable, "crypto queue is full"}, request_id));
}

void Enrolment::enrol(const Confirmation& ask, const std::string& request_id, const Respond& done) {
  sync::Submission work = auth::system_submission("identity.enrol", ask.args, parts_.clock.now());
  const bool queued = parts_.runtime.submit(
      std::move(work), [this, ask, request_id, done](const sync::Answer& answer) {
        if (answer.result) return finish(ask, *answer.result, done);
        release(ask.nonce);
        done(problem(answer.result.error(), request_id));
      });
  if (queued) return;
  release(ask.nonce);
  done(problem({Errc::unavailable, "writer queue is full"}, request_id));
}

void Enrolment::finish(const Confirmation& ask, const Json& result, const Respond& done) {
  const Json answer = answer_for(ask.pub, from_unix_ms(json_int(ask.args, "cert_at")), result);
  offers_.with(ask.nonce, parts_.clock.mono(), [&](Offer& offer) {
    offer.pub = ask.pub_text;
    offer.answer = answer;
  });
  done(json_response(answer));
}

Json Enrolment::answer_for(const PublicKey& pub, Instant cert_at, const Json& who) const {
  Json answer = who;
  answer["cid"] = client_id_of(pub).hex();
  answer["server_pub"] = to_base64url(parts_.keys.pair().pub());
  auth::DeviceCertificate cert{parts_.runtime.slug(), {}, pub, cert_at, json_text(who, "person")};
  if (const auto account = Id128::parse(json_text(who, "account")))
    cert.account = sync::AccountId{*account};
  answer["cert"] = auth::make_certificate(parts_.keys, cert);
  return answer;
}

void Enrolment::again(const Call& call, const Respond& done) {
  const std::string request_id = call.request.request_id;
  const auto device = parts_.book.device(call.caller->actor.cid);
  if (!device) return done(problem({Errc::forbidden, "only a device has one"}, request_id));
  read_for(parts_, call.caller->actor, request_id, done,
           [this, pub = device->pub, request_id, done](sync::ReadContext& ctx) {
             const auto* query = parts_.runtime.registry().query("identity.my_device");
             auto who = query->run(ctx, Json::object());
             if (!who) return done(problem(who.error(), request_id));
             const Instant cert_at = from_unix_ms(json_int(*who, "cert_at"));
             who->erase("cert_at");
             done(json_response(answer_for(pub, cert_at, *who)));
           });
}

void Enrolment::release(const std::string& nonce) {
  offers_.with(nonce, parts_.clock.mono(), [](Offer& offer) { offer.busy = false; });
}

}  // namespace linli::http
