// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/reader_context.h"

#include <algorithm>

namespace linli::sync {
namespace {

template <class T>
T taken(Result<T> result) {
  if (!result) throw ReadFailure(std::move(result).error());
  return std::move(*result);
}

}  // namespace

std::shared_ptr<const Json> RowCache::parse(const RowKey& key, const StoredRow& row) {
  if (const auto known = rows_.find(key); known != rows_.end() && known->second.ver == row.ver)
    return known->second.json;
  auto json = parse_json(*row.data, limits::kRowBytesMax, limits::kDepthMax);
  if (!json) throw ReadFailure({Errc::corrupt, "row " + key.tbl + " does not parse"});
  ++parses_;
  if (rows_.size() >= kRowsMax) rows_.clear();
  auto shared = std::make_shared<const Json>(std::move(*json));
  rows_[key] = {row.ver, shared};
  return shared;
}

std::shared_ptr<const Json> ReaderContext::get(std::string_view tbl, std::string_view key) {
  const RowKey row{std::string(tbl), std::string(key)};
  const auto stored = taken(reader_.row(row));
  return stored && stored->data ? cache_.parse(row, *stored) : nullptr;
}

std::vector<IndexHit> ReaderContext::scan(std::string_view index, std::string_view prefix,
                                          const std::optional<IndexHit>& after, std::size_t limit) {
  return taken(reader_.scan(index, prefix, after, limit));
}

std::vector<std::pair<std::string, std::shared_ptr<const Json>>> ReaderContext::table(
    std::string_view tbl, std::string_view after, std::size_t limit) {
  std::vector<std::pair<std::string, std::shared_ptr<const Json>>> out;
  for (auto& [key, row] : taken(reader_.table(tbl, after, limit))) {
    if (!row.data) continue;
    auto json = cache_.parse({std::string(tbl), key}, row);
    out.emplace_back(std::move(key), std::move(json));
  }
  return out;
}

bool ReaderContext::holds(std::string_view tbl, std::string_view key) {
  const auto stored = taken(reader_.row({std::string(tbl), std::string(key)}));
  return stored && std::ranges::any_of(stored->buckets, [this](BucketId bucket) {
           return taken(reader_.is_member(actor_.account, bucket));
         });
}

std::optional<DeviceCursor> ReaderContext::contact(const Cid& cid) {
  return taken(reader_.cursor(cid));
}

std::vector<QuarantineWrite> ReaderContext::quarantine(std::size_t limit) {
  return taken(reader_.quarantine(limit));
}

}  // namespace linli::sync
