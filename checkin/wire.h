// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/crypto.h"

/// Bytes of codes and entries: fixed fields big-endian, texts behind their length
/// (docs/PROTOCOL.md section 12).
namespace linli::checkin {

/// Ids of teams, shifts, places and persons, in bytes.
inline constexpr std::size_t kIdBytesMax = 32;
/// A reason that a lead types.
inline constexpr std::size_t kNoteBytesMax = 300;
/// Two hashes and a time: more than any kind of evidence needs.
inline constexpr std::size_t kEvidenceBytesMax = 72;

using Nonce = std::array<std::uint8_t, 8>;

/// Text of at most 255 bytes behind one byte of length.
void append_short(std::string& out, std::string_view text);
/// `magic` in front of the base64url of `raw` and `sig`.
std::string to_code(std::string_view magic, std::string_view raw, ByteView sig);
/// The bytes behind `magic`. Errors: malformed.
Result<std::string> from_code(std::string_view magic, std::string_view text);

/// Reads from the front; after the first failure everything fails.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number(std::size_t bytes);
  std::string_view take(std::size_t bytes);
  /// Behind `length_bytes` of length; fails beyond `bytes_max`.
  std::string_view text(std::size_t length_bytes, std::size_t bytes_max);
  template <std::size_t n>
  std::array<std::uint8_t, n> array() {
    std::array<std::uint8_t, n> out{};
    const std::string_view bytes = take(n);
    std::copy_n(bytes.begin(), bytes.size(), out.begin());
    return out;
  }
  void refuse() { is_bad_ = true; }
  /// Nothing failed and nothing is left.
  [[nodiscard]] bool is_done() const { return !is_bad_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool is_bad_ = false;
};

}  // namespace linli::checkin
