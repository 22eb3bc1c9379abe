// SPDX-License-Identifier: Apache-2.0
// Taking entries: from the volunteer's phone and from the lead's, in either order.
#include <algorithm>

#include "checkin/codes.h"
#include "checkin/entry.h"
#include "server/community/membership.h"
#include "server/community/roles.h"
#include "server/community/teams/hours.h"

namespace linli::community::teams {
namespace {

using checkin::Entry;
using checkin::EntryType;
using checkin::Method;

/// Digits of a window so far from the phone's time are looked for: two hours, about as much as a
/// volunteer is late. Each window costs one HMAC of about 1 us in the writer.
constexpr std::uint32_t kDigitsSearch = 2 * 120;
/// Codes are shown so long before the shift begins and after it ends.
constexpr std::int64_t kShownAroundMs = 3600 * 1000;

std::string cid_of(const PublicKey& pub) { return client_id_of(pub).hex(); }

/// Everything that the arguments say and that needs no row (ADR 0009).
Result<void> verify_args(const Json& args) {
  LINLI_TRY(const Entry entry, checkin::parse_entry(json_text(args, "entry")));
  LINLI_CHECK(checkin::check_signature(entry));
  const bool is_same =
      entry.type != EntryType::countersign && checkin::entry_id(entry) == json_text(args, "id") &&
      entry.shift == json_text(args, "shift") && entry.person == json_text(args, "person") &&
      checkin::kind_name(entry.type) == json_text(args, "kind");
  if (!is_same) return fail(Errc::invalid_argument, "the members do not repeat the entry");
  const std::string qr = json_text(args, "qr");
  const bool has_code = entry.method == Method::lead_code || entry.method == Method::station_code;
  if (has_code != !qr.empty())
    return fail(Errc::invalid_argument, "qr: the code that the entry names, and only then");
  if (has_code) {
    LINLI_TRY(const Sha256 hash, checkin::code_hash(qr));
    if (as_text(hash) != entry.evidence)
      return fail(Errc::invalid_argument, "qr: another code than the entry names");
  }
  if (entry.method == Method::lead_code) {
    LINLI_TRY(const auto code, checkin::parse_lead_code(qr));
    if (code.shift != entry.shift) return fail(Errc::invalid_argument, "qr: of another shift");
  }
  if (entry.method == Method::station_code) LINLI_CHECK(checkin::parse_station_code(qr));
  if (!args.contains("countersign")) return {};
  LINLI_TRY(const Entry counter, checkin::parse_entry(json_text(args, "countersign")));
  LINLI_TRY(const Sha256 target, checkin::signed_hash(counter));
  if (target != checkin::entry_hash(entry) || counter.shift != entry.shift ||
      counter.person != entry.person || checkin::is_by_lead(entry.type))
    return fail(Errc::invalid_argument, "countersign: of another entry");
  return checkin::check_signature(counter);
}

/// A key as the community knows it.
struct Signer {
  std::string cid;
  std::string account;
  std::string person;
  /// 0 = in use.
  std::int64_t revoked_at = 0;
};

Result<Signer> signer_of(ReadContext& ctx, const PublicKey& pub) {
  Signer out;
  out.cid = cid_of(pub);
  LINLI_TRY(const Row device, need(ctx, "device", out.cid));
  out.account = json_text(*device, "account");
  out.revoked_at = json_int(*device, "revoked_at");
  if (const Row account = ctx.get("account", out.account))
    out.person = json_text(*account, "person");
  return out;
}

/// The clock of who sends is known now, and only of who made the entry.
std::optional<std::int64_t> captured_of(MutatorContext& ctx, const Signer& signer) {
  if (ctx.actor().via != sync::Via::device || actor_id(ctx) != signer.account) return std::nullopt;
  return to_unix_ms(ctx.captured_at());
}

struct Taking {
  MutatorContext& ctx;
  const Json& args;
  const Entry entry;
  const std::string id;
  const Row shift;
  const Signer signer;
};

Json record_row(const Taking& taking, const Entry& entry, const Signer& signer) {
  Json row = {{"kind", checkin::kind_name(entry.type)},
              {"shift", entry.shift},
              {"person", entry.person},
              {"entry", checkin::encode(entry)},
              {"cid", signer.cid},
              {"dseq", entry.dseq},
              {"device_at", entry.at},
              {"by", signer.account}};
  copy_members(*taking.shift, row, {"team", "community"});
  if (const auto captured = captured_of(taking.ctx, signer)) row["captured"] = *captured;
  return row;
}

void refuse(Json& row, const char* why) {
  if (!row.contains("refused")) row["refused"] = why;
}

void check_revoked(const Signer& signer, const Entry& entry, Json& row) {
  if (signer.revoked_at == 0) return;
  const std::int64_t at = row.contains("captured") ? json_int(row, "captured") : entry.at;
  if (at > signer.revoked_at) refuse(row, "revoked");
}

/// A lead's rotating code: whose it is, where, and whether it was used before.
void take_lead_code(const Taking& taking, Json& row) {
  const std::string qr = json_text(taking.args, "qr");
  const auto code = checkin::parse_lead_code(qr);
  const std::string team = json_text(*taking.shift, "team");
  const std::string lead = cid_of(code->lead);
  row["qr"] = qr;
  row["window"] = code->window;
  row["lead"] = lead;
  row["nonce"] = taking.entry.shift + ":" + lead + ":" + to_hex(code->nonce);
  if (code->place != json_text(*taking.shift, "place")) row["elsewhere"] = true;
  const auto known = signer_of(taking.ctx, code->lead);
  if (code->team != team || !known || !is_lead(taking.ctx, team, known->person))
    return refuse(row, "not_lead");
  if (known->person == taking.entry.person) return refuse(row, "own_code");
  for (const std::string& key :
       keys_of(taking.ctx, "attendance.nonce", json_text(row, "nonce"), 500)) {
    const Row other = taking.ctx.get("attendance", key);
    if (json_int(*other, "window") != json_int(row, "window")) return refuse(row, "nonce_reused");
    // One person, one code, one act: a second use of it is a copy.
    const bool is_again = json_text(*other, "person") == taking.entry.person &&
                          json_text(*other, "kind") == json_text(row, "kind") &&
                          !other->contains("refused");
    if (is_again) return refuse(row, "already_used");
  }
}

void take_station_code(const Taking& taking, Json& row) {
  const std::string qr = json_text(taking.args, "qr");
  const auto code = checkin::parse_station_code(qr);
  row["qr"] = qr;
  if (code->station != json_text(*taking.shift, "place")) row["elsewhere"] = true;
  const Row station = taking.ctx.get("team", code->station);
  const std::string hash = to_hex(as_bytes(taking.entry.evidence));
  if (station == nullptr || json_text(*station, "code_hash") != hash) refuse(row, "wrong_code");
}

/// Windows around the phone's time first, then those of the shift that are not far from it.
std::optional<std::uint32_t> window_of_digits(const Taking& taking, ByteView key,
                                              std::int64_t captured) {
  const std::uint32_t around = checkin::window_of(captured);
  const std::uint32_t first = checkin::window_of(
      std::max<std::int64_t>(0, json_int(*taking.shift, "from") - kShownAroundMs));
  const std::uint32_t last = checkin::window_of(json_int(*taking.shift, "to") + kShownAroundMs);
  const auto is_it = [&](std::uint32_t window) {
    return window >= first && window <= last &&
           checkin::six_digits(key, window) == taking.entry.evidence;
  };
  for (std::uint32_t by = 0; by <= kDigitsSearch; ++by) {
    if (around >= by && is_it(around - by)) return around - by;
    if (by > 0 && is_it(around + by)) return around + by;
  }
  return std::nullopt;
}

void take_digits(const Taking& taking, Json& row) {
  const Row stored = taking.ctx.get("shift_key", taking.entry.shift);
  const auto key = from_base64url(stored ? json_text(*stored, "key") : std::string());
  const std::int64_t captured =
      row.contains("captured") ? json_int(row, "captured") : taking.entry.at;
  const auto window = key ? window_of_digits(taking, as_bytes(*key), captured) : std::nullopt;
  if (!window) return refuse(row, "wrong_code");
  row["window"] = *window;
}

/// Who may make this entry. Errors: forbidden.
Result<void> check_maker(const Taking& taking) {
  const std::string team = json_text(*taking.shift, "team");
  if (checkin::is_by_lead(taking.entry.type)) {
    const bool is_own = taking.signer.person == taking.entry.person;
    if (is_own) return fail(Errc::same_person, "a lead's own hours are entered by another lead");
    if (taking.entry.note.empty()) return fail(Errc::invalid_argument, "note: the reason");
    if (is_lead(taking.ctx, team, taking.signer.person)) return {};
    return fail(Errc::forbidden, "only a lead of the team enters others");
  }
  if (speaks_for(taking.ctx, taking.signer.account, taking.entry.person, "book")) return {};
  return fail(Errc::forbidden, "the phone is not that person's");
}

/// Whoever sends made the entry, or is a lead who scanned the receipt.
Result<void> check_sender(const Taking& taking) {
  const std::string sender = actor_id(taking.ctx);
  if (is_system(taking.ctx) || sender == taking.signer.account) return {};
  const bool may = taking.args.contains("countersign") &&
                   is_lead(taking.ctx, json_text(*taking.shift, "team"), actor_person(taking.ctx));
  if (!may) return fail(Errc::forbidden, "somebody else's entry");
  return {};
}

Result<void> note_walk_up(const Taking& taking) {
  const std::string person = taking.entry.person;
  if (is_walk_up(person) != taking.args.contains("walk_up"))
    return fail(Errc::invalid_argument,
                "walk_up: name and last digits of a walk-up, and only then");
  if (!is_walk_up(person)) {
    LINLI_CHECK(need(taking.ctx, "person", person));
    return {};
  }
  if (taking.ctx.get("walkup", person) != nullptr) return {};
  Json row = taking.args.at("walk_up");
  row["shift"] = taking.entry.shift;
  copy_members(*taking.shift, row, {"team", "community"});
  taking.ctx.put("walkup", person, std::move(row));
  return {};
}

Result<void> take_entry(const Taking& taking) {
  const auto captured = captured_of(taking.ctx, taking.signer);
  if (const Row known = taking.ctx.get("attendance", taking.id)) {
    // The lead brought it before; now its own phone tells how its clock stands.
    const std::string seen = taking.id + ".seen";
    if (!captured || known->contains("captured") || taking.ctx.get("attendance", seen)) return {};
    Json row = {{"kind", "seen"},
                {"target", taking.id},
                {"captured", *captured},
                {"by", taking.signer.account}};
    copy_members(*known, row, {"shift", "person", "team", "community"});
    append_record(taking.ctx, seen, std::move(row));
    return {};
  }
  LINLI_CHECK(check_maker(taking));
  LINLI_CHECK(note_walk_up(taking));
  Json row = record_row(taking, taking.entry, taking.signer);
  check_revoked(taking.signer, taking.entry, row);
  if (taking.entry.method == Method::lead_code) take_lead_code(taking, row);
  if (taking.entry.method == Method::station_code) take_station_code(taking, row);
  if (taking.entry.method == Method::digits) take_digits(taking, row);
  append_record(taking.ctx, taking.id, std::move(row));
  return {};
}

Result<void> take_countersign(const Taking& taking) {
  const auto counter = checkin::parse_entry(json_text(taking.args, "countersign"));
  const std::string id = checkin::entry_id(*counter);
  if (taking.ctx.get("attendance", id) != nullptr) return {};
  LINLI_TRY(const Signer lead, signer_of(taking.ctx, counter->device));
  Json row = record_row(taking, *counter, lead);
  row["target"] = taking.id;
  check_revoked(lead, *counter, row);
  // Who showed the code scans the receipt back; a lead never signs for oneself.
  const Row signed_entry = taking.ctx.get("attendance", taking.id);
  const bool is_shower = json_text(*signed_entry, "lead") == lead.cid;
  if (lead.person == taking.entry.person) refuse(row, "own_code");
  if (!is_lead(taking.ctx, json_text(*taking.shift, "team"), lead.person) || !is_shower)
    refuse(row, "not_lead");
  append_record(taking.ctx, id, std::move(row));
  return {};
}

/// A new entry next to a fork's first one: its hours have to tell too.
void recompute_forked(const Taking& taking) {
  const std::string place = exact(taking.signer.cid) + pos_key(taking.entry.dseq);
  for (const sync::IndexHit& hit : taking.ctx.scan("attendance.device", place, std::nullopt, 5)) {
    if (hit.key == taking.id) continue;
    const Row other = taking.ctx.get("attendance", hit.key);
    recompute(taking.ctx, json_text(*other, "shift"), json_text(*other, "person"));
  }
}

MutatorResult record(MutatorContext& ctx, const Json& args) {
  LINLI_TRY(Entry entry, checkin::parse_entry(json_text(args, "entry")));
  LINLI_TRY(Row shift, need(ctx, "shift", entry.shift));
  LINLI_TRY(Signer signer, signer_of(ctx, entry.device));
  const std::string id = checkin::entry_id(entry);
  const Taking taking{ctx, args, std::move(entry), id, std::move(shift), std::move(signer)};
  LINLI_CHECK(check_sender(taking));
  LINLI_CHECK(take_entry(taking));
  if (args.contains("countersign")) LINLI_CHECK(take_countersign(taking));
  recompute_forked(taking);
  const Json hours = recompute(ctx, taking.entry.shift, taking.entry.person);
  Json out = {{"id", id}};
  const Row stored = ctx.get("attendance", id);
  if (stored->contains("refused")) out["refused"] = stored->at("refused");
  if (hours.is_object()) copy_members(hours, out, {"grade", "state", "minutes", "flags"});
  return out;
}

Json record_schema() {
  const Json code = arg::text(900, 8);
  return arg::object(
      {{"id!", arg::hex(32)},
       {"entry!", code},
       {"shift!", arg::short_id()},
       {"person!", arg::id()},
       {"kind!", arg::one_of({"in", "out"})},
       {"qr", code},
       {"countersign", code},
       {"walk_up", arg::object({{"name!", arg::text(20, 1)}, {"last4!", arg::text(4, 4)}})}});
}

}  // namespace

void declare_attendance(sync::Registry& registry) {
  const Json shown = {
      {"op", "patch"},
      {"tbl", "attendance"},
      {"key", "{id}"},
      {"row",
       {{"kind", "{kind}"}, {"shift", "{shift}"}, {"person", "{person}"}, {"entry", "{entry}"}}}};
  add(registry,
      Mutator{.name = "attendance.record",
              .summary = "A signed check-in or check-out, with or without the lead's countersign.",
              .args = record_schema(),
              .verify = verify_args,
              .permit = anyone,
              .run = record,
              .effects = Json::array({shown}),
              .path = "/attendance"});
}

}  // namespace linli::community::teams
