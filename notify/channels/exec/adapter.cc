// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/exec/adapter.h"

#include <algorithm>
#include <array>

#include "notify/channels/exec/exec_adapter.h"

namespace linli::notify {
namespace {

Result<exec::Settings> read_settings(const Json& json) {
  static constexpr std::array<std::string_view, 4> kAfter = {"resend", "resend_once", "hold",
                                                             "ask"};
  static constexpr std::array<std::string_view, 13> kKeys = {
      "kind",       "name",     "program",       "medium",     "timeout_s",
      "window_max", "receipts", "after_unknown", "part_price", "length_max",
      "idempotent", "replies",  "links"};
  const auto bad = [](std::string_view key, std::string_view what) {
    return fail(Errc::invalid_argument, std::string(key) + ": " + std::string(what));
  };
  if (!json.is_object()) return bad("settings", "not a table");
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(kKeys, key) == kKeys.end()) return bad(key, "no such key");
  }
  exec::Settings out;
  Capabilities& caps = out.capabilities;
  const auto medium = parse_medium(json_text(json, "medium"));
  if (!medium) return bad("medium", "missing, or no such medium");
  caps.medium = *medium;
  const std::int64_t timeout = json_int(json, "timeout_s", 30);
  if (timeout < 1 || timeout > 600) return bad("timeout_s", "not from 1 to 600");
  out.timeout = std::chrono::seconds(timeout);
  const std::int64_t window = json_int(json, "window_max", 16);
  if (window < 1 || window > 1000) return bad("window_max", "not from 1 to 1000");
  caps.window_max = static_cast<std::size_t>(window);
  caps.batch_max = caps.window_max;
  caps.has_receipts = json_bool(json, "receipts");
  caps.has_links = json_bool(json, "links");
  caps.has_replies = json_bool(json, "replies");
  caps.is_idempotent = json_bool(json, "idempotent");
  const std::int64_t price = json_int(json, "part_price");
  if (price < 0 || price > 1'000'000) return bad("part_price", "not from 0 to 1000000");
  caps.part_price = price;
  const std::int64_t length = json_int(json, "length_max");
  if (length < 0 || length > 1'000'000) return bad("length_max", "not from 0 to 1000000");
  out.length_max = static_cast<std::size_t>(length);
  if (json.contains("after_unknown")) {
    const auto found = std::ranges::find(kAfter, json_text(json, "after_unknown"));
    if (found == kAfter.end()) return bad("after_unknown", "no such value");
    caps.after_unknown = static_cast<Capabilities::AfterUnknown>(found - kAfter.begin());
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Adapter>> make_exec_channel(const AdapterParts& parts) {
  auto settings = read_settings(parts.settings);
  if (!settings)
    return fail(settings.error().code, "channel " + parts.name + ": " + settings.error().detail);
  return std::make_unique<exec::ExecAdapter>(std::move(*settings));
}

}  // namespace linli::notify
