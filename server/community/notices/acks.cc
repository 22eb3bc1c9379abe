// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/community/membership.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/module.h"
#include "server/community/notices/notice.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

/// Ids of one notice.seen; each may touch two rows.
constexpr std::size_t kSeenMax = 50;

bool is_remote_proxy(ReadContext& ctx, const std::string& person) {
  const std::string own = actor_person(ctx);
  if (own.empty() || own == person) return false;
  return std::ranges::none_of(people::active_proxies(ctx, "proxy", own), [&](const Row& proxy) {
    return json_text(*proxy, "dependant") == person && json_text(*proxy, "kind") == "same_device";
  });
}

Result<void> may_acknowledge(ReadContext& ctx, const Json& args) {
  if (is_system(ctx)) return {};
  if (speaks_for(ctx, actor_id(ctx), json_text(args, "person"), "acknowledge")) return {};
  return fail(Errc::not_member, "the account does not speak for that person");
}

/// A daughter's tap elsewhere does not tell that her mother knows of a red warning (ENR-7, M22).
std::string state_of(const Json& content, const std::string& choice, bool remote) {
  const bool stays_open = remote && json_text(content, "severity") == "red" && choice != "help";
  return stays_open ? "proxied" : choice;
}

Json ack_row(MutatorContext& ctx, const Json& args, const Json& person, bool remote) {
  Json row = {{"at", now_ms(ctx)},
              {"captured_at", to_unix_ms(ctx.captured_at())},
              {"by", actor_id(ctx)},
              {"via", remote ? "proxy" : "self"},
              {"name", person.at("name")},
              {"door", json_text(person, "door")},
              {"unit", json_text(person, "unit")},
              {"community", json_text(person, "community")}};
  copy_members(args, row, {"notice", "person", "choice"});
  return row;
}

/// Which question was answered: what the phone says, else by the time of the tap. An answer given
/// offline to the orange warning is none to the red one that replaced it.
std::int64_t answered_ask(MutatorContext& ctx, const Json& args, const Json& admin) {
  const std::int64_t ask = ask_of(admin);
  if (args.contains("ask")) return std::min(json_int(args, "ask"), ask);
  const bool is_late = to_unix_ms(ctx.captured_at()) >= json_int(admin, "asked_at");
  return is_late ? ask : ask - 1;
}

/// A person's own word is not undone by the proxy's later tap, nor by what was tapped earlier.
bool is_overtaken(const Row& old, const Json& next) {
  if (old == nullptr || ask_of(*old) < ask_of(next)) return false;
  if (ask_of(*old) > ask_of(next)) return json_text(next, "choice") != "help";
  if (old->at("choice") == next.at("choice") && old->at("state") == next.at("state")) return true;
  if (json_text(next, "state") == "proxied" && json_text(*old, "state") != "proxied") return true;
  return json_int(*old, "captured_at") > json_int(next, "captured_at");
}

struct Answer {
  std::string notice;
  std::string person;
  std::int64_t ask = 0;
};

/// Stores an `ack` or `seen` row and moves the count with what it changes.
void put_and_count(MutatorContext& ctx, const Answer& of, const std::optional<Member>& member,
                   const char* tbl, Json row) {
  const auto state = [&] {
    return reach_state(ctx, of.notice, of.ask, of.person, member ? member->way : std::string());
  };
  const std::string from = state();
  ensure_person_bucket(ctx, of.person);
  ctx.put(tbl, of.notice + ":" + of.person, std::move(row));
  if (member && member->is_counted) count_reach(ctx, of.notice, member->unit, from, state());
}

MutatorResult acknowledge(MutatorContext& ctx, const Json& args) {
  const std::string notice = json_text(args, "notice");
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", notice));
  // What was tapped offline before a withdrawal counts all the same: it may be a call for help.
  if (!admin->contains("sent_at")) return fail(Errc::wrong_state, "the notice is not out");
  LINLI_TRY(const Row who, need(ctx, "person", person));
  const auto member = find_member(ctx, notice, *admin, person);
  // Newcomers and persons the running snapshot has not come to yet are let in, not counted here.
  if (!member && !is_in_audience(person, *who, admin->at("audience"), year_of(ctx.now())))
    return fail(Errc::not_member, "the notice is not for that person");
  const bool remote = is_remote_proxy(ctx, person);
  Json row = ack_row(ctx, args, *who, remote);
  row["state"] = state_of(admin->at("content"), json_text(args, "choice"), remote);
  if (const std::int64_t asked = answered_ask(ctx, args, *admin); asked > 0) row["ask"] = asked;
  const std::string key = notice + ":" + person;
  const Row old = ctx.get("ack", key);
  if (is_overtaken(old, row)) return Json{{"state", old->at("state")}};
  const bool is_help = json_text(row, "choice") == "help";
  const bool holds = is_help || ask_of(row) == ask_of(*admin);
  const Json state = row.at("state");
  if (holds)
    ctx.outbox("person_acked", {{"notice", notice},
                                {"person", person},
                                {"choice", row.at("choice")},
                                {"state", state},
                                {"at", row.at("captured_at")}});
  put_and_count(ctx, {notice, person, ask_of(*admin)}, member, "ack", std::move(row));
  // Whoever is on the way to the door need not go; somebody has to where help is called for.
  if (is_help || (holds && ctx.get("task", key) != nullptr)) ctx.schedule(ctx.now(), kTaskDue, key);
  return Json{{"state", state}, {"holds", holds}};
}

}  // namespace

