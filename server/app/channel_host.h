// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/clock.h"
#include "notify/channel.h"
#include "server/app/channel_transports.h"

namespace linli::app {

/// Runs one channel: performs the actions of its adapter and tells it what came of them.
///
/// Every submitted delivery ends with exactly one Done, whatever the adapter does: one that it
/// forgets ends as `unknown` (after kAnswerMax, when it throws in submit(), or at the end of
/// stop()), one too many is dropped; both are logged. An adapter that throws goes on running, but
/// its health says so.
/// A Close is followed by on_stream_closed() unless the same batch of actions opens that stream
/// again. A Line starts the channel's program when it is not running.
/// Threads: all functions on the gateway's thread; not from inside on_done or on_heard: destroying
///          the host. Everything else may be called from there.
class ChannelHost {
 public:
  using Post = std::function<void(std::function<void()>)>;
  struct Parts {
    /// The channel's configured name.
    std::string name;
    std::unique_ptr<notify::Adapter> adapter;
    std::unique_ptr<ChannelTransports> transports;
    const Clock* clock = nullptr;
    /// Runs a task on the gateway's thread, in order; called from any thread, and not any more
    /// once the host is stopped or gone.
    Post post;
    std::function<void(const notify::action::Done&)> on_done;
    std::function<void(const notify::Receipt&)> on_heard;
  };
  /// An adapter that has not answered a submission for so long has lost it: more than the longest
  /// response timer of any protocol (SMPP: minutes).
  static constexpr Millis kAnswerMax{15 * 60 * 1000};
  /// Time for a polite end: an unbind over a slow line.
  static constexpr Millis kStopMax{10 * 1000};
  /// Calls, publishes, streams and timers an adapter may have open, each.
  static constexpr std::size_t kOpenMax = 4096;

  explicit ChannelHost(Parts parts);
  /// As an end of stop() at once.
  ~ChannelHost();
  ChannelHost(const ChannelHost&) = delete;
  ChannelHost& operator=(const ChannelHost&) = delete;

  void start();
  /// Any number; given to the adapter in batches that it takes. Ids that are under way are refused.
  void submit(std::span<const notify::Item> items);
  /// Also of one that is Done: a loudspeaker can still be silenced.
  void cancel(notify::DeliveryId id);
  /// What it heard comes by on_heard after this returned.
  /// Errors: those of Adapter::on_callback(), internal when it threw.
  Result<notify::CallbackReply> callback(const notify::Callback& request);
  /// Errors: those of Adapter::preview(), internal when it threw.
  Result<notify::Adapter::Preview> preview(const notify::Endpoint& to,
                                           const notify::Message& message) const;
  [[nodiscard]] notify::Health health() const;
  [[nodiscard]] const notify::Capabilities& capabilities() const {
    return adapter_->capabilities();
  }
  /// Submitted and not Done.
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }

  /// When run_timers() is due next.
  [[nodiscard]] std::optional<MonoTime> next_timer() const;
  void run_timers(MonoTime now);

  /// Begins the end: over when is_stopped(), at the latest with run_timers() after kStopMax.
  void stop();
  [[nodiscard]] bool is_stopped() const { return state_ == State::stopped; }

 private:
  enum class State { made, running, stopping, stopped };
  /// Where transports leave what they have to say. Closed at the end: what they say later, when
  /// the gateway may be gone, goes nowhere.
  struct Mailbox {
    std::mutex mutex;
    Post post;
  };
  struct Stream {
    std::unique_ptr<StreamLink> link;
    /// Tells events of this stream from those of an earlier one with its number.
    std::uint64_t serial = 0;
  };
  template <class Ask>
  bool ask(const char* what, Ask&& ask);
  void perform(notify::Actions actions);
  void perform_one(notify::action::Http&& what);
  void perform_one(notify::action::Mail&& what);
  void perform_one(notify::action::Open&& what);
  void perform_one(notify::action::Send&& what);
  void perform_one(notify::action::Close&& what);
  void perform_one(notify::action::Publish&& what);
  void perform_one(notify::action::Subscribe&& what);
  void perform_one(notify::action::Line&& what);
  void perform_one(notify::action::Timer&& what);
  void perform_one(notify::action::Done&& what);
  void perform_one(notify::action::Heard&& what);
  template <class Call>
  void start_call(notify::CallId id, Call&& call);
  void start_program();
  void stream_closed(notify::StreamId id, std::uint64_t serial, const std::string& reason);
  void submit_batch(std::span<const notify::Item> items);
  void end_as_unknown(notify::DeliveryId id, const char* reason);
  void end_overdue(MonoTime now);
  void settle();
  void finish();
  void close_mailbox();
  void breach(const char* what) const;
  StreamEvents stream_events(notify::StreamId id, std::uint64_t serial);
  /// A callback for any thread that runs `task(host, arguments...)` on the gateway's thread; it
  /// does nothing once this host is gone or stopped.
  template <class... Arguments, class Task>
  std::function<void(Arguments...)> relay(Task task);

  // Constant after construction.
  const std::string name_;
  const Clock& clock_;
  const std::function<void(const notify::action::Done&)> on_done_;
  const std::function<void(const notify::Receipt&)> on_heard_;
  const std::unique_ptr<notify::Adapter> adapter_;
  const std::shared_ptr<Mailbox> mailbox_;

  // Owned by the gateway's thread.
  State state_ = State::made;
  std::uint64_t faults_ = 0;
  std::shared_ptr<ChannelHost*> alive_;
  std::deque<notify::Action> actions_;
  bool is_performing_ = false;
  /// By when each is to be Done.
  std::unordered_map<notify::DeliveryId, MonoTime> pending_;
  std::set<std::pair<MonoTime, notify::DeliveryId>> pending_order_;
  std::unordered_set<notify::CallId> calls_;
  std::unordered_set<notify::CallId> publishes_;
  std::unordered_map<notify::StreamId, Stream> streams_;
  std::uint64_t last_serial_ = 0;
  std::map<std::uint32_t, MonoTime> timers_;
  std::set<std::pair<MonoTime, std::uint32_t>> timer_order_;
  std::optional<MonoTime> stop_by_;
  std::unique_ptr<ChannelTransports> transports_;
  std::unique_ptr<ProgramLink> program_;
  std::uint64_t program_serial_ = 0;
  bool is_program_lost_ = false;
  std::unique_ptr<BrokerLink> broker_;
};

}  // namespace linli::app
