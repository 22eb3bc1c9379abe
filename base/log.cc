// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <atomic>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/bytes.h"

namespace linli {
namespace {

/// Longest value of a line; a peer must not fill the disk through an error text.
constexpr std::size_t kValueBytesMax = 1024;

std::atomic<LogLevel> lowest{LogLevel::info};

spdlog::logger& sink() {
  // Leaked, so that a destructor of static storage may still log.
  static spdlog::logger& logger = *[] {
    auto made = std::make_unique<spdlog::logger>("linli",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::trace);
    return made.release();
  }();
  return logger;
}

constexpr std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
    case LogLevel::off: break;
  }
  return "error";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::err;
}

/// Bytes of the character at the start of `text` (valid UTF-8, not empty) that breaks or turns a
/// line in some viewer: C1 controls, line separators, bidirectional overrides. 0 when harmless.
std::size_t hostile_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (byte(0) == 0xc2 && byte(1) < 0xa0) return 2;
  if (byte(0) != 0xe2) return 0;
  if (byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) return 3;
  if (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9) return 3;
  return 0;
}

void append_hex_escape(std::string& out, std::string_view bytes) {
  for (const char c : bytes) out += "\\x" + to_hex(as_bytes({&c, 1}));
}

/// The text between the quotes.
std::string escape(std::string_view value) {
  const bool is_text = is_valid_utf8(value);
  std::string out;
  while (!value.empty()) {
    const char c = value.front();
    const auto byte = static_cast<std::uint8_t>(c);
    std::size_t taken = 1;
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_text)) {
      append_hex_escape(out, value.substr(0, 1));
    } else if (const std::size_t bad = byte < 0x80 ? 0 : hostile_bytes(value); bad > 0) {
      append_hex_escape(out, value.substr(0, bad));
      taken = bad;
    } else {
      out += c;
    }
    value.remove_prefix(taken);
  }
  return out;
}

void append_value(std::string& out, std::string_view value) {
  const bool cut = value.size() > kValueBytesMax;
  if (cut) {
    std::size_t end = kValueBytesMax;
    while (end > 0 && (static_cast<std::uint8_t>(value[end]) & 0xc0) == 0x80) --end;
    value = value.substr(0, end);
  }
  const std::string escaped = escape(value);
  const bool plain = escaped == value && !value.empty() && !cut &&
                     value.find_first_of(" =") == std::string_view::npos;
  if (plain) {
    out += escaped;
  } else {
    ((out += '"') += escaped) += cut ? "...\"" : "\"";
  }
}

}  // namespace

void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < lowest.load(std::memory_order_relaxed)) return;
  std::string line(level_name(level));
  line += ' ';
  append_value(line, event);
  for (const LogField& field : fields) {
    ((line += ' ') += field.key) += '=';
    append_value(line, field.value);
  }
  sink().log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

void set_log_level(LogLevel level) { lowest.store(level, std::memory_order_relaxed); }

}  // namespace linli
