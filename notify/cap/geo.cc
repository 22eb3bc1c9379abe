// SPDX-License-Identifier: Apache-2.0
#include "notify/cap/geo.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>

namespace linli::notify::cap {
namespace {

constexpr double kEarthKm = 6371.0;
constexpr double radians(double degrees) { return degrees * std::numbers::pi / 180; }

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// The next run without white space; empty at the end.
std::string_view next_word(std::string_view& text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t from = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::size_t to = std::min(text.find_first_of(kBlanks, from), text.size());
  const std::string_view word = text.substr(from, to - from);
  text.remove_prefix(to);
  return word;
}

std::optional<Point> pair_of(std::string_view word) {
  const std::size_t comma = word.find(',');
  if (comma == word.npos) return std::nullopt;
  const auto first = number_of(word.substr(0, comma));
  const auto second = number_of(word.substr(comma + 1));
  if (!first || !second) return std::nullopt;
  return Point{*first, *second};
}

bool is_on_earth(Point p) { return std::abs(p.lat) <= 90 && std::abs(p.lon) <= 180; }

/// Longitudes become continuous, so that an edge is never longer than half the way round.
bool unwrap(std::vector<Point>& points) {
  bool crosses = false;
  for (std::size_t i = 1; i < points.size(); ++i) {
    while (points[i].lon - points[i - 1].lon > 180) points[i].lon -= 360, crosses = true;
    while (points[i].lon - points[i - 1].lon < -180) points[i].lon += 360, crosses = true;
  }
  return crosses;
}

// --- Plane geometry: at the size of a county the earth is flat enough -------------------------

double cross(Point a, Point b, Point c) {
  return (b.lon - a.lon) * (c.lat - a.lat) - (b.lat - a.lat) * (c.lon - a.lon);
}

bool is_on_segment(Point p, Point a, Point b) {
  return cross(a, b, p) == 0 && p.lon >= std::min(a.lon, b.lon) &&
         p.lon <= std::max(a.lon, b.lon) && p.lat >= std::min(a.lat, b.lat) &&
         p.lat <= std::max(a.lat, b.lat);
}

bool segments_meet(std::array<Point, 2> s, std::array<Point, 2> t) {
  const auto sign = [](double value) { return (value > 0) - (value < 0); };
  const int a = sign(cross(t[0], t[1], s[0]));
  const int b = sign(cross(t[0], t[1], s[1]));
  const int c = sign(cross(s[0], s[1], t[0]));
  const int d = sign(cross(s[0], s[1], t[1]));
  if (a * b < 0 && c * d < 0) return true;
  return is_on_segment(s[0], t[0], t[1]) || is_on_segment(s[1], t[0], t[1]) ||
         is_on_segment(t[0], s[0], s[1]) || is_on_segment(t[1], s[0], s[1]);
}

/// Any winding but zero counts, so that the inside of a self-crossing outline stays inside. On the
/// edge counts as inside.
bool is_inside(Point p, std::span<const Point> ring) {
  int winding = 0;
  for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
    const Point a = ring[i];
    const Point b = ring[i + 1];
    if (is_on_segment(p, a, b)) return true;
    if (a.lat <= p.lat && b.lat > p.lat && cross(a, b, p) > 0) ++winding;
    if (a.lat > p.lat && b.lat <= p.lat && cross(a, b, p) < 0) --winding;
  }
  return winding != 0;
}

std::vector<Point> closed(std::vector<Point> points) {
  if (points.size() > 1 && !(points.front() == points.back())) points.push_back(points.front());
  return points;
}

/// `lon` of the place moved by whole turns towards the polygon.
Point beside(Point p, double lon) {
  while (p.lon - lon > 180) p.lon -= 360;
  while (p.lon - lon < -180) p.lon += 360;
  return p;
}

bool polygon_hits(std::span<const Point> polygon, std::span<const Point> outline) {
  std::vector<Point> place;
  for (const Point p : outline) place.push_back(beside(p, polygon.front().lon));
  if (place.size() < 3) return is_inside(place.front(), polygon);
  place = closed(std::move(place));
  if (is_inside(place.front(), polygon) || is_inside(polygon.front(), place)) return true;
  for (std::size_t i = 0; i + 1 < polygon.size(); ++i)
    for (std::size_t k = 0; k + 1 < place.size(); ++k)
      if (segments_meet({polygon[i], polygon[i + 1]}, {place[k], place[k + 1]})) return true;
  return false;
}

/// Kilometres east and north of `origin`.
Point local_km(Point p, Point origin) {
  p = beside(p, origin.lon);
  return {radians(p.lat - origin.lat) * kEarthKm,
          radians(p.lon - origin.lon) * kEarthKm * std::cos(radians(origin.lat))};
}

/// From the origin to the segment.
double distance_km(Point a, Point b) {
  const double dx = b.lon - a.lon;
  const double dy = b.lat - a.lat;
  const double length = dx * dx + dy * dy;
  const double t = length == 0 ? 0 : std::clamp(-(a.lon * dx + a.lat * dy) / length, 0.0, 1.0);
  return std::hypot(a.lon + t * dx, a.lat + t * dy);
}

bool circle_hits(const Circle& circle, std::span<const Point> outline) {
  std::vector<Point> place;
  for (const Point p : outline) place.push_back(local_km(p, circle.centre));
  if (place.size() < 3) return std::hypot(place[0].lat, place[0].lon) <= circle.radius_km;
  place = closed(std::move(place));
  if (is_inside(Point{0, 0}, place)) return true;
  for (std::size_t i = 0; i + 1 < place.size(); ++i)
    if (distance_km(place[i], place[i + 1]) <= circle.radius_km) return true;
  return false;
}

// --- GCJ-02 -----------------------------------------------------------------------------------

/// The shift at a point, in degrees, as the published polynomial gives it.
Point gcj_shift(Point p) {
  constexpr double kAxis = 6378245.0;
  constexpr double kEccentricity2 = 0.00669342162296594323;
  constexpr double kPi = std::numbers::pi;
  const double x = p.lon - 105;
  const double y = p.lat - 35;
  const auto waves = [](double v) {
    return 20 * std::sin(6 * v * kPi) + 20 * std::sin(2 * v * kPi);
  };
  double lat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * std::sqrt(std::abs(x));
  lat += waves(x) * 2 / 3 + (20 * std::sin(y * kPi) + 40 * std::sin(y / 3 * kPi)) * 2 / 3;
  lat += (160 * std::sin(y / 12 * kPi) + 320 * std::sin(y * kPi / 30)) * 2 / 3;
  double lon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * std::sqrt(std::abs(x));
  lon += waves(x) * 2 / 3 + (20 * std::sin(x * kPi) + 40 * std::sin(x / 3 * kPi)) * 2 / 3;
  lon += (150 * std::sin(x / 12 * kPi) + 300 * std::sin(x / 30 * kPi)) * 2 / 3;
  const double sine = std::sin(radians(p.lat));
  const double magic = 1 - kEccentricity2 * sine * sine;
  const double root = std::sqrt(magic);
  return {lat * 180 / (kAxis * (1 - kEccentricity2) / (magic * root) * kPi),
          lon * 180 / (kAxis / root * std::cos(radians(p.lat)) * kPi)};
}

bool is_shifted(Point p) { return p.lat > 0.83 && p.lat < 55.83 && p.lon > 72 && p.lon < 137.84; }

/// What of an area can be matched, in the datum of the places.
struct Shapes {
  std::vector<std::vector<Point>> polygons;
  std::vector<Circle> circles;
  std::vector<std::string> codes;
};

Point moved(Point p, const MatchOptions& options) {
  if (options.alert == options.places) return p;
  return options.places == Datum::gcj02 ? to_gcj02(p) : to_wgs84(p);
}

void read_shapes(const Area& area, const MatchOptions& options, Shapes& out, AreaMatch& match) {
  bool is_known = false;
  for (const std::string& text : area.polygons) {
    auto polygon = parse_polygon(text);
    if (!polygon) {
      match.is_unclear = true;
      match.notes.push_back("polygon: " + polygon.error().detail);
      continue;
    }
    is_known = true;
    for (const std::string& what : polygon->mended) match.notes.push_back("polygon: " + what);
    for (Point& p : polygon->points) p = moved(p, options);
    out.polygons.push_back(std::move(polygon->points));
  }
  for (const std::string& text : area.circles) {
    auto circle = parse_circle(text);
    if (!circle) {
      match.is_unclear = true;
      match.notes.push_back("circle: " + circle.error().detail);
      continue;
    }
    is_known = true;
    circle->centre = moved(circle->centre, options);
    out.circles.push_back(*circle);
  }
  for (const auto& [name, value] : area.geocodes) {
    if (!is_china_code(name, value)) continue;
    is_known = true;
    out.codes.push_back(value);
  }
  if (is_known) return;
  match.is_unclear = true;
  match.notes.emplace_back("an area without polygon, circle or a code that we know");
}

bool shapes_hit(const Shapes& shapes, const Place& place) {
  const auto has_code = [&](const std::string& code) { return codes_touch(code, place.geocode); };
  if (std::ranges::any_of(shapes.codes, has_code)) return true;
  if (place.outline.empty()) return false;
  return std::ranges::any_of(shapes.polygons,
                             [&](const auto& p) { return polygon_hits(p, place.outline); }) ||
         std::ranges::any_of(shapes.circles,
                             [&](const Circle& c) { return circle_hits(c, place.outline); });
}

}  // namespace

