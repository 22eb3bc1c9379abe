// SPDX-License-Identifier: Apache-2.0
// Goal:   teams, call-outs, the life of hours and certificates keep their rules (VOL-7, 11..14).
// Method: the real modules with phones of real keys.
#include <gtest/gtest.h>

#include "tests/support/service_day.h"

namespace linli::test {
namespace {

using namespace std::chrono_literals;

/// 李敏 has two hours, complete.
struct Served : ServiceDay {
  Served() {
    const std::int64_t out = start + 120 * kMinuteMs;
    EXPECT_TRUE(send(li, scan(li, true, start, start), start));
    EXPECT_TRUE(send(li, scan(li, false, out, out), out));
    clock().advance(4h);
    settle();
  }
  std::string state() { return json_text(hours("p-li"), "state"); }
  Json id() { return Json{{"ids", {"s1:p-li"}}}; }
};

TEST(VOL_7, ACorrectionIsANewRecordWithReasonAndApproverAndTheOldOnesStay) {
  Served day;
  const auto before = day.rows().rows("attendance").size();
  day.must(day.lead.account, "attendance.correct",
           {{"id", "s1:p-li"}, {"minutes", 90}, {"reason", "中间离开半小时"}});
  const Json asked = day.hours("p-li").at("correction");
  EXPECT_EQ(day.hours("p-li").at("minutes"), 120) << "not before it is approved";
  const Json args = {{"id", "s1:p-li"}, {"correction", asked.at("id")}};
  EXPECT_EQ(day.call(day.lead.account, "attendance.approve", args).error().code, Errc::forbidden);
  day.must(day.approver, "attendance.approve", args);
  EXPECT_EQ(day.hours("p-li").at("minutes"), 90);
  EXPECT_EQ(day.rows().rows("attendance").size(), before + 2);
  EXPECT_TRUE(day.verdict().findings.empty());
}

TEST(VOL_11, ALeadConfirmsAndAnApproverFinalisesAfterSevenDays) {
  Served day;
  EXPECT_EQ(day.call(day.li.account, "hours.confirm", day.id()).error().code, Errc::forbidden);
  day.must(day.lead.account, "hours.confirm", day.id());
  EXPECT_EQ(day.state(), "publicised");
  EXPECT_TRUE(day.holds(day.chen.account, "publicity", "s1:p-li")) << "the team sees it";
  EXPECT_FALSE(day.holds(day.chen.account, "hours", "s1:p-li"));
  EXPECT_EQ(day.call(day.approver, "hours.finalise", day.id()).error().code, Errc::wrong_state);
  day.clock().advance(7 * 24h);
  day.must(day.approver, "hours.finalise", day.id());
  EXPECT_EQ(day.state(), "final");
  EXPECT_TRUE(day.row("publicity", "s1:p-li").is_null());
  EXPECT_TRUE(day.verdict().findings.empty());
}

TEST(VOL_11, WhatWasPublicLongEnoughIsListedAsReadyByItself) {
  Served day;
  const Json ready = {{"state", "publicised"}, {"ready", true}};
  const auto listed = [&] {
    return day.ask(day.approver, "hours.list", ready)->at("hours").size();
  };
  day.must(day.lead.account, "hours.confirm", day.id());
  day.settle();
  EXPECT_EQ(listed(), 0U);
  day.clock().advance(7 * 24h - 1min);
  day.settle();
  EXPECT_EQ(listed(), 0U);
  EXPECT_TRUE(day.holds(day.chen.account, "publicity", "s1:p-li"));
  day.clock().advance(1min);
  day.settle();
  EXPECT_EQ(listed(), 1U);
  EXPECT_TRUE(day.row("publicity", "s1:p-li").is_null()) << "the team's list is of what is public";
  EXPECT_TRUE(day.verdict().findings.empty());
  day.must(day.approver, "hours.finalise", day.id());
  EXPECT_EQ(listed(), 0U);
  EXPECT_FALSE(day.hours("p-li").contains("ready"));
}

TEST(VOL_11, ADisputeFreezesOnlyItsOwnHours) {
  Served day;
  day.must(day.lead.account, "hours.confirm", day.id());
  day.must(day.chen.account, "hours.dispute", {{"id", "s1:p-li"}, {"reason", "那天没看到她"}});
  EXPECT_EQ(day.state(), "disputed");
  day.clock().advance(8 * 24h);
  EXPECT_EQ(day.call(day.approver, "hours.finalise", day.id()).error().code, Errc::wrong_state);
  day.must(day.approver, "hours.resolve",
           {{"id", "s1:p-li"}, {"outcome", "keep"}, {"reason", "有照片"}});
  EXPECT_EQ(day.state(), "publicised");
}

TEST(VOL_11, WhatComesAfterTheConfirmationHasToBeConfirmedAgain) {
  ServiceDay day;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start), day.start));
  day.clock().advance(4h);
  day.settle();
  day.must(day.lead.account, "hours.confirm", {{"ids", {"s1:p-li"}}});
  const std::int64_t out = day.start + 60 * kMinuteMs;
  EXPECT_TRUE(day.send(day.li, day.scan(day.li, false, out, out), out));
  EXPECT_EQ(day.hours("p-li").at("state"), "pending");
  EXPECT_TRUE(day.has_flag("p-li", "changed"));
}

