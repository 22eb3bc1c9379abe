// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/compose.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "notify/channels/http/names.h"
#include "notify/text/headline.h"
#include "notify/text/segment.h"

namespace linli::notify::http {
namespace {

constexpr std::string_view kEllipsis = "…";

std::size_t units(std::string_view text, LengthUnit unit) {
  if (unit == LengthUnit::bytes) return text.size();
  std::size_t out = utf8_length(text);
  if (unit == LengthUnit::utf16) {
    // Four-byte sequences are the characters that take two units.
    out += static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return static_cast<std::uint8_t>(c) >= 0xf0; }));
  }
  return out;
}

Json message_values(const Message& message, Lane lane, bool has_replies) {
  return {{"notice", message.notice},
          {"rev", message.rev},
          {"purpose", purpose_name(message.purpose)},
          {"category", message.category},
          {"severity", message.severity},
          {"title", message.title},
          {"action_line", message.action_line},
          {"body", message.body},
          {"issuer", message.issuer},
          {"community", message.community},
          {"link", message.link},
          {"reply", has_replies ? reply_line(message) : std::string()},
          {"needs_ack", message.needs_ack},
          {"drill", message.drill},
          {"mark", opening_of(message)},
          {"lane", kLaneNames[static_cast<std::size_t>(lane)]}};
}

bool is_empty_line(const std::string& line, const Json& values) {
  const auto places = placeholders_of(line).value_or(std::vector<Placeholder>());
  return !places.empty() && std::ranges::all_of(places, [&](const Placeholder& place) {
    const Json* value = find_value(values, place.name);
    return value == nullptr || is_empty_value(*value);
  });
}

std::string render_lines(const std::vector<std::string>& lines, const Json& values) {
  std::string out;
  for (const std::string& line : lines) {
    if (is_empty_line(line, values)) continue;
    if (!out.empty()) out += '\n';
    out += render_text(line, values, Escape::none);
  }
  return out;
}

/// The longest start of `text` with at most `max` units that cuts no character, nor leaves a
/// joiner or a variation selector hanging.
std::string_view start_of(std::string_view text, std::size_t max, LengthUnit unit) {
  std::size_t end = std::min(text.size(), max);  // a unit is at least a byte of 4
  if (unit != LengthUnit::bytes) end = std::min(text.size(), max * 4);
  const auto is_middle = [&](std::size_t at) {
    return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80;
  };
  while (end > 0 && (is_middle(end) || units(text.substr(0, end), unit) > max)) --end;
  std::string_view out = text.substr(0, end);
  for (const std::string_view joiner : {"\u200d", "\ufe0f"}) {
    if (out.ends_with(joiner)) out.remove_suffix(joiner.size());
  }
  return out;
}

bool is_too_long(const LengthRule& rule, std::string_view text) {
  return rule.max > 0 && units(text, rule.unit) > rule.max;
}

/// The text within the rule: as it is, or with a shortened body.
Result<std::string> fit(const Profile& profile, const std::string& prefix, Json& values) {
  const LengthRule& rule = profile.length;
  std::string text = render_lines(profile.text, values);
  if (!is_too_long(rule, prefix + text)) return text;
  const std::string body = json_text(values, "body");
  const std::size_t over = units(prefix + text, rule.unit) - rule.max + units(kEllipsis, rule.unit);
  const std::size_t have = units(body, rule.unit);
  if (!rule.may_cut || have < over) return fail(Errc::too_large, "the text is too long");
  values["body"] = std::string(start_of(body, have - over, rule.unit)) + std::string(kEllipsis);
  return render_lines(profile.text, values);
}

Result<std::uint32_t> parts_of(const LengthRule& rule, std::string_view text) {
  using Parts = LengthRule::Parts;
  if (rule.parts == Parts::one) return 1U;
  LINLI_TRY(const SmsSplit split, split_sms(text, {.ucs2_only = rule.parts == Parts::ucs2}));
  return static_cast<std::uint32_t>(split.parts.size());
}

Json derived(const Json& specs, const Json& values) {
  Json out = Json::object();
  for (const auto& [name, spec] : specs.items()) {
    const Json* from = find_value(values, json_text(spec, "from"));
    const std::string key = from == nullptr ? std::string() : text_of(*from);
    const Json& map = spec.at("map");
    const auto found = map.find(key);
    out[name] = found == map.end() ? Json(json_text(spec, "else")) : *found;
  }
  return out;
}

}  // namespace

Result<Composed> compose(const Setup& setup, const Message& message, Lane lane) {
  const Profile& profile = *setup.profile;
  Composed out;
  out.values = message_values(message, lane, setup.capabilities.has_replies);
  out.values["value"] = derived(profile.values, out.values);
  out.values["settings"] = setup.settings;
  const std::string prefix = render_text(profile.length.prefix, out.values, Escape::none);
  std::string text;
  if (!profile.templates.is_used) {
    LINLI_TRY(text, fit(profile, prefix, out.values));
  } else {
    const ApprovedTemplate* chosen = choose_template(setup.approved, message);
    if (chosen == nullptr)
      return fail(Errc::invalid_argument,
                  "no approved template for the category " + message.category);
    LINLI_TRY(text, fill_template(*chosen, profile.templates, out.values));
    if (is_too_long(profile.length, prefix + text))
      return fail(Errc::too_large, "the text is too long");
  }
  if (message.drill && text.find("演练") == std::string::npos)
    return fail(Errc::invalid_argument, "the text would not say that it is a drill");
  out.values["text"] = text;
  out.values.erase("settings");
  out.text = prefix + text;
  LINLI_TRY(out.parts, parts_of(profile.length, out.text));
  return out;
}

}  // namespace linli::notify::http
