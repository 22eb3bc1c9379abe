// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/http/pick.h"

#include <charconv>

#include "base/bytes.h"
#include "notify/channels/http/render.h"

namespace linli::notify::http {
namespace {

constexpr std::size_t kFormFieldsMax = 256;
/// JSON inside a text of JSON (HMS): as long as an answer may be.
constexpr std::size_t kInnerBytesMax = 256 * 1024;

/// Spec: RFC 6901 §3 and §4.
std::vector<std::string> parse_pointer(std::string_view text) {
  std::vector<std::string> out;
  while (text.starts_with('/')) {
    text.remove_prefix(1);
    const std::size_t end = text.find('/');
    std::string token;
    const std::string_view raw = text.substr(0, end);
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const bool is_escape = raw[i] == '~' && i + 1 < raw.size();
      token += !is_escape ? raw[i] : raw[++i] == '1' ? '/' : '~';
    }
    out.push_back(std::move(token));
    text.remove_prefix(raw.size());
  }
  return out;
}

const Json* step(const Json& from, const std::string& token) {
  if (from.is_object()) {
    const auto found = from.find(token);
    return found == from.end() ? nullptr : &*found;
  }
  if (!from.is_array()) return nullptr;
  std::size_t index = 0;
  const char* const end = token.data() + token.size();
  const auto read = std::from_chars(token.data(), end, index);
  if (read.ec != std::errc() || read.ptr != end || index >= from.size()) return nullptr;
  return &from[index];
}

const Json* walk(const Json* from, const std::vector<std::string>& path) {
  for (const std::string& token : path) {
    if (from == nullptr) return nullptr;
    from = step(*from, token);
  }
  return from;
}

std::optional<Json> named(const std::vector<std::pair<std::string, std::string>>* fields,
                          const std::string& name) {
  if (fields == nullptr) return std::nullopt;
  for (const auto& [key, value] : *fields) {
    if (key == name) return Json(value);
  }
  return std::nullopt;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> form_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(Errc::malformed, "form: a % without two digits");
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  if (!is_valid_utf8(out)) return fail(Errc::malformed, "form: not UTF-8");
  return out;
}

}  // namespace

Result<Pick> Pick::parse(std::string_view text) {
  Pick out;
  const auto after = [&](std::string_view prefix) {
    out.name_ = text.substr(prefix.size());
    return !out.name_.empty();
  };
  if (text == "status") {
    out.kind_ = Kind::status;
  } else if (text == "body") {
    out.kind_ = Kind::body;
  } else if (text.starts_with("header:") && after("header:")) {
    out.kind_ = Kind::header;
  } else if (text.starts_with("query:") && after("query:")) {
    out.kind_ = Kind::query;
  } else if (text.starts_with("form:") && after("form:")) {
    out.kind_ = Kind::form;
  } else if (text.starts_with("match:") && after("match:")) {
    out.kind_ = Kind::match;
    // Polynomial: no back-tracking and no recursion over the text, whatever a peer sends.
    try {
      out.pattern_ = std::make_shared<const std::regex>(
          out.name_, std::regex::ECMAScript | std::regex_constants::__polynomial);
    } catch (const std::regex_error&) {
      return fail(Errc::invalid_argument, "not a regular expression: " + out.name_);
    }
  } else if (text.empty() || text.starts_with('/') || text.starts_with('@')) {
    out.kind_ = text.starts_with('@') ? Kind::row : Kind::pointer;
    if (out.kind_ == Kind::row) text.remove_prefix(1);
    while (true) {
      const std::size_t bar = text.find('|');
      const std::string_view path = text.substr(0, bar);
      if (!path.empty() && !path.starts_with('/'))
        return fail(Errc::invalid_argument, "not a JSON pointer: " + std::string(path));
      out.paths_.push_back(parse_pointer(path));
      if (bar == std::string_view::npos) break;
      text.remove_prefix(bar + 1);
    }
  } else {
    return fail(Errc::invalid_argument, "not a place in an answer: " + std::string(text));
  }
  return out;
}

std::optional<Json> Pick::from(const Said& said) const {
  switch (kind_) {
    case Kind::none: return std::nullopt;
    case Kind::status: return Json(std::to_string(said.status));
    case Kind::body: return Json(std::string(said.body));
    case Kind::query: return named(said.query, name_);
    case Kind::form: return named(said.form, name_);
    case Kind::header: {
      if (said.headers == nullptr) return std::nullopt;
      const auto found = said.headers->find(name_);
      return found == said.headers->end() ? std::nullopt : std::optional(Json(found->second));
    }
    case Kind::match: {
      const std::string_view head = said.body.substr(0, kMatchBytesMax);
      std::match_results<std::string_view::const_iterator> found;
      if (!std::regex_search(head.begin(), head.end(), found, *pattern_)) return std::nullopt;
      return Json(found[found.size() > 1 ? 1 : 0].str());
    }
    case Kind::pointer:
    case Kind::row: break;
  }
  const Json* at = walk(kind_ == Kind::row ? said.row : said.json, paths_.front());
  Json inner;
  for (std::size_t i = 1; i < paths_.size() && at != nullptr; ++i) {
    if (!at->is_string()) return std::nullopt;
    auto parsed = parse_json(at->get<std::string>(), kInnerBytesMax);
    if (!parsed) return std::nullopt;
    inner = std::move(*parsed);
    at = walk(&inner, paths_[i]);
  }
  if (at == nullptr || at->is_null()) return std::nullopt;
  return *at;
}

std::string Pick::text(const Said& said) const {
  const auto value = from(said);
  return value ? text_of(*value) : std::string();
}

Result<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (field.empty()) continue;
    if (out.size() == kFormFieldsMax) return fail(Errc::too_large, "form: too many fields");
    const std::size_t equals = field.find('=');
    LINLI_TRY(std::string key, form_decoded(field.substr(0, equals)));
    LINLI_TRY(std::string value,
              form_decoded(equals == std::string_view::npos ? std::string_view()
                                                            : field.substr(equals + 1)));
    out.emplace_back(std::move(key), std::move(value));
  }
  return out;
}

}  // namespace linli::notify::http
