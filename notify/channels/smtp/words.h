// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text in mail headers (RFC 2047, RFC 5322).
namespace linli::notify::smtp {

/// Columns of a header line that no gateway folds again (RFC 5322 §2.1.1, RFC 2047 §2).
inline constexpr std::size_t kColumnsMax = 76;

/// Value of an unstructured header whose name and colon take `used` columns: plain when it is
/// printable ASCII on one line, otherwise B-encoded words, each of whole characters, folded by
/// CRLF SP. `text` is UTF-8 without control characters.
std::string encode_text(std::string_view text, std::size_t used);
/// A display name, as atoms or encoded words.
std::string encode_phrase(std::string_view name, std::size_t used);
/// Base64 in lines of kColumnsMax, each ended by CRLF.
std::string base64_lines(std::string_view bytes);
/// Whether `text` is a mailbox that may stand in a header and an SMTP command as it is: ASCII,
/// dot-atom @ name (RFC 5321 §4.1.2 without quoted strings and address literals).
bool is_mailbox(std::string_view text);

}  // namespace linli::notify::smtp
