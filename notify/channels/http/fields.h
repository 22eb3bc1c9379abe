// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace linli::notify::http {

/// Reads one object of a profile strictly: a key that nobody asked for is an error, so that a
/// misspelt one is never silently without effect. The first fault is kept; finish() tells it.
class Fields {
 public:
  /// `where` names the object in errors: "reply.items".
  Fields(const Json& object, std::string where);

  /// nullptr when absent.
  const Json* find(std::string_view key);
  bool has(std::string_view key) const;
  std::string text(std::string_view key, std::string fallback = {});
  /// As text(), but absent or empty is a fault.
  std::string needed(std::string_view key);
  std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t min,
                       std::int64_t max);
  bool flag(std::string_view key, bool fallback = false);
  /// An object or array; null when absent.
  Json object(std::string_view key);
  Json array(std::string_view key);

  void fault(std::string_view key, std::string_view what);
  /// The place of a member, for nested readers.
  [[nodiscard]] std::string at(std::string_view key) const;
  /// Errors: invalid_argument with the place and what is wrong there.
  [[nodiscard]] Result<void> finish() const;

 private:
  const Json& object_;
  std::string where_;
  std::set<std::string, std::less<>> used_;
  std::string fault_;
};

}  // namespace linli::notify::http
