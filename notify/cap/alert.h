// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "notify/cap/xml.h"

/// CAP 1.0 to 1.2 as a typed value, read tolerantly: what a live feed gets wrong is a warning, and
/// only what makes a message useless is an error.
namespace linli::notify::cap {

/// The four colours of Chinese warnings, and of everybody's severity; greater is worse.
enum class Colour : std::uint8_t { none, blue, yellow, orange, red };
inline constexpr std::array<std::string_view, 5> kColourNames = {"none", "blue", "yellow", "orange",
                                                                 "red"};
std::string_view colour_name(Colour colour) noexcept;

enum class Status : std::uint8_t { actual, exercise, system, test, draft };
enum class MsgType : std::uint8_t { alert, update, cancel, ack, error };
inline constexpr std::array<std::string_view, 5> kStatusNames = {"Actual", "Exercise", "System",
                                                                 "Test", "Draft"};
inline constexpr std::array<std::string_view, 5> kMsgTypeNames = {"Alert", "Update", "Cancel",
                                                                  "Ack", "Error"};

/// What makes a message one: the same in every feed that carries it (notify.md §4.7).
struct AlertKey {
  std::string sender;
  std::string identifier;
  Instant sent;
  friend auto operator<=>(const AlertKey&, const AlertKey&) = default;
};
/// "sender,identifier,sent", as in `references`; `sent` in UTC.
std::string key_text(const AlertKey& key);

/// An entry of `references`; without `sent` it may be ambiguous.
struct Reference {
  std::string sender;
  std::string identifier;
  std::optional<Instant> sent;
  friend bool operator==(const Reference&, const Reference&) = default;
};

struct Area {
  std::string description;
  /// As written; notify/cap/geo.h reads them.
  std::vector<std::string> polygons;
  std::vector<std::string> circles;
  /// (valueName, value).
  std::vector<std::pair<std::string, std::string>> geocodes;
};

struct Info {
  /// BCP 47; "en-US" when absent, as the standard has it.
  std::string language;
  std::vector<std::string> categories;
  std::string event;
  std::vector<std::string> response_types;
  std::string urgency;
  std::string severity;
  std::string certainty;
  std::vector<std::pair<std::string, std::string>> event_codes;
  std::optional<Instant> effective;
  std::optional<Instant> onset;
  std::optional<Instant> expires;
  std::string sender_name;
  std::string headline;
  std::string description;
  std::string instruction;
  std::string web;
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<Area> areas;
};

struct Alert {
  AlertKey key;
  Status status = Status::actual;
  MsgType type = MsgType::alert;
  /// Public, Restricted, Private.
  std::string scope;
  std::vector<Reference> references;
  /// Some reference was dropped: to itself, to a later message, or without sense.
  bool has_odd_references = false;
  std::vector<Info> infos;
  /// What was read although it is not conform; for the desk.
  std::vector<std::string> warnings;
};

struct ReadOptions {
  /// Of times that name no zone; China's.
  std::chrono::minutes zone{8 * 60};
};
/// Bounds of one alert; what exceeds them is cut off with a warning.
inline constexpr std::size_t kInfosMax = 50;
inline constexpr std::size_t kReferencesMax = 200;
inline constexpr std::size_t kAreasMax = 500;
/// Code points of one text; a description of the China feed has about 300.
inline constexpr std::size_t kTextMax = 8000;

/// Errors: malformed when `alert` lacks identifier, sender, a readable `sent`, a known status or
/// msgType.
Result<Alert> read_alert(const XmlElement& alert, const ReadOptions& options = {});

/// A time of CAP, or of a feed that means well: any of `-` `/` as separator, blank or T, without
/// seconds, with fractions, Z or no zone (`zone` applies then), 上午/下午 (notify.md §2, KDE).
std::optional<Instant> parse_cap_time(std::string_view text, std::chrono::minutes zone);
/// "2026-11-23T08:00:00+08:00": CAP knows no Z.
std::string cap_time(Instant at, std::chrono::minutes zone);

/// How bad it is, and who says so.
struct ColourReading {
  /// The worst of all that was said: a disagreement never lowers it.
  Colour colour = Colour::none;
  /// eventCode, parameter, headline and severity do not say the same: a human looks.
  bool disagrees = false;
};
ColourReading colour_of(const Info& info);
/// "…更新为X" counts, the last one; else the only colour named; of several the worst
/// (notify.md §5 trap 31).
Colour colour_in_headline(std::string_view headline);
/// Whether the message says that a warning is lifted: responseType AllClear, or 解除 in its
/// headline with no new warning after it.
bool is_lift(const Info& info);
/// Whether the headline says that it replaces an earlier colour ("…更新为X").
bool is_headline_update(std::string_view headline);
/// The event without colour and ceremony: "暴雨红色预警信号" and "暴雨" are one.
std::string plain_event(std::string_view event);

/// The parts of the message in the language that suits `wanted` best, in document order; never
/// empty unless the message has no info. Several have one language when they differ in area.
/// Spec: RFC 4647 §3.4 (lookup), then the same script, then the same language, then the first.
std::vector<const Info*> infos_for(const Alert& alert, std::span<const std::string> wanted);

/// A Chinese identifier: ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N (GB/T 35965.1).
struct ChinaIdentifier {
  /// Administrative division, 6 digits.
  std::string area;
  Instant at;
  std::string number;
};
std::optional<ChinaIdentifier> parse_china_identifier(std::string_view identifier);

}  // namespace linli::notify::cap
