// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "sync/store/sqlite/connection.h"

namespace linli::sync::sqlite {

/// One step forward; the file's PRAGMA user_version is the number of the last step it has had.
struct Migration {
  /// 1, 2, 3 ... without holes. DISK: never renumber, never edit a released step.
  int number;
  const char* title;
  const char* sql;
};

/// Every step, ascending.
std::span<const Migration> migrations();

/// Brings the file to the newest step, each step in its own transaction.
/// Throws; Fault(unsupported_version) when a newer program wrote the file.
void migrate(Connection& connection, std::span<const Migration> steps);

}  // namespace linli::sync::sqlite
