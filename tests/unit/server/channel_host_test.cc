// SPDX-License-Identifier: Apache-2.0
// Goal:   every submitted delivery gets exactly one outcome, whatever adapter and transports do.
// Method: a scripted adapter on fake transports; the gateway's thread is a list of tasks.
// A failure here means that the outbox waits for ever, or that an attempt is counted twice.
#include "server/app/channel_host.h"

#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

namespace linli::app {
namespace {

using notify::Actions;
using notify::CallId;
using notify::DeliveryId;
using notify::Item;
using notify::OutcomeKind;
using notify::StreamId;
namespace action = notify::action;

/// What a fake transport holds, for the test to answer.
struct Outside {
  struct Stream {
    StreamTarget target;
    StreamEvents events;
    std::string sent;
    std::size_t consumed = 0;
    bool is_gone = false;
  };
  struct Program {
    ProgramEvents events;
    std::vector<std::string> lines;
    bool is_gone = false;
    bool takes = true;
  };
  struct Publish {
    Publication what;
    std::function<void(bool)> done;
  };
  std::vector<std::pair<HttpCall, ChannelTransports::OnReply>> calls;
  std::vector<std::pair<MailCall, ChannelTransports::OnReply>> mails;
  std::vector<std::shared_ptr<Stream>> streams;
  std::vector<std::shared_ptr<Program>> programs;
  bool has_program = true;
  BrokerEvents broker;
  std::vector<Publish> publishes;
  std::vector<std::string> filters;
};

class FakeStream final : public StreamLink {
 public:
  explicit FakeStream(std::shared_ptr<Outside::Stream> to) : to_(std::move(to)) {}
  ~FakeStream() override { to_->is_gone = true; }
  void send(std::string bytes) override { to_->sent += bytes; }
  void consumed(std::size_t bytes) override { to_->consumed += bytes; }

 private:
  std::shared_ptr<Outside::Stream> to_;
};

class FakeProgram final : public ProgramLink {
 public:
  explicit FakeProgram(std::shared_ptr<Outside::Program> to) : to_(std::move(to)) {}
  ~FakeProgram() override { to_->is_gone = true; }
  bool send(std::string line) override {
    if (to_->takes) to_->lines.push_back(std::move(line));
    return to_->takes;
  }
  void consumed_line() override {}

 private:
  std::shared_ptr<Outside::Program> to_;
};

class FakeBroker final : public BrokerLink {
 public:
  explicit FakeBroker(Outside& to) : to_(to) {}
  void publish(Publication what, std::function<void(bool)> done) override {
    to_.publishes.push_back({std::move(what), std::move(done)});
  }
  void subscribe(std::string filter) override { to_.filters.push_back(std::move(filter)); }
  void consumed_message() override {}

 private:
  Outside& to_;
};

class FakeTransports final : public ChannelTransports {
 public:
  explicit FakeTransports(Outside& to) : to_(to) {}
  void call(HttpCall call, OnReply done) override {
    to_.calls.emplace_back(std::move(call), std::move(done));
  }
  void call(MailCall call, OnReply done) override {
    to_.mails.emplace_back(std::move(call), std::move(done));
  }
  std::unique_ptr<StreamLink> open(StreamTarget target, StreamEvents events) override {
    to_.streams.push_back(std::make_shared<Outside::Stream>());
    to_.streams.back()->target = std::move(target);
    to_.streams.back()->events = std::move(events);
    return std::make_unique<FakeStream>(to_.streams.back());
  }
  std::unique_ptr<ProgramLink> run_program(ProgramEvents events) override {
    if (!to_.has_program) return nullptr;
    to_.programs.push_back(std::make_shared<Outside::Program>());
    to_.programs.back()->events = std::move(events);
    return std::make_unique<FakeProgram>(to_.programs.back());
  }
  std::unique_ptr<BrokerLink> connect_broker(BrokerEvents events) override {
    to_.broker = std::move(events);
    return std::make_unique<FakeBroker>(to_);
  }

 private:
  Outside& to_;
};

/// Does what the test says; notes what it heard.
class ScriptedAdapter final : public notify::Adapter {
 public:
  notify::Capabilities caps{.batch_max = 2};
  std::function<void(std::span<const Item>, Actions&)> when_submitted;
  std::function<void(const std::string&, Actions&)> when_told;
  std::vector<std::string> heard;

