// SPDX-License-Identifier: Apache-2.0
// Two people correct one member of a record (GEN-5): what was written later is shown, whichever
// arrives last, and the other value is kept with who wrote it when.
//
// Row `person_edit`, key person, server-only: {person, set: {<member>: {at, by}}, lost: [{member,
// value, at, by, kept_at, kept_by}, ...]}, the newest kLostMax; `at` by the clock of the write.
#include "server/community/people/people.h"
#include "server/community/roles.h"

namespace linli::community::people {
namespace {

/// Values beside the shown ones that one record keeps.
constexpr std::size_t kLostMax = 50;

void lose(Json& edit, Json entry) {
  Json& lost = edit["lost"];
  lost.push_back(std::move(entry));
  if (lost.size() > kLostMax) lost.erase(lost.begin());
}

bool is_empty(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.is_null() || value == false || (value.is_array() && value.empty());
}

}  // namespace

void settle_edits(MutatorContext& ctx, const std::string& id, const Json& old, Json& row) {
  const Row found = ctx.get("person_edit", id);
  Json edit =
      found ? *found : Json{{"person", id}, {"set", Json::object()}, {"lost", Json::array()}};
  const std::int64_t at = to_unix_ms(ctx.captured_at());
  const std::string by = actor_id(ctx);
  for (const char* member : kPersonFields) {
    const Json before = old.value(member, Json());
    const Json after = row.value(member, Json());
    if (before == after) continue;
    const Json known = edit["set"].value(member, Json{{"at", json_int(old, "created_at")}});
    const Json mine = {{"at", at}, {"by", by}};
    // Written before what stands there now: the phone was offline meanwhile.
    const bool is_late = json_int(known, "at") > at;
    const Json& loses = is_late ? mine : known;
    const Json& keeps = is_late ? known : mine;
    const Json& value = is_late ? after : before;
    if (!is_empty(value)) {
      Json entry = {{"member", member},
                    {"value", value},
                    {"at", loses.at("at")},
                    {"kept_at", keeps.at("at")}};
      if (loses.contains("by")) entry["by"] = loses.at("by");
      if (keeps.contains("by")) entry["kept_by"] = keeps.at("by");
      lose(edit, std::move(entry));
    }
    if (!is_late) edit["set"][member] = mine;
    if (is_late && before.is_null()) row.erase(member);
    if (is_late && !before.is_null()) row[member] = before;
  }
  if (found == nullptr || *found != edit) ctx.put("person_edit", id, std::move(edit));
}

namespace {

/// Newest first.
Result<Json> list_edits(ReadContext& ctx, const Json& params) {
  const std::string id = json_text(params, "id");
  LINLI_CHECK(need(ctx, "person", id));
  LINLI_CHECK(check_access(ctx, params, id));
  Json out = {{"lost", Json::array()}};
  const Row edit = ctx.get("person_edit", id);
  if (edit == nullptr) return out;
  const Json& lost = edit->at("lost");
  for (auto at = lost.rbegin(); at != lost.rend(); ++at) out["lost"].push_back(*at);
  return out;
}

Result<void> may_read_edits(ReadContext& ctx, const Json& params) {
  const Row row = ctx.get("person", json_text(params, "id"));
  return require_any_over(ctx, {Role::grid, Role::window}, row ? json_text(*row, "area") : "");
}

}  // namespace

void declare_edits(sync::Registry& registry) {
  sync::TableDef table{};
  table.name = "person_edit";
  table.references = {{"person", "person"}};
  registry.add(std::move(table));
  add(registry, Query{.name = "people.edits",
                      .summary = "Values of a record that another one replaced, with who wrote "
                                 "which when.",
                      .params = arg::object({{"id!", arg::id()}, {"access", arg::id()}}),
                      .permit = may_read_edits,
                      .run = list_edits,
                      .path = "/persons/{id}/edits"});
}

}  // namespace linli::community::people
