// SPDX-License-Identifier: Apache-2.0
// Three teams, five stations and 90 days of attendance, signed by phones that were lost since.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/assert.h"
#include "checkin/codes.h"
#include "checkin/entry.h"
#include "server/community/demo/demo.h"
#include "server/community/rows.h"

namespace linli::community::demo {
namespace {

using checkin::Entry;
using checkin::EntryType;

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;
constexpr int kDays = 90;
/// Volunteers of one shift.
constexpr std::size_t kPerShift = 8;
constexpr std::size_t kMissing = 7;
constexpr int kOverlaps = 2;
/// Hours of that many days are not confirmed yet.
constexpr int kFreshDays = 12;

struct TeamPlan {
  const char* id;
  const char* name;
  int members;
};
constexpr std::array<TeamPlan, 3> kTeams = {
    {{"leifeng", "雷锋帮帮团", 68}, {"chorus", "文艺合唱队", 42}, {"city", "城市精细化管理", 76}}};
constexpr std::array<std::pair<const char*, const char*>, 5> kStations = {
    {{"lianxinqiao", "连心桥"},
     {"aixinqu", "爱心曲"},
     {"minxinwang", "民心网"},
     {"nuanxindao", "暖心岛"},
     {"yixinlu", "怡心路"}}};

/// A volunteer's or lead's phone.
struct DemoPhone {
  std::string person;
  std::string account;
  bool is_minor = false;
  KeyPair key;
  std::uint32_t dseq = 0;
  Sha256 prev{};

  Entry sign(Entry entry) {
    entry.dseq = ++dseq;
    entry.prev = prev;
    for (std::size_t i = 0; i < 4; ++i) entry.nonce[i] = static_cast<std::uint8_t>(dseq >> (8 * i));
    entry = checkin::sign_entry(key, std::move(entry));
    prev = checkin::entry_hash(entry);
    return entry;
  }
};

/// One volunteer at one shift.
struct Service {
  std::string shift;
  std::size_t team = 0;
  std::size_t phone = 0;
  std::int64_t in = 0;
  std::int64_t out = 0;
  char grade = 'A';
  bool is_missing = false;
};

class History {
 public:
  History(const DemoOptions& options, std::span<const DemoCall> people) : rng_(options.seed) {
    today_ = to_unix_ms(options.today);
    // Nine in the morning of the community's zone.
    constexpr std::int64_t kZone = 8 * 60 * kMinute;
    morning_ = (today_ + kZone) / kDay * kDay - kZone + 9 * 60 * kMinute - kDays * kDay;
    if (morning_ + kDays * kDay > today_ - 12 * 60 * kMinute) morning_ -= kDay;
    choose_members(people, options.people);
  }

  std::vector<DemoMoment> run() {
    make_teams();
    plan_days();
    give_grades();
    for (Service& one : services_) serve(one);
    for (const std::size_t lead : leads_) lose(lead);
    for (std::size_t team = 0; team < kTeams.size(); ++team)
      for (const std::size_t phone : members_[team]) lose(phone);
    std::vector<DemoMoment> out;
    for (auto& [at, calls] : moments_) out.push_back({at, std::move(calls)});
    return out;
  }

 private:
  void call(std::int64_t at, DemoCall one) { moments_[at].push_back(std::move(one)); }

  static KeyPair demo_key(std::size_t number) {
    const Sha256 seed = sha256(as_bytes("linli demo phone " + std::to_string(number)));
    return KeyPair::from_seed(seed).value();
  }

  /// Tagged 志愿者, in the order of the records; the tags fill the three teams exactly.
  void choose_members(std::span<const DemoCall> people, int size) {
    LINLI_ASSERT(crypto_init().has_value());
    std::size_t team = 0;
    for (const DemoCall& one : people) {
      if (one.name != "person.put" || !has_text(one.args, "tags", "志愿者")) continue;
      while (team < kTeams.size() && members_[team].size() >= wanted(team, size)) ++team;
      if (team == kTeams.size()) break;
      const std::string digits = std::to_string(phones_.size());
      const bool is_minor = json_int(one.args, "birth_year") > year_of(from_unix_ms(today_)) - 18;
      phones_.push_back({json_text(one.args, "id"),
                         "df" + std::string(30 - digits.size(), '0') + digits, is_minor,
                         demo_key(phones_.size())});
      members_[team].push_back(phones_.size() - 1);
    }
    // The first one leads, and is of age.
    for (auto& team_members : members_) {
      const auto adult = std::ranges::find_if(
          team_members, [&](std::size_t phone) { return !phones_[phone].is_minor; });
      if (adult != team_members.end()) std::iter_swap(adult, team_members.begin());
    }
  }

