// SPDX-License-Identifier: Apache-2.0
#include "server/community/undo.h"

#include <algorithm>
#include <ranges>

namespace linli::community {
namespace {

constexpr std::string_view kForget = "undo.forget";

/// What refresh_person() derives is not a change by somebody.
std::string state_of(const Json* row) {
  if (row == nullptr) return "absent";
  Json essential = *row;
  essential.erase("accounts");
  essential.erase("app");
  return fingerprint(essential);
}

}  // namespace

void Journal::remember(const std::string& tbl, const std::string& key) {
  const bool known = std::ranges::any_of(
      entries_, [&](const Entry& entry) { return entry.tbl == tbl && entry.key == key; });
  if (!known) entries_.push_back({tbl, key, ctx_.get(tbl, key)});
}

void Journal::put(const std::string& tbl, const std::string& key, Json row) {
  remember(tbl, key);
  ctx_.put(tbl, key, std::move(row));
}

std::string Journal::save(std::chrono::hours keep, std::string id, const Json& extra) {
  if (id.empty()) id = ctx_.new_id();
  const Instant until = ctx_.now() + keep;
  Json row = extra;
  row["kind"] = kind_;
  row["at"] = now_ms(ctx_);
  row["by"] = actor_id(ctx_);
  row["until"] = to_unix_ms(until);
  row["rows"] = Json::array();
  for (const Entry& entry : entries_)
    row["rows"].push_back({{"tbl", entry.tbl},
                           {"key", entry.key},
                           {"before", entry.before ? *entry.before : Json()},
                           {"after", state_of(ctx_.get(entry.tbl, entry.key).get())}});
  ctx_.put("undo", id, std::move(row));
  ctx_.schedule(until, kForget, id);
  return id;
}

Result<std::vector<Restored>> restore(MutatorContext& ctx, const std::string& undo) {
  LINLI_TRY(const Row record, need(ctx, "undo", undo));
  if (json_int(*record, "until") < now_ms(ctx)) return fail(Errc::expired, "too late to undo");
  const Json& rows = record->at("rows");
  for (const Json& entry : rows) {
    const Row current = ctx.get(json_text(entry, "tbl"), json_text(entry, "key"));
    if (state_of(current.get()) != json_text(entry, "after"))
      return fail(Errc::conflict, "changed since: " + json_text(entry, "tbl"));
  }
  std::vector<Restored> out;
  for (const Json& entry : rows | std::views::reverse) {
    const std::string tbl = json_text(entry, "tbl");
    const std::string key = json_text(entry, "key");
    if (entry.at("before").is_null())
      ctx.del(tbl, key);
    else
      ctx.put(tbl, key, entry.at("before"));
    out.push_back({tbl, key});
  }
  ctx.del("undo", undo);
  ctx.cancel(kForget, undo);
  return out;
}

void declare_undo(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "undo";
  table.indexes = {{"batch", [](std::string_view, const Json& row) -> std::vector<std::string> {
                      const std::string batch = json_text(row, "batch");
                      if (batch.empty()) return {};
                      return {exact(batch)};
                    }}};
  registry.add(std::move(table));
  registry.add(
      sync::DueDef{std::string(kForget), std::chrono::hours(24 * 365),
                   [](MutatorContext& ctx, std::string_view key, bool) { ctx.del("undo", key); }});
}

}  // namespace linli::community
