// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_replica.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace linli::test {

using sync::BucketId;
using sync::Lane;
using sync::LocalMutation;
using sync::Op;
using sync::ReplicaRow;

Result<void> MemoryStorage::begin() {
  LINLI_ASSERT(!is_open_);
  if (is_full) return fail(Errc::disk_full, "memory storage");
  is_open_ = true;
  return {};
}

Result<void> MemoryStorage::commit(const sync::ReplicaState& /*before*/,
                                   const sync::ReplicaState& after) {
  LINLI_ASSERT(is_open_);
  ++commits_;
  if (plan.before_commit == commits_) {
    rollback();
    return fail(Errc::io, "killed before commit " + std::to_string(commits_));
  }
  is_open_ = false;
  undo_.clear();
  state_ = after;
  if (plan.after_commit == commits_) {
    return fail(Errc::io, "killed after commit " + std::to_string(commits_));
  }
  return {};
}

void MemoryStorage::rollback() noexcept {
  for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) (*step)();
  undo_.clear();
  is_open_ = false;
}

std::unique_ptr<MemoryStorage> MemoryStorage::clone() const {
  LINLI_ASSERT(!is_open_);
  auto out = std::make_unique<MemoryStorage>(*this);
  out->plan = {};
  return out;
}

bool MemoryStorage::damage(std::string_view tbl, std::string_view key) {
  for (auto& [id, slot] : slots_) {
    const auto at = slot.find(sync::RowKey{std::string(tbl), std::string(key)});
    if (at == slot.end() || !at->second.data) continue;
    // The digest still counts the old hash, as after a bit flip on flash.
    at->second.data = std::make_shared<const std::string>(*at->second.data + " ");
    at->second.h ^= 1;
    return true;
  }
  return false;
}

// --- Entries ------------------------------------------------------------------------------------

Result<void> MemoryStorage::put_entry(std::uint64_t slot, const Op& op, std::uint64_t h,
                                      sync::Digest& digest) {
  LINLI_ASSERT(is_open_);
  Slot& entries = slots_[slot];
  const auto at = entries.find(op.row);
  if (at != entries.end()) {
    if (op.ver < at->second.ver) return {};
    if (at->second.data) digest.remove(at->second.h);
    undo_with([this, slot, key = op.row, old = at->second] { slots_[slot][key] = old; });
  } else {
    undo_with([this, slot, key = op.row] { slots_[slot].erase(key); });
  }
  if (op.data) digest.add(h);
  entries[op.row] = Entry{.ver = op.ver, .data = op.data, .h = h};
  return {};
}

Result<void> MemoryStorage::clear_slot(std::uint64_t slot) {
  LINLI_ASSERT(is_open_);
  auto node = slots_.extract(slot);
  if (node.empty()) return {};
  undo_with([this, slot, old = std::move(node.mapped())] { slots_[slot] = old; });
  return {};
}

Result<void> MemoryStorage::stage(Lane lane, BucketId bucket, const std::vector<Op>& ops) {
  undo_with([this, old = staged_] { staged_ = old; });
  staged_.push_back({lane, bucket, ops});
  return {};
}

Result<void> MemoryStorage::visit_staged(Lane lane, const StagedVisitor& visit) {
  for (const Staged& staged : staged_) {
    if (staged.lane != lane) continue;
    for (const Op& op : staged.ops) LINLI_CHECK(visit(staged.bucket, op));
  }
  return {};
}

Result<void> MemoryStorage::keep_staged(const std::function<bool(const Staged&)>& drop) {
  if (std::ranges::none_of(staged_, drop)) return {};
  undo_with([this, old = staged_] { staged_ = old; });
  std::erase_if(staged_, drop);
  return {};
}

Result<void> MemoryStorage::clear_staged(Lane lane) {
  return keep_staged([&](const Staged& staged) { return staged.lane == lane; });
}

Result<void> MemoryStorage::clear_staged_of(BucketId bucket) {
  return keep_staged([&](const Staged& staged) { return staged.bucket == bucket; });
}

// --- Mutations ----------------------------------------------------------------------------------

Result<std::uint64_t> MemoryStorage::insert_mutation(const LocalMutation& mutation) {
  LINLI_ASSERT(is_open_);
  LocalMutation stored = mutation;
  stored.id = next_id_++;
  undo_with([this, id = stored.id] { mutations_.erase(id); });
  mutations_.emplace(stored.id, stored);
  return stored.id;
}

