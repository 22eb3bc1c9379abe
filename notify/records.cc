// SPDX-License-Identifier: Apache-2.0
#include "notify/records.h"

#include <algorithm>

namespace linli::notify {
namespace {

constexpr std::array<std::string_view, 7> kPurposeNames = {
    "notice", "correction", "all_clear", "reminder", "summary", "alarm", "test"};

/// Members of Message that are text.
constexpr std::pair<const char*, std::string Message::*> kTexts[] = {
    {"notice", &Message::notice},
    {"category", &Message::category},
    {"severity", &Message::severity},
    {"title", &Message::title},
    {"action_line", &Message::action_line},
    {"body", &Message::body},
    {"issuer", &Message::issuer},
    {"community", &Message::community},
    {"link", &Message::link}};

Json to_json(const std::vector<Endpoint>& endpoints) {
  Json out = Json::array();
  for (const Endpoint& endpoint : endpoints) out.push_back(to_json(endpoint));
  return out;
}

Result<std::vector<Endpoint>> endpoints_of(const Json& json, const char* member) {
  std::vector<Endpoint> out;
  const auto list = json.find(member);
  if (list == json.end()) return out;
  if (!list->is_array()) return fail(Errc::malformed, std::string(member) + ": a list");
  for (const Json& each : *list) {
    LINLI_TRY(Endpoint endpoint, endpoint_of(each));
    out.push_back(std::move(endpoint));
  }
  return out;
}

}  // namespace

std::string_view purpose_name(Purpose purpose) noexcept {
  return kPurposeNames[static_cast<std::size_t>(purpose)];
}

std::optional<Purpose> parse_purpose(std::string_view name) noexcept {
  const auto found = std::ranges::find(kPurposeNames, name);
  if (found == kPurposeNames.end()) return std::nullopt;
  return static_cast<Purpose>(found - kPurposeNames.begin());
}

Json to_json(const Endpoint& endpoint) {
  Json out = {{"medium", medium_name(endpoint.medium)}, {"address", endpoint.address}};
  if (!endpoint.params.empty()) out["params"] = endpoint.params;
  return out;
}

Result<Endpoint> endpoint_of(const Json& json) {
  Endpoint out;
  const auto medium = parse_medium(json_text(json, "medium"));
  if (!json.is_object() || !medium) return fail(Errc::malformed, "medium: not one of ours");
  out.medium = *medium;
  out.address = json_text(json, "address");
  const auto params = json.find("params");
  if (params == json.end()) return out;
  if (!params->is_object()) return fail(Errc::malformed, "params: an object of texts");
  for (const auto& [name, value] : params->items()) {
    if (!value.is_string()) return fail(Errc::malformed, "params: an object of texts");
    out.params[name] = value.get<std::string>();
  }
  return out;
}

Json to_json(const Message& message) {
  Json out = {{"rev", message.rev},
              {"purpose", purpose_name(message.purpose)},
              {"needs_ack", message.needs_ack},
              {"drill", message.drill}};
  for (const auto& [name, member] : kTexts)
    if (!(message.*member).empty()) out[name] = message.*member;
  return out;
}

Result<Message> message_of(const Json& json) {
  if (!json.is_object()) return fail(Errc::malformed, "message: an object");
  Message out;
  const auto purpose = parse_purpose(json_text(json, "purpose"));
  if (json.contains("purpose") && !purpose) return fail(Errc::malformed, "purpose: unknown");
  out.purpose = purpose.value_or(Purpose::notice);
  out.rev = json_int(json, "rev");
  out.needs_ack = json_bool(json, "needs_ack");
  out.drill = json_bool(json, "drill");
  for (const auto& [name, member] : kTexts)
    if (json.contains(name)) out.*member = json_text(json, name);
  return out;
}

Json to_json(const Recipient& who) {
  Json out = {{"person", who.person},
              {"household", who.household},
              {"unit", who.unit},
              {"quiet", {who.quiet.from_min, who.quiet.to_min, who.quiet.zone}},
              {"endpoints", to_json(who.endpoints)}};
  if (!who.helpers.empty()) out["helpers"] = to_json(who.helpers);
  if (who.needs_knock) out["needs_knock"] = true;
  if (!who.muted.empty()) out["muted"] = who.muted;
  if (who.has_acked) out["has_acked"] = true;
  if (who.has_seen) out["has_seen"] = true;
  return out;
}

Result<Recipient> recipient_of(const Json& json) {
  if (!json.is_object() || json_text(json, "person").empty())
    return fail(Errc::malformed, "person: is missing");
  Recipient out;
  out.person = json_text(json, "person");
  out.household = json_text(json, "household");
  out.unit = json_text(json, "unit");
  if (const auto quiet = json.find("quiet"); quiet != json.end()) {
    const bool fits = quiet->is_array() && quiet->size() == 3 && (*quiet)[0].is_number_integer() &&
                      (*quiet)[1].is_number_integer() && (*quiet)[2].is_string();
    if (!fits) return fail(Errc::malformed, "quiet: [from, to, zone]");
    out.quiet = {(*quiet)[0].get<int>(), (*quiet)[1].get<int>(), (*quiet)[2].get<std::string>()};
  }
  LINLI_TRY(out.endpoints, endpoints_of(json, "endpoints"));
  LINLI_TRY(out.helpers, endpoints_of(json, "helpers"));
  out.needs_knock = json_bool(json, "needs_knock");
  out.has_acked = json_bool(json, "has_acked");
  out.has_seen = json_bool(json, "has_seen");
  if (const auto muted = json.find("muted"); muted != json.end() && muted->is_array())
    for (const Json& category : *muted)
      if (category.is_string()) out.muted.push_back(category.get<std::string>());
  return out;
}

}  // namespace linli::notify