TEST(VOL_11, TravelCountsOnlyWhereTheShiftSaysSo) {
  ServiceDay day;
  day.make_shift("s2", day.start + 30 * kMinuteMs, day.end, {{"has_travel", true}});
  day.make_shift("s3", day.start + 30 * kMinuteMs, day.end);
  const std::int64_t out = day.start + 90 * kMinuteMs;
  for (const char* shift : {"s2", "s3"}) {
    EXPECT_TRUE(day.send(day.li, day.scan(day.li, true, day.start, day.start, shift), day.start));
    EXPECT_TRUE(day.send(day.li, day.scan(day.li, false, out, out, shift), out));
  }
  EXPECT_EQ(day.hours("p-li", "s2").at("minutes"), 90);
  EXPECT_EQ(day.hours("p-li", "s3").at("minutes"), 60);
}

TEST(VOL_12, ACertificateHoldsFinalHoursAndTheCheckSaysYesOrNo) {
  Served day;
  EXPECT_EQ(day.call(day.approver, "certificate.issue", {{"person", "p-li"}}).error().code,
            Errc::wrong_state);
  day.must(day.lead.account, "hours.confirm", day.id());
  day.clock().advance(8 * 24h);
  day.must(day.approver, "hours.finalise", day.id());
  const Json made = day.must(day.approver, "certificate.issue", {{"person", "p-li"}});
  EXPECT_EQ(made.at("minutes"), 120);
  Json ask = {{"number", made.at("number")}, {"code", made.at("code")}};
  EXPECT_EQ(*day.ask("", "certificate.check", ask), Json({{"valid", true}}));
  ask["code"] = "222222222222";
  EXPECT_EQ(*day.ask("", "certificate.check", ask), Json({{"valid", false}}));
  ask["number"] = "ZY2025999999";
  EXPECT_EQ(*day.ask("", "certificate.check", ask), Json({{"valid", false}}));
  day.must(day.approver, "certificate.revoke",
           {{"number", made.at("number")}, {"reason", "开错了人"}});
  ask = {{"number", made.at("number")}, {"code", made.at("code")}};
  EXPECT_EQ(*day.ask("", "certificate.check", ask), Json({{"valid", false}}));
  EXPECT_EQ(day.ask(day.approver, "hours.export", {{"team", "lf"}})->at("records").size(), 1U);
}

TEST(VOL_13, LeavingATeamNeverDeletesHours) {
  Served day;
  day.must(day.li.account, "team.leave", {{"team", "lf"}, {"person", "p-li"}});
  EXPECT_EQ(day.hours("p-li").at("minutes"), 120);
  EXPECT_TRUE(day.holds(day.li.account, "hours", "s1:p-li"));
  EXPECT_FALSE(day.holds(day.li.account, "shift", "s1"));
  EXPECT_TRUE(day.verdict().findings.empty());
}

TEST(VOL_13, AMinorServesOnlyWithAGuardiansConsent) {
  ServiceDay day;
  day.must("", "person.put",
           {{"id", "p-kid"}, {"household", "h2b"}, {"name", "小明"}, {"birth_year", 2012}});
  day.must(day.window, "team.confirm", {{"team", "lf"}, {"person", "p-kid"}});
  const Json yes = {{"shift", "s1"}, {"person", "p-kid"}, {"answer", "yes"}};
  EXPECT_EQ(day.call(day.window, "shift.answer", yes).error().code, Errc::forbidden);
  const Json tap = {{"team", "lf"}, {"person", "p-kid"}, {"how", "tap"}};
  EXPECT_EQ(day.call(day.li.account, "team.guardian_consent", tap).error().code, Errc::forbidden)
      << "not a proxy of the child";
  day.must(day.window, "team.guardian_consent",
           {{"team", "lf"}, {"person", "p-kid"}, {"how", "paper"}, {"witness", "孙浩"}});
  day.must(day.window, "shift.answer", yes);
}

