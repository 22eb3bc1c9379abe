// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/profile.h"

#include <algorithm>
#include <array>

#include "notify/channels/http/example.h"
#include "notify/channels/http/names.h"
#include "notify/channels/http/profile_parts.h"

namespace linli::notify::http {
namespace {

/// A profile is written by hand: the longest of ours has 20 KiB.
constexpr std::size_t kProfileBytesMax = 64 * 1024;
constexpr std::size_t kBatchMax = 1000;
constexpr std::size_t kWindowMax = 10'000;
constexpr std::size_t kTextLinesMax = 20;

template <class Enum, std::size_t Size>
Enum one_of(Fields& fields, std::string_view key, const std::array<std::string_view, Size>& names,
            Enum fallback) {
  if (!fields.has(key)) {
    fields.find(key);
    return fallback;
  }
  const std::string given = fields.text(key);
  const auto found = std::ranges::find(names, given);
  if (found != names.end()) return static_cast<Enum>(found - names.begin());
  fields.fault(key, "no such value: " + given);
  return fallback;
}

Result<std::vector<Setting>> parse_settings(const Json& list, const std::string& where) {
  static constexpr std::array<std::string_view, 5> kTypes = {"text", "url", "integer", "boolean",
                                                             "table"};
  std::vector<Setting> out;
  for (const Json& one : list) {
    Fields fields(one, where);
    Setting setting;
    setting.name = fields.needed("name");
    setting.type = one_of(fields, "type", kTypes, Setting::Type::text);
    setting.is_secret = fields.flag("secret");
    setting.is_required = fields.flag("required");
    if (const Json* fallback = fields.find("default")) setting.fallback = *fallback;
    fields.needed("help");
    LINLI_TRY(setting.fields, parse_settings(fields.array("fields"), where + ".fields"));
    if (setting.type != Setting::Type::table && !setting.fields.empty())
      fields.fault("fields", "only of a table");
    if (!is_plain_name(setting.name)) fields.fault("name", "not of a-z, 0-9 and _");
    LINLI_CHECK(fields.finish());
    out.push_back(std::move(setting));
  }
  return out;
}

Result<LengthRule> parse_length(const Json& json) {
  LengthRule out;
  if (json.is_null()) return out;
  static constexpr std::array<std::string_view, 3> kUnits = {"chars", "bytes", "utf16"};
  static constexpr std::array<std::string_view, 2> kOverflow = {"refuse", "cut"};
  static constexpr std::array<std::string_view, 3> kParts = {"one", "ucs2", "gsm7"};
  constexpr std::int64_t kMost = 1'000'000;
  Fields fields(json, "length");
  out.unit = one_of(fields, "unit", kUnits, LengthUnit::chars);
  out.max = static_cast<std::size_t>(fields.integer("max", 0, 0, kMost));
  out.may_cut = one_of(fields, "overflow", kOverflow, 0) == 1;
  out.prefix = fields.text("prefix");
  out.parts = one_of(fields, "parts", kParts, LengthRule::Parts::one);
  LINLI_CHECK(fields.finish());
  return out;
}

Result<std::vector<Quota>> parse_quotas(const Json& list) {
  static constexpr std::array<std::string_view, 3> kScopes = {"account", "recipient", "template"};
  static constexpr std::array<std::string_view, 2> kWindows = {"rolling", "calendar"};
  constexpr std::int64_t kMonthSeconds = 31 * 24 * 60 * 60;
  std::vector<Quota> out;
  for (const Json& one : list) {
    Fields fields(one, "limits.quotas");
    Quota quota;
    quota.scope = one_of(fields, "scope", kScopes, Scope::account);
    quota.max = static_cast<std::uint32_t>(fields.integer("max", 0, 1, 1'000'000'000));
    quota.per = std::chrono::seconds(fields.integer("per_s", 0, 1, kMonthSeconds));
    quota.is_calendar = one_of(fields, "window", kWindows, 0) == 1;
    if (quota.max == 0) fields.fault("max", "missing");
    if (quota.per.count() == 0) fields.fault("per_s", "missing");
    LINLI_CHECK(fields.finish());
    out.push_back(quota);
  }
  return out;
}

Result<void> parse_limits(const Json& json, Profile& out) {
  static constexpr std::array<std::string_view, 4> kAfter = {"resend", "resend_once", "hold",
                                                             "ask"};
  Capabilities& caps = out.capabilities;
  const Json given = json.is_null() ? Json::object() : json;
  Fields fields(given, "limits");
  const auto size = [&](std::string_view key, std::size_t fallback, std::size_t most) {
    return static_cast<std::size_t>(fields.integer(key, static_cast<std::int64_t>(fallback), 1,
                                                   static_cast<std::int64_t>(most)));
  };
  caps.batch_max = size("batch_max", 1, kBatchMax);
  caps.window_max = size("window_max", caps.window_max, kWindowMax);
  caps.part_price = fields.integer("part_price", 0, 0, 1'000'000);
  caps.is_idempotent = fields.flag("idempotent");
  caps.has_read_receipts = fields.flag("read_receipts");
  using After = Capabilities::AfterUnknown;
  caps.after_unknown = one_of(fields, "after_unknown", kAfter, After::hold);
  LINLI_TRY(caps.quotas, parse_quotas(fields.array("quotas")));
  LINLI_CHECK(fields.finish());
  return {};
}

Result<void> parse_templates(const Json& json, Profile& out) {
  if (json.is_null()) return {};
  Fields fields(json, "templates");
  out.templates.is_used = true;
  out.templates.placeholder = fields.needed("placeholder");
  const bool has_name = out.templates.placeholder.find("NAME") != std::string::npos;
  const bool has_index = out.templates.placeholder.find("INDEX") != std::string::npos;
  if (has_name == has_index) fields.fault("placeholder", "needs NAME or INDEX");
  LINLI_CHECK(fields.finish());
  out.capabilities.templates_only = true;
  return {};
}

std::vector<std::string> texts(Fields& fields, std::string_view key) {
  std::vector<std::string> out;
  for (const Json& one : fields.array(key)) {
    if (!one.is_string()) fields.fault(key, "not a list of texts");
    out.push_back(text_of(one));
  }
  return out;
}

Result<void> parse_values(const Json& values, const Profile& profile) {
  for (const auto& [name, spec] : values.items()) {
    Fields fields(spec, "values." + name);
    const std::string from = fields.needed("from");
    if (!fields.object("map").is_object()) fields.fault("map", "missing");
    fields.text("else");
    LINLI_CHECK(fields.finish());
    LINLI_CHECK(check_names("{{" + from + "}}", profile, "values." + name));
  }
  return {};
}

Result<std::vector<Example>> parse_examples(const Json& list) {
  std::vector<Example> out;
  for (const Json& one : list) {
    Example example{json_text(one, "name"), one};
    if (example.name.empty()) return fail(Errc::invalid_argument, "examples: one has no name");
    out.push_back(std::move(example));
  }
  if (out.empty()) return fail(Errc::invalid_argument, "examples: a profile needs at least one");
  return out;
}

Result<void> check_idempotency(const Profile& profile) {
  if (!profile.capabilities.is_idempotent) return {};
  for (const Json* part :
       {&profile.request.content, &profile.request.query, &profile.request.headers}) {
    if (mentions(*part, "key")) return {};
  }
  return fail(Errc::invalid_argument, "limits.idempotent: no request field carries {{key}}");
}

Result<Profile> parse_fields(Fields& fields) {
  Profile out;
  out.name = fields.needed("name");
  out.title = fields.needed("title");
  const std::string medium = fields.needed("medium");
  if (const auto found = parse_medium(medium)) {
    out.medium = *found;
  } else {
    fields.fault("medium", "no such medium: " + medium);
  }
  out.documents = texts(fields, "documents");
  texts(fields, "notes");
  if (out.documents.empty()) fields.fault("documents", "where does the provider describe this?");
  LINLI_TRY(out.settings, parse_settings(fields.array("settings"), "settings"));
  out.directory = fields.text("directory");
  out.values = fields.object("values");
  out.text = texts(fields, "text");
  if (out.text.size() > kTextLinesMax) fields.fault("text", "too many lines");
  if (out.text.empty()) out.text = default_text();
  LINLI_TRY(out.length, parse_length(fields.object("length")));
  LINLI_CHECK(parse_limits(fields.object("limits"), out));
  LINLI_CHECK(parse_templates(fields.object("templates"), out));
  out.is_batch = out.capabilities.batch_max > 1 && fields.flag("batch");
  LINLI_CHECK(parse_values(out.values, out));
  LINLI_TRY(out.sign, parse_sign(fields.object("sign"), out));
  LINLI_TRY(out.request, parse_request(fields.object("request"), "request", out));
  LINLI_TRY(out.reply, parse_reply(fields.object("reply"), out));
  LINLI_TRY(out.hook, parse_hook(fields.object("webhook"), out));
  LINLI_TRY(out.poll, parse_poll(fields.object("poll"), out));
  LINLI_TRY(out.examples, parse_examples(fields.array("examples")));
  for (const std::string& line : out.text) LINLI_CHECK(check_names(line, out, "text"));
  LINLI_CHECK(check_names(out.length.prefix, out, "length.prefix"));
  LINLI_CHECK(check_idempotency(out));
  LINLI_CHECK(fields.finish());
  out.capabilities.medium = out.medium;
  out.capabilities.has_receipts = out.hook.has_value() || out.poll.has_value();
  return out;
}

}  // namespace

Result<Profile> parse_profile(std::string_view json) {
  LINLI_TRY(const Json root, parse_json(json, kProfileBytesMax));
  Fields fields(root, "");
  auto out = parse_fields(fields);
  if (!out) return fail(out.error().code, "profile: " + out.error().detail);
  return out;
}

Result<std::shared_ptr<const Profile>> load_profile(std::string_view json) {
  LINLI_TRY(Profile parsed, parse_profile(json));
  auto out = std::make_shared<const Profile>(std::move(parsed));
  for (const Example& example : out->examples) LINLI_CHECK(run_example(out, example));
  return out;
}

}  // namespace linli::notify::http
