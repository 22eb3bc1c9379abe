// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "notify/cap/incidents.h"
#include "notify/cap/poller.h"
#include "notify/cap/xml.h"
#include "server/app/channel_net.h"
#include "server/app/channels_config.h"
#include "server/app/community_runtime.h"

namespace linli::app {

/// Watches the feeds of warnings for one community: fetches, reads, and tells the community what
/// changed, as drafts for a person (RAIN-1..5; notify/cap/README.md).
///
/// What was told is noted in a file after the community has it durably: killed in between, it is
/// told again, which the community recognises.
/// Threads: the gateway's; `post` brings replies back there.
class CapWatch {
 public:
  struct Parts {
    CommunityRuntime* community = nullptr;
    ChannelNet* net = nullptr;
    const notify::SecretReader* secrets = nullptr;
    const Clock* clock = nullptr;
    /// cap.json beside the database.
    std::string file;
    std::vector<FeedConfig> feeds;
    std::function<void(std::function<void()>)> post;
    std::function<void(const std::string& source, const std::string& text)> alarm;
  };
  /// Before the community's runtime starts: reads its areas. Errors: invalid_argument naming the
  /// feed, corrupt, io.
  static Result<std::unique_ptr<CapWatch>> open(Parts parts);

  void start();
  [[nodiscard]] std::optional<MonoTime> next_timer() const;
  void run_timers(MonoTime now);

 private:
  struct Feed {
    std::unique_ptr<notify::cap::FeedPoller> poller;
    notify::cap::TrustStore trust;
    /// Absent = nobody reports what does not keep to it.
    std::optional<notify::cap::Schema> schema;
    std::optional<MonoTime> timer;
  };

  explicit CapWatch(Parts parts) : parts_(std::move(parts)) {}
  void perform(Feed& feed, notify::cap::PollActions actions);
  void take(const notify::cap::poll::Document& document);
  /// `schema`: what the document that led to the actions does against the schema.
  void tell(std::vector<notify::cap::Action> actions, const std::string& source,
            const std::vector<std::string>& schema = {});
  /// The office may draw or close areas at any time.
  void read_places();
  void send_next();
  void store();

  const Parts parts_;
  std::map<std::string, Feed> feeds_;
  std::unique_ptr<notify::cap::IncidentBook> book_;
  /// Arguments of warning.receive that the community has not taken yet, oldest first.
  std::deque<Json> untold_;
  bool is_telling_ = false;
  MonoTime next_tick_{0};
  MonoTime next_try_{0};
};

}  // namespace linli::app
