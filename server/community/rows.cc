// SPDX-License-Identifier: Apache-2.0
#include "server/community/rows.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace linli::community {

Result<Row> need(ReadContext& ctx, std::string_view tbl, std::string_view key) {
  Row row = ctx.get(tbl, key);
  if (row == nullptr) return fail(Errc::not_found, "no such " + std::string(tbl));
  return row;
}

std::string actor_id(const ReadContext& ctx) { return ctx.actor().account.raw().hex(); }

std::vector<std::string> texts(const Json& row, std::string_view member) {
  std::vector<std::string> out;
  const auto found = row.find(member);
  if (found == row.end() || !found->is_array()) return out;
  for (const Json& item : *found)
    if (item.is_string()) out.push_back(item.get<std::string>());
  return out;
}

bool has_text(const Json& row, std::string_view member, std::string_view value) {
  const auto found = row.find(member);
  if (found == row.end() || !found->is_array()) return false;
  return std::ranges::any_of(*found, [&](const Json& item) {
    return item.is_string() && item.get_ref<const std::string&>() == value;
  });
}

bool add_text(Json& row, const std::string& member, const std::string& value) {
  if (has_text(row, member, value)) return false;
  if (!row.contains(member)) row[member] = Json::array();
  row[member].push_back(value);
  return true;
}

bool drop_text(Json& row, const std::string& member, std::string_view value) {
  if (!has_text(row, member, value)) return false;
  Json kept = Json::array();
  for (const Json& item : row[member])
    if (item.get_ref<const std::string&>() != value) kept.push_back(item);
  row[member] = std::move(kept);
  return true;
}

void copy_members(const Json& from, Json& to, std::initializer_list<const char*> members) {
  for (const char* member : members)
    if (const auto found = from.find(member); found != from.end()) to[member] = *found;
}

std::vector<std::string> keys_of(ReadContext& ctx, std::string_view index, const std::string& value,
                                 std::size_t limit) {
  std::vector<std::string> out;
  for (sync::IndexHit& hit : ctx.scan(index, exact(value), std::nullopt, limit))
    out.push_back(std::move(hit.key));
  return out;
}

Result<std::string> fresh_key(MutatorContext& ctx, const Json& args, std::string_view tbl) {
  std::string key = json_text(args, "id");
  if (key.empty()) return ctx.new_id();
  if (ctx.get(tbl, key) != nullptr) return fail(Errc::conflict, std::string(tbl) + " exists");
  return key;
}

std::uint64_t text_hash(std::string_view text, std::uint64_t seed) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U ^ seed;
  for (const char c : text) {
    hash ^= static_cast<std::uint8_t>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}

std::string hex_of(std::uint64_t value) {
  std::string raw;
  append_u64be(raw, value);
  return to_hex(as_bytes(raw));
}

std::string fingerprint(const Json& value) { return hex_of(text_hash(dump_json(value))); }

int year_of(Instant at) {
  constexpr std::chrono::hours kShanghai{8};
  const auto day = std::chrono::floor<std::chrono::days>(at + kShanghai);
  return static_cast<int>(std::chrono::year_month_day{day}.year());
}

std::string newest_first(std::int64_t at_ms) {
  constexpr std::int64_t kEnd = 9'999'999'999'999;
  std::string digits = std::to_string(kEnd - std::clamp<std::int64_t>(at_ms, 0, kEnd));
  return std::string(13 - digits.size(), '0') + digits;
}

std::string cursor_text(const sync::IndexHit& hit) { return hit.value + "|" + hit.key; }

std::optional<sync::IndexHit> parse_cursor(const Json& params) {
  const std::string text = json_text(params, "after");
  const std::size_t bar = text.rfind('|');
  if (bar == std::string::npos) return std::nullopt;
  return sync::IndexHit{text.substr(0, bar), text.substr(bar + 1)};
}

}  // namespace linli::community
