// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "sync/engine/committer.h"
#include "sync/engine/hub.h"
#include "sync/store/memory/memory_store.h"
#include "tests/sim/model.h"
#include "tests/sim/plants.h"
#include "tests/sim/schedule.h"

namespace linli::sim {

/// One socket as the two ends see it. `open` false = both ends are done with it.
struct Link {
  std::uint64_t id = 0;
  bool open = true;
  /// Bytes vanish without a close: a half-open path.
  bool swallow = false;
  MonoTime up_last{0};
  MonoTime down_last{0};
  Millis latency{20};
  /// Downwards; 0 = as fast as one likes. One message at a time is with the kernel.
  std::uint64_t bytes_per_second = 0;
  MonoTime free_at{0};
  bool will_flush = false;
  /// The next digest is damaged on its way; counted in `damaged`.
  bool damage_digest = false;
  std::shared_ptr<std::uint64_t> damaged{};
  std::function<void(std::string)> to_phone;
  std::function<void(std::uint16_t)> phone_closed;
};

/// The real engine behind a virtual network and a disk that can fail: committer, two shards with a
/// hub each, pages and results read with a delay, commits posted with a delay.
class Server {
 public:
  struct Device {
    sync::AccountId account;
    PublicKey pub{};
  };

  /// How often the paths ran that only a fault leads to.
  struct Rare {
    std::uint64_t lags = 0;
    std::uint64_t refills = 0;
    std::uint64_t floors = 0;
    std::uint64_t refusals = 0;
    std::uint64_t unpublished = 0;

    void add(const Rare& other);
    [[nodiscard]] std::string text() const;
  };

  Server(Schedule& schedule, ManualClock& clock, Rng& rng, Plant plant);
  ~Server();

  void start();
  void crash();
  /// Back to the state of `snapshot` with a new epoch.
  void backup();
  void restore();
  [[nodiscard]] bool up() const { return up_; }
  [[nodiscard]] int restores() const { return restores_; }
  [[nodiscard]] bool has_backup() const { return backup_.has_value(); }

  void register_device(const sync::Cid& cid, const Device& device) { devices_[cid] = device; }
  void accept(const std::shared_ptr<Link>& link, sync::Encoding encoding);
  void receive(const std::shared_ptr<Link>& link, std::string message);
  void lost(const std::shared_ptr<Link>& link);
  /// Mutation by the office.
  void system(std::string name, Json args);
  /// Drops the tombstones of all but the last minutes.
  void collect_garbage();
  /// Dies between the next commit and the news of it.
  void die_after_commit() { dies_after_commit_ = true; }
  /// The writer's queue has no room for the next push.
  void refuse_next_push() { refuses_ = true; }
  /// The next commit fails; `durable` = it was stored all the same.
  void fail_next_commit(bool durable);

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const sync::Epoch& epoch() const { return epoch_; }
  [[nodiscard]] std::string bucket_name(sync::BucketId id) const;
  [[nodiscard]] bool idle() const { return queue_.empty() && !writing_; }
  [[nodiscard]] std::size_t max_queue() const { return max_queue_; }
  [[nodiscard]] const Rare& rare() const { return rare_; }
  std::vector<std::string> faults;

 private:
  struct Conn {
    std::shared_ptr<Link> link;
    std::unique_ptr<sync::ServerSession> session;
    std::size_t shard = 0;
    /// Held back by a planted bug.
    std::string late_results{};
    std::uint32_t lags_seen = 0;
    bool skips_rows = false;
  };
  struct Shard {
    std::unique_ptr<sync::Hub> hub;
    MonoTime last_post{0};
  };

  Conn* conn(std::uint64_t link);
  /// Writes what the line takes; `all` = a goodbye, which the kernel gets whole.
  void flush(Conn& conn, bool all = false);
  void transmit(Conn& conn, std::string message);
  bool waits_for_line(Conn& conn);
  void damage_digest(std::string& message, Conn& conn);
  void flush_dirty(std::size_t shard);
  void perform(Conn& conn, sync::Ask ask);
  void answer_chunk(std::uint64_t link, sync::AskChunk ask);
  void close(std::uint64_t link, std::uint16_t code);
  void enqueue(Conn& conn, sync::AskMutate ask);
  void wake_writer();
  void write();
  void observe(const std::vector<sync::Submission>& batch, const sync::Commit& commit,
               const std::vector<sync::Answer>& answers);
  void post(const sync::SharedCommit& commit);
  void post_results(const std::shared_ptr<sync::Commit>& commit);
  void tick();
  Millis jitter(std::uint64_t max_ms) { return Millis{rng_.below(max_ms + 1)}; }
  std::string tamper(std::string message, Conn& conn);

  class SpoiledStore;

  Schedule& schedule_;
  ManualClock& clock_;
  Rng& rng_;
  Plant plant_;
  bool up_ = false;
  std::uint64_t life_ = 0;
  sync::Registry registry_;
  sync::MemoryStore disk_;
  std::unique_ptr<SpoiledStore> store_;
  std::optional<sync::MemoryStore::Snapshot> backup_;
  Model backup_model_;
  std::optional<sync::MemoryStore::Snapshot> before_last_;
  std::unique_ptr<sync::Committer> committer_;
  std::array<Shard, 2> shards_;
  std::map<std::uint64_t, Conn> conns_;
  std::deque<sync::Submission> queue_;
  bool writing_ = false;
  bool fails_durably_ = false;
  bool dies_after_commit_ = false;
  bool refuses_ = false;
  /// When the log had which head.
  std::deque<std::pair<MonoTime, sync::Seq>> heads_;
  Rare rare_;
  int restores_ = 0;
  std::map<sync::Cid, Device> devices_;
  std::map<std::pair<sync::BucketId, sync::Seq>, sync::BucketChunk> pages_;
  sync::SessionConfig config_;
  Model model_;
  sync::Epoch epoch_;
  std::size_t max_queue_ = 0;
};

}  // namespace linli::sim
