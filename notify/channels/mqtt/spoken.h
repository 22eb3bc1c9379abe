// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "notify/model.h"

/// What a loudspeaker says (notify.md §5 trap 35).
namespace linli::notify::mqtt {

/// Digits as a voice is to read them, one by one: "3号楼101室" is 三号楼幺零幺室, "10.5" 一零点五.
/// From three digits on 1 is 幺: over a loudspeaker 一 and 七 sound alike. Full-width digits count.
/// `text` is UTF-8.
std::string spell_digits(std::string_view text);

/// The place first, so that everybody knows whether to go on listening; then what it is, what to do
/// and who says so, as sentences. Without line breaks, links and control characters.
std::string spoken_text(std::string_view place, const Message& message);

}  // namespace linli::notify::mqtt