Result<Polygon> parse_polygon(std::string_view text) {
  Polygon out;
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    const auto pair = pair_of(word);
    if (!pair) return fail(Errc::invalid_argument, "not a pair of numbers");
    if (out.points.size() == kPolygonPointsMax) return fail(Errc::too_large, "too many points");
    out.points.push_back(*pair);
  }
  if (out.points.empty()) return fail(Errc::invalid_argument, "empty");
  // A latitude beyond 90 can only be a longitude; then all pairs are the other way round.
  if (std::ranges::any_of(out.points, [](Point p) { return std::abs(p.lat) > 90; })) {
    for (Point& p : out.points) std::swap(p.lat, p.lon);
    out.mended.emplace_back("swapped");
  }
  if (!std::ranges::all_of(out.points, is_on_earth))
    return fail(Errc::invalid_argument, "out of range");
  if (!(out.points.front() == out.points.back())) {
    out.points.push_back(out.points.front());
    out.mended.emplace_back("unclosed");
  }
  if (out.points.size() < 4) return fail(Errc::invalid_argument, "fewer than 4 points");
  if (unwrap(out.points)) out.mended.emplace_back("crosses 180");
  if (out.points.front().lon != out.points.back().lon)
    return fail(Errc::invalid_argument, "goes around the pole");
  return out;
}

