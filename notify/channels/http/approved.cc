// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/approved.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "notify/channels/http/names.h"

namespace linli::notify::http {
namespace {

constexpr std::size_t kTemplatesMax = 200;
constexpr std::array<std::string_view, 7> kPurposeNames = {
    "notice", "correction", "all_clear", "reminder", "summary", "alarm", "test"};

bool is_purpose(std::string_view name) {
  return std::ranges::find(kPurposeNames, name) != kPurposeNames.end();
}

/// The placeholder of the variable at `index`, from 0.
std::string placeholder_of(const TemplateRule& rule, const std::string& name, std::size_t index) {
  std::string out = rule.placeholder;
  const std::size_t by_name = out.find("NAME");
  if (by_name != std::string::npos) return out.replace(by_name, 4, name);
  return out.replace(out.find("INDEX"), 5, std::to_string(index + 1));
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

bool contains(const std::vector<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

/// In one pass: a value may itself look like a placeholder.
std::string substitute(const ApprovedTemplate& chosen, const TemplateRule& rule,
                       const Json& texts) {
  std::vector<std::pair<std::string, std::string>> parts;
  parts.reserve(chosen.variables.size());
  for (std::size_t i = 0; i < chosen.variables.size(); ++i) {
    parts.emplace_back(placeholder_of(rule, chosen.variables[i].name, i),
                       texts[i].get<std::string>());
  }
  std::string out;
  for (std::size_t at = 0; at < chosen.text.size();) {
    const auto here = std::ranges::find_if(parts, [&](const auto& part) {
      return chosen.text.compare(at, part.first.size(), part.first) == 0;
    });
    if (here == parts.end()) {
      out += chosen.text[at++];
    } else {
      out += here->second;
      at += here->first.size();
    }
  }
  return out;
}

Result<ApprovedTemplate::Variable> parse_variable(const Json& json, const Profile& profile) {
  ApprovedTemplate::Variable out;
  Fields fields(json, "templates.variables");
  out.name = fields.needed("name");
  out.value = fields.needed("value");
  out.max = static_cast<std::size_t>(fields.integer("max", 0, 0, 10'000));
  out.fallback = fields.text("empty");
  if (auto good = check_names(out.value, profile, "value"); !good)
    fields.fault("value", good.error().detail);
  LINLI_CHECK(fields.finish());
  return out;
}

/// Every variable has its place in the text, and every place its variable.
void check_places(const ApprovedTemplate& approved, const TemplateRule& rule, Fields& fields) {
  std::string rest = approved.text;
  for (std::size_t i = 0; i < approved.variables.size(); ++i) {
    const std::string place = placeholder_of(rule, approved.variables[i].name, i);
    if (rest.find(place) == std::string::npos)
      fields.fault("variables", approved.variables[i].name + " is not in the text");
    replace_all(rest, place, "");
  }
  const std::string opening = rule.placeholder.substr(
      0, std::min(rule.placeholder.find("NAME"), rule.placeholder.find("INDEX")));
  if (!opening.empty() && rest.find(opening) != std::string::npos)
    fields.fault("text", "has a placeholder without variable");
}

Result<ApprovedTemplate> parse_template(const Json& json, const Profile& profile) {
  ApprovedTemplate out;
  Fields fields(json, "templates");
  out.id = fields.needed("id");
  out.text = fields.needed("text");
  for (const Json& part : fields.array("categories")) out.categories.push_back(text_of(part));
  for (const Json& part : fields.array("purposes")) out.purposes.push_back(text_of(part));
  if (out.categories.empty()) fields.fault("categories", "which is it approved for?");
  if (contains(out.categories, "*"))
    fields.fault("categories", "are named one by one, so that none slips through");
  for (const std::string& purpose : out.purposes) {
    if (!is_purpose(purpose)) fields.fault("purposes", "no such purpose: " + purpose);
  }
  for (const Json& part : fields.array("variables")) {
    LINLI_TRY(auto variable, parse_variable(part, profile));
    out.variables.push_back(std::move(variable));
  }
  check_places(out, profile.templates, fields);
  LINLI_CHECK(fields.finish());
  return out;
}

}  // namespace

std::string_view purpose_name(Purpose purpose) {
  return kPurposeNames[static_cast<std::size_t>(purpose)];
}

const ApprovedTemplate* choose_template(const std::vector<ApprovedTemplate>& approved,
                                        const Message& message) {
  for (const ApprovedTemplate& one : approved) {
    if (!contains(one.categories, message.category)) continue;
    if (one.purposes.empty() || contains(one.purposes, purpose_name(message.purpose))) return &one;
  }
  return nullptr;
}

Result<std::string> fill_template(const ApprovedTemplate& chosen, const TemplateRule& rule,
                                  Json& values) {
  Json by_name = Json::object();
  Json wrapped = Json::object();
  Json in_order = Json::array();
  for (std::size_t i = 0; i < chosen.variables.size(); ++i) {
    const ApprovedTemplate::Variable& variable = chosen.variables[i];
    std::string value = render_text(variable.value, values, Escape::none);
    if (value.empty()) value = variable.fallback;
    const std::string what = "template " + chosen.id + ": variable " + variable.name;
    if (value.empty()) return fail(Errc::invalid_argument, what + " is empty");
    if (variable.max > 0 && utf8_length(value) > variable.max)
      return fail(Errc::too_large, what + " is longer than " + std::to_string(variable.max));
    by_name[variable.name] = value;
    wrapped[variable.name] = {{"value", value}};
    in_order.push_back(value);
  }
  std::string out = substitute(chosen, rule, in_order);
  values["template"] = {{"id", chosen.id},
                        {"vars", std::move(by_name)},
                        {"values", std::move(in_order)},
                        {"wrapped", std::move(wrapped)}};
  return out;
}

Result<std::vector<ApprovedTemplate>> parse_templates_setting(const Json& list,
                                                              const Profile& profile) {
  std::vector<ApprovedTemplate> out;
  if (!list.is_array()) return fail(Errc::invalid_argument, "templates: not a list");
  if (list.size() > kTemplatesMax) return fail(Errc::invalid_argument, "templates: too many");
  for (const Json& one : list) {
    LINLI_TRY(auto approved, parse_template(one, profile));
    out.push_back(std::move(approved));
  }
  return out;
}

}  // namespace linli::notify::http
