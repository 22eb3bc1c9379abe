// SPDX-License-Identifier: Apache-2.0
#include "server/community/teams/log.h"

#include <algorithm>

#include "server/community/areas/module.h"

namespace linli::community::teams {
namespace {

constexpr const char* kHeadKey = "head";
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
/// Just after midnight of the community.
constexpr std::int64_t kHeadAfterMs = 5LL * 60 * 1000;

std::vector<std::string> record_buckets(std::string_view /*key*/, const Json& row) {
  return close_buckets(row);
}

std::vector<std::string> by_device(std::string_view, const Json& row) {
  if (!row.contains("dseq")) return {};
  return {exact(json_text(row, "cid")) +
          pos_key(static_cast<std::uint64_t>(json_int(row, "dseq")))};
}

std::vector<std::string> by_subject(std::string_view, const Json& row) {
  return {exact(pair_key(json_text(row, "shift"), json_text(row, "person"))) +
          pos_key(static_cast<std::uint64_t>(json_int(row, "pos")))};
}

std::vector<std::string> by_nonce(std::string_view, const Json& row) {
  if (json_text(row, "nonce").empty()) return {};
  return {exact(json_text(row, "nonce"))};
}

Sha256 link_of(const Json& row) {
  Sha256 out{};
  const auto bytes = from_hex(json_text(row, "link"));
  if (bytes && bytes->size() == out.size()) std::ranges::copy(as_bytes(*bytes), out.begin());
  return out;
}

/// Tomorrow, just after midnight.
Instant next_head(Instant now) {
  const std::int64_t local = to_unix_ms(now) + kZoneMs - kHeadAfterMs;
  return from_unix_ms((local / kDayMs + 1) * kDayMs - kZoneMs + kHeadAfterMs);
}

/// Lays down the head of the day that ended; the server signs it (server/app/log_signer.h).
void head_due(MutatorContext& ctx, std::string_view /*key*/, bool /*missed*/) {
  const checkin::Head head = head_of(ctx);
  if (head.n == 0) return;
  const std::string day = day_of(now_ms(ctx) - kDayMs / 2);
  const auto nodes = keys_of(ctx, "area.kind", "community", 1);
  if (ctx.get("chain_head", day) == nullptr && !nodes.empty())
    ctx.put("chain_head", day,
            {{"n", head.n}, {"link", to_hex(head.link)}, {"area", nodes.front()}, {"sig", ""}});
  ctx.schedule(next_head(ctx.now()), kDailyHead, "day");
}

MutatorResult sign_head(MutatorContext& ctx, const Json& args) {
  const std::string day = json_text(args, "day");
  LINLI_TRY(const Row found, need(ctx, "chain_head", day));
  if (!json_text(*found, "sig").empty()) return Json{{"day", day}};
  Json row = *found;
  copy_members(args, row, {"sig", "server"});
  ctx.put("chain_head", day, std::move(row));
  return Json{{"day", day}};
}

Result<Json> heads(ReadContext& ctx, const Json& params) {
  Json out = {{"heads", Json::array()}};
  const std::size_t limit = page_limit(params, 100, 500);
  std::string last;
  const auto rows = ctx.table("chain_head", json_text(params, "after"), limit);
  for (const auto& [day, row] : rows) {
    last = day;
    out["heads"].push_back({{"day", day}});
    copy_members(*row, out["heads"].back(), {"n", "link", "sig", "server"});
  }
  if (rows.size() == limit) out["next"] = last;
  return out;
}

}  // namespace

std::string pos_key(std::uint64_t pos) {
  const std::string digits = std::to_string(pos);
  return std::string(10 - std::min<std::size_t>(10, digits.size()), '0') + digits;
}

checkin::Head head_of(ReadContext& ctx) {
  const Row row = ctx.get("log_head", kHeadKey);
  if (row == nullptr) return {};
  return {static_cast<std::uint64_t>(json_int(*row, "n")), link_of(*row)};
}

std::optional<checkin::Head> head_at(ReadContext& ctx, std::uint64_t pos) {
  if (pos == 0) return checkin::Head{};
  const Row row = ctx.get("attendance_log", pos_key(pos));
  if (row == nullptr) return std::nullopt;
  return checkin::Head{pos, link_of(*row)};
}

void append_record(MutatorContext& ctx, const std::string& key, Json row) {
  const checkin::Head before = head_of(ctx);
  if (before.n == 0) ctx.schedule(next_head(ctx.now()), kDailyHead, "day");
  row["pos"] = before.n + 1;
  row["at"] = now_ms(ctx);
  const Sha256 hash = checkin::record_hash(dump_json(row));
  const checkin::Head after = checkin::append(before, hash);
  ctx.put("attendance", key, std::move(row));
  ctx.put("attendance_log", pos_key(after.n),
          {{"id", key}, {"hash", to_hex(hash)}, {"link", to_hex(after.link)}});
  ctx.put("log_head", kHeadKey, {{"n", after.n}, {"link", to_hex(after.link)}});
}

std::string append_decision(MutatorContext& ctx, const char* kind, const Json& hours, Json row) {
  copy_members(hours, row, {"shift", "team", "community", "person"});
  row["kind"] = kind;
  row["by"] = actor_id(ctx);
  std::string id = ctx.new_id();
  append_record(ctx, id, std::move(row));
  return id;
}

std::vector<Record> records_of(ReadContext& ctx, const std::string& shift,
                               const std::string& person) {
  std::vector<Record> out;
  for (const std::string& key :
       keys_of(ctx, "attendance.subject", pair_key(shift, person), kSubjectRecordsMax))
    // A row that somebody removed past the engine is still in its index; verify names it.
    if (Row row = ctx.get("attendance", key); row != nullptr) out.push_back({key, std::move(row)});
  return out;
}

void declare_log(sync::Registry& registry) {
  sync::TableDef records{};
  records.name = "attendance";
  records.buckets = record_buckets;
  records.references = {{"shift", "shift"}};
  records.indexes = {{"device", by_device}, {"subject", by_subject}, {"nonce", by_nonce}};
  registry.add(std::move(records));
  sync::TableDef log{};
  log.name = "attendance_log";
  registry.add(std::move(log));
  sync::TableDef head{};
  head.name = "log_head";
  registry.add(std::move(head));
  sync::TableDef days{};
  days.name = "chain_head";
  days.watched = true;
  days.buckets = [](std::string_view, const Json& row) -> std::vector<std::string> {
    return {areas::bucket(json_text(row, "area"), sync::Lane::normal)};
  };
  registry.add(std::move(days));
  registry.add(sync::DueDef{std::string(kDailyHead), std::chrono::hours{24 * 365}, head_due});

  const Json sig = arg::text(86, 86);
  add(registry,
      Mutator{.name = "attendance.sign_head",
              .summary = "The server's signature under a day's head of the log.",
              .args = arg::object(
                  {{"day!", arg::text(10, 10)}, {"sig!", sig}, {"server!", arg::text(43, 43)}}),
              .permit = system_only,
              .run = sign_head,
              .internal = true});
  add(registry, Query{.name = "attendance.heads",
                      .summary = "Signed daily heads of the log of attendance.",
                      .params = arg::object({{"after", arg::cursor()}, {"limit", arg::limit()}}),
                      .permit = anyone,
                      .run = heads,
                      .path = "/attendance/heads"});
}

}  // namespace linli::community::teams
