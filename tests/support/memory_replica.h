// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sync/protocol/replica.h"

namespace linli::test {

/// Where a storage dies. Commits are counted from 1 over its whole life.
struct CrashPlan {
  /// This commit fails and nothing of it is stored.
  std::optional<std::uint64_t> before_commit;
  /// This commit is stored, but the caller is told that it failed (killed right after).
  std::optional<std::uint64_t> after_commit;
};

/// A phone's database in memory: what commit() took survives, all else is lost. Threads: one.
class MemoryStorage final : public sync::ReplicaStorage {
 public:
  CrashPlan plan;
  /// While true every transaction fails, as on a full disk.
  bool is_full = false;

  [[nodiscard]] std::uint64_t commits() const { return commits_; }
  /// What a killed process leaves: an open transaction is undone.
  void crash() { rollback(); }
  /// Changes a stored byte behind everybody's back; false when the row is not there.
  bool damage(std::string_view tbl, std::string_view key);
  /// Another phone with the same store: its clone (M10).
  [[nodiscard]] std::unique_ptr<MemoryStorage> clone() const;

  Result<sync::ReplicaState> load() override { return state_; }
  Result<void> begin() override;
  Result<void> commit(const sync::ReplicaState& before, const sync::ReplicaState& after) override;
  void rollback() noexcept override;
  Result<void> put_entry(std::uint64_t slot, const sync::Op& op, std::uint64_t h,
                         sync::Digest& digest) override;
  Result<void> clear_slot(std::uint64_t slot) override;
  Result<void> stage(sync::Lane lane, sync::BucketId bucket,
                     const std::vector<sync::Op>& ops) override;
  Result<void> visit_staged(sync::Lane lane, const StagedVisitor& visit) override;
  Result<void> clear_staged(sync::Lane lane) override;
  Result<void> clear_staged_of(sync::BucketId bucket) override;
  Result<std::uint64_t> insert_mutation(const sync::LocalMutation& mutation) override;
  Result<void> update_mutation(const sync::LocalMutation& mutation) override;
  Result<void> remove_mutation(std::uint64_t id) override;
  Result<std::vector<sync::LocalMutation>> mutations(const sync::MutationFilter& filter) override;
  Result<std::vector<sync::ReplicaRow>> rows(std::string_view tbl, const sync::RowRange& range,
                                             const std::vector<std::uint64_t>& slots) override;
  Result<std::optional<sync::ReplicaRow>> row(std::string_view tbl, std::string_view key,
                                              const std::vector<std::uint64_t>& slots) override;
  Result<sync::Seq> newest_ver(std::string_view tbl, std::string_view key,
                               const std::vector<std::uint64_t>& slots) override;
  Result<std::optional<std::string>> local(std::string_view key) override;
  Result<void> put_local(std::string_view key, std::string_view value) override;
  Result<void> remove_local(std::string_view key) override;

 private:
  struct Entry {
    sync::Seq ver;
    sync::SharedText data;
    std::uint64_t h = 0;
  };
  using Slot = std::map<sync::RowKey, Entry>;
  struct Staged {
    sync::Lane lane;
    sync::BucketId bucket;
    std::vector<sync::Op> ops;
  };

  void undo_with(std::function<void()> step) { undo_.push_back(std::move(step)); }
  Result<void> keep_staged(const std::function<bool(const Staged&)>& drop);

  bool is_open_ = false;
  std::uint64_t commits_ = 0;
  std::vector<std::function<void()>> undo_;
  sync::ReplicaState state_;
  std::map<std::uint64_t, Slot> slots_;
  std::vector<Staged> staged_;
  std::map<std::uint64_t, sync::LocalMutation> mutations_;
  std::uint64_t next_id_ = 1;
  std::map<std::string, std::string, std::less<>> local_;
};

/// A replica over memory, with an identity when asked for. restart() is what a new process sees.
class MemoryReplica {
 public:
  MemoryReplica() : MemoryReplica(std::make_unique<MemoryStorage>()) {}
  explicit MemoryReplica(std::unique_ptr<MemoryStorage> storage) : storage_(std::move(storage)) {
    restart();
  }

  sync::Replica& operator*() { return *replica_; }
  sync::Replica* operator->() { return replica_.get(); }
  MemoryStorage& storage() { return *storage_; }
  void restart() {
    storage_->crash();
    replica_ = std::move(*sync::Replica::open(*storage_));
  }

 private:
  std::unique_ptr<MemoryStorage> storage_;
  std::unique_ptr<sync::Replica> replica_;
};

/// An identity with a key made from `rng`, account 32 x `account_digit`.
sync::Identity make_identity(Rng& rng, std::string slug = "huainan", char account_digit = 'a');

}  // namespace linli::test
