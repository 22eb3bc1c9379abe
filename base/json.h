// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "base/result.h"

namespace linli {

/// Keys are sorted, so the same value always dumps to the same bytes on the server.
using Json = nlohmann::json;

/// Parses one JSON text of bounded size and depth; the whole of `text` must be one value.
/// Spec:   RFC 8259; duplicate keys in one object are refused.
/// Errors: too_large, too_deep, invalid_utf8, malformed (detail names the byte offset, never quotes
///         the text). Never throws.
/// Why:    a pre-scan counts depth before nlohmann builds, so hostile nesting costs nothing.
Result<Json> parse_json(std::string_view text, std::size_t bytes_max = limits::kMutationBytesMax,
                        int depth_max = limits::kDepthMax);

/// One line, UTF-8 kept as it is. `value` holds only valid UTF-8 (as parse_json guarantees).
std::string dump_json(const Json& value);

/// The member `key` of object `from` as text; empty when absent or not text.
std::string json_text(const Json& from, std::string_view key);
/// The member `key` of object `from` as an integer; `fallback` when absent or not an integer.
std::int64_t json_int(const Json& from, std::string_view key, std::int64_t fallback = 0);
/// The member `key` of object `from` as a boolean; `fallback` when absent or not a boolean.
bool json_bool(const Json& from, std::string_view key, bool fallback = false);

}  // namespace linli
