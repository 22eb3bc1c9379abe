// SPDX-License-Identifier: Apache-2.0
// Goal:   offline check-in and check-out become hours that nobody can quietly change (VOL-1..10).
// Method: phones with real keys make entries; the real modules take them in different orders.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/service_day.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> whats(const std::vector<community::teams::Finding>& findings) {
  std::vector<std::string> out;
  for (const auto& one : findings) out.push_back(one.what);
  return out;
}

TEST(VOL_2, BothSignedIsGradeAWhateverComesFirst) {
  for (const bool lead_first : {true, false}) {
    ServiceDay day;
    const std::int64_t out_at = day.start + 120 * kMinuteMs;
    const Json in = day.scan(day.li, true, day.start + 12'000, day.start);
    const Json back = day.scan_back(in, day.start + 20'000);
    const Json out = day.scan(day.li, false, out_at + 5'000, out_at);
    const Json out_back = day.scan_back(out, out_at + 9'000);
    day.clock().advance(5h);
    const auto by_volunteer = [&] {
      EXPECT_TRUE(day.send(day.li, in, day.start + 12'000));
      EXPECT_TRUE(day.send(day.li, out, out_at + 5'000));
    };
    const auto by_lead = [&] {
      EXPECT_TRUE(day.send(day.lead, back, day.start + 20'000));
      EXPECT_TRUE(day.send(day.lead, out_back, out_at + 9'000));
    };
    if (lead_first)
      by_lead(), by_volunteer();
    else
      by_volunteer(), by_lead();
    const Json row = day.hours("p-li");
    EXPECT_EQ(row.at("grade"), "A") << row;
    EXPECT_EQ(row.at("minutes"), 120);
    EXPECT_EQ(row.at("counted"), 120);
    EXPECT_EQ(row.at("flags"), Json::array()) << row;
    EXPECT_EQ(row.at("state"), "pending");
    const auto verdict = day.verdict();
    EXPECT_TRUE(verdict.findings.empty()) << verdict.findings.front().detail;
    EXPECT_TRUE(verdict.flagged.empty()) << verdict.flagged.front().detail;
  }
}

TEST(VOL_2, OnlyTheVolunteersPhoneIsGradeB) {
  ServiceDay day;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start), day.start));
  EXPECT_EQ(day.hours("p-li").at("grade"), "B");
  EXPECT_EQ(day.hours("p-li").at("state"), "open");
}

TEST(VOL_2, ARepeatedScanOrPushChangesNothing) {
  ServiceDay day;
  const Json in = day.scan_back(day.scan(day.li, true, day.start, day.start), day.start + 5'000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(day.send(day.lead, in, day.start + 5'000));
  EXPECT_EQ(day.row("log_head", "head").at("n"), 2) << "the entry and its countersign";
}

TEST(VOL_3, APhotoUsedTwoMinutesLaterDropsToCAndIsFlagged) {
  ServiceDay day;
  const std::int64_t late = day.start + 2 * kMinuteMs;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, late, day.start), late));
  EXPECT_EQ(day.hours("p-li").at("grade"), "C");
  EXPECT_TRUE(day.has_flag("p-li", "late"));
}

TEST(VOL_3, ACodeOfAnotherShiftIsRefusedBeforeTheQueue) {
  ServiceDay day;
  day.make_shift("s2", day.start, day.end);
  Json args = day.scan(day.li, true, day.start, day.start, "s2");
  checkin::Entry entry = day.li.mark(checkin::EntryType::check_in, day.start, "s1");
  entry.method = checkin::Method::lead_code;
  const Sha256 hash = checkin::code_hash(json_text(args, "qr")).value();
  entry.evidence = as_text(hash);
  entry = day.li.make(entry);
  args["entry"] = checkin::encode(entry);
  args["id"] = checkin::entry_id(entry);
  args["shift"] = "s1";
  EXPECT_EQ(day.send(day.li, args, day.start).error().code, Errc::invalid_argument);
}

TEST(VOL_3, ACodeOfAnotherPlaceDropsToCAndIsNamed) {
  ServiceDay day;
  day.make_shift("s2", day.start, day.end, {{"place", "yard-6"}});
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start, "s2"), day.start));
  EXPECT_EQ(day.hours("p-li", "s2").at("grade"), "C");
  EXPECT_TRUE(day.has_flag("p-li", "elsewhere", "s2"));
  EXPECT_EQ(whats(day.verdict().flagged), std::vector<std::string>{"refused"});
}

TEST(VOL_3, OneCodeIsOneActOfOnePerson) {
  ServiceDay day;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start), day.start));
  const auto again =
      day.send(day.li, day.scan(day.li, true, day.start + 1'000, day.start), day.start + 1'000);
  EXPECT_EQ(again->at("refused"), "already_used");
  EXPECT_TRUE(day.send(day.chen, day.scan(day.chen, true, day.start, day.start), day.start));
  EXPECT_EQ(day.hours("p-chen").at("grade"), "B") << "others may scan the same screen";
}

