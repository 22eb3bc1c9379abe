// SPDX-License-Identifier: Apache-2.0
// Goal:   the client comes up when the broker does, says truthfully what the broker took over, and
//         never repeats by itself what had no answer.
// Method: Debian's mosquitto on a free loopback port.
#include "server/net/mqtt_client.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/net/scripted_peer.h"

namespace linli::net {
namespace {

using namespace std::chrono_literals;
using test::test_certificate;

constexpr const char* kBroker = "/usr/sbin/mosquitto";

/// A port that was free a moment ago.
std::uint16_t free_port() {
  return test::ScriptedPeer([](test::PeerConnection&) {}).port();
}

class Broker {
 public:
  explicit Broker(std::uint16_t port, const std::string& more = "allow_anonymous true\n",
                  const std::string& address = "127.0.0.1") {
    std::string folder = (std::filesystem::temp_directory_path() / "linli-mqtt-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return;
    const std::string file = folder + "/conf";
    // Started by root it would become a user who cannot read the key.
    std::ofstream(file) << "user root\nlistener " << port << " " << address << "\n" << more;
    std::string arguments[] = {kBroker, "-c", file};
    char* list[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (folder + "/log").c_str(),
                                     O_WRONLY | O_CREAT, 0600);
    if (::posix_spawn(&pid_, kBroker, &actions, nullptr, list, environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Broker() { end(SIGTERM); }
  void end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::kill(pid_, SIGCONT);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  /// It neither reads nor answers any more.
  void freeze() const { ::kill(pid_, SIGSTOP); }

 private:
  pid_t pid_ = -1;
};

class MqttLog {
 public:
  MqttClient::Events events() {
    return {.on_state = [this](bool is_up) { change([&] { states.push_back(is_up); }); },
            .on_message =
                [this](const std::string& topic, const std::string& payload) {
                  change([&] { messages.push_back(topic + " " + payload); });
                }};
  }
  std::function<void(bool)> done() {
    return [this](bool ok) { change([&] { answers.push_back(ok); }); };
  }
  template <class Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, predicate);
  }
  std::size_t answer_count() {
    const std::lock_guard lock(mutex_);
    return answers.size();
  }
  bool wait_states(std::size_t count) {
    return wait([&] { return states.size() >= count; });
  }
  bool wait_answers(std::size_t count) {
    return wait([&] { return answers.size() >= count; });
  }
  bool wait_messages(std::size_t count) {
    return wait([&] { return messages.size() >= count; });
  }

  std::vector<bool> states;
  std::vector<bool> answers;
  std::vector<std::string> messages;

 private:
  template <class Change>
  void change(Change what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

MqttClient::Options to(std::uint16_t port) {
  MqttClient::Options out;
  out.host = "127.0.0.1";
  out.port = port;
  out.retry_min = 50ms;
  out.retry_max = 200ms;
  return out;
}

MqttClient::Publish message(const std::string& payload, MqttLog& log, int qos = 1) {
  MqttClient::Publish out;
  out.topic = "zone/3/play";
  out.payload = payload;
  out.qos = qos;
  out.done = log.done();
  return out;
}

class Mqtt : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(kBroker, X_OK) != 0) GTEST_SKIP() << "mosquitto is not installed";
  }
};

TEST_F(Mqtt, PublishesAndHearsWithBothProtocols) {
  for (const int protocol : {5, 4}) {
    const auto port = free_port();
    Broker broker(port);
    MqttLog log;
    auto options = to(port);
    options.protocol = protocol;
    MqttClient client(options, log.events());
    client.subscribe("zone/+/play");
    ASSERT_TRUE(log.wait_states(1));
    for (const int qos : {0, 1, 2}) {
      auto what = message("qos " + std::to_string(qos), log, qos);
      what.expiry = 60s;
      client.publish(std::move(what));
    }
    ASSERT_TRUE(log.wait_answers(3));
    ASSERT_TRUE(log.wait_messages(3));
    EXPECT_EQ(log.answers, (std::vector<bool>{true, true, true}));
    EXPECT_EQ(log.messages[0], "zone/3/play qos 0");
    client.stop();
    EXPECT_EQ(log.states, (std::vector<bool>{true, false}));
  }
}

TEST_F(Mqtt, ComesUpLateAndAgainAndSubscribesAgain) {
  const auto port = free_port();
  MqttLog log;
  MqttClient client(to(port), log.events());
  client.subscribe("zone/#");
  client.publish(message("too early", log));
  ASSERT_TRUE(log.wait_answers(1));
  EXPECT_FALSE(log.answers[0]);
  for (std::size_t round = 0; round < 2; ++round) {
    Broker broker(port);
    ASSERT_TRUE(log.wait_states(2 * round + 1));
    client.publish(message("round", log));
    ASSERT_TRUE(log.wait_messages(round + 1)) << round;
    broker.end(SIGKILL);
    ASSERT_TRUE(log.wait_states(2 * round + 2));
  }
  EXPECT_EQ(log.messages, (std::vector<std::string>{"zone/3/play round", "zone/3/play round"}));
}

TEST_F(Mqtt, WhatHadNoAnswerIsNotTakenOverAndNotRepeated) {
  const auto port = free_port();
  auto broker = std::make_unique<Broker>(port);
  MqttLog log;
  MqttClient client(to(port), log.events());
  ASSERT_TRUE(log.wait_states(1));
  broker->freeze();
  client.publish(message("lost", log));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(log.answer_count(), 0U);
  broker->end(SIGKILL);
  ASSERT_TRUE(log.wait_answers(1));
  EXPECT_FALSE(log.answers[0]);
  broker = std::make_unique<Broker>(port);
  MqttLog listener;
  MqttClient other(to(port), listener.events());
  other.subscribe("#");
  ASSERT_TRUE(listener.wait_states(1));
  other.publish(message("subscribed", listener));  // the broker takes both in order
  ASSERT_TRUE(listener.wait_messages(1));
  ASSERT_TRUE(log.wait_states(3));
  client.publish(message("fresh", log));
  ASSERT_TRUE(listener.wait_messages(2));
  EXPECT_EQ(listener.messages[1], "zone/3/play fresh");
}

TEST_F(Mqtt, ARefusedPublishIsNotTakenOver) {
  const auto port = free_port();
  const auto acl = std::filesystem::temp_directory_path() / ("linli-acl-" + std::to_string(port));
  std::ofstream(acl) << "topic read #\ntopic write allowed/#\n";
  Broker broker(port, "allow_anonymous true\nacl_file " + acl.string() + "\n");
  MqttLog log;
  MqttClient client(to(port), log.events());
  ASSERT_TRUE(log.wait_states(1));
  client.publish(message("x", log));
  ASSERT_TRUE(log.wait_answers(1));
  EXPECT_FALSE(log.answers[0]);
  auto allowed = message("x", log);
  allowed.topic = "allowed/x";
  client.publish(std::move(allowed));
  ASSERT_TRUE(log.wait_answers(2));
  EXPECT_TRUE(log.answers[1]);
  std::filesystem::remove(acl);
}

TEST_F(Mqtt, TlsVerifiesTheBroker) {
  const auto port = free_port();
  const auto& files = test_certificate();
  const std::string tls =
      "allow_anonymous true\ncertfile " + files.certificate + "\nkeyfile " + files.key + "\n";
  Broker broker(port, tls);
  Broker elsewhere(port, tls, "127.0.0.2");
  auto options = to(port);
  options.tls = true;
  options.ca_file = files.certificate;
  MqttLog good;
  MqttClient trusted(options, good.events());
  ASSERT_TRUE(good.wait_states(1));
  trusted.publish(message("x", good));
  ASSERT_TRUE(good.wait_answers(1));
  EXPECT_TRUE(good.answers[0]);
  options.ca_file = files.other;
  MqttLog bad;
  MqttClient untrusted(options, bad.events());
  options.ca_file = files.certificate;
  options.host = "127.0.0.2";  // not in the certificate
  MqttLog misnamed;
  MqttClient other(options, misnamed.events());
  std::this_thread::sleep_for(500ms);
  EXPECT_TRUE(bad.states.empty());
  EXPECT_TRUE(misnamed.states.empty());
}

TEST_F(Mqtt, WorksBeyondTheDescriptorsThatSelectCanWatch) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < 2000) GTEST_SKIP() << "too few descriptors allowed";
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, 2000);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto port = free_port();
  Broker broker(port);
  std::vector<int> held;
  while (held.empty() || held.back() < 1100)
    held.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  MqttLog log;
  {
    MqttClient client(to(port), log.events());
    ASSERT_TRUE(log.wait_states(1));
    client.publish(message("x", log));
    ASSERT_TRUE(log.wait_answers(1));
    EXPECT_TRUE(log.answers[0]);
  }
  for (const int descriptor : held) ::close(descriptor);
}

}  // namespace
}  // namespace linli::net
