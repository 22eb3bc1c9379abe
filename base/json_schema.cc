// SPDX-License-Identifier: Apache-2.0
#include "base/json_schema.h"

#include <exception>
#include <locale>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

namespace linli {
namespace {

/// Longest text that a `pattern` or `format` looks at. Why: std::regex recurses once per character,
/// so 64 KiB of a hostile peer's text would run off the stack.
constexpr std::size_t kRegexTextMax = 256;

/// Moves the keyword `name` of `schema` behind a length check: longer texts fail by their length.
void guard(Json& schema, const char* name) {
  const auto at = schema.find(name);
  if (at == schema.end() || !at->is_string()) return;
  const Json bound = {{"maxLength", kRegexTextMax}};
  const Json guarded = {{"if", bound}, {"then", {{name, *at}}}, {"else", bound}};
  schema.erase(at);
  schema["allOf"].push_back(guarded);
}

/// Guards every schema in a tree that we wrote, so its depth is ours too. A member of `properties`
/// may be called "pattern": there the names are not keywords.
void guard_regexes(Json& schema, bool names_are_keywords = true) {
  if (!schema.is_structured()) return;
  for (auto& [name, part] : schema.items()) {
    const bool holds_data = names_are_keywords && (name == "enum" || name == "const");
    LINLI_ASSERT(!names_are_keywords || (name != "patternProperties" && name != "$ref"));
    if (!holds_data) guard_regexes(part, !names_are_keywords || name != "properties");
  }
  if (!names_are_keywords || !schema.is_object()) return;
  guard(schema, "pattern");
  guard(schema, "format");
}

/// `["<root>","[\"who\"]","[0]"]` -> `who/0`. Names come from a peer, so they are cut short.
std::string path_of(const std::vector<std::string>& context) {
  constexpr std::size_t kPathBytesMax = 100;
  std::string path;
  for (std::size_t i = 1; i < context.size(); ++i) {
    std::string_view part = context[i];
    const std::size_t quotes = part.starts_with("[\"") ? 2 : 1;
    part = part.substr(quotes, part.size() - 2 * quotes);
    path.append(path.empty() ? "" : "/").append(part);
  }
  if (path.size() > kPathBytesMax) return "a member";
  return path.empty() ? "the whole" : path;
}

/// valijson's sentence without what it quotes of the peer.
std::string rule_of(const std::string& description) {
  if (description.starts_with("Missing required property")) return description;
  if (description.starts_with("Object contains a property")) return "Member is not known.";
  const std::size_t quote = description.find('\'');
  const bool names_a_keyword = description.find("constraint") != std::string::npos;
  return quote == std::string::npos || names_a_keyword ? description : description.substr(0, quote);
}

/// libstdc++'s <regex> fills the narrowing table of the process's locale as it meets characters,
/// without a lock. Filled before the first schema is used, it is only read from then on.
void fill_narrowing_table() {
  const auto& table = std::use_facet<std::ctype<char>>(std::locale());
  for (int c = 0; c <= 0xff; ++c) table.narrow(static_cast<char>(c), '\0');
}

}  // namespace

struct JsonSchema::Compiled {
  Json written;
  valijson::Schema schema;
};

JsonSchema::JsonSchema(const Json& schema) {
  static std::once_flag filled;
  std::call_once(filled, fill_narrowing_table);
  auto compiled = std::make_shared<Compiled>();
  compiled->written = schema;
  Json guarded = schema;
  guard_regexes(guarded);
  bool is_good = guarded.is_object() || guarded.is_boolean();
  try {
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(guarded), compiled->schema);
  } catch (const std::exception&) {
    is_good = false;
  }
  LINLI_ASSERT(is_good);
  compiled_ = std::move(compiled);
}

Result<void> JsonSchema::check(const Json& value) const {
  if (compiled_ == nullptr) return {};
  // Not shared: a Validator keeps the regexes it has compiled. Patterns are ours, so they are few.
  thread_local valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  try {
    const valijson::adapters::NlohmannJsonAdapter target(value);
    if (validator.validate(compiled_->schema, target, &results)) return {};
  } catch (const std::exception&) {
    // Such as a regex that gives up on a text.
    return fail(Errc::invalid_argument, "the value cannot be checked");
  }
  valijson::ValidationResults::Error first;
  if (!results.popError(first)) return fail(Errc::invalid_argument, "the schema refuses the value");
  return fail(Errc::invalid_argument, path_of(first.context) + ": " + rule_of(first.description));
}

const Json& JsonSchema::json() const {
  static const Json kEmpty = Json::object();
  return compiled_ == nullptr ? kEmpty : compiled_->written;
}

}  // namespace linli
