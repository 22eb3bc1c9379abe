// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/profile_parts.h"

#include <algorithm>
#include <array>

#include "notify/channels/http/names.h"
#include "notify/text/reply.h"

namespace linli::notify::http {
namespace {

constexpr std::array<std::string_view, 4> kMethods = {"GET", "POST", "PUT", "DELETE"};
constexpr std::array<std::string_view, 4> kReceiptStates = {"accepted", "failed", "delivered",
                                                            "read"};

template <std::size_t Size>
std::size_t choice(Fields& fields, std::string_view key,
                   const std::array<std::string_view, Size>& names, std::string_view fallback) {
  const std::string given = fields.text(key, std::string(fallback));
  const auto found = std::ranges::find(names, given);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  fields.fault(key, "no such value: " + given);
  return 0;
}

Pick pick(Fields& fields, std::string_view key) {
  const Json* value = fields.find(key);
  if (value == nullptr) return {};
  auto parsed = value->is_string() ? Pick::parse(value->get<std::string>())
                                   : fail(Errc::invalid_argument, "not a text");
  if (!parsed) {
    fields.fault(key, parsed.error().detail);
    return {};
  }
  return std::move(*parsed);
}

Pick needed_pick(Fields& fields, std::string_view key) {
  if (!fields.has(key)) fields.fault(key, "missing");
  return pick(fields, key);
}

std::vector<Pick> picks(Fields& fields, std::string_view key) {
  std::vector<Pick> out;
  for (const Json& one : fields.array(key)) {
    auto parsed = one.is_string() ? Pick::parse(one.get<std::string>())
                                  : fail(Errc::invalid_argument, "not a text");
    if (parsed) {
      out.push_back(std::move(*parsed));
    } else {
      fields.fault(key, parsed.error().detail);
    }
  }
  return out;
}

/// A flat object of templates.
Json templates(Fields& fields, std::string_view key, const Profile& profile) {
  Json out = fields.object(key);
  for (const auto& [name, value] : out.items()) {
    if (!value.is_string()) {
      fields.fault(key, name + " is not a text");
    } else if (auto good = check_names(value.get<std::string>(), profile, name); !good) {
      fields.fault(key, good.error().detail);
    }
  }
  return out;
}

std::string template_text(Fields& fields, std::string_view key, const Profile& profile) {
  std::string out = fields.text(key);
  if (auto good = check_names(out, profile, std::string(key)); !good)
    fields.fault(key, good.error().detail);
  return out;
}

void read_body(Fields& fields, RequestSpec& out, const Profile& profile) {
  const int bodies = fields.has("json") + fields.has("form") + fields.has("body");
  if (bodies > 1) fields.fault("json", "only one of json, form and body");
  if (const Json* shape = fields.find("json")) {
    out.body = RequestSpec::Body::json;
    out.content = *shape;
    if (auto good = check_shape(out.content, profile, "json"); !good)
      fields.fault("json", good.error().detail);
  }
  if (fields.has("form")) {
    out.body = RequestSpec::Body::form;
    out.content = templates(fields, "form", profile);
  }
  if (fields.has("body")) {
    out.body = RequestSpec::Body::text;
    out.content = template_text(fields, "body", profile);
    static constexpr std::array<std::string_view, 2> kEscapes = {"none", "xml"};
    out.escapes_xml = choice(fields, "escape", kEscapes, "xml") == 1;
  }
}

Result<TokenSpec> parse_token(const Json& json, const Profile& profile) {
  TokenSpec out;
  Fields fields(json, "sign.token");
  out.token = needed_pick(fields, "value");
  out.expires_s = needed_pick(fields, "expires_s");
  out.code = pick(fields, "code");
  out.margin = std::chrono::seconds(fields.integer("margin_s", 300, 0, 3600));
  for (const Json& code : fields.array("stale_codes")) out.stale_codes.push_back(text_of(code));
  LINLI_TRY(out.outcomes, VerdictTable::parse(fields.object("outcomes"), fields.at("outcomes")));
  LINLI_TRY(out.request, parse_request(fields.object("request"), "sign.token.request", profile));
  LINLI_CHECK(fields.finish());
  if (mentions(out.request.content, "to") || mentions(out.request.query, "to"))
    return fail(Errc::invalid_argument, "sign.token.request: is not about a recipient");
  return out;
}

Result<HookAuth> parse_auth(const Json& json, const Profile& profile) {
  static constexpr std::array<std::string_view, 3> kKinds = {"query", "header", "hmac_sha256"};
  static constexpr std::array<std::string_view, 2> kEncodings = {"hex", "base64"};
  HookAuth out;
  Fields fields(json, "webhook.auth");
  out.kind = static_cast<HookAuth::Kind>(choice(fields, "kind", kKinds, "query"));
  out.name = fields.needed("name");
  out.secret = fields.needed("secret");
  if (auto good = check_names(out.secret, profile, "secret"); !good)
    fields.fault("secret", good.error().detail);
  if (placeholders_of(out.secret).value_or(std::vector<Placeholder>()).empty())
    fields.fault("secret", "must come from a setting");
  out.time_header = fields.text("time_header");
  out.window = std::chrono::seconds(fields.integer("window_s", 300, 10, 3600));
  out.is_base64 = choice(fields, "encoding", kEncodings, "hex") == 1;
  LINLI_CHECK(fields.finish());
  return out;
}

TimeSpec time_spec(Fields& fields) {
  static constexpr std::array<std::string_view, 3> kForms = {"unix_s", "unix_ms", "local"};
  TimeSpec out;
  out.pick = pick(fields, "at");
  out.form = static_cast<TimeSpec::Form>(choice(fields, "at_form", kForms, "unix_s"));
  out.zone_minutes = static_cast<int>(fields.integer("zone_minutes", 480, -720, 840));
  return out;
}

Result<std::optional<UplinkSpec>> parse_uplink(const Json& json, const Profile& profile) {
  if (json.is_null()) return std::nullopt;
  UplinkSpec out;
  Fields fields(json, "webhook.replies");
  out.list = pick(fields, "list");
  out.from = needed_pick(fields, "from");
  out.country = pick(fields, "country");
  out.text = needed_pick(fields, "text");
  out.at = time_spec(fields);
  for (const Json& word : fields.array("opt_out_words"))
    out.opt_out_words.push_back(fold_reply(text_of(word)));
  if (out.opt_out_words.empty()) out.opt_out_words.assign(kOptOutWords.begin(), kOptOutWords.end());
  out.when = template_text(fields, "when", profile);
  if (out.when.empty()) fields.fault("when", "missing: not every account hears replies");
  LINLI_CHECK(fields.finish());
  return out;
}

Result<ReceiptSpec> parse_receipts(const Json& json, const std::string& where) {
  ReceiptSpec out;
  Fields fields(json, where);
  out.list = pick(fields, "list");
  out.id = pick(fields, "id");
  out.delivery = pick(fields, "delivery");
  if (!out.id.is_set() && !out.delivery.is_set()) fields.fault("id", "id or delivery is needed");
  out.state = needed_pick(fields, "state");
  const Json states = fields.object("states");
  for (const auto& [code, state] : states.items()) {
    const auto found = std::ranges::find(kReceiptStates, text_of(state));
    if (found == kReceiptStates.end()) {
      fields.fault("states", "no such state: " + text_of(state));
    } else {
      out.states[code] = static_cast<ReceiptState>(found - kReceiptStates.begin());
    }
  }
  if (out.states.empty()) fields.fault("states", "missing");
  out.because = pick(fields, "because");
  LINLI_TRY(out.reasons, VerdictTable::parse(fields.object("reasons"), fields.at("reasons")));
  out.at = time_spec(fields);
  out.when = pick(fields, "when");
  out.when_equals = fields.text("when_equals");
  LINLI_CHECK(fields.finish());
  return out;
}

}  // namespace

Result<RequestSpec> parse_request(const Json& json, const std::string& where,
                                  const Profile& profile) {
  RequestSpec out;
  Fields fields(json, where);
  out.method = kMethods[choice(fields, "method", kMethods, "POST")];
  out.url = template_text(fields, "url", profile);
  if (out.url.empty()) fields.fault("url", "missing");
  out.action = fields.text("action");
  const bool signs_action =
      profile.sign.recipe == SignSpec::Recipe::acs3 || profile.sign.recipe == SignSpec::Recipe::tc3;
  if (signs_action == out.action.empty()) fields.fault("action", "goes with acs3 and tc3");
  out.query = templates(fields, "query", profile);
  out.headers = templates(fields, "headers", profile);
  out.deadline = std::chrono::seconds(fields.integer("deadline_s", 10, 1, 120));
  read_body(fields, out, profile);
  LINLI_CHECK(fields.finish());
  return out;
}

Result<SignSpec> parse_sign(const Json& json, const Profile& profile) {
  static constexpr std::array<std::string_view, 6> kRecipes = {
      "none", "bearer", "token", "robot_hmac_sha256", "acs3_hmac_sha256", "tc3_hmac_sha256"};
  // What each recipe needs, in the order of kRecipes.
  static const std::array<std::vector<std::string_view>, 6> kTexts = {{
      {},
      {"token"},
      {},
      {"secret"},
      {"id", "secret", "version"},
      {"id", "secret", "service", "version", "region"},
  }};
  SignSpec out;
  if (json.is_null()) return out;
  Fields fields(json, "sign");
  const std::size_t recipe = choice(fields, "recipe", kRecipes, "none");
  out.recipe = static_cast<SignSpec::Recipe>(recipe);
  out.texts = templates(fields, "with", profile);
  for (const std::string_view name : kTexts[recipe]) {
    if (!out.texts.is_object() || !out.texts.contains(name))
      fields.fault("with", std::string(name) + " is missing");
  }
  if (out.texts.is_object() && out.texts.size() != kTexts[recipe].size())
    fields.fault("with", "has more than the recipe takes");
  static constexpr std::array<std::string_view, 2> kKeys = {"secret", "text"};
  out.secret_is_key = choice(fields, "key", kKeys, "secret") == 0;
  static constexpr std::array<std::string_view, 2> kUnits = {"ms", "s"};
  out.in_milliseconds = choice(fields, "unit", kUnits, "ms") == 0;
  const Json token = fields.object("token");
  if ((out.recipe == SignSpec::Recipe::token) == token.is_null())
    fields.fault("token", "belongs to the recipe token, and only to it");
  LINLI_CHECK(fields.finish());
  if (!token.is_null()) {
    LINLI_TRY(out.token, parse_token(token, profile));
  }
  return out;
}

Result<ReplySpec> parse_reply(const Json& json, const Profile& profile) {
  constexpr std::string_view kWhere = "reply";
  ReplySpec out;
  Fields fields(json, std::string(kWhere));
  out.code = pick(fields, "code");
  out.ids = picks(fields, "ids");
  out.parts = pick(fields, "parts");
  LINLI_TRY(out.outcomes, VerdictTable::parse(fields.object("outcomes"), fields.at("outcomes")));
  LINLI_TRY(out.statuses, VerdictTable::parse(fields.object("statuses"), fields.at("statuses")));
  if (const Json rows = fields.object("rows"); !rows.is_null()) {
    Fields inner(rows, "reply.rows");
    out.rows.emplace();
    out.rows->list = needed_pick(inner, "list");
    out.rows->match = pick(inner, "match");
    out.rows->equals = template_text(inner, "equals", profile);
    out.rows->code = needed_pick(inner, "code");
    out.rows->ids = picks(inner, "ids");
    out.rows->parts = pick(inner, "parts");
    LINLI_CHECK(inner.finish());
  }
  for (const Json& one : fields.array("listed")) {
    Fields inner(one, "reply.listed");
    ReplySpec::Listed listed;
    listed.code = inner.needed("code");
    listed.list = needed_pick(inner, "list");
    const Json* outcome = inner.find("outcome");
    const Json* others = inner.find("others");
    if (outcome == nullptr || others == nullptr) inner.fault("outcome", "outcome and others");
    LINLI_CHECK(inner.finish());
    LINLI_TRY(listed.outcome, parse_verdict(*outcome, "reply.listed.outcome"));
    LINLI_TRY(listed.others, parse_verdict(*others, "reply.listed.others"));
    out.listed.push_back(std::move(listed));
  }
  if (!out.code.is_set() && !out.rows) fields.fault("code", "missing");
  LINLI_CHECK(fields.finish());
  return out;
}

Result<std::optional<HookSpec>> parse_hook(const Json& json, const Profile& profile) {
  if (json.is_null()) return std::nullopt;
  static constexpr std::array<std::string_view, 4> kFormats = {"json", "form", "query", "text"};
  HookSpec out;
  Fields fields(json, "webhook");
  out.format = static_cast<HookSpec::Format>(choice(fields, "format", kFormats, "json"));
  for (const Json& method : fields.array("methods")) out.methods.push_back(text_of(method));
  if (out.methods.empty()) out.methods = {"POST"};
  out.echo = fields.text("echo");
  if (const Json reply = fields.object("reply"); !reply.is_null()) {
    Fields inner(reply, "webhook.reply");
    out.reply.status = static_cast<int>(inner.integer("status", 200, 200, 299));
    out.reply.content_type = inner.text("content_type", "text/plain");
    out.reply.body = inner.text("body");
    LINLI_CHECK(inner.finish());
  }
  const Json auth = fields.object("auth");
  const Json receipts = fields.object("receipts");
  const Json replies = fields.object("replies");
  LINLI_CHECK(fields.finish());
  LINLI_TRY(out.replies, parse_uplink(replies, profile));
  LINLI_TRY(out.auth, parse_auth(auth, profile));
  LINLI_TRY(out.receipts, parse_receipts(receipts, "webhook.receipts"));
  return out;
}

Result<std::optional<PollSpec>> parse_poll(const Json& json, const Profile& profile) {
  if (json.is_null()) return std::nullopt;
  PollSpec out;
  Fields fields(json, "poll");
  out.every = std::chrono::seconds(fields.integer("every_s", 60, 5, 86'400));
  out.when = template_text(fields, "when", profile);
  out.page = static_cast<std::size_t>(fields.integer("page", 0, 0, 10'000));
  const Json request = fields.object("request");
  const Json receipts = fields.object("receipts");
  LINLI_CHECK(fields.finish());
  LINLI_TRY(out.request, parse_request(request, "poll.request", profile));
  LINLI_TRY(out.receipts, parse_receipts(receipts, "poll.receipts"));
  return out;
}

}  // namespace linli::notify::http
