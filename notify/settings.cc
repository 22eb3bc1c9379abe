// SPDX-License-Identifier: Apache-2.0
#include "notify/settings.h"

#include <algorithm>

namespace linli::notify {
namespace {

bool is_one_line(const std::string& text) {
  return std::ranges::none_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

}  // namespace

const Json* SettingsReader::find(std::string_view key) {
  known_.emplace(key);
  if (!settings_.is_object()) return nullptr;
  const auto at = settings_.find(key);
  return at == settings_.end() ? nullptr : &*at;
}

void SettingsReader::refuse(std::string_view key, std::string_view why) {
  if (wrong_.empty()) wrong_ = std::string(key) + ": " + std::string(why);
}

std::string SettingsReader::text(std::string_view key, std::string_view fallback) {
  const Json* value = find(key);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string() || !is_one_line(value->get_ref<const std::string&>())) {
    refuse(key, "must be one line of text");
    return std::string(fallback);
  }
  return value->get<std::string>();
}

std::string SettingsReader::required_text(std::string_view key) {
  std::string value = text(key);
  if (value.empty()) refuse(key, "is missing");
  return value;
}

std::int64_t SettingsReader::integer(std::string_view key, std::int64_t fallback, Range range) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_number_integer() || *value < range.min || *value > range.max) {
    refuse(key, "must be a whole number from " + std::to_string(range.min) + " to " +
                    std::to_string(range.max));
    return fallback;
  }
  return value->get<std::int64_t>();
}

bool SettingsReader::flag(std::string_view key, bool fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) {
    refuse(key, "must be true or false");
    return fallback;
  }
  return value->get<bool>();
}

std::vector<std::string> SettingsReader::texts(std::string_view key,
                                               std::vector<std::string> fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  std::vector<std::string> out;
  if (value->is_array())
    for (const Json& part : *value)
      if (part.is_string() && is_one_line(part.get_ref<const std::string&>()))
        out.push_back(part.get<std::string>());
  if (!value->is_array() || out.size() != value->size()) {
    refuse(key, "must be a list of texts");
    return fallback;
  }
  return out;
}

const Json& SettingsReader::table(std::string_view key) {
  static const Json kEmpty = Json::object();
  const Json* value = find(key);
  if (value == nullptr) return kEmpty;
  if (!value->is_object()) {
    refuse(key, "must be a table");
    return kEmpty;
  }
  return *value;
}

Result<void> SettingsReader::finish() const {
  if (!settings_.is_object() && !settings_.is_null())
    return fail(Errc::invalid_argument, "the settings are not a table");
  if (!wrong_.empty()) return fail(Errc::invalid_argument, wrong_);
  return {};
}

Result<void> SettingsReader::finish_all() {
  for (const auto& [key, value] : settings_.items())
    if (!known_.contains(key)) refuse(key, "is not known");
  return finish();
}

}  // namespace linli::notify
