// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/view.h"

#include <algorithm>

#include "base/assert.h"

namespace linli::sync {

CommunityView::CommunityView(const StoreState& state) : head_(state.head), epoch_(state.epoch) {
  for (const BucketInfo& info : state.buckets) buckets_.emplace(info.id.raw(), info);
  for (const Member& m : state.members) members_[m.account.raw()].emplace_back(m.bucket, m.granted);
  for (auto& [account, list] : members_) std::ranges::sort(list);
  for (const ClientWrite& c : state.clients) clients_.emplace(c.cid.raw(), c.last_n);
}

void CommunityView::apply(const Commit& commit) {
  for (const BucketInfo& info : commit.new_buckets) buckets_.insert_or_assign(info.id.raw(), info);
  for (const BucketDelta& delta : commit.deltas)
    buckets_.insert_or_assign(delta.info.id.raw(), delta.info);
  for (const MembershipChange& change : commit.members) {
    auto& list = members_[change.account.raw()];
    auto at = std::ranges::lower_bound(list, change.bucket, {}, &std::pair<BucketId, Seq>::first);
    const bool present = at != list.end() && at->first == change.bucket;
    if (change.add && present) {
      at->second = change.at;
    } else if (change.add) {
      list.insert(at, {change.bucket, change.at});
    } else if (present) {
      list.erase(at);
    }
    if (list.empty()) members_.erase(change.account.raw());
  }
  for (const ClientWrite& c : commit.clients) clients_.insert_or_assign(c.cid.raw(), c.last_n);
  LINLI_ASSERT(commit.to >= head_);
  head_ = commit.to;
}

const BucketInfo& CommunityView::bucket(BucketId id) const {
  auto it = buckets_.find(id.raw());
  LINLI_ASSERT(it != buckets_.end());
  return it->second;
}

BucketGrant CommunityView::make_grant(BucketId id, Seq granted) const {
  const BucketInfo& info = bucket(id);
  return {.b = id,
          .gen = std::max(granted, info.reset_seq),
          .lane = info.spec.lane,
          .pri = info.spec.pri,
          .cls = info.spec.cls};
}

std::vector<BucketGrant> CommunityView::grants(const AccountId& account) const {
  std::vector<BucketGrant> out;
  if (auto it = members_.find(account.raw()); it != members_.end()) {
    out.reserve(it->second.size());
    for (const auto& [id, granted] : it->second) out.push_back(make_grant(id, granted));
  }
  return out;
}

std::optional<BucketGrant> CommunityView::grant(const AccountId& account, BucketId bucket) const {
  auto it = members_.find(account.raw());
  if (it == members_.end()) return std::nullopt;
  auto at = std::ranges::lower_bound(it->second, bucket, {}, &std::pair<BucketId, Seq>::first);
  if (at == it->second.end() || at->first != bucket) return std::nullopt;
  return make_grant(bucket, at->second);
}

UpNumbers CommunityView::last_n(const Cid& cid) const {
  auto it = clients_.find(cid.raw());
  return it == clients_.end() ? UpNumbers{} : it->second;
}

}  // namespace linli::sync
