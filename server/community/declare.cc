// SPDX-License-Identifier: Apache-2.0
#include "server/community/declare.h"

#include <algorithm>
#include <charconv>

#include "server/community/text.h"

namespace linli::community {
namespace {

std::string tag_of(const std::string& name) { return name.substr(0, name.find('.')); }

void add_route(Registry& registry, const std::string& method, const std::string& path,
               const std::string& name, const std::string& summary) {
  if (path.empty()) return;
  registry.add(sync::RouteDef{method, path, name, tag_of(name), summary});
}

}  // namespace

void add(Registry& registry, Mutator mutator) {
  add_route(registry, mutator.method, mutator.path, mutator.name, mutator.summary);
  sync::MutatorDef def{};
  def.name = std::move(mutator.name);
  def.lane = mutator.lane;
  def.args_schema = JsonSchema(mutator.args);
  def.permit = [schema = std::move(mutator.args), permit = std::move(mutator.permit)](
                   ReadContext& ctx, const Json& args) -> Result<void> {
    LINLI_CHECK(check_texts(schema, args));
    return permit(ctx, args);
  };
  def.verify = std::move(mutator.verify);
  def.run = std::move(mutator.run);
  def.effects = std::move(mutator.effects);
  def.online_only = mutator.online_only;
  def.needs_elevation = mutator.needs_elevation;
  def.internal = mutator.internal;
  def.summary = std::move(mutator.summary);
  registry.add(std::move(def));
}

void add(Registry& registry, Query query) {
  add_route(registry, query.method, query.path, query.name, query.summary);
  sync::QueryDef def{};
  def.name = std::move(query.name);
  def.params_schema = JsonSchema(query.params);
  def.permit = std::move(query.permit);
  def.run = std::move(query.run);
  def.summary = std::move(query.summary);
  registry.add(std::move(def));
}

Result<void> system_only(ReadContext& ctx, const Json& /*args*/) {
  if (ctx.actor().via != sync::Via::system) return fail(Errc::forbidden, "only for the server");
  return {};
}

Result<void> anyone(ReadContext& /*ctx*/, const Json& /*args*/) { return {}; }

namespace arg {

Json object(std::initializer_list<std::pair<std::string, Json>> members) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const auto& [label, schema] : members) {
    std::string name = label;
    if (name.ends_with('!')) {
      name.pop_back();
      required.push_back(name);
    }
    properties[name] = schema;
  }
  Json out = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = required;
  return out;
}

Json id() { return {{"type", "string"}, {"pattern", "^[A-Za-z0-9_.-]{1,32}$"}}; }
Json short_id() { return {{"type", "string"}, {"pattern", "^[A-Za-z0-9_.-]{1,24}$"}}; }

Json text(std::size_t chars_max, std::size_t chars_min) {
  Json out = {{"type", "string"}, {"maxLength", chars_max}};
  if (chars_min > 0) out["minLength"] = chars_min;
  return out;
}

Json flag() { return {{"type", "boolean"}}; }

Json integer(std::int64_t min, std::int64_t max) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}

Json instant() { return integer(0, 9'007'199'254'740'991); }

Json one_of(std::initializer_list<const char*> words) {
  Json list = Json::array();
  for (const char* word : words) list.push_back(word);
  return {{"type", "string"}, {"enum", list}};
}

Json list(Json item, std::size_t items_max, std::size_t items_min) {
  Json out = {{"type", "array"}, {"items", std::move(item)}, {"maxItems", items_max}};
  if (items_min > 0) out["minItems"] = items_min;
  return out;
}

Json hex(std::size_t digits) {
  return {{"type", "string"}, {"pattern", "^[0-9a-f]{" + std::to_string(digits) + "}$"}};
}

Json limit() { return {{"type", Json::array({"integer", "string"})}}; }
Json cursor() { return text(256); }

}  // namespace arg

std::size_t page_limit(const Json& params, std::size_t standard, std::size_t most) {
  std::size_t wanted = standard;
  const auto found = params.find("limit");
  if (found != params.end() && found->is_number_integer()) {
    const auto number = found->get<std::int64_t>();
    wanted = number > 0 ? static_cast<std::size_t>(number) : 1;
  } else if (found != params.end() && found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), wanted);
    if (parsed.ec != std::errc{}) wanted = standard;
  }
  return std::clamp<std::size_t>(wanted, 1, most);
}

}  // namespace linli::community
