// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/names.h"

#include <algorithm>
#include <array>

namespace linli::notify::http {
namespace {

constexpr std::array<std::string_view, 35> kNames = {"to",
                                                     "key",
                                                     "delivery",
                                                     "collapse",
                                                     "ttl_s",
                                                     "ttl_min",
                                                     "expires",
                                                     "lane",
                                                     "title",
                                                     "body",
                                                     "action_line",
                                                     "issuer",
                                                     "community",
                                                     "link",
                                                     "reply",
                                                     "severity",
                                                     "category",
                                                     "purpose",
                                                     "notice",
                                                     "rev",
                                                     "mark",
                                                     "text",
                                                     "needs_ack",
                                                     "drill",
                                                     "template.id",
                                                     "template.vars",
                                                     "template.values",
                                                     "recipients",
                                                     "token",
                                                     "sign.timestamp",
                                                     "sign.signature",
                                                     "time.unix",
                                                     "time.unix_ms",
                                                     "nonce",
                                                     "template.wrapped"};

bool has_setting(const std::vector<Setting>& settings, std::string_view name) {
  return std::ranges::any_of(settings, [&](const Setting& one) { return one.name == name; });
}

bool is_known(const std::string& name, const Profile& profile) {
  if (std::ranges::find(kNames, name) != kNames.end()) return true;
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return false;
  const std::string_view group = std::string_view(name).substr(0, dot);
  const std::string_view member = std::string_view(name).substr(dot + 1);
  if (group == "settings") return has_setting(profile.settings, member);
  if (group == "value") return profile.values.is_object() && profile.values.contains(member);
  if (group == "params") return is_plain_name(member);
  if (group != "entry") return false;
  for (const Setting& setting : profile.settings) {
    if (setting.name == profile.directory) return has_setting(setting.fields, member);
  }
  return false;
}

Result<void> check(std::string_view text, const Profile& profile, const std::string& where,
                   bool in_shape) {
  auto places = placeholders_of(text);
  if (!places) return fail(Errc::invalid_argument, where + ": " + places.error().detail);
  for (const Placeholder& place : *places) {
    if (!is_known(place.name, profile))
      return fail(Errc::invalid_argument, where + ": no such name: " + place.name);
    if (place.is_raw && !place.name.starts_with("settings."))
      return fail(Errc::invalid_argument, where + ": {{!...}} is for settings only");
    if (place.is_value &&
        (!in_shape || places->size() != 1 || !text.starts_with("{{=") || !text.ends_with("}}")))
      return fail(Errc::invalid_argument, where + ": {{=...}} must be a whole JSON value");
  }
  return {};
}

}  // namespace

bool is_plain_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::ranges::all_of(name, legal);
}

std::vector<std::string> default_text() {
  return {"{{mark}}{{title}}", "{{action_line}}", "{{body}}", "{{link}}", "{{reply}}"};
}

Result<void> check_names(std::string_view text, const Profile& profile, const std::string& where) {
  return check(text, profile, where, false);
}

Result<void> check_shape(const Json& shape, const Profile& profile, const std::string& where) {
  if (shape.is_string()) return check(shape.get<std::string>(), profile, where, true);
  if (!shape.is_structured()) return {};
  for (const auto& [key, part] : shape.items()) {
    LINLI_CHECK(check_shape(part, profile, std::string(where).append(".").append(key)));
  }
  return {};
}

bool mentions(const Json& shape, std::string_view name) {
  if (shape.is_string()) {
    const auto places = placeholders_of(shape.get<std::string>());
    return places && std::ranges::any_of(
                         *places, [&](const Placeholder& place) { return place.name == name; });
  }
  return shape.is_structured() &&
         std::ranges::any_of(shape, [&](const Json& part) { return mentions(part, name); });
}

}  // namespace linli::notify::http
