// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/rng.h"
#include "checkin/entry.h"
#include "clients/native/connection.h"
#include "clients/native/replica_store_sqlite.h"
#include "clients/native/slip.h"
#include "sync/protocol/client_session.h"
#include "sync/protocol/overlay.h"

/// The replica library: one enrolled store and its background connection.
namespace linli::client {

struct ClientOptions {
  /// Folder of the store; made with mode 0700.
  std::string store;
  TlsOptions tls{};
  sync::Encoding encoding = sync::Encoding::cbor;
  std::string app = "linli";
  /// How long to wait for another process that uses the store.
  Millis lock_patience{5'000};
  /// Effects of the mutators; the ones compiled in when empty.
  std::optional<sync::EffectTable> effects{};
};

/// Exactly these five are shown (GEN-6); offline is never an error.
enum class SyncState : std::uint8_t { synced, pending, syncing, offline, trouble };

/// A slip that was scanned and not taken by the server yet: 待确认 (ENR-3).
struct SlipStatus {
  SlipEnrolment::Stage stage = SlipEnrolment::Stage::checking;
  std::string origin, slug, household;
  /// Offered while somebody has to be chosen.
  std::vector<SlipEnrolment::Person> persons{};
  std::optional<Error> problem{};
};

struct Status {
  SyncState state = SyncState::offline;
  bool is_enrolled = false;
  bool is_connected = false;
  /// Not answered yet.
  std::uint64_t pending = 0;
  /// Accepted, but its rows are not all here yet.
  std::uint64_t confirmed = 0;
  std::uint64_t attention = 0;
  std::uint64_t digest_mismatches = 0;
  /// Buckets still coming down.
  std::uint64_t filling = 0;
  /// Unix ms of the phone; 0 = never.
  std::int64_t contact_at = 0;
  /// Why the server refused or the store failed; a sentence for people.
  std::optional<Error> trouble{};
  /// Empty before enrolment.
  std::string community, slug, origin, person, name, account, cid;
  std::optional<SlipStatus> slip{};
  /// This phone was replaced by the owner's new one: what became of its work (ENR-10).
  std::optional<sync::HandOver> hand_over{};

  /// 已同步 / 待上传 n / 同步中 / 暂时连不上（上次 hh:mm） / 有问题 n; 待确认 before enrolment.
  [[nodiscard]] std::string label() const;
  [[nodiscard]] Json json() const;
};

/// "synced", "pending", ... for machines.
std::string_view state_name(SyncState state);

struct Row {
  std::string key;
  Json value;
  /// Shown because of work that was not sent yet (待上传).
  bool is_pending = false;
};

/// What changed; query again what is on the screen.
struct Event {
  /// Every table may have changed.
  bool all = false;
  std::vector<std::string> tables;
  /// Pending queue, attention list or state of the connection.
  bool status = false;
};

enum class SyncOutcome : std::uint8_t { synced, unreachable, refused, timed_out };

/// Works offline on its store exactly as online. Threads: any. A listener is called on the client's
/// own thread, and on the thread that wrote when a write changed something; it may call back, but
/// not start() or stop(). Only the HTTP functions of enrolment.h wait for the network.
class Client {
 public:
  /// Errors: unavailable (another process uses the store), io, corrupt, unsupported_version.
  static Result<std::unique_ptr<Client>> open(ClientOptions options);
  /// Stops.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Errors: conflict when the store is enrolled already.
  Result<void> adopt(const sync::Identity& identity);
  [[nodiscard]] std::optional<sync::Identity> identity();
  [[nodiscard]] const TlsOptions& tls() const { return options_.tls; }
  /// Folder of the store.
  [[nodiscard]] const std::string& store() const { return options_.store; }

  // --- A slip that waits for the server (ENR-3) --------------------------------------------------
  /// Durable before it returns; replaces an earlier one. It is completed by start(), as soon as
  /// there is a connection, or by enrol_now(). Errors: conflict when enrolled already, io,
  /// disk_full.
  Result<void> keep_slip(SlipEnrolment slip);
  /// Errors: wrong_state unless somebody has to be chosen, invalid_argument (no such person).
  Result<void> choose_person(const std::string& ref);
  /// Forgets it. What the server took meanwhile stays in the office's list of devices.
  Result<void> forget_slip();
  [[nodiscard]] std::optional<SlipEnrolment> slip();
  /// Waits for the network: goes on until enrolled, refused, a person has to be chosen, or the
  /// server does not answer. Errors: not_found (no slip), io, disk_full.
  Result<SlipEnrolment::Step> enrol_now();

