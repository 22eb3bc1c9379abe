// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace linli::notify {

/// Splits text into what a reader takes for one character: a letter with its marks, a family of
/// emoji, a keycap, a flag, CR LF. join(result) = text.
/// Spec: UAX #29 extended grapheme clusters, Unicode 15.0 (utf8proc).
/// The views point into `text`, which holds no surrogates.
std::vector<std::u32string_view> split_graphemes(std::u32string_view text);

}  // namespace linli::notify
