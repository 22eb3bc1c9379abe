// SPDX-License-Identifier: Apache-2.0
// Sending in steps: collect the snapshot page by page, publish, grant the audience bucket page by
// page, sweep what an older snapshot left. Each step is one small system mutation (M8, M12), so a
// restart resumes at the last page and no other mutation waits longer than one step.
#include <algorithm>

#include "server/community/areas/module.h"
#include "server/community/membership.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"

namespace linli::community::notices {
namespace {

std::string digits(std::int64_t number, std::size_t width) {
  const std::string text = std::to_string(number);
  return std::string(width - std::min(width, text.size()), '0') + text;
}

void continue_later(MutatorContext& ctx, const std::string& id, Json job) {
  put_job(ctx, id, std::move(job));
  // One millisecond on, so that the new due row is another one than the row that runs now.
  ctx.schedule(ctx.now() + Millis{1}, "notice.fanout", id);
}

/// Order-independent sum over the members: equal sets have equal sums (checked with their count).
class MemberSum {
 public:
  explicit MemberSum(const Json& job)
      : a_(std::stoull(json_text(job, "sum_a"), nullptr, 16)),
        b_(std::stoull(json_text(job, "sum_b"), nullptr, 16)) {}
  void add(const std::string& person) { a_ += text_hash(person, 1), b_ += text_hash(person, 2); }
  void store(Json& job) const { job["sum_a"] = hex_of(a_), job["sum_b"] = hex_of(b_); }

