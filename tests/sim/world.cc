// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <memory>

#include "base/assert.h"
#include "tests/sim/phone.h"

namespace linli::sim {
namespace {

using namespace sync;

constexpr Millis kCalm{20 * 60 * 1000};
constexpr Millis kCalmStep{5000};
/// A half-open path is noticed after a ping and its deadline: rest must last longer than that.
constexpr int kRestSteps = 36;
constexpr std::array kBuckets{"all", "all", "north", "south", "warn:u", "north:u"};

Json effects_schema() {
  return {{"mutators",
           {{"note.inc",
             {{"lane", 1},
              {"effects",
               {{{"op", "inc"}, {"tbl", "count"}, {"key", "{id}"}, {"data", {{"n", 1}}}}}}}}}}};
}

class World {
 public:
  explicit World(const Options& options)
      : options_(options),
        rng_(options.seed),
        clock_(from_unix_ms(1'760'000'000'000)),
        schedule_(clock_),
        server_(schedule_, clock_, rng_, options.plant) {
    auto parsed = EffectTable::parse(effects_schema());
    LINLI_ASSERT(parsed.has_value());
    effects_ = std::move(*parsed);
  }

  Outcome run() {
    server_.start();
    for (int i = 0; i < options_.phones; ++i) add_phone(i);
    schedule_.run_until(clock_.mono() + Millis{2000});
    for (int step = 0; step < options_.steps && clean(); ++step) {
      act();
      schedule_.run_until(clock_.mono() + Millis{static_cast<std::int64_t>(rng_.below(3000))});
    }
    calm();
    return outcome();
  }

 private:
  Phone::World ports() { return {schedule_, clock_, rng_, server_, effects_, link_ids_}; }

  void add_phone(int i) {
    Identity who = test::make_identity(rng_, "sim", static_cast<char>('a' + i % 3));
    who.origin = "http://sim";
    auto key = KeyPair::from_seed(who.seed.view());
    server_.register_device(who.cid, {who.account, key->pub()});
    phones_.push_back(std::make_unique<Phone>(ports(), "p" + std::to_string(i), who,
                                              i % 2 == 0 ? Encoding::cbor : Encoding::json));
    set_members(*phones_.back());
    phones_.back()->power_on();
  }

  Json some_buckets(std::uint64_t max) {
    Json out = Json::array();
    std::set<std::string> chosen;
    for (std::uint64_t i = 0; i <= rng_.below(max); ++i)
      chosen.insert(kBuckets[rng_.below(kBuckets.size())]);
    for (const std::string& name : chosen) out.push_back(name);
    return out;
  }

  void set_members(const Phone& phone) {
    Json buckets = some_buckets(4);
    server_.system("member.set", {{"account", phone.account()}, {"buckets", std::move(buckets)}});
  }

  Phone& any() { return *phones_[rng_.below(phones_.size())]; }

  void write(Phone& phone) {
    ++mutations_;
    const std::string id = "k" + std::to_string(rng_.below(10));
    switch (rng_.below(8)) {
      case 0: return phone.write("note.del", {{"id", id}});
      case 1: return phone.write("note.fail", Json::object());
      case 2:
      case 3: return phone.write("note.inc", {{"id", phone_name(phone)}});
      default:
        return phone.write(
            "note.put",
            {{"id", id}, {"text", std::to_string(rng_.below(1000))}, {"buckets", some_buckets(3)}});
    }
  }

  std::string phone_name(const Phone& phone) {
    for (std::size_t i = 0; i < phones_.size(); ++i)
      if (phones_[i].get() == &phone) return "p" + std::to_string(i);
    return "?";
  }

