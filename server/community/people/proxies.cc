// SPDX-License-Identifier: Apache-2.0
#include "server/community/membership.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::people {
namespace {

constexpr std::size_t kProxiesMax = 8;
/// Rows of one person, ended ones included: a list for the office, not the rule.
constexpr std::size_t kListMax = 500;
constexpr std::string_view kExpire = "proxy.expire";

Result<void> staff_of(ReadContext& ctx, const std::string& person) {
  const Row row = ctx.get("person", person);
  if (row == nullptr) return fail(Errc::not_found, "no such person");
  return require_any_over(ctx, {Role::grid, Role::window}, json_text(*row, "area"));
}

/// The person behind the actor, or staff of the dependant's place.
Result<void> self_or_staff(ReadContext& ctx, const std::string& self,
                           const std::string& dependant) {
  if (!self.empty() && actor_person(ctx) == self) return {};
  return staff_of(ctx, dependant);
}

bool is_same_home(ReadContext& ctx, const Json& proxy) {
  const Row a = ctx.get("person", json_text(proxy, "proxy"));
  const Row b = ctx.get("person", json_text(proxy, "dependant"));
  return a != nullptr && b != nullptr && a->at("household") == b->at("household");
}

Result<void> may_request(ReadContext& ctx, const Json& args) {
  return self_or_staff(ctx, json_text(args, "proxy"), json_text(args, "dependant"));
}

MutatorResult request(MutatorContext& ctx, const Json& args) {
  const std::string proxy = json_text(args, "proxy");
  const std::string dependant = json_text(args, "dependant");
  if (proxy == dependant) return fail(Errc::invalid_argument, "nobody is their own proxy");
  for (const std::string& person : {proxy, dependant}) {
    LINLI_TRY(const Row row, need(ctx, "person", person));
    if (json_text(*row, "state") != "active")
      return fail(Errc::wrong_state, "the person does not live here any more");
  }
  if (args.contains("until") && json_int(args, "until") <= now_ms(ctx))
    return fail(Errc::invalid_argument, "until: lies in the past");
  const auto mine = open_proxies(ctx, "dependant", dependant);
  for (const std::string& key : mine)
    if (json_text(*ctx.get("proxy", key), "proxy") == proxy)
      return fail(Errc::conflict, "there is such a proxy already");
  if (mine.size() >= kProxiesMax) return fail(Errc::too_large, "too many proxies");
  if (open_proxies(ctx, "proxy", proxy).size() >= kFamilyMax)
    return fail(Errc::too_large, "too many dependants");
  LINLI_TRY(const std::string id, fresh_key(ctx, args, "proxy"));
  Json row = {{"proxy", proxy},
              {"dependant", dependant},
              {"rights", Json::array({"receive", "acknowledge"})},
              {"kind", "remote"},
              {"state", "requested"},
              {"requested_at", now_ms(ctx)}};
  copy_members(args, row, {"rights", "kind", "until"});
  ctx.put("proxy", id, std::move(row));
  return Json{{"id", id}};
}

/// The dependant confirms with a tap, or staff on paper or by ear with a witness (ENR-7).
Result<void> may_confirm(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "proxy", json_text(args, "id")));
  const std::string how = json_text(args.at("evidence"), "how");
  const std::string dependant = json_text(*row, "dependant");
  if (how == "tap" && !is_system(ctx)) {
    // One phone for an elder couple: the tap happens on the proxy's own device (F3).
    const bool same_phone = json_text(*row, "kind") == "same_device" &&
                            actor_person(ctx) == json_text(*row, "proxy") &&
                            is_same_home(ctx, *row);
    if (actor_person(ctx) == dependant || same_phone) return {};
    return fail(Errc::forbidden, "the dependant taps, or staff confirm on paper");
  }
  return staff_of(ctx, dependant);
}

MutatorResult confirm(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_TRY(const Row found, need(ctx, "proxy", id));
  if (json_text(*found, "state") != "requested") return fail(Errc::wrong_state, "not requested");
  const Json& evidence = args.at("evidence");
  const std::string how = json_text(evidence, "how");
  if (how == "oral" && json_text(evidence, "witness").empty())
    return fail(Errc::invalid_argument, "an oral consent names its witness");
  Json row = *found;
  if (const std::int64_t until = json_int(row, "until"); until != 0) {
    if (until <= now_ms(ctx)) return fail(Errc::wrong_state, "its time is over");
    ctx.schedule(from_unix_ms(until), kExpire, id);
  }
  row["state"] = "active";
  row["evidence"] = evidence;
  row["confirmed_at"] = now_ms(ctx);
  row["confirmed_by"] = actor_id(ctx);
  const std::string dependant = json_text(row, "dependant");
  ctx.put("proxy", id, std::move(row));
  ctx.put("consent", ctx.new_id(),
          {{"person", dependant},
           {"purpose", "proxy"},
           {"proxy", id},
           {"version", evidence.value("version", "1")},
           {"how", how},
           {"witness", json_text(evidence, "witness")},
           {"at", now_ms(ctx)},
           {"state", "given"}});
  LINLI_CHECK(refresh_person(ctx, dependant));
  ctx.outbox("endpoint_changed", {{"person", dependant}, {"why", "proxy"}});
  return Json{{"id", id}};
}

