// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

/// The header fields of tus 1.0 (https://tus.io/protocols/resumable-upload) and of ranges. Pure.
namespace linli::http {

inline constexpr std::string_view kTusVersion = "1.0.0";
inline constexpr std::string_view kTusExtensions =
    "creation,creation-with-upload,termination,expiration";
inline constexpr std::string_view kTusContentType = "application/offset+octet-stream";

/// A whole number without sign. Errors: malformed, naming the header.
Result<std::size_t> parse_count(std::string_view text, std::string_view header);

/// `Upload-Metadata`: key, blank, Base64 value; pairs separated by commas; a key may stand alone.
/// Errors: malformed (an empty or repeated key, a value that is no Base64, more than 16 pairs).
Result<std::map<std::string, std::string, std::less<>>> parse_metadata(std::string_view text);

/// Bytes [first, last] of a body.
struct ByteRange {
  std::size_t first = 0;
  std::size_t last = 0;
};
/// `Range` with one range of bytes, for a body of `size` > 0. Nothing for what may be ignored: no
/// header, another unit, several ranges. Spec: RFC 9110 §14.1.2.
/// Errors: invalid_argument when no byte of the body is in the range.
Result<std::optional<ByteRange>> parse_range(std::string_view text, std::size_t size);

/// "Sun, 06 Nov 1994 08:49:37 GMT". Spec: RFC 9110 §5.6.7.
std::string http_date(std::int64_t unix_ms);

}  // namespace linli::http