TEST(VOL_4, SixDigitsHoldForSixtySeconds) {
  ServiceDay day;
  const std::string digits =
      checkin::six_digits(as_bytes(day.shift_key("s1")), checkin::window_of(day.start));
  const std::int64_t in_time = day.start + 59'000;
  EXPECT_TRUE(day.send(day.li, day.with_digits(day.li, true, in_time, digits), in_time));
  EXPECT_EQ(day.hours("p-li").at("grade"), "C");
  const std::int64_t late = day.start + 60'000;
  EXPECT_TRUE(day.send(day.chen, day.with_digits(day.chen, true, late, digits), late));
  EXPECT_EQ(day.hours("p-chen").at("grade"), "D");
  EXPECT_TRUE(day.has_flag("p-chen", "late_digits"));
}

TEST(VOL_4, DigitsOfTheDayBeforeOrFarFromTheShiftAreRefused) {
  ServiceDay day;
  const auto digits = [&](std::int64_t at) {
    return checkin::six_digits(as_bytes(day.shift_key("s1")), checkin::window_of(at));
  };
  const auto refused = [&](std::int64_t shown, std::int64_t typed) {
    const auto said = day.send(day.li, day.with_digits(day.li, true, typed, digits(shown)), typed);
    return said->contains("refused");
  };
  EXPECT_TRUE(refused(day.start - 61 * kMinuteMs, day.start)) << "before it was shown";
  EXPECT_TRUE(refused(day.start, day.start + 121 * kMinuteMs)) << "too late";
  EXPECT_FALSE(refused(day.start, day.start + 119 * kMinuteMs));
}

TEST(VOL_5, AWalkUpIsEnteredByTheLeadAndClaimedLater) {
  ServiceDay day;
  const Json name = {{"name", "陈大爷"}, {"last4", "0002"}};
  EXPECT_TRUE(day.send(day.lead, day.by_lead(true, day.start, day.start, "w-1", name), day.start));
  const std::int64_t out = day.start + 60 * kMinuteMs;
  EXPECT_TRUE(day.send(day.lead, day.by_lead(false, out, out, "w-1", name), out));
  EXPECT_EQ(day.hours("w-1").at("grade"), "D");
  EXPECT_EQ(day.call(day.li.account, "attendance.claim", {{"walk_up", "w-1"}, {"person", "p-li"}})
                .error()
                .code,
            Errc::forbidden)
      << "another name and number";
  day.must(day.chen.account, "attendance.claim", {{"walk_up", "w-1"}, {"person", "p-chen"}});
  EXPECT_EQ(day.hours("p-chen").at("minutes"), 60);
  EXPECT_EQ(day.hours("w-1").at("state"), "void");
  EXPECT_TRUE(day.verdict().findings.empty());
}

TEST(VOL_6, AForgedSignatureNeverReachesTheQueue) {
  ServiceDay day;
  Json args = day.scan(day.li, true, day.start, day.start);
  checkin::Entry entry = checkin::parse_entry(json_text(args, "entry")).value();
  entry.at += 1;
  args["entry"] = checkin::encode(entry);
  args["id"] = checkin::entry_id(entry);
  EXPECT_EQ(day.send(day.li, args, day.start).error().code, Errc::bad_signature);
}

TEST(VOL_6, NobodyChecksInForAnother) {
  ServiceDay day;
  const Json args = day.scan(day.li, true, day.start, day.start);
  EXPECT_EQ(day.send(day.chen, args, day.start).error().code, Errc::forbidden);
  const Json own = day.scan(day.lead, true, day.start, day.start);
  EXPECT_EQ(day.send(day.lead, own, day.start)->at("refused"), "own_code");
}

TEST(VOL_6, ACopiedPhoneIsKeptAndNamed) {
  ServiceDay day;
  ServicePhone copy = day.li;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start), day.start));
  day.make_shift("s2", day.start, day.end);
  EXPECT_TRUE(day.send(copy, day.scan(copy, true, day.start, day.start, "s2"), day.start));
  EXPECT_TRUE(day.has_flag("p-li", "fork"));
  EXPECT_TRUE(day.has_flag("p-li", "fork", "s2"));
  EXPECT_EQ(whats(day.verdict().flagged), std::vector<std::string>{"fork"});
}

TEST(VOL_8, WhoForgetsToCheckOutIsClosedAtThePlannedEndAndListed) {
  ServiceDay day;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start), day.start));
  day.clock().advance(4h);
  day.settle();
  EXPECT_EQ(day.hours("p-li").at("minutes"), 180);
  EXPECT_TRUE(day.has_flag("p-li", "auto"));
  EXPECT_EQ(day.ask(day.window, "hours.missing", Json::object())->at("hours").size(), 1U);
  // The phone comes back into a net: its own check-out wins.
  const std::int64_t out = day.start + 90 * kMinuteMs;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, false, out, out), out));
  EXPECT_EQ(day.hours("p-li").at("minutes"), 90);
  EXPECT_FALSE(day.has_flag("p-li", "auto"));
  EXPECT_TRUE(day.verdict().findings.empty());
}

