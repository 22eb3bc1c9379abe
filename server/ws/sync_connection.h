// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "server/net/timer_wheel.h"
#include "server/ws/authenticator.h"
#include "server/ws/transport.h"
#include "sync/engine/hub.h"
#include "sync/engine/runtime_port.h"

namespace linli::ws {

class SyncConnection;

/// Counted per shard; read by metrics from any thread.
struct SyncStats {
  std::atomic<std::int64_t> open{0};
  std::atomic<std::uint64_t> opened{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> messages_in{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> messages_out{0};
  std::atomic<std::uint64_t> frames_out{0};
  std::atomic<std::uint64_t> bytes_out{0};
  std::atomic<std::uint64_t> mutations_refused{0};
  std::atomic<std::uint64_t> lags{0};
};

/// What a connection needs of the loop that runs it.
class Loop {
 public:
  virtual ~Loop() = default;
  /// Threads: any. Runs `task` on the loop, in order.
  virtual void post(std::function<void()> task) = 0;
  /// Calls pump() of every dirty session at the end of this turn of the loop.
  virtual void want_flush() = 0;
  virtual void left(SyncConnection& connection) = 0;
  /// An empty list for the frames of one message; the caller leaves it empty.
  [[nodiscard]] virtual std::vector<Frame>& gather() = 0;
  [[nodiscard]] virtual const Clock& clock() const = 0;
  [[nodiscard]] virtual Rng& rng() = 0;
  [[nodiscard]] virtual net::TimerWheel& wheel() = 0;
  [[nodiscard]] virtual SyncStats& stats() = 0;
};

/// One community on one loop.
struct LocalCommunity {
  LocalCommunity(sync::RuntimePort& r, Authenticator& a, const sync::SessionConfig& c,
                 const sync::StoreState& state)
      : runtime(&r), auth(&a), config(&c), hub(state) {}

  sync::RuntimePort* runtime;
  Authenticator* auth;
  const sync::SessionConfig* config;
  sync::Hub hub;
};

/// One phone on its socket: carries messages between Transport and ServerSession and performs what
/// the session asks. Decides nothing itself.
/// Threads: the loop's.
class SyncConnection final : public TransportEvents,
                             public std::enable_shared_from_this<SyncConnection> {
 public:
  SyncConnection(Loop& loop, LocalCommunity& community, std::shared_ptr<Transport> transport,
                 sync::Encoding encoding);
  ~SyncConnection() override;
  SyncConnection(const SyncConnection&) = delete;
  SyncConnection& operator=(const SyncConnection&) = delete;

  /// Call once. The transport keeps the connection alive from here on.
  void open();
  /// Writes and performs what the session has ready.
  void pump();
  void on_timer();
  void drain(std::int64_t after_ms);
  void close(Errc reason, std::string_view detail = {});
  void abort();

  /// The connection of a session that the hub named.
  static SyncConnection& of(sync::ServerSession& session);
  static SyncConnection& of(net::TimerWheel::Entry& entry);

  void on_open() override;
  void on_message(std::string_view message, bool text) override;
  void on_too_large() override;
  void on_violation() override;
  void on_written() override;
  void on_gone() override;

 private:
  struct Session : sync::ServerSession {
    Session(SyncConnection* o, const LocalCommunity& c, sync::Encoding e)
        : ServerSession(*c.config, c.hub.view(), e), owner(o) {}
    SyncConnection* owner;
  };
  struct Timer : net::TimerWheel::Entry {
    explicit Timer(SyncConnection* o) : owner(o) {}
    SyncConnection* owner;
  };

  void perform(sync::AskAuthenticate& ask);
  void perform(sync::AskResults& ask);
  void perform(sync::AskChunk& ask);
  void perform(sync::AskMutate& ask);
  /// Pushes whose signatures are checked on the crypto pool, and what came after them: one at a
  /// time, so that the writer gets them in the order they came.
  void check_next();
  void submit(const sync::AskMutate& told, std::vector<sync::Submission> work);
  void perform(sync::AskRekey& ask);
  void perform(const sync::AskClose& ask);
  /// Wraps an answer for the session so that it comes back on this loop, if still wanted.
  template <class T, class Apply>
  std::function<void(Result<T>)> answer(Apply apply);
  void changed();
  void write();
  /// Tells the store what changed of what the phone holds and has not sent.
  void note_durable();
  void note_contact(const sync::Principal& who);
  void finish_if_done();

  Loop& loop_;
  LocalCommunity& community_;
  const std::shared_ptr<Transport> transport_;
  Session session_;
  Timer timer_{this};
  std::optional<sync::DeviceCursor> noted_;
  /// Bounded by what a phone may push at once (docs/PROTOCOL.md section 4).
  std::deque<sync::AskMutate> unchecked_;
  std::uint32_t lags_ = 0;
  std::uint16_t close_code_ = 0;
  Errc close_reason_{};
  bool open_ = false;
  bool writing_ = false;
  bool finishing_ = false;
  bool gone_ = false;
};

}  // namespace linli::ws