  void act() {
    Phone& phone = any();
    switch (rng_.below(30)) {
      case 0: return phone.cut();
      case 1: return phone.half_open();
      case 2: return phone.set_offline(true), phone.cut();
      case 3: return phone.set_offline(false);
      case 4: return phone.kill();
      case 5: return phone.crash_at_next_commit(rng_.below(2) == 0);
      case 6: return set_members(phone);
      case 7: return server_.up() && rng_.below(3) == 0 ? server_.crash() : void();
      case 8: return server_.fail_next_commit(rng_.below(2) == 0);
      case 9:
        return clock_.jump(
            Millis{static_cast<std::int64_t>(rng_.below(6)) * 86'400'000 - 259'200'000});
      // Every third seed each: no restores, no clones, both.
      case 10:
        return options_.seed % 3 == 0 ? void() : rng_.below(2) == 0 ? server_.backup() : restore();
      case 11: return options_.seed % 3 == 1 ? void() : clone(phone);
      case 12: return rng_.below(2) == 0 ? server_.die_after_commit() : void();
      case 13: return phone.set_disk_full(rng_.below(2) == 0);
      case 14: return server_.collect_garbage();
      case 15: return phone.damage_next_digest();
      case 16: return server_.refuse_next_push();
      default: break;
    }
    if (!server_.up()) server_.start();
    if (!phone.on()) phone.power_on();
    for (std::uint64_t i = 0; i <= rng_.below(4); ++i) write(phone);
  }

  void restore() {
    if (!server_.has_backup() || rng_.below(4) != 0) return;
    server_.restore();
    server_.start();
  }

  void clone(Phone& original) {
    if (phones_.size() > static_cast<std::size_t>(options_.phones) + 1 || rng_.below(3) != 0)
      return;
    // What is on its way when the store is copied is in both copies.
    for (const auto& [token, mutator] : original.tokens()) original.shared_tokens.insert(token);
    original.cloned = true;
    phones_.push_back(
        std::make_unique<Phone>(ports(), "p" + std::to_string(phones_.size()), original));
    phones_.back()->power_on();
  }

  bool clean() {
    for (const auto& phone : phones_)
      if (!phone->faults.empty()) return false;
    return server_.faults.empty();
  }

  void calm() {
    server_.fail_next_commit(false);
    if (!server_.up()) server_.start();
    for (auto& phone : phones_) {
      phone->set_offline(false);
      phone->set_disk_full(false);
      if (!phone->on()) phone->power_on();
    }
    const MonoTime end = clock_.mono() + kCalm;
    int rested = 0;
    while (rested < kRestSteps && clock_.mono() < end && clean()) {
      schedule_.run_until(clock_.mono() + kCalmStep);
      bool settled = server_.up() && server_.idle();
      if (!server_.up()) server_.start();
      for (auto& phone : phones_) {
        if (!phone->on()) phone->power_on();
        settled = settled && phone->settled();
      }
      rested = settled ? rested + 1 : 0;
    }
    const bool settled = rested == kRestSteps;
    if (!clean()) return;
    if (!settled) {
      faults_.push_back("not settled after 20 virtual minutes of calm");
      for (auto& phone : phones_) faults_.push_back("  " + phone->state_text());
      return;
    }
    for (auto& phone : phones_) phone->check_at_rest();
  }

  Outcome outcome() {
    Outcome out{.faults = faults_,
                .events = schedule_.ran(),
                .mutations = mutations_,
                .seqs = server_.model().head().raw(),
                .rare = server_.rare(),
                .trace = 0};
    for (const auto& phone : phones_)
      out.faults.insert(out.faults.end(), phone->faults.begin(), phone->faults.end());
    out.faults.insert(out.faults.end(), server_.faults.begin(), server_.faults.end());
    if (server_.max_queue() > limits::kQueueBytesMax + limits::kRemainderBytesMax)
      out.faults.push_back("a queue outgrew its bound");
    out.trace = schedule_.ran() * 1'000'003 + out.seqs * 31 +
                static_cast<std::uint64_t>(clock_.mono().count());
    return out;
  }

  Options options_;
  SeededRng rng_;
  ManualClock clock_;
  Schedule schedule_;
  Server server_;
  EffectTable effects_;
  std::uint64_t link_ids_ = 0;
  std::uint64_t mutations_ = 0;
  std::vector<std::unique_ptr<Phone>> phones_;
  std::vector<std::string> faults_;
};

}  // namespace

Outcome run(const Options& options) { return World(options).run(); }

}  // namespace linli::sim