 private:
  std::uint64_t a_;
  std::uint64_t b_;
};

bool has_rows(ReadContext& ctx, std::string_view tbl, const std::string& id) {
  const auto rows = ctx.table(tbl, id + ":", 1);
  return !rows.empty() && rows.front().first.starts_with(id + ":");
}

Json new_job(const Json& admin, const char* phase) {
  return {{"phase", phase},
          {"snap", admin.at("snap")},
          {"community", admin.at("community")},
          {"check", false},
          {"source", 0},
          {"page", 0},
          {"scanned", 0},
          {"n", 0},
          {"m", json_int(admin, "approved_persons")},
          {"sum_a", "0"},
          {"sum_b", "0"},
          {"old_to", Json::array()}};
}

/// The row is out and the gateway knows, in one mutation (B6).
void publish(MutatorContext& ctx, const std::string& id, Json& admin) {
  const Json& content = admin.at("content");
  admin["state"] = "sent";
  admin["sent_at"] = now_ms(ctx);
  admin["alert"] = is_urgent(content) && !json_bool(content, "drill");
  put_public(ctx, id, admin);
  keep_version(ctx, id, admin, "sent");
  ctx.outbox("notice_sent", gateway_row(ctx, id, admin));
  if (const std::int64_t to = json_int(content, "valid_to"); to != 0)
    ctx.schedule(from_unix_ms(to), "notice.expire", id);
  ctx.schedule(ctx.now() + kKeep, "notice.archive", id);
}

void place_directly(ReadContext& ctx, Json& admin) {
  admin["to"] = Json::array();
  for (const std::string& area : outer_areas(ctx, admin.at("audience")))
    admin["to"].push_back(areas::bucket(area, lane_of(admin.at("content"))));
}

/// The bucket of an identical member set and lane, else a new one. Its members are granted it all
/// the same: the notice that made it may have been withdrawn before it came to all of them.
void place_in_audience(MutatorContext& ctx, const std::string& id, Json& admin, const Json& job) {
  const sync::Lane lane = lane_of(admin.at("content"));
  const std::string members = json_text(job, "sum_a") + json_text(job, "sum_b") + "." +
                              std::to_string(json_int(job, "n")) + "." +
                              std::string(sync::lane_name(lane));
  const auto same = keys_of(ctx, "aud.members", members, 1);
  const std::string key = same.empty() ? ctx.new_id().substr(0, 24) : same.front();
  Json row = same.empty() ? Json{{"members", members}} : *ctx.get("aud", key);
  add_text(row, "notices", id);
  ctx.put("aud", key, std::move(row));
  const std::string bucket = "aud:" + key;
  ctx.ensure_bucket({bucket, lane, static_cast<std::uint8_t>(lane == sync::Lane::urgent ? 0 : 2)});
  admin["to"] = Json::array({bucket});
}

void finish(MutatorContext& ctx, const std::string& id, const Json& admin, Json job) {
  if (is_live(admin))
    ctx.outbox("notice_changed", {{"notice", id},
                                  {"rev", admin.at("rev")},
                                  {"what", "audience"},
                                  {"snap", admin.at("snap")},
                                  {"persons", admin.at("persons")}});
  if (json_int(job, "snap") > 1) {
    job["phase"] = "sweep";
    job["below"] = job.at("snap");
    continue_later(ctx, id, std::move(job));
    return;
  }
  end_job(ctx, id);
}

/// Between approval and its time more than a tenth of the people changed: ask again (M28).
bool has_moved(const Json& admin, std::int64_t persons) {
  const std::int64_t approved = json_int(admin, "approved_persons");
  const std::int64_t now = shown_count(admin.at("audience"), persons);
  return std::abs(now - approved) * 10 > approved;
}

/// More people cost more than the cap that was approved with it.
bool costs_too_much(const Json& admin, std::int64_t persons) {
  const std::int64_t cap = json_int(admin, "cost_cap");
  const std::int64_t quoted_for = admin.contains("quote") ? json_int(admin["quote"], "persons") : 0;
  if (cap == 0 || quoted_for == 0) return false;
  return json_int(admin, "approved_cost") * persons / quoted_for > cap;
}

/// Nothing of it came out: what the steps so far have written goes.
void give_up(MutatorContext& ctx, const std::string& id, Json admin, const char* state,
             const char* why) {
  admin["state"] = state;
  note(ctx, admin, why);
  drop_counts(ctx, id);
  const std::int64_t snap = json_int(admin, "snap");
  put_admin(ctx, id, std::move(admin));
  start_sweep(ctx, id, snap + 1, false);
}

void finish_collecting(MutatorContext& ctx, const std::string& id, Json admin, Json job) {
  admin["persons"] = job.at("n");
  if (json_bool(job, "check") && has_moved(admin, json_int(job, "n")))
    return give_up(ctx, id, std::move(admin), "in_review", "audience_moved");
  if (json_bool(job, "check") && costs_too_much(admin, json_int(job, "n")))
    return give_up(ctx, id, std::move(admin), "in_review", "cost_above_cap");
  if (ctx.get("notice", id) == nullptr && is_over(admin.at("content"), now_ms(ctx)))
    return give_up(ctx, id, std::move(admin), "missed", "missed");
  const bool is_open = is_direct(ctx, admin.at("audience"));
  if (is_open)
    place_directly(ctx, admin);
  else
    place_in_audience(ctx, id, admin, job);
  if (ctx.get("notice", id) == nullptr)
    publish(ctx, id, admin);
  else
    put_public(ctx, id, admin);
  put_admin(ctx, id, admin);
  if (is_open) {
    finish(ctx, id, admin, std::move(job));
    return;
  }
  job["phase"] = "grant";
  job["m"] = job.at("n");
  job["n"] = 0;
  job["page"] = 0;
  continue_later(ctx, id, std::move(job));
}

/// One page of persons into one snapshot row and one count.
void collect_page(MutatorContext& ctx, const std::string& id, const Json& admin, Json& job,
                  const Source& source, const std::vector<sync::IndexHit>& hits) {
  const int year = year_of(ctx.now());
  // As a rule nobody has answered yet, which saves two look-ups per person.
  const bool answered = has_rows(ctx, "ack", id) || has_rows(ctx, "seen", id);
  MemberSum sum(job);
  Json members = Json::object();
  std::map<std::string, std::int64_t> by_state;
  for (const sync::IndexHit& hit : hits) {
    const Row person = ctx.get("person", hit.key);
    if (!passes_filters(hit.key, *person, admin.at("audience"), year)) continue;
    const char* way = way_of(*person);
    members[hit.key] = way;
    sum.add(hit.key);
    ++by_state[answered ? reach_state(ctx, id, ask_of(admin), hit.key, way) : way];
  }
  sum.store(job);
  job["scanned"] = json_int(job, "scanned") + static_cast<std::int64_t>(hits.size());
  job["n"] = json_int(job, "n") + static_cast<std::int64_t>(members.size());
  if (members.empty()) return;
  count_members(ctx, id, source.unit, by_state);
  const std::int64_t page = json_int(job, "page");
  const std::int64_t snap = json_int(job, "snap");
  job["page"] = page + 1;
  ctx.put("audience", page_key(id, snap, page),
          {{"notice", id},
           {"snap", snap},
           {"unit", source.unit},
           {"direct", is_direct(ctx, admin.at("audience"))},
           {"ask", ask_of(admin)},
           {"members", members}});
}

void collect(MutatorContext& ctx, const std::string& id, const Json& admin, Json job) {
  const auto sources = sources_of(ctx, admin.at("audience"));
  const auto at = static_cast<std::size_t>(json_int(job, "source"));
  if (at >= sources.size()) {
    finish_collecting(ctx, id, admin, std::move(job));
    return;
  }
  std::optional<sync::IndexHit> after;
  if (job.contains("after")) after = sync::IndexHit{sources[at].value, json_text(job, "after")};
  const auto hits = ctx.scan(sources[at].index, sources[at].value, after, kStepPersons);
  collect_page(ctx, id, admin, job, sources[at], hits);
  if (hits.size() < kStepPersons) {
    job["source"] = at + 1;
    job.erase("after");
  } else {
    job["after"] = hits.back().key;
  }
  if (at + 1 == sources.size() && hits.size() < kStepPersons) {
    finish_collecting(ctx, id, admin, std::move(job));
    return;
  }
  continue_later(ctx, id, std::move(job));
}

void grant(MutatorContext& ctx, const std::string& id, const Json& admin, Json job) {
  const std::int64_t page = json_int(job, "page");
  const Row members = ctx.get("audience", page_key(id, json_int(job, "snap"), page));
  if (members == nullptr) {
    finish(ctx, id, admin, std::move(job));
    return;
  }
  const std::string bucket = texts(admin, "to").front();
  for (const auto& [person, way] : members->at("members").items()) {
    const Row row = ctx.get("person", person);
    if (row == nullptr || json_text(*row, "state") != "active") continue;
    for (const std::string& account : texts(*row, "accounts"))
      ctx.grant(account_of(account), bucket);
  }
  job["page"] = page + 1;
  job["n"] = json_int(job, "n") + static_cast<std::int64_t>(members->at("members").size());
  continue_later(ctx, id, std::move(job));
}

/// One page of the snapshot, without the answers that no longer hold.
void recount(MutatorContext& ctx, const std::string& id, const Json& admin, Json job) {
  const std::int64_t page = json_int(job, "page");
  const std::string key = page_key(id, json_int(job, "snap"), page);
  const Row found = ctx.get("audience", key);
  if (found == nullptr) return end_job(ctx, id);
  std::map<std::string, std::int64_t> by_state;
  for (const auto& [person, way] : found->at("members").items())
    ++by_state[reach_state(ctx, id, ask_of(admin), person, way.get<std::string>())];
  count_members(ctx, id, json_text(*found, "unit"), by_state);
  Json row = *found;
  row["ask"] = ask_of(admin);
  ctx.put("audience", key, std::move(row));
  job["page"] = page + 1;
  job["n"] = json_int(job, "n") + static_cast<std::int64_t>(found->at("members").size());
  continue_later(ctx, id, std::move(job));
}

/// Audience buckets that nothing but this notice's older snapshot used.
std::vector<std::string> unused_buckets(MutatorContext& ctx, const std::string& id,
                                        const Json& admin, const Json& job) {
  std::vector<std::string> out;
  for (const std::string& bucket : texts(job, "old_to")) {
    if (!bucket.starts_with("aud:")) continue;
    if (!json_bool(job, "archive") && has_text(admin, "to", bucket)) continue;
    const Row row = ctx.get("aud", bucket.substr(4));
    const auto users = row ? texts(*row, "notices") : std::vector<std::string>{};
    if (std::ranges::all_of(users, [&](const std::string& user) { return user == id; }))
      out.push_back(bucket);
  }
  return out;
}

void end_sweep(MutatorContext& ctx, const std::string& id, const Json& admin, const Json& job) {
  for (const std::string& bucket : texts(job, "old_to")) {
    const Row found = bucket.starts_with("aud:") ? ctx.get("aud", bucket.substr(4)) : nullptr;
    if (found == nullptr || (!json_bool(job, "archive") && has_text(admin, "to", bucket))) continue;
    Json row = *found;
    drop_text(row, "notices", id);
    if (texts(row, "notices").empty())
      ctx.del("aud", bucket.substr(4));
    else
      ctx.put("aud", bucket.substr(4), std::move(row));
  }
  end_job(ctx, id);
}

/// The answers leave the phones with their notice; the office keeps them. True while there are
/// more.
bool file_answers(MutatorContext& ctx, const std::string& id, Json& job) {
  const std::string after = job.contains("after") ? json_text(job, "after") : id + ":";
  const auto acks = ctx.table("ack", after, kStepPersons);
  for (const auto& [key, row] : acks) {
    if (!key.starts_with(id + ":")) return false;
    Json filed = *row;
    filed["filed"] = true;
    ctx.put("ack", key, std::move(filed));
    job["after"] = key;
  }
  return acks.size() == kStepPersons;
}

void sweep(MutatorContext& ctx, const std::string& id, const Json& admin, Json job) {
  const auto pages = ctx.table("audience", id + ":", 1);
  const bool found = !pages.empty() && pages.front().first.starts_with(id + ":") &&
                     json_int(*pages.front().second, "snap") < json_int(job, "below");
  if (!found) {
    if (json_bool(job, "archive") && file_answers(ctx, id, job))
      continue_later(ctx, id, std::move(job));
    else
      end_sweep(ctx, id, admin, job);
    return;
  }
  const auto buckets = unused_buckets(ctx, id, admin, job);
  for (const auto& [person, way] : pages.front().second->at("members").items()) {
    const Row row = ctx.get("person", person);
    if (row == nullptr) continue;
    for (const std::string& account : texts(*row, "accounts"))
      for (const std::string& bucket : buckets) ctx.revoke(account_of(account), bucket);
  }
  ctx.del("audience", pages.front().first);
  continue_later(ctx, id, std::move(job));
}

}  // namespace

std::string page_key(const std::string& notice, std::int64_t snap, std::int64_t page) {
  return notice + ":" + digits(snap, 3) + ":" + digits(page, 6);
}

Result<void> start_sending(MutatorContext& ctx, const std::string& id, Json admin, bool check) {
  LINLI_CHECK(check_audience(ctx, admin.at("audience")));
  admin["snap"] = json_int(admin, "snap") + 1;
  admin["persons"] = admin.at("approved_persons");
  Json job = new_job(admin, "collect");
  job["check"] = check;
  if (check) {
    admin["state"] = "scheduled";
  } else if (is_direct(ctx, admin.at("audience"))) {
    place_directly(ctx, admin);
    publish(ctx, id, admin);
  } else {
    admin["state"] = "sent";
  }
  drop_counts(ctx, id);
  put_admin(ctx, id, std::move(admin));
  continue_later(ctx, id, std::move(job));
  return {};
}

Result<void> start_resnapshot(MutatorContext& ctx, const std::string& id, Json& admin) {
  LINLI_CHECK(check_audience(ctx, admin.at("audience")));
  admin["snap"] = json_int(admin, "snap") + 1;
  Json job = new_job(admin, "collect");
  job["old_to"] = admin.at("to");
  if (is_direct(ctx, admin.at("audience"))) place_directly(ctx, admin);
  drop_counts(ctx, id);
  continue_later(ctx, id, std::move(job));
  return {};
}

void start_recount(MutatorContext& ctx, const std::string& id, const Json& admin) {
  drop_counts(ctx, id);
  continue_later(ctx, id, new_job(admin, "recount"));
}

void start_sweep(MutatorContext& ctx, const std::string& id, std::int64_t snap, bool archive) {
  const Row admin = ctx.get("notice_admin", id);
  Json job = new_job(*admin, "sweep");
  job["below"] = snap;
  job["archive"] = archive;
  job["old_to"] = admin->at("to");
  continue_later(ctx, id, std::move(job));
}

void run_fanout(MutatorContext& ctx, std::string_view key, bool /*missed*/) {
  const std::string id(key);
  const Row job = ctx.get("notice_job", id);
  const Row admin = ctx.get("notice_admin", id);
  if (job == nullptr || admin == nullptr) return;
  const std::string phase = json_text(*job, "phase");
  if (phase == "sweep") return sweep(ctx, id, *admin, *job);
  if (phase == "recount") return recount(ctx, id, *admin, *job);
  const bool wanted = is_live(*admin) || json_text(*admin, "state") == "scheduled";
  if (!wanted) {
    // Withdrawn or expired while it was going out: stop where it stands; the row's archive date
    // sweeps what is there. What never came out has no such date.
    if (ctx.get("notice", id) == nullptr)
      start_sweep(ctx, id, json_int(*admin, "snap") + 1, true);
    else
      end_job(ctx, id);
    return;
  }
  if (phase == "collect")
    collect(ctx, id, *admin, *job);
  else
    grant(ctx, id, *admin, *job);
}

}  // namespace linli::community::notices
