// SPDX-License-Identifier: Apache-2.0
#include "server/community/teams/verify.h"

#include <algorithm>
#include <limits>

#include "checkin/entry.h"
#include "server/community/roles.h"

namespace linli::community::teams {
namespace {

/// Names of the phases do not matter to a caller: this many walks of every record are one verdict.
constexpr std::uint64_t kRounds = 4;
/// Records of one row of hours, for the progress of the last round: in, out and now and then more.
constexpr std::uint64_t kRecordsAnHour = 3;

using Phase = VerifyCursor::Phase;

std::uint64_t place_of(const Json& row) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, json_int(row, "pos")));
}

class Verifier {
 public:
  Verifier(ReadContext& ctx, const VerifyOptions& options, VerifyCursor& at)
      : ctx_(ctx), options_(options), at_(at) {}

  void page() {
    if (!at_.said) at_.said = head_of(ctx_);
    switch (at_.phase) {
      case Phase::log: return walk_log();
      case Phase::rows: return find_inserted();
      case Phase::heads: return check_signed_heads();
      case Phase::devices: return walk_devices();
      case Phase::hours: return check_hours();
      case Phase::over: return;
    }
  }

 private:
  void find(const char* what, std::uint64_t pos, const std::string& id, std::string detail) {
    if (at_.verdict.findings.size() < kVerifyFindingsMax)
      at_.verdict.findings.push_back({what, pos, id, std::move(detail)});
  }
  void flag(const char* what, std::uint64_t pos, const std::string& id, std::string detail) {
    if (at_.verdict.flagged.size() < kVerifyFindingsMax)
      at_.verdict.flagged.push_back({what, pos, id, std::move(detail)});
  }
  void next_phase() {
    at_.phase = static_cast<Phase>(static_cast<int>(at_.phase) + 1);
    at_.after.clear();
    at_.looked = 0;
  }

  /// One page of a table; the next phase after its last.
  template <class Use>
  void each(const char* tbl, Use use) {
    const auto rows = ctx_.table(tbl, at_.after, options_.page_rows);
    for (const auto& [key, row] : rows) use(at_.after = key, *row);
    at_.looked += rows.size();
    if (rows.size() < options_.page_rows) next_phase();
  }
  template <class Use>
  void each_hit(const char* index, Use use) {
    const auto after = at_.after.empty() ? std::nullopt : parse_cursor({{"after", at_.after}});
    const auto hits = ctx_.scan(index, "", after, options_.page_rows);
    for (const sync::IndexHit& hit : hits) use(hit);
    at_.looked += hits.size();
    if (hits.size() < options_.page_rows) return next_phase();
    at_.after = cursor_text(hits.back());
  }

  // --- The log ----------------------------------------------------------------------------------
  void walk_log() {
    const auto rows = ctx_.table("attendance_log", at_.after, options_.page_rows);
    bool is_end = rows.size() < options_.page_rows;
    for (const auto& [key, log] : rows) {
      std::uint64_t pos = 0;
      for (const char c : key) pos = pos * 10 + static_cast<std::uint64_t>(c - '0');
      if (pos > at_.said->n && is_later(pos)) {
        is_end = true;
        break;
      }
      at_.after = key;
      step_log(pos, *log);
    }
    if (!is_end) return;
    at_.verdict.records = at_.head.n;
    check_head();
    next_phase();
  }

  /// Whether the log has grown past `pos` since the first page.
  bool is_later(std::uint64_t pos) {
    const checkin::Head now = head_of(ctx_);
    return now.n > at_.said->n && pos <= now.n;
  }

  void step_log(std::uint64_t pos, const Json& log) {
    at_.is_before_right = at_.is_before_right && at_.head.n + 1 == pos;
    for (; at_.head.n + 1 < pos; ++at_.head.n)
      find("removed", at_.head.n + 1, pos_key(at_.head.n + 1),
           "the log has no such place any more");
    at_.is_before_right = check_record(pos, log);
    const auto stored = from_hex(json_text(log, "link"));
    at_.head = {pos, {}};
    if (stored && stored->size() == 32) std::ranges::copy(as_bytes(*stored), at_.head.link.begin());
  }

  /// Whether the link of this place follows from the one before.
  bool check_record(std::uint64_t pos, const Json& log) {
    const std::string id = json_text(log, "id");
    Sha256 hash{};
    if (const auto bytes = from_hex(json_text(log, "hash")); bytes && bytes->size() == 32)
      std::ranges::copy(as_bytes(*bytes), hash.begin());
    const checkin::Head next = checkin::append(at_.head, hash);
    const bool is_linked = to_hex(next.link) == json_text(log, "link");
    const Row row = ctx_.get("attendance", id);
    if (row == nullptr) {
      find("removed", pos, id, "the log names this entry, it is gone");
    } else if (static_cast<std::uint64_t>(json_int(*row, "pos")) != pos) {
      find("reordered", pos, id,
           "the entry says it is number " + std::to_string(json_int(*row, "pos")));
    } else if (checkin::record_hash(dump_json(*row)) != hash) {
      find("altered", pos, id, "its content is not what the log has hashed");
    } else if (!is_linked && at_.is_before_right) {
      find("altered", pos, id, "the link of this place does not follow from the one before");
    } else {
      check_entry(pos, id, *row);
    }
    return is_linked;
  }

