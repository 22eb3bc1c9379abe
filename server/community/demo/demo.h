// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

/// 淮南社区, a community of fictional people (reference: community.md §8). Everything goes through
/// the same mutators as real work; nothing is written past the engine.
namespace linli::community::demo {

/// Days of history before `today`: 90 of attendance, and some to make teams in.
inline constexpr int kServiceDays = 92;

struct DemoOptions {
  /// Households and every count of people scale with this.
  int people = 5480;
  /// Birth years and dates in texts are relative to this.
  Instant today{};
  std::uint64_t seed = 20'261'123;
  /// Moves the clock of the community to a later time and runs what is due. Without it the 90 days
  /// of attendance are left out; with it the clock stands kServiceDays before `today` at the start.
  std::function<void(Instant)> move_clock{};
};

struct DemoCall {
  /// 32 hex digits, elevated; empty = the system.
  std::string account;
  std::string name;
  Json args;
  /// When a phone did it, unix ms; 0 = it is no phone's.
  std::int64_t captured = 0;
};

/// Account ids of the cast, in a fixed order: see cast().
std::string account_id(int number);

struct CastMember {
  int account = 0;
  const char* name = "";
  const char* role = "";
  const char* scope = "";
};
/// Staff and helpers with their roles; account numbers never change.
std::span<const CastMember> cast();

/// Area tree, households, persons, proxies and accounts; independent of any answer.
std::vector<DemoCall> population(const DemoOptions& options);

/// The life of one demo notice after its draft.
struct DemoNotice {
  Json draft;
  enum class Fate : std::uint8_t { sent, corrected, withdrawn, rejected } fate = Fate::sent;
};
std::vector<DemoNotice> notices(const DemoOptions& options);

/// Calls of one moment, unix ms.
struct DemoMoment {
  std::int64_t at = 0;
  std::vector<DemoCall> calls;
};
/// Three teams, five stations, and 90 days of attendance with real signatures, oldest first.
/// `people` are calls of population(). Numbers scale with options.people.
std::vector<DemoMoment> service_history(const DemoOptions& options,
                                        std::span<const DemoCall> people);

/// Runs calls in order and returns one result each; may batch them.
using DemoRun = std::function<std::vector<Result<Json>>(std::span<const DemoCall>)>;

/// Loads everything. Errors: the first refused call's, its name in front.
Result<void> load(const DemoOptions& options, const DemoRun& run);

}  // namespace linli::community::demo
