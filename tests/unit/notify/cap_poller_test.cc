// SPDX-License-Identifier: Apache-2.0
// Goal:   a feed is read politely and completely, and its silence is noticed (F5, notify.md §4.7).
// Method: a server made of a map answers the calls; time is a number.
#include <algorithm>

#include <gtest/gtest.h>

#include "notify/cap/poller.h"
#include "notify/cap/xml.h"

namespace linli::notify::cap {
namespace {

using namespace std::chrono_literals;

const char* const kUrl = "https://feed.example/cap/rss.xml";

class Server {
 public:
  explicit Server(
      FeedSettings settings = {.source = "cma", .url = kUrl, .area_codes = {}, .ca_file = {}})
      : poller(std::move(settings), MonoTime{0}) {}

  void start() {
    PollActions out;
    poller.start(now, out);
    perform(std::move(out));
  }
  void round(Millis after = 60s) {
    now += after;
    PollActions out;
    poller.on_timer(now, out);
    perform(std::move(out));
  }
  /// An entry of the feed, with its document.
  void add(const std::string& name, const std::string& body, const std::string& stamp = "1") {
    items += "<item><title>x</title><link>https://feed.example/cap/" + name + "</link><pubDate>" +
             stamp + "</pubDate></item>";
    files["https://feed.example/cap/" + name] = body;
  }

  FeedPoller poller;
  MonoTime now{0};
  std::string items;
  std::map<std::string, std::string> files;
  bool is_down = false;
  bool broken_bodies = false;
  bool gives_etags = true;
  /// What came, by kind.
  std::vector<std::string> fetched;
  std::vector<HttpCall> calls;
  std::vector<poll::Document> documents;
  std::vector<poll::Alarm> alarms;
  std::vector<std::string> notes;
  int not_modified = 0;
  std::size_t most_at_once = 0;

 private:
  void perform(PollActions actions) {
    std::deque<poll::Fetch> open;
    const auto take = [&](PollActions& all) {
      for (PollAction& action : all) {
        if (auto* fetch = std::get_if<poll::Fetch>(&action)) open.push_back(*fetch);
        if (auto* document = std::get_if<poll::Document>(&action)) documents.push_back(*document);
        if (auto* alarm = std::get_if<poll::Alarm>(&action)) alarms.push_back(*alarm);
        if (auto* note = std::get_if<poll::Note>(&action)) notes.push_back(note->text);
      }
      most_at_once = std::max(most_at_once, open.size());
    };
    take(actions);
    while (!open.empty()) {
      const poll::Fetch fetch = open.front();
      open.pop_front();
      fetched.push_back(fetch.call.url);
      calls.push_back(fetch.call);
      PollActions out;
      poller.on_reply(fetch.id, answer(fetch.call), now, out);
      take(out);
    }
  }

