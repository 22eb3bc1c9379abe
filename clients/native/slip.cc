// SPDX-License-Identifier: Apache-2.0
#include "clients/native/slip.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"

namespace linli::client {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kConsentVersion = "1";
constexpr std::size_t kAnswerBytesMax = 1024 * 1024;
/// A server that offers and refuses in turn is not asked for ever.
constexpr int kRoundsMax = 3;

/// Names of the stages as stored.
constexpr std::array kStages{"checking", "choosing", "confirming", "recovering", "refused"};

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

/// Worth another try: the line, the server's load, or a login page of somebody's Wi-Fi.
bool may_pass(const Error& error) {
  return errc_retryable(error.code) || error.code == Errc::malformed;
}

/// The fragment of a slip's address: .../c/<slug>/#enrol=<secret>, or older .../enrol#<secret>.
std::string secret_of(std::string fragment) {
  constexpr std::string_view kName = "enrol=";
  if (fragment.starts_with(kName)) fragment.erase(0, kName.size());
  return fragment;
}

std::vector<std::string> texts_of(const Json& value, const char* member) {
  std::vector<std::string> out;
  const auto found = value.find(member);
  if (found == value.end() || !found->is_array()) return out;
  for (const Json& text : *found)
    if (text.is_string()) out.push_back(text.get<std::string>());
  return out;
}

std::vector<SlipEnrolment::Person> persons_of(const Json& value) {
  std::vector<SlipEnrolment::Person> out;
  const auto found = value.find("persons");
  if (found == value.end() || !found->is_array()) return out;
  for (const Json& person : *found)
    out.push_back({json_text(person, "ref"), json_text(person, "name")});
  return out;
}

}  // namespace

Result<Json> json_of(const HttpReply& reply) {
  if (reply.status < 200 || reply.status >= 300) return std::unexpected(error_of(reply));
  if (reply.body.empty()) return Json::object();
  LINLI_TRY(Json value, parse_json(reply.body, kAnswerBytesMax));
  if (!value.is_object()) return fail(Errc::malformed, "the answer is no JSON object");
  return value;
}

Error error_of(const HttpReply& reply) {
  const auto body = parse_json(reply.body, kAnswerBytesMax);
  const std::string code = body ? json_text(*body, "code") : std::string();
  const std::string detail = body ? json_text(*body, "detail") : std::string();
  if (code.empty()) return {Errc::unavailable, "HTTP " + std::to_string(reply.status)};
  // `detail` is for people and often only the sentence of the code; `reason` says which member.
  const Errc known = errc_from_name(code);
  const std::string reason = json_text(*body, "reason");
  return {known, detail == errc_sentence(known) && !reason.empty() ? reason : detail};
}

Result<Json> token_request(const KeyPair& key, const std::string& origin, const Json& challenge) {
  LINLI_TRY(const std::string nonce, from_base64url(json_text(challenge, "nonce")));
  LINLI_TRY(const std::string server, from_base64url(json_text(challenge, "server_id")));
  const Signature sig =
      key.sign(as_bytes(joined({"linli.token.1\0"sv, origin, "\0"sv, server, nonce})));
  return Json{{"cid", client_id_of(key.pub()).hex()},
              {"nonce", json_text(challenge, "nonce")},
              {"origin", origin},
              {"sig", to_base64url(sig)}};
}

std::string_view slip_state_name(SlipEnrolment::Stage stage) {
  switch (stage) {
    case SlipEnrolment::Stage::checking:
    case SlipEnrolment::Stage::confirming:
    case SlipEnrolment::Stage::recovering: return "waiting";
    case SlipEnrolment::Stage::choosing: return "choosing";
    case SlipEnrolment::Stage::refused: return "refused";
  }
  LINLI_ASSERT(false);
}

// --- Made, kept, found again --------------------------------------------------------------------

Result<SlipEnrolment> SlipEnrolment::make(const SlipInput& input, Rng& rng) {
  LINLI_TRY(const Url url, parse_url(input.address));
  SlipEnrolment out;
  out.origin_ = url.origin();
  out.slug_ = slug_of(url);
  if (out.slug_.empty()) return fail(Errc::invalid_argument, "the address lacks /c/<community>");
  out.code_ = input.code.empty() ? secret_of(url.fragment) : input.code;
  if (out.code_.empty()) return fail(Errc::invalid_argument, "the code is missing");
  out.door_ = input.door;
  out.chosen_.ref = input.person;
  out.set_consent(input.label, input.purposes);
  out.seed_ = KeyPair::generate(rng).seed();
  return out;
}

