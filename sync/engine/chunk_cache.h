// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sync/engine/server_session.h"

namespace linli::sync {

/// Reads and encodes the page that `ask` wants, in one short read transaction.
Result<SharedChunk> read_chunk(StoreReader& reader, const AskChunk& ask);

/// Encoded pages shared by every phone that needs the same one: a restart brings thousands that all
/// start at the same cursor. Knows no threads; bounded in bytes, least recently used goes first.
///
/// A page that does not reach the bucket's head stays exact for whoever reads on from its end, but
/// repeats rows that have moved since; it is forgotten after kPartialAge.
class ChunkCache {
 public:
  using Done = std::function<void(Result<SharedChunk>)>;
  static constexpr Millis kPartialAge{30'000};

  explicit ChunkCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  enum class Found {
    /// `chunk` holds the page; `done` was not kept.
    hit,
    /// Somebody reads it already; `done` will be among those of finish().
    joined,
    /// The caller reads it and calls finish().
    miss
  };
  Found find(const AskChunk& ask, MonoTime now, Done done, SharedChunk& chunk);

  struct Waiter {
    AskChunk ask;
    Done done;
  };
  /// Who waited for the page read for `ask`, with who began after a commit that it does not have
  /// left out of `served` and put in `again`: the caller looks those up once more.
  struct Finished {
    std::vector<Waiter> served;
    std::vector<Waiter> again;
  };
  Finished finish(const AskChunk& ask, const Result<SharedChunk>& chunk, MonoTime now);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }
  /// Forgets every page; reads under way stay.
  void clear();

 private:
  using Key = std::tuple<BucketId, Seq, Encoding>;
  struct Page {
    Key key;
    SharedChunk chunk;
    MonoTime at;
  };
  static Key key_of(const AskChunk& ask) { return {ask.bucket, ask.after, ask.encoding}; }
  static bool serves(const EncodedChunk& chunk, const AskChunk& ask) {
    return !chunk.complete || chunk.to >= ask.want;
  }
  void drop(std::list<Page>::iterator page);

  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  /// Most recently used first.
  std::list<Page> pages_;
  std::map<Key, std::list<Page>::iterator> by_key_;
  std::map<Key, std::vector<Waiter>> reading_;
};

}  // namespace linli::sync
