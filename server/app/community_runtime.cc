// SPDX-License-Identifier: Apache-2.0
#include "server/app/community_runtime.h"

#include <algorithm>
#include <utility>

#include <pthread.h>

#include "base/assert.h"
#include "base/log.h"
#include "sync/engine/intake.h"
#include "sync/engine/upgrade.h"

namespace linli::app {
namespace {

/// Noted cursors before they are put together: more than devices can be connected.
constexpr std::size_t kNotedCursorsMax = 64 * 1024;
constexpr Millis kTick{1000};
/// Work in steps, such as a sending, asks for its next step a millisecond later: between two steps
/// comes what was queued, not a pause.
constexpr Millis kNextStep{2};
constexpr Millis kCursorFlush{5000};
constexpr Millis kGarbage{3'600'000};
constexpr Millis kReopen{1000};
/// After disk_full the community is ready again only with this much room.
constexpr std::uint64_t kFreeBytesMin = 16 * 1024 * 1024;
constexpr std::int64_t kRetryAfterMs = 2000;
constexpr std::size_t kResultsPerRead = 500;

void name_thread(std::thread& thread, const std::string& name) {
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
}

/// The last one of each device; in the order of the devices.
void keep_newest(std::vector<sync::DeviceCursor>& cursors) {
  std::ranges::stable_sort(cursors, {}, &sync::DeviceCursor::cid);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < cursors.size(); ++i)
    if (i + 1 == cursors.size() || cursors[i].cid != cursors[i + 1].cid)
      cursors[kept++] = cursors[i];
  cursors.resize(kept);
}

}  // namespace

CommunityRuntime::CommunityRuntime(RuntimeOptions options) : options_(std::move(options)) {}

CommunityRuntime::~CommunityRuntime() { stop(); }

Result<std::unique_ptr<CommunityRuntime>> CommunityRuntime::open(RuntimeOptions options) {
  std::unique_ptr<CommunityRuntime> out(new CommunityRuntime(std::move(options)));
  LINLI_CHECK(out->open_store());
  for (std::size_t i = 0; i < out->options_.readers; ++i) {
    auto reader = std::make_unique<Reader>();
    LINLI_TRY(reader->store, out->store_->make_reader());
    out->readers_.push_back(std::move(reader));
  }
  return out;
}

Result<sync::StoreState> CommunityRuntime::load_state() {
  LINLI_TRY(sync::StoreState state, committer_->open());
  if (state.epoch == sync::Epoch{}) {
    // A new community: two of them, or one made anew, must not look like one to a phone.
    Id128 first;
    options_.rng->fill(first.bytes);
    LINLI_CHECK(store_->set_epoch(sync::Epoch{first}));
    LINLI_TRY(state, committer_->open());
  }
  LINLI_TRY(const auto upgraded, sync::upgrade(*options_.registry, *store_, *committer_));
  if (upgraded.rows == 0 && upgraded.from == upgraded.to) return state;
  log_event(LogLevel::info, "app.community.upgraded",
            {{"community", options_.slug},
             {"from", upgraded.from},
             {"to", upgraded.to},
             {"rows", upgraded.rows},
             {"refused", upgraded.refused.size()}});
  return committer_->open();
}

Result<void> CommunityRuntime::open_store() {
  LINLI_TRY(store_, options_.open_store());
  committer_ = std::make_unique<sync::Committer>(*options_.registry, *store_, *options_.clock,
                                                 *options_.rng);
  auto state = load_state();
  if (!state) {
    committer_.reset();
    store_.reset();
    return std::unexpected(state.error());
  }
  state_ = std::move(*state);
  stats_.head = state_.head.raw();
  stats_.writable = true;
  return {};
}

void CommunityRuntime::start() {
  for (auto& reader : readers_) {
    reader->thread = std::thread([this, r = reader.get()] { run_reader(*r); });
    name_thread(reader->thread, "read-" + options_.slug);
  }
  writer_ = std::thread([this] { run_writer(); });
  name_thread(writer_, "write-" + options_.slug);
}

