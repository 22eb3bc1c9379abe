// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace linli::notify {

/// At most `bytes_max` bytes of valid UTF-8 `text`, cut between two grapheme clusters and ended
/// by an ellipsis; empty when not even one cluster fits.
std::string shorten(std::string_view text, std::size_t bytes_max);

}  // namespace linli::notify
