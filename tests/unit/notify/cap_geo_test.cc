// SPDX-License-Identifier: Apache-2.0
// Goal: an alert's area selects exactly the buildings it touches (RAIN-5, notify.md §5 trap 27).
#include <cmath>

#include <gtest/gtest.h>

#include "tests/unit/notify/cap_samples.h"

namespace linli::notify::cap::test {
namespace {

using Ids = std::set<std::string>;

AreaMatch match(const Area& area, const MatchOptions& options = {}) {
  const std::vector<Area> areas = {area};
  return match_areas(areas, book_settings().places, options);
}
Area polygon(std::string text) { return {"", {std::move(text)}, {}, {}}; }
Area code(std::string value) { return {"", {}, {}, {{"CPEAS Geographic Code", std::move(value)}}}; }

TEST(CapGeo, APolygonOverHalfTheCommunitySelectsExactlyThoseBuildings_RAIN5) {
  const std::string half = "34.69,113.59 34.69,113.6018 34.71,113.6018 34.71,113.59 34.69,113.59";
  EXPECT_EQ(match(polygon(half)).places, (Ids{"b1", "b2"}));
  EXPECT_FALSE(match(polygon(half)).is_unclear);
  // It cuts through the third building, or lies wholly inside of it.
  EXPECT_EQ(match(polygon("34.69,113.6022 34.69,113.6024 34.71,113.6024 34.71,113.6022 "
                          "34.69,113.6022"))
                .places,
            (Ids{"b3"}));
  EXPECT_EQ(
      match(polygon("34.7005,113.6022 34.7005,113.6023 34.7006,113.6023 34.7005,113.6022")).places,
      (Ids{"b3"}));
  // Around a building without touching it.
  EXPECT_EQ(match(polygon("34.702,113.59 34.703,113.59 34.703,113.61 34.702,113.61 34.702,113.59"))
                .places,
            Ids{});
}

TEST(CapGeo, ACodeHitsWhatLiesInItOrAroundIt_RAIN5) {
  const Ids ours = {"b1", "b2", "b3", "b4"};
  EXPECT_EQ(match(code("410103")).places, ours);
  EXPECT_EQ(match(code("410103000000")).places, ours);
  EXPECT_EQ(match(code("410103002000")).places, ours);
  EXPECT_EQ(match(code("410103002005")).places, ours);
  EXPECT_EQ(match(code("410103002006")).places, Ids{});
  EXPECT_EQ(match(code("410103003000")).places, Ids{});
  EXPECT_EQ(match(code("410105")).places, Ids{"far"});
  EXPECT_EQ(match(code("410100")).places.size(), 5U);
  EXPECT_EQ(match(code("410000000000")).places.size(), 5U);
  EXPECT_EQ(match(code("420000")).places, Ids{});
  EXPECT_FALSE(codes_touch("41010", "410103"));
  EXPECT_FALSE(codes_touch("41010x", "410103"));
  EXPECT_FALSE(codes_touch("", "410103"));
}

TEST(CapGeo, CodesOfOthersAreNotOurs) {
  EXPECT_FALSE(is_china_code("SAME", "410103"));
  EXPECT_FALSE(is_china_code("FIPS6", "410103"));
  EXPECT_FALSE(is_china_code("x", "006113"));
  EXPECT_TRUE(is_china_code("行政区划代码", "410103"));
  const AreaMatch unknown = match({"", {}, {}, {{"UGC", "CAZ006"}}});
  EXPECT_TRUE(unknown.is_unclear);
  EXPECT_TRUE(match_areas({}, book_settings().places).is_unclear);
}

TEST(CapGeo, WhatAnAreaListsIsJoined) {
  const Area both = {"",
                     {"34.69,113.59 34.69,113.6008 34.71,113.6008 34.71,113.59 34.69,113.59"},
                     {},
                     {{"CPEAS Geographic Code", "410105"}}};
  EXPECT_EQ(match(both).places, (Ids{"b1", "far"}));
}

TEST(CapGeo, DirtyPolygonsAreMendedOrRefusedWithAReason_Trap27) {
  const auto mended = [](std::string_view text) {
    const auto read = parse_polygon(text);
    if (!read) return std::string("refused: ") + read.error().detail;
    std::string out;
    for (const std::string& what : read->mended) out += what + ";";
    return out;
  };
  EXPECT_EQ(mended("34.6,113.5 34.6,113.7 34.8,113.7 34.6,113.5"), "");
  EXPECT_EQ(mended(" \n34.6,113.5\t34.6,113.7\r\n34.8,113.7   34.6,113.5 "), "");
  EXPECT_EQ(mended("34.6,113.5 34.6,113.7 34.8,113.7"), "unclosed;");
  EXPECT_EQ(mended("113.5,34.6 113.7,34.6 113.7,34.8 113.5,34.6"), "swapped;");
  EXPECT_EQ(mended("10,179 10,-179 12,-179 10,179"), "crosses 180;");
  EXPECT_EQ(mended(""), "refused: empty");
  EXPECT_EQ(mended("34.6,113.5 34.6,113.5"), "refused: fewer than 4 points");
  EXPECT_EQ(mended("34.6,113.5 x,y 34.8,113.7"), "refused: not a pair of numbers");
  EXPECT_EQ(mended("34.6 113.5 34.8 113.7"), "refused: not a pair of numbers");
  EXPECT_EQ(mended("nan,1 2,inf 3,4 nan,1"), "refused: not a pair of numbers");
  EXPECT_EQ(mended("95,200 1,2 3,4 95,200"), "refused: out of range");
  const AreaMatch bad = match(polygon("34.6,113.5"));
  EXPECT_TRUE(bad.is_unclear);
  EXPECT_EQ(bad.notes.front(), "polygon: fewer than 4 points");
}

TEST(CapGeo, APolygonAcrossThe180thMeridianHitsBothSides) {
  const std::vector<Place> places = {
      {"west", "", {{11, 179.5}}}, {"east", "", {{11, -179.5}}}, {"home", "", {{11, 0}}}};
  const std::vector<Area> areas = {polygon("10,179 10,-179 12,-179 12,179 10,179")};
  EXPECT_EQ(match_areas(areas, places).places, (Ids{"west", "east"}));
}

TEST(CapGeo, CirclesReachAsFarAsTheirRadius_RAIN5) {
  const auto hit = [](std::string text) { return match({"", {}, {std::move(text)}, {}}).places; };
  EXPECT_EQ(hit("34.7005,113.5999 0.1"), Ids{"b1"});
  // From the circle's centre to the second building are about 100 m.
  EXPECT_EQ(hit("34.7005,113.5999 0.15"), (Ids{"b1", "b2"}));
  EXPECT_EQ(hit("34.7005,113.6002 0"), Ids{"b1"});
  EXPECT_EQ(hit("113.6002,34.7005 0"), Ids{"b1"});
  EXPECT_EQ(hit("34.9,113.6 1"), Ids{});
  EXPECT_TRUE(match({"", {}, {"34.7,113.6"}, {}}).is_unclear);
  EXPECT_TRUE(match({"", {}, {"34.7,113.6 -1"}, {}}).is_unclear);
}

TEST(CapGeo, ChineseMapsAreShiftedAndCanBeAllowedFor_Trap27) {
  const Point zhengzhou{34.75, 113.62};
  const Point shifted = to_gcj02(zhengzhou);
  const double north = (shifted.lat - zhengzhou.lat) * 111'000;
  const double east = (shifted.lon - zhengzhou.lon) * 91'000;
  EXPECT_GT(std::hypot(north, east), 300);
  EXPECT_LT(std::hypot(north, east), 900);
  const Point back = to_wgs84(shifted);
  EXPECT_NEAR(back.lat, zhengzhou.lat, 1e-5);
  EXPECT_NEAR(back.lon, zhengzhou.lon, 1e-5);
  // A published pair: Tiananmen, WGS-84 39.90734, 116.39089 on a GCJ-02 map.
  const Point square = to_gcj02({39.90734, 116.39089});
  EXPECT_NEAR(square.lat, 39.90874, 2e-4);
  EXPECT_NEAR(square.lon, 116.39713, 2e-4);
  const Point paris{48.85, 2.35};
  EXPECT_EQ(to_gcj02(paris), paris);
  // A polygon around the first building's true place misses the shifted building unless told so.
  BookSettings settings = book_settings();
  for (Place& place : settings.places)
    for (Point& p : place.outline) p = to_gcj02(p);
  const std::vector<Area> areas = {
      polygon("34.699,113.599 34.699,113.6008 34.702,113.6008 34.702,113.599 34.699,113.599")};
  EXPECT_EQ(match_areas(areas, settings.places, {Datum::wgs84, Datum::wgs84}).places, Ids{});
  EXPECT_EQ(match_areas(areas, settings.places, {Datum::wgs84, Datum::gcj02}).places, Ids{"b1"});
}

}  // namespace
}  // namespace linli::notify::cap::test