Result<SlipEnrolment> SlipEnrolment::parse(std::string_view text) {
  const auto value = parse_json(text, kAnswerBytesMax);
  if (!value || json_int(*value, "v") != 1) return fail(Errc::corrupt, "the kept slip");
  SlipEnrolment out;
  out.origin_ = json_text(*value, "origin");
  out.slug_ = json_text(*value, "slug");
  out.code_ = json_text(*value, "code");
  out.door_ = json_text(*value, "door");
  out.label_ = json_text(*value, "label");
  out.purposes_ = texts_of(*value, "purposes");
  LINLI_TRY(std::string seed, from_base64url(json_text(*value, "seed")));
  out.seed_ = Secret(std::move(seed));
  if (!KeyPair::from_seed(out.seed_.view())) return fail(Errc::corrupt, "the kept slip's key");
  const auto stage = std::ranges::find(kStages, json_text(*value, "stage"));
  if (stage == kStages.end()) return fail(Errc::corrupt, "the kept slip's stage");
  out.stage_ = static_cast<Stage>(stage - kStages.begin());
  out.chosen_ = {json_text(*value, "person"), json_text(*value, "person_name")};
  out.nonce_ = json_text(*value, "nonce");
  out.household_ = json_text(*value, "household");
  out.persons_ = persons_of(*value);
  out.rounds_ = static_cast<int>(json_int(*value, "rounds"));
  out.is_sent_ = json_bool(*value, "sent");
  if (out.stage_ == Stage::refused)
    out.problem_ = Error{errc_from_name(json_text(*value, "problem")), json_text(*value, "detail")};
  return out;
}

std::string SlipEnrolment::text() const {
  Json persons = Json::array();
  for (const Person& each : persons_) persons.push_back({{"ref", each.ref}, {"name", each.name}});
  Json out = {{"v", 1},
              {"origin", origin_},
              {"slug", slug_},
              {"code", code_},
              {"door", door_},
              {"label", label_},
              {"purposes", purposes_},
              {"seed", to_base64url(seed_.view())},
              {"stage", kStages.at(static_cast<std::size_t>(stage_))},
              {"person", chosen_.ref},
              {"person_name", chosen_.name},
              {"nonce", nonce_},
              {"household", household_},
              {"persons", std::move(persons)},
              {"rounds", rounds_},
              {"sent", is_sent_}};
  if (stage_ == Stage::refused && problem_) {
    out["problem"] = errc_name(problem_->code);
    out["detail"] = problem_->detail;
  }
  return dump_json(out);
}

void SlipEnrolment::set_consent(std::string label, std::vector<std::string> purposes) {
  label_ = label.empty() ? "linli" : std::move(label);
  purposes_ = std::move(purposes);
}

void SlipEnrolment::go_on_from(const SlipEnrolment& earlier) {
  if (earlier.origin_ != origin_ || earlier.slug_ != slug_ || earlier.code_ != code_) return;
  if (earlier.door_ != door_) return;
  seed_ = earlier.seed_;
  is_sent_ = earlier.is_sent_;
}

Result<void> SlipEnrolment::choose(const std::string& ref) {
  if (stage_ != Stage::choosing) return fail(Errc::wrong_state, "nobody is to be chosen");
  const Person* chosen = person(ref);
  if (chosen == nullptr) return fail(Errc::invalid_argument, "person is none of those offered");
  begin_confirming(*chosen);
  return {};
}

void SlipEnrolment::begin_confirming(const Person& chosen) {
  chosen_ = chosen;
  stage_ = Stage::confirming;
  is_sent_ = true;
}

const SlipEnrolment::Person* SlipEnrolment::person(std::string_view ref) const {
  const auto at = std::ranges::find(persons_, ref, &Person::ref);
  return at == persons_.end() ? nullptr : &*at;
}

KeyPair SlipEnrolment::key() const {
  auto key = KeyPair::from_seed(seed_.view());
  LINLI_ASSERT(key.has_value());
  return std::move(*key);
}

// --- Requests -----------------------------------------------------------------------------------

HttpCall SlipEnrolment::post(const std::string& path, const Json& body) const {
  auto url = parse_url(origin_);
  LINLI_ASSERT(url.has_value());
  url->path = "/c/" + slug_ + path;
  return {.method = "POST", .url = std::move(*url), .body = dump_json(body)};
}

Json SlipEnrolment::confirmation() const {
  const KeyPair mine = key();
  // A nonce that is no base64url is signed as nothing; the server refuses it.
  const std::string nonce = from_base64url(nonce_).value_or(std::string());
  const Signature sig =
      mine.sign(as_bytes(joined({"linli.enrol.1\0"sv, slug_, "\0"sv, nonce, as_text(mine.pub())})));
  return {{"nonce", nonce_},
          {"person", chosen_.ref},
          {"pub", to_base64url(mine.pub())},
          {"sig", to_base64url(sig)},
          {"label", label_},
          {"consent", {{"version", kConsentVersion}, {"purposes", purposes_}}}};
}

