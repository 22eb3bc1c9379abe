// SPDX-License-Identifier: Apache-2.0
// What a client shows: merged rows, lists, the five states.
#include <algorithm>
#include <ctime>
#include <utility>

#include "base/assert.h"
#include "clients/native/client.h"

namespace linli::client {
namespace {

/// hh:mm of the phone's time zone; with the day when it was not today.
std::string clock_text(std::int64_t unix_ms) {
  const auto text = [](std::int64_t ms, const char* form) {
    const auto seconds = static_cast<std::time_t>(ms / 1000);
    std::tm local{};
    localtime_r(&seconds, &local);
    char out[32] = {};
    std::strftime(out, sizeof out, form, &local);
    return std::string(out);
  };
  const std::int64_t now = to_unix_ms(SystemClock().now());
  const bool is_today = text(unix_ms, "%F") == text(now, "%F");
  return text(unix_ms, is_today ? "%H:%M" : "%m-%d %H:%M");
}

}  // namespace

std::string_view state_name(SyncState state) {
  switch (state) {
    case SyncState::synced: return "synced";
    case SyncState::pending: return "pending";
    case SyncState::syncing: return "syncing";
    case SyncState::offline: return "offline";
    case SyncState::trouble: return "trouble";
  }
  LINLI_ASSERT(false);
}

std::string Status::label() const {
  if (slip && !trouble) return "待确认";
  switch (state) {
    case SyncState::synced: return "已同步";
    case SyncState::pending: return "待上传 " + std::to_string(pending);
    case SyncState::syncing: return "同步中";
    case SyncState::offline:
      if (contact_at == 0) return "暂时连不上（还没有连上过）";
      return "暂时连不上（上次 " + clock_text(contact_at) + "）";
    case SyncState::trouble: return "有问题 " + std::to_string(attention + (trouble ? 1 : 0));
  }
  LINLI_ASSERT(false);
}

Json Status::json() const {
  Json out = {{"state", state_name(state)}, {"label", label()},
              {"enrolled", is_enrolled},    {"connected", is_connected},
              {"pending", pending},         {"confirmed", confirmed},
              {"attention", attention},     {"digest_mismatches", digest_mismatches},
              {"filling", filling},         {"last_contact", contact_at}};
  if (is_enrolled) {
    out["community"] = community;
    out["slug"] = slug;
    out["origin"] = origin;
    out["person"] = person;
    out["name"] = name;
    out["account"] = account;
    out["cid"] = cid;
  }
  if (slip) {
    Json shown = {{"state", slip_state_name(slip->stage)},
                  {"origin", slip->origin},
                  {"slug", slip->slug},
                  {"household", slip->household},
                  {"persons", Json::array()}};
    for (const auto& each : slip->persons)
      shown["persons"].push_back({{"ref", each.ref}, {"name", each.name}});
    if (slip->problem)
      shown["problem"] = {{"code", errc_name(slip->problem->code)},
                          {"text", errc_sentence(slip->problem->code)}};
    out["slip"] = std::move(shown);
  }
  if (hand_over)
    out["hand_over"] = {{"taken", hand_over->taken},
                        {"refused", hand_over->refused},
                        {"waiting", hand_over->waiting}};
  if (trouble) {
    out["trouble"] = {{"code", errc_name(trouble->code)}, {"text", errc_sentence(trouble->code)}};
  }
  return out;
}

Status Client::status() {
  const Lock lock(mutex_);
  const sync::ReplicaState& held = replica_->state();
  Status out;
  out.pending = held.unsent();
  out.confirmed = held.confirmed;
  out.attention = held.attention;
  out.digest_mismatches = held.digest_mismatches;
  out.contact_at = held.contact_at;
  for (const auto& [id, bucket] : held.buckets) out.filling += bucket.live ? 0 : 1;
  if (held.identity) {
    out.is_enrolled = true;
    out.community = held.identity->community;
    out.slug = held.identity->slug;
    out.origin = held.identity->origin;
    out.person = held.identity->person;
    out.name = held.identity->name;
    out.account = held.identity->account.raw().hex();
    out.cid = held.identity->cid.raw().hex();
  }
  if (slip_) {
    out.slip = SlipStatus{.stage = slip_->stage(),
                          .origin = slip_->origin(),
                          .slug = slip_->slug(),
                          .household = slip_->household(),
                          .persons = {},
                          .problem = slip_->problem()};
    if (slip_->stage() == SlipEnrolment::Stage::choosing) out.slip->persons = slip_->persons();
    if (slip_->stage() == SlipEnrolment::Stage::refused) out.trouble = slip_->problem();
  }
  out.is_connected = session_->is_live();
  // A line that broke is no trouble; a refusal or a failing store is.
  const auto& trouble = session_->trouble();
  const bool is_halted = session_->state() == sync::ClientSession::State::halted;
  if (trouble && (is_halted || trouble->code == Errc::io || trouble->code == Errc::disk_full ||
                  trouble->code == Errc::corrupt)) {
    out.trouble = trouble;
  }
  // A store that cannot be read is told by whatever is asked next.
  if (const auto handed_over = replica_->hand_over(); handed_over && *handed_over) {
    out.hand_over = **handed_over;
    out.trouble = Error{Errc::revoked, "this phone was replaced"};
  }
  if (out.trouble || out.attention > 0) {
    out.state = SyncState::trouble;
  } else if (out.is_connected) {
    out.state = is_all_done() ? SyncState::synced : SyncState::syncing;
  } else if (!held.contact_ok) {
    out.state = SyncState::offline;
  } else {
    out.state = out.pending > 0 ? SyncState::pending : SyncState::synced;
  }
  return out;
}

Event Client::event_of(const sync::Changes& changes) {
  Event event{
      .all = changes.all, .tables = {changes.tables.begin(), changes.tables.end()}, .status = true};
  // An effect that left the overlay changes its table even when no row came.
  if (changes.pending && !event.all) event.all = true;
  return event;
}

Result<sync::MergedTable> Client::merged(std::string_view tbl, sync::MergedTable base) {
  LINLI_TRY(const std::vector<sync::LocalMutation> pending, replica_->overlay());
  std::vector<sync::OverlayMutation> overlay;
  overlay.reserve(pending.size());
  for (const sync::LocalMutation& mutation : pending)
    overlay.push_back({mutation.name, mutation.args, mutation.wall, mutation.seq});
  const auto& identity = replica_->state().identity;
  const std::string actor = identity ? identity->account.raw().hex() : std::string();
  const auto ver_of = [&](std::string_view key) {
    return replica_->newest_ver(tbl, key, clock_.now());
  };
  LINLI_CHECK(sync::apply_overlay(effects_, {actor, overlay, ver_of}, tbl, base));
  return base;
}

Result<std::vector<Row>> Client::rows(std::string_view tbl) {
  const Lock lock(mutex_);
  LINLI_TRY(std::vector<sync::ReplicaRow> base, replica_->rows(tbl, {}, clock_.now()));
  sync::MergedTable table;
  for (sync::ReplicaRow& row : base) {
    // A row that a newer server wrote in another way is left out, not fatal.
    if (auto value = parse_json(row.data, limits::kRowBytesMax)) {
      table.emplace(std::move(row.key), sync::MergedRow{.value = std::move(*value)});
    }
  }
  LINLI_TRY(table, merged(tbl, std::move(table)));
  std::vector<Row> out;
  out.reserve(table.size());
  for (auto& [key, row] : table) out.push_back({key, std::move(row.value), row.pending});
  return out;
}

Result<std::optional<Row>> Client::row(std::string_view tbl, std::string_view key) {
  const Lock lock(mutex_);
  LINLI_TRY(const std::optional<sync::ReplicaRow> base, replica_->row(tbl, key, clock_.now()));
  sync::MergedTable table;
  if (base) {
    if (auto value = parse_json(base->data, limits::kRowBytesMax)) {
      table.emplace(base->key, sync::MergedRow{.value = std::move(*value)});
    }
  }
  LINLI_TRY(table, merged(tbl, std::move(table)));
  const auto at = table.find(key);
  if (at == table.end()) return std::nullopt;
  return Row{at->first, std::move(at->second.value), at->second.pending};
}

Result<std::vector<sync::LocalMutation>> Client::pending() {
  const Lock lock(mutex_);
  return replica_->pending();
}

Result<std::vector<sync::LocalMutation>> Client::attention() {
  const Lock lock(mutex_);
  return replica_->attention();
}

}  // namespace linli::client
