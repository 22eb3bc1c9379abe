// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/rng.h"
#include "sync/engine/overlay.h"

namespace linli::sync {

/// A mutator asked for more than one mutation may do; it is rejected as too_large.
struct MutationLimit {
  std::string what;
};

/// One running mutation: reads through own changes, the batch so far and the base; writes to
/// its own
/// overlay, which fold_into() adds to the batch on success.
class Mutation final : public MutatorContext {
 public:
  struct Where {
    BaseState& base;
    Overlay& batch;
    Rng& rng;
    Instant now;
    Seq seq;
  };
  Mutation(const Where& where, const Actor& actor, Instant captured_at)
      : where_(where), actor_(actor), captured_at_(captured_at) {}

  const Actor& actor() const override { return actor_; }
  Instant now() const override { return where_.now; }
  std::shared_ptr<const Json> get(std::string_view tbl, std::string_view key) override;
  std::vector<IndexHit> scan(std::string_view index, std::string_view prefix,
                             const std::optional<IndexHit>& after, std::size_t limit) override;
  std::vector<std::pair<std::string, std::shared_ptr<const Json>>> table(
      std::string_view tbl, std::string_view after, std::size_t limit) override;
  std::vector<QuarantineWrite> quarantine(std::size_t limit) override;
  Seq seq() const override { return where_.seq; }
  Instant captured_at() const override { return captured_at_; }
  void put(std::string_view tbl, std::string_view key, Json row) override;
  void del(std::string_view tbl, std::string_view key) override;
  void ensure_bucket(const BucketSpec& spec) override;
  void set_membership(const AccountId& account, std::span<const std::string> names) override;
  void grant(const AccountId& account, std::string_view bucket) override;
  void revoke(const AccountId& account, std::string_view bucket) override;
  void outbox(std::string_view kind, const Json& data) override;
  void schedule(Instant at, std::string_view kind, std::string_view key) override;
  void cancel(std::string_view kind, std::string_view key) override;
  std::string new_id() override;

  /// Lanes of the buckets this mutation touched: bit 0 urgent, bit 1 normal.
  [[nodiscard]] std::uint8_t lanes() const { return lanes_; }
  [[nodiscard]] bool changes_anything() const;
  /// Adds the changes to the batch overlay.
  void fold_into_batch();

 private:
  /// Older first.
  [[nodiscard]] std::array<const Overlay*, 2> layers() const { return {&where_.batch, &own_}; }
  const RowState& visible(const RowKey& key);
  void change(const RowKey& key, RowState next);
  BucketId bucket_id(std::string_view name) const;
  Lane bucket_lane(BucketId id) const;
  bool is_member(const AccountId& account, BucketId bucket) const;
  std::vector<BucketId> member_of(const AccountId& account) const;
  void change_member(const AccountId& account, BucketId bucket, bool add);

  Where where_;
  Actor actor_;
  Instant captured_at_;
  Overlay own_;
  std::uint8_t lanes_ = 0;
};

/// Values of every index of a table for one row; empty when `json` is null.
std::vector<std::pair<std::string, std::string>> index_values(const TableDef& table,
                                                              std::string_view key,
                                                              const Json* json);

}  // namespace linli::sync
