// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/token_bucket.h"
#include "sync/engine/commit.h"
#include "sync/engine/frame_queue.h"
#include "sync/engine/view.h"
#include "sync/protocol/codec.h"

namespace linli::sync {

/// A phone that has shown who it is.
struct Principal {
  AccountId account;
  Cid cid;
  /// The device was replaced then: no rows, and only what it made before is taken (ENR-10).
  std::optional<Instant> replaced_at{};
};

// --- What a session asks of the loop that owns its socket --------------------------------------
/// Look up the device, verify `signature` over `message` on the crypto pool, answer
/// on_authenticated(). `cert` re-creates an unknown device after a restore.
struct AskAuthenticate {
  Cid cid;
  std::string message;
  Signature signature{};
  std::string cert;
  /// A replaced phone is let in too, with Principal::replaced_at. Only for who heeds that.
  bool may_hand_over = false;
};
/// Answer on_results() with stored results after `res_n` in every up-lane.
struct AskResults {
  Cid cid;
  UpNumbers after{};
  UpNumbers upto{};
};
/// Answer on_chunk() with entries of `bucket` after `after`, already encoded.
struct AskChunk {
  BucketId bucket;
  Seq after;
  /// The bucket's head as the shard sees it; a cached chunk serves if it reaches it.
  Seq want;
  Encoding encoding = Encoding::cbor;
};
/// Hand to the community's writer. Results come back through commits.
struct AskMutate {
  UpLane lane = UpLane::interactive;
  std::vector<PushedMutation> muts;
  /// The server's clock minus the phone's at sign-in, for who has measured nothing itself.
  std::int64_t clock_off = 0;
};
/// Answer on_rekeyed().
struct AskRekey {
  FrameRekey frame;
};
/// Close the socket after what is queued was written.
struct AskClose {
  std::uint16_t code = 1000;
  Errc reason = Errc::internal;
};
using Ask = std::variant<AskAuthenticate, AskResults, AskChunk, AskMutate, AskRekey, AskClose>;

/// Encoded page of one bucket, shared by every phone that needs the same one.
struct EncodedChunk {
  std::vector<SharedFrame> frames;
  std::size_t bytes = 0;
  std::size_t rows = 0;
  Seq to;
  bool complete = false;
  Seq read_head;
  Digest digest;
};
using SharedChunk = std::shared_ptr<const EncodedChunk>;

/// What one phone may push at once, in front of the writer's shared queue, and how soon that grows
/// back: 50 a second. Each mutation counts one, and one more for every kPushUnitBytes of its
/// arguments. A field worker's fortnight (limits::kPendingMax) passes at once; nobody types 50
/// things a second.
inline constexpr RateLimit kPushRate{3000, std::chrono::seconds(60)};
inline constexpr std::size_t kPushUnitBytes = 4 * 1024;

/// Encodes a page once for everybody who needs it.
SharedChunk encode_chunk(const BucketChunk& chunk, BucketId bucket, Encoding encoding);

/// What does not differ between the sessions of a server.
struct SessionConfig {
  Id128 server_id;
  /// Origins that hello may name; a look-alike site is refused (decision B7).
  std::vector<std::string> origins;
  std::uint32_t window = limits::kWindowBytes;
  /// Beyond either a lane's queue falls into lag mode.
  std::size_t queue_bytes = limits::kQueueBytesMax;
  std::size_t queue_frames = limits::kQueueFramesMax;
};

/// One phone's conversation, with no sockets, clock, threads or database.
///
///   awaiting_hello -> authenticating -> (awaiting_have) -> live -> closed
///
/// Call in any order after start(); after each call write take_output() and perform take_asks(), in
/// that order, because taking output may ask for the next page. The caller routes commits through
/// the Hub. Peer input never throws and never asserts: it ends in an `err`
/// frame and AskClose.
/// Threads: one caller at a time (the owning shard).
class ServerSession {
 public:
  enum class State : std::uint8_t { awaiting_hello, authenticating, awaiting_have, live, closed };

