// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/rng.h"
#include "server/community/demo/demo.h"
#include "server/community/rows.h"

namespace linli::community::demo {
namespace {

constexpr int kGrids = 6;
constexpr int kCourtyards = 12;
constexpr int kBuildings = 38;
constexpr int kEntrances = 96;
constexpr int kPerFloor = 4;
/// Larger communities get more doors on a floor, not towers.
constexpr int kFloorsMax = 30;

/// Counts for 5,480 people; other sizes scale.
struct Marginals {
  int households = 2150;
  int aged_65 = 812;
  int alone = 137;
  int no_phone = 402;
  int wheelchair = 31;
  int pupils = 28;
  int floating = 640;
  int members = 164;
  int volunteers = 186;
  int allowance = 36;
};

struct Household {
  std::string id;
  std::string door;
  std::string area;
  int floor = 1;
};

struct Person {
  std::size_t household = 0;
  bool alone = false;
  bool aged = false;
  bool pupil = false;
  bool no_phone = false;
  bool fixed = false;
  Json row;
};

int scaled(int count, int people) {
  return static_cast<int>((std::int64_t{count} * people) / 5480);
}

Marginals marginals_of(int people) {
  Marginals m;
  for (int* count : {&m.households, &m.aged_65, &m.alone, &m.no_phone, &m.wheelchair, &m.pupils,
                     &m.floating, &m.members, &m.volunteers, &m.allowance})
    *count = std::max(1, scaled(*count, people));
  return m;
}

void add_area(std::vector<DemoCall>& out, const std::string& id, const char* kind,
              const std::string& parent, const std::string& name) {
  Json args = {{"id", id}, {"kind", kind}, {"name", name}};
  if (!parent.empty()) args["parent"] = parent;
  if (id == "erqi") args["geocode"] = "410103";
  if (id == "hn") args["shelter"] = "社区服务中心二楼";
  out.push_back({"", "area.create", std::move(args)});
}

struct Entrance {
  std::string id;
  std::string name;
};

/// 二七区 > 建中街街道 > 淮南社区 > 6 网格 > 12 院 > 38 楼 > 96 门栋.
std::vector<Entrance> add_tree(std::vector<DemoCall>& out) {
  add_area(out, "erqi", "city_district", "", "二七区");
  add_area(out, "jzj", "street", "erqi", "建中街街道");
  add_area(out, "hn", "community", "jzj", "淮南社区");
  std::vector<Entrance> entrances;
  for (int grid = 1; grid <= kGrids; ++grid)
    add_area(out, "g" + std::to_string(grid), "grid", "hn", std::to_string(grid) + "网格");
  int building = 0;
  for (int yard = 1; yard <= kCourtyards; ++yard) {
    const int grid = (yard + 1) / 2;
    const std::string yard_id = "y" + std::to_string(yard);
    add_area(out, yard_id, "courtyard", "g" + std::to_string(grid), std::to_string(yard) + "号院");
    const int extra = yard <= kBuildings % kCourtyards ? 1 : 0;
    for (int number = 1; number <= kBuildings / kCourtyards + extra; ++number, ++building) {
      const std::string building_id = yard_id + "b" + std::to_string(number);
      add_area(out, building_id, "building", yard_id, std::to_string(number) + "号楼");
      const int more = building < kEntrances % kBuildings ? 1 : 0;
      for (int gate = 1; gate <= kEntrances / kBuildings + more; ++gate) {
        const std::string id = building_id + "e" + std::to_string(gate);
        add_area(out, id, "entrance", building_id, std::to_string(gate) + "门栋");
        entrances.push_back({id, std::to_string(grid) + "网格" + std::to_string(yard) + "号院" +
                                     std::to_string(number) + "号楼" + std::to_string(gate) +
                                     "门栋"});
      }
    }
  }
  return entrances;
}

std::vector<Household> make_households(const std::vector<Entrance>& entrances, int count) {
  std::vector<Household> out;
  const auto gates = static_cast<int>(entrances.size());
  const int per_floor = std::max(kPerFloor, count / gates / kFloorsMax + 1);
  const int hundred = per_floor < 100 ? 100 : 10'000;
  for (int i = 0; i < count; ++i) {
    const Entrance& entrance = entrances[static_cast<std::size_t>(i) % entrances.size()];
    const int within = i / gates;
    const int floor = within / per_floor + 1;
    const std::string room = std::to_string(floor * hundred + within % per_floor + 1);
    out.push_back({entrance.id + "h" + room, entrance.name + room, entrance.id, floor});
  }
  return out;
}

std::string draw_name(Rng& rng) {
  static constexpr std::array kFamily = {"王", "李", "张", "刘", "陈", "杨", "赵",
                                         "黄", "周", "吴", "徐", "孙", "胡", "朱",
                                         "高", "林", "何", "郭", "马", "罗"};
  static constexpr std::array kGiven = {"桂英", "秀兰", "建国", "淑珍", "志强", "晓东",
                                        "玉梅", "海燕", "国栋", "丽华", "文博", "雨桐",
                                        "子轩", "欣怡", "俊杰", "春生", "凤霞", "永强",
                                        "小红", "明",   "静",   "伟",   "芳",   "磊"};
  return std::string(kFamily.at(rng.below(kFamily.size()))) + kGiven.at(rng.below(kGiven.size()));
}

constexpr const char* kWangDoor = "3网格6号院2号楼3门栋501";
constexpr const char* kZhaoDoor = "3网格6号院2号楼3门栋502";
constexpr const char* kChenDoor = "3网格6号院1号楼1门栋201";
constexpr const char* kLiuDoor = "2网格4号院1号楼1门栋301";

/// Households in random order, but 王桂芝's first (she lives alone) and her neighbours' last.
std::vector<std::size_t> draw_order(const std::vector<Household>& homes, Rng& rng) {
  std::vector<std::size_t> order(homes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  const auto rank = [&](std::size_t home) {
    const std::string& door = homes[home].door;
    if (door == kWangDoor) return 0;
    return door == kZhaoDoor || door == kChenDoor || door == kLiuDoor ? 2 : 1;
  };
  std::ranges::stable_sort(order, {}, rank);
  return order;
}

/// One resident per household, those who live alone first; then the rest beside the others.
std::vector<Person> make_people(int count, int alone, const std::vector<std::size_t>& order) {
  const auto wanted = static_cast<std::size_t>(count);
  const auto single = std::min(static_cast<std::size_t>(alone), order.size() - 1);
  std::vector<Person> out;
  for (std::size_t i = 0; i < order.size() && out.size() < wanted; ++i) {
    Person person;
    person.household = order[i];
    person.alone = person.aged = i < single;
    out.push_back(std::move(person));
  }
  for (std::size_t i = 0; out.size() < wanted; ++i) {
    Person person;
    person.household = order[single + i % (order.size() - single)];
    out.push_back(std::move(person));
  }
  return out;
}

/// Sets `mark` on random people that `fits` allows until `count` of all have been chosen.
template <class Fits, class Mark>
void choose(std::vector<Person>& people, int count, Rng& rng, Fits fits, Mark mark) {
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < people.size(); ++i)
    if (fits(people[i])) free.push_back(i);
  for (int n = 0; n < count && !free.empty(); ++n) {
    const std::size_t at = rng.below(free.size());
    mark(people[free[at]]);
    free[at] = free.back();
    free.pop_back();
  }
}

void tag(Person& person, const char* list, const char* word) { add_text(person.row, list, word); }

/// Volunteers who take part in drills.
constexpr int kDrilled = 12;

void give_traits(std::vector<Person>& people, const Marginals& m, Rng& rng) {
  const auto adult = [](const Person& p) { return !p.pupil && !p.fixed; };
  const auto already = [&](auto has) {
    return static_cast<int>(std::ranges::count_if(people, has));
  };
  const int aged = already([](const Person& p) { return p.aged; });
  choose(
      people, m.aged_65 - aged, rng, [&](const Person& p) { return adult(p) && !p.aged; },
      [](Person& p) { p.aged = true; });
  const int no_phone = already([](const Person& p) { return p.no_phone; });
  choose(
      people, m.no_phone - no_phone, rng,
      [&](const Person& p) { return adult(p) && p.aged && !p.no_phone; },
      [](Person& p) { p.no_phone = true; });
  choose(
      people, m.wheelchair, rng, [&](const Person& p) { return adult(p) && p.aged; },
      [](Person& p) { p.row["mobility"] = "wheelchair"; });
  choose(
      people, m.pupils, rng, [&](const Person& p) { return adult(p) && !p.aged; },
      [](Person& p) { p.pupil = true, tag(p, "tags", "第二课堂"); });
  choose(
      people, m.floating, rng, [&](const Person& p) { return adult(p) && !p.aged; },
      [](Person& p) { tag(p, "tags", "流动人口"); });
  choose(people, m.members, rng, adult, [](Person& p) { tag(p, "tags", "党员"); });
  choose(
      people, m.volunteers, rng, [&](const Person& p) { return adult(p) && !p.no_phone; },
      [drilled = 0](Person& p) mutable {
        tag(p, "tags", "志愿者");
        if (drilled++ < kDrilled) tag(p, "tags", "演练");
      });
  choose(people, m.allowance, rng, adult, [](Person& p) { tag(p, "sensitive_tags", "低保"); });
}

/// Unassigned prefix; accepted by channels only with demo = true.
std::string phone(std::size_t number) {
  const std::string digits = std::to_string(number % 10'000);
  return "1200000" + std::string(4 - digits.size(), '0') + digits;
}

Json finish_person(Person& person, std::size_t number, int year, Rng& rng) {
  Json& row = person.row;
  if (!row.contains("name")) row["name"] = draw_name(rng);
  if (!row.contains("birth_year")) {
    const auto young = static_cast<int>(rng.below(64)) + 1;
    const int age = person.aged    ? 65 + static_cast<int>(rng.below(28))
                    : person.pupil ? 7 + static_cast<int>(rng.below(6))
                                   : young;
    row["birth_year"] = year - age;
  }
  if (person.alone) row["living_alone"] = true;
  if (person.no_phone) {
    row["no_phone"] = true;
    if (!row.contains("landline") && rng.below(3) > 0) row["landline"] = phone(number);
  } else if (year - row["birth_year"].get<int>() >= 12) {
    row["phone"] = phone(number);
  }
  row["demo"] = true;
  return row;
}

/// The hand-written cast takes the places of generated people.
void place_cast(std::vector<Person>& people, const std::vector<Household>& homes, int year) {
  const auto take = [&](const char* door, Json row) {
    const auto found = std::ranges::find_if(
        people, [&](const Person& p) { return !p.fixed && homes[p.household].door == door; });
    if (found == people.end()) return;
    found->fixed = true;
    found->aged = year - json_int(row, "birth_year") >= 65;
    found->no_phone = json_bool(row, "no_phone");
    found->row = std::move(row);
  };
  take(kWangDoor, {{"id", "p-wang"},
                   {"name", "王桂芝"},
                   {"birth_year", year - 82},
                   {"no_phone", true},
                   {"landline", "12000009001"},
                   {"mobility", "stick"},
                   {"neighbour", "赵师傅 502"},
                   {"keyholder", "赵师傅 502"},
                   {"languages", {"河南话"}}});
  take(kZhaoDoor, {{"id", "p-zhao"}, {"name", "赵师傅"}, {"birth_year", year - 58}});
  take(kChenDoor, {{"id", "p-chen"}, {"name", "陈大爷"}, {"birth_year", year - 70}});
  take(kLiuDoor, {{"id", "p-liu"}, {"name", "刘洋"}, {"birth_year", year - 35}});
}

/// The daughter in another city; she counts as one of the people.
void add_outsiders(std::vector<DemoCall>& out, int year) {
  out.push_back({"",
                 "household.put",
                 {{"id", "h-outside"}, {"door", "外地亲属 李敏"}, {"area", "hn"}, {"demo", true}}});
  out.push_back({"",
                 "person.put",
                 {{"id", "p-limin"},
                  {"household", "h-outside"},
                  {"name", "李敏"},
                  {"birth_year", year - 54},
                  {"phone", "12000009002"},
                  {"demo", true}}});
  out.push_back(
      {"", "proxy.request", {{"id", "x-limin"}, {"proxy", "p-limin"}, {"dependant", "p-wang"}}});
  out.push_back({"",
                 "proxy.confirm",
                 {{"id", "x-limin"},
                  {"evidence", {{"how", "oral"}, {"witness", "网格员 周倩"}, {"version", "1"}}}}});
}

}  // namespace

std::vector<DemoCall> population(const DemoOptions& options) {
  SeededRng rng(options.seed);
  const Marginals m = marginals_of(options.people);
  const int year = year_of(options.today);
  std::vector<DemoCall> out;
  const auto homes = make_households(add_tree(out), m.households);
  for (const Household& home : homes)
    out.push_back({"",
                   "household.put",
                   {{"id", home.id},
                    {"door", home.door},
                    {"area", home.area},
                    {"floor", home.floor},
                    {"demo", true}}});
  // 李敏 lives elsewhere and is one of the people, where her mother is.
  const bool has_wang = options.people > 1 && std::ranges::any_of(homes, [](const Household& home) {
                          return home.door == kWangDoor;
                        });
  auto people = make_people(options.people - (has_wang ? 1 : 0), m.alone, draw_order(homes, rng));
  place_cast(people, homes, year);
  give_traits(people, m, rng);
  for (std::size_t i = 0; i < people.size(); ++i) {
    Json row = finish_person(people[i], i, year, rng);
    if (!row.contains("id")) row["id"] = "p" + std::to_string(i);
    row["household"] = homes[people[i].household].id;
    out.push_back({"", "person.put", std::move(row)});
  }
  if (has_wang) add_outsiders(out, year);
  for (const CastMember& member : cast())
    out.push_back({"",
                   "identity.create_account",
                   {{"id", account_id(member.account)},
                    {"name", member.name},
                    {"roles", {{{"role", member.role}, {"scope", member.scope}}}},
                    {"demo", true}}});
  return out;
}

}  // namespace linli::community::demo
