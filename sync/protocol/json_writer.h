// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace linli::sync {

/// Appends `text` (valid UTF-8) as one quoted JSON string. Grows `out` once.
void append_json_string(std::string& out, std::string_view text);

/// Appends one JSON value to a string; the same calls as CborWriter. The caller balances begin and
/// end; counts are for the sibling and not looked at. Threads: one.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_map(std::size_t /*members*/) { open('{'); }
  void end_map() { close('}'); }
  void begin_array(std::size_t /*elements*/) { open('['); }
  void end_array() { close(']'); }
  /// `name` is one of ours: plain ASCII.
  void key(std::string_view name);

  void text(std::string_view value);
  /// Text that nobody re-serialises: row data and arguments.
  void carried(std::string_view value) { text(value); }
  void integer(std::uint64_t value);
  void integer(std::int64_t value);
  void boolean(bool value);
  void bytes(ByteView value);
  /// The sum of a digest.
  void sum(std::uint64_t value);

 private:
  void separate() {
    if (comma_) out_.push_back(',');
    comma_ = true;
  }
  void open(char bracket) {
    separate();
    out_.push_back(bracket);
    comma_ = false;
  }
  void close(char bracket) {
    out_.push_back(bracket);
    comma_ = true;
  }

  std::string& out_;
  bool comma_ = false;
};

}  // namespace linli::sync