bool has_answered(ReadContext& ctx, const std::string& notice, const std::string& person) {
  const Row admin = ctx.get("notice_admin", notice);
  return admin != nullptr && is_answered(reach_state(ctx, notice, ask_of(*admin), person, {}));
}

Result<void> told_in_person(MutatorContext& ctx, const std::string& notice,
                            const std::string& person, const std::string& choice) {
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", notice));
  LINLI_TRY(const Row who, need(ctx, "person", person));
  Json row = ack_row(ctx, {{"notice", notice}, {"person", person}, {"choice", choice}}, *who, true);
  row["via"] = "knock";
  row["state"] = choice == "help" ? "help" : "in_person";
  // At the door the question is the one that stands now.
  if (const std::int64_t ask = ask_of(*admin); ask > 0) row["ask"] = ask;
  const Row old = ctx.get("ack", notice + ":" + person);
  if (is_overtaken(old, row)) return {};
  ctx.outbox("person_acked", {{"notice", notice},
                              {"person", person},
                              {"choice", choice},
                              {"state", row.at("state")},
                              {"at", row.at("captured_at")}});
  put_and_count(ctx, {notice, person, ask_of(*admin)}, find_member(ctx, notice, *admin, person),
                "ack", std::move(row));
  return {};
}

namespace {

MutatorResult seen(MutatorContext& ctx, const Json& args) {
  const std::string person = actor_person(ctx);
  if (person.empty()) return Json{{"seen", 0}};
  int counted = 0;
  for (const std::string& notice : texts(args, "ids")) {
    const Row admin = ctx.get("notice_admin", notice);
    const Row before = ctx.get("seen", notice + ":" + person);
    if (admin == nullptr || (before != nullptr && ask_of(*before) == ask_of(*admin))) continue;
    const auto member = find_member(ctx, notice, *admin, person);
    if (!member) continue;
    const std::int64_t asked = answered_ask(ctx, Json::object(), *admin);
    put_and_count(ctx, {notice, person, ask_of(*admin)}, member, "seen",
                  {{"at", to_unix_ms(ctx.captured_at())}, {"ask", asked}});
    ++counted;
  }
  return Json{{"seen", counted}};
}

}  // namespace

void declare_acks(sync::Registry& registry) {
  const Json effect = {{"op", "put"},
                       {"tbl", "ack"},
                       {"key", "{notice}:{person}"},
                       {"row",
                        {{"notice", "{notice}"},
                         {"person", "{person}"},
                         {"choice", "{choice}"},
                         {"ask", "{ask}"},
                         {"by", "{actor}"},
                         {"captured_at", "{now}"}}}};
  add(registry, Mutator{.name = "notice.acknowledge",
                        .summary = "我知道了 / 我需要帮助 / 我在外地, for oneself or a dependant.",
                        .args = arg::object({{"notice!", arg::short_id()},
                                             {"person!", arg::id()},
                                             {"choice!", arg::one_of({"ok", "help", "away"})},
                                             {"ask", arg::integer(0, 1000)}}),
                        .permit = may_acknowledge,
                        .run = acknowledge,
                        .effects = Json::array({effect}),
                        .lane = sync::UpLane::alert,
                        .path = "/notices/{notice}/acknowledge"});
  add(registry, Mutator{.name = "notice.seen",
                        .summary = "What was opened on the phone, gathered for half a minute.",
                        .args = arg::object({{"ids!", arg::list(arg::short_id(), kSeenMax, 1)}}),
                        .permit = anyone,
                        .run = seen,
                        .lane = sync::UpLane::bulk});
}

}  // namespace linli::community::notices