Result<void> may_end(ReadContext& ctx, const Json& args) {
  LINLI_TRY(const Row row, need(ctx, "proxy", json_text(args, "id")));
  if (actor_person(ctx) == json_text(*row, "dependant") && !is_system(ctx)) return {};
  return self_or_staff(ctx, json_text(*row, "proxy"), json_text(*row, "dependant"));
}

MutatorResult end_proxy(MutatorContext& ctx, const Json& args) {
  const std::string id = json_text(args, "id");
  LINLI_CHECK(close_proxy(ctx, id));
  return Json{{"id", id}};
}

/// A proxy for a while ends by itself; its phone loses the rows at that time.
void expire_due(MutatorContext& ctx, std::string_view key, bool /*missed*/) {
  const std::string id(key);
  const Row found = ctx.get("proxy", id);
  if (found == nullptr || json_text(*found, "state") == "ended") return;
  if (is_active_proxy(*found, now_ms(ctx))) return;
  ignore(close_proxy(ctx, id), "the dependant's record is gone");
}

/// Names of both, for both and their staff. Who only asks to act for somebody learns no name by
/// asking: that comes with the consent, or with living in one home.
void add_names(ReadContext& ctx, Json& proxy) {
  const std::string own = is_system(ctx) ? std::string() : actor_person(ctx);
  for (const char* side : {"proxy", "dependant"}) {
    const std::string id = json_text(proxy, side);
    const Row person = ctx.get("person", id);
    if (person == nullptr) continue;
    const bool only_asks = own == json_text(proxy, "proxy") && id != own &&
                           !proxy.contains("confirmed_at") && !is_same_home(ctx, proxy);
    if (!only_asks) proxy[std::string(side) + "_name"] = person->at("name");
  }
}

Result<Json> list_proxies(ReadContext& ctx, const Json& params) {
  const std::string person = json_text(params, "person");
  Json out = {{"proxies", Json::array()}};
  for (const char* index : {"proxy.proxy", "proxy.dependant"})
    for (const std::string& key : keys_of(ctx, index, person, kListMax)) {
      Json item = *ctx.get("proxy", key);
      item["id"] = key;
      add_names(ctx, item);
      out["proxies"].push_back(std::move(item));
    }
  return out;
}

Result<void> may_list(ReadContext& ctx, const Json& params) {
  return self_or_staff(ctx, json_text(params, "person"), json_text(params, "person"));
}

}  // namespace

Result<void> close_proxy(MutatorContext& ctx, const std::string& id) {
  LINLI_TRY(const Row found, need(ctx, "proxy", id));
  if (json_text(*found, "state") == "ended") return {};
  Json row = *found;
  row["state"] = "ended";
  row["ended_at"] = now_ms(ctx);
  const std::string dependant = json_text(row, "dependant");
  ctx.put("proxy", id, std::move(row));
  LINLI_CHECK(refresh_person(ctx, dependant));
  ctx.outbox("endpoint_changed", {{"person", dependant}, {"why", "proxy"}});
  return {};
}

std::vector<std::string> open_proxies(ReadContext& ctx, const char* side,
                                      const std::string& person) {
  return keys_of(ctx, std::string("proxy.open_") + side, person, kFamilyMax + kProxiesMax);
}

std::vector<Row> active_proxies(ReadContext& ctx, const char* side, const std::string& person) {
  std::vector<Row> out;
  for (const std::string& key : open_proxies(ctx, side, person))
    if (Row row = ctx.get("proxy", key); is_active_proxy(*row, now_ms(ctx)))
      out.push_back(std::move(row));
  return out;
}

void declare_proxies(sync::Registry& registry) {
  constexpr std::chrono::hours kAlways{24 * 365 * 10};
  registry.add(sync::DueDef{std::string(kExpire), kAlways, expire_due});
  const Json rights = arg::list(arg::one_of({"receive", "acknowledge", "book", "report"}), 4, 1);
  add(registry, Mutator{.name = "proxy.request",
                        .summary = "Asks to act for a family member or for a person on this phone.",
                        .args = arg::object({{"id", arg::id()},
                                             {"proxy!", arg::id()},
                                             {"dependant!", arg::id()},
                                             {"kind", arg::one_of({"remote", "same_device"})},
                                             {"rights", rights},
                                             {"until", arg::instant()}}),
                        .permit = may_request,
                        .run = request,
                        .path = "/proxies"});
  add(registry,
      Mutator{.name = "proxy.confirm",
              .summary = "Records the dependant's consent; both receive from now on.",
              .args = arg::object(
                  {{"id!", arg::id()},
                   {"evidence!", arg::object({{"how!", arg::one_of({"tap", "paper", "oral"})},
                                              {"witness", arg::text(40)},
                                              {"version", arg::text(12)}})}}),
              .permit = may_confirm,
              .run = confirm,
              .path = "/proxies/{id}/confirm"});
  add(registry, Mutator{.name = "proxy.end",
                        .summary = "Ends a proxy.",
                        .args = arg::object({{"id!", arg::id()}}),
                        .permit = may_end,
                        .run = end_proxy,
                        .path = "/proxies/{id}/end"});
  add(registry, Query{.name = "proxy.list",
                      .summary = "Proxies of and for a person.",
                      .params = arg::object({{"person!", arg::id()}}),
                      .permit = may_list,
                      .run = list_proxies,
                      .path = "/proxies"});
}

}  // namespace linli::community::people
