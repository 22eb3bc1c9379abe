// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

/// From a clerk's table of residents to bounded mutations (decision F2). Pure.
namespace linli::http {

inline constexpr std::size_t kImportRowsMax = 20'000;
/// Persons of one people.import_row.
inline constexpr std::size_t kImportPersonsMax = 20;
/// Faults that are told one by one.
inline constexpr std::size_t kImportFaultsMax = 200;

struct ImportFault {
  std::size_t line = 0;
  /// Plain Chinese: what is wrong and what to do.
  std::string sentence;
};
struct ImportLine {
  /// First line of the file that belongs to it.
  std::size_t line = 0;
  /// Arguments of people.import_row without batch and dry_run.
  Json args;
};
struct ImportPlan {
  /// One household each, in order of the file.
  std::vector<ImportLine> lines;
  std::vector<ImportFault> faults;
  std::size_t rows = 0;
  std::size_t persons = 0;
  /// Columns that nobody knows; they are ignored and named.
  std::vector<std::string> unknown_columns;
};

/// Reads a table with a header line: 门牌 (needed), 网格, 院, 楼, 门栋, 楼层, 姓名, 性别, 出生年, 电话, 座机, 标签, 独居,
/// 无手机, 行动, 语言, 邻居, 钥匙; English names of the model work too. Rows of one door are one household.
/// Errors: malformed, too_large, invalid_utf8: nothing of the file can be used.
Result<ImportPlan> plan_import(std::string_view bytes);

}  // namespace linli::http
