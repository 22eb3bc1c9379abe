// SPDX-License-Identifier: Apache-2.0
// What:   durable mutations per second of SqliteStore, and rows per second of chunk().
// Shape:  one mutation = 1 row of 600 B (20,000 keys, chosen at random) in 2 of 400 buckets, the
//         device's number, a stored result, an outbox row.
// Unit:   compare the ratios, not the rates: each round alternates (a) a bare 4 KiB write +
//         fdatasync, (b) apply() of 1 mutation, (c) apply() of 256 mutations, so that a busy disk
//         or neighbour slows all three. `groups / bare` is mutations per bare sync.
// Usage:  store_bench [folder on the disk to measure] [rounds]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/rng.h"
#include "sync/store/sqlite/sqlite_store.h"
#include "tests/bench/support/process.h"

namespace linli::sync {
namespace {

using BenchClock = std::chrono::steady_clock;

constexpr std::uint64_t kKeys = 20'000;
constexpr std::uint64_t kBuckets = 400;
constexpr std::uint64_t kDevices = 5'000;
constexpr std::size_t kRowBytes = 600;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  bench::die(result.error().detail);
}
void must(Result<void> result) {
  if (result) return;
  bench::die(result.error().detail);
}

double seconds_since(BenchClock::time_point start) {
  return std::chrono::duration<double>(BenchClock::now() - start).count();
}

Id128 id_of(std::uint64_t n) {
  Id128 id;
  // Spread like a hash, as real client ids are.
  SeededRng{n}.fill(id.bytes);
  return id;
}

/// Makes batches of the shape above and keeps what the engine would keep in memory.
class Load {
 public:
  Load() : rng_(1) {
    for (std::uint64_t b = 0; b < kBuckets; ++b)
      buckets_.push_back({.id = BucketId{static_cast<std::uint32_t>(b + 1)},
                          .spec = {.name = "area:" + std::to_string(b)},
                          .head = {},
                          .reset_seq = {},
                          .floor = {},
                          .digest = {}});
  }

  WriteBatch next(std::size_t mutations) {
    WriteBatch batch;
    batch.from = Seq{head_};
    batch.at = 1'800'000'000'000 + static_cast<std::int64_t>(head_);
    if (head_ == 0) batch.buckets = buckets_;
    touched_.clear();
    for (std::size_t i = 0; i < mutations; ++i) add_mutation(batch);
    // The new state of each touched bucket once, as the engine writes it.
    for (const std::uint64_t b : touched_) batch.buckets.push_back(buckets_[b]);
    batch.to = Seq{head_};
    return batch;
  }

 private:
  void add_mutation(WriteBatch& batch) {
    const Seq seq{++head_};
    const std::uint64_t k = rng_.below(kKeys);
    const RowKey row{"task", id_of(k + (1ULL << 40)).hex()};
    auto text = std::make_shared<std::string>("{\"state\":\"done\",\"n\":" + std::to_string(head_));
    text->resize(kRowBytes - 1, ' ');
    text->push_back('}');
    batch.rows.push_back({row, seq, std::move(text)});
    for (const std::uint64_t b : {k % kBuckets, (k / kBuckets) % (kBuckets - 1)}) {
      const std::uint64_t at = b == k % kBuckets ? b : (b + 1) % kBuckets;
      BucketInfo& bucket = buckets_[at];
      batch.entries.push_back({bucket.id, row, seq, true});
      bucket.head = seq;
      bucket.digest.s += head_;
      touched_.insert(at);
    }
    const Cid cid{id_of(rng_.below(kDevices))};
    batch.clients.push_back({cid, {0, head_, 0}});
    batch.results.push_back({.cid = cid,
                             .lane = UpLane::interactive,
                             .n = head_,
                             .mhash = id_of(head_),
                             .status = MutationStatus::ok,
                             .seq = seq,
                             .lanes = 2,
                             .code = {},
                             .msg = {},
                             .info = {},
                             .at = batch.at});
    batch.outbox.push_back({head_, "person_acked", "{\"row\":\"" + row.key + "\"}", batch.at});
  }

