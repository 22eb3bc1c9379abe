// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "notify/channel.h"

/// The lines between an exec channel and its program; README.md has examples. Pure functions.
namespace linli::notify::exec {

/// A longer line of the program is refused: an outcome has 1 KiB.
inline constexpr std::size_t kLineBytesMax = 64 * 1024;

/// {"type":"send","id":"7",...}; without the line end.
std::string encode_item(const Item& item);

/// The outcome in a line {"id":"7","outcome":"accepted",...}.
/// Errors: malformed, naming the member.
Result<Outcome> parse_outcome_line(const Json& line);
/// The receipt in a line {"receipt":{...}}. Errors: malformed.
Result<Receipt> parse_receipt_line(const Json& receipt);
/// "7" as a delivery.
std::optional<DeliveryId> parse_id(const Json& line, std::string_view key);

}  // namespace linli::notify::exec
