// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "notify/outcome.h"

/// What people write back, the same over every channel that hears it (M21).
namespace linli::notify {

/// Longest text that is looked at, in bytes: answers have one character, complaints do not matter.
inline constexpr std::size_t kReplyTextBytesMax = 1024;
/// What means "no more of this", where the operator says nothing else; as fold_reply() gives them.
inline constexpr std::array<std::string_view, 6> kOptOutWords = {"R", "TD",   "T",
                                                                 "N", "退订", "拒收"};

/// Capitals, half width, without blanks and full stops around.
std::string fold_reply(std::string_view text);

/// A reply of `address`: a word of `opt_out` (folded) ends the address, digits answer the question,
/// anything else only tells that somebody wrote.
Receipt reply_of(std::string address, std::string_view text, std::span<const std::string> opt_out);

/// A number as a person's entry may have it: with and without the country code of the mainland;
/// twice the same for every other address.
using Spellings = std::array<std::string, 2>;
Spellings spellings_of(const std::string& address);

}  // namespace linli::notify