std::optional<HttpCall> SlipEnrolment::next() const {
  switch (stage_) {
    case Stage::checking: {
      Json body = {{"code", code_}};
      if (!door_.empty()) body["door"] = door_;
      return post("/enrol/check", body);
    }
    case Stage::confirming: return post("/enrol/confirm", confirmation());
    case Stage::recovering: {
      if (!token_.empty()) {
        HttpCall call = post("/api/v1/enrolment", Json::object());
        call.method = "GET";
        call.headers.emplace_back("Authorization", "Bearer " + token_);
        return call;
      }
      if (challenge_.is_null()) return post("/api/v1/token/challenge", Json::object());
      const auto signed_in = token_request(key(), origin_, challenge_);
      return post("/api/v1/token", signed_in ? *signed_in : Json::object());
    }
    case Stage::choosing:
    case Stage::refused: return std::nullopt;
  }
  LINLI_ASSERT(false);
}

// --- Answers ------------------------------------------------------------------------------------

SlipEnrolment::Step SlipEnrolment::on_reply(const Result<HttpReply>& reply) {
  problem_.reset();
  const Result<Json> answer = reply ? json_of(*reply) : std::unexpected(reply.error());
  // What the line says is never the server's last word.
  if (!reply || (!answer && may_pass(answer.error()))) {
    problem_ = answer.error();
    token_.clear();
    challenge_ = nullptr;
    return Step::wait;
  }
  switch (stage_) {
    case Stage::checking: return checked(answer);
    case Stage::confirming: return confirmed(answer);
    case Stage::recovering: return recovered(answer);
    case Stage::choosing:
    case Stage::refused: break;
  }
  // next() asked for nothing.
  LINLI_ASSERT(false);
  return Step::refused;
}

SlipEnrolment::Step SlipEnrolment::refuse(Error why) {
  stage_ = Stage::refused;
  problem_ = std::move(why);
  code_.clear();
  nonce_.clear();
  return Step::refused;
}

SlipEnrolment::Step SlipEnrolment::checked(const Result<Json>& answer) {
  if (!answer) {
    if (!is_sent_) return refuse(answer.error());
    refusal_ = answer.error();
    stage_ = Stage::recovering;
    return Step::again;
  }
  nonce_ = json_text(*answer, "nonce");
  household_ = json_text(*answer, "household");
  persons_ = persons_of(*answer);
  if (nonce_.empty() || persons_.empty()) {
    problem_ = Error{Errc::malformed, "the answer names no person"};
    return Step::wait;
  }
  if (chosen_.ref.empty() && persons_.size() == 1 && !is_attended_) chosen_ = persons_.front();
  const Person* still = person(chosen_.ref);
  const bool is_known = still != nullptr && (chosen_.name.empty() || chosen_.name == still->name);
  if (!is_known) {
    chosen_ = {};
    stage_ = Stage::choosing;
    return Step::choose;
  }
  begin_confirming(*still);
  return Step::again;
}

SlipEnrolment::Step SlipEnrolment::confirmed(const Result<Json>& answer) {
  if (answer) return enrolled(*answer);
  switch (answer.error().code) {
    case Errc::expired:
    case Errc::already_used:
    case Errc::conflict:
    case Errc::invalid_argument: break;
    default: return refuse(answer.error());
  }
  if (++rounds_ > kRoundsMax) return refuse(answer.error());
  stage_ = Stage::recovering;
  return Step::again;
}

/// No answer was lost: the server never took this key.
SlipEnrolment::Step SlipEnrolment::unknown_key() {
  if (refusal_) return refuse(*std::exchange(refusal_, std::nullopt));
  stage_ = Stage::checking;
  nonce_.clear();
  persons_.clear();
  return Step::again;
}

SlipEnrolment::Step SlipEnrolment::recovered(const Result<Json>& answer) {
  if (!token_.empty()) return answer ? enrolled(*answer) : refuse(answer.error());
  if (challenge_.is_null()) {
    if (!answer) return refuse(answer.error());
    challenge_ = *answer;
    return Step::again;
  }
  challenge_ = nullptr;
  if (answer) {
    token_ = json_text(*answer, "token");
    return Step::again;
  }
  if (answer.error().code == Errc::unauthenticated) return unknown_key();
  return refuse(answer.error());
}

SlipEnrolment::Step SlipEnrolment::enrolled(const Json& answer) {
  const KeyPair mine = key();
  const auto account = Id128::parse(json_text(answer, "account"));
  if (json_text(answer, "cid") != client_id_of(mine.pub()).hex() || !account) {
    problem_ = Error{Errc::malformed, "the answer names another key"};
    return Step::wait;
  }
  sync::Identity identity;
  identity.slug = slug_;
  identity.origin = origin_;
  identity.cid = sync::Cid{client_id_of(mine.pub())};
  identity.account = sync::AccountId{*account};
  identity.person = json_text(answer, "person");
  identity.name = json_text(answer, "name");
  identity.community = json_text(answer, "community");
  identity.server_pub = json_text(answer, "server_pub");
  identity.cert = json_text(answer, "cert");
  identity.seed = seed_;
  identity_ = std::move(identity);
  return Step::enrolled;
}

}  // namespace linli::client
