// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sync/protocol/client_session.h"
#include "sync/protocol/overlay.h"
#include "tests/sim/server.h"
#include "tests/support/memory_replica.h"

namespace linli::sim {

/// The real client core on a phone that is killed, cloned, set to a wrong time and cut off. Every
/// invariant is checked after every message it processed.
class Phone {
 public:
  struct World {
    Schedule& schedule;
    ManualClock& clock;
    Rng& rng;
    Server& server;
    const sync::EffectTable& effects;
    std::uint64_t& link_ids;
  };

  Phone(const World& world, std::string name, const sync::Identity& identity,
        sync::Encoding encoding);
  /// A phone with a copy of the store of `original` (M10).
  Phone(const World& world, std::string name, const Phone& original);
  Phone(const Phone&) = delete;
  Phone& operator=(const Phone&) = delete;

  void power_on();
  void kill();
  [[nodiscard]] bool on() const { return session_ != nullptr; }
  /// A write by the person; its token names it for ever.
  void write(const std::string& mutator, Json args);
  /// Both ends notice.
  void cut();
  /// Nobody notices.
  void half_open();
  void set_offline(bool offline) { offline_ = offline; }
  /// The next local transaction is the last of this process.
  void crash_at_next_commit(bool stored);
  /// No transaction succeeds while the disk is full.
  void set_disk_full(bool full) { replica_.storage().is_full = full; }
  /// The next digest that comes down is wrong, as after a fault in memory: the bucket is fetched
  /// anew and nothing else happens.
  void damage_next_digest();
  [[nodiscard]] bool dead() const { return dead_; }

  /// Everything sent, answered and shown.
  [[nodiscard]] bool settled();
  void check_at_rest();
  [[nodiscard]] std::string state_text();
  [[nodiscard]] std::string pending_text();

  [[nodiscard]] const std::string& account() const { return account_; }
  [[nodiscard]] const std::map<std::string, std::string>& tokens() const { return tokens_; }
  /// Tokens that its clone may run a second time under its new key.
  std::set<std::string> shared_tokens;
  bool cloned = false;
  std::vector<std::string> faults;

 private:
  void perform();
  void dial(std::uint64_t life);
  void send(std::string bytes);
  void closed(std::uint16_t code);
  void note_reveals(const std::string& message);
  /// One line a message on stderr when LINLI_SIM_TRACE names this phone.
  void trace(const std::vector<sync::ServerFrame>& frames);
  void check();
  std::map<std::string, std::string> bucket(const sync::ReplicaBucket& b);

  World world_;
  std::string name_;
  std::string account_;
  sync::Encoding encoding_;
  test::MemoryReplica replica_;
  std::unique_ptr<sync::ClientSession> session_;
  std::shared_ptr<Link> link_;
  std::uint64_t life_ = 0;
  std::uint64_t timer_ = 0;
  bool offline_ = false;
  bool dead_ = false;
  std::shared_ptr<std::uint64_t> damaged_ = std::make_shared<std::uint64_t>(0);
  std::uint64_t written_ = 0;
  /// token -> mutator
  std::map<std::string, std::string> tokens_;
  std::uint64_t increments_ = 0;
  /// Where a bucket was revealed; it may be ahead of its lane.
  std::map<std::pair<sync::BucketId, sync::Seq>, sync::Seq> reveals_;
};

}  // namespace linli::sim
