// SPDX-License-Identifier: Apache-2.0
// Goal:   whatever order warnings arrive in, the same is in force at the end, nobody is alarmed
//         twice for one danger, and nobody is alarmed by an end (RAIN-2 to 5, RAIN-14, gate G4).
// Method: messages made here go through the reader and the book, in all orders where that matters.
#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/unit/notify/cap_samples.h"

namespace linli::notify::cap::test {
namespace {

/// A book and a clock.
class World {
 public:
  explicit World(BookSettings settings = book_settings()) : book(std::move(settings)) {}

  std::vector<Action> get(const Sample& sample, int minutes_later = 1) {
    now = std::max(now, sample.sent + std::chrono::minutes{minutes_later});
    last = book.receive("cma", document_of(sample.xml()), now);
    return last;
  }
  std::string got(const Sample& sample) { return summary(get(sample)); }
  std::string reason(const Sample& sample) {
    const auto actions = get(sample);
    return actions.front().reason;
  }
  std::string tick(int minutes) {
    now += std::chrono::minutes{minutes};
    return summary(last = book.tick(now));
  }

  IncidentBook book;
  Instant now = start_time();
  std::vector<Action> last;
};

Sample update_of(const Sample& first, int minutes) {
  Sample out = later(first, minutes);
  out.type = "Update";
  out.references = {first.key()};
  return out;
}
Sample cancel_of(const Sample& first, int minutes) {
  Sample out = update_of(first, minutes);
  out.type = "Cancel";
  out.headline = "解除暴雨红色预警信号";
  return out;
}
Sample orange() {
  Sample out;
  out.identifier = "orange";
  out.headline = "发布暴雨橙色预警信号";
  out.severity = "Severe";
  return out;
}

TEST(CapIncidents, ANewWarningOpensADraftForAHuman) {
  World world;
  const auto actions = world.get({});
  EXPECT_EQ(summary(actions), "open red !");
  EXPECT_EQ(actions[0].places, (std::set<std::string>{"b1", "b2", "b3", "b4"}));
  EXPECT_EQ(world.book.incident_of(Sample{}.key()), actions[0].incident);
  EXPECT_EQ(world.book.entry(actions[0].alert)->headline, "发布暴雨红色预警信号");
}

TEST(CapIncidents, TheSameMessageTwiceOrFromTwoFeedsIsOneIncident_RAIN3) {
  BookSettings settings = book_settings();
  settings.sources["mirror"] = {
      .senders = {"qx@example.cn"}, .requires_signature = false, .has_standing_rule = false};
  World world(settings);
  world.get({});
  EXPECT_EQ(world.reason({}), "seen before");
  const auto again = world.book.receive("mirror", document_of(Sample{}.xml()), world.now);
  EXPECT_EQ(again.front().reason, "seen before");
  EXPECT_EQ(world.book.incidents(world.now).size(), 1U);
}

TEST(CapIncidents, FiveRedSignalsIn18HoursAreOneIncidentCountedToFive_RAIN3) {
  World world;
  EXPECT_EQ(world.got(orange()), "open orange !");
  EXPECT_EQ(world.got(later({}, 60)), "update red !");
  EXPECT_EQ(world.got(later({}, 120)), "update red x2");
  EXPECT_EQ(world.got(later({}, 300)), "update red x3");
  EXPECT_EQ(world.got(later({}, 600)), "update red x4");
  EXPECT_EQ(world.got(later({}, 17 * 60)), "update red x5");
  ASSERT_EQ(world.book.incidents(world.now).size(), 1U);
  EXPECT_EQ(world.book.incidents(world.now)[0].signal_no, 5U);
}

TEST(CapIncidents, AnotherEventOrASignalAfterItIsOverIsAnotherIncident_RAIN3) {
  World world;
  Sample short_one;
  short_one.expires = "2026-07-20T20:00:00+08:00";
  world.get(short_one);
  Sample wind = later({}, 1);
  wind.event = "大风";
  EXPECT_EQ(world.got(wind), "open red !");
  Sample next_day = later({}, 19 * 60);
  next_day.expires = "2026-07-22T20:00:00+08:00";
  EXPECT_EQ(world.got(next_day), "expire, open red !");
}

TEST(CapIncidents, AnUpdateSoundsOnlyWhenColourOrAreaWorsens_RAIN4) {
  World world;
  Sample first = orange();
  first.area =
      "<polygon>34.69,113.59 34.69,113.6018 34.71,113.6018 34.71,113.59 34.69,113.59"
      "</polygon>";
  EXPECT_EQ(world.got(first), "open orange !");
  EXPECT_EQ(world.last[0].places, (std::set<std::string>{"b1", "b2"}));
  Sample text = update_of(first, 10);
  text.headline = "暴雨橙色预警信号：雨势持续";
  EXPECT_EQ(world.got(text), "update orange");
  Sample wider = update_of(text, 10);
  wider.area = Sample{}.area;
  EXPECT_EQ(world.got(wider), "update orange !");
  Sample worse = update_of(wider, 10);
  worse.headline = "暴雨橙色预警更新为红色";
  worse.severity = "Extreme";
  EXPECT_EQ(world.got(worse), "update red !");
  Sample smaller = update_of(worse, 10);
  smaller.area = first.area;
  EXPECT_EQ(world.got(smaller), "update red");
  EXPECT_EQ(world.last[0].places_left, (std::set<std::string>{"b3", "b4"}));
  Sample better = update_of(smaller, 10);
  better.headline = "暴雨红色预警更新为黄色";
  better.severity = "Moderate";
  EXPECT_EQ(world.got(better), "update yellow");
}

TEST(CapIncidents, ACancelNeverSounds_RAIN4) {
  World world;
  world.get({});
  EXPECT_EQ(world.got(cancel_of({}, 30)), "all_clear red");
  EXPECT_EQ(world.last[0].places.size(), 4U);
  EXPECT_EQ(world.reason(cancel_of({}, 30)), "seen before");
  // A Cancel of what nobody was told about is kept, and says nothing.
  World other;
  EXPECT_EQ(other.got(cancel_of({}, 30)), "ignore");
  EXPECT_EQ(other.got({}), "ignore");
  EXPECT_TRUE(other.book.incidents(other.now)[0].state == Incident::State::cancelled);
}

TEST(CapIncidents, ALiftEndsTheSendersSignalsOfThatEvent_Trap26) {
  World world;
  world.get({});
  Sample lift = later({}, 30);
  lift.headline = "解除暴雨红色预警信号";
  EXPECT_EQ(world.got(lift), "all_clear red");
  World macau;
  macau.get({});
  Sample all_clear = later({}, 30);
  all_clear.type = "Update";
  all_clear.response = "AllClear";
  all_clear.references = {all_clear.key()};
  EXPECT_EQ(macau.got(all_clear), "all_clear red");
}

TEST(CapIncidents, TestAndDraftAreIgnoredAndAnExerciseNeverAlarms_RAIN2) {
  World world;
  for (const char* status : {"Test", "System", "Draft"}) {
    Sample sample;
    sample.status = status;
    EXPECT_EQ(world.got(sample), "ignore");
    EXPECT_EQ(world.last[0].reason, std::string("status ") + status);
  }
  Sample exercise;
  exercise.identifier = "drill";
  exercise.status = "Exercise";
  EXPECT_EQ(world.got(exercise), "open red ~");
  // It is no part of the real thing, and ends nothing of it.
  EXPECT_EQ(world.got({}), "open red !");
  Sample end = cancel_of({}, 10);
  end.status = "Exercise";
  EXPECT_EQ(world.got(end), "ignore");
  EXPECT_EQ(world.got(cancel_of({}, 20)), "all_clear red");
}

TEST(CapIncidents, UnknownSendersAndTheFutureAreRefusedWithAReason_RAIN1) {
  World world;
  EXPECT_EQ(world.reason({.sender = "forged@example.com"}), "unknown sender");
  EXPECT_EQ(world.last[0].kind, Action::Kind::refuse);
  const auto future = world.book.receive("cma", document_of(later({}, 60).xml()), start_time());
  EXPECT_EQ(future[0].reason, "dated in the future");
  EXPECT_EQ(future[0].kind, Action::Kind::refuse);
  EXPECT_EQ(world.book.receive("nobody", document_of(Sample{}.xml()), world.now)[0].reason,
            "unknown source");
  BookSettings strict = book_settings();
  strict.sources.at("cma").requires_signature = true;
  World signed_only(strict);
  EXPECT_EQ(signed_only.got({}), "refuse");
}

TEST(CapIncidents, WhatArrivesExpiredIsSilent_RAIN4_RAIN14) {
  World world;
  world.now = start_time() + std::chrono::hours{30};
  EXPECT_EQ(world.got({}), "ignore");
  EXPECT_EQ(world.last[0].reason, "expired");
}

TEST(CapIncidents, OnlyExpiryOrCancelEndsAWarning_Trap30) {
  World world;
  world.get({});
  EXPECT_EQ(world.tick(60), "");
  EXPECT_EQ(world.tick(22 * 60), "");
  EXPECT_EQ(world.tick(60), "expire");
  EXPECT_EQ(world.tick(60), "");
  // Without an end, or with one before its time: a day, and a human.
  Sample endless = later({}, 40 * 60);
  endless.expires = "";
  EXPECT_EQ(world.got(endless), "open red !");
  EXPECT_EQ(world.last[0].doubts, std::vector<std::string>{"no end given"});
  Sample upside_down = later({}, 40 * 60 + 1);
  upside_down.event = "大风";
  upside_down.expires = "2026-07-20T16:00:00+08:00";
  EXPECT_EQ(world.got(upside_down), "open red !");
  EXPECT_EQ(world.last[0].doubts, std::vector<std::string>{"ends before it was sent"});
}

TEST(CapIncidents, OtherAreasAreIgnored_RAIN5) {
  World world;
  Sample far;
  far.area = "<geocode><valueName>CPEAS Geographic Code</valueName><value>420100</value></geocode>";
  EXPECT_EQ(world.reason(far), "other area");
  Sample unclear = later({}, 5);
  unclear.area = "<polygon>34.6,113.5</polygon>";
  EXPECT_EQ(world.got(unclear), "open red !");
  EXPECT_EQ(world.last[0].doubts, std::vector<std::string>{"area unclear"});
  EXPECT_EQ(world.last[0].places.size(), 5U);
}

TEST(CapIncidents, ChangedTextUnderTheSameKeyIsARevisionWithADoubt_Trap30) {
  World world;
  world.get({});
  Sample changed;
  changed.headline = "发布暴雨红色预警信号（更正）";
  EXPECT_EQ(world.got(changed), "update red");
  EXPECT_EQ(world.last[0].doubts, std::vector<std::string>{"another text under the same key"});
  Sample reused = later({}, 5);
  reused.identifier = Sample{}.identifier;
  EXPECT_EQ(world.got(reused), "update red x2");
  EXPECT_EQ(world.last[0].doubts.size(), 2U);
}

TEST(CapIncidents, AnUpdateOfACancelledWarningIsNewAndDoubtful_Trap26) {
  World world;
  world.get({});
  world.get(cancel_of({}, 10));
  EXPECT_EQ(world.got(update_of({}, 20)), "open red !");
  EXPECT_EQ(world.last[0].doubts, std::vector<std::string>{"refers to a cancelled message"});
}

TEST(CapIncidents, NobodyEndsTheWarningOfAnotherSender) {
  BookSettings settings = book_settings();
  settings.sources.at("cma").senders.insert("city@example.cn");
  World world(settings);
  world.get({});
  Sample foreign = cancel_of({}, 10);
  foreign.sender = "city@example.cn";
  EXPECT_EQ(world.got(foreign), "ignore");
  EXPECT_EQ(world.book.incidents(world.now)[0].doubts,
            std::set<std::string>{"another sender refers to it"});
}

/// The messages in the order of `order`, all at their end time.
std::vector<Incident> end_state(const std::vector<Sample>& samples, const std::vector<int>& order,
                                std::string& trace) {
  World world;
  world.now = start_time() + std::chrono::hours{5};
  for (const int i : order) trace += world.got(samples[static_cast<std::size_t>(i)]) + " / ";
  return world.book.incidents(world.now);
}

void expect_same_in_every_order(const std::vector<Sample>& samples) {
  std::vector<int> order(samples.size());
  std::iota(order.begin(), order.end(), 0);
  std::string trace;
  const auto expected = end_state(samples, order, trace);
  int orders = 0;
  do {
    std::string path;
    EXPECT_EQ(end_state(samples, order, path), expected) << path << " instead of " << trace;
    // After whatever came last, nothing of what is over was left open, and ends never sound.
    EXPECT_EQ(path.find("all_clear red !"), std::string::npos);
    ++orders;
  } while (std::ranges::next_permutation(order).found);
  EXPECT_GT(orders, 1);
}

TEST(CapIncidents, AllOrdersOfArrivalEndInTheSameState_G4) {
  const Sample alert;
  const Sample update = update_of(alert, 10);
  expect_same_in_every_order({alert, update, cancel_of(update, 20)});
  expect_same_in_every_order({alert, update, cancel_of(alert, 20)});
  expect_same_in_every_order({alert, update_of(alert, 10), update_of(later(alert, 1), 20)});
  // Two signals, one of them updated and cancelled, the other still in force.
  expect_same_in_every_order({alert, update, cancel_of(update, 20), orange()});
  // A lift without references, and a repeat after it.
  Sample lift = later({}, 30);
  lift.headline = "解除暴雨红色预警信号";
  expect_same_in_every_order({alert, orange(), lift, later({}, 60)});
  // Updates of a message that never came, and its Cancel.
  const Sample ghost = later(alert, -30);
  expect_same_in_every_order(
      {update_of(ghost, 10), update_of(ghost, 15), cancel_of(ghost, 20), later(alert, 90)});
  Sample drill = alert;
  drill.status = "Exercise";
  drill.identifier = "drill";
  expect_same_in_every_order({alert, drill, cancel_of(drill, 10), update});
}

TEST(CapIncidents, TheStoryOfOneFloodHoldsInAnyOrder_RAIN40_G4) {
  std::vector<Sample> story = {orange()};
  for (int i = 1; i <= 5; ++i) story.push_back(later({}, i * 60));
  Sample smaller = update_of(story.back(), 10);
  smaller.area =
      "<polygon>34.69,113.59 34.69,113.6018 34.71,113.6018 34.71,113.59 34.69,113.59"
      "</polygon>";
  story.push_back(smaller);
  Sample end = cancel_of(smaller, 30);
  for (const Sample& one : story) end.references.push_back(one.key());
  World world;
  std::string trace;
  for (const Sample& one : story) trace += world.got(one) + "; ";
  EXPECT_EQ(trace,
            "open orange !; update red !; update red x2; update red x3; update red x4; "
            "update red x5; update red x5; ");
  EXPECT_EQ(world.got(end), "all_clear red x5");
  story.push_back(end);
  const auto expected = world.book.incidents(world.now);
  for (std::size_t turn = 0; turn < story.size(); ++turn) {
    std::ranges::rotate(story, story.begin() + 1);
    World other;
    other.now = world.now;
    for (const Sample& one : story) other.get(one);
    EXPECT_EQ(other.book.incidents(world.now), expected);
  }
}

TEST(CapIncidents, OnlyAVerifiedMessageMayGoOutByRule_RAIN7_E10) {
  World world;
  const auto signed_by = [&](const Sample& sample, const SigningKey& key) {
    const auto xml = sign_document(sample.xml(), key);
    EXPECT_TRUE(xml.has_value());
    world.now = sample.sent + std::chrono::minutes{1};
    return summary(world.book.receive("cma", document_of(*xml, signer_trust()), world.now));
  };
  EXPECT_EQ(signed_by({}, stranger()), "open red !");
  EXPECT_EQ(signed_by({}, signer()), "ignore");
  Sample other = later({}, 1);
  other.event = "大风";
  EXPECT_EQ(signed_by(other, signer()), "open red ! R");
  // An unsigned Cancel ends nothing of a signed warning.
  EXPECT_EQ(world.got(cancel_of(other, 10)), "ignore");
  EXPECT_EQ(signed_by(cancel_of(other, 20), signer()), "all_clear red R");
  Sample mild = orange();
  mild.event = "大雾";
  EXPECT_EQ(signed_by(mild, signer()), "open orange !");
}

TEST(CapIncidents, TheBookSurvivesBeingStored) {
  World world;
  world.get(orange());
  world.get(later({}, 60));
  const Json saved = world.book.save();
  auto again = IncidentBook::load(book_settings(), saved);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(dump_json(again->save()), dump_json(saved));
  EXPECT_EQ(again->incidents(world.now), world.book.incidents(world.now));
  world.book = std::move(*again);
  EXPECT_EQ(world.got(cancel_of(later({}, 60), 10)), "update orange");
  EXPECT_FALSE(IncidentBook::load(book_settings(), Json::object()).has_value());
  Json broken = saved;
  broken["entries"][0]["type"] = "x";
  EXPECT_FALSE(IncidentBook::load(book_settings(), broken).has_value());
}

}  // namespace
}  // namespace linli::notify::cap::test
