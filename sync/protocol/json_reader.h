// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/errc.h"
#include "base/limits.h"
#include "base/result.h"
#include "sync/protocol/wire.h"

namespace linli::sync {

/// Pulls JSON values (RFC 8259) out of a message of lines; the same calls as CborReader.
///
/// Errors stick: after the first one every call returns an empty value and every loop ends, so a
/// caller asks ok() once. Numbers are integers; depth is bounded; a line feed is only the end of a
/// frame, so a peer may split a message at line feeds before it parses anything.
/// Threads: one. Views are valid until the next call.
class JsonReader {
 public:
  explicit JsonReader(std::string_view message);

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const Error& error() const { return error_; }
  /// Keeps the first error only.
  void fail(Errc code, std::string_view what);
  /// Nothing but blanks follows.
  bool at_end();
  /// After each frame of a message: takes its line feed.
  void end_frame();

  /// while (next_key(name)) value...; leaves the map when it returns false.
  bool enter_map() { return enter('{'); }
  bool next_key(std::string_view& name);
  bool enter_array() { return enter('['); }
  bool next_element() { return next_item(']'); }

  std::string_view text();
  /// Row data and arguments.
  std::string_view carried() { return text(); }
  std::string bytes();
  /// Exactly out.size() bytes.
  void bytes(std::span<std::uint8_t> out);
  std::uint64_t integer(std::uint64_t max = wire::kIntegerMax);
  std::int64_t signed_integer();
  bool boolean();
  /// The sum of a digest.
  std::uint64_t sum();
  /// Any value, with the same bounds as the values we know.
  void skip();

  /// Only between frames.
  [[nodiscard]] std::size_t mark() const { return at_; }
  void rewind(std::size_t mark) { at_ = mark, depth_ = 0; }

 private:
  struct Level {
    bool is_map = false;
    bool is_first = false;
  };

  /// The next byte after blanks; 0 at the end.
  char peek();
  bool expect(char c);
  bool word(std::string_view literal);
  bool enter(char bracket);
  bool next_item(char closer);
  void start_any();
  /// Replaces scratch_; false when an escape is wrong.
  bool unescape(std::string_view raw);

  std::string_view in_;
  std::size_t at_ = 0;
  std::string scratch_;
  std::array<Level, limits::kDepthMax> levels_{};
  std::size_t depth_ = 0;
  bool ok_ = true;
  Error error_;
};

}  // namespace linli::sync
