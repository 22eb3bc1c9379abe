// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

/// Where a profile finds a value in what a provider said; the syntax is in README.md.
namespace linli::notify::http {

/// Bytes of a body that `match:` looks at. A receipt or an error line is shorter; more would let a
/// hostile answer cost time.
inline constexpr std::size_t kMatchBytesMax = 4096;

/// What a provider said: an answer or a web hook request. Views; the owner outlives it.
struct Said {
  int status = 0;
  const std::map<std::string, std::string, std::less<>>* headers = nullptr;
  std::string_view body;
  /// The body as JSON; null when it is none.
  const Json* json = nullptr;
  /// Of the URL, and of a form body.
  const std::vector<std::pair<std::string, std::string>>* query = nullptr;
  const std::vector<std::pair<std::string, std::string>>* form = nullptr;
  /// One element of a list, for "@/..." picks.
  const Json* row = nullptr;
};

class Pick {
 public:
  Pick() = default;
  /// Errors: invalid_argument for what is no pick, or a pattern that is no regular expression.
  static Result<Pick> parse(std::string_view text);

  [[nodiscard]] bool is_set() const { return kind_ != Kind::none; }
  /// Absent when there is nothing at that place, or null.
  [[nodiscard]] std::optional<Json> from(const Said& said) const;
  /// As text; empty when absent.
  [[nodiscard]] std::string text(const Said& said) const;

 private:
  enum class Kind { none, pointer, row, status, header, query, form, match, body };
  using Path = std::vector<std::string>;

  Kind kind_ = Kind::none;
  std::string name_;
  /// Steps into JSON; each further path parses the text found so far as JSON first.
  std::vector<Path> paths_;
  std::shared_ptr<const std::regex> pattern_;
};

/// `text` as the fields of an application/x-www-form-urlencoded body.
/// Errors: malformed (a bad %xx, not UTF-8), too_large (more than 256 fields).
Result<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text);

}  // namespace linli::notify::http
