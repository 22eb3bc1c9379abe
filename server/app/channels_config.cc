// SPDX-License-Identifier: Apache-2.0
#include "server/app/channels_config.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include <toml++/toml.h>

namespace linli::app {
namespace {

using notify::CalendarRule;

constexpr std::array<std::string_view, 12> kOwnKeys = {
    "name",  "kind",         "communities", "real",    "rate",           "burst",
    "limit", "attempts_max", "balance_min", "enabled", "test_addresses", "operator_addresses"};
/// A provider of a community has a handful; more is a mistake in a generated file.
constexpr std::size_t kChannelsMax = 64;

constexpr Millis kHour{3'600'000};
constexpr std::array<std::pair<std::string_view, CalendarRule>, 4> kWindows = {
    {{"minute", {.per = kHour / 60, .is_natural = true}},
     {"hour", {.per = kHour, .is_natural = true}},
     {"day", {.per = 24 * kHour, .is_natural = true}},
     {"rolling_day", {.per = 24 * kHour}}}};

Json to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json out = Json::object();
    for (const auto& [key, value] : *table) out[std::string(key.str())] = to_json(value);
    return out;
  }
  if (const auto* list = node.as_array()) {
    Json out = Json::array();
    for (const auto& value : *list) out.push_back(to_json(value));
    return out;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  return nullptr;
}

Result<std::vector<CalendarRule>> parse_rules(const Json& json) {
  std::vector<CalendarRule> out;
  if (!json.is_object()) return fail(Errc::invalid_argument, "limit: {minute = 1, ...}");
  for (const auto& [name, most] : json.items()) {
    const auto window = std::ranges::find(kWindows, name, [](const auto& w) { return w.first; });
    if (window == kWindows.end() || !most.is_number_integer() || most < 1)
      return fail(Errc::invalid_argument,
                  "limit: minute, hour, day or rolling_day = how many for one number");
    out.push_back(window->second);
    out.back().max = most.get<int>();
  }
  return out;
}

double number_of(const Json& json, const char* key, double fallback) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : fallback;
}

std::vector<std::string> texts_of(const Json& json, const char* key) {
  std::vector<std::string> out;
  const auto list = json.find(key);
  if (list == json.end() || !list->is_array()) return out;
  for (const Json& text : *list)
    if (text.is_string()) out.push_back(text.get<std::string>());
  return out;
}

Result<ChannelConfig> parse_one(const Json& json) {
  ChannelConfig out;
  out.name = json_text(json, "name");
  out.kind = json_text(json, "kind");
  if (out.name.empty() || out.name == "*") return fail(Errc::invalid_argument, "name: is missing");
  if (out.kind.empty()) return fail(Errc::invalid_argument, "kind: is missing");
  out.is_real = json_bool(json, "real", true);
  out.rate.parts_per_s = number_of(json, "rate", 10);
  out.rate.burst = number_of(json, "burst", std::max(20.0, out.rate.parts_per_s * 2));
  if (out.rate.parts_per_s <= 0 || out.rate.burst < 1)
    return fail(Errc::invalid_argument, "rate: parts a second, above 0; burst: from 1");
  out.attempts_max = static_cast<std::uint32_t>(json_int(json, "attempts_max", 6));
  if (out.attempts_max < 1 || out.attempts_max > 100)
    return fail(Errc::invalid_argument, "attempts_max: 1 to 100");
  out.balance_min = json_int(json, "balance_min");
  if (json.contains("limit")) {
    LINLI_TRY(out.rules, parse_rules(json.at("limit")));
  }
  out.communities = texts_of(json, "communities");
  out.test_addresses = texts_of(json, "test_addresses");
  out.operator_addresses = texts_of(json, "operator_addresses");
  for (const auto& [key, value] : json.items())
    if (std::ranges::find(kOwnKeys, key) == kOwnKeys.end()) out.settings[key] = value;
  return out;
}