  const notify::Capabilities& capabilities() const override { return caps; }
  Result<Preview> preview(const notify::Endpoint&, const notify::Message&) const override {
    throw std::runtime_error("planted");
  }
  void submit(std::span<const Item> items, MonoTime, Actions& out) override {
    heard.push_back("submit " + std::to_string(items.size()));
    if (when_submitted) when_submitted(items, out);
  }
  void start(MonoTime, Actions& out) override { tell("start", out); }
  void cancel(DeliveryId id, MonoTime, Actions& out) override {
    tell("cancel " + std::to_string(id.raw()), out);
  }
  void stop(MonoTime, Actions& out) override { tell("stop", out); }
  void on_reply(CallId id, const CallReply& reply, MonoTime, Actions& out) override {
    tell("reply " + std::to_string(id.raw()) + " " + std::to_string(reply.status), out);
  }
  void on_stream_open(StreamId id, MonoTime, Actions& out) override {
    tell("open " + std::to_string(id.raw()), out);
  }
  void on_bytes(StreamId id, std::string_view bytes, MonoTime, Actions& out) override {
    tell("bytes " + std::to_string(id.raw()) + " " + std::string(bytes), out);
  }
  void on_stream_closed(StreamId id, std::string_view why, MonoTime, Actions& out) override {
    tell("closed " + std::to_string(id.raw()) + " " + std::string(why), out);
  }
  void on_published(CallId id, bool ok, MonoTime, Actions& out) override {
    tell("published " + std::to_string(id.raw()) + (ok ? " ok" : " no"), out);
  }
  void on_broker(bool up, MonoTime, Actions& out) override { tell(up ? "up" : "down", out); }
  void on_message(std::string_view topic, std::string_view payload, MonoTime,
                  Actions& out) override {
    tell("message " + std::string(topic) + " " + std::string(payload), out);
  }
  void on_line(std::string_view line, bool ended, MonoTime, Actions& out) override {
    tell(ended ? "ended" : "line " + std::string(line), out);
  }
  void on_timer(std::uint32_t number, MonoTime, Actions& out) override {
    tell("timer " + std::to_string(number), out);
  }
  Result<notify::CallbackReply> on_callback(const notify::Callback& request, Instant,
                                            Actions& out) override {
    if (request.body == "bad") throw std::runtime_error("planted");
    notify::Receipt receipt;
    receipt.provider_id = request.body;
    out.push_back(action::Heard{receipt});
    return notify::CallbackReply{.status = 200, .content_type = "text/plain", .body = "ok"};
  }

