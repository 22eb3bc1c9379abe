// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "notify/model.h"

/// Escalation as data: config/escalation.json.
namespace linli::notify {

/// One step of a ladder. Those whose time has come are taken while nobody has answered.
struct Rung {
  /// From the start of the person's ladder.
  Millis after{0};
  /// Every endpoint of these media that the person has, or with `is_first` only the best one.
  std::vector<Medium> media;
  bool is_first = false;
  /// The media of family and neighbours instead of the person's own.
  bool to_helpers = false;
  /// Says the same again: the message starts with 提醒.
  bool is_repeat = false;
};

struct Policy {
  std::string name;
  std::vector<Rung> rungs;
  /// What belongs to a place: loudspeakers and group robots of the areas that a notice is for.
  /// They tell whoever is there, so nobody counts as reached by them, and no answer ends them.
  std::vector<Rung> zone_rungs{};
  /// Sends during quiet hours; otherwise what falls into them waits for their end.
  bool overrides_quiet = false;
  /// One answer of a household ends the ladders of all its members (M22: never for red).
  bool household_ack = false;
  /// Persons marked needs_knock get their knock together with the first rung (RAIN-9).
  bool knock_in_parallel = false;
  /// Messages a day that a person gets of this kind over anything but the app; 0 = no cap (NTC-7).
  int daily_cap = 0;
};

/// Which policy a notice follows.
class Policies {
 public:
  /// Errors: invalid_argument, naming policy and member.
  static Result<Policies> parse(const Json& json);
  /// config/escalation.json as shipped.
  static Policies shipped();

  /// By urgency: red, orange, warning, ask (an answer is wanted), tell.
  [[nodiscard]] const Policy& for_notice(std::string_view severity, bool is_urgent,
                                         bool needs_ack) const;
  [[nodiscard]] const Policy* find(std::string_view name) const;

 private:
  std::map<std::string, Policy, std::less<>> policies_;
};

}  // namespace linli::notify