void CommunityRuntime::stop() {
  if (!writer_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  writer_.join();
  {
    const std::lock_guard lock(read_mutex_);
    read_stopping_ = true;
  }
  read_work_.notify_all();
  for (auto& reader : readers_) reader->thread.join();
}

// --- Writes ---------------------------------------------------------------------------------

bool CommunityRuntime::has_room(std::size_t count, std::size_t bytes) const {
  return !stopping_ && queue_.size() + count <= limits::kWriterQueueMax &&
         queue_bytes_ + bytes <= limits::kWriterQueueBytesMax;
}

bool CommunityRuntime::submit(sync::Submission submission, std::function<void(sync::Answer)> done) {
  // People's work was checked where it came in.
  if (submission.actor.via == sync::Via::system) sync::refuse_unfit(*options_.registry, submission);
  {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = submission.args_text.size();
    if (!has_room(1, bytes)) {
      ++stats_.refused;
      return false;
    }
    if (done) {
      submission.token = next_token_++;
      waiting_.emplace(submission.token, std::move(done));
    }
    queue_.push_back(std::move(submission));
    queue_bytes_ += bytes;
    stats_.queued = queue_.size();
  }
  work_.notify_one();
  return true;
}

bool CommunityRuntime::submit_device(std::vector<sync::Submission> submissions) {
  {
    std::size_t bytes = 0;
    for (const sync::Submission& one : submissions) bytes += one.args_text.size();
    const std::lock_guard lock(mutex_);
    if (!has_room(submissions.size(), bytes)) {
      stats_.refused += submissions.size();
      return false;
    }
    for (sync::Submission& one : submissions) queue_.push_back(std::move(one));
    queue_bytes_ += bytes;
    stats_.queued = queue_.size();
  }
  work_.notify_one();
  return true;
}

bool CommunityRuntime::take_batch(std::vector<sync::Submission>& batch) {
  const auto until_tick = chores_.tick - options_.clock->mono();
  const auto pause =
      committer_ ? std::clamp<MonoTime>(until_tick, Millis{1}, kTick) : MonoTime{kTick};
  std::unique_lock lock(mutex_);
  work_.wait_for(lock, pause, [this] { return stopping_ || !queue_.empty(); });
  while (!queue_.empty() && batch.size() < limits::kBatchMutationsMax) {
    queue_bytes_ -= queue_.front().args_text.size();
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  stats_.queued = queue_.size();
  return !(stopping_ && batch.empty());
}

void CommunityRuntime::run_writer() {
  std::vector<sync::Submission> batch;
  chores_.garbage = options_.clock->mono() + kGarbage;
  while (take_batch(batch)) {
    if (!batch.empty()) run_batch(batch);
    batch.clear();
    run_chores();
  }
  flush_cursors();
}

void CommunityRuntime::run_batch(std::vector<sync::Submission>& batch) {
  if (!committer_) return refuse_batch(batch, Errc::io);
  const auto began = std::chrono::steady_clock::now();
  auto result = committer_->run(batch);
  if (!result) {
    // First the state, then the answers: who hears `io` must not still read `writable`.
    on_store_failed(result.error());
    return refuse_batch(batch, result.error().code);
  }
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  const auto us = static_cast<std::uint64_t>(took.count());
  stats_.mutations += batch.size();
  ++stats_.batches;
  stats_.batch_us += us;
  if (us > stats_.batch_us_max) stats_.batch_us_max = us;
  on_batch(*result);
}

void CommunityRuntime::on_batch(const sync::BatchResult& result) {
  if (!stats_.writable && (!options_.free_bytes || options_.free_bytes() >= kFreeBytesMin)) {
    log_event(LogLevel::info, "app.store.writable", {{"community", options_.slug}});
    stats_.writable = true;
  }
  if (result.commit) {
    const sync::Commit& commit = *result.commit;
    stats_.head = commit.to.raw();
    if (commit.from != commit.to || !commit.results.empty() || commit.reload)
      publish(result.commit);
  }
  for (const sync::Answer& one : result.answers) answer(one);
}

void CommunityRuntime::publish(const sync::SharedCommit& commit) {
  if (commit->reload) {
    const std::lock_guard lock(cache_mutex_);
    cache_.clear();
  }
  for (const Observer& observer : observers_) observer(commit);
}

void CommunityRuntime::answer(sync::Answer answer) {
  std::function<void(sync::Answer)> done;
  {
    const std::lock_guard lock(mutex_);
    auto waiting = waiting_.extract(answer.token);
    if (waiting.empty()) return;
    done = std::move(waiting.mapped());
  }
  done(std::move(answer));
}

void CommunityRuntime::refuse_batch(const std::vector<sync::Submission>& batch, Errc why) {
  // Phones hear `retry` for the first number of each up-lane: the later ones follow it anyway.
  auto commit = std::make_shared<sync::Commit>();
  commit->from = commit->to = sync::Seq{stats_.head};
  std::map<std::pair<sync::Cid, sync::UpLane>, bool> told;
  for (const sync::Submission& one : batch) {
    if (one.token != 0) answer({one.token, fail(why, "the store"), {}, false});
    if (one.n == 0 || !told.try_emplace({one.actor.cid, one.lane}, true).second) continue;
    sync::FrameR retry;
    retry.lane = one.lane;
    retry.n = one.n;
    retry.status = sync::MutationStatus::retry;
    retry.code = errc_name(why);
    retry.msg = errc_sentence(why);
    retry.after_ms = kRetryAfterMs;
    commit->results.push_back({one.actor.cid, std::move(retry)});
  }
  if (!commit->results.empty()) publish(commit);
}

void CommunityRuntime::on_store_failed(const Error& error) {
  ++stats_.store_failures;
  stats_.writable = false;
  log_event(LogLevel::error, "app.store.failed",
            {{"community", options_.slug}, {"code", errc_name(error.code)}});
  if (error.code == Errc::disk_full) return;
  committer_.reset();
  store_.reset();
  chores_.reopen = options_.clock->mono() + kReopen;
}

void CommunityRuntime::try_reopen() {
  if (options_.clock->mono() < chores_.reopen) return;
  if (auto opened = open_store(); !opened) {
    log_event(LogLevel::error, "app.store.still_closed",
              {{"community", options_.slug}, {"code", errc_name(opened.error().code)}});
    chores_.reopen = options_.clock->mono() + kReopen;
    return;
  }
  log_event(LogLevel::info, "app.store.reopened", {{"community", options_.slug}});
  // Nobody knows whether the failed batch became durable: everybody starts from what is there.
  auto commit = std::make_shared<sync::Commit>();
  commit->from = commit->to = state_.head;
  commit->reload = std::make_shared<const sync::StoreState>(state_);
  publish(commit);
}

void CommunityRuntime::run_chores() {
  const MonoTime now = options_.clock->mono();
  if (!committer_) try_reopen();
  if (!committer_) return;
  if (now >= chores_.tick) {
    chores_.tick = now + kTick;
    auto result = committer_->tick();
    if (!result) return on_store_failed(result.error());
    if (result->commit->to > result->commit->from) chores_.tick = now + kNextStep;
    on_batch(*result);
  }
  if (now >= chores_.cursors) {
    chores_.cursors = now + kCursorFlush;
    flush_cursors();
  }
  if (committer_ && now >= chores_.garbage) {
    chores_.garbage = now + kGarbage;
    auto raised = committer_->collect_garbage(outbox_consumed_);
    if (!raised) return on_store_failed(raised.error());
    {
      const std::lock_guard lock(cache_mutex_);
      cache_.clear();
    }
    if (!(*raised)->new_buckets.empty()) publish(*raised);
  }
}

void CommunityRuntime::note_cursors(const sync::DeviceCursor& cursor) {
  const std::lock_guard lock(cursor_mutex_);
  if (cursors_.size() >= kNotedCursorsMax) keep_newest(cursors_);
  cursors_.push_back(cursor);
}

void CommunityRuntime::flush_cursors() {
  std::vector<sync::DeviceCursor> batch;
  {
    const std::lock_guard lock(cursor_mutex_);
    batch.swap(cursors_);
  }
  keep_newest(batch);
  if (batch.empty() || !store_) return;
  if (auto saved = store_->save_cursors(batch); !saved) on_store_failed(saved.error());
}

// --- Reads ----------------------------------------------------------------------------------

bool CommunityRuntime::queue_read(ReadTask task) {
  {
    const std::lock_guard lock(read_mutex_);
    if (read_stopping_ || reads_.size() >= kReaderQueueMax) return false;
    reads_.push_back(std::move(task));
  }
  read_work_.notify_one();
  return true;
}

void CommunityRuntime::run_reader(Reader& reader) {
  while (true) {
    ReadTask task;
    {
      std::unique_lock lock(read_mutex_);
      read_work_.wait(lock, [this] { return read_stopping_ || !reads_.empty(); });
      if (reads_.empty()) return;
      task = std::move(reads_.front());
      reads_.pop_front();
    }
    ++stats_.reads;
    try {
      task(reader);
    } catch (const std::exception& e) {
      log_event(LogLevel::error, "app.read.threw",
                {{"community", options_.slug}, {"what", e.what()}});
    }
  }
}

bool CommunityRuntime::read(sync::Actor actor, std::function<void(sync::ReadContext&)> read) {
  return queue_read([this, actor = std::move(actor), read = std::move(read)](Reader& reader) {
    sync::ReaderContext context(*reader.store, reader.rows, actor, options_.clock->now());
    read(context);
  });
}

bool CommunityRuntime::with_reader(std::function<void(sync::StoreReader&)> task) {
  return queue_read([task = std::move(task)](Reader& reader) { task(*reader.store); });
}

bool CommunityRuntime::read_chunk(sync::AskChunk ask,
                                  std::function<void(Result<sync::SharedChunk>)> done) {
  sync::SharedChunk page;
  sync::ChunkCache::Found found{};
  {
    const std::lock_guard lock(cache_mutex_);
    found = cache_.find(ask, options_.clock->mono(), done, page);
    stats_.page_hits = cache_.hits();
    stats_.page_misses = cache_.misses();
  }
  if (found == sync::ChunkCache::Found::hit) done(page);
  if (found != sync::ChunkCache::Found::miss) return true;
  if (queue_read([this, ask](Reader& reader) { page_read(reader, ask); })) return true;
  // Others may have joined in the meantime; they and this one hear the same.
  sync::ChunkCache::Finished finished;
  {
    const std::lock_guard lock(cache_mutex_);
    finished = cache_.finish(ask, fail(Errc::unavailable, "reader queue"), options_.clock->mono());
  }
  for (auto& waiter : finished.served) waiter.done(fail(Errc::unavailable, "reader queue"));
  return true;
}

void CommunityRuntime::page_read(Reader& reader, const sync::AskChunk& ask) {
  const auto page = sync::read_chunk(*reader.store, ask);
  sync::ChunkCache::Finished finished;
  {
    const std::lock_guard lock(cache_mutex_);
    finished = cache_.finish(ask, page, options_.clock->mono());
  }
  for (auto& waiter : finished.served) waiter.done(page);
  for (auto& waiter : finished.again) read_chunk(waiter.ask, std::move(waiter.done));
}

bool CommunityRuntime::read_results(
    sync::AskResults ask, std::function<void(Result<std::vector<sync::StoredResult>>)> done) {
  return queue_read([ask, done = std::move(done)](Reader& reader) {
    std::vector<sync::StoredResult> all;
    for (const auto lane : {sync::UpLane::alert, sync::UpLane::interactive, sync::UpLane::bulk}) {
      std::uint64_t after = ask.after[sync::index(lane)];
      while (after < ask.upto[sync::index(lane)]) {
        auto some = reader.store->results(ask.cid, lane, after, kResultsPerRead);
        if (!some) return done(std::unexpected(some.error()));
        if (some->empty()) break;
        after = some->back().n;
        std::ranges::move(*some, std::back_inserter(all));
      }
    }
    done(std::move(all));
  });
}

}  // namespace linli::app
