// SPDX-License-Identifier: Apache-2.0
// From the records of a shift and person to its row of hours.
#include <algorithm>
#include <map>

#include "server/community/teams/hours.h"

namespace linli::community::teams {
namespace {

using checkin::Mark;

bool is_mark(const Json& record) {
  const std::string kind = json_text(record, "kind");
  return (kind == "in" || kind == "out") && !record.contains("refused");
}

/// The records of a person, and of walk-ups that turned out to be this person.
std::vector<Record> all_records(ReadContext& ctx, const std::string& shift,
                                const std::string& person) {
  std::vector<Record> out = records_of(ctx, shift, person);
  std::vector<Record> claimed;
  for (const Record& one : out)
    if (json_text(*one.row, "kind") == "claim" && !is_walk_up(person))
      for (Record& other : records_of(ctx, shift, json_text(*one.row, "walk_up")))
        if (is_mark(*other.row)) claimed.push_back(std::move(other));
  for (Record& one : claimed) out.push_back(std::move(one));
  return out;
}

/// What else is known of marks: when their own device sent them, and who countersigned.
struct Around {
  std::map<std::string, std::int64_t, std::less<>> captured;
  std::map<std::string, const Json*, std::less<>> countersigns;
};

Around around(const std::vector<Record>& records) {
  Around out;
  for (const Record& one : records) {
    const std::string kind = json_text(*one.row, "kind");
    if (kind == "seen")
      out.captured[json_text(*one.row, "target")] = json_int(*one.row, "captured");
    if (kind != "countersign" || one.row->contains("refused")) continue;
    const Json*& best = out.countersigns[json_text(*one.row, "target")];
    const auto order = [](const Json& row) {
      return std::pair(json_int(row, "device_at"), json_text(row, "entry"));
    };
    if (best == nullptr || order(*one.row) < order(*best)) best = one.row.get();
  }
  return out;
}

Mark mark_of(const Record& record, const checkin::Entry& entry, const Around& known) {
  Mark out;
  out.id = record.key;
  out.is_in = checkin::is_in(entry.type);
  out.is_by_lead = checkin::is_by_lead(entry.type);
  out.method = entry.method;
  out.at = entry.at;
  out.device = json_text(*record.row, "cid");
  out.boot = entry.boot;
  out.mono = entry.mono;
  out.window = static_cast<std::uint32_t>(json_int(*record.row, "window"));
  out.lead = json_text(*record.row, "lead");
  out.is_elsewhere = json_bool(*record.row, "elsewhere");
  if (record.row->contains("captured")) out.captured = json_int(*record.row, "captured");
  if (const auto seen = known.captured.find(record.key); seen != known.captured.end())
    out.captured = seen->second;
  if (const auto signed_by = known.countersigns.find(record.key);
      signed_by != known.countersigns.end()) {
    out.counter_at = json_int(*signed_by->second, "device_at");
    if (signed_by->second->contains("captured"))
      out.counter_captured = json_int(*signed_by->second, "captured");
  }
  if (out.is_by_lead) out.claimed = checkin::claimed_time(entry).value_or(0);
  return out;
}

struct Marks {
  std::vector<Mark> marks;
  checkin::Flags flags;
};

Marks marks_of(ReadContext& ctx, const std::vector<Record>& records) {
  Marks out;
  const Around known = around(records);
  for (const Record& one : records) {
    if (!is_mark(*one.row)) continue;
    const auto entry = checkin::parse_entry(json_text(*one.row, "entry"));
    if (!entry) continue;
    out.marks.push_back(mark_of(one, *entry, known));
    // Two entries at one place of a device's chain: the phone was copied. Both count, and tell.
    const std::string place = exact(json_text(*one.row, "cid")) + pos_key(entry->dseq);
    if (ctx.scan("attendance.device", place, std::nullopt, 2).size() > 1) out.flags.insert("fork");
  }
  return out;
}

/// What the office and leads decided, in the order of the log.
struct Decisions {
  Row confirm, final, dispute, asked, approved;
  std::string asked_id;
  bool is_corrected_after_final = false;
  bool is_void = false;

