// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace linli::notify {

/// Reads a channel's table of the configuration; the first thing that is wrong is kept until
/// finish(), so that a reader is straight code.
class SettingsReader {
 public:
  struct Range {
    std::int64_t min = 0;
    std::int64_t max = 0;
  };

  /// `settings` outlives the reader.
  explicit SettingsReader(const Json& settings) : settings_(settings) {}

  /// One line without control characters. A value of the wrong type counts as wrong.
  std::string text(std::string_view key, std::string_view fallback = {});
  std::string required_text(std::string_view key);
  std::int64_t integer(std::string_view key, std::int64_t fallback, Range range);
  bool flag(std::string_view key, bool fallback);
  std::vector<std::string> texts(std::string_view key, std::vector<std::string> fallback);
  /// A table within the table; an empty object when absent.
  const Json& table(std::string_view key);
  [[nodiscard]] bool has(std::string_view key) const { return settings_.contains(key); }
  /// Says that the value of `key` is wrong.
  void refuse(std::string_view key, std::string_view why);

  /// Errors: invalid_argument, naming the key and what is wrong with it.
  [[nodiscard]] Result<void> finish() const;
  /// As finish(), but a key that was never asked for is wrong as well: for tables that nobody else
  /// reads. The channel's own table holds keys of the gateway, too.
  [[nodiscard]] Result<void> finish_all();

 private:
  const Json* find(std::string_view key);

  const Json& settings_;
  std::set<std::string, std::less<>> known_;
  std::string wrong_;
};

}  // namespace linli::notify