  SeededRng rng_;
  std::uint64_t head_ = 0;
  std::vector<BucketInfo> buckets_;
  std::set<std::uint64_t> touched_;
};

struct Samples {
  std::vector<double> seconds;

  [[nodiscard]] double rate(double each) const {
    double sum = 0;
    for (const double s : seconds) sum += s;
    return each * static_cast<double>(seconds.size()) / sum;
  }
  [[nodiscard]] double at(double quantile) {
    std::sort(seconds.begin(), seconds.end());
    return 1e3 * seconds[static_cast<std::size_t>(quantile * double(seconds.size() - 1))];
  }
};

void report(const char* what, Samples samples, double each) {
  std::printf("%-28s %10.0f /s   p50 %7.3f ms  p99 %7.3f ms  max %7.3f ms\n", what,
              samples.rate(each), samples.at(0.5), samples.at(0.99), samples.at(1));
}

void bench_writes(const std::string& folder, int rounds) {
  auto store = must(SqliteStore::open({.path = folder + "/write.db"}));
  Load load;
  const int bare = ::open((folder + "/bare").c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  const std::string page(4096, 'x');
  Samples syncs, singles, groups;
  const auto timed = [](Samples& into, auto&& fn) {
    const auto start = BenchClock::now();
    fn();
    into.seconds.push_back(seconds_since(start));
  };
  for (int i = 0; i < 80; ++i) must(store->apply(load.next(256)));  // fill the tables
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 20; ++i)
      timed(syncs, [&] {
        if (::write(bare, page.data(), page.size()) < 0 || ::fdatasync(bare) != 0) std::abort();
      });
    for (int i = 0; i < 20; ++i) {
      const WriteBatch batch = load.next(1);
      timed(singles, [&] { must(store->apply(batch)); });
    }
    for (int i = 0; i < 4; ++i) {
      const WriteBatch batch = load.next(256);
      timed(groups, [&] { must(store->apply(batch)); });
    }
  }
  ::close(bare);
  report("bare write+fdatasync 4 KiB", syncs, 1);
  report("apply, 1 mutation", singles, 1);
  report("apply, 256 mutations", groups, 256);
  std::printf("ratio: single / bare %.2f, groups / bare %.1f, groups / single %.1f\n",
              singles.rate(1) / syncs.rate(1), groups.rate(256) / syncs.rate(1),
              groups.rate(256) / singles.rate(1));
}

void bench_chunks(const std::string& folder) {
  constexpr std::size_t kRows = 10'000;
  auto store = must(SqliteStore::open({.path = folder + "/read.db"}));
  WriteBatch batch;
  batch.to = Seq{kRows};
  batch.buckets.push_back({.id = BucketId{1},
                           .spec = {.name = "b"},
                           .head = batch.to,
                           .reset_seq = {},
                           .floor = {},
                           .digest = {}});
  for (std::uint64_t i = 1; i <= kRows; ++i) {
    const RowKey row{"task", id_of(i).hex()};
    batch.rows.push_back({row, Seq{i}, std::make_shared<std::string>(kRowBytes, 'x')});
    batch.entries.push_back({BucketId{1}, row, Seq{i}, true});
  }
  must(store->apply(batch));
  auto reader = must(store->make_reader());
  for (const std::size_t page : {std::size_t{50}, std::size_t{500}, kRows}) {
    Samples fills;
    for (int i = 0; i < 30; ++i) {
      const auto start = BenchClock::now();
      Seq after;
      for (bool complete = false; !complete;) {
        const BucketChunk chunk = must(reader->chunk(BucketId{1}, after, true, page, 64 << 20));
        after = chunk.to;
        complete = chunk.complete;
      }
      fills.seconds.push_back(seconds_since(start));
    }
    const std::string what = "chunk, pages of " + std::to_string(page) + ", rows";
    report(what.c_str(), fills, kRows);
  }
}

}  // namespace
}  // namespace linli::sync

int main(int argc, char** argv) {
  const std::string base = argc > 1 ? argv[1] : ".";
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 50;
  const std::string folder = base + "/store_bench." + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  linli::sync::bench_writes(folder, rounds);
  linli::sync::bench_chunks(folder);
  std::filesystem::remove_all(folder);
}
