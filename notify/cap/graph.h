// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "notify/cap/alert.h"

/// The reference graph of warnings: what is in force, from the set of messages alone. The order in
/// which they arrived is not an input, so no order of arrival can lead anywhere else (gate G4).
namespace linli::notify::cap {

/// What is kept of an accepted message.
struct Entry {
  AlertKey key;
  MsgType type = MsgType::alert;
  bool is_exercise = false;
  /// It ends something: Cancel, or a lift by responseType or headline.
  bool is_ending = false;
  /// Says "…更新为X".
  bool is_headline_update = false;
  std::vector<Reference> references;
  Colour colour = Colour::none;
  /// As plain_event() has it.
  std::string event;
  /// Our areas that it hits; empty = somebody else's warning.
  std::set<std::string> places;
  Instant expires;
  /// Signed, covers what was read, and not weak.
  bool is_verified = false;
  /// Why a human has to look: never released by a rule.
  std::set<std::string> doubts;
  std::string source;
  /// Of the parsed content, hexadecimal.
  std::string hash;

  // For the draft.
  std::string headline;
  std::string description;
  std::string instruction;
  std::string sender_name;
};
using Entries = std::map<AlertKey, Entry>;

/// Everything that is about one danger: messages that refer to each other, and repeated signals of
/// the same event for the same areas.
struct Incident {
  enum class State : std::uint8_t { live, cancelled, expired } state = State::expired;
  /// All messages in it that are or were about our areas, and those that ended them; sorted.
  std::set<AlertKey> members;
  bool is_exercise = false;
  // While live: of the messages in force.
  /// The worst message, of equal ones the latest: its text is what residents read.
  AlertKey lead;
  Colour colour = Colour::none;
  std::set<std::string> places;
  Instant expires;
  /// 第n次: how often this colour was signalled in this incident.
  unsigned signal_no = 0;
  /// Why a human has to look.
  std::set<std::string> doubts;
  /// The message that ended it, when cancelled.
  std::optional<AlertKey> ended_by;

  friend bool operator==(const Incident&, const Incident&) = default;
};

/// Repeated signals within this time of the first are one incident (RAIN-3), and later ones while
/// an earlier one is still in force.
inline constexpr std::chrono::hours kRepeatWindow{18};

/// The incidents of a set of messages at a time; those without any message about our areas are
/// left out. Ordered by their first member's time.
///
/// Rules:
/// - A message in force is no ending, is not ended, not replaced, and not expired.
/// - An Update replaces, a Cancel or lift ends what it refers to; Updates of nothing but what was
///   just ended end with it. Unknown references wait for their target.
/// - Nobody replaces or ends the message of another sender, an Actual by an Exercise, or a verified
///   one by an unverified: that is a doubt for a human.
/// - A lift, an Update or a "…更新为X" without references is about the earlier messages of the same
///   sender, event and areas.
/// Cost: quadratic in the messages about our areas, linear in the others.
std::vector<Incident> derive_incidents(const Entries& entries, Instant now);

}  // namespace linli::notify::cap
