// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sync/store/sqlite/connection.h"

namespace linli::sync::sqlite {

/// Table or index names as small integers, cached. Names are never removed or renamed, so what is
/// cached stays true, except after a rollback of the transaction that made it: forget().
class Names {
 public:
  enum class Kind { table, index };
  Names(Connection& connection, Kind kind) : connection_(connection), kind_(kind) {}

  std::optional<std::int64_t> find(std::string_view name);
  /// Only inside a write transaction.
  std::int64_t find_or_add(std::string_view name);
  /// Throws Fault(corrupt) when there is no such id.
  const std::string& name(std::int64_t id);
  void forget();

 private:
  std::int64_t remember(std::int64_t id, std::string_view name);

  Connection& connection_;
  const Kind kind_;
  std::map<std::string, std::int64_t, std::less<>> ids_;
  std::unordered_map<std::int64_t, std::string> names_;
};

}  // namespace linli::sync::sqlite
