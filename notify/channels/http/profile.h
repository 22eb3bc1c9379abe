// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "notify/channel.h"
#include "notify/channels/http/pick.h"
#include "notify/channels/http/verdict.h"

/// A provider of messages as data: one JSON file (README.md describes every key). Immutable once
/// loaded; shared by the channels that use it.
namespace linli::notify::http {

/// One value that the operator gives.
struct Setting {
  enum class Type : std::uint8_t { text, url, integer, boolean, table };
  std::string name;
  Type type = Type::text;
  bool is_secret = false;
  bool is_required = false;
  /// Null = none.
  Json fallback;
  /// table: the fields of each entry.
  std::vector<Setting> fields;
};

struct RequestSpec {
  enum class Body : std::uint8_t { none, json, form, text };
  std::string method = "POST";
  std::string url;
  /// Name of the operation, for the recipes that sign it (acs3, tc3).
  std::string action;
  /// Objects of templates; keys may end in '?'.
  Json query;
  Json headers;
  Body body = Body::none;
  /// json: any shape; form: object; text: one template.
  Json content;
  bool escapes_xml = false;
  Millis deadline{10'000};
};

/// Where a bearer token comes from: one request at a time, kept until it expires.
struct TokenSpec {
  RequestSpec request;
  Pick token;
  Pick expires_s;
  Pick code;
  VerdictTable outcomes;
  /// Renewed so long before it expires.
  Millis margin{300'000};
  /// Codes of a send that mean: this token is no good any more.
  std::vector<std::string> stale_codes;
};

struct SignSpec {
  enum class Recipe : std::uint8_t { none, bearer, token, robot, acs3, tc3 };
  Recipe recipe = Recipe::none;
  /// Templates by name: secret, id, token, version, service, region.
  Json texts;
  /// robot: the secret is the key and "time\nsecret" the message (DingTalk); otherwise that text is
  /// the key of an empty message (Feishu).
  bool secret_is_key = true;
  bool in_milliseconds = true;
  std::optional<TokenSpec> token;
};

struct ReplySpec {
  Pick code;
  VerdictTable outcomes;
  /// By HTTP status, for answers without a code.
  VerdictTable statuses;
  /// Each gives one provider id, or several when it is a list.
  std::vector<Pick> ids;
  Pick parts;
  /// One element for each recipient.
  struct Rows {
    Pick list;
    /// What names the recipient in an element, and the template it equals; without, by position.
    Pick match;
    std::string equals;
    Pick code;
    std::vector<Pick> ids;
    Pick parts;
  };
  std::optional<Rows> rows;
  /// With `code`, the recipients in `list` get `outcome`; the others `others`.
  struct Listed {
    std::string code;
    Pick list;
    Verdict outcome;
    Verdict others;
  };
  std::vector<Listed> listed;
};

/// A time as a provider writes it.
struct TimeSpec {
  Pick pick;
  enum class Form : std::uint8_t { unix_s, unix_ms, local } form = Form::unix_s;
  /// local: minutes east of UTC.
  int zone_minutes = 480;
};

/// How receipts stand in a web hook or in the answer to a poll.
struct ReceiptSpec {
  /// The list; unset: the request is one receipt.
  Pick list;
  Pick id;
  Pick delivery;
  Pick state;
  std::map<std::string, ReceiptState, std::less<>> states;
  Pick because;
  VerdictTable reasons;
  TimeSpec at;
  /// Rows with another value here are no receipts.
  Pick when;
  std::string when_equals;
};

/// How what people write back ("MO", 上行) stands in a web hook; a row without number or text is
/// none.
struct UplinkSpec {
  /// The list; unset: the request is one message.
  Pick list;
  /// Who wrote; the country code where it stands apart.
  Pick from;
  Pick country;
  Pick text;
  TimeSpec at;
  /// As fold_reply() gives them.
  std::vector<std::string> opt_out_words;
  /// Template; texts ask for an answer only when it gives "true".
  std::string when;
};

struct HookAuth {
  enum class Kind : std::uint8_t { query, header, hmac_sha256 } kind = Kind::query;
  /// Parameter or header (lower case) that carries the secret or the signature.
  std::string name;
  /// Template.
  std::string secret;
  /// hmac_sha256: header with the time of sending in seconds; empty = none is signed.
  std::string time_header;
  Millis window{300'000};
  bool is_base64 = false;
};

struct HookSpec {
  HookAuth auth;
  std::vector<std::string> methods;
  enum class Format : std::uint8_t { json, form, query, text } format = Format::json;
  ReceiptSpec receipts;
  std::optional<UplinkSpec> replies;
  CallbackReply reply;
  /// A GET with this parameter gets its value back: how some providers check the address.
  std::string echo;
};

struct PollSpec {
  RequestSpec request;
  Millis every{60'000};
  /// Template; the poll runs only when it gives "true".
  std::string when;
  ReceiptSpec receipts;
  /// So many rows mean that there are more: ask again at once.
  std::size_t page = 0;
};

enum class LengthUnit : std::uint8_t { chars, bytes, utf16 };
struct LengthRule {
  LengthUnit unit = LengthUnit::chars;
  /// 0 = no limit.
  std::size_t max = 0;
  /// Too long: the body is shortened and ends in …, instead of a refusal.
  bool may_cut = false;
  /// What the provider puts in front (the signature): counted, shown in previews, not sent.
  std::string prefix;
  /// How billed parts are counted: always one, or as notify/text/segment.h cuts a text, always in
  /// UCS-2 (providers in China bill 70 and 67 characters of any kind) or in GSM-7 where it fits.
  enum class Parts : std::uint8_t { one, ucs2, gsm7 } parts = Parts::one;
};

struct TemplateRule {
  bool is_used = false;
  /// How a variable stands in an approved text, with NAME or INDEX (from 1): "${NAME}", "{INDEX}".
  std::string placeholder;
};

struct Example {
  std::string name;
  Json spec;
};

struct Profile {
  std::string name;
  std::string title;
  Medium medium = Medium::sms;
  std::vector<std::string> documents;
  std::vector<Setting> settings;
  /// Setting of type table whose entry is named by the address; `{{entry.x}}`. Empty = none.
  std::string directory;
  RequestSpec request;
  SignSpec sign;
  ReplySpec reply;
  std::optional<HookSpec> hook;
  std::optional<PollSpec> poll;
  /// Lines of the text; one whose placeholders are all empty is left out.
  std::vector<std::string> text;
  LengthRule length;
  TemplateRule templates;
  /// Derived values: name -> {from, map, else}.
  Json values;
  /// One request carries several recipients of the same content.
  bool is_batch = false;
  Capabilities capabilities;
  std::vector<Example> examples;
};

/// Reads a profile without running its examples; load_profile() is what channels use.
/// Errors: invalid_argument "profile: <place>: <what>"; those of parse_json.
Result<Profile> parse_profile(std::string_view json);

/// Reads a profile and runs its worked examples; one that fails refuses the profile.
/// Errors: as parse_profile(); invalid_argument naming the example and the difference.
Result<std::shared_ptr<const Profile>> load_profile(std::string_view json);

}  // namespace linli::notify::http