/// p-kid, under age, with the consent of a guardian.
void enlist_kid(ServiceDay& day) {
  day.must("", "person.put",
           {{"id", "p-kid"}, {"household", "h2b"}, {"name", "小明"}, {"birth_year", 2012}});
  day.must(day.window, "team.confirm", {{"team", "lf"}, {"person", "p-kid"}});
  day.must(day.window, "team.guardian_consent",
           {{"team", "lf"}, {"person", "p-kid"}, {"how", "paper"}, {"witness", "孙浩"}});
}

TEST(VOL_13, WhoIsUnderAgeIsForTheLeadTheStaffAndTheFamily) {
  ServiceDay day;
  enlist_kid(day);
  const std::string kid = day.enrol("p-kid", 9);
  for (const std::string& may : {day.lead.account, day.window, day.approver, kid})
    EXPECT_TRUE(day.holds(may, "team_minor", "lf:p-kid")) << may;
  for (const std::string& other : {day.chen.account, day.li.account, day.editor, day.admin})
    EXPECT_FALSE(day.holds(other, "team_minor", "lf:p-kid")) << other;
  EXPECT_TRUE(day.holds(day.chen.account, "team_member", "lf:p-kid"));
  for (const char* secret : {"is_minor", "\"consent\""})
    EXPECT_EQ(day.everything_on_phone_of(day.chen.account).find(secret), std::string::npos);
  const Json members = day.ask(day.lead.account, "team.members", {{"team", "lf"}})->at("members");
  for (const Json& one : members) {
    const bool is_kid = one.at("person") == "p-kid";
    EXPECT_EQ(one.at("is_minor"), is_kid);
    EXPECT_EQ(one.contains("consent"), is_kid);
  }
}

TEST(VOL_13, AConsentTakenBackStopsTheService) {
  ServiceDay day;
  enlist_kid(day);
  const Json yes = {{"shift", "s1"}, {"person", "p-kid"}, {"answer", "yes"}};
  day.must(day.window, "shift.answer", yes);
  const auto given = day.store().scan("consent.person", "p-kid/", std::nullopt, 1).value();
  day.must(day.window, "consent.withdraw", {{"id", given.at(0).key}});
  EXPECT_FALSE(day.row("team_minor", "lf:p-kid").contains("consent"));
  EXPECT_EQ(code_of(day.call(day.window, "shift.answer", yes)), Errc::forbidden);
}

TEST(VOL_13, HoursOfAMinorWaitForTheGuardian) {
  ServiceDay day;
  day.must("", "person.put",
           {{"id", "p-kid"}, {"household", "h2b"}, {"name", "小明"}, {"birth_year", 2012}});
  day.must(day.window, "team.confirm", {{"team", "lf"}, {"person", "p-kid"}});
  const std::int64_t out = day.start + 60 * kMinuteMs;
  EXPECT_TRUE(day.send(day.lead, day.by_lead(true, day.start, day.start, "p-kid"), day.start));
  EXPECT_TRUE(day.send(day.lead, day.by_lead(false, out, out, "p-kid"), out));
  EXPECT_TRUE(day.has_flag("p-kid", "no_consent"));
  const Json ids = {{"ids", {"s1:p-kid"}}};
  EXPECT_EQ(code_of(day.call(day.lead.account, "hours.confirm", ids)), Errc::wrong_state);
  EXPECT_EQ(code_of(day.call(day.window, "team.set_role",
                             {{"team", "lf"}, {"person", "p-kid"}, {"role", "lead"}})),
            Errc::wrong_state);
}

TEST(VOL_13, HoursAndRostersAreForThePersonTheLeadsAndTheStaffOfThePlace) {
  Served day;
  const std::string wang = day.enrol("p-wang", 9);
  for (const std::string& other : {day.chen.account, wang, day.admin}) {
    EXPECT_FALSE(day.holds(other, "hours", "s1:p-li"));
    EXPECT_EQ(code_of(day.ask(other, "team.members", {{"team", "lf"}})), Errc::forbidden);
    EXPECT_EQ(code_of(day.ask(other, "shift.list", {{"team", "lf"}})), Errc::forbidden);
    const auto listed = day.ask(other, "hours.list", Json::object());
    EXPECT_TRUE(!listed || listed->at("hours").empty());
  }
  for (const std::string& may : {day.li.account, day.lead.account, day.window})
    EXPECT_TRUE(day.holds(may, "hours", "s1:p-li"));
  RowSet rows = day.rows();
  for (const auto& [id, record] : rows.rows("attendance"))
    EXPECT_FALSE(day.holds(day.chen.account, "attendance", id)) << "entries of another member";
}