Result<Circle> parse_circle(std::string_view text) {
  const std::string_view centre = next_word(text);
  const std::string_view radius = next_word(text);
  auto pair = pair_of(centre);
  const auto km = number_of(radius);
  if (!pair || !km || !next_word(text).empty())
    return fail(Errc::invalid_argument, "not a centre and a radius");
  if (std::abs(pair->lat) > 90) std::swap(pair->lat, pair->lon);
  if (!is_on_earth(*pair) || *km < 0) return fail(Errc::invalid_argument, "out of range");
  return Circle{*pair, *km};
}

bool codes_touch(std::string_view one, std::string_view other) {
  // Its significant digits; levels that are all zero at the end mean everything below.
  const auto significant = [](std::string_view code) -> std::optional<std::string_view> {
    constexpr std::array<std::size_t, 5> kEnds = {2, 4, 6, 9, 12};
    const bool is_code = std::ranges::find(kEnds, code.size()) != kEnds.end() &&
                         std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_code) return std::nullopt;
    for (std::size_t level = kEnds.size(); level-- > 1;) {
      if (code.size() < kEnds[level]) continue;
      const std::string_view last = code.substr(kEnds[level - 1], kEnds[level] - kEnds[level - 1]);
      if (last.find_first_not_of('0') != last.npos) break;
      code = code.substr(0, kEnds[level - 1]);
    }
    return code;
  };
  const auto a = significant(one);
  const auto b = significant(other);
  return a && b && (a->starts_with(*b) || b->starts_with(*a));
}

bool is_china_code(std::string_view value_name, std::string_view value) {
  const bool has_form = (value.size() == 6 || value.size() == 9 || value.size() == 12) &&
                        value[0] >= '1' &&
                        std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (!has_form) return false;
  std::string name(value_name);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // Six digits are also what others use (SAME, FIPS, WARNCELLID): the name must not be theirs.
  constexpr std::array<std::string_view, 6> kOthers = {"same", "fips",     "ugc",
                                                       "emma", "warncell", "nuts"};
  return std::ranges::none_of(kOthers, [&](std::string_view o) { return name.contains(o); });
}

Point to_gcj02(Point p) {
  if (!is_shifted(p)) return p;
  const Point shift = gcj_shift(p);
  return {p.lat + shift.lat, p.lon + shift.lon};
}

Point to_wgs84(Point p) {
  if (!is_shifted(p)) return p;
  Point guess = p;
  // The shift changes slowly, so each round gains about three digits.
  for (int round = 0; round < 3; ++round) {
    const Point shift = gcj_shift(guess);
    guess = {p.lat - shift.lat, p.lon - shift.lon};
  }
  return guess;
}

AreaMatch match_areas(std::span<const Area> areas, std::span<const Place> places,
                      const MatchOptions& options) {
  AreaMatch match;
  Shapes shapes;
  for (const Area& area : areas) read_shapes(area, options, shapes, match);
  if (areas.empty()) {
    match.is_unclear = true;
    match.notes.emplace_back("no area");
  }
  std::size_t work = 0;
  std::size_t points = shapes.circles.size();
  for (const auto& polygon : shapes.polygons) points += polygon.size();
  for (const Place& place : places) {
    work += points * std::max<std::size_t>(place.outline.size(), 1);
    if (work > kMatchWorkMax) {
      match.is_unclear = true;
      match.notes.emplace_back("too many points to match");
      break;
    }
    if (shapes_hit(shapes, place)) match.places.insert(place.id);
  }
  return match;
}

}  // namespace linli::notify::cap
