// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "notify/channel.h"

namespace linli::notify::mqtt {

struct Settings {
  /// Topics are `<prefix>/<zone>/play`, `/stop` and `/state`.
  std::string prefix = "linli/loudspeaker";
  /// Name that is said first, by zone. A zone that is not listed does not exist.
  std::map<std::string, std::string, std::less<>> zones;
  /// How often a text is said, by lane.
  std::array<int, 4> repeats = {3, 2, 1, 1};
};

/// A text that takes longer to say than people listen (characters).
inline constexpr std::size_t kSpokenMax = 1'000;
/// Texts sent to the loudspeakers whose end is not known, of all zones.
inline constexpr std::size_t kPlaysMax = 4'096;
/// Stop commands that the broker has not taken over.
inline constexpr std::size_t kStopsMax = 256;

/// Loudspeakers of a community's zones, by MQTT (notify/channels/mqtt/README.md).
///
/// Red stops what plays or waits in its zone before it is sent. A stop that did not get through is
/// sent again when the broker is back; a text never is.
class LoudspeakerAdapter final : public Adapter {
 public:
  /// `clock` outlives the adapter.
  LoudspeakerAdapter(Settings settings, const Clock& clock);
  /// Kind "mqtt". Errors: invalid_argument.
  static Result<std::unique_ptr<Adapter>> make(const AdapterParts& parts);

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] Result<Preview> preview(const Endpoint& to, const Message& message) const override;
  void start(MonoTime now, Actions& out) override;
  void submit(std::span<const Item> items, MonoTime now, Actions& out) override;
  /// Also after its Done: stops a text that plays or waits.
  void cancel(DeliveryId id, MonoTime now, Actions& out) override;
  void on_published(CallId id, bool ok, MonoTime now, Actions& out) override;
  void on_broker(bool up, MonoTime now, Actions& out) override;
  void on_message(std::string_view topic, std::string_view payload, MonoTime now,
                  Actions& out) override;
  [[nodiscard]] Health health() const override;

 private:
  /// A text that a zone's loudspeakers play or hold.
  struct Play {
    DeliveryId delivery;
    std::string key;
    std::string zone;
    std::string notice;
    Lane lane = Lane::bulk;
    Instant expires;
  };
  /// Says to stop one text, or every text of a notice.
  struct Stop {
    std::string zone;
    std::string key;
    std::string notice;
    /// After that nothing of it plays any more.
    Instant until;
    /// The all-clear that this is the whole effect of.
    std::optional<DeliveryId> delivery;
  };
  struct Publishing {
    DeliveryId delivery;
    std::string key;
  };
  void submit_one(const Item& item, Actions& out);
  void play(const Item& item, std::string text, Actions& out);
  void make_way(const Item& item, Actions& out);
  void send_stop(Stop stop, Actions& out);
  void stop_answered(Stop stop, bool ok, Actions& out);
  void forget_expired();
  [[nodiscard]] Result<std::string> text_for(const Endpoint& to, const Message& message) const;
  [[nodiscard]] std::string topic(std::string_view zone, std::string_view leaf) const;

  // Constant after construction.
  const Settings settings_;
  const Clock& clock_;
  Capabilities capabilities_;

  bool is_up_ = false;
  std::uint64_t last_call_ = 0;
  std::deque<Play> plays_;
  std::unordered_map<CallId, Publishing> publishing_;
  std::unordered_map<CallId, Stop> stopping_;
  std::deque<Stop> unsent_stops_;
};

}  // namespace linli::notify::mqtt
