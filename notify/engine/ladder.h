// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>

#include "notify/directory_port.h"
#include "notify/engine/settings.h"
#include "notify/engine/state.h"

namespace linli::notify {

/// Who is told next and over what: takes the steps of every person's ladder until somebody answers
/// (notify.md §4.5, RAIN-9). Works on State alone.
/// Threads: one.
class Ladder {
 public:
  /// `usable`: whether a message over this medium could go out now or soon.
  Ladder(State& state, const GatewaySettings& settings, std::function<bool(Medium)> usable)
      : state_(state), settings_(settings), usable_(std::move(usable)) {}

  /// A page of the audience becomes plans; those that exist already stay as they are.
  void plan_page(Notice& notice, std::span<const Recipient> recipients, Instant now);
  /// Loudspeakers and robots of the areas: one plan an area, with `endpoints` only.
  void plan_zones(Notice& notice, std::span<const Recipient> zones, Instant now);
  /// Takes due steps, at most kStepPlansMax; true while there are more.
  bool step(Instant now);
  /// Messages that waited for the end of quiet hours: one goes as it is, several as a summary.
  void release(std::span<const DeliveryId> held, Instant now);

  /// The person answered: the ladder ends, what has not gone out is taken back. Below red one
  /// answer of a household ends the ladders of all its members, where the policy says so.
  void acked(const std::string& notice, const std::string& person);
  /// Nobody is asked any more; `why` becomes the reason of what had not gone out.
  void end_notice(Notice& notice, NoticeRecord::State state, const char* why);
  /// Everybody is asked again, from the first rung.
  void restart(Notice& notice, Instant now);
  /// The person's endpoints changed, or the person left.
  void refresh(const std::string& person, const std::optional<Recipient>& who);
  /// Sends `message` the way that `earlier` went: who heard the first hears this too.
  void tell(const DeliveryRecord& earlier, const Message& message, Instant now);
  /// A try came to nothing: the next rung does not wait for its time if the notice is pressing.
  void hasten(const PlanKey& key, Instant now);

  /// Deliveries taken back while a channel may still hold them; emptied by the caller.
  std::vector<DeliveryId> cancels;

 private:
  struct Step;
  void take_rung(const Notice& notice, PlanRecord& plan, Instant now);
  bool send_over(const Step& step, const Endpoint& to, Instant now);
  void open_task(const PlanRecord& plan, const char* why);
  void cancel_open(const PlanKey& key, const char* why);
  [[nodiscard]] const Policy& policy_of(const NoticeRecord& notice) const;
  /// The steps of a person, or of an area.
  [[nodiscard]] const std::vector<Rung>& rungs_of(const Policy& policy,
                                                  const PlanRecord& plan) const;

  State& state_;
  const GatewaySettings& settings_;
  std::function<bool(Medium)> usable_;
};

}  // namespace linli::notify
