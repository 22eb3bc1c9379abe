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
  /// The next commit fails; `durable` = it was stored all the same.
  void fail_next_commit(bool durable);

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const sync::Epoch& epoch() const { return epoch_; }
  [[nodiscard]] std::string bucket_name(sync::BucketId id) const;
  [[nodiscard]] bool idle() const { return queue_.empty() && !writing_; }
  [[nodiscard]] std::size_t max_queue() const { return max_queue_; }
  std::vector<std::string> faults;

 private:
  struct Conn {
    std::shared_ptr<Link> link;
    std::unique_ptr<sync::ServerSession> session;
    std::size_t shard = 0;
    /// Held back by a planted bug.
    std::string late_results{};
  };
  struct Shard {
    std::unique_ptr<sync::Hub> hub;
    MonoTime last_post{0};
  };

  Conn* conn(std::uint64_t link);
  void flush(Conn& conn);
  void flush_dirty(std::size_t shard);
  void perform(Conn& conn, sync::Ask ask);
  void answer_chunk(std::uint64_t link, sync::AskChunk ask);
  void close(std::uint64_t link, std::uint16_t code);
  void enqueue(const Conn& conn, sync::AskMutate ask);
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
  int restores_ = 0;
  std::map<sync::Cid, Device> devices_;
  std::map<std::pair<sync::BucketId, sync::Seq>, sync::BucketChunk> pages_;
  sync::SessionConfig config_;
  Model model_;
  sync::Epoch epoch_;
  std::size_t max_queue_ = 0;
};

}  // namespace linli::sim