Result<FeedConfig> parse_feed(const Json& json) {
  FeedConfig out;
  out.name = json_text(json, "name");
  out.url = json_text(json, "url");
  if (out.name.empty()) return fail(Errc::invalid_argument, "name: is missing");
  if (!out.url.starts_with("https://") && !out.url.starts_with("http://"))
    return fail(Errc::invalid_argument, "url: https://... or http://...");
  out.senders = texts_of(json, "senders");
  if (out.senders.empty())
    return fail(Errc::invalid_argument, "senders: who may speak there, as CAP writes them");
  out.communities = texts_of(json, "communities");
  out.area_codes = texts_of(json, "area_codes");
  out.certificates = json_text(json, "certificates");
  out.ca_file = json_text(json, "ca_file");
  out.requires_signature = json_bool(json, "requires_signature");
  out.schema = json_text(json, "schema");
  out.standing_rule = json_bool(json, "standing_rule");
  if (out.standing_rule && out.certificates.empty())
    return fail(Errc::invalid_argument, "standing_rule: needs certificates");
  out.period_s = json_int(json, "period_s", 60);
  if (out.period_s < 1 || out.period_s > 3600)
    return fail(Errc::invalid_argument, "period_s: 1 to 3600");
  return out;
}

Result<PublishConfig> parse_publish(const Json& json) {
  PublishConfig out{json_text(json, "sender"), json_text(json, "key"),
                    json_text(json, "certificate")};
  if (out.sender.empty() || out.sender.find_first_of(" ,<&") != std::string::npos)
    return fail(Errc::invalid_argument, "sender: a name without blanks, commas, < and &");
  if (out.key.empty() != out.certificate.empty())
    return fail(Errc::invalid_argument, "key and certificate: PEM files, both or none");
  return out;
}

bool is_among(const std::vector<std::string>& communities, std::string_view slug) {
  return communities.empty() || std::ranges::find(communities, slug) != communities.end();
}

/// Reads the tables of one kind; faults go to `fault`.
template <class Config, class Parse, class Fault>
std::vector<Config> parse_list(const toml::table& root, const char* key, Parse parse, Fault fault) {
  std::vector<Config> out;
  std::set<std::string> names;
  const auto* list = root[key].as_array();
  if (list == nullptr) return out;
  for (const toml::node& node : *list) {
    const Json json = to_json(node);
    if (!json_bool(json, "enabled", true)) continue;
    auto one = parse(json);
    const std::string name = std::string(key) + " " + json_text(json, "name");
    if (!one)
      fault(node, name, one.error().detail);
    else if (!names.insert(one->name).second)
      fault(node, name, "the name is used twice");
    else
      out.push_back(std::move(*one));
  }
  return out;
}

}  // namespace

bool ChannelConfig::serves(std::string_view slug) const { return is_among(communities, slug); }
bool FeedConfig::serves(std::string_view slug) const { return is_among(communities, slug); }

Result<GatewayFile> parse_gateway_file(std::string_view text, const std::string& file) {
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    return fail(Errc::invalid_argument, file + ":" + std::to_string(error.source().begin.line) +
                                            ": " + std::string(error.description()));
  }
  std::string faults;
  const auto fault = [&](const toml::node& at, const std::string& name, const std::string& what) {
    faults +=
        file + ":" + std::to_string(at.source().begin.line) + ": " + name + ": " + what + "\n";
  };
  GatewayFile out;
  for (const auto& [key, node] : root) {
    if (key.str() == "publish" && node.is_table()) {
      if (auto publish = parse_publish(to_json(node)); publish)
        out.publish = std::move(*publish);
      else
        fault(node, "publish", publish.error().detail);
      continue;
    }
    if ((key.str() != "channel" && key.str() != "feed") || !node.is_array_of_tables())
      fault(node, std::string(key.str()),
            "only [[channel]] and [[feed]] tables and [publish] are expected");
  }
  out.channels = parse_list<ChannelConfig>(root, "channel", parse_one, fault);
  out.feeds = parse_list<FeedConfig>(root, "feed", parse_feed, fault);
  if (out.channels.size() + out.feeds.size() > kChannelsMax)
    faults += file + ": more than 64 channels and feeds\n";
  if (!faults.empty()) return fail(Errc::invalid_argument, faults);
  return out;
}

Result<GatewayFile> load_gateway_file(const std::string& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return fail(Errc::io, "cannot read " + file);
  return parse_gateway_file(text.str(), file);
}

}  // namespace linli::app
