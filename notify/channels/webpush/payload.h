// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "notify/model.h"

namespace linli::notify::webpush {

struct PayloadOptions {
  std::size_t bytes_max = 0;
  bool correction_sounds = false;
};

/// What the service worker gets: enough to show a notification before the app has synced.
///
///     {"v":1, "id": notice, "rev": n, "kind": "notice", "sev": "red", "tag": "...",
///      "title": "...", "line": "...", "silent": false}
///
/// `line` is absent when empty. Title and line are shortened at grapheme clusters to fit into
/// `bytes_max`: the title to no less than a quarter of the room, then the line.
/// Errors: too_large when the rest alone does not fit.
Result<std::string> write_payload(const Message& message, std::string_view tag,
                                  const PayloadOptions& options);

/// Value of the header `Topic` for one notice (RFC 8030 §5.4): 32 characters of base64url, another
/// for every other `collapse`.
std::string topic_of(std::string_view collapse);

}  // namespace linli::notify::webpush
