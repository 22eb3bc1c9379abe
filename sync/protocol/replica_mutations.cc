// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "sync/protocol/replica_transact.h"

namespace linli::sync {
namespace {

constexpr std::uint8_t lane_mask(const std::vector<Lane>& lanes) {
  std::uint8_t mask = 0;
  for (const Lane lane : lanes) mask = static_cast<std::uint8_t>(mask | (1U << index(lane)));
  return mask;
}

bool is_visible(const LocalMutation& mutation, const Cursors& cur) {
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    if ((mutation.lanes & (1U << lane)) != 0 && cur[lane] < mutation.seq) return false;
  return true;
}

PushedMutation pushed(const LocalMutation& m) {
  return {.n = m.n,
          .name = m.name,
          .args = m.args,
          .wall = m.wall,
          .off = m.off,
          .unc = m.unc,
          .fixes = m.fixes};
}

}  // namespace

// --- Making and changing ------------------------------------------------------------------------

Result<LocalMutation> Replica::add(ReplicaState& next, LocalMutation mutation, bool now_sendable) {
  // A frame that the server cannot read would close every socket from then on.
  if (!is_row_key(mutation.name)) return fail(Errc::invalid_argument, "name of the mutation");
  if (mutation.args.empty()) return fail(Errc::invalid_argument, "args of " + mutation.name);
  if (mutation.name.size() + mutation.args.size() > limits::kMutationBytesMax) {
    return fail(Errc::too_large, "mutation " + mutation.name);
  }
  if (next.unsent() >= limits::kPendingMax) {
    return fail(Errc::too_large, std::to_string(limits::kPendingMax) + " unsent mutations");
  }
  mutation.state = LocalMutation::State::queued;
  mutation.n = now_sendable ? ++next.last_n[index(mutation.lane)] : 0;
  ++next.queued[index(mutation.lane)];
  LINLI_TRY(mutation.id, storage_->insert_mutation(mutation));
  return mutation;
}

Result<LocalMutation> Replica::append(LocalMutation mutation, bool now_sendable) {
  return append_with(std::move(mutation), now_sendable, {}, {});
}

Result<LocalMutation> Replica::append_with(LocalMutation mutation, bool now_sendable,
                                           std::string_view key, std::string_view value) {
  return transact([&](ReplicaState& next) -> Result<LocalMutation> {
    if (!key.empty()) LINLI_CHECK(storage_->put_local(key, value));
    if (!now_sendable) return add(next, std::move(mutation), false);
    // An older one without a number must not be overtaken by a younger one with.
    LINLI_TRY(
        const std::vector<LocalMutation> older,
        storage_->mutations(
            {.lane = mutation.lane, .state = LocalMutation::State::queued, .n = 0, .limit = 1}));
    return add(next, std::move(mutation), older.empty());
  });
}

Result<LocalMutation> Replica::one(std::uint64_t id) {
  LINLI_TRY(std::vector<LocalMutation> found, storage_->mutations({.id = id}));
  if (found.empty()) return fail(Errc::not_found, "mutation " + std::to_string(id));
  return std::move(found.front());
}

Result<void> Replica::edit(std::uint64_t id, std::string args) {
  return transact([&](ReplicaState&) -> Result<void> {
    LINLI_TRY(LocalMutation mutation, one(id));
    if (mutation.state != LocalMutation::State::queued || mutation.n != 0) {
      return fail(Errc::wrong_state, "mutation was sent already");
    }
    if (mutation.name.size() + args.size() > limits::kMutationBytesMax) {
      return fail(Errc::too_large, "mutation " + mutation.name);
    }
    mutation.args = std::move(args);
    return storage_->update_mutation(mutation);
  });
}

Result<void> Replica::withdraw(std::uint64_t id) {
  return transact([&](ReplicaState& next) -> Result<void> {
    LINLI_TRY(const LocalMutation mutation, one(id));
    if (mutation.state != LocalMutation::State::queued || mutation.n != 0) {
      return fail(Errc::wrong_state, "mutation was sent already");
    }
    --next.queued[index(mutation.lane)];
    return storage_->remove_mutation(id);
  });
}

Result<void> Replica::dismiss(std::uint64_t id) {
  return transact([&](ReplicaState& next) -> Result<void> {
    LINLI_TRY(LocalMutation mutation, one(id));
    if (mutation.attention != LocalMutation::Attention::open) {
      return fail(Errc::not_found, "attention " + std::to_string(id));
    }
    mutation.attention = LocalMutation::Attention::dismissed;
    --next.attention;
    return storage_->update_mutation(mutation);
  });
}

Result<LocalMutation> Replica::mend(std::uint64_t id, std::string args, LocalMutation stamp,
                                    bool now_sendable) {
  return transact([&](ReplicaState& next) -> Result<LocalMutation> {
    LINLI_TRY(LocalMutation old, one(id));
    if (old.attention != LocalMutation::Attention::open) {
      return fail(Errc::not_found, "attention " + std::to_string(id));
    }
    old.attention = LocalMutation::Attention::dismissed;
    --next.attention;
    LINLI_CHECK(storage_->update_mutation(old));
    stamp.lane = old.lane;
    stamp.name = old.name;
    stamp.args = std::move(args);
    stamp.fixes = old.n;
    LINLI_TRY(const std::vector<LocalMutation> older,
              storage_->mutations(
                  {.lane = old.lane, .state = LocalMutation::State::queued, .n = 0, .limit = 1}));
    return add(next, std::move(stamp), now_sendable && older.empty());
  });
}

// --- Sending ------------------------------------------------------------------------------------

Result<std::vector<PushedMutation>> Replica::pushable(UpLane lane, std::uint64_t after_n,
                                                      std::size_t count_max,
                                                      std::size_t bytes_max) {
  LINLI_TRY(std::vector<LocalMutation> found,
            storage_->mutations({.lane = lane,
                                 .state = LocalMutation::State::queued,
                                 .after_n = after_n,
                                 .limit = count_max}));
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (; count < found.size(); ++count) {
    bytes += found[count].name.size() + found[count].args.size();
    if (count > 0 && bytes > bytes_max) break;
  }
  found.resize(count);
  const auto is_numbered = [](const LocalMutation& m) { return m.n != 0; };
  if (!std::all_of(found.begin(), found.end(), is_numbered)) {
    const auto number = [&](ReplicaState& next) -> Result<void> {
      for (LocalMutation& mutation : found) {
        if (is_numbered(mutation)) continue;
        mutation.n = ++next.last_n[index(lane)];
        LINLI_CHECK(storage_->update_mutation(mutation));
      }
      return {};
    };
    LINLI_CHECK(transact(number));
  }
  std::vector<PushedMutation> out;
  out.reserve(found.size());
  for (const LocalMutation& mutation : found) out.push_back(pushed(mutation));
  return out;
}

Result<std::uint64_t> Replica::oldest_queued_n(UpLane lane) {
  LINLI_TRY(const std::vector<LocalMutation> found,
            storage_->mutations({.lane = lane, .state = LocalMutation::State::queued, .limit = 1}));
  return found.empty() ? 0 : found.front().n;
}

Result<bool> Replica::requeue_above(ReplicaState& next, UpLane lane, std::uint64_t last_n) {
  if (last_n >= next.res_n[index(lane)]) return true;
  LINLI_TRY(std::vector<LocalMutation> known,
            storage_->mutations({.lane = lane, .after_n = last_n}));
  std::uint64_t expected = last_n + 1;
  bool gapless = true;
  for (LocalMutation& mutation : known) {
    if (mutation.n == 0) continue;
    gapless = gapless && mutation.n == expected++;
    if (mutation.state == LocalMutation::State::queued) continue;
    if (mutation.state == LocalMutation::State::confirmed) --next.confirmed;
    mutation.state = LocalMutation::State::queued;
    mutation.seq = Seq{};  // of the history that is gone
    ++next.queued[index(lane)];
    LINLI_CHECK(storage_->update_mutation(mutation));
  }
  next.res_n[index(lane)] = last_n;
  return gapless && expected == next.last_n[index(lane)] + 1;
}

Result<bool> Replica::requeue(UpLane lane, std::uint64_t want) {
  LINLI_ASSERT(want > 0);
  return transact([&](ReplicaState& next) -> Result<bool> {
    LINLI_TRY(const bool complete, requeue_above(next, lane, want - 1));
    if (!complete) next.rekey_wanted = true;
    return complete;
  });
}

// --- Results ------------------------------------------------------------------------------------

Result<void> Replica::add_results(ReplicaState& next, const std::vector<FrameR>& results,
                                  Changes& changes) {
  for (const FrameR& result : results) {
    const std::size_t lane = index(result.lane);
    LINLI_TRY(std::vector<LocalMutation> found,
              storage_->mutations({.lane = result.lane,
                                   .state = LocalMutation::State::queued,
                                   .n = result.n,
                                   .limit = 1}));
    if (!found.empty() && result.mhash &&
        *result.mhash != mutation_hash(found.front().name, found.front().args)) {
      next.rekey_wanted = true;
      continue;
    }
    next.res_n[lane] = std::max(next.res_n[lane], result.n);
    if (found.empty()) continue;
    LocalMutation& mutation = found.front();
    --next.queued[lane];
    changes.pending = true;
    mutation.seq = result.seq;
    mutation.lanes = lane_mask(result.lanes);
    mutation.code = result.code;
    mutation.msg = result.msg;
    mutation.info = result.info;
    mutation.answered_at = next.contact_at;
    const bool was_open = mutation.attention == LocalMutation::Attention::open;
    if (result.status == MutationStatus::ok) {
      mutation.state = LocalMutation::State::confirmed;
      ++next.confirmed;
      if (was_open) --next.attention;
      mutation.attention = LocalMutation::Attention::none;
    } else {
      mutation.state = LocalMutation::State::settled;
      if (mutation.attention == LocalMutation::Attention::none) {
        mutation.attention = LocalMutation::Attention::open;
        ++next.attention;
      }
    }
    LINLI_CHECK(storage_->update_mutation(mutation));
  }
  return {};
}

Result<void> Replica::settle(ReplicaState& next, Changes& changes) {
  if (next.confirmed == 0) return {};
  LINLI_TRY(std::vector<LocalMutation> confirmed,
            storage_->mutations({.state = LocalMutation::State::confirmed}));
  for (LocalMutation& mutation : confirmed) {
    if (!is_visible(mutation, next.cur)) continue;
    mutation.state = LocalMutation::State::settled;
    --next.confirmed;
    changes.pending = true;
    LINLI_CHECK(storage_->update_mutation(mutation));
  }
  return {};
}

Result<Changes> Replica::store_results(const std::vector<FrameR>& results) {
  return transact([&](ReplicaState& next) -> Result<Changes> {
    Changes out;
    LINLI_CHECK(add_results(next, results, out));
    LINLI_CHECK(settle(next, out));
    return out;
  });
}

Result<void> Replica::want_rekey() {
  return transact([&](ReplicaState& next) -> Result<void> {
    next.rekey_wanted = true;
    return {};
  });
}

Result<void> Replica::replace_key(const Identity& identity) {
  return transact([&](ReplicaState& next) -> Result<void> {
    LINLI_TRY(std::vector<LocalMutation> known, storage_->mutations({}));
    for (LocalMutation& mutation : known) {
      const bool answered = mutation.state != LocalMutation::State::queued;
      if (answered && mutation.attention != LocalMutation::Attention::open &&
          mutation.state == LocalMutation::State::settled) {
        LINLI_CHECK(storage_->remove_mutation(mutation.id));
        continue;
      }
      mutation.n = 0;
      mutation.fixes = 0;
      LINLI_CHECK(storage_->update_mutation(mutation));
    }
    next.identity = identity;
    next.res_n = {};
    next.last_n = {};
    next.rekey_wanted = false;
    return {};
  });
}

Result<void> Replica::prune_journal(Instant before) {
  return transact([&](ReplicaState&) -> Result<void> {
    LINLI_TRY(const std::vector<LocalMutation> settled,
              storage_->mutations({.state = LocalMutation::State::settled}));
    for (const LocalMutation& mutation : settled) {
      if (mutation.attention == LocalMutation::Attention::open) continue;
      if (mutation.answered_at >= to_unix_ms(before)) continue;
      LINLI_CHECK(storage_->remove_mutation(mutation.id));
    }
    return {};
  });
}

// --- Hand-over of a replaced phone --------------------------------------------------------------

Result<void> Replica::begin_hand_over(std::int64_t at) {
  LINLI_TRY(const auto known, storage_->local(kLocalHandOver));
  if (known) return {};
  return storage_->put_local(kLocalHandOver, std::to_string(at));
}

Result<std::optional<HandOver>> Replica::hand_over() {
  LINLI_TRY(const auto since, storage_->local(kLocalHandOver));
  if (!since) return std::nullopt;
  const std::int64_t from = std::strtoll(since->c_str(), nullptr, 10);
  LINLI_TRY(const std::vector<LocalMutation> all, storage_->mutations({}));
  HandOver out{.waiting = state_.unsent()};
  for (const LocalMutation& mutation : all) {
    if (mutation.state == LocalMutation::State::queued || mutation.answered_at < from) continue;
    ++(mutation.code.empty() ? out.taken : out.refused);
  }
  return out;
}

// --- Reads --------------------------------------------------------------------------------------

Result<std::vector<LocalMutation>> Replica::overlay() {
  LINLI_TRY(std::vector<LocalMutation> out,
            storage_->mutations({.state = LocalMutation::State::queued}));
  if (state_.confirmed > 0) {
    LINLI_TRY(const std::vector<LocalMutation> confirmed,
              storage_->mutations({.state = LocalMutation::State::confirmed}));
    out.insert(out.end(), confirmed.begin(), confirmed.end());
  }
  // Rejected before a restore and queued again: not shown as if it held.
  std::erase_if(
      out, [](const LocalMutation& m) { return m.attention != LocalMutation::Attention::none; });
  std::sort(out.begin(), out.end(),
            [](const LocalMutation& a, const LocalMutation& b) { return a.id < b.id; });
  return out;
}

Result<std::vector<LocalMutation>> Replica::pending() {
  return storage_->mutations({.state = LocalMutation::State::queued});
}

Result<std::vector<LocalMutation>> Replica::attention() {
  return storage_->mutations({.attention = LocalMutation::Attention::open});
}

}  // namespace linli::sync
