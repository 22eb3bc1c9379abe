// SPDX-License-Identifier: Apache-2.0
#include "server/community/membership.h"
#include "server/community/notices/notice.h"

namespace linli::community::notices {
namespace {

std::string mute_key(ReadContext& ctx, const std::string& category) {
  return actor_id(ctx) + ":" + category;
}

/// A choice of the person who reads, for nobody else: the server and API keys read nothing.
Result<void> has_account(ReadContext& ctx, const Json& /*args*/) {
  if (ctx.get("account", actor_id(ctx)) != nullptr) return {};
  return fail(Errc::forbidden, "only an account mutes, for itself");
}

/// Whether a notice is muted is for the phone to say, by its `urgent`: a warning of a muted
/// category is as loud as any other.
MutatorResult mute(MutatorContext& ctx, const Json& args) {
  const std::string category = json_text(args, "category");
  if (category == "urgent") return fail(Errc::invalid_argument, "urgent notices are never muted");
  const bool is_muted = json_bool(args, "muted");
  const std::string key = mute_key(ctx, category);
  const Row old = ctx.get("mute", key);
  if (is_muted && old == nullptr)
    ctx.put("mute", key, {{"category", category}, {"muted", true}, {"at", now_ms(ctx)}});
  if (!is_muted && old != nullptr) ctx.del("mute", key);
  return Json{{"category", category}, {"muted", is_muted}};
}

Result<Json> mutes(ReadContext& ctx, const Json& /*params*/) {
  Json out = {{"categories", Json::array()}};
  const std::string own = mute_key(ctx, "");
  for (const auto& [key, row] : ctx.table("mute", own, kMutesMax)) {
    if (!key.starts_with(own)) break;
    out["categories"].push_back(row->at("category"));
  }
  return out;
}

}  // namespace

void declare_mutes(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "mute";
  table.buckets = [](std::string_view key, const Json&) -> std::vector<std::string> {
    return {user_bucket(key.substr(0, key.find(':')))};
  };
  registry.add(std::move(table));
  // Effects know no conditions: until the server deletes it, an unmuted row says muted = false.
  const Json effect = {
      {"op", "put"},
      {"tbl", "mute"},
      {"key", "{actor}:{category}"},
      {"row", {{"category", "{category}"}, {"muted", "{muted}"}, {"at", "{now}"}}}};
  // Not below /notices, where a notice may be called "mutes".
  add(registry,
      Mutator{.name = "notice.mute",
              .summary = "Mutes a category for oneself; urgent notices and warnings stay loud.",
              .args = arg::object({{"category!", category_schema()}, {"muted!", arg::flag()}}),
              .permit = has_account,
              .run = mute,
              .effects = Json::array({effect}),
              .path = "/mutes/{category}"});
  add(registry, Query{.name = "notice.mutes",
                      .summary = "Categories that the caller has muted.",
                      .params = arg::object({}),
                      .permit = has_account,
                      .run = mutes,
                      .path = "/mutes"});
}

}  // namespace linli::community::notices
