// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/chunk_cache.h"

#include <utility>

#include "base/limits.h"

namespace linli::sync {

Result<SharedChunk> read_chunk(StoreReader& reader, const AskChunk& ask) {
  // The first page of a fill starts from nothing: there is nothing to delete yet.
  const bool tombstones = ask.after.raw() > 0;
  LINLI_TRY(BucketChunk page, reader.chunk(ask.bucket, ask.after, tombstones, limits::kPageRowsMax,
                                           limits::kPageBytesMax));
  auto out = std::make_shared<EncodedChunk>();
  out->rows = page.ops.size();
  out->to = page.to;
  out->complete = page.complete;
  out->read_head = page.read_head;
  out->digest = page.digest;
  if (!page.ops.empty() || page.complete)
    out->frames = encode_bucket(ask.encoding, ask.bucket, page.to, page.ops,
                                page.complete ? &page.digest : nullptr, limits::kNormalPartBytes);
  for (const SharedFrame& frame : out->frames) out->bytes += frame->size();
  return SharedChunk(std::move(out));
}

ChunkCache::Found ChunkCache::find(const AskChunk& ask, MonoTime now, Done done,
                                   SharedChunk& chunk) {
  const Key key = key_of(ask);
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    const auto page = at->second;
    const bool fresh = page->chunk->complete || now - page->at < kPartialAge;
    if (fresh && serves(*page->chunk, ask)) {
      pages_.splice(pages_.begin(), pages_, page);
      chunk = page->chunk;
      ++hits_;
      return Found::hit;
    }
    drop(page);
  }
  const auto [at, first] = reading_.try_emplace(key);
  at->second.push_back({ask, std::move(done)});
  if (!first) {
    ++hits_;
    return Found::joined;
  }
  ++misses_;
  return Found::miss;
}

ChunkCache::Finished ChunkCache::finish(const AskChunk& ask, const Result<SharedChunk>& chunk,
                                        MonoTime now) {
  Finished out;
  const Key key = key_of(ask);
  auto waiting = reading_.extract(key);
  if (waiting.empty()) return out;
  for (Waiter& waiter : waiting.mapped()) {
    const bool served = !chunk || serves(**chunk, waiter.ask);
    (served ? out.served : out.again).push_back(std::move(waiter));
  }
  if (!chunk || (*chunk)->bytes > bytes_max_) return out;
  pages_.push_front({key, *chunk, now});
  by_key_[key] = pages_.begin();
  bytes_ += (*chunk)->bytes;
  while (bytes_ > bytes_max_) drop(std::prev(pages_.end()));
  return out;
}

void ChunkCache::drop(std::list<Page>::iterator page) {
  bytes_ -= page->chunk->bytes;
  by_key_.erase(page->key);
  pages_.erase(page);
}

void ChunkCache::clear() {
  pages_.clear();
  by_key_.clear();
  bytes_ = 0;
}

}  // namespace linli::sync
