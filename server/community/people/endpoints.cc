// SPDX-License-Identifier: Apache-2.0
#include "server/community/people/endpoints.h"

#include <algorithm>
#include <array>

#include "server/community/membership.h"
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::people {
namespace {

/// What can be given by people; DISK: words of notify/model.h.
constexpr std::array<const char*, 6> kMedia = {"webpush", "vendor_push", "wechat",
                                               "sms",     "voice",       "email"};

std::string endpoint_key(const std::string& person, const std::string& address) {
  return person + ":" + hex_of(text_hash(address));
}

std::vector<std::pair<std::string, Row>> rows_of(ReadContext& ctx, const std::string& person) {
  std::vector<std::pair<std::string, Row>> out;
  for (auto& [key, row] : ctx.table("endpoint", person + ":", kEndpointsMax)) {
    if (!key.starts_with(person + ":")) break;
    out.emplace_back(key, row);
  }
  return out;
}

/// A mobile number of mainland China, or one of the demo's unassigned 1200000 numbers.
bool takes_sms(const std::string& number) {
  constexpr std::size_t kDigits = 11;
  return number.size() == kDigits && number.front() == '1' &&
         std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
}

void add_number(Json& out, const std::vector<std::pair<std::string, Row>>& known,
                const char* medium, const std::string& number) {
  if (number.empty()) return;
  const bool is_refused = std::ranges::any_of(known, [&](const auto& entry) {
    return json_text(*entry.second, "address") == number &&
           json_text(*entry.second, "medium") == medium &&
           json_text(*entry.second, "state") != "ok";
  });
  if (!is_refused) out.push_back({{"medium", medium}, {"address", number}});
}

Result<void> may_set(ReadContext& ctx, const Json& args) {
  if (is_system(ctx)) return {};
  const std::string person = json_text(args, "person");
  if (speaks_for(ctx, actor_id(ctx), person, "acknowledge")) return {};
  const Row row = ctx.get("person", person);
  if (row == nullptr) return fail(Errc::not_found, "no such person");
  return require_any_over(ctx, {Role::grid, Role::window}, json_text(*row, "area"));
}

/// What a browser's PushSubscription has; the gateway reads it to the last byte (RFC 8291 §2).
Result<void> check_subscription(const Json& args) {
  const Json none = Json::object();
  const Json& params = args.contains("params") ? args.at("params") : none;
  if (!json_text(args, "address").starts_with("https://"))
    return fail(Errc::invalid_argument, "address: the subscription's https address");
  for (const char* member : {"p256dh", "auth"})
    if (json_text(params, member).empty())
      return fail(Errc::invalid_argument, std::string("params: ") + member + " is missing");
  return {};
}

MutatorResult put(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  if (json_text(args, "medium") == "webpush") LINLI_CHECK(check_subscription(args));
  LINLI_CHECK(need(ctx, "person", person));
  const std::string key = endpoint_key(person, json_text(args, "address"));
  const auto known = rows_of(ctx, person);
  if (ctx.get("endpoint", key) == nullptr && known.size() >= kEndpointsMax)
    return fail(Errc::too_large, "remove an old one first");
  Json row = {{"state", "ok"}, {"at", now_ms(ctx)}, {"by", actor_id(ctx)}};
  copy_members(args, row, {"person", "medium", "address", "params"});
  ctx.put("endpoint", key, std::move(row));
  ctx.outbox("endpoint_changed", {{"person", person}, {"why", "endpoint"}});
  return Json{{"id", key}};
}

MutatorResult remove(MutatorContext& ctx, const Json& args) {
  const std::string key = endpoint_key(json_text(args, "person"), json_text(args, "address"));
  if (ctx.get("endpoint", key) == nullptr) return fail(Errc::not_found, "no such endpoint");
  ctx.del("endpoint", key);
  ctx.outbox("endpoint_changed", {{"person", json_text(args, "person")}, {"why", "endpoint"}});
  return Json{{"id", key}};
}

/// The gateway found out. A number of the person row gets a row of its own that says so, so that
/// the office sees it and a corrected number works at once.
MutatorResult invalid(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  if (ctx.get("person", person) == nullptr) return Json{{"known", false}};
  const std::string key = endpoint_key(person, json_text(args, "address"));
  const Row old = ctx.get("endpoint", key);
  Json row = old ? *old : Json::object();
  copy_members(args, row, {"person", "medium", "address"});
  row["state"] = json_text(args, "why") == "opted_out" ? "opted_out" : "invalid";
  row["at"] = now_ms(ctx);
  ctx.put("endpoint", key, std::move(row));
  ctx.outbox("endpoint_changed", {{"person", person}, {"why", "refused"}});
  return Json{{"known", true}};
}

MutatorResult set_quiet(MutatorContext& ctx, const Json& args) {
  const std::string person = json_text(args, "person");
  LINLI_TRY(const Row found, need(ctx, "person", person));
  Json row = *found;
  row["quiet"] = Json::object();
  copy_members(args, row["quiet"], {"from_min", "to_min", "zone"});
  save_person(ctx, person, std::move(row));
  ctx.outbox("endpoint_changed", {{"person", person}, {"why", "quiet"}});
  return Json{{"person", person}};
}

Result<Json> list_endpoints(ReadContext& ctx, const Json& params) {
  const std::string person = json_text(params, "person");
  LINLI_CHECK(check_access(ctx, params, person));
  Json out = {{"endpoints", Json::array()}};
  for (const auto& [key, row] : rows_of(ctx, person)) {
    Json item = *row;
    item["id"] = key;
    out["endpoints"].push_back(std::move(item));
  }
  return out;
}

}  // namespace

Json endpoints_of(ReadContext& ctx, const std::string& person, const Json& row) {
  Json out = Json::array();
  const auto known = rows_of(ctx, person);
  if (json_int(row, "app") > 0) out.push_back({{"medium", "app"}, {"address", person}});
  const std::string phone = json_text(row, "phone");
  for (const char* medium : kMedia) {
    for (const auto& [key, endpoint] : known) {
      const bool fits = json_text(*endpoint, "medium") == medium;
      if (!fits || json_text(*endpoint, "state") != "ok") continue;
      Json item = Json::object();
      copy_members(*endpoint, item, {"medium", "address", "params"});
      out.push_back(std::move(item));
    }
    const std::string_view name(medium);
    if (name == "sms" && takes_sms(phone)) add_number(out, known, medium, phone);
    if (name == "voice")
      for (const std::string& number : {json_text(row, "landline"), phone})
        add_number(out, known, medium, number);
  }
  return out;
}

void declare_endpoints(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "endpoint";
  table.references = {{"person", "person"}};
  registry.add(std::move(table));
  const Json params = {{"type", "object"},
                       {"maxProperties", 8},
                       {"additionalProperties", {{"type", "string"}, {"maxLength", 256}}}};
  const Json media = arg::one_of({"webpush", "vendor_push", "wechat", "sms", "voice", "email"});
  add(registry, Mutator{.name = "endpoint.put",
                        .summary = "Where a person wants to be reached besides the app.",
                        .args = arg::object({{"person!", arg::id()},
                                             {"medium!", media},
                                             {"address!", arg::text(1000, 1)},
                                             {"params", params}}),
                        .permit = may_set,
                        .run = put,
                        .path = "/persons/{person}/endpoints"});
  add(registry,
      Mutator{.name = "endpoint.remove",
              .summary = "Forgets one of them.",
              .args = arg::object({{"person!", arg::id()}, {"address!", arg::text(1000, 1)}}),
              .permit = may_set,
              .run = remove,
              .path = "/persons/{person}/endpoints/remove"});
  add(registry, Mutator{.name = "endpoint.invalid",
                        .summary = "The gateway found that an address is dead or unwanted.",
                        .args = arg::object({{"person!", arg::id()},
                                             {"medium!", arg::text(20, 1)},
                                             {"address!", arg::text(1000, 1)},
                                             {"why!", arg::text(40, 1)}}),
                        .permit = system_only,
                        .run = invalid,
                        .lane = sync::UpLane::bulk,
                        .internal = true});
  add(registry, Mutator{.name = "person.quiet",
                        .summary = "Hours without ordinary messages; warnings come all the same.",
                        .args = arg::object({{"person!", arg::id()},
                                             {"from_min!", arg::integer(0, 24 * 60 - 1)},
                                             {"to_min!", arg::integer(0, 24 * 60 - 1)},
                                             {"zone", arg::text(40)}}),
                        .permit = may_set,
                        .run = set_quiet,
                        .path = "/persons/{person}/quiet"});
  add(registry, Query{.name = "endpoint.list",
                      .summary = "Addresses of one person and what became of them; for staff with "
                                 "the `access` of a person-read or search.",
                      .params = arg::object({{"person!", arg::id()}, {"access", arg::id()}}),
                      .permit = may_set,
                      .run = list_endpoints,
                      .path = "/persons/{person}/endpoints"});
}

}  // namespace linli::community::people
