// SPDX-License-Identifier: Apache-2.0
#include "server/http/openapi.h"

#include <algorithm>
#include <set>

namespace linli::http {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return text;
}

std::set<std::string> path_parameters(const Endpoint& endpoint) {
  std::set<std::string> out;
  for (const std::string& segment : path_segments(endpoint.path))
    if (segment.size() > 2 && segment.front() == '{')
      out.insert(segment.substr(1, segment.size() - 2));
  return out;
}

Json property(const Endpoint& endpoint, const std::string& name) {
  const Json& schema = endpoint.schema.json();
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->contains(name)) return {{"type", "string"}};
  return properties->at(name);
}

bool is_required(const Endpoint& endpoint, const std::string& name) {
  const Json& schema = endpoint.schema.json();
  const auto required = schema.find("required");
  return required != schema.end() &&
         std::ranges::any_of(*required, [&](const Json& item) { return item == name; });
}

Json parameter(const std::string& name, const char* in, bool required, Json schema) {
  return {{"name", name}, {"in", in}, {"required", required}, {"schema", std::move(schema)}};
}

bool has_json_body(const Endpoint& endpoint) {
  return endpoint.method != "GET" && endpoint.takes == "application/json";
}

bool has_other_body(const Endpoint& endpoint) {
  return (endpoint.method == "POST" || endpoint.method == "PUT" || endpoint.method == "PATCH") &&
         !has_json_body(endpoint);
}

Json parameters(const Endpoint& endpoint) {
  Json out = Json::array();
  const auto in_path = path_parameters(endpoint);
  for (const std::string& name : in_path)
    out.push_back(parameter(name, "path", true, property(endpoint, name)));
  const Json& schema = endpoint.schema.json();
  if (!has_json_body(endpoint) && schema.contains("properties")) {
    for (const auto& [name, member] : schema.at("properties").items()) {
      if (in_path.contains(name)) continue;
      const std::string shown = name == "after" ? "cursor" : name;
      out.push_back(parameter(shown, "query", is_required(endpoint, name), member));
    }
  }
  if (endpoint.needs_key) out.push_back({{"$ref", "#/components/parameters/IdempotencyKey"}});
  return out;
}

/// The schema without what the path gives.
Json body_schema(const Endpoint& endpoint) {
  Json schema = endpoint.schema.json();
  for (const std::string& name : path_parameters(endpoint)) {
    if (schema.contains("properties")) schema["properties"].erase(name);
    if (!schema.contains("required")) continue;
    Json kept = Json::array();
    for (const Json& item : schema["required"])
      if (item != name) kept.push_back(item);
    schema["required"] = std::move(kept);
  }
  return schema;
}

Json operation(const Endpoint& endpoint) {
  Json out = {{"operationId", lower(endpoint.method) + "." + endpoint.id},
              {"tags", Json::array({endpoint.tag})},
              {"summary", endpoint.summary},
              {"parameters", parameters(endpoint)}};
  if (has_json_body(endpoint)) {
    out["requestBody"]["content"]["application/json"]["schema"] = body_schema(endpoint);
  } else if (has_other_body(endpoint)) {
    out["requestBody"] = {{"required", true},
                          {"content", {{endpoint.takes, {{"schema", {{"type", "string"}}}}}}}};
  }
  Json answer = {{"description", "Done."}};
  answer["content"][endpoint.answers]["schema"] =
      endpoint.answers == "application/json" ? Json{{"type", "object"}} : Json{{"type", "string"}};
  out["responses"] = {{"2XX", std::move(answer)},
                      {"default", {{"$ref", "#/components/responses/Problem"}}}};
  switch (endpoint.access) {
    case Access::open: out["security"] = Json::array(); break;
    case Access::optional:
      out["security"] = Json::array({Json::object(), {{"device", Json::array()}}});
      break;
    case Access::signed_in:
      out["security"] = Json::array({{{"device", Json::array()}},
                                     {{"elevated", Json::array()}},
                                     {{"apiKey", Json::array()}}});
      break;
    case Access::elevated: out["security"] = Json::array({{{"elevated", Json::array()}}}); break;
  }
  return out;
}

Json components() {
  const Json problem = {
      {"type", "object"},
      {"required", {"type", "title", "status", "detail", "code", "request_id"}},
      {"properties",
       {{"type", {{"type", "string"}}},
        {"title", {{"type", "string"}}},
        {"status", {{"type", "integer"}}},
        {"detail", {{"type", "string"}, {"description", "A Chinese sentence for people."}}},
        {"code", {{"type", "string"}, {"description", "As in base/errc.h."}}},
        {"reason", {{"type", "string"}}},
        {"retryable", {{"type", "boolean"}}},
        {"request_id", {{"type", "string"}}}}}};
  Json response = {{"description", "RFC 9457."}};
  response["content"]["application/problem+json"]["schema"]["$ref"] =
      "#/components/schemas/Problem";
  const auto bearer = [](const char* description) {
    return Json{{"type", "http"}, {"scheme", "bearer"}, {"description", description}};
  };
  return {{"schemas", {{"Problem", problem}}},
          {"responses", {{"Problem", response}}},
          {"parameters",
           {{"IdempotencyKey",
             {{"name", "Idempotency-Key"},
              {"in", "header"},
              {"required", true},
              {"description", "A new UUID for each operation, the same one when repeating it."},
              {"schema", {{"type", "string"}, {"minLength", 1}, {"maxLength", 64}}}}}}},
          {"securitySchemes",
           {{"device", bearer("POST /api/v1/token: 10 minutes.")},
            {"elevated", bearer("POST /api/v1/elevate: 15 minutes idle, 8 hours at most; a fresh "
                                "one comes in the header Linli-Token.")},
            {"apiKey", bearer("llk_... of `linlid admin keys create`, with scopes.")}}}};
}

}  // namespace

Json openapi_document(const EndpointTable& table, std::string_view version) {
  Json paths = Json::object();
  for (const Endpoint& endpoint : table.all())
    paths["/c/{slug}" + endpoint.path][lower(endpoint.method)] = operation(endpoint);
  for (auto& [path, item] : paths.items())
    item["parameters"] = Json::array({parameter("slug", "path", true, {{"type", "string"}})});
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Linli"},
            {"version", version},
            {"description",
             "Writes are named mutations; a list is {items, next} with a Link "
             "header; errors are application/problem+json."}}},
          {"paths", std::move(paths)},
          {"components", components()}};
}

}  // namespace linli::http
