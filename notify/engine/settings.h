// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "notify/channel.h"
#include "notify/engine/links.h"
#include "notify/engine/pacing.h"
#include "notify/engine/policy.h"

namespace linli::notify {

/// One configured channel as the engine sees it. The adapter is asked for capabilities() and
/// preview() only, which are const.
struct ChannelSetup {
  std::string name;
  const Adapter* adapter = nullptr;
  TokenBucket::Options rate{};
  std::vector<CalendarRule> rules{};
  /// Tries of one delivery before it is dead, or owed where every fault was the peer's.
  std::uint32_t attempts_max = 6;
  /// Addresses that a test message may go to; nobody else ever gets one.
  std::vector<std::string> test_addresses{};
  /// Where the operator hears alarms over this channel (decision F5).
  std::vector<std::string> operator_addresses{};
};

struct GatewaySettings {
  Policies policies = Policies::shipped();
  /// In order of preference where several serve one medium.
  std::vector<ChannelSetup> channels;
  LinkMaker links{};
  /// Nothing may leave over a channel that is not marked for training; drills are treated alike.
  bool is_training = false;
};

/// Bounds of the engine.
inline constexpr std::size_t kStepPlansMax = 2000;    // ladder steps a turn: some 20 ms of work
inline constexpr std::size_t kSubmitItemsMax = 1000;  // intents a turn: one fsync serves them all
inline constexpr std::size_t kPlansMax = 200'000;     // in memory; more audience waits its turn
inline constexpr std::size_t kFactRecords = 100;      // persons of one reach.record (M12: 200 rows)
/// The same alarm is not told again within this; texts and subjects of alarms are short
/// (server/community/desk).
inline constexpr Millis kAlarmAgain{3'600'000};
/// An alarm that could not go out to the operator within this is told anew anyway.
inline constexpr Millis kAlarmExpiry{3'600'000};
inline constexpr std::size_t kAlarmTextMax = 120;  // bytes: 40 Chinese characters
inline constexpr std::size_t kAlarmSubjectMax = 24;
/// Persons that the directory is asked about at once before their owed steps are taken.
inline constexpr std::size_t kOwedAsksMax = 200;
/// A ladder without steps left looks so often whether something of it still waits.
inline constexpr Millis kLastLook{10 * 60'000};
/// An emptied page is asked for again after this: the snapshot is still being made.
inline constexpr Millis kPageAgain{1'000};
/// First and longest wait between tries; pressing lanes start sooner.
inline constexpr Millis kRetryPressing{3'000};
inline constexpr Millis kRetryRoutine{60'000};
inline constexpr Millis kRetryMax{30 * 60'000};
/// An SMS whose answer never came counts as not reached after this, unless a receipt says
/// otherwise.
inline constexpr Millis kUnknownHold{30 * 60'000};
/// Red does not wait so long before its one repetition.
inline constexpr Millis kUnknownHoldRed{60'000};
/// A routine message that could not go out for so long is not worth sending any more.
inline constexpr Millis kRoutineExpiry{48 * 3'600'000};

}  // namespace linli::notify
