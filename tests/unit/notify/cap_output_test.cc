// SPDX-License-Identifier: Apache-2.0
// Goal: what we publish refers rightly, and our own reader takes it. Independent readers look at it
//       in tests/channels/cap_test.py.
#include <gtest/gtest.h>

#include "notify/cap/output.h"
#include "notify/cap/poller.h"
#include "tests/unit/notify/cap_samples.h"

namespace linli::notify::cap::test {
namespace {

OutSettings settings() {
  OutSettings out;
  out.sender = "linli@example.cn";
  out.title = "社区 & 通知";
  out.base_url = "https://linli.example/cap/";
  return out;
}

OutNotice notice() {
  OutNotice out;
  out.notice = "n1";
  out.category = "Met";
  out.event = "暴雨";
  out.colour = Colour::orange;
  out.headline = "暴雨橙色预警";
  out.description = "a<b>&\"c\"";
  out.expires = start_time() + std::chrono::hours{2};
  out.areas = {{"3号楼", "410103002005", {{34.7, 113.6}, {34.7, 113.601}, {34.701, 113.601}}}};
  return out;
}

Alert read(const Issued& issued) {
  const auto alert = read_alert(document_of(issued.xml).alert);
  EXPECT_TRUE(alert.has_value());
  return alert ? *alert : Alert{};
}

TEST(CapOutput, OurOwnReaderUnderstandsIt_RAIN1) {
  Publisher publisher(settings());
  const auto issued = publisher.publish(notice(), start_time());
  ASSERT_TRUE(issued.has_value());
  const Alert alert = read(*issued);
  EXPECT_TRUE(alert.warnings.empty());
  EXPECT_EQ(alert.key, issued->key);
  EXPECT_EQ(alert.infos.at(0).description, "a<b>&\"c\"");
  EXPECT_EQ(colour_of(alert.infos[0]).colour, Colour::orange);
  EXPECT_FALSE(colour_of(alert.infos[0]).disagrees);
  EXPECT_EQ(parse_polygon(alert.infos[0].areas.at(0).polygons.at(0))->points.size(), 4U);
  EXPECT_EQ(publisher.document(issued->key.identifier), issued->xml);
}

TEST(CapOutput, AnUpdateIsNewAndRefersToEveryUnexpiredPredecessor) {
  Publisher publisher(settings());
  OutNotice next = notice();
  const auto first = publisher.publish(next, start_time());
  next.type = MsgType::update;
  next.expires += std::chrono::hours{4};
  // Within the same second: still later, or the reference would point to the future.
  const auto second = publisher.publish(next, start_time());
  const auto third = publisher.publish(next, start_time() + std::chrono::minutes{5});
  ASSERT_TRUE(first && second && third);
  EXPECT_NE(second->key.identifier, first->key.identifier);
  EXPECT_GT(second->key.sent, first->key.sent);
  EXPECT_EQ(read(*second).references.size(), 1U);
  EXPECT_EQ(read(*third).references.size(), 2U);
  // The first has expired meanwhile.
  const auto fourth = publisher.publish(next, start_time() + std::chrono::hours{3});
  ASSERT_TRUE(fourth.has_value());
  EXPECT_EQ(read(*fourth).references.size(), 2U);
  next.type = MsgType::cancel;
  const auto end = publisher.publish(next, start_time() + std::chrono::hours{3});
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(read(*end).references.size(), 3U);
  EXPECT_TRUE(is_lift(read(*end).infos.at(0)));
  EXPECT_EQ(publisher.publish(next, start_time() + std::chrono::hours{3}).error().code, Errc::gone);
}

TEST(CapOutput, RefusesWhatWouldNotBeConform) {
  Publisher publisher(settings());
  const auto refused = [&](const OutNotice& wrong) {
    const auto issued = publisher.publish(wrong, start_time());
    return issued ? std::string("taken") : issued.error().detail;
  };
  OutNotice wrong = notice();
  wrong.notice = "a b";
  EXPECT_EQ(refused(wrong), "cap out: notice");
  wrong = notice();
  wrong.category = "Weather";
  EXPECT_EQ(refused(wrong), "cap out: category");
  wrong = notice();
  wrong.expires = start_time();
  EXPECT_EQ(refused(wrong), "cap out: expires");
  wrong = notice();
  wrong.event.clear();
  EXPECT_EQ(refused(wrong), "cap out: event");
}

TEST(CapOutput, ASignedOneVerifiesAndOurBookReadsTheWholeStory) {
  OutSettings with_key = settings();
  with_key.key = signer();
  Publisher publisher(with_key);
  BookSettings book_of = book_settings();
  book_of.sources["us"] = {
      .senders = {"linli@example.cn"}, .requires_signature = true, .has_standing_rule = false};
  IncidentBook book(book_of);
  OutNotice next = notice();
  std::string story;
  for (const MsgType type : {MsgType::alert, MsgType::update, MsgType::cancel}) {
    next.type = type;
    const auto issued = publisher.publish(next, start_time());
    ASSERT_TRUE(issued.has_value());
    story += summary(book.receive("us", document_of(issued->xml, signer_trust()),
                                  start_time() + std::chrono::minutes{1})) +
             "; ";
  }
  EXPECT_EQ(story, "open orange !; update orange; all_clear orange; ");
}

TEST(CapOutput, OurPollerReadsOurFeeds) {
  Publisher publisher(settings());
  const auto issued = publisher.publish(notice(), start_time());
  ASSERT_TRUE(issued.has_value());
  for (const std::string& feed : {publisher.atom(), publisher.rss()}) {
    const auto listing = parse_feed(feed);
    ASSERT_TRUE(listing.has_value());
    ASSERT_EQ(listing->entries.size(), 1U);
    EXPECT_EQ(listing->entries[0].link, "https://linli.example/cap/n1.1.xml");
  }
  EXPECT_NE(publisher.rss().find("<pubDate>Mon, 20 Jul 2026 08:00:00 +0000</pubDate>"),
            std::string::npos);
}

TEST(CapOutput, SurvivesBeingStored) {
  Publisher publisher(settings());
  ASSERT_TRUE(publisher.publish(notice(), start_time()).has_value());
  const Json saved = publisher.save();
  auto again = Publisher::load(settings(), saved);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(dump_json(again->save()), dump_json(saved));
  EXPECT_EQ(again->atom(), publisher.atom());
  OutNotice next = notice();
  next.type = MsgType::update;
  const auto second = again->publish(next, start_time() + std::chrono::minutes{1});
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->key.identifier, "n1.2");
  EXPECT_FALSE(Publisher::load(settings(), Json::array()).has_value());
}

}  // namespace
}  // namespace linli::notify::cap::test
