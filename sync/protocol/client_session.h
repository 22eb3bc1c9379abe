// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rng.h"
#include "sync/protocol/clock_estimate.h"
#include "sync/protocol/codec.h"
#include "sync/protocol/replica.h"

namespace linli::sync {

// --- What a session asks of the loop that owns its socket and timer ----------------------------
/// One WebSocket message: binary for CBOR, text for JSON.
struct SendMessage {
  std::string bytes;
};
/// Close the socket; then call on_closed() as for any other close.
struct CloseSocket {
  std::uint16_t code = 1000;
};
/// Call on_timer() at `at`, instead of any earlier wish.
struct ArmTimer {
  MonoTime at{0};
};
/// Open a socket after this time; on_open() or on_closed() follows.
struct Redial {
  Millis after{0};
};
/// Something that screens show has changed.
struct Notify {
  Changes changes;
};
using ClientAction = std::variant<SendMessage, CloseSocket, ArmTimer, Redial, Notify>;

struct ClientConfig {
  Encoding encoding = Encoding::cbor;
  /// Name and version, at most 64 bytes.
  std::string app = "linli";
};

/// Longest wait for K after the socket opened, and for welcome after hello.
inline constexpr Millis kOpeningDeadline{20'000};
/// No byte for this long after a ping: the path is half-open (GEN-7).
inline constexpr Millis kPongDeadline{20'000};
/// Ping this soon when an answer is outstanding and nothing comes.
inline constexpr Millis kImpatientPing{10'000};
/// Ask again how far this phone is complete, until it has caught up.
inline constexpr Millis kCatchUpPoll{2'000};
/// No result for a pushed mutation: push it again, its number makes that harmless.
inline constexpr Millis kResultDeadline{30'000};
/// Staged ops beyond this leave memory (decision M4).
inline constexpr std::size_t kStagingBytesMax = 1024 * 1024;
/// A fill in progress is stored this often, so that a killed phone resumes it.
inline constexpr Millis kSpillInterval{10'000};
/// A bucket whose digest stays wrong is fetched again ever more rarely.
inline constexpr Millis kRefillDelay{60'000};
inline constexpr Millis kRefillDelayMax{3'600'000};
/// This many sockets lost to another one with our key, none longer than the span after the one
/// before: a clone that has not written yet. Either may take a new key; so that seldom both do,
/// each draws at every further conflict, one in kConflictOdds.
inline constexpr std::uint32_t kConflictsMin = 3;
inline constexpr Millis kConflictSpan{600'000};
inline constexpr std::uint64_t kConflictOdds = 4;
/// How often running time without contact is counted and the journal pruned.
inline constexpr Millis kHousekeeping{600'000};
inline constexpr std::uint32_t kAckBytes = limits::kAckBytes;
/// Unanswered bytes per up-lane. Why so few for bulk: they sit in the socket's buffer in front of
/// an alert's acknowledgement, 3.3 s of a 40 kbit/s line (GEN-12).
inline constexpr std::array<std::size_t, kUpLanes> kInFlightBytes{64 * 1024, 64 * 1024, 16 * 1024};
inline constexpr std::size_t kInFlightMutations = 256;
/// Arguments in one push frame; escaped JSON stays far below limits::kClientMessageBytesMax.
inline constexpr std::size_t kPushBytesMax = 128 * 1024;

/// Pause before try number `attempts` + 1: doubling from kReconnectMin to kReconnectMax, times a
/// random factor in [0.5, 1).
Millis reconnect_delay(std::uint32_t attempts, Rng& rng);

/// One phone's conversation with its community's server, with no socket, thread or database.
///
///   offline --on_open--> awaiting_nonce --K--> awaiting_welcome --welcome--> live
///      ^------------------- on_closed (from any, through closing) ----------------'
///   halted: the server refused this device, or it was replaced and has handed over; start() tries
///   again.
///
/// Call one method at a time, then perform take_actions() in order. Peer input never throws and
/// never asserts: it ends in CloseSocket. Errors of the local store close the socket too, and
/// nothing that was not stored is acknowledged.
/// Spec: docs/PROTOCOL.md. Threads: one at a time, with the replica.
class ClientSession {
 public:
  enum class State : std::uint8_t {
    offline,
    awaiting_nonce,
    awaiting_welcome,
    live,
    closing,
    halted
  };

  ClientSession(Replica& replica, const Clock& clock, Rng& rng, ClientConfig config);

  /// Asks to dial now; also forgets a halt and the back-off.
  void start();
  /// The socket is open and speaks subprotocol(config.encoding).
  void on_open();
  /// One complete WebSocket message.
  void on_message(std::string_view message);
  /// Bytes of an incomplete message came: the path is alive.
  void on_progress();
  void on_timer();
  /// The socket closed, or could not be opened (1006).
  void on_closed(std::uint16_t code);
  /// Something was appended to the pending queue.
  void on_local_write();
  /// Says bye and closes; no Redial follows.
  void stop();

  std::vector<ClientAction> take_actions();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_live() const { return state_ == State::live; }
  /// Nothing is filling and both lanes are complete up to the head that welcome named, or later.
  [[nodiscard]] bool is_caught_up() const;
  /// A number may be given at once: the mutation goes out with the next on_local_write().
  [[nodiscard]] bool may_send() const { return is_live() && !rekey_ && !rekey_goal_; }
  /// Why the server refused, or what the local store said; nullopt when all is well.
  [[nodiscard]] const std::optional<Error>& trouble() const { return trouble_; }
  [[nodiscard]] const ClockEstimate& clock_estimate() const { return estimate_; }
  [[nodiscard]] std::size_t staged_bytes() const { return staged_bytes_; }

 private:
  struct LaneStaging {
    std::vector<StagedOps> ops;
    /// Digest of the last B of each bucket; empty = that B carried none.
    std::map<BucketId, std::optional<Digest>> digests;
    std::size_t bytes = 0;
    bool is_spilled = false;
  };
  struct FillStaging {
    std::vector<Op> ops;
    Seq to;
    std::size_t bytes = 0;
  };
  struct Refill {
    std::uint32_t tries = 0;
    /// Null = nothing to ask for.
    std::optional<MonoTime> due;
  };
  struct InFlight {
    std::uint64_t n = 0;
    std::size_t bytes = 0;
  };
  struct UpState {
    /// Highest number handed to this socket.
    std::uint64_t sent = 0;
    std::deque<InFlight> in_flight;
    std::size_t bytes = 0;
    MonoTime paused_until{0};
    /// Something was sent or answered.
    MonoTime moved{0};
    /// Highest result that came, ours or a clone's.
    std::uint64_t seen = 0;
    std::uint64_t gap_want = 0;
    MonoTime gap_at{0};
  };

  // client_session.cc: opening, closing, time
  void on_frame(FrameK& frame);
  void on_frame(FrameWelcome& frame);
  void on_frame(FramePong& frame);
  void on_frame(FrameErr& frame);
  void on_frame(FrameDrain& frame);
  void on_frame(FrameUnknown& frame);
  HelloBody hello_body(const FrameK& frame);
  void send_have();
  void send(const ClientFrame& frame);
  void send_ping();
  void close(std::uint16_t code, std::optional<Error> why = std::nullopt);
  void refuse(Errc code);
  Contact contact() const;
  void reset_socket_state();
  void check_deadlines();
  void housekeeping();
  void finish();
  void rearm();
  Millis ping_after() const;
  /// False after an error of the local store: the socket closes, nothing is acknowledged.
  template <class T>
  bool stored(const Result<T>& result) {
    if (!result) close(1011, result.error());
    return result.has_value();
  }
  bool stored(const Result<Changes>& result);

  // client_session_rows.cc
  void on_frame(FrameB& frame);
  void on_frame(FrameC& frame);
  void on_frame(FrameM& frame);
  void commit(const FrameC& frame);
  void reveal(const FrameC& frame);
  void forget_staging(BucketId id);
  void spill();
  void spill_fills();
  void on_mismatch(const std::vector<BucketId>& buckets);
  void send_refills();
  void send_ack_if_due(bool at_reveal);

  // client_session_push.cc
  void on_frame(FrameR& frame);
  void on_frame(FrameRekeyed& frame);
  void on_gap(UpLane lane, std::uint64_t want);
  void rewind(UpLane lane, std::uint64_t next_n);
  void begin_push(const FrameWelcome& welcome);
  /// Stored results came before any C: what they left out, at the latest after their retention, is
  /// sent again under its old number.
  void push_unanswered();
  void push();
  bool push_lane(UpLane lane);
  void check_results_overdue();
  void rekey_if_known();
  /// Two stores with one key throw each other out until one takes another key.
  void note_conflict();
  void send_rekey();
  void flush_results();
  void end_hand_over_if_done();

  // Constant after construction.
  Replica* replica_;
  const Clock* clock_;
  Rng* rng_;
  ClientConfig config_;

  State state_ = State::offline;
  std::vector<ClientAction> actions_;
  Changes changes_;
  bool notify_ = false;
  std::optional<Error> trouble_;
  ClockEstimate estimate_;
  bool stopped_ = false;
  std::uint32_t attempts_ = 0;
  Millis redial_hint_{0};
  std::optional<MonoTime> armed_;
  MonoTime housekept_{0};
  std::uint32_t conflicts_ = 0;
  MonoTime conflict_at_{0};

  // Of the open socket.
  MonoTime opened_{0};
  MonoTime heard_{0};
  MonoTime said_{0};
  std::optional<MonoTime> pinged_;
  MonoTime polled_{0};
  MonoTime hello_at_{0};
  std::map<std::int64_t, MonoTime> pings_;
  bool had_set_hash_ = false;
  Cursors goal_{};
  std::uint64_t rx_bytes_ = 0;
  std::uint64_t rx_acked_ = 0;
  bool reveal_unacked_ = false;
  std::array<LaneStaging, kLanes> lanes_;
  std::map<BucketId, FillStaging> fills_;
  std::map<BucketId, Refill> refills_;
  /// Refilling on this socket: frames of before may still come, so their `to` proves nothing.
  std::set<BucketId> unresumable_;
  std::size_t staged_bytes_ = 0;
  MonoTime spilled_{0};
  std::vector<FrameR> results_;
  std::array<UpState, kUpLanes> up_;
  /// This phone was replaced: it hands over what it made, then says bye (ENR-10).
  bool hand_over_ = false;
  /// last_n of welcome, until the first C.
  std::optional<UpNumbers> push_again_upto_;
  bool rekey_ = false;
  /// A new key waits until the stored results up to here told what the old one did.
  std::optional<UpNumbers> rekey_goal_;
  std::optional<KeyPair> new_key_;
};

}  // namespace linli::sync
