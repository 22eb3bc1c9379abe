// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/mutation.h"

#include <algorithm>

#include "base/assert.h"
#include "base/crypto.h"
#include "sync/model/row.h"

namespace linli::sync {
namespace {

template <class Key>
bool starts_with(const Key& value, std::string_view prefix) {
  return std::string_view(value).starts_with(prefix);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> index_values(const TableDef& table,
                                                              std::string_view key,
                                                              const Json* json) {
  std::vector<std::pair<std::string, std::string>> out;
  if (json == nullptr) return out;
  for (const IndexDef& index : table.indexes)
    for (std::string& value : index.values(key, *json))
      out.emplace_back(table.name + "." + index.name, std::move(value));
  return out;
}

const RowState& Mutation::visible(const RowKey& key) {
  if (auto it = own_.rows.find(key); it != own_.rows.end()) return it->second;
  if (auto it = where_.batch.rows.find(key); it != where_.batch.rows.end()) return it->second;
  return where_.base.row(key);
}

std::shared_ptr<const Json> Mutation::get(std::string_view tbl, std::string_view key) {
  return visible(RowKey{std::string(tbl), std::string(key)}).json;
}

std::vector<QuarantineWrite> Mutation::quarantine(std::size_t limit) {
  auto found = where_.base.store().quarantine(limit);
  if (!found) throw StoreFailure{found.error()};
  return std::move(*found);
}

std::vector<IndexHit> Mutation::scan(std::string_view index, std::string_view prefix,
                                     const std::optional<IndexHit>& after, std::size_t limit) {
  // Merge: changes of this mutation over those of the batch over the store.
  std::map<std::pair<std::string, std::string>, bool> delta;
  for (const Overlay* layer : layers())
    if (auto it = layer->indexes.find(index); it != layer->indexes.end())
      for (const auto& [hit, present] : it->second)
        if (starts_with(hit.first, prefix)) delta[hit] = present;
  const std::size_t removed = static_cast<std::size_t>(
      std::ranges::count_if(delta, [](const auto& d) { return !d.second; }));
  auto stored = where_.base.store().scan(index, prefix, after, limit + removed);
  if (!stored) throw StoreFailure{stored.error()};
  std::map<std::pair<std::string, std::string>, bool> merged;
  for (IndexHit& hit : *stored) merged[{std::move(hit.value), std::move(hit.key)}] = true;
  // Beyond the last stored hit of a full page the store has more: additions there come later.
  const bool full = stored->size() == limit + removed && !merged.empty();
  const auto last = full ? merged.rbegin()->first : std::pair<std::string, std::string>{};
  for (const auto& [hit, present] : delta) {
    if (after && hit <= std::pair(after->value, after->key)) continue;
    if (full && hit > last) continue;
    merged[hit] = present;
  }
  std::vector<IndexHit> out;
  for (const auto& [hit, present] : merged) {
    if (!present) continue;
    if (out.size() == limit) break;
    out.push_back({hit.first, hit.second});
  }
  return out;
}

std::vector<std::pair<std::string, std::shared_ptr<const Json>>> Mutation::table(
    std::string_view tbl, std::string_view after, std::size_t limit) {
  std::map<std::string, std::shared_ptr<const Json>> delta;
  for (const Overlay* layer : layers()) {
    for (auto it = layer->rows.upper_bound(RowKey{std::string(tbl), std::string(after)});
         it != layer->rows.end() && it->first.tbl == tbl; ++it)
      delta[it->first.key] = it->second.json;
  }
  auto stored = where_.base.store().table(tbl, after, limit + delta.size());
  if (!stored) throw StoreFailure{stored.error()};
  const bool full = stored->size() == limit + delta.size() && !stored->empty();
  const std::string last = full ? stored->back().first : std::string{};
  std::map<std::string, std::shared_ptr<const Json>> merged;
  for (const auto& [key, row] : *stored)
    merged[key] = where_.base.row(RowKey{std::string(tbl), key}).json;
  for (auto& [key, json] : delta)
    if (!full || key <= last) merged[key] = json;
  std::vector<std::pair<std::string, std::shared_ptr<const Json>>> out;
  for (auto& [key, json] : merged) {
    if (json == nullptr) continue;
    if (out.size() == limit) break;
    out.emplace_back(key, json);
  }
  return out;
}

void Mutation::put(std::string_view tbl, std::string_view key, Json row) {
  const TableDef* def = where_.base.registry().table(tbl);
  LINLI_ASSERT(def != nullptr && is_row_key(key));
  RowState next;
  if (def->buckets) {
    for (const std::string& name : def->buckets(key, row)) next.buckets.push_back(bucket_id(name));
    std::ranges::sort(next.buckets);
    next.buckets.erase(std::ranges::unique(next.buckets).begin(), next.buckets.end());
    if (next.buckets.size() > limits::kRowBucketsMax) throw MutationLimit{"buckets of one row"};
  }
  for (const std::string& member : def->place_only) row.erase(member);
  next.data = std::make_shared<const std::string>(dump_json(row));
  if (next.data->size() > limits::kRowBytesMax) throw MutationLimit{"row of table " + def->name};
  next.json = std::make_shared<const Json>(std::move(row));
  change(RowKey{std::string(tbl), std::string(key)}, std::move(next));
}

void Mutation::del(std::string_view tbl, std::string_view key) {
  LINLI_ASSERT(where_.base.registry().table(tbl) != nullptr);
  change(RowKey{std::string(tbl), std::string(key)}, RowState{});
}

void Mutation::change(const RowKey& key, RowState next) {
  const RowState& before = visible(key);
  const bool same_data =
      before.data == next.data || (before.data && next.data && *before.data == *next.data);
  if (same_data && before.buckets == next.buckets) return;
  const TableDef& table = *where_.base.registry().table(key.tbl);
  for (auto& [index, value] : index_values(table, key.key, before.json.get()))
    own_.indexes[index][{value, key.key}] = false;
  for (auto& [index, value] : index_values(table, key.key, next.json.get()))
    own_.indexes[index][{value, key.key}] = true;
  for (BucketId id : before.buckets) lanes_ |= std::uint8_t(1U << index(bucket_lane(id)));
  for (BucketId id : next.buckets) lanes_ |= std::uint8_t(1U << index(bucket_lane(id)));
  next.ver = where_.seq;
  own_.rows.insert_or_assign(key, std::move(next));
  if (own_.rows.size() > limits::kMutationRowsMax) throw MutationLimit{"rows of one mutation"};
}

BucketId Mutation::bucket_id(std::string_view name) const {
  if (auto it = where_.base.bucket_by_name.find(name); it != where_.base.bucket_by_name.end())
    return it->second;
  for (const Overlay* layer : layers())
    if (auto it = layer->new_buckets.find(name); it != layer->new_buckets.end())
      return it->second.first;
  assert_failed("the bucket was made by ensure_bucket", __FILE__, __LINE__);
}

Lane Mutation::bucket_lane(BucketId id) const {
  if (auto it = where_.base.buckets.find(id.raw()); it != where_.base.buckets.end())
    return it->second.spec.lane;
  for (const Overlay* layer : layers())
    for (const auto& [name, made] : layer->new_buckets)
      if (made.first == id) return made.second.lane;
  assert_failed("the bucket id is known", __FILE__, __LINE__);
}

void Mutation::ensure_bucket(const BucketSpec& spec) {
  if (where_.base.bucket_by_name.contains(spec.name)) return;
  if (where_.batch.new_buckets.contains(spec.name) || own_.new_buckets.contains(spec.name)) return;
  const auto id =
      where_.base.bucket_ids + where_.batch.new_buckets.size() + own_.new_buckets.size() + 1;
  own_.new_buckets.emplace(spec.name, std::pair(BucketId{static_cast<std::uint32_t>(id)}, spec));
}

bool Mutation::is_member(const AccountId& account, BucketId bucket) const {
  for (const Overlay* layer : {layers()[1], layers()[0]})
    for (auto it = layer->members.rbegin(); it != layer->members.rend(); ++it)
      if (it->account == account && it->bucket == bucket) return it->add;
  auto it = where_.base.members.find(account.raw());
  return it != where_.base.members.end() && it->second.contains(bucket);
}

std::vector<BucketId> Mutation::member_of(const AccountId& account) const {
  std::map<BucketId, bool> now;
  if (auto it = where_.base.members.find(account.raw()); it != where_.base.members.end())
    for (const auto& [bucket, granted] : it->second) now[bucket] = true;
  for (const Overlay* layer : layers())
    for (const MembershipChange& change : layer->members)
      if (change.account == account) now[change.bucket] = change.add;
  std::vector<BucketId> out;
  for (const auto& [bucket, in] : now)
    if (in) out.push_back(bucket);
  return out;
}

void Mutation::change_member(const AccountId& account, BucketId bucket, bool add) {
  if (is_member(account, bucket) == add) return;
  if (add && member_of(account).size() >= limits::kAccountBucketsMax)
    throw MutationLimit{"buckets of one account"};
  own_.members.push_back({account, bucket, where_.seq, add});
}

void Mutation::set_membership(const AccountId& account, std::span<const std::string> names) {
  std::set<BucketId> wanted;
  for (const std::string& name : names) wanted.insert(bucket_id(name));
  for (BucketId held : member_of(account))
    if (!wanted.contains(held)) change_member(account, held, false);
  for (BucketId bucket : wanted) change_member(account, bucket, true);
}

void Mutation::grant(const AccountId& account, std::string_view bucket) {
  change_member(account, bucket_id(bucket), true);
}

void Mutation::revoke(const AccountId& account, std::string_view bucket) {
  change_member(account, bucket_id(bucket), false);
}

void Mutation::outbox(std::string_view kind, const Json& data) {
  own_.outbox.push_back({0, std::string(kind), dump_json(data), to_unix_ms(where_.now)});
}

void Mutation::schedule(Instant at, std::string_view kind, std::string_view key) {
  LINLI_ASSERT(where_.base.registry().due(kind) != nullptr);
  own_.due[{std::string(kind), std::string(key)}] = to_unix_ms(at);
}

void Mutation::cancel(std::string_view kind, std::string_view key) {
  own_.due[{std::string(kind), std::string(key)}] = std::nullopt;
}

std::string Mutation::new_id() { return uuid_v7(to_unix_ms(where_.now), where_.rng); }

bool Mutation::changes_anything() const {
  return !own_.rows.empty() || !own_.new_buckets.empty() || !own_.members.empty() ||
         !own_.outbox.empty() || !own_.due.empty();
}

void Mutation::fold_into_batch() {
  Overlay& batch = where_.batch;
  for (auto& [key, state] : own_.rows) batch.rows.insert_or_assign(key, std::move(state));
  for (auto& [index, changes] : own_.indexes)
    for (auto& [hit, present] : changes) batch.indexes[index].insert_or_assign(hit, present);
  batch.new_buckets.merge(own_.new_buckets);
  std::ranges::move(own_.members, std::back_inserter(batch.members));
  std::ranges::move(own_.outbox, std::back_inserter(batch.outbox));
  for (auto& [key, at] : own_.due) batch.due.insert_or_assign(key, at);
}

}  // namespace linli::sync
