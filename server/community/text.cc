// SPDX-License-Identifier: Apache-2.0
#include "server/community/text.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace linli::community {
namespace {

/// Longer ones are written in a box of several lines.
constexpr std::int64_t kOneLineMax = 100;

/// The code point at `at`, which moves behind it. JSON texts are valid UTF-8.
char32_t next_of(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<std::uint8_t>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  char32_t out = lead & (0x3fU >> more);
  for (int i = 0; i < more && at < text.size(); ++i)
    out = (out << 6) | (static_cast<std::uint8_t>(text[at++]) & 0x3fU);
  return out;
}

bool is_break(char32_t c) { return c == '\n' || c == '\r' || c == '\t'; }

/// Source: Unicode 15, UAX #9 (explicit direction marks) and general categories Cc, Zl, Zp.
bool is_hidden(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || (c & 0xfffeU) == 0xfffe || (c >> 8) == 0xe00;
}

bool is_blank(char32_t c) {
  return c == ' ' || c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200b) || is_break(c);
}

Result<void> check_text(const Json& schema, std::string_view text, const std::string& name) {
  const bool is_line = json_int(schema, "maxLength", kOneLineMax) <= kOneLineMax;
  bool is_empty = true;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_of(text, at);
    if (is_break(c) && is_line)
      return fail(Errc::invalid_argument, name + ": one line, without line breaks");
    if (is_hidden(c) && !is_break(c))
      return fail(Errc::invalid_argument, name + ": holds a character that is not shown");
    is_empty = is_empty && is_blank(c);
  }
  if (is_empty && json_int(schema, "minLength") > 0)
    return fail(Errc::invalid_argument, name + ": is empty");
  return {};
}

Result<void> check_value(const Json& schema, const Json& value, const std::string& name) {
  if (value.is_string()) return check_text(schema, value.get_ref<const std::string&>(), name);
  if (value.is_array() && schema.contains("items")) {
    for (const Json& item : value) LINLI_CHECK(check_value(schema.at("items"), item, name));
    return {};
  }
  const auto properties = schema.find("properties");
  if (!value.is_object() || properties == schema.end()) return {};
  for (const auto& [member, part] : value.items())
    if (const auto known = properties->find(member); known != properties->end())
      LINLI_CHECK(check_value(*known, part, member));
  return {};
}

}  // namespace

Result<void> check_texts(const Json& schema, const Json& args) {
  return check_value(schema, args, "text");
}

}  // namespace linli::community
