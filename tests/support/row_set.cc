// SPDX-License-Identifier: Apache-2.0
#include "tests/support/row_set.h"

namespace linli::test {
namespace {

constexpr std::size_t kPage = 1000;

}  // namespace

RowSet::RowSet(const sync::Registry& registry, sync::StoreReader& from, Instant now)
    : registry_(registry), now_(now) {
  for (const auto& [tbl, def] : registry.tables()) {
    std::string after;
    for (;;) {
      const auto page = from.table(tbl, after, kPage).value();
      for (const auto& [key, row] : page) put(tbl, after = key, Json::parse(*row.data));
      if (page.size() < kPage) break;
    }
  }
}

void RowSet::index_row(const std::string& tbl, const std::string& key, const Json& row,
                       bool present) {
  for (const sync::IndexDef& index : registry_.table(tbl)->indexes)
    for (const std::string& value : index.values(key, row)) {
      auto& hits = indexes_[tbl + "." + index.name];
      if (present)
        hits.emplace(value, key);
      else
        hits.erase({value, key});
    }
}

void RowSet::put(const std::string& tbl, const std::string& key, Json row) {
  del(tbl, key);
  index_row(tbl, key, row, true);
  tables_[tbl][key] = std::make_shared<const Json>(std::move(row));
}

void RowSet::del(const std::string& tbl, const std::string& key) {
  auto& rows = tables_[tbl];
  const auto found = rows.find(key);
  if (found == rows.end()) return;
  index_row(tbl, key, *found->second, false);
  rows.erase(found);
}

const std::map<std::string, std::shared_ptr<const Json>>& RowSet::rows(const std::string& tbl) {
  return tables_[tbl];
}

std::shared_ptr<const Json> RowSet::get(std::string_view tbl, std::string_view key) {
  const auto rows = tables_.find(tbl);
  if (rows == tables_.end()) return nullptr;
  const auto found = rows->second.find(std::string(key));
  return found == rows->second.end() ? nullptr : found->second;
}

std::vector<sync::IndexHit> RowSet::scan(std::string_view index, std::string_view prefix,
                                         const std::optional<sync::IndexHit>& after,
                                         std::size_t limit) {
  std::vector<sync::IndexHit> out;
  const auto found = indexes_.find(index);
  if (found == indexes_.end()) return out;
  auto hit = found->second.lower_bound({std::string(prefix), ""});
  const std::pair last{after ? after->value : "", after ? after->key : ""};
  if (after)
    hit = std::max(hit == found->second.end() ? last : *hit, last) == last
              ? found->second.upper_bound(last)
              : hit;
  for (; hit != found->second.end() && hit->first.starts_with(prefix) && out.size() < limit; ++hit)
    out.push_back({hit->first, hit->second});
  return out;
}

std::vector<std::pair<std::string, std::shared_ptr<const Json>>> RowSet::table(
    std::string_view tbl, std::string_view after, std::size_t limit) {
  std::vector<std::pair<std::string, std::shared_ptr<const Json>>> out;
  const auto rows = tables_.find(tbl);
  if (rows == tables_.end()) return out;
  for (auto row = rows->second.upper_bound(std::string(after));
       row != rows->second.end() && out.size() < limit; ++row)
    out.emplace_back(row->first, row->second);
  return out;
}

}  // namespace linli::test
