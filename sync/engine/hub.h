// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "sync/engine/server_session.h"

namespace linli::sync {

/// Phones that left before what they may push had grown back, remembered per shard and community.
inline constexpr std::size_t kPushBudgetsMax = 4096;

/// The sessions of one community on one shard: hands each commit to exactly those it concerns.
/// Threads: owned by one shard.
class Hub {
 public:
  explicit Hub(const StoreState& state) : view_(state) {}
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  [[nodiscard]] const CommunityView& view() const { return view_; }

  /// Call after every call into a session that did not come from on_commit(): starts routing to it
  /// once it is signed in (an older session of the same device is closed) and marks it dirty.
  void changed(ServerSession& session);
  /// Call before a session is destroyed.
  void detach(ServerSession& session);
  void on_commit(const SharedCommit& commit);
  /// Sessions that may have output or asks since the last call. Valid until the next call.
  std::vector<ServerSession*> take_dirty();
  [[nodiscard]] std::size_t sessions() const { return by_cid_.size(); }
  /// The session of a device, or null.
  [[nodiscard]] ServerSession* find(const Cid& cid) const;
  void for_each(const std::function<void(ServerSession&)>& visit) const;

 private:
  void attach(ServerSession& session);
  void keep_budget(const ServerSession& session);
  void mark(ServerSession& session);
  void unsubscribe(ServerSession& session, BucketId bucket);
  void route_membership(const Commit& commit);
  void route_results(const Commit& commit);
  void reload(const StoreState& state);
  void finish_commit(const Commit& commit);

  CommunityView view_;
  std::unordered_map<std::uint32_t, std::vector<ServerSession*>> by_bucket_;
  std::unordered_map<Id128, ServerSession*> by_cid_;
  std::unordered_map<Id128, std::vector<ServerSession*>> by_account_;
  /// What devices that left had pushed: coming back does not give a phone a new burst.
  std::unordered_map<Id128, TokenBucket> budgets_;
  std::vector<ServerSession*> dirty_;
  /// Sessions whose page is ahead of this shard.
  std::vector<ServerSession*> waiting_;
  /// Sessions the running commit concerns.
  std::vector<ServerSession*> touched_;
};

}  // namespace linli::sync
