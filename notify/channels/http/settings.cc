// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/settings.h"

#include <algorithm>

#include "base/bytes.h"
#include "notify/channels/http/render.h"

namespace linli::notify::http {
namespace {

constexpr std::size_t kTextBytesMax = 4096;
constexpr std::size_t kEntriesMax = 1000;

/// A URL that may be put in front of a path: scheme and host, nothing that ends it early.
bool is_base_url(std::string_view url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) return false;
  return std::ranges::none_of(url, [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == '#' || c == '"' || c == '<';
  });
}

bool is_of_type(const Setting& setting, const Json& value) {
  switch (setting.type) {
    case Setting::Type::text:
      return value.is_string() && value.get_ref<const std::string&>().size() <= kTextBytesMax;
    case Setting::Type::url: return value.is_string() && is_base_url(value.get<std::string>());
    case Setting::Type::integer: return value.is_number_integer();
    case Setting::Type::boolean: return value.is_boolean();
    case Setting::Type::table: return value.is_object() && value.size() <= kEntriesMax;
  }
  return false;
}

std::string type_name(const Setting& setting) {
  static constexpr std::array<std::string_view, 5> kTypeNames = {
      "a text", "an http or https URL", "an integer", "true or false", "a table"};
  return std::string(kTypeNames[static_cast<std::size_t>(setting.type)]);
}

/// A secret in its file ends with the line.
Result<Json> read_secret(const std::string& path, const SecretReader* secrets) {
  if (secrets == nullptr) return fail(Errc::invalid_argument, "no files here");
  LINLI_TRY(std::string text, secrets->read(path));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (!is_valid_utf8(text)) return fail(Errc::invalid_argument, "the file is not text");
  return Json(std::move(text));
}

Result<Json> read_settings(const std::vector<Setting>& specs, const Json& given,
                           const std::string& where, const SecretReader* secrets);

Result<Json> read_one(const Setting& setting, Fields& fields, const SecretReader* secrets) {
  const std::string file_key = setting.name + "_file";
  const Json* value = fields.find(setting.name);
  Json out = value != nullptr ? *value : setting.fallback;
  if (setting.is_secret && fields.has(file_key)) {
    auto read = read_secret(fields.text(file_key), secrets);
    if (!read) return fail(read.error().code, fields.at(file_key) + ": " + read.error().detail);
    out = std::move(*read);
  }
  if (out.is_null()) {
    if (setting.is_required) fields.fault(setting.name, "missing");
    return out;
  }
  if (!is_of_type(setting, out)) fields.fault(setting.name, "is not " + type_name(setting));
  if (setting.is_required && out == Json("")) fields.fault(setting.name, "is empty");
  if (setting.type != Setting::Type::table || !out.is_object()) return out;
  for (auto& [name, entry] : out.items()) {
    LINLI_TRY(entry,
              read_settings(setting.fields, entry, fields.at(setting.name + "." + name), secrets));
  }
  return out;
}

void read_members(const std::vector<Setting>& specs, Fields& fields, Json& out, Error& error,
                  const SecretReader* secrets) {
  for (const Setting& setting : specs) {
    auto value = read_one(setting, fields, secrets);
    if (!value) {
      error = value.error();
      return;
    }
    if (!value->is_null()) out[setting.name] = std::move(*value);
  }
}

Result<Json> read_settings(const std::vector<Setting>& specs, const Json& given,
                           const std::string& where, const SecretReader* secrets) {
  Fields fields(given, where);
  Json out = Json::object();
  Error error{Errc::internal, {}};
  read_members(specs, fields, out, error, secrets);
  if (!error.detail.empty()) return std::unexpected(error);
  LINLI_CHECK(fields.finish());
  return out;
}

}  // namespace

namespace {

/// Whether any text or request of the channel has a place for the link.
bool has_place_for_link(const Setup& setup) {
  const auto mentions = [](const std::string& text) {
    return text.find("{{link") != std::string::npos;
  };
  const Profile& profile = *setup.profile;
  if (mentions(dump_json(profile.request.content)) || mentions(dump_json(profile.request.query)))
    return true;
  if (!profile.templates.is_used) return std::ranges::any_of(profile.text, mentions);
  return std::ranges::any_of(setup.approved, [&](const ApprovedTemplate& approved) {
    return std::ranges::any_of(approved.variables,
                               [&](const auto& variable) { return mentions(variable.value); });
  });
}

}  // namespace

Result<Setup> make_setup(std::shared_ptr<const Profile> profile, const Json& given,
                         const SecretReader* secrets) {
  Setup out;
  out.profile = std::move(profile);
  out.capabilities = out.profile->capabilities;
  Fields fields(given, "");
  // Read by make_http_channel() and by the gateway.
  for (const std::string_view key : {"kind", "profile", "name"}) fields.find(key);
  Error error{Errc::internal, {}};
  read_members(out.profile->settings, fields, out.settings, error, secrets);
  if (!error.detail.empty()) return std::unexpected(error);
  Capabilities& caps = out.capabilities;
  caps.part_price = fields.integer("part_price", caps.part_price, 0, 1'000'000);
  caps.window_max = static_cast<std::size_t>(
      fields.integer("window_max", static_cast<std::int64_t>(caps.window_max), 1, 10'000));
  const Json templates = fields.array("templates");
  if (!templates.is_null() && !out.profile->templates.is_used)
    fields.fault("templates", "the provider has none");
  LINLI_CHECK(fields.finish());
  if (!templates.is_null()) {
    LINLI_TRY(out.approved, parse_templates_setting(templates, *out.profile));
  }
  caps.has_links = has_place_for_link(out);
  const auto& hook = out.profile->hook;
  caps.has_replies =
      hook && hook->replies &&
      render_text(hook->replies->when, {{"settings", out.settings}}, Escape::none) == "true";
  return out;
}

}  // namespace linli::notify::http