/// Rows of the outbox that remind, with who would be written to right now.
std::pair<std::vector<Json>, std::vector<std::string>> reminders(ServiceDay& day) {
  std::vector<Json> told;
  for (Json& row : day.outbox("notice_sent"))
    if (json_text(row, "notice").starts_with("shift-")) told.push_back(std::move(row));
  std::vector<std::string> persons;
  if (told.empty()) return {told, persons};
  const auto page = day.ask("", "shift.recipients", {{"id", told.front().at("notice")}});
  for (const Json& one : page->at("recipients")) {
    EXPECT_TRUE(one.at("helpers").empty()) << "family is not told where somebody serves";
    persons.push_back(json_text(one, "person"));
  }
  return {told, persons};
}

TEST(VOL_8, WhoIsStillInAfterTheEndIsRemindedOnceAndQuietly) {
  ServiceDay day;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start), day.start));
  EXPECT_TRUE(day.send(day.chen, day.scan(day.chen, true, day.start, day.start), day.start));
  const std::int64_t out = day.start + 60 * kMinuteMs;
  EXPECT_TRUE(day.send(day.chen, day.scan(day.chen, false, out, out), out));
  const auto at = [&](std::int64_t after_end) {
    day.clock().advance(Millis{day.end + after_end - to_unix_ms(day.clock().now())});
    day.settle();
  };
  at(4 * kMinuteMs);
  EXPECT_TRUE(reminders(day).first.empty()) << "nobody is rushed";
  at(6 * kMinuteMs);
  const auto [told, persons] = reminders(day);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(persons, std::vector<std::string>{"p-li"});
  EXPECT_FALSE(told.front().at("needs_ack")) << "policy `tell`: no SMS, no knock";
  EXPECT_FALSE(told.front().at("urgent"));
  EXPECT_FALSE(told.front().contains("public_areas"));
  EXPECT_EQ(told.front().at("valid_to"), day.end + 30 * kMinuteMs) << "over when it is closed";
  EXPECT_TRUE(day.outbox("person_acked").empty());
  const std::int64_t late = day.end + 7 * kMinuteMs;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, false, late, late), late));
  EXPECT_EQ(day.outbox("person_acked").size(), 1U) << "the ladder ends";
  EXPECT_TRUE(reminders(day).second.empty());
  at(60 * kMinuteMs);
  EXPECT_EQ(reminders(day).first.size(), 1U);
}

TEST(VOL_8, NobodyIsRemindedOfAShiftThatIsClosedOrCalledOff) {
  for (const bool is_cancelled : {true, false}) {
    ServiceDay day;
    EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start), day.start));
    if (is_cancelled) day.must(day.window, "shift.cancel", {{"id", "s1"}, {"reason", "下雨"}});
    // The server was down until long after.
    day.clock().advance(is_cancelled ? 3h + 10min : 5h);
    day.settle();
    EXPECT_TRUE(reminders(day).first.empty()) << is_cancelled;
  }
}

TEST(VOL_9, WhatOverlapsIsFlaggedAndCountedOnce) {
  ServiceDay day;
  day.make_shift("s2", day.start + 60 * kMinuteMs, day.end + 60 * kMinuteMs);
  const auto at = [&](int minutes) { return day.start + minutes * kMinuteMs; };
  for (const auto& [shift, in, out] : {std::tuple("s2", 60, 180), std::tuple("s1", 0, 120)}) {
    EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, at(in), at(in), shift), at(in)));
    EXPECT_TRUE(day.send(day.li, day.scan(day.li, false, at(out), at(out), shift), at(out)));
  }
  EXPECT_EQ(day.hours("p-li", "s1").at("counted"), 120);
  EXPECT_EQ(day.hours("p-li", "s2").at("counted"), 60);
  EXPECT_TRUE(day.has_flag("p-li", "overlap", "s2"));
  EXPECT_TRUE(day.verdict().findings.empty());
}

TEST(VOL_10, APhoneTwoHoursWrongCountsByTheLeadsClockAndIsFlagged) {
  ServiceDay day;
  day.li.clock_error = 120 * kMinuteMs;
  const std::int64_t out = day.start + 60 * kMinuteMs;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start), day.start));
  day.li.clock_error = 0;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, false, out, out), out));
  EXPECT_EQ(day.hours("p-li").at("minutes"), 60);
  EXPECT_TRUE(day.has_flag("p-li", "clock"));
  EXPECT_EQ(day.hours("p-li").at("in_at"), day.start);
}

}  // namespace
}  // namespace linli::test
