// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smpp/settings.h"

#include <charconv>
#include <optional>

#include "base/json_schema.h"
#include "notify/channels/smpp/receipt.h"
#include "notify/text/reply.h"

namespace linli::notify::smpp {
namespace {

// Lengths of the C strings are those of SMPP 3.4 §4.1.1 without the final zero.
const JsonSchema& schema() {
  static const JsonSchema kSchema(Json::parse(R"({
    "type": "object", "additionalProperties": false,
    "required": ["host", "port", "system_id", "password_file"],
    "properties": {
      "host": {"type": "string", "minLength": 1, "maxLength": 253},
      "port": {"type": "integer", "minimum": 1, "maximum": 65535},
      "tls": {"type": "boolean"}, "ca_file": {"type": "string"},
      "system_id": {"type": "string", "minLength": 1, "maxLength": 15},
      "password_file": {"type": "string", "minLength": 1},
      "system_type": {"type": "string", "maxLength": 12},
      "bind": {"enum": ["transceiver", "tx_rx"]},
      "source": {"type": "string", "maxLength": 20},
      "source_ton": {"type": "integer", "minimum": 0, "maximum": 6},
      "source_npi": {"type": "integer", "minimum": 0, "maximum": 18},
      "service_type": {"type": "string", "maxLength": 5},
      "country_code": {"type": "string", "maxLength": 3},
      "window": {"type": "integer", "minimum": 1, "maximum": 1000},
      "enquire_link_s": {"type": "integer", "minimum": 1, "maximum": 3600},
      "response_s": {"type": "integer", "minimum": 1, "maximum": 600},
      "receipts": {"type": "boolean"},
      "validity_hours": {"type": "integer", "minimum": 0, "maximum": 168},
      "red_priority": {"type": "integer", "minimum": 0, "maximum": 3},
      "response_id": {"enum": ["text", "hex", "decimal"]},
      "receipt_id": {"enum": ["text", "hex", "decimal"]},
      "receipt_zone_minutes": {"type": "integer", "minimum": -720, "maximum": 840},
      "receipt_errors": {"type": "object"}, "statuses": {"type": "object"},
      "signature": {"type": "string", "maxLength": 20},
      "signature_by_peer": {"type": "boolean"},
      "opt_out": {"type": "string", "maxLength": 30},
      "opt_out_by_peer": {"type": "boolean"},
      "opt_out_words": {"type": "array", "maxItems": 50,
                        "items": {"type": "string", "minLength": 1, "maxLength": 20}},
      "links": {"type": "boolean"}, "replies": {"type": "boolean"},
      "parts_max": {"type": "integer", "minimum": 1, "maximum": 20},
      "alphabet": {"enum": ["gsm7", "ucs2"]},
      "part_price": {"type": "integer", "minimum": 0}
    }})"));
  return kSchema;
}

/// [4.1.1] password is at most 8 characters.
constexpr std::size_t kPasswordMax = 8;

Result<std::string> read_password(const AdapterParts& parts) {
  if (parts.secrets == nullptr) return fail(Errc::invalid_argument, "smpp: no secrets");
  LINLI_TRY(std::string text, parts.secrets->read(json_text(parts.settings, "password_file")));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.size() > kPasswordMax || text.find('\0') != std::string::npos)
    return fail(Errc::invalid_argument, "smpp: password_file: SMPP allows 8 characters");
  return text;
}

IdForm id_form(const Json& settings, std::string_view key) {
  const std::string name = json_text(settings, key);
  return name == "hex" ? IdForm::hex : name == "decimal" ? IdForm::decimal : IdForm::text;
}

Result<OutcomeKind> outcome_in(const Json& value, const std::string& where) {
  const auto kind = value.is_string() ? parse_outcome(value.get<std::string>()) : std::nullopt;
  if (!kind) return fail(Errc::invalid_argument, "smpp: " + where + ": no such outcome");
  return *kind;
}

Result<StatusOverrides> read_statuses(const Json& settings) {
  StatusOverrides out;
  const Json statuses = settings.value("statuses", Json::object());
  for (const auto& [name, value] : statuses.items()) {
    std::uint32_t status = 0;
    const char* begin = name.data() + (name.starts_with("0x") ? 2 : 0);
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(begin, end, status, 16);
    if (error != std::errc() || stop != end || status == kStatusOk)
      return fail(Errc::invalid_argument, "smpp: statuses: a key like 0x00000400 is wanted");
    LINLI_TRY(out[status], outcome_in(value, "statuses"));
  }
  return out;
}

SmsForm read_form(const Json& settings) {
  SmsForm form;
  form.signature = json_text(settings, "signature");
  form.signature_by_peer = json_bool(settings, "signature_by_peer");
  form.opt_out = json_text(settings, "opt_out");
  form.opt_out_by_peer = json_bool(settings, "opt_out_by_peer");
  form.links = json_bool(settings, "links", true);
  form.replies = json_bool(settings, "replies");
  form.parts_max = static_cast<std::size_t>(json_int(settings, "parts_max", 6));
  form.ucs2_only = json_text(settings, "alphabet") == "ucs2";
  return form;
}

void read_connection(const Json& json, Settings& out) {
  out.host = json_text(json, "host");
  out.port = static_cast<std::uint16_t>(json_int(json, "port"));
  out.tls = json_bool(json, "tls");
  out.ca_file = json_text(json, "ca_file");
  out.system_id = json_text(json, "system_id");
  out.system_type = json_text(json, "system_type");
  out.is_split = json_text(json, "bind") == "tx_rx";
  out.window = static_cast<std::size_t>(json_int(json, "window", 10));
  out.enquire_every = std::chrono::seconds(json_int(json, "enquire_link_s", 30));
  out.response_max = std::chrono::seconds(json_int(json, "response_s", 30));
}

}  // namespace

