// SPDX-License-Identifier: Apache-2.0
#include "notify/engine/quiet.h"

#include <exception>

#include <date/tz.h>

namespace linli::notify {
namespace {

using std::chrono::floor;
using std::chrono::minutes;

constexpr const char* kHomeZone = "Asia/Shanghai";

const date::time_zone& zone_of(const std::string& name) {
  try {
    return *date::locate_zone(name);
  } catch (const std::exception&) {
    return *date::locate_zone(kHomeZone);
  }
}

/// The instant of `local`; in a gap the end of the gap, of two the first.
Instant instant_of(const date::time_zone& zone, date::local_time<Millis> local) {
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent)
    return std::chrono::time_point_cast<Millis>(info.first.end);
  return std::chrono::time_point_cast<Millis>(zone.to_sys(local, date::choose::earliest));
}

}  // namespace

std::optional<Instant> quiet_until(const QuietHours& quiet, Instant now) {
  if (quiet.from_min == quiet.to_min) return std::nullopt;
  const date::time_zone& zone = zone_of(quiet.zone);
  const auto local = zone.to_local(now);
  const auto day = floor<date::days>(local);
  const int at = static_cast<int>(floor<minutes>(local - day).count());
  const bool over_midnight = quiet.from_min > quiet.to_min;
  const bool holds = over_midnight ? at >= quiet.from_min || at < quiet.to_min
                                   : at >= quiet.from_min && at < quiet.to_min;
  if (!holds) return std::nullopt;
  const bool ends_tomorrow = over_midnight && at >= quiet.from_min;
  const auto end_day = ends_tomorrow ? day + date::days{1} : day;
  const Instant end = instant_of(zone, end_day + minutes{quiet.to_min});
  // Where the clock was set back over the end, it has been already.
  if (end <= now) return std::nullopt;
  return end;
}

Instant day_start(const std::string& zone, Instant now) {
  const date::time_zone& place = zone_of(zone);
  return instant_of(place, floor<date::days>(place.to_local(now)));
}

}  // namespace linli::notify