  ServerSession(const SessionConfig& config, const CommunityView& view, Encoding encoding);

  /// Speaks first: K. `nonce` is fresh.
  void start(const Nonce& nonce, Instant now, MonoTime mono);
  /// One complete WebSocket message.
  void on_message(std::string_view message, Instant now, MonoTime mono);
  void on_authenticated(const Result<Principal>& who, Instant now, MonoTime mono);
  void on_results(const Result<std::vector<StoredResult>>& results);
  void on_chunk(const Result<SharedChunk>& chunk);
  void on_rekeyed(const Result<FrameRekeyed>& rekeyed);
  /// The writer's queue was full: every mutation of `ask` is told `retry`.
  void on_mutate_refused(const AskMutate& ask, std::int64_t after_ms);
  /// Deadlines: hello, idle, stall. Call about once a second.
  void on_timer(MonoTime mono);
  /// Server shutdown: hint and close.
  void drain(std::int64_t after_ms);
  /// Closes with an `err` frame (revoked device, wrong message kind, ...).
  void close(Errc reason, std::string_view detail = {});

  // --- From the Hub, in commit order ------------------------------------------------------------
  void on_membership(const FrameM& change);
  void on_result(const ResultOut& out);
  /// B frames of one bucket of a commit.
  void on_bucket(const Commit& commit, BucketId bucket, const std::vector<SharedFrame>& frames);
  /// The shard's view was replaced: live lanes read what they may have missed.
  void on_reload();
  /// End of a commit for this session: reveals touched lanes.
  void on_commit_end(const Commit& commit);

  // --- For the loop -----------------------------------------------------------------------------
  std::vector<Ask> take_asks();
  [[nodiscard]] bool has_output() const;
  /// Whether anything is left to do for it in this turn: most acknowledgements ask for nothing.
  [[nodiscard]] bool wants_turn() const {
    return has_output() || !asks_.empty() || waits_for_commit() || state_ == State::closed;
  }
  /// At most kMessageFramesMax frames and kMessageBytesMax bytes (one frame may be larger) for one
  /// WebSocket message. Empty when nothing may be sent now.
  void take_output(std::vector<SharedFrame>& out, MonoTime mono);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] Encoding encoding() const { return encoding_; }
  /// Null until signed in.
  [[nodiscard]] const Principal* principal() const;
  /// Signed in for hand-over only: nothing of the community is routed to it.
  [[nodiscard]] bool is_handing_over() const { return principal_.replaced_at.has_value(); }
  /// Buckets this session listens to (live, catching up or filling), ascending.
  [[nodiscard]] std::vector<BucketId> bucket_ids() const;
  /// Gen of a held bucket, or nothing.
  [[nodiscard]] std::optional<Seq> held_gen(BucketId bucket) const;
  /// Cursors the phone last said are durable.
  [[nodiscard]] const Cursors& durable() const { return durable_; }
  /// What the phone had not sent when it signed in, less what came since.
  [[nodiscard]] std::uint64_t unsent() const;
  /// Program and version, as the phone said.
  [[nodiscard]] const std::string& app() const { return app_; }
  [[nodiscard]] std::size_t queued_bytes() const { return queue_.bytes(); }
  /// A page is ahead of the shard: the next commit, whatever it touches, must reach this session.
  [[nodiscard]] bool waits_for_commit() const;
  /// Times this session fell into lag mode; for metrics and tests.
  [[nodiscard]] std::uint32_t lags() const { return lags_; }

 private:
  friend class Hub;
  enum class Mode : std::uint8_t { live, catching, filling };
  struct Held {
    BucketId id;
    Lane lane = Lane::normal;
    std::uint8_t pri = 5;
    Mode mode = Mode::filling;
    Seq gen;
    /// Complete up to here while not live.
    Seq cursor;
  };
  using Class = FrameQueue::Class;

