// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace linli::community {

/// Refuses what a screen would not show as it was typed: control characters, marks that turn the
/// direction of writing, line breaks in short texts, and blanks alone where a text is needed.
/// `schema` is that of `args`; a text of at most 100 characters is one line.
/// Errors: invalid_argument; detail names the member, never the text.
Result<void> check_texts(const Json& schema, const Json& args);

}  // namespace linli::community
