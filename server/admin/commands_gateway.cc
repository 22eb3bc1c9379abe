// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/admin/admin.h"

namespace linli::admin {
namespace {

constexpr const char* kPage = "500";
/// What one run sends again at most; beyond, somebody should look at why.
constexpr std::size_t kReplayMax = 10'000;

std::string when_text(const GatewayAccess& gateway) {
  return gateway.is_running() ? "Ordered.\n" : "Noted; it takes effect when the server starts.\n";
}

/// "45 s", "12 min", "3 h 5 min".
std::string span_text(std::int64_t seconds) {
  if (seconds < 90) return std::to_string(seconds) + " s";
  const std::int64_t minutes = seconds / 60;
  if (minutes < 90) return std::to_string(minutes) + " min";
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

/// What waits and for how long (RAIN-14).
std::string waiting_text(const Json& channel) {
  if (!channel.contains("oldest_s")) return {};
  std::int64_t count = 0;
  for (const Json& lane : channel.at("queued")) count += lane.get<std::int64_t>();
  return ", " + std::to_string(count) + " wait, the oldest for " +
         span_text(json_int(channel, "oldest_s"));
}

std::string line_of(const Json& channel) {
  std::string out = json_text(channel, "name") + "  " + json_text(channel, "medium") + "  " +
                    json_text(channel, "state");
  if (const std::string text = json_text(channel, "text"); !text.empty()) out += " (" + text + ")";
  if (json_bool(channel, "open")) out += "  breaker open";
  if (channel.contains("paused")) out += "  PAUSED: " + json_text(channel, "paused");
  out += "  sent " + std::to_string(json_int(channel, "handed")) + ", refused " +
         std::to_string(json_int(channel, "failed")) + ", under way " +
         std::to_string(json_int(channel, "in_flight"));
  out += waiting_text(channel);
  if (channel.contains("balance"))
    out += ", balance " + std::to_string(json_int(channel, "balance"));
  return out + "\n";
}

/// The same of a stopped server, by medium: channels are not known there.
std::string standing_text(const Json& waiting, Instant now) {
  std::string out;
  for (const Json& one : waiting) {
    const auto age = now - from_unix_ms(json_int(one, "since"));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(age).count();
    out += json_text(one, "medium") + "  " + std::to_string(json_int(one, "count")) +
           " wait, the oldest for " + span_text(std::max<std::int64_t>(0, seconds)) + "\n";
  }
  return out;
}

std::string paused_text(const Json& look) {
  std::string out;
  for (const auto& [channel, why] : look.at("paused").items())
    out += (channel == "*" ? "everything" : channel) + " stands still: " + why.get<std::string>() +
           "\n";
  return out;
}

/// What an operator should look at, one line each.
std::vector<std::string> findings_in(const Json& look) {
  std::vector<std::string> out;
  for (const auto& [channel, why] : look.at("paused").items())
    out.push_back((channel == "*" ? "everything" : channel) +
                  " is paused: " + why.get<std::string>());
  for (const Json& channel : look.at("channels")) {
    const std::string name = json_text(channel, "name");
    if (json_text(channel, "state") == "down")
      out.push_back(name + " cannot be reached: " + json_text(channel, "text"));
    if (json_bool(channel, "open")) out.push_back(name + " fails too often: breaker open");
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<GatewayAccess>> Commands::gateway() const {
  LINLI_TRY(const std::string name, slug());
  const LocalCommunity::Where where{common_.data, name, registry_, parts_.clock, parts_.rng};
  auto files = LocalCommunity::open(where, false);
  if (files) return gateway_files(parts_, std::move(*files));
  // The data lock is the server's.
  if (files.error().code != Errc::conflict) return std::unexpected(files.error());
  return running_gateway(parts_, common_, name);
}

Result<Report> Commands::gateway_channels() {
  LINLI_TRY(const auto gateway, this->gateway());
  Report out;
  LINLI_TRY(out.json, gateway->look());
  out.json["running"] = gateway->is_running();
  for (const Json& channel : out.json.at("channels")) out.text += line_of(channel);
  if (out.json.contains("waiting"))
    out.text += standing_text(out.json.at("waiting"), parts_.clock.now());
  if (!gateway->is_running()) out.text += "The server does not run; channels are its own.\n";
  out.text += paused_text(out.json);
  return out;
}

Result<Report> Commands::gateway_health() {
  LINLI_TRY(const auto gateway, this->gateway());
  LINLI_TRY(const Json look, gateway->look());
  auto findings = findings_in(look);
  if (!gateway->is_running()) findings.emplace_back("the server does not run: nothing is sent");
  Report out;
  out.json = {{"running", gateway->is_running()}, {"findings", findings}};
  for (const char* member : {"rows_behind", "facts_behind", "deliveries"})
    if (look.contains(member)) out.json[member] = look.at(member);
  for (const std::string& finding : findings) out.text += finding + "\n";
  if (findings.empty()) out.text = "Everything is in order.\n";
  out.status = findings.empty() ? 0 : 1;
  return out;
}

Result<Report> Commands::gateway_pause(const std::string& channel, const std::string& why) {
  LINLI_TRY(const auto gateway, this->gateway());
  LINLI_CHECK(gateway->order("pause", {{"channel", channel}, {"why", why}}));
  return Report{.json = {{"ordered", "pause"}, {"running", gateway->is_running()}},
                .text = when_text(*gateway)};
}

Result<Report> Commands::gateway_resume(const std::string& channel) {
  LINLI_TRY(const auto gateway, this->gateway());
  LINLI_CHECK(gateway->order("resume", {{"channel", channel}}));
  return Report{.json = {{"ordered", "resume"}, {"running", gateway->is_running()}},
                .text = when_text(*gateway)};
}

Result<Report> Commands::gateway_test(const TestOptions& options) {
  LINLI_TRY(const auto gateway, this->gateway());
  LINLI_CHECK(gateway->order(
      "test",
      {{"channel", options.channel}, {"address", options.address}, {"text", options.text}}));
  return Report{.json = {{"ordered", "test"}, {"running", gateway->is_running()}},
                .text = when_text(*gateway) +
                        "Only an address in the channel's test_addresses gets it; any other is "
                        "refused with an alarm on the desk.\n"};
}

Result<Report> Commands::gateway_dead(const DeadOptions& options) {
  LINLI_TRY(const auto gateway, this->gateway());
  Json params = {{"state", options.state}, {"limit", kPage}};
  if (!options.notice.empty()) params["notice"] = options.notice;
  if (!options.after.empty()) params["after"] = options.after;
  Report out;
  LINLI_TRY(out.json, gateway->deliveries(params));
  for (const Json& one : out.json.at("deliveries"))
    out.text += json_text(one, "id") + "  " + json_text(one, "notice") + "  " +
                json_text(one, "medium") + "  " + json_text(one, "to") + "  " +
                json_text(one, "channel") + "  " + json_text(one, "reason") + "\n";
  if (out.json.at("deliveries").empty()) out.text = "None.\n";
  if (const std::string next = json_text(out.json, "next"); !next.empty())
    out.text += "There are more: --after " + next + "\n";
  return out;
}

Result<Report> Commands::gateway_replay(const std::string& delivery, bool all) {
  LINLI_TRY(const auto gateway, this->gateway());
  std::vector<std::string> ids;
  if (!all) ids.push_back(delivery);
  std::string after;
  for (bool more = all; more && ids.size() < kReplayMax;) {
    Json params = {{"state", "dead"}, {"limit", kPage}};
    if (!after.empty()) params["after"] = after;
    LINLI_TRY(const Json page, gateway->deliveries(params));
    for (const Json& one : page.at("deliveries")) ids.push_back(json_text(one, "id"));
    after = json_text(page, "next");
    more = !after.empty();
  }
  for (const std::string& id : ids) LINLI_CHECK(gateway->order("replay", {{"delivery", id}}));
  return Report{
      .json = {{"ordered", "replay"}, {"count", ids.size()}, {"running", gateway->is_running()}},
      .text = std::to_string(ids.size()) + " deliveries. " + when_text(*gateway)};
}

}  // namespace linli::admin