  // --- Connection -------------------------------------------------------------------------------
  /// Connects and stays connected in the background: back-off 1 s..60 s with jitter, the server's
  /// hints honoured; completes a kept slip first. Errors: unauthenticated with neither identity nor
  /// slip; wrong_state inside a listener.
  Result<void> start();
  /// Says bye; after `patience` the line is dropped instead.
  void stop(Millis patience = Millis{4'000});
  /// Until everything is up and down, or the first attempt to connect fails, or the deadline.
  SyncOutcome wait_synced(Millis deadline);

  // --- Writing ----------------------------------------------------------------------------------
  /// Durable before it returns; sent when there is a connection.
  /// Errors: invalid_argument (args is no object), too_large, io, disk_full, unauthenticated before
  /// enrolment, revoked once the phone was replaced.
  Result<sync::LocalMutation> mutate(std::string_view name, const Json& args);
  /// Signs `entry` as the next one of this device's chain and queues attendance.record of it; chain
  /// and mutation move in one transaction (docs/PROTOCOL.md section 12). Members type, shift,
  /// person, method, evidence and note are the caller's. `args_of` gives the arguments, with the
  /// members that a receipt brings. Returns the signed entry and the mutation.
  /// Errors: those of mutate().
  struct Recorded {
    checkin::Entry entry;
    sync::LocalMutation mutation;
  };
  Result<Recorded> record(checkin::Entry entry,
                          const std::function<Json(const checkin::Entry&)>& args_of);
  /// Remembers that a notice was opened; gathered and sent within 30 s, or after the next start
  /// when the program was killed before. Errors: invalid_argument, io, disk_full.
  Result<void> note_seen(const std::string& notice);
  /// Only while it was never sent (GEN-1), and never an entry of the chain.
  /// Errors: not_found, wrong_state.
  Result<void> edit(std::uint64_t id, const Json& args);
  Result<void> withdraw(std::uint64_t id);
  /// Attention list: done with it, or once more with other arguments. Errors: not_found.
  Result<void> dismiss(std::uint64_t id);
  Result<sync::LocalMutation> mend(std::uint64_t id, const Json& args);
  /// Asks for a new key at the next contact (the store was copied to another device).
  Result<void> rekey();
  /// True the first time for an incident and severity on this device (decision E9): a restart or a
  /// refill never sounds an alarm twice. Errors: invalid_argument (one of them is empty).
  Result<bool> first_alert(const std::string& incident, const std::string& severity);

  // --- Reading ----------------------------------------------------------------------------------
  /// Rows with pending work merged in, by key.
  Result<std::vector<Row>> rows(std::string_view tbl);
  Result<std::optional<Row>> row(std::string_view tbl, std::string_view key);
  Result<std::vector<sync::LocalMutation>> pending();
  Result<std::vector<sync::LocalMutation>> attention();
  Status status();

  /// Replaces the listener. The old one runs no more when this returns; only a listener that
  /// replaces itself is still to return.
  void subscribe(std::function<void(const Event&)> listener);
  /// Whether the calling thread is inside a listener of any client.
  [[nodiscard]] static bool is_inside_listener() noexcept;

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Listening;

  /// Calls the listener, if it has not been replaced meanwhile.
  static void tell(const std::shared_ptr<Listening>& to, const std::vector<Event>& events);

  Client(ClientOptions options, StoreLock lock, std::unique_ptr<sync::ReplicaStorage> storage,
         std::unique_ptr<sync::Replica> replica);

  /// Runs `event` on the session under the lock, inside the loop, then what it asked for.
  void drive(const std::function<void()>& event);
  void perform(Lock& lock);
  void dial();
  void go_online();

  // client_slip.cc
  Result<void> recall_slip();
  Result<void> put_slip(SlipEnrolment slip);
  void pursue_slip();
  void on_slip_reply(std::uint64_t round, const Result<HttpReply>& reply);
  /// What `reply` means, stored. `round` names the slip that asked.
  Result<SlipEnrolment::Step> feed_slip(std::uint64_t round, const Result<HttpReply>& reply);
  void abandon_slip_call();
  void tell_status();

  Event event_of(const sync::Changes& changes);
  sync::LocalMutation stamped();
  Result<sync::LocalMutation> append(std::string_view name, const Json& args);
  /// What append() stores; checks that this device may write.
  Result<sync::LocalMutation> prepared(std::string_view name, const Json& args);
  Result<void> check_loose(std::uint64_t id);
  void after_write(std::string_view mutator);
  void flush_seen();
  /// Notices that were opened before the program was killed.
  Result<void> recall_seen();
  Result<std::string> seen_key(const std::string& notice);
  [[nodiscard]] bool is_all_done() const;
  /// Nothing goes on until somebody acts.
  [[nodiscard]] bool is_refused() const;
  Result<sync::MergedTable> merged(std::string_view tbl, sync::MergedTable base);

  // Constant after construction.
  ClientOptions options_;
  sync::EffectTable effects_;
  SystemClock clock_;
  SystemRng rng_;
  StoreLock store_lock_;
  std::unique_ptr<sync::ReplicaStorage> storage_;

  /// Held over the whole of start() and stop(), before mutex_.
  std::mutex lifecycle_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<sync::Replica> replica_;
  std::unique_ptr<sync::ClientSession> session_;
  std::shared_ptr<Listening> listening_;
  std::vector<std::string> seen_;
  bool is_running_ = false;
  bool is_socket_open_ = false;
  std::uint64_t failures_ = 0;
  std::optional<SlipEnrolment> slip_;
  /// Changes when the slip is another one or was decided upon: an answer to the old one is void.
  std::uint64_t slip_round_ = 0;
  /// A request of the slip is out.
  bool is_slip_asked_ = false;

  // Inside the loop only.
  std::shared_ptr<Socket> socket_;
  std::shared_ptr<HttpRequest> slip_call_;
  std::uint32_t slip_tries_ = 0;

  Loop loop_;
  std::thread thread_;
};

}  // namespace linli::client
