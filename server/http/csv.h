// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// Tables as offices have them: comma separated, from Excel, in UTF-8 or GB18030 (decision F2).
namespace linli::http {

struct CsvRecord {
  /// Line of the file where the record starts, from 1.
  std::size_t line = 0;
  std::vector<std::string> fields;
};

/// Spec: RFC 4180; also LF alone, and ';' or tab when the first line has more of them than commas.
/// Empty lines are skipped. A quote inside an unquoted field is text.
/// Errors: malformed (a quoted field that never ends; detail names its line), too_large.
Result<std::vector<CsvRecord>> parse_csv(std::string_view text, std::size_t records_max);

/// UTF-8 with or without byte order mark stays, UTF-16 with one and GB18030 become UTF-8.
/// Errors: invalid_utf8 when it is none of them.
Result<std::string> to_utf8(std::string_view bytes);

}  // namespace linli::http
