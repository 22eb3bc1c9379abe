// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/crypto.h"

/// Short links that acknowledge one notice for exactly one person (decision M21).
namespace linli::notify {

/// Where links lead and what their tokens are made with.
struct LinkMaker {
  /// "https://host/c/<slug>/a/"; empty = nobody gets a link.
  std::string prefix;
  /// A token is computed, so that every rung of a ladder and every retry carries the same one.
  Secret key;
};

/// Characters of a token: base64url of 128 bits.
inline constexpr std::size_t kLinkTokenLength = 22;

std::string link_token(const LinkMaker& maker, std::string_view notice, std::string_view person);
/// What is stored of a token.
std::string link_hash(std::string_view token);

}  // namespace linli::notify
