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

/// Pulls CBOR items (RFC 8949) out of a message; the same calls as JsonReader.
///
/// Errors stick: after the first one every call returns an empty value and every loop ends, so a
/// caller asks ok() once. Definite lengths only, no tags, no floats, keys are text, depth is
/// bounded; a length is compared with the bytes that remain before it is believed.
/// Threads: one. Views are valid until the next call.
class CborReader {
 public:
  explicit CborReader(std::string_view message) : in_(message) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const Error& error() const { return error_; }
  /// Keeps the first error only.
  void fail(Errc code, std::string_view what);
  /// Nothing but the end follows.
  bool at_end() { return at_ == in_.size(); }
  /// After each frame of a message.
  void end_frame() {}

  /// while (next_key(name)) value...; leaves the map when it returns false.
  bool enter_map() { return enter(5); }
  bool next_key(std::string_view& name);
  bool enter_array() { return enter(4); }
  bool next_element();

  std::string_view text();
  /// Row data and arguments: UTF-8 in a byte string.
  std::string_view carried();
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
  struct Head {
    std::uint8_t major = 0;
    std::uint8_t low = 0;
    std::uint64_t argument = 0;
  };
  struct Level {
    /// Items: a member counts twice.
    std::uint64_t items = 0;
    bool is_map = false;
  };

  Head head();
  bool enter(std::uint8_t major);
  bool open(const Head& head);
  void start_any();
  std::string_view chunk(std::uint8_t major);
  std::string_view take(std::uint64_t size);

  std::string_view in_;
  std::size_t at_ = 0;
  std::array<Level, limits::kDepthMax> levels_{};
  std::size_t depth_ = 0;
  bool ok_ = true;
  Error error_;
};

}  // namespace linli::sync
