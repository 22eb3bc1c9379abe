// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace linli::sync {

/// Appends one CBOR item (RFC 8949, definite lengths, shortest form) to a string; the same calls as
/// JsonWriter. The caller writes as many members and elements as it announced. Threads: one.
class CborWriter {
 public:
  explicit CborWriter(std::string& out) : out_(out) {}

  void begin_map(std::size_t members) { head(5, members); }
  void end_map() {}
  void begin_array(std::size_t elements) { head(4, elements); }
  void end_array() {}
  void key(std::string_view name) { text(name); }

  void text(std::string_view value) {
    head(3, value.size());
    out_.append(value);
  }
  /// Text that nobody re-serialises: row data and arguments, as a byte string.
  void carried(std::string_view value) { bytes(as_bytes(value)); }
  void integer(std::uint64_t value) { head(0, value); }
  void integer(std::int64_t value) {
    if (value < 0) return head(1, ~static_cast<std::uint64_t>(value));
    head(0, static_cast<std::uint64_t>(value));
  }
  void boolean(bool value) { out_.push_back(value ? '\xf5' : '\xf4'); }
  void bytes(ByteView value) {
    head(2, value.size());
    out_.append(as_text(value));
  }
  /// The sum of a digest.
  void sum(std::uint64_t value) {
    head(2, 8);
    append_u64be(out_, value);
  }

 private:
  void head(std::uint8_t major, std::uint64_t argument);

  std::string& out_;
};

}  // namespace linli::sync