Result<Settings> parse_settings(const AdapterParts& parts) {
  const Json& json = parts.settings;
  if (json.is_object())
    for (const auto& [key, value] : json.items())
      if (!schema().json().at("properties").contains(key))
        return fail(Errc::invalid_argument, "smpp: no such key: " + key);
  if (auto checked = schema().check(json); !checked)
    return fail(Errc::invalid_argument, "smpp: " + checked.error().detail);
  Settings out;
  read_connection(json, out);
  LINLI_TRY(out.password, read_password(parts));
  out.source = {.ton = static_cast<std::uint8_t>(json_int(json, "source_ton")),
                .npi = static_cast<std::uint8_t>(json_int(json, "source_npi")),
                .digits = json_text(json, "source")};
  out.service_type = json_text(json, "service_type");
  out.country_code = json_text(json, "country_code");
  if (out.country_code.find_first_not_of("0123456789") != std::string::npos)
    return fail(Errc::invalid_argument, "smpp: country_code: digits only");
  for (const std::string* text :
       {&out.system_id, &out.system_type, &out.source.digits, &out.service_type})
    for (const char c : *text)
      if (c < ' ' || c > '~') return fail(Errc::invalid_argument, "smpp: ASCII only: " + *text);
  out.receipts = json_bool(json, "receipts", true);
  out.validity_max = std::chrono::hours(json_int(json, "validity_hours", 48));
  out.red_priority = static_cast<std::uint8_t>(json_int(json, "red_priority"));
  out.response_id = id_form(json, "response_id");
  out.receipt_id = id_form(json, "receipt_id");
  out.receipt_zone = std::chrono::minutes(json_int(json, "receipt_zone_minutes", 480));
  const Json errors = json.value("receipt_errors", Json::object());
  for (const auto& [code, value] : errors.items()) {
    LINLI_TRY(out.receipt_errors[code], outcome_in(value, "receipt_errors"));
  }
  LINLI_TRY(out.statuses, read_statuses(json));
  out.form = read_form(json);
  const Json words =
      json.value("opt_out_words", Json::array({"R", "TD", "T", "N", "退订", "拒收"}));
  for (const Json& word : words) out.opt_out_words.push_back(fold_reply(word.get<std::string>()));
  out.part_price = json_int(json, "part_price");
  return out;
}

}  // namespace linli::notify::smpp
