// SPDX-License-Identifier: Apache-2.0
#include "server/community/teams/verify.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "checkin/entry.h"
#include "server/community/roles.h"

namespace linli::community::teams {
namespace {

constexpr std::size_t kPage = 500;
/// What one answer lists of each kind; the first ones are what counts.
constexpr std::size_t kFindingsMax = 200;

class Verifier {
 public:
  Verifier(ReadContext& ctx, const VerifyOptions& options) : ctx_(ctx), options_(options) {}

  Verdict run() {
    walk_log();
    check_head();
    find_inserted();
    check_signed_heads();
    walk_devices();
    check_hours();
    // What has no place in the log, such as hours, follows from what has one.
    std::ranges::stable_sort(out_.findings, {}, [](const Finding& one) {
      return one.pos == 0 ? std::numeric_limits<std::uint64_t>::max() : one.pos;
    });
    return std::move(out_);
  }

 private:
  void find(const char* what, std::uint64_t pos, const std::string& id, std::string detail) {
    if (out_.findings.size() < kFindingsMax)
      out_.findings.push_back({what, pos, id, std::move(detail)});
  }
  void flag(const char* what, std::uint64_t pos, const std::string& id, std::string detail) {
    if (out_.flagged.size() < kFindingsMax)
      out_.flagged.push_back({what, pos, id, std::move(detail)});
  }

  template <class Use>
  void each(const char* tbl, Use use) {
    std::string after;
    for (;;) {
      const auto rows = ctx_.table(tbl, after, kPage);
      for (const auto& [key, row] : rows) use(after = key, *row);
      if (rows.size() < kPage) return;
    }
  }

  // --- The log ----------------------------------------------------------------------------------
  void walk_log() {
    each("attendance_log", [this](const std::string& key, const Json& log) {
      std::uint64_t pos = 0;
      for (const char c : key) pos = pos * 10 + static_cast<std::uint64_t>(c - '0');
      is_before_right_ = is_before_right_ && head_.n + 1 == pos;
      for (; head_.n + 1 < pos; ++head_.n)
        find("removed", head_.n + 1, pos_key(head_.n + 1), "the log has no such place any more");
      is_before_right_ = check_record(pos, log);
      links_[pos] = json_text(log, "link");
      const auto stored = from_hex(json_text(log, "link"));
      head_ = {pos, {}};
      if (stored && stored->size() == 32) std::ranges::copy(as_bytes(*stored), head_.link.begin());
    });
    out_.records = head_.n;
  }

