// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "notify/cap/alert.h"

/// Which of our areas an alert is about (RAIN-5). Pure functions; Threads: any.
namespace linli::notify::cap {

/// Degrees.
struct Point {
  double lat = 0;
  double lon = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

/// What coordinates mean. Chinese maps are shifted by several hundred metres (GCJ-02).
enum class Datum : std::uint8_t { wgs84, gcj02 };

/// Points of one polygon. A county outline of the China maps has about 2,000.
inline constexpr std::size_t kPolygonPointsMax = 20'000;
/// Pairs of an alert's point and a place's point looked at in one match: about half a second.
inline constexpr std::size_t kMatchWorkMax = 50'000'000;

/// One of our areas: a building, a grid, a street.
struct Place {
  std::string id;
  /// Administrative code, 6, 9 or 12 digits; empty = none.
  std::string geocode;
  /// One point, or an outline of at least 3; empty = only the code is known.
  std::vector<Point> outline;
};

struct Polygon {
  /// Closed: the last equals the first. Longitudes may exceed 180 where it crosses that line.
  std::vector<Point> points;
  /// What was mended: "swapped", "unclosed", "crosses 180".
  std::vector<std::string> mended;
};
/// "lat,lon lat,lon ..." with any white space between the pairs.
/// Errors: invalid_argument (says why: empty, a number, out of range, fewer than 4 points),
///         too_large.
Result<Polygon> parse_polygon(std::string_view text);

struct Circle {
  Point centre;
  double radius_km = 0;
};
/// "lat,lon radius". Errors: invalid_argument.
Result<Circle> parse_circle(std::string_view text);

/// Whether two administrative codes have something in common: one lies in the other. Trailing
/// zero levels (2, 2, 2, 3, 3 digits) mean "all of it". False for what is no code.
bool codes_touch(std::string_view one, std::string_view other);
/// Whether a geocode of this name and value is an administrative code of China (CPEAS, GB/T 2260).
bool is_china_code(std::string_view value_name, std::string_view value);

/// Spec: the published GCJ-02 polynomial; identity outside China.
Point to_gcj02(Point wgs84);
/// Exact to about a metre.
Point to_wgs84(Point gcj02);

struct MatchOptions {
  /// Of the alert's coordinates; the standard says WGS-84.
  Datum alert = Datum::wgs84;
  Datum places = Datum::wgs84;
};
struct AreaMatch {
  std::set<std::string> places;
  /// Some area could not be read or says nothing that we know: a human decides.
  bool is_unclear = false;
  std::vector<std::string> notes;
};
/// Spec: CAP 1.2 §3.2.4: what an area lists is joined (union), several areas too.
AreaMatch match_areas(std::span<const Area> areas, std::span<const Place> places,
                      const MatchOptions& options = {});

}  // namespace linli::notify::cap
