// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/fields.h"

namespace linli::notify::http {

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) fault_ = where_ + ": not an object";
}

const Json* Fields::find(std::string_view key) {
  used_.emplace(key);
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

bool Fields::has(std::string_view key) const {
  return object_.is_object() && object_.contains(key);
}

std::string Fields::text(std::string_view key, std::string fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (value->is_string()) return value->get<std::string>();
  fault(key, "not a text");
  return fallback;
}

std::string Fields::needed(std::string_view key) {
  std::string value = text(key);
  if (value.empty()) fault(key, "missing");
  return value;
}

std::int64_t Fields::integer(std::string_view key, std::int64_t fallback, std::int64_t min,
                             std::int64_t max) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_number_integer()) {
    fault(key, "not an integer");
    return fallback;
  }
  const std::int64_t number = json_int(object_, key, min - 1);
  if (number < min || number > max) {
    fault(key, "not from " + std::to_string(min) + " to " + std::to_string(max));
    return fallback;
  }
  return number;
}

bool Fields::flag(std::string_view key, bool fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) fault(key, "not true or false");
  return json_bool(object_, key, fallback);
}

Json Fields::object(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) return {};
  if (value->is_object()) return *value;
  fault(key, "not an object");
  return {};
}

Json Fields::array(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) return {};
  if (value->is_array()) return *value;
  fault(key, "not a list");
  return {};
}

void Fields::fault(std::string_view key, std::string_view what) {
  if (fault_.empty()) fault_ = at(key) + ": " + std::string(what);
}

std::string Fields::at(std::string_view key) const {
  return where_.empty() ? std::string(key) : where_ + "." + std::string(key);
}

Result<void> Fields::finish() const {
  if (!fault_.empty()) return fail(Errc::invalid_argument, fault_);
  for (const auto& [key, value] : object_.items()) {
    if (!used_.contains(key)) return fail(Errc::invalid_argument, at(key) + ": no such key");
  }
  return {};
}

}  // namespace linli::notify::http
