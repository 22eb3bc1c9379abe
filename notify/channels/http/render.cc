// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/render.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/crypto.h"

namespace linli::notify::http {
namespace {

constexpr std::array<std::string_view, 7> kFilters = {"",    "e164", "national", "int31",
                                                      "csv", "line", "json"};

bool is_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  return !name.empty() && std::ranges::all_of(name, legal) && name.front() != '.' &&
         name.back() != '.';
}

Result<Placeholder> parse_placeholder(std::string_view inside) {
  Placeholder out;
  out.is_raw = inside.starts_with('!');
  out.is_value = inside.starts_with('=');
  if (out.is_raw || out.is_value) inside.remove_prefix(1);
  const std::size_t bar = inside.find('|');
  out.name = inside.substr(0, bar);
  if (bar != std::string_view::npos) out.filter = inside.substr(bar + 1);
  if (!is_name(out.name)) return fail(Errc::invalid_argument, "template: a bad name in {{}}");
  if (std::ranges::find(kFilters, out.filter) == kFilters.end())
    return fail(Errc::invalid_argument, "template: no such filter: " + out.filter);
  return out;
}

/// Calls `literal(text)` and `placeholder(p)` in order of the text.
template <class Literal, class Place>
Result<void> walk(std::string_view text, Literal literal, Place place) {
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    literal(text.substr(0, open));
    if (open == std::string_view::npos) return {};
    text.remove_prefix(open + 2);
    const std::size_t close = text.find("}}");
    if (close == std::string_view::npos)
      return fail(Errc::invalid_argument, "template: {{ without }}");
    LINLI_TRY(const Placeholder found, parse_placeholder(text.substr(0, close)));
    place(found);
    text.remove_prefix(close + 2);
  }
  return {};
}

/// A national number of the mainland with +86, others with their '+'.
std::string e164(std::string number) {
  if (number.starts_with("+")) return number;
  if (number.starts_with("00")) return "+" + number.substr(2);
  constexpr std::size_t kMobileDigits = 11;
  const bool is_mobile = number.size() == kMobileDigits && number.starts_with("1");
  return is_mobile ? "+86" + number : "+" + number;
}

std::string national(const std::string& number) {
  for (const std::string_view prefix : {"+86", "0086"}) {
    if (number.starts_with(prefix)) return number.substr(prefix.size());
  }
  return number;
}

/// A stable number from a text, for peers that take only integers as names.
std::int64_t int31(std::string_view text) {
  const Sha256 hash = sha256(as_bytes(text));
  return static_cast<std::int64_t>(read_u64be(hash) >> 33);
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

std::string csv(const Json& value) {
  if (!value.is_array()) return text_of(value);
  std::string out;
  for (const Json& part : value) {
    if (!out.empty()) out += ',';
    out += text_of(part);
  }
  return out;
}

Json filtered(const Json& value, std::string_view filter) {
  if (value.is_array() && (filter == "e164" || filter == "national")) {
    Json out = Json::array();
    for (const Json& one : value) out.push_back(filtered(one, filter));
    return out;
  }
  if (filter == "e164") return e164(text_of(value));
  if (filter == "national") return national(text_of(value));
  if (filter == "int31") return int31(text_of(value));
  if (filter == "csv") return csv(value);
  if (filter == "line") return one_line(text_of(value));
  if (filter == "json") return dump_json(value);
  return value;
}

Json value_of(const Placeholder& place, const Json& values) {
  const Json* found = find_value(values, place.name);
  return found == nullptr ? Json() : filtered(*found, place.filter);
}

void append_percent(std::string& out, std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                               c == '~';
    if (is_unreserved) {
      out += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

void append_xml(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&apos;"; break;
      case '\n':
      case '\t': out += c; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
}

/// The one placeholder of a text that is nothing but `{{=name}}`.
std::optional<Placeholder> sole_value(const std::string& text) {
  if (!text.starts_with("{{=") || text.find("}}") != text.size() - 2) return std::nullopt;
  auto found = parse_placeholder(std::string_view(text).substr(2, text.size() - 4));
  LINLI_ASSERT(found.has_value());
  return std::move(*found);
}

/// "https://...?id={{delivery}}" without its first value is no address.
bool lacks_first_value(const Json& shape, const Json& values) {
  if (!shape.is_string()) return false;
  const auto places = placeholders_of(shape.get<std::string>());
  return places && !places->empty() && is_empty_value(value_of(places->front(), values));
}

}  // namespace

Result<std::vector<Placeholder>> placeholders_of(std::string_view text) {
  std::vector<Placeholder> out;
  LINLI_CHECK(
      walk(text, [](std::string_view) {}, [&](const Placeholder& place) { out.push_back(place); }));
  return out;
}

const Json* find_value(const Json& values, std::string_view name) {
  const Json* at = &values;
  while (true) {
    if (!at->is_object()) return nullptr;
    const std::size_t dot = name.find('.');
    const auto member = at->find(name.substr(0, dot));
    if (member == at->end()) return nullptr;
    at = &*member;
    if (dot == std::string_view::npos) return at;
    name.remove_prefix(dot + 1);
  }
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? std::string() : dump_json(value);
}

bool is_empty_value(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.is_null() || (value.is_structured() && value.empty());
}

std::string render_text(std::string_view text, const Json& values, Escape escape) {
  std::string out;
  const auto done = walk(
      text, [&](std::string_view literal) { out += literal; },
      [&](const Placeholder& place) {
        append_escaped(out, text_of(value_of(place, values)), place.is_raw ? Escape::none : escape);
      });
  LINLI_ASSERT(done.has_value());
  return out;
}

Json render_shape(const Json& shape, const Json& values) {
  if (shape.is_string()) {
    const auto& text = shape.get_ref<const std::string&>();
    if (const auto place = sole_value(text)) return value_of(*place, values);
    return render_text(text, values, Escape::none);
  }
  if (shape.is_array()) {
    Json out = Json::array();
    for (const Json& part : shape) out.push_back(render_shape(part, values));
    return out;
  }
  if (!shape.is_object()) return shape;
  Json out = Json::object();
  for (const auto& [key, part] : shape.items()) {
    Json value = render_shape(part, values);
    if (!key.ends_with('?')) {
      out[key] = std::move(value);
    } else if (!is_empty_value(value) && !lacks_first_value(part, values)) {
      out[key.substr(0, key.size() - 1)] = std::move(value);
    }
  }
  return out;
}

void append_escaped(std::string& out, std::string_view text, Escape escape) {
  switch (escape) {
    case Escape::none: out += text; return;
    case Escape::header: out += one_line(std::string(text)); return;
    case Escape::percent: append_percent(out, text); return;
    case Escape::xml: append_xml(out, text); return;
  }
}

}  // namespace linli::notify::http
