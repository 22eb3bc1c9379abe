// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "sync/engine/committer.h"
#include "sync/store/memory/memory_store.h"

/// The domain modules over the real committer and a store, in memory unless told, without sockets.
namespace linli::test {

/// 2025-11-13 02:13:20 UTC.
inline constexpr std::int64_t kTownStart = 1'763'000'000'000;

class TestCommunity {
 public:
  explicit TestCommunity(
      Instant start = from_unix_ms(kTownStart),
      std::unique_ptr<sync::Store> store = std::make_unique<sync::MemoryStore>());

  /// Runs a mutator as `account` (32 hex digits; empty = the system), elevated unless told. Broken
  /// arguments are refused before the queue, as a server does.
  Result<Json> call(const std::string& account, const std::string& name, const Json& args,
                    bool elevated = true);
  /// call() for what a phone did at `captured` and sends only now.
  Result<Json> call_late(Instant captured, const std::string& account, const std::string& name,
                         const Json& args);
  /// A push of the account's own phone, whose clock the server knows.
  Result<Json> push(Instant captured, const std::string& account, const std::string& name,
                    const Json& args);
  /// Like call(), but a refusal is a test failure.
  Json must(const std::string& account, const std::string& name, const Json& args);
  Result<Json> ask(const std::string& account, const std::string& name, const Json& params);

  /// Runs due rows until none is due, a millisecond at a time; returns how many ticks ran any.
  int settle();
  /// Runs what is due one millisecond from now.
  void tick();
  ManualClock& clock() { return clock_; }
  const sync::Registry& registry() const { return registry_; }
  sync::Store& store() { return store_; }
  sync::Committer& committer() { return committer_; }

  /// Null when absent.
  Json row(std::string_view tbl, std::string_view key);
  /// Whether the account's phones have the row, and by which buckets a row is placed.
  bool holds(const std::string& account, const std::string& tbl, const std::string& key);
  std::vector<std::string> placed(const std::string& tbl, const std::string& key);
  std::vector<std::string> buckets_of(const std::string& account);
  /// Every row text that the account's phones have.
  std::string everything_on_phone_of(const std::string& account);
  std::vector<Json> outbox(const std::string& kind);

  /// Largest number of rows that one mutation has written so far, and its name.
  std::size_t rows_max = 0;
  std::string rows_max_name;

 private:
  Result<Json> run(Instant captured, const sync::Actor& actor, const std::string& name,
                   const Json& args);
  void measure(const sync::SharedCommit& commit, const std::string& name);

  sync::Registry registry_;
  const std::unique_ptr<sync::Store> owned_store_;
  sync::Store& store_;
  ManualClock clock_;
  SeededRng rng_{7};
  sync::Committer committer_;
};

/// An audience: the whole of SmallTown.
inline const Json kEverybody = {{"areas", {"hn"}}};

/// The error of a refused call; a value that no error has when it was not refused.
inline Errc code_of(const Result<Json>& result) { return result ? Errc{} : result.error().code; }

/// 淮南社区 with two grids, each one courtyard, building and entrance, and these households:
/// g1: 王桂芝 (82, alone, landline) p-wang; 陈大爷 p-chen; g2: 刘洋 p-liu, 李敏 p-li.
/// Staff accounts: editor, approver, grid1 (grid worker of g1), window, admin, supervisor.
struct SmallTown : TestCommunity {
  explicit SmallTown(std::unique_ptr<sync::Store> store = std::make_unique<sync::MemoryStore>());
  /// Enrols a device for the person by a slip; returns the account.
  std::string enrol(const std::string& person, int number = 1);
  static std::string cid(int number);
  static std::string account_id(int number);
  /// Draft, submit and approve; returns the notice id.
  std::string send(const Json& draft, int persons = 4);
  static Json notice(std::string id, Json audience, std::string severity = "none");

  std::string editor = account_id(1);
  std::string approver = account_id(2);
  std::string grid1 = account_id(3);
  std::string window = account_id(4);
  std::string admin = account_id(5);
  std::string supervisor = account_id(6);
};

}  // namespace linli::test
