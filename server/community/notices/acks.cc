// SPDX-License-Identifier: Apache-2.0
#include "server/community/membership.h"
#include "server/community/notices/audience.h"
#include "server/community/notices/notice.h"
#include "server/community/roles.h"

namespace linli::community::notices {
namespace {

/// Ids of one notice.seen; each may touch two rows.
constexpr std::size_t kSeenMax = 50;

bool is_remote_proxy(ReadContext& ctx, const std::string& person) {
  const std::string own = actor_person(ctx);
  if (own.empty() || own == person) return false;
  for (const std::string& key : keys_of(ctx, "proxy.proxy", own, 12)) {
    const Row proxy = ctx.get("proxy", key);
    if (json_text(*proxy, "dependant") == person && json_text(*proxy, "state") == "active")
      return json_text(*proxy, "kind") != "same_device";
  }
  return false;
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
              {"community", json_text(person, "community")},
              {"to", person.value("accounts", Json::array())}};
  copy_members(args, row, {"notice", "person", "choice"});
  return row;
}

/// A person's own word is not undone by the proxy's later tap, nor by what was tapped earlier.
bool is_overtaken(const Row& old, const Json& next) {
  if (old == nullptr) return false;
  if (old->at("choice") == next.at("choice") && old->at("state") == next.at("state")) return true;
  if (json_text(next, "state") == "proxied" && json_text(*old, "state") != "proxied") return true;
  return json_int(*old, "captured_at") > json_int(next, "captured_at");
}

MutatorResult acknowledge(MutatorContext& ctx, const Json& args) {
  const std::string notice = json_text(args, "notice");
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row admin, need(ctx, "notice_admin", notice));
  if (ctx.get("notice", notice) == nullptr) return fail(Errc::gone, "the notice was taken back");
  LINLI_TRY(const Row who, need(ctx, "person", person));
  const auto member = find_member(ctx, notice, *admin, person);
  // Newcomers and persons the running snapshot has not come to yet are let in, not counted here.
  if (!member && !is_in_audience(person, *who, admin->at("audience"), year_of(ctx.now())))
    return fail(Errc::not_member, "the notice is not for that person");
  const bool remote = is_remote_proxy(ctx, person);
  Json row = ack_row(ctx, args, *who, remote);
  row["state"] = state_of(admin->at("content"), json_text(args, "choice"), remote);
  const std::string key = notice + ":" + person;
  const Row old = ctx.get("ack", key);
  if (is_overtaken(old, row)) return Json{{"state", old->at("state")}};
  const Json state = row.at("state");
  if (member) {
    const std::string from = reach_state(ctx, notice, person, member->way);
    count_reach(ctx, notice, member->unit, from, state.get<std::string>());
  }
  ctx.outbox("person_acked", {{"notice", notice},
                              {"person", person},
                              {"choice", row.at("choice")},
                              {"state", state},
                              {"at", row.at("captured_at")}});
  ctx.put("ack", key, std::move(row));
  return Json{{"state", state}};
}

MutatorResult seen(MutatorContext& ctx, const Json& args) {
  const std::string person = actor_person(ctx);
  if (person.empty()) return Json{{"seen", 0}};
  int counted = 0;
  for (const std::string& notice : texts(args, "ids")) {
    const Row admin = ctx.get("notice_admin", notice);
    const std::string key = notice + ":" + person;
    if (admin == nullptr || ctx.get("seen", key) != nullptr) continue;
    const auto member = find_member(ctx, notice, *admin, person);
    if (!member) continue;
    const std::string from = reach_state(ctx, notice, person, member->way);
    ctx.put("seen", key, {{"at", to_unix_ms(ctx.captured_at())}});
    if (from == member->way) count_reach(ctx, notice, member->unit, from, "seen");
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
                         {"by", "{actor}"},
                         {"captured_at", "{now}"}}}};
  add(registry, Mutator{.name = "notice.acknowledge",
                        .summary = "我知道了 / 我需要帮助 / 我在外地, for oneself or a dependant.",
                        .args = arg::object({{"notice!", arg::short_id()},
                                             {"person!", arg::id()},
                                             {"choice!", arg::one_of({"ok", "help", "away"})}}),
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
