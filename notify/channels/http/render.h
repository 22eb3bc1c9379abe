// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

/// Templates of profiles: `{{name}}`, `{{name|filter}}`; see README.md for names and filters.
///
/// A value is escaped for the place it goes to, never by the author of the profile: values inside a
/// JSON shape become JSON values, everything else goes through an Escape. Pure functions.
namespace linli::notify::http {

enum class Escape : std::uint8_t {
  none,     ///< texts for people and for signatures
  header,   ///< control characters become blanks
  percent,  ///< URL paths, queries and forms: all but the unreserved of RFC 3986 §2.3
  xml,      ///< & < > " ' become entities; control characters that XML forbids become blanks
};

struct Placeholder {
  /// Dotted path into the values: "settings.sign_name".
  std::string name;
  /// Empty, or one of e164, national, int31, csv, line, json.
  std::string filter;
  /// `{{!name}}`: not escaped. Only for what the operator wrote.
  bool is_raw = false;
  /// `{{=name}}`: in JSON shapes the value itself, of whatever type.
  bool is_value = false;
};

/// The placeholders of `text` in order.
/// Errors: invalid_argument on an unclosed or empty one, a bad name or an unknown filter.
Result<std::vector<Placeholder>> placeholders_of(std::string_view text);

/// The value named by a dotted path; nullptr when there is none.
const Json* find_value(const Json& values, std::string_view name);
/// Texts as they are, numbers and booleans as JSON writes them, nothing for null; containers as
/// JSON text.
std::string text_of(const Json& value);
bool is_empty_value(const Json& value);

/// `text` must have passed placeholders_of(). A name without value gives nothing.
std::string render_text(std::string_view text, const Json& values, Escape escape);

/// Renders every text inside `shape`. A text that is just `{{=name}}` becomes the value itself; a
/// member whose key ends in '?' loses the '?', and is left out when its value or the first
/// placeholder in it is empty.
Json render_shape(const Json& shape, const Json& values);

/// Appends `text` for a place that asks for `escape`.
void append_escaped(std::string& out, std::string_view text, Escape escape);

}  // namespace linli::notify::http