  static std::size_t wanted(std::size_t team, int size) {
    const auto scaled = std::int64_t{kTeams[team].members} * size / 5480;
    return static_cast<std::size_t>(std::max<std::int64_t>(1, scaled));
  }

  void make_teams() {
    const std::int64_t at = morning_ - kDay / 2;
    for (const auto& [id, name] : kStations)
      call(at, {account_id(2),
                "team.create",
                {{"id", id}, {"name", name}, {"area", "hn"}, {"kind", "station"}}});
    for (std::size_t team = 0; team < kTeams.size(); ++team) {
      const TeamPlan& plan = kTeams[team];
      call(at,
           {account_id(2), "team.create", {{"id", plan.id}, {"name", plan.name}, {"area", "hn"}}});
      for (std::size_t i = 0; i < members_[team].size(); ++i) join(at, team, i);
    }
  }

  void join(std::int64_t at, std::size_t team, std::size_t number) {
    const std::size_t phone = members_[team][number];
    const DemoPhone& mine = phones_[phone];
    const std::string pub = to_base64url(mine.key.pub());
    call(at, {"",
              "identity.recover_device",
              {{"account", mine.account},
               {"person", mine.person},
               {"cid", client_id_of(mine.key.pub()).hex()},
               {"pub", pub},
               {"label", "演示手机"}}});
    const Json who = {{"team", kTeams[team].id}, {"person", mine.person}};
    call(at, {account_id(4), "team.confirm", who});
    if (mine.is_minor) {
      Json paper = who;
      paper["how"] = "paper";
      paper["witness"] = "孙浩";
      call(at, {account_id(4), "team.guardian_consent", paper});
    }
    if (number != 0 || mine.is_minor) return;
    Json role = who;
    role["role"] = "lead";
    call(at, {account_id(4), "team.set_role", role});
    leads_.push_back(phone);
  }

  void plan_shift(const std::string& id, std::size_t team, std::int64_t from, std::int64_t to) {
    constexpr std::array<const char*, 3> kTitles = {"陪老人买菜看病", "合唱排练服务", "楼院清扫"};
    call(from - 60 * kMinute, {account_id(4),
                               "shift.create",
                               {{"id", id},
                                {"team", kTeams[team].id},
                                {"title", kTitles[team]},
                                {"from", from},
                                {"to", to},
                                {"need", kPerShift}}});
  }

  void plan_days() {
    for (int day = 0; day < kDays; ++day) {
      const std::size_t team = static_cast<std::size_t>(day) % kTeams.size();
      if (members_[team].size() < 2) continue;
      const std::int64_t from = morning_ + day * kDay;
      const std::string id = "demo-s" + std::to_string(day);
      plan_shift(id, team, from, from + 180 * kMinute);
      const std::size_t others = members_[team].size() - 1;
      const std::size_t first = rng_.below(others);
      for (std::size_t i = 0; i < std::min(kPerShift, others); ++i)
        plan_service(id, team, members_[team][1 + (first + i) % others], from);
      if (day >= 20 && day < 20 + kOverlaps) plan_overlap(day, team, from);
      decide(day, id, team, from);
    }
    const std::size_t step = std::max<std::size_t>(1, services_.size() / (kMissing + 1));
    for (std::size_t i = 1; i <= kMissing && i * step < services_.size(); ++i)
      services_[i * step].is_missing = true;
  }

  void plan_service(const std::string& shift, std::size_t team, std::size_t phone,
                    std::int64_t from) {
    const auto late = static_cast<std::int64_t>(rng_.below(20)) * kMinute;
    const auto stay = static_cast<std::int64_t>(60 + rng_.below(90)) * kMinute;
    services_.push_back({shift, team, phone, from + late, from + late + stay, 'A', false});
  }

  /// A second shift of the same team at the same time, and one who is said to have been at both.
  void plan_overlap(int day, std::size_t team, std::int64_t from) {
    const std::string id = "demo-o" + std::to_string(day);
    plan_shift(id, team, from + 30 * kMinute, from + 210 * kMinute);
    Service twice = services_.back();
    twice.shift = id;
    twice.in = twice.in + 40 * kMinute;
    twice.out = twice.in + 60 * kMinute;
    services_.push_back(twice);
  }

  /// A 61 %, B 27 %, C 9 %, D 3 %, in the order of the dice; both ends of a service have the grade.
  void give_grades() {
    const std::size_t n = services_.size();
    std::vector<char> grades(n, 'A');
    const std::size_t b = n * 27 / 100, c = n * 9 / 100, d = (n * 3 + 50) / 100;
    for (std::size_t i = 0; i < b + c + d; ++i) grades[i] = i < b ? 'B' : i < b + c ? 'C' : 'D';
    for (std::size_t i = n; i > 1; --i) std::swap(grades[i - 1], grades[rng_.below(i)]);
    for (std::size_t i = 0; i < n; ++i) services_[i].grade = grades[i];
  }