TEST(VOL_13, ALeadOfAnotherTeamSeesNothingOfThisOne) {
  Served day;
  const std::string wang = day.enrol("p-wang", 9);
  day.must(day.window, "team.create", {{"id", "cx"}, {"name", "文艺合唱队"}, {"area", "hn"}});
  day.must(day.window, "team.confirm", {{"team", "cx"}, {"person", "p-wang"}});
  day.must(day.window, "team.set_role", {{"team", "cx"}, {"person", "p-wang"}, {"role", "lead"}});
  EXPECT_TRUE(day.ask(wang, "team.members", {{"team", "cx"}}));
  EXPECT_EQ(code_of(day.ask(wang, "team.members", {{"team", "lf"}})), Errc::forbidden);
  EXPECT_EQ(code_of(day.call(wang, "hours.confirm", day.id())), Errc::forbidden);
  for (const char* secret : {"s1:p-li", "李敏", "清扫楼道"})
    EXPECT_EQ(day.everything_on_phone_of(wang).find(secret), std::string::npos) << secret;
}

TEST(VOL_13, WhoLeftATeamLosesItsRoster) {
  ServiceDay day;
  EXPECT_TRUE(day.holds(day.chen.account, "team_member", "lf:p-li"));
  day.must(day.chen.account, "team.leave", {{"team", "lf"}, {"person", "p-chen"}});
  EXPECT_FALSE(day.holds(day.chen.account, "team_member", "lf:p-li"));
  EXPECT_EQ(day.everything_on_phone_of(day.chen.account).find("李敏"), std::string::npos);
}

TEST(VOL_5, AWalkUpsNameAndNumberAreForTheLeadAndStaffOnly) {
  ServiceDay day;
  const Json name = {{"name", "路过的老张"}, {"last4", "7391"}};
  EXPECT_TRUE(day.send(day.lead, day.by_lead(true, day.start, day.start, "w-1", name), day.start));
  EXPECT_TRUE(day.holds(day.lead.account, "walkup", "w-1"));
  EXPECT_TRUE(day.holds(day.window, "walkup", "w-1"));
  for (const std::string& other : {day.li.account, day.chen.account})
    for (const char* secret : {"路过的老张", "last4"})
      EXPECT_EQ(day.everything_on_phone_of(other).find(secret), std::string::npos) << secret;
}

TEST(VOL_14, TheListClosesAtTheNumberAndThanksTheRest) {
  ServiceDay day("");
  day.make_shift("s1", day.start, day.end, {{"need", 1}, {"is_callout", true}});
  const auto says = [&](const ServicePhone& phone, const char* answer) {
    return day.must(phone.account, "shift.answer",
                    {{"shift", "s1"}, {"person", phone.person}, {"answer", answer}});
  };
  EXPECT_EQ(says(day.li, "yes").at("answer"), "yes");
  EXPECT_EQ(day.row("shift", "s1").at("state"), "full");
  EXPECT_EQ(says(day.chen, "yes").at("answer"), "full");
  says(day.li, "no");
  EXPECT_EQ(day.row("shift", "s1").at("state"), "open");
  EXPECT_EQ(says(day.chen, "yes").at("answer"), "yes");
}

TEST(Teams, KeysOfMembersAndLeadsAreOnTheTeamsPhones) {
  ServiceDay day;
  EXPECT_TRUE(day.holds(day.chen.account, "team_member", "lf:p-liu"));
  EXPECT_EQ(day.row("team_member", "lf:p-liu").at("keys").at(0).at("pub"),
            to_base64url(day.lead.key.pub()));
  EXPECT_TRUE(day.holds(day.lead.account, "shift_key", "s1"));
  EXPECT_FALSE(day.holds(day.li.account, "shift_key", "s1")) << "digits are the lead's to show";
  day.must(day.window, "identity.revoke_device", {{"cid", client_id_of(day.lead.key.pub()).hex()}});
  day.settle();
  EXPECT_TRUE(day.row("team_member", "lf:p-liu").at("keys").empty());
}

TEST(Teams, WhoIsNotAMemberSeesTheTeamAndNobodyInIt) {
  ServiceDay day;
  const std::string wang = day.enrol("p-wang", 9);
  EXPECT_TRUE(day.holds(wang, "team", "lf"));
  EXPECT_FALSE(day.holds(wang, "team_member", "lf:p-liu"));
  EXPECT_FALSE(day.holds(wang, "shift", "s1"));
}

}  // namespace
}  // namespace linli::test