  /// Whether the link of this place follows from the one before.
  bool check_record(std::uint64_t pos, const Json& log) {
    const std::string id = json_text(log, "id");
    Sha256 hash{};
    if (const auto bytes = from_hex(json_text(log, "hash")); bytes && bytes->size() == 32)
      std::ranges::copy(as_bytes(*bytes), hash.begin());
    const checkin::Head next = checkin::append(head_, hash);
    const bool is_linked = to_hex(next.link) == json_text(log, "link");
    known_.insert(id);
    const Row row = ctx_.get("attendance", id);
    if (row == nullptr) {
      find("removed", pos, id, "the log names this entry, it is gone");
    } else if (static_cast<std::uint64_t>(json_int(*row, "pos")) != pos) {
      find("reordered", pos, id,
           "the entry says it is number " + std::to_string(json_int(*row, "pos")));
    } else if (checkin::record_hash(dump_json(*row)) != hash) {
      find("altered", pos, id, "its content is not what the log has hashed");
    } else if (!is_linked && is_before_right_) {
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
    const checkin::Head said = head_of(ctx_);
    if (said.n > head_.n)
      return find("removed", head_.n + 1, pos_key(head_.n + 1),
                  "the log ends before its head, number " + std::to_string(said.n));
    if (said != head_) find("head", head_.n, "head", "the head of the log is not its last place");
  }

  void find_inserted() {
    each("attendance", [this](const std::string& id, const Json& row) {
      const std::string kind = json_text(row, "kind");
      if ((kind == "in" || kind == "out") && !row.contains("refused"))
        served_.insert(pair_key(json_text(row, "shift"), json_text(row, "person")));
      if (!known_.contains(id))
        find("inserted",
             static_cast<std::uint64_t>(std::max<std::int64_t>(0, json_int(row, "pos"))), id,
             "the log does not name this entry");
    });
  }

  void check_signed_heads() {
    each("chain_head", [this](const std::string& day, const Json& row) {
      const auto n = static_cast<std::uint64_t>(json_int(row, "n"));
      const auto known = links_.find(n);
      if (known == links_.end() || known->second != json_text(row, "link"))
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
    std::optional<sync::IndexHit> after;
    std::string cid;
    std::vector<checkin::Entry> last;
    for (;;) {
      const auto hits = ctx_.scan("attendance.device", "", after, kPage);
      for (const sync::IndexHit& hit : hits) {
        const Row row = ctx_.get("attendance", hit.key);
        const auto entry = row ? checkin::parse_entry(json_text(*row, "entry"))
                               : Result<checkin::Entry>(fail(Errc::not_found));
        if (!entry) continue;
        if (const std::string now = json_text(*row, "cid"); now != cid) {
          cid = now;
          last.clear();
        }
        step(hit.key, *row, *entry, last);
      }
      if (hits.size() < kPage) return;
      after = hits.back();
    }
  }

  /// `last` holds the entries at the newest place of this device: more than one is a fork.
  void step(const std::string& id, const Json& row, const checkin::Entry& entry,
            std::vector<checkin::Entry>& last) {
    const auto pos = static_cast<std::uint64_t>(json_int(row, "pos"));
    const std::string number = std::to_string(entry.dseq);
    if (!last.empty() && last.front().dseq == entry.dseq) {
      flag("fork", pos, id,
           "number " + number + " of its phone exists twice: the phone was copied");
      last.push_back(entry);
      return;
    }
    const std::uint32_t before = last.empty() ? 0 : last.front().dseq;
    if (entry.dseq > before + 1) {
      flag("gap", pos, id, "entries before number " + number + " of its phone never came");
    } else if (before > 0) {
      const bool follows = std::ranges::any_of(
          last, [&](const checkin::Entry& one) { return checkin::entry_hash(one) == entry.prev; });
      if (!follows)
        flag("chain", pos, id, "number " + number + " does not follow its phone's last");
    }
    last = {entry};
  }

  // --- Hours -------------------------------------------------------------------------------------
  void check_hours() {
    each("hours", [this](const std::string& key, const Json& row) {
      served_.erase(key);
      const auto now = derive(ctx_, json_text(row, "shift"), json_text(row, "person"));
      if (!now) return find("hours", 0, key, "no entry says so");
      const bool is_closing = json_text(row, "state") == "open";
      for (const char* member : {"in_at", "out_at", "minutes", "grade", "state"}) {
        // A shift that ended is closed in steps.
        if (is_closing && *member != 'i') continue;
        if (row.value(member, Json()) != now->value(member, Json()))
          return find("hours", 0, key, std::string(member) + " does not follow from the entries");
      }
      persons_.insert(json_text(row, "person"));
    });
    for (const std::string& key : served_)
      find("hours", 0, key, "entries say so, and the hours are gone");
    for (const std::string& person : persons_) check_counted(person);
  }

  void check_counted(const std::string& person) {
    std::vector<std::pair<std::string, Json>> rows;
    std::optional<sync::IndexHit> after;
    for (;;) {
      const auto hits = ctx_.scan("hours.person", exact(person), after, kPage);
      for (const sync::IndexHit& hit : hits)
        if (const Row row = ctx_.get("hours", hit.key)) rows.emplace_back(hit.key, *row);
      if (hits.size() < kPage) break;
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
  Verdict out_;
  checkin::Head head_;
  /// Whether the place before is as it was, so that this one's link has to follow from its: what
  /// comes after a place that is gone or was swapped is not accused for it.
  bool is_before_right_ = true;
  std::map<std::uint64_t, std::string> links_;
  std::set<std::string> known_;
  std::set<std::string> persons_;
  /// Keys of hours that the entries tell of.
  std::set<std::string> served_;
};

Json list_of(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const Finding& one : findings)
    out.push_back({{"what", one.what}, {"pos", one.pos}, {"id", one.id}, {"detail", one.detail}});
  return out;
}

Result<Json> run_verify(ReadContext& ctx, const Json& params) {
  VerifyOptions options;
  options.slug = json_text(params, "slug");
  if (const auto pub = from_hex(json_text(params, "server")); pub && pub->size() == 32) {
    options.server.emplace();
    std::ranges::copy(as_bytes(*pub), options.server->begin());
  }
  const Verdict verdict = verify_attendance(ctx, options);
  return Json{{"records", verdict.records},
              {"heads_checked", options.server.has_value()},
              {"findings", list_of(verdict.findings)},
              {"flagged", list_of(verdict.flagged)}};
}

}  // namespace

Verdict verify_attendance(ReadContext& ctx, const VerifyOptions& options) {
  return Verifier(ctx, options).run();
}

void declare_verify(sync::Registry& registry) {
  add(registry, Query{.name = "attendance.verify",
                      .summary = "Walks every chain of attendance; names what was changed.",
                      .params = arg::object({{"server", arg::hex(64)}, {"slug", arg::text(32)}}),
                      .permit = allow({Role::supervisor, Role::approver, Role::window}),
                      .run = run_verify});
}

}  // namespace linli::community::teams
