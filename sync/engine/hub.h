// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "sync/engine/server_session.h"

namespace linli::sync {

/// The sessions of one community on one shard: hands each commit to exactly those it concerns.
/// Threads: owned by one shard.
class Hub {
 public:
  explicit Hub(const StoreState& state) : view_(state) {}
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  [[nodiscard]] const CommunityView& view() const { return view_; }

  /// Starts routing to a session that became live; a second one of the same device replaces (and
  /// closes) the first.
  void attach(ServerSession& session);
  void detach(ServerSession& session);
  /// Call after anything that may have changed session.bucket_ids() outside of a commit.
  void on_commit(const SharedCommit& commit);
  /// Sessions that may have output or asks since the last call. Valid until the next call.
  std::vector<ServerSession*> take_dirty();
  [[nodiscard]] std::size_t sessions() const { return by_cid_.size(); }
  /// The session of a device, or null.
  [[nodiscard]] ServerSession* find(const Cid& cid) const;
  void for_each(const std::function<void(ServerSession&)>& visit) const;

 private:
  void mark(ServerSession& session);
  void subscribe(ServerSession& session, BucketId bucket);
  void unsubscribe(ServerSession& session, BucketId bucket);
  void route_membership(const Commit& commit);

  CommunityView view_;
  std::unordered_map<std::uint32_t, std::vector<ServerSession*>> by_bucket_;
  std::unordered_map<Id128, ServerSession*> by_cid_;
  std::unordered_map<Id128, std::vector<ServerSession*>> by_account_;
  std::vector<ServerSession*> dirty_;
};

}  // namespace linli::sync
