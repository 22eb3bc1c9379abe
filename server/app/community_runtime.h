// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "sync/engine/chunk_cache.h"
#include "sync/engine/committer.h"
#include "sync/engine/reader_context.h"
#include "sync/engine/runtime_port.h"

namespace linli::app {

/// Queries and pages waiting for a reader thread; full = the caller hears "unavailable".
inline constexpr std::size_t kReaderQueueMax = 4096;

struct RuntimeOptions {
  std::string slug;
  const sync::Registry* registry = nullptr;
  const Clock* clock = nullptr;
  Rng* rng = nullptr;
  /// Called at start, and again after an I/O error (a store that met one may refuse all writes).
  std::function<Result<std::unique_ptr<sync::Store>>()> open_store;
  std::size_t readers = 2;
  /// Free bytes where the store lives; asked only after disk_full. Empty = assume there are some.
  std::function<std::uint64_t()> free_bytes;
};

/// Counted for metrics; read from any thread.
struct RuntimeStats {
  std::atomic<std::uint64_t> mutations{0};
  std::atomic<std::uint64_t> batches{0};
  std::atomic<std::uint64_t> batch_us{0};
  std::atomic<std::uint64_t> batch_us_max{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> store_failures{0};
  std::atomic<std::uint64_t> reads{0};
  std::atomic<std::uint64_t> page_hits{0};
  std::atomic<std::uint64_t> page_misses{0};
  std::atomic<std::uint64_t> head{0};
  std::atomic<std::size_t> queued{0};
  std::atomic<bool> writable{false};
};

/// One running community: its store, the one writer thread with the committer, reader threads and
/// the cache of encoded pages.
///
/// The writer takes what is queued, at most kBatchMutationsMax, as one durable batch, then
/// publishes
/// its commit, then answers. A batch that the store refuses is answered with `retry`; the writer
/// opens the store again and goes on.
/// Threads: RuntimePort from any; start() and stop() by the owner.
class CommunityRuntime final : public sync::RuntimePort {
 public:
  using Observer = std::function<void(const sync::SharedCommit&)>;

  /// Opens the store and brings it up to date with the registry's upgrades. Errors: those of
  /// open_store, Committer::open and sync::upgrade.
  static Result<std::unique_ptr<CommunityRuntime>> open(RuntimeOptions options);
  ~CommunityRuntime() override;

  /// State that the first published commit follows. Before start().
  [[nodiscard]] const sync::StoreState& state() const { return state_; }
  /// Called on the writer's thread, in commit order. Before start().
  void observe(Observer observer) { observers_.push_back(std::move(observer)); }
  /// For what is loaded before start().
  [[nodiscard]] sync::StoreReader& setup_store() { return *store_; }
  void start();
  /// Refuses new work, finishes the queue, saves cursors, joins.
  void stop();

  const std::string& slug() const override { return options_.slug; }
  const sync::Registry& registry() const override { return *options_.registry; }
  bool submit(sync::Submission submission, std::function<void(sync::Answer)> done) override;
  bool submit_device(std::vector<sync::Submission> submissions) override;
  bool read(sync::Actor actor, std::function<void(sync::ReadContext&)> read) override;
  bool read_chunk(sync::AskChunk ask, std::function<void(Result<sync::SharedChunk>)> done) override;
  bool read_results(sync::AskResults ask,
                    std::function<void(Result<std::vector<sync::StoredResult>>)> done) override;
  void note_cursors(const sync::DeviceCursor& cursor) override;

  /// Runs `task` on a reader thread; for the bridge to the gateway and for admin pages.
  bool with_reader(std::function<void(sync::StoreReader&)> task);
  /// Outbox rows up to `id` were taken over and may be pruned after their retention.
  void outbox_consumed(std::uint64_t id) { outbox_consumed_ = id; }
  [[nodiscard]] const RuntimeStats& stats() const { return stats_; }

 private:
  struct Reader {
    std::unique_ptr<sync::StoreReader> store;
    sync::RowCache rows;
    std::thread thread;
  };
  using ReadTask = std::function<void(Reader&)>;
  /// What the writer does at which time.
  struct Chores {
    MonoTime tick{0};
    MonoTime cursors{0};
    MonoTime garbage{0};
    MonoTime reopen{0};
  };

  explicit CommunityRuntime(RuntimeOptions options);
  Result<void> open_store();
  /// What the committer has in memory, after the first epoch and all upgrades.
  Result<sync::StoreState> load_state();
  bool queue_read(ReadTask task);
  void run_reader(Reader& reader);
  void page_read(Reader& reader, const sync::AskChunk& ask);

  void run_writer();
  /// Whether the queue takes so much more. Hold mutex_.
  [[nodiscard]] bool has_room(std::size_t count, std::size_t bytes) const;
  /// False when stopping and the queue is empty.
  bool take_batch(std::vector<sync::Submission>& batch);
  void run_batch(std::vector<sync::Submission>& batch);
  void on_batch(const sync::BatchResult& result);
  void refuse_batch(const std::vector<sync::Submission>& batch, Errc why);
  void on_store_failed(const Error& error);
  void try_reopen();
  void run_chores();
  void flush_cursors();
  void publish(const sync::SharedCommit& commit);
  void answer(sync::Answer answer);

  // Constant after start().
  const RuntimeOptions options_;
  std::vector<Observer> observers_;
  sync::StoreState state_;

  // Owned by the writer.
  std::unique_ptr<sync::Store> store_;
  std::unique_ptr<sync::Committer> committer_;
  Chores chores_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<sync::Submission> queue_;
  std::size_t queue_bytes_ = 0;
  std::unordered_map<std::uint64_t, std::function<void(sync::Answer)>> waiting_;
  std::uint64_t next_token_ = 1;
  bool stopping_ = false;

  // Guarded by read_mutex_.
  std::mutex read_mutex_;
  std::condition_variable read_work_;
  std::deque<ReadTask> reads_;
  bool read_stopping_ = false;

  // Guarded by cache_mutex_.
  std::mutex cache_mutex_;
  sync::ChunkCache cache_{limits::kPageCacheBytes};

  // Guarded by cursor_mutex_.
  std::mutex cursor_mutex_;
  /// As they came, several of a device among them.
  std::vector<sync::DeviceCursor> cursors_;

  std::atomic<std::uint64_t> outbox_consumed_{0};
  RuntimeStats stats_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::thread writer_;
};

}  // namespace linli::app
