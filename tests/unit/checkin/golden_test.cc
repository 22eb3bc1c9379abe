// SPDX-License-Identifier: Apache-2.0
// Goal:   the bytes of codes, entries, log and the rules of hours never change by accident.
// Method: build tests/protocol/checkin.json from the code and compare it with the committed file;
//         LINLI_REGENERATE=1 writes it instead.
#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "base/environment.h"
#include "base/json.h"
#include "checkin/log.h"
#include "tests/unit/checkin/samples.h"

namespace linli::checkin {
namespace {

using namespace test;
using Ordered = nlohmann::ordered_json;
constexpr const char* kFile = "tests/protocol/checkin.json";

Ordered key_vectors() {
  Ordered out = Ordered::array();
  for (const auto& [who, number] :
       {std::pair("lead", 1), std::pair("volunteer", 2), std::pair("server", 3)}) {
    const KeyPair pair = key_of(static_cast<std::uint8_t>(number));
    out.push_back({{"who", who},
                   {"seed", to_hex(pair.seed().view())},
                   {"pub", to_hex(pair.pub())},
                   {"cid", client_id_of(pair.pub()).hex()}});
  }
  return out;
}

Ordered code_vectors() {
  Ordered lead = Ordered::array();
  for (const std::int64_t at : {kStart, kStart + 29'999, kStart + 30'000}) {
    const LeadCode code = lead_code_at(at);
    lead.push_back({{"lead_time", at},
                    {"window", code.window},
                    {"team", code.team},
                    {"shift", code.shift},
                    {"place", code.place},
                    {"nonce", to_hex(code.nonce)},
                    {"sig", to_hex(code.sig)},
                    {"text", encode(code)},
                    {"hash", to_hex(code_hash(encode(code)).value())}});
  }
  StationCode station{"lianxinqiao", {}};
  station.secret.fill(0x33);
  Ordered digits = Ordered::array();
  for (const std::uint32_t window : {0U, window_of(kStart), window_of(kStart) + 1})
    digits.push_back({{"window", window}, {"digits", six_digits(as_bytes(shift_key()), window)}});
  const std::string text = encode(station);
  return {{"shift_key", to_hex(as_bytes(shift_key()))},
          {"lead", lead},
          {"station",
           {{"station", station.station},
            {"secret", to_hex(station.secret)},
            {"text", text},
            {"hash", to_hex(code_hash(text).value())}}},
          {"digits", digits}};
}

Ordered entry_vector(const char* name, const Entry& entry) {
  return {{"name", name},
          {"type", static_cast<int>(entry.type)},
          {"device", to_hex(entry.device)},
          {"dseq", entry.dseq},
          {"prev", to_hex(entry.prev)},
          {"at", entry.at},
          {"boot", entry.boot},
          {"mono", entry.mono},
          {"shift", entry.shift},
          {"person", entry.person},
          {"method", static_cast<int>(entry.method)},
          {"evidence", to_hex(as_bytes(entry.evidence))},
          {"note", entry.note},
          {"nonce", to_hex(entry.nonce)},
          {"sig", to_hex(entry.sig)},
          {"text", encode(entry)},
          {"hash", to_hex(entry_hash(entry))},
          {"id", entry_id(entry)}};
}

Ordered entry_vectors() {
  const Entry in = mark_entry(EntryType::check_in, kStart + 12'000, lead_code_at(kStart), nullptr);
  const Entry out = mark_entry(EntryType::check_out, kStart + 120 * kMinute,
                               lead_code_at(kStart + 120 * kMinute), &in);
  const Entry signed_in = countersign(in, kStart + 20'000, nullptr);
  Entry manual;
  manual.type = EntryType::lead_in;
  manual.at = kStart + 90 * kMinute;
  manual.shift = in.shift;
  manual.person = "w-0192f0c1";
  manual.evidence = evidence_of(kStart);
  manual.note = "手机没电";
  manual.dseq = 2;
  manual.prev = entry_hash(signed_in);
  Entry digits;
  digits.type = EntryType::check_in;
  digits.at = kStart;
  digits.shift = in.shift;
  digits.person = "p-elder";
  digits.method = Method::digits;
  digits.evidence = "012345";
  return {entry_vector("check_in", in), entry_vector("check_out", out),
          entry_vector("countersign", signed_in),
          entry_vector("lead_in", sign_entry(key_of(1), manual)),
          entry_vector("digits", sign_entry(key_of(2), digits))};
}

Ordered log_vectors() {
  Ordered links = Ordered::array();
  Head head;
  for (const std::string text : {R"({"kind":"in","pos":1})", R"({"kind":"out","pos":2})"}) {
    const Sha256 record = record_hash(text);
    head = append(head, record);
    links.push_back(
        {{"record", text}, {"hash", to_hex(record)}, {"n", head.n}, {"link", to_hex(head.link)}});
  }
  const Signature sig = sign_head(key_of(3), "huainan", "2026-03-04", head);
  return {{"links", links},
          {"head",
           {{"slug", "huainan"},
            {"day", "2026-03-04"},
            {"n", head.n},
            {"link", to_hex(head.link)},
            {"sig", to_hex(sig)}}}};
}

// --- Rules ------------------------------------------------------------------------------------

Ordered json_of(const Mark& mark) {
  Ordered out = {{"id", mark.id},
                 {"in", mark.is_in},
                 {"by_lead", mark.is_by_lead},
                 {"method", static_cast<int>(mark.method)},
                 {"at", mark.at}};
  if (mark.captured) out["captured"] = *mark.captured;
  out["device"] = mark.device;
  out["boot"] = mark.boot;
  out["mono"] = mark.mono;
  out["window"] = mark.window;
  out["lead"] = mark.lead;
  out["elsewhere"] = mark.is_elsewhere;
  if (mark.counter_at) out["counter_at"] = *mark.counter_at;
  if (mark.counter_captured) out["counter_captured"] = *mark.counter_captured;
  out["claimed"] = mark.claimed;
  return out;
}

struct JudgeCase {
  const char* name;
  std::function<void(Mark&)> change;
};

Ordered judge_vectors() {
  const auto countersigned = [](std::int64_t after) {
    return [after](Mark& m) { m.counter_at = m.counter_captured = kStart + after; };
  };
  const std::vector<JudgeCase> cases = {
      {"co-signed", countersigned(20'000)},
      {"co-signed at the last fresh moment", countersigned(119'999)},
      {"scanned back after two minutes", countersigned(120'000)},
      {"rotating code only", [](Mark&) {}},
      {"a photo used two minutes later", [](Mark& m) { m.at = *m.captured = kStart + 120'000; }},
      {"at another place", [](Mark& m) { m.is_elsewhere = true; }},
      {"phone two hours wrong, corrected", [](Mark& m) { m.at = kStart + 120 * kMinute; }},
      {"lead's phone an hour wrong",
       [](Mark& m) {
         m.counter_at = kStart, m.counter_captured = kStart + 60 * kMinute,
         m.at = *m.captured = kStart + 60 * kMinute;
       }},
      {"printed code", [](Mark& m) { m.method = Method::station_code, m.lead.clear(); }},
      {"digits in time", [](Mark& m) { m.method = Method::digits, *m.captured = kStart + 59'999; }},
      {"digits too late",
       [](Mark& m) { m.method = Method::digits, *m.captured = kStart + 60'000; }},
      {"entered by the lead",
       [](Mark& m) { m.is_by_lead = true, m.method = Method::none, m.claimed = kStart; }}};
  Ordered out = Ordered::array();
  for (const JudgeCase& one : cases) {
    Mark mark = lead_mark(true, kStart);
    one.change(mark);
    const Judged judged = judge(mark);
    Ordered item = {{"name", one.name},
                    {"mark", json_of(mark)},
                    {"grade", grade_name(judged.grade)},
                    {"time", judged.time}};
    if (judged.lead_time) item["lead_time"] = *judged.lead_time;
    item["flags"] = judged.flags;
    out.push_back(std::move(item));
  }
  return out;
}

struct PresenceCase {
  const char* name;
  std::vector<Mark> marks;
  bool has_travel = false;
  bool is_auto = false;
};

std::vector<PresenceCase> presence_cases() {
  const Mark in = lead_mark(true, kStart);
  const Mark out = lead_mark(false, kStart + 120 * kMinute);
  Mark printed_in = in;
  printed_in.method = Method::station_code;
  printed_in.lead.clear();
  printed_in.boot = 9;
  printed_in.mono = 1000;
  Mark printed_out = printed_in;
  printed_out.id = "out";
  printed_out.is_in = false;
  // The clock was moved forward by two hours after one hour.
  printed_out.at = *printed_out.captured = kStart + 180 * kMinute;
  printed_out.mono = 1000 + 60 * kMinute;
  Mark other_lead = out;
  other_lead.lead = "d3";
  other_lead.counter_at = kStart + 120 * kMinute;
  other_lead.counter_captured = kStart + 130 * kMinute;
  Mark scanned_back = out;
  scanned_back.counter_at = kStart + 120 * kMinute;
  scanned_back.counter_captured = kStart + 30 * kMinute;
  Mark second_in = lead_mark(true, kStart + 30 * kMinute);
  second_in.id = "in2";
  return {{"two hours", {in, out}},
          {"order does not matter", {out, in}},
          {"early is cut", {lead_mark(true, kStart - 15 * kMinute), out}},
          {"early counts with travel", {lead_mark(true, kStart - 15 * kMinute), out}, true},
          {"not left yet", {in}},
          {"closed by the planned end", {in}, false, true},
          {"a late check-out wins over the automatic one", {in, out}, false, true},
          {"never came", {out}},
          {"checked in twice", {in, second_in, out}},
          {"clock moved, monotonic delta counts", {printed_in, printed_out}},
          {"two leads, one clock wrong", {in, other_lead}},
          {"one lead's clock wrong, only one scanned back", {in, scanned_back}}};
}

Ordered presence_vectors() {
  const ShiftTimes times{kStart, kStart + 180 * kMinute, false};
  Ordered out = Ordered::array();
  for (const PresenceCase& one : presence_cases()) {
    ShiftTimes shift = times;
    shift.has_travel = one.has_travel;
    const auto auto_out = one.is_auto ? std::optional(shift.to) : std::nullopt;
    const Presence got = presence(one.marks, shift, auto_out);
    Ordered marks = Ordered::array();
    for (const Mark& mark : one.marks) marks.push_back(json_of(mark));
    Ordered item = {{"name", one.name},
                    {"marks", marks},
                    {"from", shift.from},
                    {"to", shift.to},
                    {"travel", shift.has_travel}};
    if (auto_out) item["auto_out"] = *auto_out;
    item["in_at"] = got.in_at;
    item["out_at"] = got.out_at;
    item["minutes"] = got.minutes;
    item["open"] = got.is_open;
    item["grade"] = grade_name(got.grade);
    item["flags"] = got.flags;
    out.push_back(std::move(item));
  }
  return out;
}

Ordered count_vectors() {
  const auto span = [](const char* key, std::int64_t from, std::int64_t to) {
    return Span{key, kStart + from * kMinute, kStart + to * kMinute, to - from, 0, {}};
  };
  const std::vector<std::vector<Span>> cases = {{span("a", 0, 120), span("b", 60, 180)},
                                                {span("a", 0, 240), span("b", 60, 120)},
                                                {span("a", -480, -120), span("b", 0, 250)},
                                                {span("a", 0, 60), span("b", 60, 120)}};
  Ordered out = Ordered::array();
  for (std::vector<Span> spans : cases) {
    Ordered given = Ordered::array();
    for (const Span& one : spans)
      given.push_back(
          {{"key", one.key}, {"from", one.from}, {"to", one.to}, {"minutes", one.minutes}});
    constexpr std::int64_t kShanghai = 8 * 60 * kMinute;
    count_once(spans, kShanghai);
    Ordered counted = Ordered::array();
    for (const Span& one : spans)
      counted.push_back({{"key", one.key}, {"counted", one.counted}, {"flags", one.flags}});
    out.push_back({{"zone_ms", kShanghai}, {"spans", given}, {"counted", counted}});
  }
  return out;
}

TEST(CheckinGolden, BytesAndRulesAreThoseOfTheCommittedVectors) {
  const Ordered built = {{"keys", key_vectors()},        {"codes", code_vectors()},
                         {"entries", entry_vectors()},   {"log", log_vectors()},
                         {"judge", judge_vectors()},     {"presence", presence_vectors()},
                         {"count_once", count_vectors()}};
  const std::string text = built.dump(1) + "\n";
  if (environment("LINLI_REGENERATE")) std::ofstream(kFile) << text;
  std::ostringstream committed;
  committed << std::ifstream(kFile).rdbuf();
  EXPECT_EQ(committed.str(), text) << kFile << ": see tests/protocol/README.md";
}

}  // namespace
}  // namespace linli::checkin
