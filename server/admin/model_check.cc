// SPDX-License-Identifier: Apache-2.0
#include "server/admin/model_check.h"

#include <algorithm>
#include <map>
#include <set>

namespace linli::admin {
namespace {

constexpr std::size_t kCheckPageRows = 1000;

class ModelCheck {
 public:
  ModelCheck(const sync::Registry& registry, sync::StoreReader& reader, std::size_t findings_max)
      : registry_(registry), reader_(reader), findings_max_(findings_max) {}

  void know(const std::vector<sync::BucketInfo>& buckets) {
    for (const sync::BucketInfo& bucket : buckets) names_[bucket.spec.name] = bucket.id;
  }

  Result<std::vector<ModelFinding>> run() {
    for (const auto& [name, def] : registry_.tables()) {
      LINLI_CHECK(check_table(def));
      for (const sync::IndexDef& index : def.indexes) LINLI_CHECK(check_index(def, index));
    }
    return std::move(findings_);
  }

 private:
  void find(const char* what, const std::string& tbl, const std::string& key, std::string detail) {
    if (findings_.size() < findings_max_) findings_.push_back({what, tbl, key, std::move(detail)});
  }

  Result<void> check_table(const sync::TableDef& def) {
    std::string after;
    for (;;) {
      LINLI_TRY(const auto rows, reader_.table(def.name, after, kCheckPageRows));
      for (const auto& [key, stored] : rows) {
        LINLI_CHECK(check_row(def, key, stored));
        after = key;
      }
      if (rows.size() < kCheckPageRows) return {};
    }
  }

  Result<void> check_row(const sync::TableDef& def, const std::string& key,
                         const sync::StoredRow& stored) {
    const auto row = parse_json(*stored.data, limits::kRowBytesMax);
    if (!row) {
      find("unreadable", def.name, key, row.error().detail);
      return {};
    }
    for (const auto& [member, target] : def.references) {
      const std::string to = json_text(*row, member);
      if (to.empty()) continue;
      LINLI_TRY(const auto there, reader_.row({target, to}));
      if (!there) find("reference", def.name, key, member + " names no row of " + target);
    }
    for (const sync::IndexDef& index : def.indexes)
      for (const std::string& value : index.values(key, *row))
        LINLI_CHECK(check_hit(def, index, key, value));
    check_placement(def, key, *row, stored);
    return {};
  }

  Result<void> check_hit(const sync::TableDef& def, const sync::IndexDef& index,
                         const std::string& key, const std::string& value) {
    const std::string name = def.name + "." + index.name;
    // Just before (value, key) in index order, so that one hit is enough however many rows share
    // the value: no key goes on with bytes of 255, which UTF-8 does not have.
    std::optional<sync::IndexHit> before;
    if (!key.empty()) {
      before = sync::IndexHit{value, key};
      --before->key.back();
      before->key += "\xff\xff";
    }
    LINLI_TRY(const auto hits, reader_.scan(name, value, before, 1));
    const bool found = !hits.empty() && hits.front().value == value && hits.front().key == key;
    if (!found) find("index_missing", def.name, key, name);
    return {};
  }

  Result<void> check_index(const sync::TableDef& def, const sync::IndexDef& index) {
    const std::string name = def.name + "." + index.name;
    std::optional<sync::IndexHit> after;
    for (;;) {
      LINLI_TRY(const auto hits, reader_.scan(name, "", after, kCheckPageRows));
      for (const sync::IndexHit& hit : hits) {
        LINLI_TRY(const auto stored, reader_.row({def.name, hit.key}));
        const auto row = stored ? parse_json(*stored->data, limits::kRowBytesMax)
                                : Result<Json>(fail(Errc::not_found));
        const auto values = row ? index.values(hit.key, *row) : std::vector<std::string>{};
        if (std::ranges::find(values, hit.value) == values.end())
          find("index_orphan", def.name, hit.key, name);
      }
      if (hits.size() < kCheckPageRows) return {};
      after = hits.back();
    }
  }

  void check_placement(const sync::TableDef& def, const std::string& key, const Json& row,
                       const sync::StoredRow& stored) {
    // What placed such a row is not kept with it.
    if (!def.place_only.empty()) return;
    std::set<sync::BucketId> want;
    if (def.buckets) {
      for (const std::string& name : def.buckets(key, row)) {
        const auto known = names_.find(name);
        if (known == names_.end()) return find("placement", def.name, key, "a bucket is missing");
        want.insert(known->second);
      }
    }
    const std::set<sync::BucketId> has(stored.buckets.begin(), stored.buckets.end());
    if (want != has) find("placement", def.name, key, "the row is in other buckets");
  }

  const sync::Registry& registry_;
  sync::StoreReader& reader_;
  const std::size_t findings_max_;
  std::map<std::string, sync::BucketId, std::less<>> names_;
  std::vector<ModelFinding> findings_;
};

}  // namespace

Result<std::vector<ModelFinding>> check_model(const sync::Registry& registry,
                                              sync::StoreReader& reader,
                                              const std::vector<sync::BucketInfo>& buckets,
                                              std::size_t findings_max) {
  ModelCheck check(registry, reader, findings_max);
  check.know(buckets);
  return check.run();
}

}  // namespace linli::admin