  void check_entry(std::uint64_t pos, const std::string& id, const Json& row) {
    if (row.contains("refused"))
      flag("refused", pos, id, json_text(row, "refused"));
    else if (json_bool(row, "elsewhere"))
      flag("refused", pos, id, "elsewhere: taken at grade C");
    if (!row.contains("entry")) return;
    const auto entry = checkin::parse_entry(json_text(row, "entry"));
    const bool is_genuine =
        entry && checkin::check_signature(*entry) && checkin::entry_id(*entry) == id &&
        entry->shift == json_text(row, "shift") && entry->person == json_text(row, "person");
    if (!is_genuine) find("signature", pos, id, "the device's signature does not cover this entry");
  }

  void check_head() {
    const checkin::Head& said = *at_.said;
    if (said.n > at_.head.n)
      return find("removed", at_.head.n + 1, pos_key(at_.head.n + 1),
                  "the log ends before its head, number " + std::to_string(said.n));
    if (said != at_.head)
      find("head", at_.head.n, "head", "the head of the log is not its last place");
  }

  /// Every row must be the one that the log names at its place, later ones included.
  void find_inserted() {
    each("attendance", [this](const std::string& id, const Json& row) {
      const std::uint64_t pos = place_of(row);
      const Row log = ctx_.get("attendance_log", pos_key(pos));
      const bool is_in_place = log != nullptr && json_text(*log, "id") == id;
      // One with a wrong place was found in the log's own round.
      if (!is_in_place && !is_found(id))
        return find("inserted", pos, id, "the log does not name this entry");
      const std::string kind = json_text(row, "kind");
      if ((kind != "in" && kind != "out") || row.contains("refused")) return;
      const std::string hours = pair_key(json_text(row, "shift"), json_text(row, "person"));
      if (ctx_.get("hours", hours) == nullptr && !is_found(hours))
        find("hours", 0, hours, "entries say so, and the hours are gone");
    });
  }

  [[nodiscard]] bool is_found(const std::string& id) const {
    return std::ranges::any_of(at_.verdict.findings,
                               [&](const Finding& one) { return one.id == id; });
  }

  void check_signed_heads() {
    each("chain_head", [this](const std::string& day, const Json& row) {
      const auto n = static_cast<std::uint64_t>(json_int(row, "n"));
      const Row known = ctx_.get("attendance_log", pos_key(n));
      if (known == nullptr || json_text(*known, "link") != json_text(row, "link"))
        find("rewritten", n, day,
             "the head published that day is not in the log: what lies before"
             " was rewritten");
      const std::string sig = json_text(row, "sig");
      if (sig.empty() || !options_.server) return;
      const auto bytes = from_base64url(sig);
      const auto link = from_hex(json_text(row, "link"));
      checkin::Head head{n, {}};
      if (link && link->size() == 32) std::ranges::copy(as_bytes(*link), head.link.begin());
      if (!bytes ||
          !checkin::verify_head(*options_.server, options_.slug, day, head, as_bytes(*bytes)))
        find("signature", n, day, "the server's signature under the head of that day");
    });
  }

  // --- The chains of devices ---------------------------------------------------------------------
  void walk_devices() {
    each_hit("attendance.device", [this](const sync::IndexHit& hit) {
      const Row row = ctx_.get("attendance", hit.key);
      const auto entry = row ? checkin::parse_entry(json_text(*row, "entry"))
                             : Result<checkin::Entry>(fail(Errc::not_found));
      if (!entry || place_of(*row) > at_.said->n) return;
      if (const std::string now = json_text(*row, "cid"); now != at_.cid) {
        at_.cid = now;
        at_.dseq = 0;
        at_.newest.clear();
      }
      step_device(hit.key, *row, *entry);
    });
  }

  void step_device(const std::string& id, const Json& row, const checkin::Entry& entry) {
    const std::uint64_t pos = place_of(row);
    const std::string number = std::to_string(entry.dseq);
    const std::string hash = to_hex(checkin::entry_hash(entry));
    if (!at_.newest.empty() && at_.dseq == entry.dseq) {
      flag("fork", pos, id,
           "number " + number + " of its phone exists twice: the phone was copied");
      at_.newest.push_back(hash);
      return;
    }
    if (entry.dseq > at_.dseq + 1) {
      flag("gap", pos, id, "entries before number " + number + " of its phone never came");
    } else if (at_.dseq > 0 &&
               std::ranges::find(at_.newest, to_hex(entry.prev)) == at_.newest.end()) {
      flag("chain", pos, id, "number " + number + " does not follow its phone's last");
    }
    at_.dseq = entry.dseq;
    at_.newest = {hash};
  }

