// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/strong.h"

/// Notice -> Plan -> Delivery -> Attempt -> Receipt: what the gateway knows (notify.md §4.1).
namespace linli::notify {

/// One try to reach one person over one channel; unique within a community, never reused.
using DeliveryId = Strong<struct DeliveryTag, std::uint64_t>;

/// Order of sending; DISK. Red overtakes everything, bulk yields to everything.
enum class Lane : std::uint8_t { red, orange, personal, bulk };

/// Whether a lane is one that does not wait.
constexpr bool is_pressing(Lane lane) { return lane == Lane::red || lane == Lane::orange; }
inline constexpr std::array<std::string_view, 4> kLaneNames = {"red", "orange", "personal", "bulk"};

/// What an endpoint is, and so which channels can serve it; DISK by name.
enum class Medium : std::uint8_t {
  app,          ///< the sync socket; address = account
  webpush,      ///< address = push endpoint URL; params p256dh, auth (base64url)
  vendor_push,  ///< address = token; params vendor
  wechat,       ///< address = openid
  sms,          ///< address = E.164 or national digits
  voice,        ///< address = telephone number
  email,        ///< address = mailbox
  robot,        ///< a group chat of a grid (WeCom, DingTalk, Feishu); address = channel's own
  loudspeaker,  ///< address = zone
  knock,        ///< somebody goes there; address = person
};
inline constexpr std::array<std::string_view, 10> kMediumNames = {
    "app",   "webpush", "vendor_push", "wechat",      "sms",
    "voice", "email",   "robot",       "loudspeaker", "knock"};
/// A loudspeaker or a group chat belongs to a place, not to a person.
constexpr bool is_of_place(Medium medium) {
  return medium == Medium::robot || medium == Medium::loudspeaker;
}
std::string_view medium_name(Medium medium) noexcept;
std::optional<Medium> parse_medium(std::string_view name) noexcept;

/// Where a person is reached.
struct Endpoint {
  Medium medium = Medium::app;
  /// Personal data: never logged; see redact().
  std::string address;
  std::map<std::string, std::string, std::less<>> params;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Why somebody is written to.
enum class Purpose : std::uint8_t {
  notice,      ///< a notice as approved
  correction,  ///< its text changed
  all_clear,   ///< it was withdrawn or cancelled; never sounds (RAIN-4)
  reminder,    ///< the same notice again, because nobody answered
  summary,     ///< what waited for the end of the quiet hours, in one message
  alarm,       ///< to the operator: something of ours is silent (F5)
  test,        ///< a test send by staff
};

/// What is said, before a channel gives it its own form. Immutable; one per notice revision.
struct Message {
  std::string notice;
  std::int64_t rev = 0;
  Purpose purpose = Purpose::notice;
  /// As in schema: dangjian, events, ...
  std::string category;
  /// none, blue, yellow, orange, red.
  std::string severity = "none";
  std::string title;
  /// What to do, at most 40 characters; empty for ordinary notices.
  std::string action_line;
  std::string body;
  std::string issuer;
  std::string community;
  /// Opens the notice and lets exactly this person acknowledge it; empty = no link (M21).
  std::string link;
  bool needs_ack = false;
  /// Exercise: channels say 演练 first.
  bool drill = false;
};

}  // namespace linli::notify