Result<void> MemoryStorage::update_mutation(const LocalMutation& mutation) {
  LINLI_ASSERT(is_open_ && mutations_.contains(mutation.id));
  undo_with([this, old = mutations_.at(mutation.id)] { mutations_[old.id] = old; });
  mutations_[mutation.id] = mutation;
  return {};
}

Result<void> MemoryStorage::remove_mutation(std::uint64_t id) {
  auto node = mutations_.extract(id);
  LINLI_ASSERT(is_open_ && !node.empty());
  undo_with([this, old = std::move(node.mapped())] { mutations_[old.id] = old; });
  return {};
}

Result<std::vector<LocalMutation>> MemoryStorage::mutations(const sync::MutationFilter& filter) {
  std::vector<LocalMutation> out;
  for (const auto& [id, m] : mutations_) {
    if (out.size() >= filter.limit) break;
    if (filter.id && id != *filter.id) continue;
    if (filter.lane && m.lane != *filter.lane) continue;
    if (filter.state && m.state != *filter.state) continue;
    if (filter.attention && m.attention != *filter.attention) continue;
    if (filter.n && m.n != *filter.n) continue;
    if (filter.after_n && m.n != 0 && m.n <= *filter.after_n) continue;
    out.push_back(m);
  }
  return out;
}

// --- Reads --------------------------------------------------------------------------------------

Result<std::vector<ReplicaRow>> MemoryStorage::rows(std::string_view tbl,
                                                    const sync::RowRange& range,
                                                    const std::vector<std::uint64_t>& slots) {
  std::map<std::string, ReplicaRow> newest;
  for (const std::uint64_t slot : slots) {
    const auto entries = slots_.find(slot);
    if (entries == slots_.end()) continue;
    for (const auto& [key, entry] : entries->second) {
      if (key.tbl != tbl || !entry.data || key.key <= range.after) continue;
      ReplicaRow& row = newest[key.key];
      if (row.key.empty() || row.ver < entry.ver) row = {key.key, entry.ver, *entry.data};
    }
  }
  std::vector<ReplicaRow> out;
  for (auto& [key, row] : newest) {
    if (out.size() >= range.limit) break;
    out.push_back(std::move(row));
  }
  return out;
}

Result<std::optional<ReplicaRow>> MemoryStorage::row(std::string_view tbl, std::string_view key,
                                                     const std::vector<std::uint64_t>& slots) {
  LINLI_TRY(std::vector<ReplicaRow> all, rows(tbl, {}, slots));
  for (ReplicaRow& row : all)
    if (row.key == key) return std::move(row);
  return std::nullopt;
}

Result<sync::Seq> MemoryStorage::newest_ver(std::string_view tbl, std::string_view key,
                                            const std::vector<std::uint64_t>& slots) {
  sync::Seq newest{};
  for (const std::uint64_t slot : slots)
    if (const auto entries = slots_.find(slot); entries != slots_.end())
      for (const auto& [id, entry] : entries->second)
        if (id.tbl == tbl && id.key == key) newest = std::max(newest, entry.ver);
  return newest;
}

Result<std::optional<std::string>> MemoryStorage::local(std::string_view key) {
  const auto at = local_.find(key);
  if (at == local_.end()) return std::nullopt;
  return at->second;
}

Result<void> MemoryStorage::put_local(std::string_view key, std::string_view value) {
  undo_with([this, old = local_] { local_ = old; });
  local_[std::string(key)] = value;
  return {};
}

Result<void> MemoryStorage::remove_local(std::string_view key) {
  undo_with([this, old = local_] { local_ = old; });
  local_.erase(std::string(key));
  return {};
}

sync::Identity make_identity(Rng& rng, std::string slug, char account_digit) {
  const KeyPair key = KeyPair::generate(rng);
  return {.slug = std::move(slug),
          .origin = "http://localhost:8080",
          .cid = sync::Cid{client_id_of(key.pub())},
          .account = sync::AccountId{*Id128::parse(std::string(32, account_digit))},
          .person = "p1",
          .name = "王秀英",
          .community = "淮南社区",
          .server_pub = "",
          .cert = "payload.sig",
          .seed = key.seed()};
}

}  // namespace linli::test
