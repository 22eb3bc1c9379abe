// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "notify/text/sms_coding.h"

/// Cutting a text into the parts of a text message (3GPP TS 23.040 §9.2.3.24.1).
namespace linli::notify {

/// User data of one part on the air, header included (TS 23.040 §9.2.3.16).
inline constexpr std::size_t kSmsOctets = 140;
/// Concatenation header with an 8-bit reference: 05 00 03 ref total number.
inline constexpr std::size_t kConcatHeaderOctets = 6;
/// The part number is one octet.
inline constexpr std::size_t kSmsPartsMax = 255;

/// Units of a message of one part: 160 or 70.
std::uint32_t single_units_max(SmsCoding coding) noexcept;
/// Units of each part of several, after the header: 153 or 67.
std::uint32_t part_units_max(SmsCoding coding) noexcept;
/// Octets on the air of `units`, septets packed, with the header and its fill bits when
/// `has_header`.
std::size_t user_data_octets(SmsCoding coding, std::uint32_t units, bool has_header) noexcept;

struct SmsPart {
  /// UTF-8.
  std::string text;
  std::uint32_t units = 0;
};

struct SmsSplit {
  SmsCoding coding = SmsCoding::gsm7;
  /// Never empty; join = the text. One part carries no header.
  std::vector<SmsPart> parts;
};

struct SplitOptions {
  /// At most kSmsPartsMax.
  std::size_t parts_max = kSmsPartsMax;
  /// Text that the peer puts before or after ours on its side, valid UTF-8: it counts for coding
  /// and room, but is not in the parts (notify.md §5 trap 10).
  std::string_view before{};
  std::string_view after{};
  /// UCS-2 although GSM-7 would do, for peers whose default alphabet is another.
  bool ucs2_only = false;
};

/// Cuts `text` into the fewest parts that split no grapheme cluster; one that is longer than a part
/// by itself is cut between code points, never inside a surrogate pair or GSM-7 escape.
/// Errors: invalid_utf8; too_large (more than parts_max).
/// Cost: linear in the text. Threads: any.
Result<SmsSplit> split_sms(std::string_view text, const SplitOptions& options = {});

}  // namespace linli::notify