  // --- Hours -------------------------------------------------------------------------------------
  /// By person, so that each person's shifts are counted once, in the page where they begin.
  void check_hours() {
    std::string person = person_before();
    each_hit("hours.person", [&](const sync::IndexHit& hit) {
      const Row row = ctx_.get("hours", hit.key);
      if (row == nullptr || !check_one(hit.key, *row)) return;
      if (json_text(*row, "person") == person) return;
      check_counted(person = json_text(*row, "person"));
    });
    if (at_.phase != Phase::over) return;
    // What has no place in the log, such as hours, follows from what has one.
    std::ranges::stable_sort(at_.verdict.findings, {}, [](const Finding& one) {
      return one.pos == 0 ? std::numeric_limits<std::uint64_t>::max() : one.pos;
    });
  }

  std::string person_before() {
    const auto hit = parse_cursor({{"after", at_.after}});
    const Row row = hit ? ctx_.get("hours", hit->key) : nullptr;
    return row ? json_text(*row, "person") : std::string();
  }

  /// Whether entries give these hours at all.
  bool check_one(const std::string& key, const Json& row) {
    const auto now = derive(ctx_, json_text(row, "shift"), json_text(row, "person"));
    if (!now) {
      find("hours", 0, key, "no entry says so");
      return false;
    }
    const bool is_closing = json_text(row, "state") == "open";
    for (const char* member : {"in_at", "out_at", "minutes", "grade", "state"}) {
      // A shift that ended is closed in steps.
      if (is_closing && *member != 'i') continue;
      if (row.value(member, Json()) == now->value(member, Json())) continue;
      find("hours", 0, key, std::string(member) + " does not follow from the entries");
      return false;
    }
    return true;
  }

  void check_counted(const std::string& person) {
    std::vector<std::pair<std::string, Json>> rows;
    std::optional<sync::IndexHit> after;
    for (;;) {
      const auto hits = ctx_.scan("hours.person", exact(person), after, options_.page_rows);
      for (const sync::IndexHit& hit : hits)
        if (const Row row = ctx_.get("hours", hit.key)) rows.emplace_back(hit.key, *row);
      if (hits.size() < options_.page_rows) break;
      after = hits.back();
    }
    auto counted = rows;
    count_rows(counted);
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i].second.value("counted", 0) != counted[i].second.value("counted", 0))
        find("hours", 0, rows[i].first, "counted does not follow from the person's shifts");
  }

  ReadContext& ctx_;
  const VerifyOptions& options_;
  VerifyCursor& at_;
};

/// Records walked, of kRounds times all of them.
std::uint64_t walked(const VerifyCursor& at) {
  const std::uint64_t all = at.said->n;
  switch (at.phase) {
    case Phase::log: return std::min(at.head.n, all);
    case Phase::rows: return all + std::min(at.looked, all);
    case Phase::heads: return 2 * all;
    case Phase::devices: return 2 * all + std::min(at.looked, all);
    case Phase::hours: return 3 * all + std::min(at.looked * kRecordsAnHour, all);
    case Phase::over: return kRounds * all;
  }
  return 0;
}

Result<Json> run_verify(ReadContext& ctx, const Json& params) {
  VerifyOptions options;
  options.slug = json_text(params, "slug");
  if (const auto pub = from_hex(json_text(params, "server")); pub && pub->size() == 32) {
    options.server.emplace();
    std::ranges::copy(as_bytes(*pub), options.server->begin());
  }
  VerifyCursor cursor = verify_cursor(params.value("cursor", Json::object()));
  verify_page(ctx, options, cursor);
  if (cursor.phase != Phase::over)
    return Json{{"cursor", to_json(cursor)},
                {"walked", walked(cursor) / kRounds},
                {"records", cursor.said->n}};
  return Json{{"records", cursor.verdict.records},
              {"heads_checked", options.server.has_value()},
              {"findings", list_of(cursor.verdict.findings)},
              {"flagged", list_of(cursor.verdict.flagged)}};
}

}  // namespace

void verify_page(ReadContext& ctx, const VerifyOptions& options, VerifyCursor& cursor) {
  Verifier(ctx, options, cursor).page();
}

Verdict verify_attendance(ReadContext& ctx, const VerifyOptions& options) {
  VerifyCursor cursor;
  while (cursor.phase != Phase::over) verify_page(ctx, options, cursor);
  return std::move(cursor.verdict);
}

void declare_verify(sync::Registry& registry) {
  add(registry, Query{.name = "attendance.verify",
                      .summary = "Walks the chains of attendance by pages; names what was changed.",
                      .params = arg::object({{"server", arg::hex(64)},
                                             {"slug", arg::text(32)},
                                             {"cursor", {{"type", "object"}}}}),
                      .permit = allow({Role::supervisor, Role::approver, Role::window}),
                      .run = run_verify});
}

}  // namespace linli::community::teams
