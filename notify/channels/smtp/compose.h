// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "notify/model.h"

namespace linli::notify::smtp {

/// A longer notice does not belong into a mail; the app has it whole.
inline constexpr std::size_t kTextBytesMax = 128 * 1024;

/// What a notice says in a mail: first what to do.
struct Wording {
  std::string subject;
  std::string text;
  /// A whole document; everything from the notice is escaped, and only http links are links.
  std::string html;
};

/// `unsubscribe_url` is shown at the end; empty = none.
Wording word(const Message& message, std::string_view unsubscribe_url);

/// Whether people may be offered not to get such mail: nothing that warns of danger, whatever its
/// colour (notify.md §5 trap 32).
bool is_ordinary(const Message& message, Lane lane);

}  // namespace linli::notify::smtp
