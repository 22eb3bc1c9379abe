// SPDX-License-Identifier: Apache-2.0
#include "tests/support/note_module.h"

#include <stdexcept>

#include "base/bytes.h"

namespace linli::test {
namespace {

using namespace sync;

Json object(Json properties, Json required) {
  // Lets the simulator recognise one intention wherever it turns up.
  properties["token"] = {{"type", "string"}};
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

const Json kText = {{"type", "string"}, {"maxLength", 2000}};
const Json kTexts = {{"type", "array"}, {"items", kText}};

std::vector<std::string> texts(const Json& array) { return array.get<std::vector<std::string>>(); }

MutatorResult put_note(MutatorContext& ctx, const Json& args) {
  const auto names = texts(args.at("buckets"));
  for (const std::string& name : names) ctx.ensure_bucket(note_bucket(name));
  ctx.put("note", json_text(args, "id"),
          {{"text", args.at("text")}, {"buckets", args.at("buckets")}});
  return Json{{"id", args.at("id")}};
}

MutatorResult increment(MutatorContext& ctx, const Json& args) {
  ctx.ensure_bucket(note_bucket("all"));
  const std::string id = json_text(args, "id");
  const auto before = ctx.get("count", id);
  ctx.put("count", id, {{"n", (before ? json_int(*before, "n") : 0) + 1}});
  return Json();
}

MutatorResult set_member(MutatorContext& ctx, const Json& args) {
  auto account = Id128::parse(json_text(args, "account"));
  if (!account) return std::unexpected(account.error());
  const auto names = texts(args.at("buckets"));
  for (const std::string& name : names) ctx.ensure_bucket(note_bucket(name));
  ctx.set_membership(AccountId{*account}, names);
  return Json();
}

MutatorResult later(MutatorContext& ctx, const Json& args) {
  ctx.schedule(from_unix_ms(json_int(args, "at")), "note.later", json_text(args, "id"));
  return Json();
}

void declare_mutators(Registry& r) {
  r.add(MutatorDef{
      .name = "note.put",
      .args_schema =
          object({{"id", kText}, {"text", kText}, {"buckets", kTexts}}, {"id", "text", "buckets"}),
      .permit = {},
      .run = put_note,
      .effects = Json::array({{{"op", "put"},
                               {"tbl", "note"},
                               {"key", "{id}"},
                               {"data", {{"text", "{text}"}, {"buckets", "{buckets}"}}}}}),
      .summary = "puts a note"});
  r.add(MutatorDef{.name = "note.del",
                   .args_schema = object({{"id", kText}}, {"id"}),
                   .permit = {},
                   .run = [](MutatorContext& ctx, const Json& args) -> MutatorResult {
                     ctx.del("note", json_text(args, "id"));
                     return Json();
                   },
                   .effects = Json::array({{{"op", "delete"}, {"tbl", "note"}, {"key", "{id}"}}}),
                   .summary = "deletes a note"});
  r.add(MutatorDef{.name = "note.inc",
                   .args_schema = object({{"id", kText}}, {"id"}),
                   .permit = {},
                   .run = increment,
                   .effects = Json::array(
                       {{{"op", "inc"}, {"tbl", "count"}, {"key", "{id}"}, {"data", {{"n", 1}}}}}),
                   .summary = "counts"});
  r.add(MutatorDef{.name = "note.fail",
                   .args_schema = {},
                   .permit = {},
                   .run = [](MutatorContext& ctx, const Json&) -> MutatorResult {
                     ctx.ensure_bucket(note_bucket("never"));
                     ctx.put("note", "never", {{"text", "x"}, {"buckets", {"never"}}});
                     return fail(Errc::wrong_state, "always refused");
                   },
                   .effects = {},
                   .summary = "always refused"});
  r.add(MutatorDef{.name = "note.throw",
                   .args_schema = {},
                   .permit = {},
                   .run = [](MutatorContext&, const Json&) -> MutatorResult {
                     throw std::runtime_error("poison");
                   },
                   .effects = {},
                   .summary = "poison"});
  r.add(MutatorDef{
      .name = "note.later",
      .args_schema = object({{"id", kText}, {"at", {{"type", "integer"}}}}, {"id", "at"}),
      .permit = {},
      .run = later,
      .effects = {},
      .summary = "schedules a note"});
  r.add(
      MutatorDef{.name = "note.desk",
                 .args_schema = {},
                 .permit = {},
                 .run = [](MutatorContext&, const Json&) -> MutatorResult { return Json("done"); },
                 .effects = {},
                 .online_only = true,
                 .needs_elevation = true,
                 .summary = "desk"});
  r.add(MutatorDef{
      .name = "member.set",
      .args_schema = object({{"account", kText}, {"buckets", kTexts}}, {"account", "buckets"}),
      .permit = {},
      .run = set_member,
      .effects = {},
      .summary = "sets memberships"});
}

}  // namespace

BucketSpec note_bucket(std::string name) {
  const Lane lane = name.ends_with(":u") ? Lane::urgent : Lane::normal;
  return {.name = std::move(name), .lane = lane, .pri = 5, .cls = BucketClass::normal};
}

void declare_notes(Registry& r) {
  r.add(TableDef{
      .name = "note",
      .indexes = {{"text",
                   [](std::string_view, const Json& row) {
                     return std::vector{json_text(row, "text").substr(0, 64)};
                   }}},
      .buckets = [](std::string_view, const Json& row) { return texts(row.at("buckets")); },
      .references = {}});
  r.add(TableDef{
      .name = "count",
      .indexes = {},
      .buckets = [](std::string_view, const Json&) { return std::vector<std::string>{"all"}; },
      .references = {}});
  declare_mutators(r);
  r.add(QueryDef{.name = "note.get",
                 .params_schema = object({{"id", kText}}, {"id"}),
                 .permit = {},
                 .run = [](ReadContext& ctx, const Json& args) -> Result<Json> {
                   const auto row = ctx.get("note", json_text(args, "id"));
                   if (!row) return fail(Errc::not_found, "note");
                   return *row;
                 },
                 .summary = "one note"});
  r.add(DueDef{.kind = "note.later",
               .grace = std::chrono::minutes(30),
               .run = [](MutatorContext& ctx, std::string_view key, bool missed) {
                 ctx.ensure_bucket(note_bucket("all"));
                 if (ctx.get("note", "broken") != nullptr) throw std::runtime_error("broken");
                 ctx.put("note", key, {{"text", missed ? "missed" : "due"}, {"buckets", {"all"}}});
               }});
}

}  // namespace linli::test
