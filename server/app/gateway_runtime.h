// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "notify/engine/gateway.h"
#include "notify/store/sqlite/gateway_store.h"
#include "server/app/cap_publish.h"
#include "server/app/cap_watch.h"
#include "server/app/channel_host.h"
#include "server/app/channel_net.h"
#include "server/app/channels_config.h"
#include "server/app/community_runtime.h"
#include "server/app/gateway_directory.h"

namespace linli::app {

struct GatewayOptions {
  /// gateway.db; made when it is not there.
  std::string file;
  CommunityRuntime* community = nullptr;
  ChannelNet* net = nullptr;
  const notify::AdapterRegistry* adapters = nullptr;
  const notify::SecretReader* secrets = nullptr;
  const Signer* signer = nullptr;
  const Clock* clock = nullptr;
  Rng* rng = nullptr;
  std::vector<ChannelConfig> channels;
  /// Feeds of warnings, and where their watcher keeps its book.
  std::vector<FeedConfig> feeds;
  std::string cap_file;
  /// Our warnings for others; without a sender none. `publish_url` ends with '/'.
  PublishConfig publish;
  std::string publish_url;
  std::string publish_file;
  /// The community's name for people.
  std::string title;
  bool is_training = false;
  /// Nothing leaves until a person releases it: a restore left its mark (decision M11).
  bool is_held = false;
  /// When the community was last backed up, or else since when it could have been.
  std::function<Instant()> last_backup{};
  notify::Policies policies = notify::Policies::shipped();
  /// Links that acknowledge; without a prefix nobody gets one.
  notify::LinkMaker links{};
};

/// One look for desk, metrics and admin.
struct GatewayLook {
  struct Channel {
    notify::Sender::Look sender;
    std::string medium;
    notify::Health health;
    std::size_t pending = 0;
  };
  std::vector<Channel> channels;
  std::vector<notify::Gateway::NoticeLook> notices;
  std::map<std::string, std::string> paused;
  /// Rows of the outbox that are not taken over yet, and facts that are not told yet.
  std::uint64_t rows_behind = 0;
  std::uint64_t facts_behind = 0;
};

/// The gateway of one community: its thread, store, channels and the bridge to the sync store
/// (decision B6). Down: outbox rows are read behind a cursor. Up: facts are pushed as numbered
/// mutations of the reserved client sys.gateway, so each takes effect once.
/// Threads: open(), start() and stop() by the owner, the rest by any.
class GatewayRuntime {
 public:
  /// Errors: those of the store, and invalid_argument naming the channel that cannot be made.
  static Result<std::unique_ptr<GatewayRuntime>> open(GatewayOptions options);
  ~GatewayRuntime();

  /// After the community's runtime started.
  void start();
  /// Ends the channels politely, at most ChannelHost::kStopMax, and joins.
  void stop();
  /// A commit with rows up to `outbox_head` is durable.
  void on_commit(std::uint64_t outbox_head);

  /// Name of a channel that runs with the adapter `kind`; empty = none. Any thread.
  [[nodiscard]] std::string channel_of_kind(std::string_view kind) const;
  /// A provider's web hook. Answered when what it told is durable. Errors: not_found, those of
  /// Adapter::on_callback, unavailable.
  void callback(const std::string& channel, notify::Callback request,
                std::function<void(Result<notify::CallbackReply>)> done);
  /// As CapPublish::file(). Errors: not_found.
  [[nodiscard]] Result<CapPublish::File> published(const std::string& name) const;
  [[nodiscard]] Instant now() const { return options_.clock->now(); }
  void look(std::function<void(GatewayLook)> done);
  /// The channels as of the last turn, for metrics; never waits for the thread.
  [[nodiscard]] std::vector<GatewayLook::Channel> channels() const;
  /// By the clock of the server; nothing where nobody told how to know.
  [[nodiscard]] std::optional<Millis> backup_age() const;
  /// Runs `task` on the gateway's thread with the engine; what it changes is durable soon after.
  void with_gateway(std::function<void(notify::Gateway&, notify::GatewayStore&)> task);
  /// What `message` would cost and take over each medium. Errors: those of Adapter::preview by
  /// channel, in the place of the number of parts.
  struct Quote {
    std::string channel;
    std::string medium;
    Result<notify::Adapter::Preview> preview;
    std::int64_t part_price = 0;
    double rate = 0;
  };
  void quote(notify::Message message, std::function<void(std::vector<Quote>)> done);

 private:
  using Task = std::function<void()>;

  static constexpr sync::UpLane kFactLane = sync::UpLane::bulk;
  /// The reserved client sys.gateway (decision B6).
  static sync::Cid client_id();

  explicit GatewayRuntime(GatewayOptions options);
  Result<void> make_channels();
  Result<void> make_watch();
  Result<void> make_publish();
  notify::GatewaySettings engine_settings();
  void post(Task task);
  void run();
  void work();
  void perform(notify::Turn turn);
  void feed();
  void tell();
  void told(std::uint64_t n, const std::string& name, const Result<Json>& answer);
  void refused(std::uint64_t n, const std::string& name, const Error& why);
  void watch(MonoTime now);
  /// Once a day: forgets what has been over for long.
  void prune(MonoTime now);
  [[nodiscard]] MonoTime next_wake(MonoTime now) const;
  ChannelHost* host(const std::string& name);
  [[nodiscard]] std::vector<GatewayLook::Channel> look_at_channels();

  const GatewayOptions options_;
  GatewayDirectory directory_;
  std::unique_ptr<notify::SqliteGatewayStore> store_;

  // Owned by the thread after start().
  std::map<std::string, std::unique_ptr<ChannelHost>> hosts_;
  std::map<std::string, const notify::Adapter*> adapters_;
  std::unique_ptr<notify::Gateway> gateway_;
  /// Null without feeds.
  std::unique_ptr<CapWatch> cap_;
  /// Null where nothing is published. Constant after open().
  std::unique_ptr<CapPublish> publish_;
  std::uint64_t told_ = 0;
  std::uint64_t facts_ = 0;
  bool is_telling_ = false;
  /// After a failure of either store nothing is tried before.
  MonoTime not_before_{0};
  /// When the outbox may be read again.
  MonoTime feed_at_{0};
  std::optional<Instant> due_;
  std::optional<MonoTime> wake_;
  MonoTime watched_{0};
  MonoTime prune_at_{0};
  /// Web hook answers that wait for the commit of what they told.
  std::vector<Task> after_commit_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable some_;
  std::vector<GatewayLook::Channel> shown_;
  std::deque<Task> tasks_;
  std::uint64_t outbox_head_ = 0;
  /// The thread knows that there are rows, and when it will look at them.
  bool is_called_ = false;
  /// A reading of the outbox is under way.
  bool is_feeding_ = false;
  bool is_stopping_ = false;

  std::thread thread_;
};

}  // namespace linli::app