  void on_frame(FrameHello& frame);
  void on_frame(FrameHave& frame);
  void on_frame(FramePush& frame, MonoTime mono);
  /// Cuts what exceeds this phone's rate off `muts` and tells it when to send again.
  void hold_back(UpLane lane, std::vector<PushedMutation>& muts, MonoTime mono);
  void send_retry(UpLane lane, std::uint64_t n, Errc why, std::int64_t after_ms);
  void on_frame(const FrameAck& frame, MonoTime mono);
  void on_frame(const FramePing& frame, Instant now);
  void on_frame(const FrameRefill& frame);
  void welcome(Instant now);
  void hold_all(const std::vector<HeldBucket>& live, const std::vector<PartBucket>& part);
  /// Rows wait until the phone knows every stored result: R precedes its C, also after a failure.
  void ask_results();
  void note_answered(UpLane lane, std::uint64_t n);
  void begin_streams();
  void send(const ServerFrame& frame);
  void complain(Errc code, std::string_view detail, bool fatal);
  Held* held(BucketId id);
  void enqueue(Lane lane, FrameQueue::Item item);
  void enter_lag(Lane lane);
  /// Reads, reveals and finishes whatever can go on.
  void pump();
  bool finish_lane(Lane lane);
  bool reveal_filled(Held& bucket);
  Held* next_to_read();
  [[nodiscard]] bool may_read(Lane lane) const;
  bool pop_output(std::vector<SharedFrame>& out, std::size_t& bytes);
  /// Whether the next normal frame may follow `gathered` bytes that are about to be sent.
  [[nodiscard]] bool fits_window(std::size_t gathered) const;
  void adapt_window(std::uint64_t acked, MonoTime mono);

  const SessionConfig* config_;
  const CommunityView* view_;
  Encoding encoding_;
  State state_ = State::awaiting_hello;
  /// Owned by the Hub: already in its list of sessions to look at.
  bool dirty_ = false;
  bool attached_ = false;
  bool streaming_ = false;
  bool chunk_asked_ = false;
  /// Nothing to read, fill or reveal: pump() has nothing to look for.
  bool all_live_ = false;
  bool remainder_ = false;
  std::array<bool, kLanes> catching_{true, true};
  std::uint8_t pages_ = 0;
  /// Bit per lane: this commit gave the phone something to reveal.
  std::uint8_t touched_lanes_ = 0;
  Nonce nonce_{};
  /// From hello until welcome.
  std::unique_ptr<HelloBody> hello_;
  Principal principal_;
  /// Ascending by id.
  std::vector<Held> held_;
  std::vector<Ask> asks_;
  FrameQueue queue_;
  /// What a slow line is owed at sign-in may wait; what a phone asks for and does not read may not.
  std::size_t control_bytes_max_ = limits::kControlBytesMax;
  BucketId asked_;
  Seq asked_gen_;
  /// Newest community head any page was read at: nothing is revealed before the shard is there.
  Seq read_head_;
  /// Per lane: seq of the last reveal handed to the socket.
  Cursors sent_c_{};
  Cursors durable_{};
  /// Per up-lane: highest number handed to the writer, and highest one answered to this phone.
  UpNumbers next_n_{};
  UpNumbers answered_n_{};
  /// Stored results are being read up to here.
  UpNumbers results_upto_{};
  std::uint64_t tx_bytes_ = 0;
  /// The phone owes an ack up to here (it acknowledges every C).
  std::uint64_t tx_owed_ = 0;
  std::uint64_t rx_acked_ = 0;
  std::uint32_t window_;
  std::uint64_t pending_reported_ = 0;
  /// next_n_ at sign-in.
  UpNumbers first_n_{};
  std::string app_;
  std::int64_t clock_off_ = 0;
  /// Carried over by the Hub when the phone comes back.
  TokenBucket pushes_{kPushRate};
  std::uint32_t lags_ = 0;
  MonoTime opened_{0};
  MonoTime last_heard_{0};
  MonoTime last_progress_{0};
  MonoTime rate_from_{0};
  std::uint64_t rate_bytes_ = 0;
};

}  // namespace linli::sync
