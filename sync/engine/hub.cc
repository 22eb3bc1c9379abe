// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/hub.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/assert.h"

namespace linli::sync {

void Hub::mark(ServerSession& session) {
  if (session.dirty_) return;
  session.dirty_ = true;
  dirty_.push_back(&session);
}

void Hub::changed(ServerSession& session) {
  if (!session.attached_ && session.principal() != nullptr &&
      session.state() != ServerSession::State::closed)
    attach(session);
  if (session.attached_ && session.waits_for_commit() &&
      std::ranges::find(waiting_, &session) == waiting_.end())
    waiting_.push_back(&session);
  mark(session);
}

void Hub::attach(ServerSession& session) {
  session.attached_ = true;
  const Principal& who = *session.principal();
  ServerSession*& slot = by_cid_[who.cid.raw()];
  ServerSession* older = slot;
  slot = &session;
  if (older != nullptr) {
    session.pushes_ = older->pushes_;
    older->close(Errc::conflict, "the same device opened another connection");
    mark(*older);
  } else if (auto kept = budgets_.extract(who.cid.raw()); !kept.empty()) {
    session.pushes_ = kept.mapped();
  }
  // Who only hands over hears of no membership and no row.
  if (session.is_handing_over()) return;
  by_account_[who.account.raw()].push_back(&session);
  for (BucketId id : session.bucket_ids()) by_bucket_[id.raw()].push_back(&session);
}

void Hub::unsubscribe(ServerSession& session, BucketId bucket) {
  auto it = by_bucket_.find(bucket.raw());
  if (it == by_bucket_.end()) return;
  auto& list = it->second;
  if (auto at = std::ranges::find(list, &session); at != list.end()) {
    *at = list.back();
    list.pop_back();
  }
  if (list.empty()) by_bucket_.erase(it);
}

void Hub::detach(ServerSession& session) {
  std::erase(dirty_, &session);
  std::erase(waiting_, &session);
  if (!session.attached_) return;
  const Principal who = *session.principal();
  session.attached_ = false;
  if (auto it = by_cid_.find(who.cid.raw()); it != by_cid_.end() && it->second == &session) {
    by_cid_.erase(it);
    keep_budget(session);
  }
  if (auto it = by_account_.find(who.account.raw()); it != by_account_.end()) {
    std::erase(it->second, &session);
    if (it->second.empty()) by_account_.erase(it);
  }
  for (BucketId id : session.bucket_ids()) unsubscribe(session, id);
}

void Hub::keep_budget(const ServerSession& session) {
  const MonoTime now = session.last_heard_;
  if (session.pushes_.is_full(now)) return;
  if (budgets_.size() >= kPushBudgetsMax) {
    std::erase_if(budgets_, [&](const auto& kept) { return kept.second.is_full(now); });
    if (budgets_.size() >= kPushBudgetsMax) budgets_.erase(budgets_.begin());
  }
  budgets_.insert_or_assign(session.principal_.cid.raw(), session.pushes_);
}

void Hub::route_membership(const Commit& commit) {
  std::map<AccountId, std::set<BucketId>> changed;
  for (const MembershipChange& c : commit.members)
    if (by_account_.contains(c.account.raw())) changed[c.account].insert(c.bucket);
  for (const auto& [account, buckets] : changed) {
    for (ServerSession* session : by_account_.at(account.raw())) {
      FrameM m{.at = commit.to, .drop = {}, .add = {}};
      for (BucketId id : buckets) {
        const std::optional<Seq> held = session->held_gen(id);
        const std::optional<BucketGrant> now = view_.grant(account, id);
        if (held && now && now->gen == *held) continue;
        if (held) m.drop.push_back(id), unsubscribe(*session, id);
        if (now) m.add.push_back(*now), by_bucket_[id.raw()].push_back(session);
      }
      if (m.drop.empty() && m.add.empty()) continue;
      session->on_membership(m);
      touched_.push_back(session);
    }
  }
}

void Hub::route_results(const Commit& commit) {
  for (const ResultOut& out : commit.results) {
    ServerSession* session = find(out.cid);
    if (session == nullptr) continue;
    session->on_result(out);
    touched_.push_back(session);
  }
}

void Hub::reload(const StoreState& state) {
  view_ = CommunityView(state);
  for (const auto& [cid, session] : by_cid_) {
    if (!session->is_handing_over()) continue;
    // It signs in again and reads its results.
    session->close(Errc::unavailable);
    touched_.push_back(session);
  }
  for (const auto& [account, sessions] : by_account_) {
    for (ServerSession* session : sessions) {
      FrameM m{.at = view_.head(), .drop = {}, .add = {}};
      for (BucketId id : session->bucket_ids()) {
        const auto now = view_.grant(session->principal()->account, id);
        if (!now || now->gen != session->held_gen(id)) {
          m.drop.push_back(id);
          unsubscribe(*session, id);
        }
      }
      for (const BucketGrant& g : view_.grants(session->principal()->account)) {
        if (session->held_gen(g.b) == g.gen) continue;
        m.add.push_back(g);
        by_bucket_[g.b.raw()].push_back(session);
      }
      if (!m.drop.empty() || !m.add.empty()) session->on_membership(m);
      session->on_reload();
      touched_.push_back(session);
    }
  }
}

void Hub::on_commit(const SharedCommit& shared) {
  const Commit& commit = *shared;
  if (commit.reload) {
    reload(*commit.reload);
    route_results(commit);
    finish_commit(commit);
    return;
  }
  view_.apply(commit);
  touched_.swap(waiting_);
  waiting_.clear();
  route_membership(commit);
  route_results(commit);
  for (std::size_t i = 0; i < commit.deltas.size(); ++i) {
    auto it = by_bucket_.find(commit.deltas[i].info.id.raw());
    if (it == by_bucket_.end()) continue;
    for (ServerSession* session : it->second) {
      session->on_bucket(commit, commit.deltas[i].info.id,
                         commit.encoded(session->encoding()).buckets[i]);
      touched_.push_back(session);
    }
  }
  finish_commit(commit);
}

void Hub::finish_commit(const Commit& commit) {
  std::ranges::sort(touched_);
  touched_.erase(std::ranges::unique(touched_).begin(), touched_.end());
  for (ServerSession* session : touched_) {
    session->on_commit_end(commit);
    if (session->waits_for_commit()) waiting_.push_back(session);
    mark(*session);
  }
  touched_.clear();
}

std::vector<ServerSession*> Hub::take_dirty() {
  for (ServerSession* session : dirty_) session->dirty_ = false;
  return std::exchange(dirty_, {});
}

ServerSession* Hub::find(const Cid& cid) const {
  auto it = by_cid_.find(cid.raw());
  return it == by_cid_.end() ? nullptr : it->second;
}

void Hub::for_each(const std::function<void(ServerSession&)>& visit) const {
  std::vector<ServerSession*> all;
  all.reserve(by_cid_.size());
  for (const auto& [cid, session] : by_cid_) all.push_back(session);
  for (ServerSession* session : all) visit(*session);
}

}  // namespace linli::sync