  /// Confirmed the evening after, final nine days later; one of the last is disputed.
  void decide(int day, const std::string& shift, std::size_t team, std::int64_t from) {
    if (day > kDays - kFreshDays) return;
    const std::int64_t at = from + kDay;
    std::vector<std::string> ids;
    for (const Service& one : services_)
      if (one.shift == shift) ids.push_back(shift + ":" + phones_[one.phone].person);
    if (ids.empty()) return;
    const DemoPhone& lead = phones_[members_[team].front()];
    call(at, {lead.account, "hours.confirm", {{"ids", ids}}});
    if (day == kDays - kFreshDays) {
      call(at + kDay, {account_id(4),
                       "hours.dispute",
                       {{"id", ids.back()}, {"reason", "有人说那天提前走了，请核对"}}});
      ids.pop_back();
    }
    if (!ids.empty()) call(at + 9 * kDay, {account_id(2), "hours.finalise", {{"ids", ids}}});
  }

  void serve(const Service& one) {
    mark(one, true, one.in);
    if (!one.is_missing) mark(one, false, one.out);
  }

  void mark(const Service& one, bool is_in, std::int64_t at) {
    if (one.grade == 'D') return enter(one, is_in, at);
    DemoPhone& lead = phones_[members_[one.team].front()];
    DemoPhone& mine = phones_[one.phone];
    checkin::LeadCode what;
    what.team = kTeams[one.team].id;
    what.shift = one.shift;
    what.window = checkin::window_of(at);
    const std::string qr =
        checkin::encode(checkin::make_lead_code(lead.key, what, as_bytes("demo " + one.shift)));
    // C: the code was two and a half minutes old.
    const std::int64_t scanned = at + (one.grade == 'C' ? 150'000 : 6'000);
    Entry entry = draft(one, is_in ? EntryType::check_in : EntryType::check_out, scanned);
    entry.method = checkin::Method::lead_code;
    const Sha256 hash = checkin::code_hash(qr).value();
    entry.evidence = as_text(hash);
    entry = mine.sign(std::move(entry));
    Json args = args_of(entry);
    args["qr"] = qr;
    // Phones come into a net in the evening.
    const std::int64_t evening = at + 5 * 60 * kMinute;
    call(evening, {mine.account, "attendance.record", args, scanned});
    if (one.grade != 'A') return;
    Entry counter = draft(one, EntryType::countersign, scanned + 9'000);
    const Sha256 signed_hash = checkin::entry_hash(entry);
    counter.evidence = as_text(signed_hash);
    args["countersign"] = checkin::encode(lead.sign(std::move(counter)));
    call(evening, {lead.account, "attendance.record", args, scanned + 9'000});
  }

  void enter(const Service& one, bool is_in, std::int64_t at) {
    DemoPhone& lead = phones_[members_[one.team].front()];
    Entry entry = draft(one, is_in ? EntryType::lead_in : EntryType::lead_out, at + 20'000);
    entry.evidence = checkin::evidence_of(at);
    entry.note = "没带手机，现场点名";
    entry = lead.sign(std::move(entry));
    call(at + 5 * 60 * kMinute, {lead.account, "attendance.record", args_of(entry), at + 20'000});
  }

  Entry draft(const Service& one, EntryType type, std::int64_t at) const {
    Entry out;
    out.type = type;
    out.at = at;
    out.shift = one.shift;
    out.person = phones_[one.phone].person;
    return out;
  }

  static Json args_of(const Entry& entry) {
    return {{"id", checkin::entry_id(entry)},
            {"entry", checkin::encode(entry)},
            {"shift", entry.shift},
            {"person", entry.person},
            {"kind", checkin::kind_name(entry.type)}};
  }

  /// Nobody has these phones: they must not count as ways to reach a person.
  void lose(std::size_t phone) {
    if (!lost_.insert(phone).second) return;
    const Json args = {{"cid", client_id_of(phones_[phone].key.pub()).hex()}, {"reason", "demo"}};
    call(today_ - 60 * kMinute, {"", "identity.revoke_device", args});
  }

  SeededRng rng_;
  std::int64_t today_ = 0;
  std::int64_t morning_ = 0;
  std::vector<DemoPhone> phones_;
  std::array<std::vector<std::size_t>, kTeams.size()> members_;
  std::vector<std::size_t> leads_;
  std::vector<Service> services_;
  std::set<std::size_t> lost_;
  std::map<std::int64_t, std::vector<DemoCall>> moments_;
};

}  // namespace

std::vector<DemoMoment> service_history(const DemoOptions& options,
                                        std::span<const DemoCall> people) {
  return History(options, people).run();
}

}  // namespace linli::community::demo
