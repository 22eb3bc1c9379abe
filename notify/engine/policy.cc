// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/policy.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "notify/engine/escalation_json.h"

namespace linli::notify {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"red", "orange", "warning", "ask", "tell"};
/// A ladder of more steps is not one that anybody follows.
constexpr std::size_t kRungsMax = 16;

Result<Rung> parse_rung(const Json& json) {
  Rung out;
  // Seconds are for drills that have no time to wait.
  out.after = json.contains("after_s") ? Millis{json_int(json, "after_s", -1) * 1000}
                                       : Millis{json_int(json, "after_min", -1) * 60'000};
  if (out.after < Millis{0})
    return fail(Errc::invalid_argument, "after_min: minutes (or after_s: seconds), from 0");
  const auto media = json.find("media");
  if (media == json.end() || !media->is_array() || media->empty())
    return fail(Errc::invalid_argument, "media: a list of media");
  for (const Json& name : *media) {
    const auto medium = parse_medium(name.is_string() ? name.get<std::string>() : std::string());
    if (!medium) return fail(Errc::invalid_argument, "media: no such medium: " + dump_json(name));
    out.media.push_back(*medium);
  }
  out.is_first = json_bool(json, "is_first");
  out.to_helpers = json_bool(json, "to_helpers");
  out.is_repeat = json_bool(json, "is_repeat");
  return out;
}

Result<std::vector<Rung>> parse_zone_rungs(const Json& json) {
  std::vector<Rung> out;
  if (!json.is_array() || json.empty() || json.size() > kRungsMax)
    return fail(Errc::invalid_argument, "zone: 1 to 16 steps");
  for (const Json& each : json) {
    LINLI_TRY(Rung rung, parse_rung(each));
    const bool is_of_places = std::ranges::all_of(rung.media, is_of_place);
    if (!is_of_places)
      return fail(Errc::invalid_argument, "zone: media: loudspeaker and robot belong to places");
    if (!out.empty() && rung.after < out.back().after)
      return fail(Errc::invalid_argument, "zone: after_min: steps come in order of time");
    out.push_back(std::move(rung));
  }
  return out;
}

Result<Policy> parse_policy(const std::string& name, const Json& json) {
  Policy out;
  out.name = name;
  out.overrides_quiet = json_bool(json, "overrides_quiet");
  out.household_ack = json_bool(json, "household_ack");
  out.knock_in_parallel = json_bool(json, "knock_in_parallel");
  out.daily_cap = static_cast<int>(json_int(json, "daily_cap"));
  if (name == "red" && out.household_ack)
    return fail(Errc::invalid_argument, "household_ack: red is answered by each person (M22)");
  const auto rungs = json.find("rungs");
  if (rungs == json.end() || !rungs->is_array() || rungs->empty() || rungs->size() > kRungsMax)
    return fail(Errc::invalid_argument, "rungs: 1 to 16 steps");
  for (const Json& each : *rungs) {
    LINLI_TRY(Rung rung, parse_rung(each));
    if (std::ranges::any_of(rung.media, is_of_place))
      return fail(Errc::invalid_argument, "media: loudspeaker and robot stand under `zone`");
    if (!out.rungs.empty() && rung.after < out.rungs.back().after)
      return fail(Errc::invalid_argument, "after_min: steps come in order of time");
    out.rungs.push_back(std::move(rung));
  }
  if (json.contains("zone")) {
    LINLI_TRY(out.zone_rungs, parse_zone_rungs(json.at("zone")));
  }
  return out;
}

}  // namespace

Result<Policies> Policies::parse(const Json& json) {
  Policies out;
  const auto policies = json.find("policies");
  for (const std::string_view name : kNames) {
    if (policies == json.end() || !policies->contains(name))
      return fail(Errc::invalid_argument, "policies." + std::string(name) + ": is missing");
    auto policy = parse_policy(std::string(name), policies->at(std::string(name)));
    if (!policy)
      return fail(policy.error().code,
                  "policies." + std::string(name) + ": " + policy.error().detail);
    out.policies_.emplace(name, std::move(*policy));
  }
  return out;
}

Policies Policies::shipped() {
  const auto json = parse_json(kEscalationJson);
  LINLI_ASSERT(json.has_value());
  auto policies = parse(*json);
  LINLI_ASSERT(policies.has_value());
  return std::move(*policies);
}

const Policy& Policies::for_notice(std::string_view severity, bool is_urgent,
                                   bool needs_ack) const {
  if (severity == "red" || severity == "orange") return policies_.find(severity)->second;
  // 紧急通知 without a colour is as pressing as an orange warning.
  if (is_urgent) return policies_.find(severity == "none" ? "orange" : "warning")->second;
  return policies_.find(needs_ack ? "ask" : "tell")->second;
}

const Policy* Policies::find(std::string_view name) const {
  const auto found = policies_.find(name);
  return found == policies_.end() ? nullptr : &found->second;
}

}  // namespace linli::notify
