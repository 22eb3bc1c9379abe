// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "notify/directory_port.h"
#include "notify/engine/settings.h"
#include "notify/engine/state.h"

namespace linli::notify {

/// Whether something could go out over a medium; the greater, the better.
enum class Service : std::uint8_t {
  none,     ///< no channel is configured for it
  blocked,  ///< its channels are paused, or their breakers are open
  probing,  ///< a breaker lets one message through to see
  open,
};

/// Who is told next and over what: takes the steps of every person's ladder until somebody answers
/// (notify.md §4.5, RAIN-9). Works on State alone.
/// Threads: one.
class Ladder {
 public:
  /// `service`: whether a message over this medium could go out now or soon.
  Ladder(State& state, const GatewaySettings& settings, std::function<Service(Medium)> service)
      : state_(state), settings_(settings), service_(std::move(service)) {}

  /// A page of the audience becomes plans; those that exist already stay as they are.
  void plan_page(Notice& notice, std::span<const Recipient> recipients, Instant now);
  /// Loudspeakers and robots of the areas: one plan an area, with `endpoints` only.
  void plan_zones(Notice& notice, std::span<const Recipient> zones, Instant now);
  /// Ladders of areas that are not among `zones` any more end; what was not said stays unsaid.
  void leave_zones(const Notice& notice, std::span<const Recipient> zones);
  /// Takes due steps, at most kStepPlansMax; true while there are more.
  bool step(Instant now);
  /// Messages that waited for the end of quiet hours: one goes as it is, several as a summary.
  void release(std::span<const DeliveryId> held, Instant now);

  /// Steps that were passed over because no channel of theirs could be used, and whose channel
  /// works again (RAIN-14): asks about their persons; those of areas are taken at once. While a
  /// breaker probes, one step of its medium.
  void call_owed(Instant now);
  /// The directory's answer to `asks`: takes what is owed to the person, unless the person was
  /// reached meanwhile; one message where several steps have the same address.
  void settle_owed(const PlanKey& key, const Recipient& who, Instant now);
  /// The directory did not answer; asks again later.
  void owed_unknown(const PlanKey& key, Instant now);
  /// When an owed step is due that has not come yet; nothing while its channel is not usable.
  [[nodiscard]] std::optional<Instant> owed_due(Instant now) const;

  /// The person answered: the ladder ends, what has not gone out is taken back. Below red one
  /// answer of a household ends the ladders of all its members, where the policy says so.
  void acked(const std::string& notice, const std::string& person);
  /// Nobody is asked any more; `why` becomes the reason of what had not gone out.
  void end_notice(Notice& notice, NoticeRecord::State state, const char* why);
  /// Who has not answered is told once more, from the first rung; what still waits is taken back,
  /// so that nobody gets it twice.
  void remind(Notice& notice, Instant now);
  /// Everybody is asked again, from the first rung.
  void restart(Notice& notice, Instant now);
  /// The person's endpoints changed, or the person left.
  void refresh(const PlanKey& key, const std::optional<Recipient>& who);
  /// Sends `message` the way that `earlier` went: who heard the first hears this too.
  void tell(const DeliveryRecord& earlier, const Message& message, Instant now);
  /// A try came to nothing: the next rung does not wait for its time if the notice is pressing.
  void hasten(const PlanKey& key, Instant now);

  /// Deliveries taken back while a channel may still hold them; emptied by the caller.
  std::vector<DeliveryId> cancels;
  /// (notice, person) to ask the directory about; emptied by the caller.
  std::vector<PlanKey> asks;

 private:
  struct Step;
  void take_rung(const Notice& notice, PlanRecord& plan, Instant now);
  /// Tries every endpoint that the step serves; whether something is on its way.
  bool send_step(const Step& step, Instant now);
  void send_over(const Step& step, const Endpoint& to, Instant now);
  /// The step stays owed until a channel of the medium can be used.
  void owe(DeliveryRecord delivery);
  [[nodiscard]] DeliveryRecord delivery_of(const Step& step, const Endpoint& to, Instant now);
  /// Every step was taken: over, unless something of it `waits` that an answer has to find.
  static void end_plan(PlanRecord& plan, bool waits, Instant now);
  static void hold_if_quiet(DeliveryRecord& delivery, const QuietHours& quiet, Instant now);
  [[nodiscard]] std::vector<DeliveryId> owed_of(const PlanKey& key) const;
  /// Takes what is due of it; the first that can be taken at once where nobody told the person.
  void pay_due(const PlanRecord& plan, const Notice& notice, Instant now);
  void pay(DeliveryRecord owed, const PlanRecord& plan, const Notice& notice, Instant now);
  /// Of `ids`; how many were looked at.
  std::size_t call_some(const std::vector<DeliveryId>& ids, Instant now);
  /// Nothing is ready for the medium that could serve as its breaker's probe.
  [[nodiscard]] bool wants_probe(Medium medium, Instant now) const;
  /// Those whose ladder had ended come with the audience once more.
  void come_again(Notice& notice);
  void open_task(const PlanRecord& plan, const char* why);
  void cancel_open(const PlanKey& key, const char* why);
  void cancel_one(DeliveryId id, const char* why);
  void close(DeliveryRecord delivery, DeliveryRecord::State state, const char* why);
  [[nodiscard]] const Policy& policy_of(const NoticeRecord& notice) const;
  /// The steps of a person, or of an area.
  [[nodiscard]] const std::vector<Rung>& rungs_of(const Policy& policy,
                                                  const PlanRecord& plan) const;

  State& state_;
  const GatewaySettings& settings_;
  std::function<Service(Medium)> service_;
  /// Asked about and not answered.
  std::set<PlanKey> asked_;
  Instant ask_not_before_{};
};

}  // namespace linli::notify