  void take(const Record& record) {
    const std::string kind = json_text(*record.row, "kind");
    if (kind == "confirm") confirm = record.row;
    if (kind == "finalise") final = record.row;
    if (kind == "dispute") dispute = record.row;
    if (kind == "resolve") {
      dispute = nullptr;
      is_void = json_text(*record.row, "outcome") == "void";
    }
    if (kind == "correction") {
      asked = record.row;
      asked_id = record.key;
    }
    if (kind == "approval" && asked != nullptr) {
      approved = asked;
      asked = nullptr;
      is_corrected_after_final = final != nullptr;
    }
  }
};

std::string state_of(const Decisions& decided, const Json& row, bool is_open) {
  if (decided.is_void) return "void";
  if (decided.dispute != nullptr) return "disputed";
  if (decided.final != nullptr) return decided.is_corrected_after_final ? "corrected" : "final";
  if (is_open) return "open";
  const bool is_confirmed =
      decided.confirm != nullptr && decided.confirm->at("minutes") == row.at("minutes");
  return is_confirmed ? "publicised" : "pending";
}

void apply(const Decisions& decided, const checkin::Presence& got, Json& row,
           checkin::Flags& flags) {
  row["minutes"] = got.minutes;
  if (decided.final != nullptr) {
    row["minutes"] = decided.final->at("minutes");
    row["counted"] = decided.final->at("counted");
    if (json_int(*decided.final, "computed") != got.minutes) flags.insert("late_entry");
  }
  if (decided.approved != nullptr) row["minutes"] = decided.approved->at("minutes");
  if (decided.approved != nullptr && decided.is_corrected_after_final)
    row["counted"] = decided.approved->at("minutes");
  if (decided.is_void) row["minutes"] = row["counted"] = 0;
  row["computed"] = got.minutes;
  row["state"] = state_of(decided, row, got.is_open);
  if (decided.confirm != nullptr) {
    row["confirmed_by"] = decided.confirm->at("by");
    if (row["state"] == "publicised") row["until"] = decided.confirm->at("until");
    if (row["state"] == "pending") flags.insert("changed");
  }
  if (decided.dispute != nullptr) row["dispute"] = decided.dispute->at("reason");
  if (decided.asked != nullptr)
    row["correction"] = {{"id", decided.asked_id},
                         {"minutes", decided.asked->at("minutes")},
                         {"reason", decided.asked->at("reason")},
                         {"by", decided.asked->at("by")}};
}

std::string name_of(ReadContext& ctx, const std::string& team, const std::string& person) {
  const Row walk_up = is_walk_up(person) ? ctx.get("walkup", person) : nullptr;
  if (walk_up != nullptr) return json_text(*walk_up, "name");
  const Row member = ctx.get("team_member", pair_key(team, person));
  if (member != nullptr) return json_text(*member, "name");
  const Row who = ctx.get("person", person);
  return who ? json_text(*who, "name") : std::string();
}

void flag_member(ReadContext& ctx, const std::string& team, const std::string& person,
                 checkin::Flags& flags) {
  if (is_walk_up(person)) return static_cast<void>(flags.insert("walk_up"));
  const Row member = ctx.get("team_member", pair_key(team, person));
  if (member == nullptr || json_text(*member, "state") == "requested") flags.insert("not_member");
  if (lacks_consent(ctx, team, person)) flags.insert("no_consent");
}

}  // namespace

std::optional<Json> derive(ReadContext& ctx, const std::string& shift, const std::string& person) {
  const Row about = ctx.get("shift", shift);
  if (about == nullptr) return std::nullopt;
  const std::vector<Record> records = all_records(ctx, shift, person);
  Marks marks = marks_of(ctx, records);
  if (marks.marks.empty()) return std::nullopt;
  const checkin::ShiftTimes times{json_int(*about, "from"), json_int(*about, "to"),
                                  json_bool(*about, "has_travel")};
  const std::string shift_state = json_text(*about, "state");
  const auto auto_out = shift_state == "closed" ? std::optional(times.to) : std::nullopt;
  const checkin::Presence got = checkin::presence(std::move(marks.marks), times, auto_out);
  checkin::Flags flags = got.flags;
  flags.insert(marks.flags.begin(), marks.flags.end());
  if (shift_state == "cancelled") flags.insert("cancelled");
  const std::string team = json_text(*about, "team");
  flag_member(ctx, team, person, flags);
  Json row = {{"shift", shift},
              {"team", team},
              {"community", json_text(*about, "community")},
              {"title", about->at("title")},
              {"person", person},
              {"name", name_of(ctx, team, person)},
              {"day", day_of(got.in_at == 0 ? times.from : got.in_at)},
              {"in_at", got.in_at},
              {"out_at", got.out_at},
              {"grade", checkin::grade_name(got.grade)}};
  Decisions decided;
  for (const Record& one : records) decided.take(one);
  apply(decided, got, row, flags);
  const bool is_claimed = std::ranges::any_of(records, [&](const Record& one) {
    return is_walk_up(person) && json_text(*one.row, "kind") == "claim";
  });
  if (is_claimed) {
    row["minutes"] = row["counted"] = 0;
    row["state"] = "void";
    flags.insert("claimed");
  }
  row["flags"] = flags;
  return row;
}

}  // namespace linli::community::teams
