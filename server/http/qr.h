// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// QR codes through libqrencode, error correction M: a slip gets folded and stained.
namespace linli::http {

/// Inline SVG of unit modules with the quiet zone of 4. Errors: too_large.
Result<std::string> qr_svg(std::string_view text);
/// For a terminal: two modules a character, dark on light whatever the terminal's colours.
Result<std::string> qr_terminal(std::string_view text);

}  // namespace linli::http
