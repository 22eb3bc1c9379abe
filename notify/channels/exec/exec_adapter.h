// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>

#include "notify/channel.h"

namespace linli::notify::exec {

struct Settings {
  Capabilities capabilities;
  /// From the line with an item to the line with its outcome.
  Millis timeout{30'000};
  /// Longest text in characters; 0 = no limit.
  std::size_t length_max = 0;
};

/// The conversation with one program.
///
/// When it exits, what is under way is unknown; until the back-off has passed nothing is sent and
/// submitted items hear retry_after. The back-off doubles while the program exits without having
/// answered anything.
class ExecAdapter final : public Adapter {
 public:
  explicit ExecAdapter(Settings settings);

  [[nodiscard]] const Capabilities& capabilities() const override { return settings_.capabilities; }
  [[nodiscard]] Result<Preview> preview(const Endpoint& to, const Message& message) const override;
  void submit(std::span<const Item> items, MonoTime now, Actions& out) override;
  void stop(MonoTime now, Actions& out) override;
  void on_line(std::string_view line, bool ended, MonoTime now, Actions& out) override;
  void on_timer(std::uint32_t number, MonoTime now, Actions& out) override;
  [[nodiscard]] Health health() const override { return health_; }

 private:
  void on_ended(MonoTime now, Actions& out);
  void on_outcome(const Json& line, Actions& out);
  void end_all(std::string_view reason, Actions& out);
  void arm(Actions& out);

  const Settings settings_;
  /// Under way, with the time at which each is given up.
  std::map<DeliveryId, MonoTime> pending_;
  /// The same in order of submission; answered ones are dropped when they come to the front.
  std::deque<std::pair<MonoTime, DeliveryId>> deadlines_;
  /// Given up not long ago: a late answer becomes a receipt. Bounded.
  std::deque<DeliveryId> given_up_;
  Millis back_off_{0};
  MonoTime silent_until_{0};
  bool has_answered_ = false;
  bool is_stopped_ = false;
  Health health_;
};

}  // namespace linli::notify::exec