  CallReply answer(const HttpCall& call) {
    CallReply reply;
    if (is_down) {
      reply.failure = Failure::timed_out;
      return reply;
    }
    const bool is_feed = call.url == kUrl;
    if (!is_feed && broken_bodies) {
      reply.status = 503;
      return reply;
    }
    if (is_feed)
      reply.body = "<rss version=\"2.0\"><channel>" + items + "</channel></rss>";
    else if (const auto file = files.find(call.url); file != files.end())
      reply.body = file->second;
    else {
      reply.status = 404;
      return reply;
    }
    const std::string etag = "\"" + std::to_string(std::hash<std::string>{}(reply.body)) + "\"";
    for (const auto& [name, value] : call.headers) {
      if (name != "If-None-Match" || value != etag) continue;
      ++not_modified;
      reply.body.clear();
      reply.status = 304;
      return reply;
    }
    reply.status = 200;
    if (gives_etags) reply.headers["etag"] = etag;
    return reply;
  }
};

TEST(CapPoller, FetchesEachMessageOnceAndTheFeedWithItsEtag) {
  Server server;
  server.add("a.xml", "<alert/>");
  server.add("b.xml", "<alert>2</alert>");
  server.start();
  ASSERT_EQ(server.documents.size(), 2U);
  EXPECT_EQ(server.documents[0].source, "cma");
  EXPECT_EQ(server.fetched.size(), 3U);
  server.round();
  EXPECT_EQ(server.fetched.size(), 4U);
  EXPECT_EQ(server.not_modified, 1);
  EXPECT_EQ(server.documents.size(), 2U);
  EXPECT_EQ(server.calls[0].method, "GET");
  EXPECT_EQ(server.calls[0].reply_bytes_max, kFeedBytesMax);
  EXPECT_EQ(server.calls[1].reply_bytes_max, kAlertBytesMax);
}

TEST(CapPoller, ADocumentThatChangedInPlaceIsHandedOnAgain_Trap30) {
  Server server;
  server.add("a.xml", "<alert>1</alert>");
  server.start();
  server.files.begin()->second = "<alert>2</alert>";
  // The feed says nothing of it, so it is found when its time has come.
  server.add("other.xml", "<alert/>");
  server.round();
  EXPECT_EQ(server.documents.size(), 2U);
  server.items += " ";
  server.round(kRevalidate);
  ASSERT_EQ(server.documents.size(), 3U);
  EXPECT_EQ(server.documents[2].body, "<alert>2</alert>");
  // And at once when the feed gives the entry another time.
  server.items.clear();
  server.add("a.xml", "<alert>3</alert>", "2");
  server.round();
  EXPECT_EQ(server.documents.back().body, "<alert>3</alert>");
}

TEST(CapPoller, NothingThatComesOrStaysAwayEndsAnything_Trap30) {
  Server server;
  server.add("a.xml", "<alert/>");
  server.start();
  server.items.clear();
  server.round();
  server.items = "<item><link>";
  server.round();
  EXPECT_EQ(server.documents.size(), 1U);
  EXPECT_EQ(server.notes.size(), 1U);
  EXPECT_EQ(server.notes[0].substr(0, 13), "feed not read");
  EXPECT_TRUE(server.alarms.empty());
}

TEST(CapPoller, ARoundFetchesSoManyBodiesAndTheNextTheRest) {
  Server server({.source = "cma", .url = kUrl, .bodies_max = 40, .area_codes = {}, .ca_file = {}});
  for (int i = 0; i < 500; ++i)
    server.add(std::to_string(i) + ".xml", "<alert>" + std::to_string(i) + "</alert>");
  server.start();
  EXPECT_EQ(server.documents.size(), 40U);
  EXPECT_EQ(server.poller.waiting(), 460U);
  EXPECT_LE(server.most_at_once, kCallsMax);
  // A new entry goes before those that wait, and the feed's 304 does not lose them.
  const std::string rest = server.items;
  server.items.clear();
  server.add("new.xml", "<alert>new</alert>");
  server.items += rest;
  server.round();
  EXPECT_EQ(server.documents[40].body, "<alert>new</alert>");
  for (int i = 0; i < 12; ++i) server.round();
  EXPECT_EQ(server.documents.size(), 501U);
  EXPECT_EQ(server.poller.waiting(), 0U);
}

TEST(CapPoller, WhatIsRememberedStaysWithinItsBytes) {
  Server server({.source = "cma",
                 .url = kUrl,
                 .bodies_max = 1000,
                 .cache_bytes_max = 20'000,
                 .area_codes = {},
                 .ca_file = {}});
  for (int i = 0; i < 500; ++i)
    server.add(std::to_string(i) + ".xml", "<alert>" + std::to_string(i) + "</alert>");
  server.start();
  EXPECT_EQ(server.documents.size(), 500U);
  EXPECT_LE(server.poller.cache_bytes(), 20'000U);
}

TEST(CapPoller, OtherAreasAreNotFetchedAndDoubtIsFetched_RAIN5) {
  const std::vector<std::string> ours = {"410103"};
  const auto concerns = [&](std::string link, std::string guid = {}) {
    return may_concern({std::move(link), std::move(guid), {}}, ours);
  };
  EXPECT_TRUE(concerns("https://x/41010341600000_20260720160000_0.xml"));
  EXPECT_TRUE(concerns("https://x/41010041600000_20260720160000_0.xml"));
  EXPECT_TRUE(concerns("https://x/41000041600000_20260720160000_0.xml"));
  EXPECT_FALSE(concerns("https://x/41010541600000_20260720160000_0.xml"));
  EXPECT_FALSE(concerns("https://x/1", "42010041600000_20260720160000_0"));
  EXPECT_TRUE(concerns("https://x/00000041600000_20260720160000_0.xml"));
  EXPECT_TRUE(concerns("https://x/10000041600000_20260720160000_0.xml"));
  EXPECT_TRUE(concerns("https://x/420100.xml"));
  EXPECT_TRUE(concerns("https://x/abc", "urn:oid:2.49.0.1.156"));
  EXPECT_TRUE(may_concern({"https://x/42010041600000_20260720160000_0", "", ""}, {}));
}

TEST(CapPoller, TenMinutesOfSilenceAreAnAlarmAndItsEndIsToo_F5) {
  Server server;
  server.start();
  server.is_down = true;
  for (int i = 0; i < 9; ++i) server.round();
  EXPECT_TRUE(server.alarms.empty());
  server.round();
  ASSERT_EQ(server.alarms.size(), 1U);
  EXPECT_TRUE(server.alarms[0].is_silent);
  server.round();
  EXPECT_EQ(server.alarms.size(), 1U);
  server.is_down = false;
  server.round();
  ASSERT_EQ(server.alarms.size(), 2U);
  EXPECT_FALSE(server.alarms[1].is_silent);
  // A feed that answers 304 is not silent.
  for (int i = 0; i < 15; ++i) server.round();
  EXPECT_EQ(server.alarms.size(), 2U);
}

TEST(CapPoller, AFeedWhoseMessagesCannotBeFetchedIsSilentToo_F5) {
  Server server;
  server.add("a.xml", "<alert/>");
  server.broken_bodies = true;
  server.start();
  for (int i = 0; i < 9; ++i) server.round();
  EXPECT_TRUE(server.alarms.empty());
  // Once a round, not more: a server in trouble is left in peace.
  EXPECT_EQ(std::ranges::count(server.fetched, "https://feed.example/cap/a.xml"), 10);
  server.round();
  ASSERT_EQ(server.alarms.size(), 1U);
  server.broken_bodies = false;
  server.round();
  EXPECT_FALSE(server.alarms.back().is_silent);
  EXPECT_EQ(server.documents.size(), 1U);
}

TEST(CapPoller, AFailedBodyIsTriedAgainAndAMissingOneIsNot) {
  Server server;
  server.add("a.xml", "<alert/>");
  server.files.clear();
  server.start();
  EXPECT_EQ(server.notes, std::vector<std::string>{"message not fetched: status 404"});
  server.round();
  EXPECT_EQ(server.fetched.size(), 3U);
  server.add("b.xml", "<alert/>");
  PollActions out;
  server.now += 60s;
  server.poller.on_timer(server.now, out);
  FetchId feed{};
  for (const PollAction& action : out)
    if (const auto* fetch = std::get_if<poll::Fetch>(&action)) feed = fetch->id;
  CallReply list;
  list.status = 200;
  list.body = "<rss><channel>" + server.items + "</channel></rss>";
  PollActions next;
  server.poller.on_reply(feed, list, server.now, next);
  ASSERT_EQ(next.size(), 1U);
  CallReply lost;
  lost.failure = Failure::timed_out;
  server.poller.on_reply(std::get<poll::Fetch>(next[0]).id, lost, server.now, next);
  EXPECT_EQ(server.documents.size(), 0U);
  server.round();
  EXPECT_EQ(server.documents.size(), 1U);
}

TEST(CapPoller, LinksLeadNowhereButToTheWeb) {
  Server server;
  server.items =
      "<item><link>/root.xml</link></item><item><link>near.xml</link></item>"
      "<item><link>file:///etc/passwd</link></item><item><link>https://other.example/x"
      "</link></item><item><link>https://feed.example/cap/rss.xml</link></item>";
  server.start();
  EXPECT_EQ(server.fetched, (std::vector<std::string>{kUrl, "https://feed.example/root.xml",
                                                      "https://feed.example/cap/near.xml",
                                                      "https://other.example/x"}));
  EXPECT_EQ(server.calls[1].trust, AddressTrust::operator_set);
  EXPECT_EQ(server.calls[3].trust, AddressTrust::client_told);
}

TEST(CapPoller, ReadsAtomRssAndPlainCap) {
  const auto atom = parse_feed(
      "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><id>i</id><updated>u</updated>"
      "<link rel=\"self\" href=\"s\"/><link href=\"page\"/>"
      "<link type=\"application/cap+xml\" href=\"doc\"/></entry></feed>");
  ASSERT_TRUE(atom.has_value());
  EXPECT_EQ(atom->entries.at(0).link, "doc");
  EXPECT_EQ(atom->entries.at(0).stamp, "u");
  const auto cap = parse_feed("<alerts><alert><identifier>1</identifier></alert></alerts>");
  ASSERT_TRUE(cap.has_value());
  EXPECT_TRUE(cap->has_alerts);
  EXPECT_FALSE(parse_feed("<html/>").has_value());
}

}  // namespace
}  // namespace linli::notify::cap