 private:
  void tell(const std::string& what, Actions& out) {
    heard.push_back(what);
    if (when_told) when_told(what, out);
  }
};

action::Done done(DeliveryId id, OutcomeKind kind) {
  action::Done out{id, {}};
  out.outcome.kind = kind;
  return out;
}

class ChannelHostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto adapter = std::make_unique<ScriptedAdapter>();
    adapter_ = adapter.get();
    ChannelHost::Parts parts;
    parts.name = "test";
    parts.adapter = std::move(adapter);
    parts.transports = std::make_unique<FakeTransports>(outside_);
    parts.clock = &clock_;
    parts.post = [this](std::function<void()> task) { tasks_.push_back(std::move(task)); };
    parts.on_done = [this](const action::Done& what) {
      done_.emplace_back(what.id.raw(), what.outcome.kind);
      if (when_done_) when_done_();
    };
    parts.on_heard = [this](const notify::Receipt& what) { receipts_.push_back(what.provider_id); };
    host_ = std::make_unique<ChannelHost>(std::move(parts));
    host_->start();
    adapter_->heard.clear();
  }
  void run() {
    while (!tasks_.empty()) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  static std::vector<Item> items(std::initializer_list<std::uint64_t> ids) {
    std::vector<Item> out;
    for (const std::uint64_t id : ids) {
      out.emplace_back();
      out.back().id = DeliveryId(id);
    }
    return out;
  }
  void submit(std::initializer_list<std::uint64_t> ids) { host_->submit(items(ids)); }
  /// submit() starts one call per item, with the delivery's number.
  void call_for_each() {
    adapter_->when_submitted = [](std::span<const Item> given, Actions& out) {
      for (const Item& item : given) out.push_back(action::Http{CallId(item.id.raw()), {}});
    };
  }

  using DoneList = std::vector<std::pair<std::uint64_t, OutcomeKind>>;
  using Texts = std::vector<std::string>;
  ManualClock clock_{Instant{Millis{1'790'000'000'000}}};
  Outside outside_;
  std::deque<std::function<void()>> tasks_;
  DoneList done_;
  Texts receipts_;
  std::function<void()> when_done_;
  ScriptedAdapter* adapter_ = nullptr;
  std::unique_ptr<ChannelHost> host_;
};

TEST_F(ChannelHostTest, SubmitsInBatchesThatTheAdapterTakes) {
  submit({1, 2, 3, 4, 5});
  EXPECT_EQ(adapter_->heard, (Texts{"submit 2", "submit 2", "submit 1"}));
  EXPECT_EQ(host_->pending(), 5U);
}

TEST_F(ChannelHostTest, AReplyReachesTheAdapterOnTheGatewaysThreadOnly) {
  call_for_each();
  adapter_->when_told = [](const std::string&, Actions& out) {
    out.push_back(done(DeliveryId(7), OutcomeKind::accepted));
  };
  submit({7});
  ASSERT_EQ(outside_.calls.size(), 1U);
  CallReply reply;
  reply.status = 202;
  outside_.calls[0].second(reply);
  EXPECT_TRUE(done_.empty());
  run();
  EXPECT_EQ(adapter_->heard.back(), "reply 7 202");
  EXPECT_EQ(done_, (DoneList{{7, OutcomeKind::accepted}}));
  EXPECT_EQ(host_->pending(), 0U);
}

TEST_F(ChannelHostTest, ASecondOutcomeAndOneForNobodyAreDropped) {
  adapter_->when_submitted = [](std::span<const Item> given, Actions& out) {
    out.push_back(done(given[0].id, OutcomeKind::accepted));
    out.push_back(done(given[0].id, OutcomeKind::delivered));
    out.push_back(done(DeliveryId(99), OutcomeKind::delivered));
  };
  submit({1});
  EXPECT_EQ(done_, (DoneList{{1, OutcomeKind::accepted}}));
}

TEST_F(ChannelHostTest, ADeliveryUnderWayIsNotSubmittedAgain) {
  submit({1});
  submit({1});
  EXPECT_EQ(adapter_->heard, (Texts{"submit 1"}));
}

TEST_F(ChannelHostTest, ASubmitThatThrowsSendsNothingAndEndsAsUnknown) {
  adapter_->when_submitted = [](std::span<const Item>, Actions& out) {
    out.push_back(action::Http{CallId(1), {}});
    throw std::runtime_error("planted");
  };
  submit({1, 2});
  EXPECT_TRUE(outside_.calls.empty());
  EXPECT_EQ(done_, (DoneList{{1, OutcomeKind::unknown}, {2, OutcomeKind::unknown}}));
  EXPECT_EQ(host_->health().state, notify::Health::State::degraded);
}

TEST_F(ChannelHostTest, ADeliveryThatTheAdapterForgetsEndsAsUnknown) {
  submit({1});
  ASSERT_TRUE(host_->next_timer());
  EXPECT_EQ(*host_->next_timer(), clock_.mono() + ChannelHost::kAnswerMax);
  clock_.advance(ChannelHost::kAnswerMax - Millis{1});
  host_->run_timers(clock_.mono());
  EXPECT_TRUE(done_.empty());
  clock_.advance(Millis{1});
  host_->run_timers(clock_.mono());
  EXPECT_EQ(done_, (DoneList{{1, OutcomeKind::unknown}}));
  EXPECT_FALSE(host_->next_timer());
}

TEST_F(ChannelHostTest, AnotherThrowingCallLeavesTheDeliveryToItsTimer) {
  call_for_each();
  adapter_->when_told = [](const std::string&, Actions&) { throw std::runtime_error("planted"); };
  submit({1});
  outside_.calls[0].second({});
  run();
  EXPECT_TRUE(done_.empty());
  EXPECT_EQ(host_->pending(), 1U);
  EXPECT_FALSE(host_->preview({}, {}));
  EXPECT_EQ(host_->callback({.method = {}, .path = {}, .query = {}, .headers = {}, .body = "bad"})
                .error()
                .code,
            Errc::internal);
}

TEST_F(ChannelHostTest, TheSinkMaySubmitMoreWhileActionsArePerformed) {
  adapter_->when_submitted = [](std::span<const Item> given, Actions& out) {
    for (const Item& item : given) out.push_back(done(item.id, OutcomeKind::accepted));
  };
  std::uint64_t next = 3;
  when_done_ = [&] {
    if (next < 6) submit({next++});
  };
  submit({1, 2});
  EXPECT_EQ(done_.size(), 5U);
  EXPECT_EQ(host_->pending(), 0U);
}

TEST_F(ChannelHostTest, TimersFireInOrderOnceAndCanBeMoved) {
  const MonoTime now = clock_.mono();
  adapter_->when_submitted = [now](std::span<const Item>, Actions& out) {
    out.push_back(action::Timer{2, now + Millis{20}});
    out.push_back(action::Timer{1, now + Millis{10}});
    out.push_back(action::Timer{3, now + Millis{5}});
    out.push_back(action::Timer{3, now + Millis{30}});
  };
  adapter_->when_told = [now](const std::string& what, Actions& out) {
    if (what == "timer 1") out.push_back(action::Timer{1, now});  // due at once, not in this turn
  };
  submit({1});
  adapter_->heard.clear();
  EXPECT_EQ(host_->next_timer(), now + Millis{10});
  clock_.advance(Millis{25});
  host_->run_timers(clock_.mono());
  EXPECT_EQ(adapter_->heard, (Texts{"timer 1", "timer 2"}));
  clock_.advance(Millis{5});
  host_->run_timers(clock_.mono());
  EXPECT_EQ(adapter_->heard, (Texts{"timer 1", "timer 2", "timer 1", "timer 3"}));
}

TEST_F(ChannelHostTest, AStreamCarriesBytesAndEndsOnce) {
  adapter_->when_submitted = [](std::span<const Item>, Actions& out) {
    out.push_back(action::Open{StreamId(1), "smsc", 2775, true, "ca.pem"});
    out.push_back(action::Send{StreamId(1), "bind"});
    out.push_back(action::Send{StreamId(9), "nowhere"});
  };
  submit({1});
  adapter_->heard.clear();
  ASSERT_EQ(outside_.streams.size(), 1U);
  const auto stream = outside_.streams[0];
  EXPECT_EQ(stream->target.host, "smsc");
  EXPECT_TRUE(stream->target.tls);
  EXPECT_EQ(stream->sent, "bind");
  stream->events.on_open();
  stream->events.on_bytes("resp");
  stream->events.on_closed("gone");
  stream->events.on_bytes("late");
  run();
  EXPECT_EQ(adapter_->heard, (Texts{"open 1", "bytes 1 resp", "closed 1 gone"}));
  EXPECT_EQ(stream->consumed, 4U);
}

TEST_F(ChannelHostTest, CloseIsReportedUnlessTheStreamIsOpenedAgain) {
  bool reopen = false;
  adapter_->when_submitted = [&](std::span<const Item>, Actions& out) {
    if (!outside_.streams.empty()) out.push_back(action::Close{StreamId(1)});
    if (outside_.streams.empty() || reopen)
      out.push_back(action::Open{StreamId(1), "smsc", 2775, false, ""});
  };
  submit({1});
  reopen = true;
  submit({2});
  adapter_->heard.clear();
  EXPECT_TRUE(outside_.streams[0]->is_gone);
  outside_.streams[0]->events.on_closed("closed by us");
  run();
  EXPECT_TRUE(adapter_->heard.empty());
  reopen = false;
  submit({3});
  adapter_->heard.clear();
  outside_.streams[1]->events.on_closed("whatever the transport says");
  run();
  EXPECT_EQ(adapter_->heard, (Texts{"closed 1 closed by us"}));
}

TEST_F(ChannelHostTest, ALineStartsTheProgramAndItsEndIsTold) {
  adapter_->when_submitted = [](std::span<const Item> given, Actions& out) {
    out.push_back(action::Line{std::to_string(given[0].id.raw())});
  };
  submit({1});
  submit({2});
  ASSERT_EQ(outside_.programs.size(), 1U);
  EXPECT_EQ(outside_.programs[0]->lines, (Texts{"1", "2"}));
  outside_.programs[0]->events.on_line("{}");
  outside_.programs[0]->events.on_ended();
  run();
  EXPECT_EQ((Texts{adapter_->heard.end() - 2, adapter_->heard.end()}), (Texts{"line {}", "ended"}));
  submit({3});
  ASSERT_EQ(outside_.programs.size(), 2U);
  outside_.programs[1]->takes = false;
  submit({4});
  run();
  EXPECT_EQ(adapter_->heard.back(), "ended");
  EXPECT_TRUE(outside_.programs[1]->is_gone);
}

TEST_F(ChannelHostTest, LinesAfterALostOneWaitForNoNewProgram) {
  adapter_->when_submitted = [](std::span<const Item>, Actions& out) {
    out.push_back(action::Line{"{}"});
  };
  submit({1});
  outside_.programs[0]->takes = false;
  submit({2});  // lost
  submit({3});  // its outcome is told by the same end
  EXPECT_EQ(outside_.programs.size(), 1U);
  outside_.programs[0]->events.on_ended();
  run();
  EXPECT_EQ(std::ranges::count(adapter_->heard, "ended"), 1);
  submit({4});
  EXPECT_EQ(outside_.programs.size(), 2U);
}

TEST_F(ChannelHostTest, AChannelWithoutAProgramHearsThatItEnded) {
  outside_.has_program = false;
  adapter_->when_submitted = [](std::span<const Item>, Actions& out) {
    out.push_back(action::Line{"{}"});
  };
  submit({1});
  run();
  EXPECT_EQ(adapter_->heard.back(), "ended");
}

TEST_F(ChannelHostTest, PublishesAndHearsTheBroker) {
  adapter_->when_submitted = [](std::span<const Item> given, Actions& out) {
    out.push_back(action::Subscribe{"zone/+/state"});
    out.push_back(action::Publish{CallId(given[0].id.raw()), "zone/3", "{}", 1, false});
  };
  submit({1});
  EXPECT_EQ(outside_.filters, (Texts{"zone/+/state"}));
  ASSERT_EQ(outside_.publishes.size(), 1U);
  outside_.broker.on_state(true);
  outside_.publishes[0].done(true);
  outside_.broker.on_message("zone/3/state", "playing");
  run();
  EXPECT_EQ((Texts{adapter_->heard.end() - 3, adapter_->heard.end()}),
            (Texts{"up", "published 1 ok", "message zone/3/state playing"}));
}

TEST_F(ChannelHostTest, TheAnswerToAWebHookGoesOutBeforeWhatItSaid) {
  const auto reply =
      host_->callback({.method = {}, .path = {}, .query = {}, .headers = {}, .body = "id-1"});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_TRUE(receipts_.empty());
  run();
  EXPECT_EQ(receipts_, (Texts{"id-1"}));
}

TEST_F(ChannelHostTest, StopWaitsForWhatIsUnderWay) {
  call_for_each();
  adapter_->when_told = [](const std::string& what, Actions& out) {
    if (what == "reply 1 200") out.push_back(done(DeliveryId(1), OutcomeKind::accepted));
  };
  submit({1});
  host_->stop();
  EXPECT_FALSE(host_->is_stopped());
  submit({2});
  EXPECT_EQ(done_, (DoneList{{2, OutcomeKind::retry_after}}));
  CallReply reply;
  reply.status = 200;
  outside_.calls[0].second(reply);
  run();
  EXPECT_TRUE(host_->is_stopped());
  EXPECT_EQ(done_.back(), (std::pair<std::uint64_t, OutcomeKind>{1, OutcomeKind::accepted}));
}

TEST_F(ChannelHostTest, StopEndsAfterItsTimeAndWhatIsMissingBecomesUnknown) {
  call_for_each();
  submit({1, 2});
  host_->stop();
  EXPECT_EQ(host_->next_timer(), clock_.mono() + ChannelHost::kStopMax);
  clock_.advance(ChannelHost::kStopMax);
  host_->run_timers(clock_.mono());
  EXPECT_TRUE(host_->is_stopped());
  EXPECT_EQ(done_.size(), 2U);
  EXPECT_EQ(done_[0].second, OutcomeKind::unknown);
  const auto heard = adapter_->heard;
  outside_.calls[0].second({});  // a late reply finds nobody
  run();
  EXPECT_EQ(adapter_->heard, heard);
}

TEST_F(ChannelHostTest, DestructionEndsWhatIsMissingAndLateRepliesFindNobody) {
  call_for_each();
  submit({1});
  host_.reset();
  EXPECT_EQ(done_, (DoneList{{1, OutcomeKind::unknown}}));
  outside_.calls[0].second({});
  run();
}

TEST_F(ChannelHostTest, NothingIsPostedOnceTheHostIsStopped) {
  call_for_each();
  submit({1});
  host_->stop();
  clock_.advance(ChannelHost::kStopMax);
  host_->run_timers(clock_.mono());
  ASSERT_TRUE(host_->is_stopped());
  tasks_.clear();
  outside_.calls[0].second({});  // the gateway may be gone by now
  outside_.broker.on_state(true);
  EXPECT_TRUE(tasks_.empty());
}

TEST_F(ChannelHostTest, ACallIdInUseIsNotStartedAgain) {
  adapter_->when_submitted = [](std::span<const Item>, Actions& out) {
    out.push_back(action::Mail{CallId(1), {}});
    out.push_back(action::Http{CallId(1), {}});
  };
  submit({1});
  EXPECT_EQ(outside_.mails.size(), 1U);
  EXPECT_TRUE(outside_.calls.empty());
}

}  // namespace
}  // namespace linli::app
