// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace linli {

/// `off` is only a threshold.
enum class LogLevel { debug, info, warn, error, off };

/// One `key=value` of a log line. Values are numbers or short identifiers; never message bodies,
/// names, phone numbers, tokens or keys.
struct LogField {
  std::string_view key;
  std::string value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  LogField(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
};

/// One event a line, stable key order: `2026-11-23T08:00:01.120Z info sync.session.live sid=7f3a
/// rows=500`. Values with blanks, quotes or control characters are quoted and escaped, so a peer
/// cannot forge a line. Threads: any.
void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
/// Lines below `level` cost one comparison.
void set_log_level(LogLevel level);

}  // namespace linli
