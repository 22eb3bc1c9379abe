// SPDX-License-Identifier: Apache-2.0
#include "sync/engine/upgrade.h"

#include <algorithm>
#include <span>

#include "base/limits.h"
#include "base/log.h"

namespace linli::sync {
namespace {

/// Row of kUpgradeTable: {number} of the newest upgrade that is done.
constexpr const char* kDoneKey = "model";
static_assert(kUpgradeRows * 4 <= limits::kMutationRowsMax);

class Upgrade {
 public:
  Upgrade(const Registry& registry, Store& store, Committer& committer)
      : registry_(registry), store_(store), committer_(committer) {}

  Result<UpgradeReport> run() {
    if (registry_.upgrades().empty() || committer_.head() == Seq{}) return out_;
    LINLI_TRY(const auto stored, store_.row({std::string(kUpgradeTable), kDoneKey}));
    if (stored) {
      LINLI_TRY(const Json row, parse_json(*stored->data, limits::kRowBytesMax));
      out_.from = static_cast<int>(json_int(row, "number"));
    }
    out_.to = out_.from;
    for (const UpgradeDef& def : registry_.upgrades()) {
      if (def.number <= out_.from) continue;
      for (const UpgradeStep& step : def.steps) LINLI_CHECK(walk(step));
      if (!out_.refused.empty()) break;
      LINLI_CHECK(committer_.run_as_system([&](MutatorContext& ctx) {
        ctx.put(kUpgradeTable, kDoneKey, {{"number", def.number}});
      }));
      out_.to = def.number;
    }
    return out_;
  }

 private:
  Result<void> walk(const UpgradeStep& step) {
    if (step.buckets.empty()) return walk_table(step);
    LINLI_TRY(const StoreState state, store_.load());
    for (const BucketInfo& bucket : state.buckets)
      if (std::ranges::any_of(step.buckets, [&](const std::string& beginning) {
            return bucket.spec.name.starts_with(beginning);
          }))
        LINLI_CHECK(walk_bucket(step, bucket));
    return {};
  }

  Result<void> walk_table(const UpgradeStep& step) {
    std::string after;
    for (;;) {
      LINLI_TRY(const auto page, store_.table(step.tbl, after, kUpgradeRows));
      std::vector<std::string> keys;
      for (const auto& [key, row] : page) keys.push_back(key);
      LINLI_CHECK(run_rows(step, keys));
      if (page.size() < kUpgradeRows) return {};
      after = keys.back();
    }
  }

  /// By ver, up to the head as it was before the first step: what a step changes comes after it.
  Result<void> walk_bucket(const UpgradeStep& step, const BucketInfo& bucket) {
    constexpr std::size_t kPageRows = 500;
    Seq after;
    for (bool more = true; more;) {
      LINLI_TRY(const BucketChunk page,
                store_.chunk(bucket.id, after, false, kPageRows, limits::kPageBytesMax));
      std::vector<std::string> keys;
      for (const Op& op : page.ops)
        if (op.row.tbl == step.tbl && op.ver <= bucket.head) keys.push_back(op.row.key);
      for (std::size_t at = 0; at < keys.size(); at += kUpgradeRows)
        LINLI_CHECK(
            run_rows(step, std::span(keys).subspan(at, std::min(kUpgradeRows, keys.size() - at))));
      after = page.to;
      more = !page.complete && after < bucket.head;
    }
    return {};
  }

  /// What refuses the batch is found by trying its rows one by one.
  Result<void> run_rows(const UpgradeStep& step, std::span<const std::string> keys) {
    if (keys.empty()) return {};
    LINLI_TRY(const bool done, try_rows(step, keys));
    if (!done && keys.size() > 1) {
      for (const std::string& key : keys) LINLI_CHECK(run_rows(step, std::span(&key, 1)));
      return {};
    }
    out_.rows += keys.size();
    if (done) return {};
    out_.refused.push_back({step.tbl, keys.front()});
    return {};
  }

  /// False when a row is refused; nothing is changed then.
  Result<bool> try_rows(const UpgradeStep& step, std::span<const std::string> keys) {
    Result<void> stepped;
    const auto ran = committer_.run_as_system([&](MutatorContext& ctx) {
      for (const std::string& key : keys) {
        stepped = step.run(ctx, key);
        // Whatever it is: the batch must not be kept.
        if (!stepped) throw UpgradeRefused();
      }
    });
    if (ran) return true;
    const Errc code = ran.error().code;
    if (code != Errc::too_large && code != Errc::internal) return std::unexpected(ran.error());
    if (keys.size() == 1)
      log_event(LogLevel::error, "sync.upgrade.refused",
                {{"tbl", step.tbl}, {"code", errc_name(stepped ? code : stepped.error().code)}});
    return false;
  }

  struct UpgradeRefused : std::exception {};

  const Registry& registry_;
  Store& store_;
  Committer& committer_;
  UpgradeReport out_;
};

}  // namespace

Result<UpgradeReport> upgrade(const Registry& registry, Store& store, Committer& committer) {
  return Upgrade(registry, store, committer).run();
}

}  // namespace linli::sync
